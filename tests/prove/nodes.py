"""Two servers that sell from one PostgreSQL, and what may go wrong: of either server, of the database.

The second server's clock may differ by minutes (tests/prove/skew.c).
"""

import collections
import os

from database import Database
from one import arguments_of, strike_worker
from server import Server

FREE = ["kill", "kill", "stop", "kill_all", "master", "database", "backend", "freeze"]


class Nodes:
    NODES = 2
    # What a node shows as left follows the other's sales within a second; each has a chat of its own.
    WITHOUT, MORE = ("left", "say"), ["again"] * 12
    ANSWER_SECONDS = 60
    CLOCKS = [0, 0, -421, 733]
    STRIKES = [1, 2, 4]         # how many faults a history has
    SECONDS = [0.05, 0.3, 1.0, 2.5]
    WEATHERS = ["calm", "kills", "stops", "masters", "database", "backends", "frozen", "all", "all"]
    FAULTS = {"calm": [], "kills": ["kill", "kill_all"], "stops": ["stop"], "masters": ["master"],
              "database": ["database"], "backends": ["backend"], "frozen": ["freeze"], "all": FREE}
    NAMES = ("a", "b")
    pause_seconds = 0

    def __init__(self, plan, programs, folder):
        self.plan = plan
        self.folder = folder
        self.later = []         # (when, what): what heals
        self.struck = collections.Counter()
        self.remembered = False
        os.chmod(folder, 0o711)
        self.database = self.make_database(programs)
        self.url = self.database.url()
        self.servers = [self.make_server(name, plan, programs) for name in self.NAMES]

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

    def more_arguments(self, _):
        return []

    def address(self, number):
        """Of the node that has this number, or None while it does not run."""
        server = self.servers[number % len(self.servers)]
        return (server.address, server.port) if server.ready else None

    def start(self):
        self.database.start()
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
        elif server.ready:
            strike_worker(server, kind, chance, seconds)

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

    def end_of_logs(self):
        logs = [f"the log of {name}\n{server.end_of_log()}" for name, server in zip(self.NAMES, self.servers)]
        return "\n".join([*logs, f"the database's log\n{self.database.end_of_log()}"])
