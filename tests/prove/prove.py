"""Histories of concurrent clients on a server whose processes are killed and whose disk fails, each checked.

prove.py --build FOLDER [--seed N] [--histories N] [--operations N] [--store sqlite|json|both] [--jobs N] [--keep FOLDER]

History number I of seed N is that of seed N + I alone: `--seed` with the number that a failure names,
and `--histories 1`, runs it again.
"""

import argparse
import multiprocessing
import os
import re
import secrets
import subprocess
import sys
import time

import history

SHM = "/dev/shm"
RECURSION_MAX = 50_000  # the search goes two deep for each operation


class Programs:
    def __init__(self, build):
        self.turnstiled = os.path.join(build, "turnstiled")
        self.turnstile = os.path.join(build, "turnstile")
        disk = os.path.join(build, "tests", "libprove_disk.so")
        self.preload = disk if os.path.exists(disk) else None
        text = subprocess.run([self.turnstiled, "--help"], capture_output=True, text=True, check=True).stdout
        self.options = set(re.findall(r"--([a-z-]+)", text))


def read_arguments():
    parser = argparse.ArgumentParser(prog="script/prove", description="Proves from outside that histories are linearizable.")
    parser.add_argument("--build", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=None, metavar="N", help="the first history's (drawn, and printed)")
    parser.add_argument("--histories", type=int, default=1000, metavar="N", help="how many (1000)")
    parser.add_argument("--operations", type=int, default=500, metavar="N", help="operations a history (500)")
    parser.add_argument("--store", choices=["sqlite", "json", "both"], default="both", help="the kind of store (both in turn)")
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
    seed = secrets.randbelow(2**31) if arguments.seed is None else arguments.seed
    programs = Programs(os.path.abspath(arguments.build))
    base = SHM if os.access(SHM, os.W_OK) else None
    stores = ["sqlite", "json"] if arguments.store == "both" else [arguments.store]
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
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
