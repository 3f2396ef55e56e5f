"""One history: clients that book, cancel and talk at once, while processes are killed and disks fail.

Everything that is drawn is drawn from the history's seed: who asks what, which fault comes after how
many operations. What the processes make of it is theirs, so a second run is another of the same kind;
what was seen is written to a file when it was wrong, and can be looked at again as it was.
"""

import os
import random
import re
import selectors
import shutil
import socket
import subprocess
import tempfile
import time

import chat
import linear
import one
import nodes
from server import Failed

WORLDS = {"sqlite": one.OneServer, "json": one.OneServer, "postgres": nodes.Nodes}
NOWHERE = ("127.0.0.1", 0)  # nobody listens there
BOARD_SECONDS = 5
GONE_SECONDS = 20       # until nobody is told of who was on a node that was killed
WAITED_SECONDS = 20     # how long a line may have waited on a node that is cut off
PAUSE_SECONDS = 0.005   # before one connects, or asks, again
SAYING = re.compile(rb"\*say [^ ]+ [^ ]+ (m \d+ \d+)$")
REMEMBERED = re.compile(rb"=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ [^ ]+ (m \d+ \d+)$")
VERBS = {"book": 36, "hold": 12, "tied": 3, "confirm": 9, "cancel": 14, "ticket": 8, "left": 8, "audit": 6, "say": 18}
SETTLED_LATER = ("-BUSY", "-INTERNAL", "-RATE")  # nothing was done: the same may be asked again


class Plan:
    """What is drawn before it begins: the server's shape, and after how many operations which fault comes."""

    def __init__(self, seed, store, operations, world):
        lot = random.Random(seed)
        self.seed = seed
        self.store = store
        self.operations = operations
        self.workers = lot.choice([1, 2, 2, 3, 4])
        self.clients = lot.choice([4, 8, 12, 16])
        self.events = {f"e{i}": lot.choice([5, 20, 60, 200]) for i in range(lot.choice([1, 2, 3]))}
        self.sync_us = lot.choice([0, 0, 300, 2000])
        self.dispatch = lot.choice(["handoff", "handoff", "accept"])
        self.clock_seconds = lot.choice(world.CLOCKS)
        self.weather = lot.choice(world.WEATHERS)
        self.faults = self.draw_faults(lot, world.FAULTS[self.weather], world.STRIKES, world.SECONDS)
        self.room = "#prove"
        self.client_seeds = [lot.getrandbits(32) for _ in range(self.clients)]

    def draw_faults(self, lot, kinds, strikes, seconds):
        if not kinds:
            return []
        places = sorted(lot.randrange(self.operations) for _ in range(lot.choice(strikes)))
        return [(place, lot.choice(kinds), lot.random(), lot.choice(seconds)) for place in places]

    def __str__(self):
        return (f"seed {self.seed}: {self.store}, {self.workers} workers ({self.dispatch}), {self.clients} clients, "
                f"{self.events}, {self.weather}: {[fault[:2] for fault in self.faults]}")


