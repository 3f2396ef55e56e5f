#!/usr/bin/env python3
"""Connections outlive their worker: workers are killed at random under connections that check, each
for itself, every byte that it reads against what it must be.

usage: outlive.py --build DIRECTORY [--seed N] [--seconds N] [--connections N] [--every MILLISECONDS]
                  [--dispatch handoff|accept] [--hup-every MILLISECONDS] [--usr2-every MILLISECONDS]
                  [--workers N]

Who connects: pings in numbers, speakers (some read slowly), bookings with keys, tied holds, people in the
row for what comes back, half lines with pauses and telnet's bytes in them, HTTP, echo. Killed are one
worker, two at the same moment, or all; and some of the successors while they adopt. In the end all that was
tied is free again, and what was sold is what was answered.

With --every 0 nobody is killed. With --hup-every the server is asked to reload so often, each time with
another number of workers and other limits; with --usr2-every to start its binary anew, each time when
the one before is through. Where nobody is killed, nothing may be interrupted then.

Prints the seed, so that the same load can be made again (the kernel's timing is another each time),
and what was seen. Exit status 1: something was wrong.
"""

import argparse
import ctypes
import json
import os
import random
import re
import selectors
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time


ROW_TICKETS = 6  # of the event that holders and those who wait share
SETTLE_SECONDS = 20  # until what was tied to connections that ended is free


class Wrong(Exception):
    pass


PR_SET_CHILD_SUBREAPER = 36


class Server:
    """A server, and those that replace it: they are started by it, and become our children."""

    def __init__(self, build, folder, dispatch, workers):
        self.folder = folder
        self.configure(workers, 1000)
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self.log = open(os.path.join(folder, "log"), "w+b")
        self.upgrades = self.given_up = 0
        self.upgrading = False
        said = subprocess.run([os.path.join(build, "turnstiled"), "--help"], capture_output=True, check=True)
        self.has_tls = b"--tls-cert" in said.stdout
        self.process = subprocess.Popen(
            [os.path.join(build, "turnstiled"), "--listen", "lines:127.0.0.1:0", "--listen",
             "echo:127.0.0.1:0", "--listen", "http:127.0.0.1:0", *self.tls_options(folder), "--state",
             folder, "--event", "rush=1000000", "--event", f"row={ROW_TICKETS}", "--config",
             os.path.join(folder, "conf"), "--rate", "0", "--max-held", "0", "--dispatch", dispatch,
             "--send-queue", "67108864"],
            stdout=subprocess.PIPE, stderr=self.log)
        self.ports = {}
        for line in self.process.stdout:
            words = line.decode().split()
            if words[0] == "listening":
                self.ports[words[1]] = int(words[2].rsplit(":", 1)[1])
            if words[0] == "ready":
                self.pid = self.process.pid
                os.set_blocking(self.process.stdout.fileno(), False)
                return
        raise SystemExit("the server did not start:\n" + self.text())

    def tls_options(self, folder):
        """A key of its own; none where there is no TLS, or no openssl to make one."""
        self.certificate = os.path.join(folder, "certificate.pem")
        key = os.path.join(folder, "key.pem")
        if not shutil.which("openssl") or not self.has_tls:
            self.certificate = None
            return []
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                        "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
                        "subjectAltName=DNS:localhost", "-keyout", key, "-out", self.certificate],
                       check=True, stderr=subprocess.DEVNULL)
        os.chmod(key, 0o600)
        return ["--listen", "tls:127.0.0.1:0", "--listen", "https:127.0.0.1:0", "--tls-cert",
                self.certificate, "--tls-key", key]

    def text(self):
        with open(self.log.name, "rb") as log:
            return log.read().decode()

    def configure(self, workers, history):
        with open(os.path.join(self.folder, "conf"), "w") as conf:
            conf.write(f"workers = {workers}\nhistory = {history}\n")

    def reload(self, chance):
        self.configure(chance.choice((1, 2, 3, 4, 6)), chance.choice((1000, 3000, 10000)))
        self.signal(signal.SIGHUP)

    def workers(self):
        with open(f"/proc/{self.pid}/task/{self.pid}/children") as children:
            pids = [int(pid) for pid in children.read().split()]
        return [pid for pid in pids if self.name(pid).startswith("turnstile-w")]

    @staticmethod
    def name(pid):
        try:
            with open(f"/proc/{pid}/comm") as comm:
                return comm.read()
        except OSError:
            return ""

    def signal(self, number):
        os.kill(self.pid, number)

    def upgrade(self):
        self.upgrading = True
        self.signal(signal.SIGUSR2)

    def look(self):
        """Whether the new one serves, if it is to; the old one has to end well then."""
        for line in self.process.stdout:
            match = re.fullmatch(rb"ready pid=(\d+) workers=\d+\n", line)
            if match:
                status = self.wait()
                if status != 0:
                    raise Wrong(f"the old one ended with {status}")
                self.pid = int(match[1])
                self.upgrades += 1
                self.upgrading = False
        if self.upgrading and self.text().count("not upgraded: ") > self.given_up:
            self.given_up += 1
            self.upgrading = False

    def wait(self):
        end = time.monotonic() + 20
        while time.monotonic() < end:
            if self.pid == self.process.pid:
                status = self.process.poll()
            else:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                status = os.waitstatus_to_exitcode(status) if pid else None
            if status is not None:
                return status
            time.sleep(0.001)
        raise Wrong("the server does not end")

    def stop(self):
        self.signal(signal.SIGTERM)
        return self.wait()

    def end(self):
        try:
            self.signal(signal.SIGQUIT)
            self.wait()
        except OSError:
            pass
        self.log.close()


