"""Whether what the members of one room heard is one order, whole, with nothing twice and nothing between left out.

Each line that is said is its own (`m CLIENT NUMBER`). The room's log is what /history tells at the
end. A stretch is what one connection heard from its joining to its end: it must be a stretch of the
log with the sender's own lines left out. A line whose sender was told that it is said is in the log,
and one that was refused is not. When the master was killed, the last second of the log may be gone,
so then the order is put together from what was heard.
"""


class Line:
    """What one client said: `told` is True (taken), False (refused), or None: nobody knows."""

    __slots__ = ("name", "client", "asked", "answered", "told", "node")

    def __init__(self, name, client, asked, answered, told):
        self.name, self.client = name, client
        self.asked, self.answered, self.told = asked, answered, told
        self.node = 0       # where it was said


class Stretch:
    """What one connection heard; `whole`: it lived until the room's last line, and heard that."""

    __slots__ = ("client", "joined", "heard", "whole")

    def __init__(self, client, joined, whole=False):
        self.client, self.joined, self.whole = client, joined, whole
        self.heard = []


def merge(stretches):
    """One order that agrees with all stretches, or None when there is none (they form a circle)."""
    after, before = {}, {}
    for stretch in stretches:
        for name in stretch.heard:
            after.setdefault(name, set())
            before.setdefault(name, 0)
        for name, following in zip(stretch.heard, stretch.heard[1:]):
            if following not in after[name]:
                after[name].add(following)
                before[following] += 1
    ready = [name for name, count in before.items() if count == 0]
    order = []
    while ready:
        name = ready.pop()
        order.append(name)
        for following in after[name]:
            before[following] -= 1
            if before[following] == 0:
                ready.append(following)
    return order if len(order) == len(before) else None


def check_heard(lines, stretches):
    wrong = []
    for stretch in stretches:
        names = set(stretch.heard)
        if len(names) != len(stretch.heard):
            wrong.append(f"client {stretch.client} heard a line twice: {stretch.heard}")
        for name in names:
            if name not in lines:
                wrong.append(f"client {stretch.client} heard what nobody said: '{name}'")
            elif lines[name].told is False:
                wrong.append(f"'{name}' was refused, and client {stretch.client} heard it")
            elif lines[name].client == stretch.client:
                wrong.append(f"client {stretch.client} heard its own '{name}'")
    return wrong


def check_slice(stretch, log, places, lines):
    """The stretch is the log from one place to another, its own lines and nothing else left out."""
    unknown = [name for name in stretch.heard if name not in places]
    if unknown:
        return [f"client {stretch.client} heard '{unknown[0]}', which the room does not remember"]
    begin = places[stretch.heard[0]] if stretch.heard else len(log)
    end = places[stretch.heard[-1]] + 1 if stretch.heard else len(log)
    expected = [name for name in log[begin:end] if lines[name].client != stretch.client]
    if stretch.heard and stretch.heard != expected:
        at = next((i for i, pair in enumerate(zip(stretch.heard, expected)) if pair[0] != pair[1]), 0)
        return [f"client {stretch.client} heard '{stretch.heard[at]}' where the room has '{expected[at]}'"]
    missed = [name for name in log[:begin] if lines[name].asked > stretch.joined and lines[name].client != stretch.client]
    if missed and (stretch.heard or stretch.whole):
        return [f"client {stretch.client} had joined and did not hear '{missed[0]}'"]
    last = [name for name in log[end:] if lines[name].client != stretch.client]
    if stretch.whole and last:
        return [f"client {stretch.client} did not hear '{last[0]}'"]
    return []


def check_log(log, lines, remembered):
    wrong = []
    if len(set(log)) != len(log):
        wrong.append("the room remembers a line twice")
    wrong += [f"the room remembers what nobody said: '{name}'" for name in log if name not in lines]
    wrong += [f"the room remembers '{name}', which was refused" for name in log if name in lines and lines[name].told is False]
    if remembered:
        there = set(log)
        wrong += [f"'{name}' was said, and the room does not remember it"
                  for name, line in lines.items() if line.told and name not in there]
    return wrong


def check_times(log, lines):
    """What was said before another was begun stands before it: the latest beginning so far is enough."""
    latest, which = float("-inf"), None
    for name in log:
        line = lines[name]
        if line.answered < latest:
            return [f"'{name}' was said before '{which}' was begun, and stands after it"]
        if line.asked > latest:
            latest, which = line.asked, name
    return []


def check(lines, stretches, log, remembered=True, late=False):
    """`lines` by name; `log` the names as /history has them; `remembered`: the room never lost its memory;
    `late`: a line that was taken may wait on a machine that is cut off, and is said when that is over."""
    wrong = check_heard(lines, stretches) + check_log(log, lines, remembered)
    order = merge(stretches)
    if order is None:
        wrong.append("members heard the lines in different orders")
    if wrong:
        return wrong
    if remembered and not late:
        wrong += check_times(log, lines)
    if remembered:
        places = {name: place for place, name in enumerate(log)}
        for stretch in stretches:
            wrong += check_slice(stretch, log, places, lines)
    return wrong