class Client:
    """One person's program: it asks one thing at a time, and asks again until it is answered."""

    def __init__(self, history, number, seed):
        self.history = history
        self.number = number
        self.lot = random.Random(seed)
        self.node = number
        self.socket = None
        self.bytes = b""
        self.again_at = 0.0     # when to connect or to ask again
        self.joined = False
        self.stretch = None
        self.tied = []          # codes held by this connection
        self.heard_at = 0.0
        self.wanted = None      # (verb, event, key, code, quantity): until it is answered
        self.wanted_since = 0.0
        self.attempts = []      # unanswered operations of the same
        self.current = None     # the Operation or Line under way
        self.refusal = None
        self.said = 0

    # The connection

    def connect(self, now):
        address = self.history.world.address(self.node)
        connection = socket.socket()
        try:
            connection.connect(address or NOWHERE)
        except OSError:
            self.node += self.lot.getrandbits(1)
            connection.close()
            self.again_at = now + PAUSE_SECONDS
            return
        self.socket = connection
        self.bytes = b""
        self.joined = False
        self.send(f"/join {self.history.plan.room}\n")
        if self.socket:
            connection.setblocking(False)
            self.history.selector.register(connection, selectors.EVENT_READ, self)

    def send(self, text):
        try:
            self.socket.sendall(text.encode())
        except OSError:
            self.lost()

    def lost(self):
        """The connection is over: what was under way may have been done or not."""
        if self.socket:
            try:
                self.history.selector.unregister(self.socket)
            except KeyError:
                pass
            self.socket.close()
        self.socket = None
        self.joined = False
        self.node += self.lot.getrandbits(1)
        for event, code in self.tied:
            self.history.lapses.append((event, code, self.heard_at))
        self.tied = []
        if self.current is not None:
            if isinstance(self.current, linear.Operation):
                self.attempts.append(self.current)
            self.current = None
            if self.wanted and self.wanted[0] == "say":
                self.wanted = None
                self.history.count += 1
        self.again_at = time.monotonic() + PAUSE_SECONDS

    def read(self):
        try:
            received = self.socket.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            received = b""
        if not received:
            self.lost()
            return
        self.heard_at = time.monotonic()
        *lines, self.bytes = (self.bytes + received).split(b"\n")
        for line in lines:
            self.hear(line)
            if not self.socket:
                return

    def hear(self, line):
        kind = line[:1]
        if kind == b"*":
            self.hear_event(line)
        elif not self.joined:
            self.hear_welcome(line)
        elif kind in (b"+", b"-"):
            self.hear_answer(line.decode())
        elif kind != b"=":
            raise Failed(f"client {self.number} got what is no line of the protocol: {line!r}")

    def hear_welcome(self, line):
        if line.startswith(b"+join "):
            self.joined = True
            self.stretch = chat.Stretch(self.number, time.monotonic())
            self.history.stretches.append(self.stretch)
        elif not line.startswith(b"+turnstile 1"):
            self.lost()     # busy, for now

    def hear_event(self, line):
        if line.startswith(b"*say "):
            saying = SAYING.match(line)
            if not saying:
                raise Failed(f"client {self.number} heard what is no whole line: {line!r}")
            name = saying.group(1).decode()
            if self.stretch:
                self.stretch.heard.append(name)
            if name == self.history.last_line and self.stretch:
                self.stretch.whole = True

    # What it asks

    def ask(self, now):
        if not self.wanted:
            if self.history.asked >= self.history.plan.operations or self.history.ending:
                return
            self.history.asked += 1
            self.wanted = self.draw()
            self.wanted_since = now
            self.attempts = []
        verb, event, key, code, quantity = self.wanted
        if verb == "say":
            self.say(f"m {self.number} {self.said}")
            return
        tied = verb == "tied"
        operation = linear.Operation("hold" if tied else verb, time.monotonic(), key=key, code=code, quantity=quantity,
                                     client=self.number)
        self.history.operations[event].append(operation)
        self.current = operation
        words = {"book": f"/book {event} {quantity} key={key}", "hold": f"/hold {event} {quantity} ttl=3600 key={key}",
                 "tied": f"/hold {event} {quantity} ttl=3600 tied key={key}", "confirm": f"/confirm {code}",
                 "cancel": f"/cancel {code}", "ticket": f"/ticket {code}", "left": f"/left {event}",
                 "audit": f"/audit {event}"}
        self.send(words[verb] + "\n")

    def say(self, name):
        self.said += 1
        self.refusal = None
        self.current = chat.Line(name, self.number, time.monotonic(), float("inf"), None)
        self.current.node = self.node % self.history.world.NODES
        self.history.lines[name] = self.current
        self.wanted = ("say", None, None, None, 0)
        self.send(f"{name}\n/ping {name}\n")

    def draw(self):
        verb = self.lot.choice(self.history.verbs)
        event = self.lot.choice(list(self.history.plan.events))
        codes = self.history.codes[event]
        if verb == "again":
            if self.history.keyed:      # what another asked, perhaps at another node
                return self.lot.choice(self.history.keyed)
            verb = "book"
        if verb in ("confirm", "cancel", "ticket"):
            if not codes:
                verb = "left"
            else:   # an old one, or one of the latest, which others ask for as well
                code = self.lot.choice(codes if self.lot.random() < 0.5 else codes[-6:])
                return verb, event, None, code, 0
        if verb in ("left", "audit", "say"):
            return verb, event, None, None, 0
        key = f"prove-{self.history.plan.seed}-{self.number}-{self.history.asked}-{self.lot.getrandbits(40):010x}"
        wanted = verb, event, key, None, self.lot.choice([1, 1, 1, 2, 3])
        if verb != "tied":
            self.history.keyed.append(wanted)
        return wanted

    def hear_answer(self, answer):
        if self.current is None:
            raise Failed(f"client {self.number} got an answer to nothing: '{answer}'")
        if isinstance(self.current, chat.Line):
            self.hear_of_line(answer)
            return
        if "does not add up" in answer:
            raise Failed(f"client {self.number} was told: '{answer}'")
        operation, self.current = self.current, None
        verb, event, _, _, _ = self.wanted
        word = answer.split(" ", 1)[0]
        if word == "-INTERRUPTED":
            self.attempts.append(operation)
            return
        operation.answer = answer
        operation.answered = time.monotonic()
        if word in SETTLED_LATER:
            self.again_at = time.monotonic() + PAUSE_SECONDS
            # What may have been done at an earlier try is asked until it is settled; the rest is let be.
            if self.attempts or self.lot.random() < 0.7:
                return
        for attempt in self.attempts:
            attempt.until = operation
        if verb == "tied" and word == "-EXPIRED" and self.attempts:
            self.history.lapses.append((event, linear.untold(operation.key), self.attempts[0].asked))
        self.keep(verb, event, word, answer)
        self.wanted = None
        self.history.count += 1
        self.again_at = max(self.again_at, time.monotonic() + self.lot.uniform(0, self.history.world.pause_seconds))

    def keep(self, verb, event, word, answer):
        if verb in ("book", "hold", "tied") and word in ("+booked", "+held"):
            code = answer.split()[1]
            if code not in self.history.codes[event]:
                self.history.codes[event].append(code)
            if verb == "tied" and word == "+held":
                # Held by an earlier connection of ours, it may be gone as soon as that was.
                if self.attempts:
                    self.history.lapses.append((event, code, self.attempts[0].asked))
                self.tied.append((event, code))

    def hear_of_line(self, answer):
        line = self.current
        if answer.startswith("-"):
            self.refusal = answer
            return
        if answer != f"+pong {line.name}":
            raise Failed(f"client {self.number} was answered '{answer}' to '{line.name}'")
        if not self.refusal:
            line.told = True
            line.answered = time.monotonic()
        elif not self.refusal.startswith("-INTERRUPTED"):
            line.told = False
        self.current = None
        self.wanted = None
        self.history.count += 1

    def step(self, now):
        if now < self.again_at:
            return
        if not self.socket:
            self.connect(now)
        elif self.joined and self.current is None:
            self.ask(now)
        if self.wanted and now > self.wanted_since + self.history.world.ANSWER_SECONDS and self.wanted[0] != "say":
            raise Failed(f"client {self.number} is not answered: {self.wanted}")