class Client:
    """What all have: bytes that are sent in random pieces, lines that come."""
    kind = "lines"
    greeting = True
    receive_bytes = 0  # that the kernel keeps for it; 0: as usual

    def __init__(self, server, number, chance):
        self.number = number
        self.chance = chance
        self.connect(server)
        self.out = self.opening(server.ports[self.kind])
        self.rest = b""
        self.interrupted = 0
        self.answered = 0
        self.waits = [self.expect_greeting] if self.greeting else []
        self.asked_at = time.monotonic()
        self.slowest = 0
        self.begin()

    def connect(self, server):
        self.socket = socket.socket()
        if self.receive_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.receive_bytes)
        self.socket.connect(("127.0.0.1", server.ports[self.kind]))
        self.socket.setblocking(False)

    def begin(self):
        pass

    def opening(self, port):
        return b""

    def encode(self, line):
        return line.encode() + b"\n"

    def ask(self, line, check):
        """One command and what has to become of its final line."""
        if not self.waits:
            self.asked_at = time.monotonic()
        self.out += self.encode(line)
        self.waits.append(check)

    def expect_greeting(self, line):
        if not line.startswith("+turnstile 1 "):
            raise Wrong(f"no greeting: {line}")

    def write(self):
        if self.out:
            piece = self.chance.choice((1, 7, 100, 100000))
            try:
                self.out = self.out[self.socket.send(self.out[:piece]):]
            except (BlockingIOError, ssl.SSLWantWriteError):
                pass
            except ConnectionError as error:
                raise Wrong(str(error)) from error

    def read(self):
        try:
            got = self.socket.recv(self.chance.choice((3, 1000, 65536)))
        except (BlockingIOError, ssl.SSLWantReadError):
            return
        except ConnectionError as error:
            raise Wrong(str(error)) from error
        if not got:
            raise Wrong("the connection ended")
        self.take(got)

    def take(self, got):
        lines = (self.rest + got).split(b"\n")
        self.rest = lines.pop()
        for line in lines:
            self.hear(line.decode())

    def hear(self, line):
        if line[0] == "*":
            return self.event(line)
        if line[0] == "=":
            return None
        if line[0] not in "+-":
            raise Wrong(f"no line of the protocol: {line!r}")
        if not self.waits:
            raise Wrong(f"nobody asked for: {line}")
        now = time.monotonic()
        self.slowest = max(self.slowest, now - self.asked_at)
        self.asked_at = now
        self.answered += 1
        return self.waits.pop(0)(line)

    def event(self, line):
        raise Wrong(f"not expected: {line}")

    def act(self):
        pass

    def is_done(self):
        return not self.out and not self.waits

    def is_due(self, _acting):
        """Whether it reads now."""
        return True

    def finish(self):
        if self.rest:
            raise Wrong(f"half a line: {self.rest!r}")


def is_interrupted(line):
    return line.startswith("-INTERRUPTED ")


