"""A PostgreSQL of a test's own: made from a template, killed, frozen, started again. Nothing of it lasts.

It does not sync: no power goes here, and what its processes wrote outlives them.
"""

import contextlib
import glob
import os
import shutil
import signal
import subprocess
import time

from server import END_SECONDS, Failed, alive

PROGRAMS = "/usr/lib/postgresql/*/bin"
ROLE = "turnstile"
NOBODY = 65534
START_SECONDS = 30
# Shared memory in its own folder: what a killed one leaves goes with that.
SETTINGS = ["fsync=off", "shared_buffers=32MB", "max_connections=60", "dynamic_shared_memory_type=mmap"]


def find(program):
    found = sorted(glob.glob(os.path.join(PROGRAMS, program)))
    return found[-1] if found else None


def as_nobody():
    """PostgreSQL does not run as root."""
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}


def give(path):
    if os.geteuid() == 0:
        os.chown(path, NOBODY, NOBODY)


def make_template(folder):
    """A cluster that each test gets a copy of, in FOLDER, which everybody may look into."""
    path = os.path.join(folder, "template")
    os.mkdir(path, 0o700)
    give(path)
    subprocess.run([find("initdb"), "-D", path, "-U", ROLE, "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C",
                    "--no-instructions"], check=True, stdout=subprocess.DEVNULL, cwd="/", **as_nobody())
    return path


def children_of(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return [int(child) for child in file.read().split()]
    except OSError:
        return []


class Database:
    def __init__(self, template, folder, prefix=(), addresses=""):
        self.folder = os.path.join(folder, "database")
        self.data = os.path.join(self.folder, "data")
        os.mkdir(self.folder, 0o700)
        give(self.folder)
        subprocess.run(["cp", "-a", template, self.data], check=True)
        self.command = [*prefix, find("postgres"), "-D", self.data, "-k", self.folder, "-c", f"listen_addresses={addresses}"]
        for setting in SETTINGS:
            self.command += ["-c", setting]
        self.runs_as = as_nobody() if not prefix else {}
        self.process = None
        self.frozen = []

    def url(self):
        return f"postgresql:///postgres?host={self.folder}&user={ROLE}"

    def launch(self):
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/",
                                            **self.runs_as)

    def serves(self):
        return subprocess.run([find("pg_isready"), "-q", "-h", self.folder, "-U", ROLE, "-d", "postgres"]).returncode == 0

    def start(self):
        self.launch()
        until = time.monotonic() + START_SECONDS
        while not self.serves():
            if time.monotonic() > until or self.process.poll() is not None:
                raise Failed(f"PostgreSQL does not start: {self.end_of_log()}")
            time.sleep(0.02)

    def keep_up(self):
        """One that found what its killed predecessor left is started once more."""
        if self.process and self.process.poll() is not None:
            self.launch()

    def all(self):
        return [self.process.pid, *children_of(self.process.pid)] if self.process else []

    def signal(self, pids, number):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def kill(self):
        """SIGKILL to all of its processes."""
        if not self.process:
            return
        pids = self.all()
        self.signal(pids, signal.SIGKILL)
        self.process.wait()
        self.process = None
        self.frozen = []
        until = time.monotonic() + END_SECONDS
        while any(alive(pid) for pid in pids):
            if time.monotonic() > until:
                raise Failed("processes outlive their database")
            time.sleep(0.002)

    def kill_backend(self, chance):
        """One that serves a client; the database then takes all of them down, and recovers."""
        backends = children_of(self.process.pid) if self.process else []
        if backends:
            self.signal([backends[int(chance * len(backends))]], signal.SIGKILL)

    def freeze(self):
        self.frozen = self.all()
        self.signal(self.frozen, signal.SIGSTOP)

    def thaw(self):
        self.signal(self.frozen, signal.SIGCONT)
        self.frozen = []

    def end_of_log(self):
        with open(os.path.join(self.folder, "log"), "rb") as log:
            return log.read()[-2000:].decode(errors="replace")

    def abandon(self):
        """At once; but it gives its shared memory back."""
        if self.process:
            self.thaw()
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
