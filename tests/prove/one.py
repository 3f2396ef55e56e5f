"""What a history is of, and what may happen to it: one server, whose disk may be slow, full or failing.

A world is what a history's clients are in: where they connect to, what is drawn to go wrong there, and
that it is well again. nodes.py has another.
"""

import os
import signal

from server import Disk, Server

SEED_MASK = 0xFFFFFFFFFFFFFFFF


def arguments_of(plan, url, state):
    arguments = ["--workers", str(plan.workers), "--dispatch", plan.dispatch, "--store", url, "--state", state,
                 "--rate", "0", "--max-quantity", "0", "--max-held", "0"]
    for event, total in plan.events.items():
        arguments += ["--event", f"{event}={total}"]
    return arguments


def strike_worker(server, kind, chance, seconds):
    """Kills or stops a worker, or kills all of them."""
    children = server.children()
    victim = children[int(chance * len(children))] if children else None
    if kind == "kill" and victim:
        server.signal(victim, signal.SIGKILL)
    elif kind == "kill_all":
        for child in children:
            server.signal(child, signal.SIGKILL)
    elif kind == "stop" and victim:
        server.stop(victim, seconds)


class OneServer:
    NODES = 1
    MORE = []                   # what is asked beside VERBS
    ANSWER_SECONDS = 30         # that any operation may take, its being asked again counted in
    CLOCKS = [0]
    STRIKES = [1, 2, 4]         # how many faults a history has
    SECONDS = [0.01, 0.05, 0.2]
    WEATHERS = ["calm", "kills", "kills", "kills", "stops", "stops", "masters", "full", "failing", "syncs", "all"]
    FAULTS = {"calm": [], "kills": ["kill"], "stops": ["stop"], "masters": ["master"], "full": ["full"],
              "failing": ["failing"], "syncs": ["syncs"],
              "all": ["kill", "stop", "master", "full", "failing", "syncs", "kill_all"]}
    pause_seconds = 0

    def __init__(self, plan, programs, folder):
        self.plan = plan
        self.folder = folder
        self.url = f"{plan.store}:{folder}/store"
        self.preload = programs.preload
        disk = os.path.join(folder, "disk")
        self.disk = Disk(disk, plan.seed & SEED_MASK)
        environment = {"LD_PRELOAD": self.preload, "TURNSTILE_DISK": disk} if self.preload else {}
        self.server = Server(programs.turnstiled, arguments_of(plan, self.url, folder), folder, environment)
        self.disk_well_at = None
        self.remembered = True  # the rooms never lost their memory
        self.killed = []        # (node, when): its master

    @staticmethod
    def without():
        """What of VERBS is not asked."""
        return ()

    def address(self, _):
        return self.server.address, self.server.port

    def start(self):
        self.server.start()
        self.disk_is_well()

    def disk_is_well(self):
        self.disk.be(sync_us=self.plan.sync_us)
        self.disk_well_at = None

    def strike(self, kind, chance, seconds, now):
        if kind == "master":
            self.remembered = False
            self.server.kill()
            self.disk_is_well()
            self.server.start()
            return
        strike_worker(self.server, kind, chance, seconds)
        how = {"full": {"full": 1000}, "failing": {"write_fails": 300, "sync_fails": 300},
               "syncs": {"sync_fails": 500}}.get(kind)
        if how and self.preload:
            self.disk.be(sync_us=self.plan.sync_us, **how)
            self.disk_well_at = now + seconds

    def turn(self, now):
        self.server.go_on(now)
        if self.disk_well_at and now >= self.disk_well_at:
            self.disk_is_well()

    def is_well(self):
        return not self.disk_well_at and not self.server.stopped

    def finish(self):
        self.server.finish()

    def abandon(self):
        self.server.abandon()

    def end_of_logs(self):
        return f"the server's log\n{self.server.end_of_log()}"