class Pinger(Client):
    """Numbered pings, many at once: each is answered, in order, or interrupted."""
    next = 0

    def act(self):
        if len(self.waits) < 200:
            for _ in range(self.chance.randint(1, 20)):
                self.ping()

    def ping(self):
        number = self.next
        self.next += 1

        def check(line):
            if is_interrupted(line):
                self.interrupted += 1
            elif line != f"+pong {number}":
                raise Wrong(f"ping {number}: {line}")
        self.ask(f"/ping {number}", check)


class Speaker(Client):
    """Says numbered lines in a room and hears the others': none twice, in order, none missing."""
    next = 0

    def begin(self):
        self.heard = {}
        self.unclear = set()
        self.ask(f"/nick s{self.number}", self.must("+nick "))
        self.room = f"#r{self.number % 3}"
        self.ask(f"/join {self.room}", self.must("+join "))

    def must(self, start):
        def check(line):
            if is_interrupted(line):
                raise Again(self)
            if not line.startswith(start):
                raise Wrong(f"{start}: {line}")
        return check

    def act(self):
        if self.next < 1000000 and len(self.waits) < 50:
            number = self.next
            self.next += 1

            def check(line):
                if is_interrupted(line):
                    self.interrupted += 1
                    self.unclear.add(number)
                elif line != f"+say {self.room}":
                    raise Wrong(f"say {number}: {line}")
            self.ask(f"/say {self.room} n{number} {'x' * self.chance.randint(0, 200)}.", check)

    def event(self, line):
        words = line.split(" ")
        if words[0] in ("*join", "*part", "*nick"):
            return
        match = re.fullmatch(r"\*say (#r\d) s(\d+) n(\d+) x*\.", line)
        if not match:
            raise Wrong(f"torn: {line!r}")
        if match[1] != self.room:
            raise Wrong(f"another room's: {line}")
        who, number = int(match[2]), int(match[3])
        self.heard.setdefault(who, []).append(number)
        numbers = self.heard[who]
        if len(numbers) > 1 and numbers[-1] <= numbers[-2]:
            raise Wrong(f"s{who} said {numbers[-1]} after {numbers[-2]}")


class Renamer(Client):
    """In all rooms, with a new nick now and then: each hears of each other's once, in order."""
    next = 0

    def begin(self):
        self.known = {}
        for room in range(3):
            self.ask(f"/join #r{room}", self.may_be_interrupted)

    def may_be_interrupted(self, line):
        if is_interrupted(line):
            self.interrupted += 1
        elif not line.startswith("+"):
            raise Wrong(line)

    def act(self):
        if not self.waits:
            self.next += 1
            self.ask(f"/nick n{self.number}-{self.next}", self.may_be_interrupted)

    def event(self, line):
        words = line.split(" ")
        if words[0] != "*nick" or words[2][0] != "n":
            return
        who = words[2].split("-")[0]
        if self.known.get(who, words[1]) != words[1]:
            raise Wrong(f"{line}, after it was {self.known[who]}")
        self.known[who] = words[2]


class Web:
    """The same over a WebSocket: frames, some of them cut into fragments, with pings between."""
    kind = "http"
    TEXT, CLOSE, PING, PONG = 1, 8, 9, 10

    def opening(self, port):
        self.shaken = False
        self.pings = 0
        self.pongs = 0
        return (f"GET /ws HTTP/1.1\r\nHost: localhost:{port}\r\nUpgrade: websocket\r\n"
                "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n").encode()

    def frame(self, first, payload):
        mask = self.chance.randbytes(4)
        length = len(payload)
        size = bytes([0x80 | length]) if length < 126 else b"\xfe" + length.to_bytes(2, "big")
        return bytes([first]) + size + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))

    def ping_frame(self):
        self.pings += 1
        return self.frame(0x80 | self.PING, str(self.pings).encode())

    def encode(self, line):
        text = line.encode()
        if self.chance.random() < 0.7:
            return self.frame(0x80 | self.TEXT, text)
        cut = self.chance.randint(0, len(text))
        return self.frame(self.TEXT, text[:cut]) + self.ping_frame() + self.frame(0x80, text[cut:])

    def take(self, got):
        self.rest += got
        if not self.shaken:
            head, whole, after = self.rest.partition(b"\r\n\r\n")
            if not whole:
                return
            if not head.startswith(b"HTTP/1.1 101 "):
                raise Wrong(f"no WebSocket: {head!r}")
            self.shaken = True
            self.rest = after
        while self.take_frame():
            pass

    def take_frame(self):
        if len(self.rest) < 2:
            return False
        length, start = self.rest[1], 2
        if length == 126:
            length, start = int.from_bytes(self.rest[2:4], "big"), 4
        if len(self.rest) < start + length:
            return False
        kind, payload = self.rest[0], self.rest[start:start + length]
        self.rest = self.rest[start + length:]
        if kind == 0x80 | self.TEXT:
            self.hear(payload.decode())
        elif kind == 0x80 | self.PONG:
            self.pongs += 1
            if payload != str(self.pongs).encode():
                raise Wrong(f"pong {self.pongs} says {payload!r}")
        elif kind != 0x80 | self.PING:
            raise Wrong(f"no frame: {kind} {payload!r}")
        return True

    def is_done(self):
        return super().is_done() and self.pings == self.pongs


