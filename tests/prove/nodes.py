"""Two servers that sell from one PostgreSQL, with rooms over one NATS (where it is installed), and what may go
wrong: of either server, of the database, of the bus.

The second server's clock may differ by minutes (tests/prove/skew.c).
"""

import collections
import os
import signal
import time

import bus
from database import Database
from one import arguments_of, strike_worker
from server import Server, name_of

FREE = ["kill", "kill", "stop", "kill_all", "master", "database", "backend", "freeze", "bus", "bus_freeze", "reload"]

BUS_PROCESS = "turnstile-bus"


class Nodes:
    NODES = 2
    MORE = ["again"] * 12
    ANSWER_SECONDS = 60
    CLOCKS = [0, 0, -421, 733]
    STRIKES = [1, 2, 4]         # how many faults a history has
    SECONDS = [0.05, 0.3, 1.0, 2.5]
    WEATHERS = ["calm", "kills", "stops", "masters", "database", "backends", "frozen", "bus", "all", "all"]
    FAULTS = {"calm": [], "kills": ["kill", "kill_all"], "stops": ["stop"], "masters": ["master"],
              "database": ["database"], "backends": ["backend"], "frozen": ["freeze"],
              "bus": ["bus", "bus_freeze"], "all": FREE}
    NAMES = ("a", "b")
    pause_seconds = 0

    def __init__(self, plan, programs, folder):
        self.plan = plan
        self.folder = folder
        self.later = []         # (when, what): what heals
        self.struck = collections.Counter()
        self.remembered = True  # by the bus
        self.killed = []        # (node, when): its master
        os.chmod(folder, 0o711)
        self.database = self.make_database(programs)
        self.bus = self.make_bus() if self.talks() else None
        self.url = self.database.url()
        self.servers = [self.make_server(name, plan, programs) for name in self.NAMES]

    @staticmethod
    def talks():
        """Without a bus each node has a chat of its own."""
        return bus.is_installed()

    @classmethod
    def without(cls):
        """What a node shows as left follows the other's sales within a second: that is asked in the end."""
        return ("left",) if cls.talks() else ("left", "say")

    def make_bus(self):
        return bus.Bus(self.folder)

    def bus_url(self, _):
        return f"nats://127.0.0.1:{self.bus.port}"

    def make_database(self, programs):
        return Database(programs.template, self.folder)

    def make_server(self, name, plan, programs, **where):
        state = os.path.join(self.folder, name)
        os.mkdir(state, 0o700)
        environment = self.environment()
        if name == self.NAMES[-1] and plan.clock_seconds and programs.skew:
            environment = {**environment, "LD_PRELOAD": programs.skew, "TURNSTILE_SKEW": str(plan.clock_seconds)}
        arguments = arguments_of(plan, self.url_for(name), state) + self.more_arguments(name)
        return Server(programs.turnstiled, arguments, state, environment, **where)

    def url_for(self, _):
        return self.url

    def environment(self):
        return {}

    def more_arguments(self, name):
        return ["--node", name, "--bus", self.bus_url(name)] if self.bus else []

    def address(self, number):
        """Of the node that has this number, or None while it does not run."""
        server = self.servers[number % len(self.servers)]
        return (server.address, server.port) if server.ready else None

    def start(self):
        self.database.start()
        if self.bus:
            self.bus.start()
        for server in self.servers:
            server.start()

    # Faults

    def heal(self, now, seconds, what):
        self.later.append((now + seconds, what))

    def strike(self, kind, chance, seconds, now):
        server = self.servers[int(chance * 2 * len(self.servers)) % len(self.servers)]
        self.struck[kind] += 1
        if kind == "master":
            if server.ready:
                server.kill()
                self.killed.append((self.servers.index(server), time.monotonic()))
                self.heal(now, seconds, server.launch)
        elif kind == "database":
            self.thaw()
            self.database.kill()
            self.heal(now, seconds, self.database_again)
        elif kind == "backend":
            self.database.kill_backend(chance)
        elif kind == "freeze":
            self.database.freeze()
            self.heal(now, seconds, self.thaw)
        elif kind == "reload" and server.ready:
            server.process.send_signal(signal.SIGHUP)
        elif kind.startswith("bus"):
            self.strike_bus(kind, seconds, now)
        elif kind == "kill_bus_process" and server.ready:
            self.kill_bus_process(server)
        elif server.ready:
            strike_worker(server, kind, chance, seconds)

    @staticmethod
    def kill_bus_process(server):
        for child in server.children():
            if name_of(child) == BUS_PROCESS:
                server.signal(child, signal.SIGKILL)

    def strike_bus(self, kind, seconds, now):
        if self.bus and kind == "bus":
            self.bus.kill()
            self.heal(now, seconds, self.bus_again)
        elif self.bus:
            self.bus.freeze()
            self.heal(now, seconds, self.bus.thaw)

    def bus_again(self):
        if not self.bus.process:
            self.bus.launch()

    def database_again(self):
        if not self.database.process:
            self.database.launch()

    def thaw(self):
        self.database.thaw()

    def turn(self, now):
        due = [what for when, what in self.later if when <= now]
        self.later = [(when, what) for when, what in self.later if when > now]
        for what in due:
            what()
        self.database.keep_up()
        for server in self.servers:
            if server.process and server.process.returncode is None:
                server.go_on(now)
                server.listen()

    def is_well(self):
        return not self.later and all(server.ready and not server.stopped for server in self.servers)

    # Its end

    def finish(self):
        for server in self.servers:
            server.finish()

    def abandon(self):
        self.thaw()
        for server in self.servers:
            server.abandon()
        self.database.abandon()
        if self.bus:
            self.bus.abandon()

    def end_of_logs(self):
        logs = [f"the log of {name}\n{server.end_of_log()}" for name, server in zip(self.NAMES, self.servers)]
        logs += [f"the log of the bus\n{self.bus.end_of_log()}"] if self.bus else []
        return "\n".join([*logs, f"the database's log\n{self.database.end_of_log()}"])
