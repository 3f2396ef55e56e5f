"""A turnstiled under test: started, killed, stopped for a while, started again; and the disk under it."""

import contextlib
import mmap
import os
import signal
import struct
import subprocess
import time

READY_SECONDS = 20
END_SECONDS = 20
DISK = struct.Struct("=IIIIQQ")  # struct disk in tests/prove/disk.c


class Failed(Exception):
    """The server did what it must not do, seen from outside."""


class Disk:
    """What tests/prove/disk.c does to the server's disk; nothing until it is told."""

    def __init__(self, path, seed):
        with open(path, "wb") as file:
            file.write(DISK.pack(0, 0, 0, 0, seed, 0))
        with open(path, "r+b") as file:
            self.memory = mmap.mmap(file.fileno(), DISK.size)

    def be(self, full=0, write_fails=0, sync_fails=0, sync_us=0):
        struct.pack_into("=IIII", self.memory, 0, full, write_fails, sync_fails, sync_us)


def name_of(pid):
    try:
        with open(f"/proc/{pid}/comm") as file:
            return file.read().strip()
    except OSError:
        return ""


class Server:
    """`prefix` stands before its command, and says where it runs; with port 0 it listens at any."""

    def __init__(self, program, arguments, folder, environment=(), prefix=(), address="127.0.0.1", port=0):
        self.command = [*prefix, program, "--listen", f"lines:{address}:{port}", *arguments]
        self.address = address
        self.folder = folder
        self.log = os.path.join(folder, "log")
        self.environment = {**os.environ, **dict(environment)}
        self.process = None
        self.ready = False
        self.said = b""
        self.port = 0
        self.stopped = {}       # pid: when it goes on

    def launch(self):
        """Starts it, and waits for nothing."""
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
                                            env=self.environment, cwd=self.folder)
        os.set_blocking(self.process.stdout.fileno(), False)
        self.ready = False
        self.said = b""

    def listen(self):
        """Whether it has said that it is ready."""
        if self.ready:
            self.expect_alive()
            return True
        with contextlib.suppress(BlockingIOError):
            self.said += os.read(self.process.stdout.fileno(), 65536)
        for line in self.said.split(b"\n")[:-1]:
            words = line.decode().split()
            if words[0] == "listening":
                self.port = int(words[2].rsplit(":", 1)[1])
            self.ready |= words[0] == "ready"
        if not self.ready and self.process.poll() is not None:
            raise Failed(f"it does not start: exit {self.process.wait()}; the log ends with {self.end_of_log()}")
        return self.ready

    def start(self):
        self.launch()
        until = time.monotonic() + READY_SECONDS
        while not self.listen():
            if time.monotonic() > until:
                raise Failed(f"it is not ready in {READY_SECONDS} s; the log ends with {self.end_of_log()}")
            time.sleep(0.002)

    def end_of_log(self):
        with open(self.log, "rb") as log:
            return log.read()[-2000:].decode(errors="replace")

    def expect_alive(self):
        if self.process.poll() is not None:
            raise Failed(f"the master ended by itself: {self.process.returncode}; {self.end_of_log()}")

    def children(self):
        """The processes that the master started and that serve: workers, the joiner."""
        self.expect_alive()
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as file:
            pids = [int(pid) for pid in file.read().split()]
        return [pid for pid in pids if name_of(pid) != "turnstile-exec"]

    def signal(self, pid, number):
        with contextlib.suppress(ProcessLookupError):
            if pid in self.children():
                os.kill(pid, number)

    def stop(self, pid, seconds):
        self.signal(pid, signal.SIGSTOP)
        self.stopped[pid] = time.monotonic() + seconds

    def go_on(self, now):
        """Wakes those whose time has come."""
        for pid in [pid for pid, until in self.stopped.items() if until <= now]:
            del self.stopped[pid]
            self.signal(pid, signal.SIGCONT)

    def kill(self):
        """SIGKILL to the master; its children must end by themselves."""
        children = self.children()
        self.go_on(float("inf"))
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.ready = False
        self.wait_for_end(children)

    def wait_for_end(self, pids):
        until = time.monotonic() + END_SECONDS
        while any(alive(pid) for pid in pids):
            if time.monotonic() > until:
                raise Failed(f"processes outlive their master: {pids}")
            time.sleep(0.002)

    def finish(self):
        """SIGTERM, and a clean end."""
        self.go_on(float("inf"))
        children = self.children()
        self.process.terminate()
        try:
            status = self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            raise Failed("it does not end when it is told to") from None
        if status != 0:
            raise Failed(f"it ended with {status}; {self.end_of_log()}")
        self.wait_for_end(children)

    def abandon(self):
        """Whatever state it is in: nothing of it is left."""
        if self.process and self.process.poll() is None:
            with contextlib.suppress(Failed):
                self.go_on(float("inf"))
            self.process.kill()
            self.process.wait()
        if self.process and self.process.stdout:
            self.process.stdout.close()


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in ("Z", "X")
    except OSError:
        return False