class WebPinger(Web, Pinger):
    pass


class WebSpeaker(Web, Speaker):
    pass


class Tls:
    """The same over TLS."""
    kind = "tls"

    def connect(self, server):
        context = ssl.create_default_context(cafile=server.certificate)
        plain = socket.create_connection(("127.0.0.1", server.ports[self.kind]))
        self.socket = context.wrap_socket(plain, server_hostname="localhost")
        self.socket.setblocking(False)

    def read(self):
        """TLS may have more than the socket."""
        super().read()
        while self.socket.pending() > 0:
            super().read()


class TlsPinger(Tls, Pinger):
    pass


class TlsSpeaker(Tls, Speaker):
    pass


class TlsWebSpeaker(Tls, Web, Speaker):
    kind = "https"


class SlowReader(Speaker):
    """Reads little and seldom, so that what the others say piles up on both sides; and every other ten
    seconds as fast as it can, lest it is cut off in a run of minutes."""
    receive_bytes = 4096
    next_read = 0

    def act(self):
        if self.chance.random() < 0.05:
            super().act()

    def is_due(self, acting):
        now = time.monotonic()
        if acting and now % 20 < 10 and now < self.next_read:
            return False
        self.next_read = now + self.chance.uniform(0, 0.3)
        return True


class HalfLiner(Pinger):
    """Types slowly: some bytes, a pause; telnet's NOP stands in the middle of its lines."""
    next_write = 0

    def act(self):
        if len(self.waits) < 3:
            self.ping()

    def ask(self, line, check):
        super().ask(line, check)
        at = len(self.out) - len(line) // 2
        self.out = self.out[:at] + b"\xff\xf1" + self.out[at:]

    def write(self):
        now = time.monotonic()
        if self.out and now >= self.next_write:
            try:
                self.out = self.out[self.socket.send(self.out[:self.chance.randint(1, 9)]):]
            except BlockingIOError:
                pass
            except ConnectionError as error:
                raise Wrong(str(error)) from error
            self.next_write = now + self.chance.uniform(0, 0.1)


class TiedClient(Client):
    """Who has something that is tied to its connection."""

    def must(self, line, starts, then):
        """Asks until it is answered by somebody who knows; then THEN(answer)."""
        def check(answer):
            if is_interrupted(answer):
                self.interrupted += 1
                self.must(line, starts + self.when_done(line), then)
            elif not answer.startswith(starts):
                raise Wrong(f"{line}: {answer}")
            else:
                then(answer)
        self.ask(line, check)

    @staticmethod
    def when_done(line):
        """What is answered if it was done by who was interrupted."""
        return ("-USED ",) if line.startswith("/cancel ") else ()


class Holder(TiedClient):
    """Holds two tickets, tied, for a while: they stay its own, whoever serves it."""
    next = 0
    busy = False

    def act(self):
        if not self.busy and self.chance.random() < 0.2:
            self.busy = True
            self.next += 1
            self.must(f"/hold row 2 tied key=hold-{os.getpid():010}-{self.number}-{self.next}",
                      ("+held ", "-SOLDOUT "), self.held)

    def held(self, answer):
        if answer.startswith("-"):
            self.busy = False
            return
        code = answer.split()[1]
        for _ in range(self.chance.randint(1, 30)):
            self.must(f"/ticket {code}", (f"+ticket {code} row 2 held",), lambda _: None)
        self.must(f"/cancel {code}", (f"+cancelled {code} row 2",), self.cancelled)

    def cancelled(self, _):
        self.busy = False


