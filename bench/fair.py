"""How long others wait for the answer to a /ping while one connection sends 64 KiB of one command,
and again, and again: a row a command.

On a busy machine that says more of the machine than of the server. So whoever may do so (root) gives
the server and the one who asks precedence (SCHED_RR), a row of the same run says how long it takes
when nobody floods, and a row also says how much of the processor's time the server's turns took
(turns.c): that is what the server itself adds. `--without-precedence` leaves that out: for a quiet machine.
"""
import contextlib
import mmap
import os
import re
import selectors
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

from sides import BUILT

BATCH_BYTES = 64 * 1024
PINGERS = 8         # connections that ask, with one worker or the other
PING_PAUSE = 0.02   # seconds between two questions of one of them: --rate allows a hundred a second
PEOPLE = 200        # in the room, and in /who
ROOMS = 100         # with a topic each
EVENTS = 20
TOTAL = 10_000      # tickets of an event
BEGINNING = 0.3     # seconds that a flood has before it is measured
TURN_BIN_MS = 0.01  # turns.c

# What is sent again and again; {n} is a number that never comes twice.
FLOODS = {
    "/help": "/help", "/ping": "/ping", "/nick": "/nick flood{n}", "/quit": None,
    "/join": "/join #f{n}\n/part", "/part": "/part #nowhere", "/say": "/say #crowd x",
    "/tell": "/tell nick1 x", "/who": "/who", "/where": "/where", "/rooms": "/rooms",
    "/topic": "/topic #flood text {n}", "/history": "/history #crowd", "/events": "/events",
    "/left": "/left e1", "/book": "/book e1 1 key=a-key-of-bench-{n}", "/hold": "/hold e1 1 ttl=1",
    "/confirm": "/confirm 7K3M-Q2XW-9FTA-0BHJ", "/cancel": "/cancel 7K3M-Q2XW-9FTA-0BHJ",
    "/ticket": "/ticket 7K3M-Q2XW-9FTA-0BHJ", "/wait": "/wait e1", "/audit": "/audit e1",
    "/op": "/op guess{n}", "/event": "/event open e1", "/admit": "/admit 7K3M-Q2XW-9FTA-0BHJ",
    "/kick": "/kick nick1", "/mute": "/mute nick1 1", "/ban": "/ban 192.0.2.1 1",
    "/workers": "/workers", "/stats": "/stats", "text": "hello", "empty lines": "",
    "too long": "x" * 1500, "unknown": "/unknown", "telnet": "\xff\xfd\x06",
}

FLOODER = r"""
import select, socket, sys
port, batch, line = int(sys.argv[1]), int(sys.argv[2]), bytes.fromhex(sys.argv[3])
peer = socket.create_connection(("127.0.0.1", port), source_address=("127.0.0.4", 0))
peer.sendall(b"/join #crowd\n/join #flood\n")
peer.setblocking(False)
number, out = 0, b""
while True:
    while len(out) < batch:
        out += line.replace(b"{n}", b"%d" % number) + b"\n"
        number += 1
    readable, writable, _ = select.select([peer], [peer], [])
    if readable and not peer.recv(1 << 20):
        break
    if writable:
        out = out[peer.send(out):]
"""


def take_precedence():
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))


def as_anybody():
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


class Server:
    """A turnstiled of two workers with something in it to be listed."""

    def __init__(self, rate, first):
        self.folder = tempfile.TemporaryDirectory(prefix="turnstile-bench-")
        self.turns_file = self.folder.name + "/turns"
        self.port = None
        events = [f"--event=e{i}={TOTAL}" for i in range(EVENTS)]
        self.process = subprocess.Popen(
            [BUILT / "turnstiled", "--listen", "lines:127.0.0.1:0", "--state", self.folder.name,
             "--workers", "2", "--log-level", "error", *events, *rate],
            stdout=subprocess.PIPE, text=True, preexec_fn=take_precedence if first else None,
            env={**os.environ, "LD_PRELOAD": BUILT / "bench" / "libturns.so",
                 "TURNS_FILE": self.turns_file})
        for line in self.process.stdout:
            if found := re.match(r"listening lines .*:(\d+)", line):
                self.port = int(found[1])
            if line.startswith("ready"):
                break

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.folder.cleanup()

    def open(self, source):
        peer = socket.create_connection(("127.0.0.1", self.port), source_address=(source, 0), timeout=30)
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer.recv(4096)
        return peer

    def turns(self):
        """How many turns took how long since the last call, a number for each TURN_BIN_MS."""
        with open(self.turns_file, "r+b") as file, mmap.mmap(file.fileno(), 0) as shared:
            counts = struct.unpack(f"{len(shared) // 8}Q", shared)
            shared[:] = bytes(len(shared))
        return counts