class History:
    def __init__(self, plan, programs, world):
        self.plan = plan
        self.programs = programs
        self.world = world
        self.verbs = [verb for verb, weight in VERBS.items() if verb not in world.without() for _ in range(weight)] + world.MORE
        self.selector = selectors.DefaultSelector()
        self.operations = {event: [] for event in plan.events}
        self.codes = {event: [] for event in plan.events}
        self.keyed = []         # what was wanted with a key
        self.lapses = []
        self.lines = {}
        self.stretches = []
        self.log = []
        self.asked = self.count = 0
        self.last_line = None
        self.ending = False
        self.undecided = False
        self.faults = list(plan.faults)
        self.clients = [Client(self, number, seed) for number, seed in enumerate(plan.client_seeds)]

    def talks(self):
        return "say" in self.verbs

    # Its course

    def turn(self):
        now = time.monotonic()
        self.world.turn(now)
        while self.faults and self.asked >= self.faults[0][0]:
            _, kind, chance, seconds = self.faults.pop(0)
            self.world.strike(kind, chance, seconds, now)
        for client in self.clients:
            client.step(now)
        for key, _ in self.selector.select(0.002):
            key.data.read()

    def until(self, what, condition):
        deadline = time.monotonic() + self.world.ANSWER_SECONDS
        while not condition():
            if time.monotonic() > deadline:
                raise Failed(f"{what} in {self.world.ANSWER_SECONDS} s")
            self.turn()

    def run(self):
        self.world.start()
        self.go_through()
        self.world.finish()
        self.check_store()

    def go_through(self):
        while self.asked < self.plan.operations or any(client.wanted for client in self.clients):
            self.turn()
        self.until("not all is well again", self.world.is_well)
        if self.talks():
            self.end_chat()
        self.look_at_the_end()
        self.hang_up()

    def all_joined(self):
        return all(client.socket and client.joined and not client.current for client in self.clients)

    def end_chat(self):
        """Everybody hears one last line, and one asks what the room remembers."""
        self.ending = True
        self.forgive()
        self.wait_for_late_lines()
        speaker = self.clients[0]
        while not self.last_line or not self.lines[self.last_line].told:
            self.until("not everybody is back", self.all_joined)
            self.last_line = f"m 0 {speaker.said}"
            speaker.say(self.last_line)
            self.until("a line is not answered", lambda: not speaker.current)
        self.until("the last line is not heard", lambda: all(client.stretch.whole for client in self.clients[1:]))
        speaker.stretch.whole = True
        self.expect_all_there()
        logs = [self.ask_log(node) for node in range(self.world.NODES)]
        self.log = logs[0]
        if any(log != self.log for log in logs):
            raise Failed(f"the nodes do not remember the same: {logs}")

    def expect_all_there(self):
        """Each node tells of the same people in the room: ours, and nobody who is gone."""
        until = time.monotonic() + GONE_SECONDS
        while self.world.NODES > 1:
            # Who asks is in the room, too.
            counts = [self.question(f"/who {self.plan.room}", node)[-1].split()[-1] for node in range(self.world.NODES)]
            if all(int(count) == len(self.clients) + 1 for count in counts):
                return
            if time.monotonic() > until:
                raise Failed(f"in the room are {len(self.clients)} and who asks, and the nodes count {counts}")
            self.turn()

    def wait_for_late_lines(self):
        """What was taken on a node that was cut off is said before the last line, or never."""
        until = time.monotonic() + WAITED_SECONDS
        taken = {name for name, line in self.lines.items() if line.told}
        while self.world.NODES > 1 and time.monotonic() < until:
            if all(taken <= set(self.ask_log(node)) for node in range(self.world.NODES)):
                return
            self.turn()

    def ask_log(self, node):
        rows = self.question(f"/history {self.plan.room} 1000", node)
        return [row.group(1).decode() for row in map(REMEMBERED.match, rows) if row]

    def question(self, text, node=0):
        """Asked by itself, and again while the store is not back yet: the rows and the final line."""
        until = time.monotonic() + self.world.ANSWER_SECONDS
        while True:
            lines = self.ask_once(text, node)
            away = lines[-1].startswith((b"-BUSY", b"-INTERNAL")) and b"does not add up" not in lines[-1]
            if not away or time.monotonic() > until:
                return lines
            self.turn()

    def ask_once(self, text, node):
        """On a connection of its own."""
        with socket.create_connection(self.world.address(node), timeout=self.world.ANSWER_SECONDS) as connection:
            connection.sendall(f"/join {self.plan.room}\n{text}\n".encode())
            stream = connection.makefile("rb")
            for line in stream:
                if line.startswith(b"+join"):
                    break
            lines = []
            for line in stream:
                line = line.rstrip(b"\n")
                if line[:1] != b"*":
                    lines.append(line)
                if line[:1] in b"+-":
                    return lines
        raise Failed(f"no answer to '{text}'")

    def look_at_the_end(self):
        """What the office says when all is over stands after everything else."""
        for event in self.plan.events:
            for node in range(self.world.NODES):
                self.wait_for_board(event, node)
                self.final("left", event, f"/left {event}", None, node)
            for place, code in enumerate(self.codes[event]):
                self.final("ticket", event, f"/ticket {code}", code, place)
            audit = self.final("audit", event, f"/audit {event}", None)
            if not audit.endswith(" ok"):
                raise Failed(f"the audit says '{audit}'")

    def wait_for_board(self, event, node):
        """What is left, as a node shows it, follows the other nodes' sales within a second or so."""
        until = time.monotonic() + BOARD_SECONDS
        while self.world.NODES > 1:
            free = self.question(f"/audit {event}", node)[-1].decode().split()[4]
            shown = self.question(f"/left {event}", node)[-1].decode().split()[2]
            if free == shown:
                return
            if time.monotonic() > until:
                raise Failed(f"node {node} shows {shown} left of {event}, and {free} are")
            self.turn()

    def final(self, verb, event, text, code, node=0):
        operation = linear.Operation(verb, time.monotonic(), code=code, client=-1)
        operation.answer = self.question(text, node)[-1].decode()
        operation.answered = time.monotonic()
        self.operations[event].append(operation)
        return operation.answer

    def check_store(self):
        run = subprocess.run([self.programs.turnstile, "store", "check", self.world.url], capture_output=True, text=True,
                             env={**os.environ, "XDG_STATE_HOME": self.world.folder})
        if run.returncode != 0:
            raise Failed(f"store check: {run.stdout}{run.stderr}")

    def judge(self):
        wrong = []
        for event, total in self.plan.events.items():
            lapses = [linear.Operation("lapse", since, code=code) for where, code, since in self.lapses if where == event]
            try:
                wrong += [f"event {event}: {text}" for text in linear.check(total, self.operations[event] + lapses)]
            except linear.Undecided:
                self.undecided = True
        return wrong + (self.judge_chat() if self.talks() else [])

    def forgive(self):
        """What waited on a node for its way to the bus when that was killed may be lost."""
        for line in self.lines.values():
            if any(line.node == node and line.asked <= when <= line.asked + WAITED_SECONDS for node, when in self.world.killed):
                line.told = None if line.told else line.told

    def judge_chat(self):
        return chat.check(self.lines, self.stretches, self.log, self.world.remembered, self.world.NODES > 1)

    def hang_up(self):
        for client in self.clients:
            if client.socket:
                client.socket.close()

    def finish(self):
        self.hang_up()
        self.selector.close()

    def write(self, path, wrong):
        """All that was seen, for a person to read."""
        with open(path, "w") as file:
            print(self.plan, *wrong, "", sep="\n", file=file)
            for event, operations in self.operations.items():
                print(event, *sorted(operations, key=lambda operation: operation.asked), "", sep="\n", file=file)
            print("lapses", *self.lapses, "", "log", *self.log, "", sep="\n", file=file)
            for stretch in self.stretches:
                print(f"heard by {stretch.client} from {stretch.joined:.6f}:", *stretch.heard, sep="\n    ", file=file)
            print(self.world.end_of_logs(), file=file)


def run(seed, store, operations, programs, base, keep):
    """One history; (operations, faults, whether it is undecided, what is wrong, the file it is written to)."""
    plan = Plan(seed, store, operations, WORLDS[store])
    folder = tempfile.mkdtemp(prefix="turnstile-prove-", dir=base)
    world = WORLDS[store](plan, programs, folder)
    history = History(plan, programs, world)
    wrong = []
    try:
        try:
            history.run()
        except Failed as failure:
            wrong.append(str(failure))
        wrong += history.judge() if not wrong else []
        path = None
        if wrong:
            path = os.path.join(keep, f"history-{store}-{seed}.txt")
            history.write(path, wrong)
    finally:
        history.finish()
        world.abandon()
        shutil.rmtree(folder, ignore_errors=True)
    count = sum(map(len, history.operations.values())) + len(history.lines)
    return count, len(history.plan.faults), history.undecided, wrong, path
