"""Histories of concurrent clients on a server whose processes are killed and whose disk fails, each checked.

prove.py --build FOLDER [--seed N] [--histories N] [--operations N] [--store sqlite|json|both|postgres] [--jobs N]
         [--keep FOLDER]

With `--store postgres` there are two servers, that sell from one database.

History number I of seed N is that of seed N + I alone: `--seed` with the number that a failure names,
and `--histories 1`, runs it again.
"""

import argparse
import multiprocessing
import os
import secrets
import shutil
import signal
import sys
import tempfile
import time

import database
import history

SHM = "/dev/shm"
RECURSION_MAX = 50_000  # the search goes two deep for each operation


class Programs:
    def __init__(self, build):
        self.turnstiled = os.path.join(build, "turnstiled")
        self.turnstile = os.path.join(build, "turnstile")
        self.preload = self.library(build, "disk")
        self.skew = self.library(build, "skew")
        self.template = None    # of databases

    @staticmethod
    def library(build, name):
        path = os.path.join(build, "tests", f"libprove_{name}.so")
        return path if os.path.exists(path) else None


def read_arguments():
    parser = argparse.ArgumentParser(prog="script/prove", description="Proves from outside that histories are linearizable.")
    parser.add_argument("--build", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=None, metavar="N", help="the first history's (drawn, and printed)")
    parser.add_argument("--histories", type=int, default=1000, metavar="N", help="how many (1000)")
    parser.add_argument("--operations", type=int, default=500, metavar="N", help="operations a history (500)")
    parser.add_argument("--store", choices=["sqlite", "json", "both", "postgres"], default="both",
                        help="the kind of store (sqlite and json in turn); postgres: two servers on one")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), metavar="N", help="histories at a time (one a processor)")
    parser.add_argument("--until-wrong", action="store_true", help="stop at the first that is wrong")
    parser.add_argument("--keep", default=".", metavar="FOLDER", help="where a history that is wrong is written to (.)")
    return parser.parse_args()


def one(work):
    sys.setrecursionlimit(RECURSION_MAX)
    seed, store, operations, programs, base, keep = work
    return seed, store, history.run(seed, store, operations, programs, base, keep)


def main():
    arguments = read_arguments()
    # So that the servers are ended then, too, and what they wrote is gone.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    seed = secrets.randbelow(2**31) if arguments.seed is None else arguments.seed
    programs = Programs(os.path.abspath(arguments.build))
    base = tempfile.mkdtemp(prefix="turnstile-prove-", dir=SHM if os.access(SHM, os.W_OK) else None)
    try:
        return prove(arguments, seed, programs, base)
    finally:
        shutil.rmtree(base, ignore_errors=True)


def prove(arguments, seed, programs, base):
    stores = ["sqlite", "json"] if arguments.store == "both" else [arguments.store]
    if "postgres" in stores:
        if not database.find("initdb"):
            print("prove: no PostgreSQL is installed (script/bootstrap test)")
            return 1
        os.chmod(base, 0o711)
        programs.template = database.make_template(base)
    print(f"prove: seed {seed}, {arguments.histories} histories of {arguments.operations} operations", flush=True)
    if not programs.preload:
        print("prove: libprove_disk.so is not built: no disk fails here", flush=True)
    work = [(seed + i, stores[(seed + i) % len(stores)], arguments.operations, programs, base, arguments.keep)
            for i in range(arguments.histories)]
    begun = time.monotonic()
    operations = faults = undecided = failures = 0
    with multiprocessing.Pool(arguments.jobs) as pool:
        for number, store, (count, struck, unsure, wrong, path) in pool.imap_unordered(one, work):
            operations += count
            faults += struck
            undecided += unsure
            if wrong:
                failures += 1
                print(f"prove: seed {number} ({store}) is wrong, see {path}", *wrong[:8], sep="\n  ", flush=True)
                if arguments.until_wrong:
                    break
    seconds = time.monotonic() - begun
    print(f"prove: {arguments.histories} histories, {operations} operations, {faults} faults, {seconds:.0f} s: "
          f"{failures} wrong, {undecided} with too many orders to try them all")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