class Waiter(TiedClient):
    """Waits for a ticket, comes nearer and not further away, is offered one, and gives it back."""
    position = None
    waiting = False

    def act(self):
        if not self.waiting and self.chance.random() < 0.2:
            self.waiting = True
            self.must("/wait row", ("+waiting row 1 ",), self.placed)

    def placed(self, answer):
        self.near(int(answer.split()[3]))

    def near(self, position):
        if self.position and position > self.position:
            raise Wrong(f"from place {self.position} back to {position}")
        self.position = position

    def event(self, line):
        words = line.split()
        if words[:3] == ["*waiting", "row", "1"]:
            self.near(int(words[3]))
        elif words[0] == "*offer" and words[2:4] == ["row", "1"]:
            self.position = None
            self.must(f"/cancel {words[1]}", (f"+cancelled {words[1]} row 1",), self.gave_back)
        else:
            raise Wrong(f"not expected: {line}")

    def gave_back(self, _):
        self.waiting = False


class Booker(Client):
    """Books with a key each; an interrupted one is asked for again and has one code. Pings wait for
    the bookings before them."""
    next = 0

    def begin(self):
        self.codes = {}

    def act(self):
        if len(self.waits) < 30:
            self.book(self.next)
            if self.chance.random() < 0.3:
                self.ping(self.next)
            self.next += 1

    def ping(self, number):
        def check(line):
            if is_interrupted(line):
                self.interrupted += 1
            elif line != f"+pong {number}":
                raise Wrong(f"ping {number}: {line}")
        self.ask(f"/ping {number}", check)

    def book(self, number):
        def check(line):
            if is_interrupted(line):
                self.interrupted += 1
                self.book(number)
            elif not line.startswith("+booked "):
                raise Wrong(f"booking {number}: {line}")
            elif self.codes.setdefault(number, line) != line:
                raise Wrong(f"booking {number}: {line}, was {self.codes[number]}")
        self.ask(f"/book rush 1 key=outlive-{os.getpid():010}-{self.number}-{number}", check)


