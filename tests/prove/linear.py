"""Whether what clients of one event saw could have come from one ticket office that did one thing at a time.

A search for an order of the operations that agrees with real time (what was answered before another
was asked comes first) and with every answer: Wing and Gong, "Testing and verifying concurrent
objects" (1993), with Lowe's memory of the configurations that led nowhere ("Testing for
linearizability", 2017). Each event is looked at alone, which is allowed since linearizability is
local (Herlihy and Wing, 1990). Two things keep it small. An operation that changes nothing and whose
answer is right now may be put now: it only takes a constraint away. And what the office looks like
follows from the set of operations that are done, in whatever order: so the set alone is remembered.

What was asked and never answered (the connection was lost, -INTERRUPTED) may have been done or not.
Its client asks the same again until it is answered, and by then it is settled: a request with a key
takes effect in its order or never, and a second cancelling or confirming changes nothing.
"""

FOREVER = float("inf")
NODES_MAX = 400_000  # configurations that are looked at before one gives up

IMPOSSIBLE, SAME, CHANGES = range(3)


class Operation:
    """What one client asked and was told. An `answer` of None: never answered.

    verb: book, hold, confirm, cancel, ticket, left, audit, grow; or lapse, which nobody asks for: a tied
    hold goes some time after its connection. `until` is the operation that settles an unanswered one.
    """

    __slots__ = ("verb", "key", "code", "quantity", "asked", "answered", "answer", "until", "client", "place")

    def __init__(self, verb, asked, answered=FOREVER, answer=None, key=None, code=None, quantity=0, client=0):
        self.verb, self.key, self.code, self.quantity = verb, key, code, quantity
        self.asked, self.answered, self.answer = asked, answered, answer
        self.until = None
        self.client = client
        self.place = -1

    def __str__(self):
        what = " ".join(str(word) for word in (self.verb, self.quantity or "", self.key or "", self.code or "") if word)
        return f"[{self.asked:.6f} {self.answered:.6f}] client {self.client}: {what} -> {self.answer or 'unknown'}"


def refused(answer):
    """Nothing was done, says the server; whatever the office looks like."""
    return answer.split(" ", 1)[0] in ("-BUSY", "-INTERNAL", "-RATE", "-LIMIT")


def tells(operation):
    """Whether there is anything to be learned from it: a question that was not answered changed nothing."""
    return not refused(operation.answer) if operation.answer else operation.verb not in ("ticket", "left", "audit")


class Office:
    """The model: what is free, and each ticket's state. Changes are undone in the reverse order."""

    def __init__(self, total, codes):
        self.free = total
        self.total = total
        self.codes = codes      # of each key, as any answer told it
        self.tickets = {}       # code: [state, quantity]
        self.keys = set()

    def look(self, operation):
        """What doing the operation now would be."""
        return getattr(self, operation.verb)(operation, operation.answer)

    def book(self, operation, answer):
        if operation.key in self.keys:
            return SAME if answer and self.repeats(operation, answer) else IMPOSSIBLE
        if not answer:
            known = operation.key in self.codes
            return CHANGES if known and self.free >= operation.quantity else IMPOSSIBLE
        words = answer.split()
        if words[0] == "-SOLDOUT":
            return SAME if self.free < operation.quantity and int(words[2]) == self.free else IMPOSSIBLE
        first = "+booked" if operation.verb == "book" else "+held"
        if words[0] != first or words[1] in self.tickets or int(words[3]) != operation.quantity:
            return IMPOSSIBLE
        return CHANGES if self.free >= operation.quantity else IMPOSSIBLE

    hold = book

    def repeats(self, operation, answer):
        code = self.codes[operation.key]
        words = answer.split()
        state = self.tickets[code][0]
        if words[0] in ("+booked", "+held") and words[1] != code:
            return False
        return words[0] == {"booked": "+booked", "held": "+held", "cancelled": "-USED", "expired": "-EXPIRED"}[state]

    def confirm(self, operation, answer):
        state = self.tickets[operation.code][0] if operation.code in self.tickets else None
        if not answer:
            return CHANGES if state == "held" else IMPOSSIBLE
        word = answer.split()[0]
        if word == "+booked":
            return {"held": CHANGES, "booked": SAME}.get(state, IMPOSSIBLE)
        return SAME if word == {"cancelled": "-USED", "expired": "-EXPIRED", None: "-NOTFOUND"}.get(state) else IMPOSSIBLE

    def cancel(self, operation, answer):
        state = self.tickets[operation.code][0] if operation.code in self.tickets else None
        stands = state in ("held", "booked")
        if not answer or answer.startswith("+cancelled"):
            return CHANGES if stands else IMPOSSIBLE
        word = answer.split()[0]
        return SAME if word == {"cancelled": "-USED", "expired": "-EXPIRED", None: "-NOTFOUND"}.get(state) else IMPOSSIBLE

    def ticket(self, operation, answer):
        if operation.code not in self.tickets:
            return SAME if answer.startswith("-NOTFOUND") else IMPOSSIBLE
        state, quantity = self.tickets[operation.code]
        return SAME if answer.split()[3:] == [str(quantity), state] else IMPOSSIBLE

    def left(self, _, answer):
        words = answer.split()
        return SAME if words[0] == "+left" and words[2:] == [str(self.free), str(self.total)] else IMPOSSIBLE

    def audit(self, _, answer):
        words = answer.split()
        held = sum(quantity for state, quantity in self.tickets.values() if state == "held")
        figures = [self.total - self.free - held, held, self.free, self.total]
        return SAME if words[0] == "+audit" and words[2:] == [*map(str, figures), "ok"] else IMPOSSIBLE

    def grow(self, operation, answer):
        if not answer or answer.split()[2:] == [str(self.total + operation.quantity)]:
            return CHANGES
        return IMPOSSIBLE

    def lapse(self, operation, _):
        held = operation.code in self.tickets and self.tickets[operation.code][0] == "held"
        return CHANGES if held else IMPOSSIBLE

    def do(self, operation):
        """Does what look() said CHANGES of; what it returns undoes it."""
        verb = operation.verb
        if verb in ("book", "hold"):
            code = operation.answer.split()[1] if operation.answer else self.codes[operation.key]
            self.tickets[code] = ["booked" if verb == "book" else "held", operation.quantity]
            self.keys.add(operation.key)
            self.free -= operation.quantity
            return code
        if verb == "grow":
            self.free += operation.quantity
            self.total += operation.quantity
            return None
        ticket = self.tickets[operation.code]
        before = ticket[0]
        ticket[0] = {"confirm": "booked", "cancel": "cancelled", "lapse": "expired"}[verb]
        if verb != "confirm":
            self.free += ticket[1]
        return before

    def undo(self, operation, before):
        verb = operation.verb
        if verb in ("book", "hold"):
            del self.tickets[before]
            self.keys.discard(operation.key)
            self.free += operation.quantity
        elif verb == "grow":
            self.free -= operation.quantity
            self.total -= operation.quantity
        else:
            ticket = self.tickets[operation.code]
            ticket[0] = before
            if verb != "confirm":
                self.free -= ticket[1]


