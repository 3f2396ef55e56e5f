"""Machines as network namespaces, and cables between them that can be cut.

It wants a network and a mount namespace of its own (script/test gives it both), in which /run is its own,
too: when the last of its processes ends, all of it is gone, whatever they ended by.

A cable is a bridge with an end in either namespace. A bridge that is down lets nothing through and tells
nobody: a cut cable, as a machine sees it that is far away.
"""

import os
import subprocess

NETWORK = "10.77"


def run(*words):
    subprocess.run(words, check=True)


class Cable:
    def __init__(self, number, one, other):
        self.bridge = f"cable{number}"
        self.ends = (one, other)
        self.addresses = {one: f"{NETWORK}.{number}.1", other: f"{NETWORK}.{number}.2"}
        self.cuts = 0       # that are not healed yet

    def cut(self):
        self.cuts += 1
        run("ip", "link", "set", self.bridge, "down")

    def heal(self):
        self.cuts -= 1
        if self.cuts == 0:
            run("ip", "link", "set", self.bridge, "up")


class Network:
    def __init__(self):
        self.cables = {}
        run("mount", "-t", "tmpfs", "-o", "mode=755", "cluster", "/run")
        self.folder = "/run/cluster"    # for all that the machines write
        os.mkdir(self.folder, 0o711)
        run("ip", "link", "set", "lo", "up")

    def add_machine(self, name):
        run("ip", "netns", "add", name)
        run("ip", "-n", name, "link", "set", "lo", "up")

    def lay_cable(self, one, other):
        number = len(self.cables) + 1
        cable = Cable(number, one, other)
        run("ip", "link", "add", cable.bridge, "type", "bridge")
        for place, name in enumerate(cable.ends):
            end = f"end{number}-{place}"
            run("ip", "link", "add", end, "type", "veth", "peer", "name", f"to{number}", "netns", name)
            run("ip", "link", "set", end, "master", cable.bridge, "up")
            self.bring_up(name, f"to{number}", cable.addresses[name])
        run("ip", "link", "set", cable.bridge, "up")
        self.cables[one, other] = cable
        return cable

    def lay_way_in(self, name):
        """From where the buyers are: nobody cuts it. Returns the machine's address."""
        number = len(self.cables) + 1
        cable = self.cables[None, name] = Cable(number, None, name)
        run("ip", "link", "add", f"in{number}", "type", "veth", "peer", "name", f"to{number}", "netns", name)
        run("ip", "address", "add", f"{cable.addresses[None]}/24", "dev", f"in{number}")
        run("ip", "link", "set", f"in{number}", "up")
        self.bring_up(name, f"to{number}", cable.addresses[name])
        return cable.addresses[name]

    @staticmethod
    def bring_up(name, end, address):
        run("ip", "-n", name, "address", "add", f"{address}/24", "dev", end)
        run("ip", "-n", name, "link", "set", end, "up")

    @staticmethod
    def know(names):
        """From now on processes here find machines by these names."""
        hosts = "/run/hosts"
        with open(hosts, "w") as file:
            file.write("127.0.0.1 localhost\n")
            file.writelines(f"{address} {name}\n" for name, address in names.items())
        run("mount", "--bind", hosts, "/etc/hosts")

    @staticmethod
    def prefix(name):
        """Before a command that is to run there."""
        return ["ip", "netns", "exec", name]