class Http(Client):
    """Requests, many at once: each is answered once, in order, whole. What is booked without a key
    is booked once, too."""
    kind = "http"
    greeting = False

    def begin(self):
        self.codes = []
        self.unclear = 0
        self.next = 0
        self.closing = False
        self.fresh = True  # nothing was asked: it ends after ten seconds
        self.hasty = self.number % 3 == 0  # ends its connections

    def connect(self, server):
        self.socket = socket.create_connection(("127.0.0.1", server.ports["http"]))
        self.socket.setblocking(False)
        self.fresh = True

    def request(self, method, path, body, check, fields=""):
        if not self.waits:
            self.asked_at = time.monotonic()
        self.fresh = False
        if self.hasty and self.chance.random() < 0.1:
            self.closing = True
            fields += "Connection: close\r\n"
        if body:
            fields += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        self.out += f"{method} {path} HTTP/1.1\r\nHost: localhost:{self.port}\r\n{fields}\r\n{body}".encode()
        self.waits.append((method, check))

    def act(self):
        self.port = self.port if hasattr(self, "port") else self.socket.getpeername()[1]
        while len(self.waits) < 10 and not self.closing:
            self.chance.choice((self.book, self.book, self.show, self.head, self.miss))()
            if self.chance.random() < 0.5:
                break

    def book(self):
        number = self.next
        self.next += 1
        fields = ""
        if self.chance.random() < 0.5:
            fields = f"Idempotency-Key: outlive-{os.getpid():010}-http-{self.number}-{number}\r\n"
        if self.chance.random() < 0.2:
            fields += "Expect: 100-continue\r\n"

        def check(status, body):
            if status == 503 and body.get("error") == "interrupted":
                self.interrupted += 1
                self.unclear += 1
            elif status != 201 or body["quantity"] != 1:
                raise Wrong(f"booking {number}: {status} {body}")
            else:
                self.codes.append(body["code"])
        self.request("POST", "/api/v1/events/rush/bookings", '{"quantity": 1}', check, fields)

    def show(self):
        if not self.codes:
            return
        code = self.chance.choice(self.codes)

        def check(status, body):
            if status != 200 or body["code"] != code:
                raise Wrong(f"ticket {code}: {status} {body}")
        self.request("GET", f"/api/v1/tickets/{code}", "", check)

    def head(self):
        def check(status, body):
            if status != 200:
                raise Wrong(f"HEAD: {status}")
        self.request("HEAD", "/api/v1/events/rush", "", check)

    def miss(self):
        def check(status, body):
            if status != 404:
                raise Wrong(f"what is not there: {status} {body}")
        self.request("GET", "/nothing", "", check)

    def read(self):
        try:
            got = self.socket.recv(self.chance.choice((3, 1000, 65536)))
        except BlockingIOError:
            return
        except ConnectionError as error:
            raise Wrong(str(error)) from error
        if not got:
            if not (self.closing or self.fresh) or self.waits or self.rest:
                raise Wrong(f"the connection ended: {len(self.waits)} not answered, {self.rest!r}")
            self.ended = True
            return
        self.take(got)

    def take(self, got):
        self.rest += got
        while self.take_answer():
            pass

    def take_answer(self):
        head, whole, after = self.rest.partition(b"\r\n\r\n")
        if not whole:
            return False
        lines = head.decode().split("\r\n")
        match = re.fullmatch(r"HTTP/1\.1 (\d{3}) [A-Za-z ]+", lines[0])
        if not match:
            raise Wrong(f"no answer: {head!r}")
        status = int(match[1])
        if status == 100:
            self.rest = after
            return True
        fields = dict(line.split(": ", 1) for line in lines[1:])
        if not self.waits:
            raise Wrong(f"nobody asked for: {head!r}")
        length = 0 if self.waits[0][0] == "HEAD" else int(fields["Content-Length"])
        if len(after) < length:
            return False
        self.rest = after[length:]
        now = time.monotonic()
        self.slowest = max(self.slowest, now - self.asked_at)
        self.asked_at = now
        self.answered += 1
        body = after[:length]
        if length and fields["Content-Type"] == "application/json":
            try:
                body = json.loads(body)
            except ValueError as error:
                raise Wrong(f"{self.waits[0][0]}: {head!r} is followed by {after[:300]!r}") from error
        self.waits.pop(0)[1](status, body)
        return True

    ended = False


class Echo(Client):
    """Each byte comes back, in capitals."""
    kind = "echo"
    greeting = False
    sent = 0
    got = 0

    @staticmethod
    def pattern(start, length):
        return bytes(97 + (start + i) * 7 % 26 for i in range(length))

    def act(self):
        if len(self.out) < 1000 and self.sent - self.got < 100000:
            length = self.chance.randint(1, 5000)
            self.out += self.pattern(self.sent, length)
            self.sent += length

    def take(self, got):
        if got != self.pattern(self.got, len(got)).upper():
            raise Wrong(f"echo differs after {self.got} bytes")
        self.got += len(got)

    def is_done(self):
        return not self.out and self.sent == self.got


class Again(Exception):
    pass


def judge_rooms(clients):
    """Everybody in a room has the same lines of each other one, but those before one's coming."""
    speakers = [client for client in clients if isinstance(client, Speaker)]
    for hearer in speakers:
        for speaker in speakers:
            if speaker is hearer or speaker.room != hearer.room:
                continue
            numbers = hearer.heard.get(speaker.number, [])
            if not numbers:
                continue
            said = set(range(numbers[0], speaker.next)) - speaker.unclear
            missing = said - set(numbers)
            if missing:
                raise Wrong(f"s{hearer.number} missed {sorted(missing)[:5]} of s{speaker.number}")
            for number in set(numbers) & speaker.unclear:
                for other in speakers:
                    heard = other.heard.get(speaker.number, [])
                    if (other is not speaker and other.room == hearer.room and heard
                            and heard[0] <= number and number not in heard):
                        raise Wrong(f"line {number} of s{speaker.number} was heard by some alone")


def reconnect(selector, client, server):
    """Who asked for the end of its connection had it, and makes another."""
    selector.unregister(client.socket)
    client.socket.close()
    client.ended = client.closing = False
    client.connect(server)
    selector.register(client.socket, selectors.EVENT_READ, client)