def turn_ms(counts, part):
    """PART of the turns took no longer."""
    wanted, seen = sum(counts) * part, 0
    for number, count in enumerate(counts):
        seen += count
        if count and seen >= wanted:
            return (number + 1) * TURN_BIN_MS
    return 0


def ask(peer, line):
    peer.sendall(line.encode() + b"\n")
    answer = b""
    while not re.search(rb"(^|\n)[+-].*\n", answer):
        answer += peer.recv(1 << 16)


def people_come(server):
    people = []
    for i in range(PEOPLE):
        peer = server.open(f"127.0.{1 + i % 8}.2")
        ask(peer, f"/nick nick{i}")
        ask(peer, "/join #crowd")
        if i < ROOMS:
            ask(peer, f"/join #room{i}")
            ask(peer, f"/topic #room{i} {'topic ' * 20}")
        people.append(peer)
    return people


def read_on(people, stop):
    """They hear what is said in the room until STOP is set."""
    selector = selectors.DefaultSelector()
    for peer in people:
        selector.register(peer, selectors.EVENT_READ)
    while not stop.is_set():
        for key, _ in selector.select(0.1):
            if not key.fileobj.recv(1 << 20):
                selector.unregister(key.fileobj)


def ping(peers, seconds):
    """They ask in turn: how long each answer took, in milliseconds, shortest first."""
    waits = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for peer in peers:
            asked = time.perf_counter()
            peer.sendall(b"/ping\n")
            while not peer.recv(4096).endswith(b"\n"):
                pass
            waits.append((time.perf_counter() - asked) * 1000)
            time.sleep(PING_PAUSE / PINGERS)
    return sorted(waits)


@contextlib.contextmanager
def flooding(server, line):
    words = [sys.executable, "-c", FLOODER, str(server.port), str(BATCH_BYTES), line.encode("latin-1").hex()]
    flooder = subprocess.Popen(words, preexec_fn=as_anybody)
    try:
        time.sleep(BEGINNING)
        yield
    finally:
        flooder.kill()
        flooder.wait()


def measure(server, peers, line, seconds):
    with flooding(server, line) if line is not None else contextlib.nullcontext():
        server.turns()
        waits = ping(peers, seconds)
        turns = server.turns()
    return [waits[len(waits) // 2], waits[len(waits) * 99 // 100], waits[-1],
            turn_ms(turns, 0.99), turn_ms(turns, 1)]


HEAD = ["flood of", "p50 ms", "p99 ms", "longest ms", "CPU ms a turn, p99", "longest"]


def rows(rate, options):
    first, seconds, only = not options.without_precedence, options.seconds, options.only
    server = Server(rate, first)
    stop = threading.Event()
    reader = None
    if first:
        take_precedence()
    try:
        reader = threading.Thread(target=read_on, args=(people_come(server), stop))
        reader.start()
        peers = [server.open("127.0.0.3") for _ in range(PINGERS)]
        yield ["nothing", *measure(server, peers, None, seconds)]
        for name, line in FLOODS.items():
            if line is not None and (not only or name in only):
                yield [name, *measure(server, peers, line, seconds)]
        yield ["nothing", *measure(server, peers, None, seconds)]
    finally:
        stop.set()
        if reader:
            reader.join()
        server.stop()
        as_anybody()
