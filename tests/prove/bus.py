"""A NATS with JetStream of a test's own, that carries what is said from one node to the other: killed, frozen,
started again. What it has taken lies in files, which outlive its processes.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time

from server import Failed

START_SECONDS = 20


def is_installed():
    return shutil.which("nats-server", path=os.environ["PATH"] + ":/usr/sbin") is not None


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Bus:
    """`more` stands in its configuration, beside where it listens and keeps its files."""

    def __init__(self, folder, prefix=(), address="127.0.0.1", port=None, more=""):
        self.folder = os.path.join(folder, "bus")
        os.mkdir(self.folder, 0o700)
        self.port = port or free_port()
        self.prefix = list(prefix)
        self.process = None
        configuration = os.path.join(self.folder, "configuration")
        with open(configuration, "w") as file:
            file.write(f'listen: "{address}:{self.port}"\njetstream {{ store_dir: "{self.folder}/files" }}\n{more}')
        path = shutil.which("nats-server", path=os.environ["PATH"] + ":/usr/sbin")
        self.command = [*self.prefix, path, "-c", configuration]

    def launch(self):
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder)

    def start(self):
        """Waits until it says so: whoever asks may have no way to its port."""
        self.launch()
        until = time.monotonic() + START_SECONDS
        while "Server is ready" not in self.end_of_log():
            if time.monotonic() > until or self.process.poll() is not None:
                raise Failed(f"NATS does not start: {self.end_of_log()}")
            time.sleep(0.02)

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def signal(self, number):
        if self.process:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.process.pid, number)

    def freeze(self):
        self.signal(signal.SIGSTOP)

    def thaw(self):
        self.signal(signal.SIGCONT)

    def end_of_log(self):
        with open(os.path.join(self.folder, "log"), "rb") as log:
            return log.read()[-2000:].decode(errors="replace")

    def abandon(self):
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