def ask_audit(server):
    with socket.create_connection(("127.0.0.1", server.ports["lines"])) as auditor:
        auditor.sendall(b"/audit rush\n/quit\n")
        text = b"".join(iter(lambda: auditor.recv(4096), b"")).decode()
    match = re.search(r"^\+audit rush (\d+) 0 \d+ \d+ ok$", text, re.MULTILINE)
    if not match:
        raise Wrong(f"the audit: {text}")
    return int(match[1])


def judge_tickets(clients, server):
    """As many are sold as were told, each once."""
    codes = []
    for client in clients:
        codes += list(client.codes) if isinstance(client, Http) else []
        codes += [line.split()[1] for line in client.codes.values()] if isinstance(client, Booker) else []
    unclear = sum(client.unclear for client in clients if isinstance(client, Http))
    sold = ask_audit(server)
    if len(set(codes)) != len(codes):
        raise Wrong("a ticket was given twice")
    if not len(codes) <= sold <= len(codes) + unclear:
        raise Wrong(f"{len(codes)} were told of tickets, {unclear} cannot know; {sold} are sold")


class Killer:
    """Ends workers: one, two at once, or all; and some of their successors at their birth."""

    def __init__(self, arguments, server, chance):
        self.server = server
        self.chance = chance
        self.pause = arguments.every / 1000
        self.next = time.monotonic() + 0.5 if arguments.every else float("inf")
        self.ambush_until = 0
        self.known = set()
        self.kills = self.ambushes = 0

    def kill(self, pids):
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
                self.kills += 1
            except ProcessLookupError:
                pass

    def act(self, now):
        if now >= self.next:
            workers = self.server.workers()
            count = self.chance.choice((1, 1, 1, 1, 1, 1, 2, 2, len(workers)))
            self.kill(self.chance.sample(workers, min(count, len(workers))))
            self.next = now + self.pause * self.chance.uniform(0.2, 1.8)
            if self.chance.random() < 0.3:
                self.known = set(workers)
                self.ambush_until = now + 0.2
        if now < self.ambush_until:
            born = set(self.server.workers()) - self.known
            if born:
                time.sleep(self.chance.uniform(0, 0.005))
                self.kill(born)
                self.ambushes += len(born)
                self.ambush_until = 0


class Reloader:
    """Has the server read another configuration, and so replace all workers."""

    def __init__(self, arguments, server, chance):
        self.server = server
        self.chance = chance
        self.pause = arguments.hup_every / 1000
        self.next = time.monotonic() + 0.3 if arguments.hup_every else float("inf")
        self.reloads = 0

    def act(self, now):
        if now >= self.next:
            self.server.reload(self.chance)
            self.reloads += 1
            self.next = now + self.pause * self.chance.uniform(0.2, 1.8)


class Upgrader:
    """Has the server's binary started anew, each time when the one before is through."""

    def __init__(self, arguments, server, chance):
        self.server = server
        self.chance = chance
        self.pause = arguments.usr2_every / 1000
        self.next = time.monotonic() + 0.3 if arguments.usr2_every else float("inf")

    def act(self, now):
        if now >= self.next and not self.server.upgrading:
            self.server.upgrade()
            self.next = now + self.pause * self.chance.uniform(0.2, 1.8)


KINDS = [Pinger, Speaker, Speaker, Booker, Echo, Http, Http, WebPinger, WebSpeaker, Holder, Waiter,
         HalfLiner, SlowReader, Holder, Renamer]
KINDS_OVER_TLS = [TlsPinger, TlsSpeaker, TlsWebSpeaker]


def serve_once(clients, selector, acting, server, chance):
    for client in clients:
        if acting and chance.random() < 0.3:
            client.act()
        client.write()
    for client in [key.data for key, _ in selector.select(0.001)]:
        try:
            if client.is_due(acting):
                client.read()
        except Wrong as wrong:
            raise Wrong(f"{type(client).__name__} {client.number}: {wrong}") from wrong
        if isinstance(client, Http) and client.ended:
            reconnect(selector, client, server)