class Search:
    def __init__(self, total, operations):
        self.operations = sorted(operations, key=lambda operation: operation.asked)
        for place, operation in enumerate(self.operations):
            operation.place = place
        self.office = Office(total, codes_of_keys(operations))
        self.unanswered = [operation for operation in self.operations if operation.until]
        self.done = bytearray(len(self.operations))
        self.set = 0            # of what is done, a bit each
        self.first = 0          # all before it are done or settled
        self.seen = set()
        self.deepest = (-1, [])  # how many were done at most, and what could not be after them
        self.nodes = 0

    def settled(self, operation):
        if self.done[operation.place]:
            return True
        return operation.answer is None and operation.until is not None and bool(self.done[operation.until.place])

    def candidates(self):
        """What may be the next: asked before the first of the answers that are left."""
        found = []
        bound = FOREVER
        for place in range(self.first, len(self.operations)):
            operation = self.operations[place]
            if operation.asked > bound:
                break
            if not self.settled(operation):
                found.append(operation)
                bound = min(bound, operation.answered)
        return [operation for operation in found if operation.asked <= bound]

    def mark(self, operation, done):
        self.done[operation.place] = done
        self.set ^= 1 << operation.place

    def absorb(self):
        """Puts what changes nothing and is right now. Returns that, and what may change something."""
        absorbed = []
        while True:
            while self.first < len(self.operations) and self.settled(self.operations[self.first]):
                self.first += 1
            candidates = self.candidates()
            more = [operation for operation in candidates if operation.answer and self.office.look(operation) == SAME]
            if not more:
                return absorbed, candidates
            for operation in more:
                self.mark(operation, 1)
            absorbed += more

    def run(self):
        """True: there is an order. False: there is none. None: too much to look at."""
        first = self.first
        absorbed, candidates = self.absorb()
        if not any(operation.answer for operation in candidates):
            return True
        result = self.branch(candidates)
        if not result:
            for operation in absorbed:
                self.mark(operation, 0)
            self.first = first
        return result

    def configuration(self):
        """The set, without what is settled: whether it or its being asked again did it is the same now."""
        configuration = self.set
        for operation in self.unanswered:
            if self.done[operation.place] and self.done[operation.until.place]:
                configuration ^= 1 << operation.place
        return configuration

    def branch(self, candidates):
        configuration = self.configuration()
        if configuration in self.seen:
            return False
        self.seen.add(configuration)
        self.nodes += 1
        if self.nodes > NODES_MAX:
            return None
        count = self.set.bit_count()
        if count > self.deepest[0]:
            self.deepest = (count, candidates)
        first = self.first
        for operation in sorted(candidates, key=lambda candidate: candidate.answered):
            if self.office.look(operation) != CHANGES:
                continue
            before = self.office.do(operation)
            self.mark(operation, 1)
            result = self.run()
            if result or result is None:
                return result
            self.mark(operation, 0)
            self.first = first
            self.office.undo(operation, before)
        return False


def untold(key):
    """The name of a code that nobody was told: its tied hold lapsed with the connection that asked."""
    return f"of {key}"


def codes_of_keys(operations):
    """What code each key got, by any answer that tells it."""
    codes, gone = {}, set()
    for operation in operations:
        if operation.verb in ("book", "hold") and operation.answer:
            if operation.answer[0] == "+":
                codes.setdefault(operation.key, operation.answer.split()[1])
            elif operation.answer.startswith("-EXPIRED"):
                gone.add(operation.key)
    for key in gone:
        codes.setdefault(key, untold(key))
    return codes


class Undecided(Exception):
    """There are too many orders to try them all."""


def check(total, operations):
    """Of one event, with `total` at first: a list of what is wrong, empty when there is an order."""
    search = Search(total, [operation for operation in operations if tells(operation)])
    result = search.run()
    if result is None:
        raise Undecided
    if result:
        return []
    why = "there is no order that agrees with these"
    pending = [f"    {operation}" for operation in search.deepest[1]]
    state = f"    free {search.office.free} of {search.office.total} at the start"
    return [f"{why}: after {search.deepest[0]} of {len(search.operations)}, one of these should have come next", state, *pending]
