"""Plants bugs, one at a time, in a copy of the tree, and names the test that finds each.

run.py [--check] [NAME]...

A bug is a patch beside this file. Its head says what slip it is, and which tests are to find it, the
first one first: `Tests: db survival*/*` is a test program and a filter, `Tests: histories --seed 1`
arguments for script/prove, `Tests: fuzz letter` a target of tests/fuzz on its corpus. Those are run before the patch, too, so that it is the slip that they find.
One that no test finds is an error: a test is missing. --check only looks whether each still applies.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TREE = ROOT / "build" / "mutants" / "release"
BUILD = TREE / "build" / "release"
TEST_SECONDS = 300
NO_TEST = "Synthesis: Tested: 0 "
FAILED_TEST = re.compile(r"\[(?:FAIL|CRASH)\] ([^ :]+::[^ :]+)|^prove: (seed \d+ \([a-z]+\) is wrong)", re.MULTILINE)


class Mutant:
    def __init__(self, path):
        self.path = path
        self.name = path.stem
        head = path.read_text().split("\n--- ", 1)[0].split("\n")
        self.slip = head[0]
        self.tests = [line.split(" ", 1)[1].split() for line in head if line.startswith("Tests: ")]
        if not self.tests:
            sys.exit(f"mutants: {path.name} names no tests")


def applies(mutant, tree, *how):
    return subprocess.run(["patch", "-p1", "--batch", "--silent", "--fuzz=0", "--no-backup-if-mismatch", *how,
                           "-i", str(mutant.path)], cwd=tree, capture_output=True).returncode == 0


def copy_tree():
    """The files as they are now; what is the same keeps its time, and is not built anew."""
    TREE.mkdir(parents=True, exist_ok=True)
    files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.split(b"\0")
    for name in filter(None, (os.fsdecode(file) for file in files)):
        there, here = TREE / name, ROOT / name
        if not here.exists():
            continue
        if not there.exists() or there.read_bytes() != here.read_bytes():
            there.parent.mkdir(parents=True, exist_ok=True)
            there.write_bytes(here.read_bytes())
            there.chmod(here.stat().st_mode & 0o777)


def target_of(test):
    if test[0] == "fuzz":
        return [f"replay_{test[1]}"]
    return ["turnstiled", "turnstile", "prove_disk"] if test[0] == "histories" else [f"test_{test[0]}"]


def build(tests):
    if not (BUILD / "build.ninja").exists():
        subprocess.run(["cmake", "--preset", "release"], cwd=TREE, stdout=subprocess.DEVNULL, check=True)
    targets = sorted({target for test in tests for target in target_of(test)})
    run = subprocess.run(["cmake", "--build", str(BUILD), "--target", *targets], capture_output=True, text=True)
    return run.returncode == 0, run.stdout[-2000:]


def command_of(test):
    if test[0] == "histories":
        return [sys.executable, "-B", str(TREE / "tests/prove/prove.py"), "--build", str(BUILD), "--keep", str(BUILD), *test[1:]]
    if test[0] == "fuzz":
        return [str(BUILD / "tests/fuzz" / f"replay_{test[1]}"), str(TREE / "tests/fuzz/corpus" / test[1])]
    return [str(BUILD / "tests" / f"test_{test[0]}"), "--filter", test[1], "--jobs", "2"]


def found_by(test):
    """The test that fails, or None when all is well; what does not end is found, too."""
    try:
        run = subprocess.run(command_of(test), cwd=TREE, capture_output=True, text=True, errors="replace", timeout=TEST_SECONDS)
    except subprocess.TimeoutExpired:
        return f"{' '.join(test)}, which did not end"
    if run.returncode == 0:
        return "no test has that name" if NO_TEST in run.stdout + run.stderr else None
    failed = FAILED_TEST.search(run.stdout + run.stderr)
    return next(filter(None, failed.groups())) if failed else " ".join(test)


def plant(mutant):
    """Who finds it: a text; False when nobody does, or when it cannot be planted."""
    if not applies(mutant, TREE):
        print(f"{mutant.name}: does not apply")
        return False
    try:
        built, said = build(mutant.tests)
        if not built:
            print(f"{mutant.name}: does not build\n{said}")
            return False
        finder = next(filter(None, map(found_by, mutant.tests)), None)
    finally:
        applies(mutant, TREE, "--reverse")
    print(f"{mutant.name}: {mutant.slip} Found by {finder}" if finder else f"{mutant.name}: SURVIVES ({mutant.slip})", flush=True)
    return bool(finder)


def check(mutants):
    bad = [mutant.name for mutant in mutants if not applies(mutant, ROOT, "--dry-run")]
    for name in bad:
        print(f"mutants: {name} does not apply any more")
    print(f"mutants: {len(mutants) - len(bad)} of {len(mutants)} apply")
    return not bad


def well_without(mutants):
    """The tests pass as long as nothing is planted."""
    tests = {tuple(test) for mutant in mutants for test in mutant.tests}
    failing = {" ".join(test): why for test in sorted(tests) if (why := found_by(test))}
    for test, why in failing.items():
        print(f"mutants: fails without any mutant: {test}: {why}", flush=True)
    return not failing


def main():
    parser = argparse.ArgumentParser(prog="script/mutants", description="Plants bugs and names the test that finds each.")
    parser.add_argument("--check", action="store_true", help="only look whether each applies")
    parser.add_argument("names", nargs="*", metavar="NAME", help="which (all)")
    arguments = parser.parse_args()
    paths = [HERE / f"{name}.patch" for name in arguments.names] or sorted(HERE.glob("*.patch"))
    mutants = [Mutant(path) for path in paths]
    if arguments.check:
        sys.exit(0 if check(mutants) else 1)
    copy_tree()
    built, said = build([test for mutant in mutants for test in mutant.tests])
    if not built:
        sys.exit(f"mutants: it does not build as it is\n{said}")
    well = well_without(mutants)
    found = sum(plant(mutant) for mutant in mutants)
    print(f"mutants: {found} of {len(mutants)} found")
    sys.exit(0 if well and found == len(mutants) else 1)


if __name__ == "__main__":
    main()