def finish_all(clients):
    stuck = [f"{type(c).__name__} {c.number}: {len(c.waits)} unanswered, {len(c.out)} bytes unsent"
             for c in clients if not c.is_done()]
    if stuck:
        raise Wrong("not answered: " + "; ".join(stuck[:5]))
    quiet_since = time.monotonic()
    while time.monotonic() - quiet_since < 0.5:
        for client in clients:
            try:
                got = client.socket.recv(65536)
            except (BlockingIOError, ssl.SSLWantReadError):
                continue
            if got:
                client.take(got)
                quiet_since = time.monotonic()
    for client in clients:
        client.finish()


def judge_row(clients, server):
    """What was tied is free when everybody has gone."""
    for client in clients:
        client.socket.close()
    wanted = f"+audit row 0 0 {ROW_TICKETS} {ROW_TICKETS} ok"
    deadline = time.monotonic() + SETTLE_SECONDS
    with socket.create_connection(("127.0.0.1", server.ports["lines"])) as asker:
        lines = asker.makefile("rw", newline="\n")
        lines.readline()
        said = ""
        while said != wanted:
            if time.monotonic() > deadline:
                raise Wrong(f"{wanted} it is to be, and it is {said}")
            lines.write("/audit row\n")
            lines.flush()
            said = lines.readline().strip()
            time.sleep(0.05)


def run(arguments, server):
    chance = random.Random(arguments.seed)
    clients = []
    kinds = KINDS + (KINDS_OVER_TLS if server.certificate else [])
    for number in range(arguments.connections):
        clients.append(kinds[number % len(kinds)](server, number, random.Random(chance.random())))
    selector = selectors.DefaultSelector()
    for client in clients:
        selector.register(client.socket, selectors.EVENT_READ, client)
    killer = Killer(arguments, server, chance)
    reloader = Reloader(arguments, server, chance)
    upgrader = Upgrader(arguments, server, chance)
    end = time.monotonic() + arguments.seconds
    while (now := time.monotonic()) < end + 30:
        acting = now < end
        if acting:
            killer.act(now)
            reloader.act(now)
            upgrader.act(now)
        server.look()
        serve_once(clients, selector, acting, server, chance)
        if not acting and not server.upgrading and all(client.is_done() for client in clients):
            break
    if server.upgrading:
        raise Wrong("the new one does not serve")
    finish_all(clients)
    judge_rooms(clients)
    judge_tickets(clients, server)
    judge_row(clients, server)
    status = server.stop()
    if status != 0:
        raise Wrong(f"the server ended with {status}")
    interrupted = sum(client.interrupted for client in clients)
    # Where nobody is killed each upgrade comes to its end, and no process to another than it is asked to.
    if server.given_up and not killer.kills:
        raise Wrong(f"{server.given_up} upgrades were given up, and nobody was killed")
    ended_badly = re.findall(r".* (?:was killed|exited with) .*", server.text())
    if ended_badly and not killer.kills:
        raise Wrong(f"nobody was killed, and yet: {ended_badly}")
    if interrupted and not killer.kills:
        raise Wrong(f"{interrupted} were interrupted, and nobody was killed")
    print(f"{len(clients)} connections, {killer.kills} kills ({killer.ambushes} of successors at their "
          f"birth), {reloader.reloads} reloads, {server.upgrades} upgrades, "
          f"{server.given_up} given up, {sum(client.answered for client in clients)} answers, "
          f"{interrupted} interrupted, slowest {max(client.slowest for client in clients):.2f} s",
          flush=True)
    print("kinds: " + " ".join(sorted({type(client).__name__ for client in clients})))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--connections", type=int, default=50)
    parser.add_argument("--every", type=float, default=200)
    parser.add_argument("--dispatch", default="handoff")
    parser.add_argument("--hup-every", type=float, default=0)
    parser.add_argument("--usr2-every", type=float, default=0)
    parser.add_argument("--workers", type=int, default=3)
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by a signal"))
    folder = tempfile.mkdtemp(prefix="outlive-")
    server = Server(arguments.build, folder, arguments.dispatch, arguments.workers)
    try:
        run(arguments, server)
    except Wrong as wrong:
        print(f"wrong: {wrong}")
        print("".join(re.findall(r".*(?:cut off|error: ).*\n", server.text())[-30:]), end="")
        print("the server's last words:\n" + "\n".join(server.text().splitlines()[-30:]))
        return 1
    finally:
        server.end()
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
