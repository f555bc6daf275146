"""Do the tests notice a slip of the hand? Changes one thing in the code at a time and runs the tests of its room.

    python -m tests.mutation [--rooms graphs hybrid/align hybrid/recognize] [--sample 200 --seed 0] [--jobs 1]
    python -m tests.mutation --rooms hybrid/data --files hybrid/data/units.py --tests tests/hybrid/data/test_units.py

Survivors, mutants that no test notices, are written to a file; those that change nothing that can be tested stand in
tests/mutation/equivalent.txt with the reason and are not run. Exit status: 0 when at least --least percent are noticed
or explained. Nothing is changed in the checkout: the tests run on copies of it in a temporary folder.

mutmut 3 and cosmic-ray 8 were looked at first. mutmut mutates through trampolines inside functions and knows no sample;
cosmic-ray starts Python anew for each mutant, which here is four seconds of imports for a second of tests, and works in
the checkout. Both bring ten packages with them. Here the packages are imported once and each mutant is a fork.
"""

import argparse
import random
import sys
import time
from collections import Counter
from pathlib import Path

from tests.mutation.mutants import all_mutants, read_equivalents
from tests.mutation.runner import NOTICED, TIMED_OUT, Copies, load_heavy_packages, run, seconds_of_tests
from tests.mutation.tested_by import find_tests

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ["graphs", "hybrid/align", "hybrid/recognize"]
EXPLAINED = "explained"


def arguments(argv=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__.split("\n\n")[0])
    parser.add_argument("--rooms", nargs="+", default=ROOMS, metavar="FOLDER", help="default: %(default)s")
    parser.add_argument("--files", nargs="+", metavar="FILE", help="only these files of the rooms")
    parser.add_argument("--tests", nargs="+", metavar="FILE",
                        help="only these tests; default: those of the room that import the file")
    parser.add_argument("--sample", type=int, metavar="N", help="so many mutants, drawn at random; default: all")
    parser.add_argument("--seed", type=int, default=0, help="of the sample (default: 0)")
    parser.add_argument("--jobs", type=int, default=1, help="processes at once (default: 1)")
    parser.add_argument("--survivors", type=Path, default=Path("survivors.txt"), metavar="FILE",
                        help="where survivors are written (default: %(default)s)")
    parser.add_argument("--least", type=float, default=90.0, metavar="PERCENT",
                        help="noticed or explained, for exit status 0 (default: %(default)g)")
    return parser.parse_args(argv)


def main() -> int:
    args = arguments()
    found = [m for m in all_mutants(ROOT, args.rooms) if not args.files or m.file in args.files]
    equivalents = read_equivalents(Path(__file__).with_name("equivalent.txt"))
    for equivalent in equivalents:
        if equivalent.file in {m.file for m in found} and not any(map(equivalent.is_of, found)):
            print(f"equivalent.txt: no mutant of today: {equivalent.file}: {equivalent.added[0]}")
    if args.sample and args.sample < len(found):
        found = sorted(random.Random(args.seed).sample(found, args.sample), key=lambda m: (m.file, m.line))
    explained = [m for m in found if any(e.is_of(m) for e in equivalents)]
    to_run = [m for m in found if m not in explained]
    counts, started = Counter({EXPLAINED: len(explained)} if explained else {}), time.monotonic()
    load_heavy_packages()
    with Copies(ROOT, args.jobs) as copies, open(args.survivors, "w", encoding="utf-8") as survivors:
        tests_of = {file: args.tests or find_tests(ROOT, file) for file in {m.file for m in to_run}}
        tests = sorted(set().union(*tests_of.values()))
        seconds = seconds_of_tests(copies.paths[0], tests) if tests else {}
        print(f"{len(to_run)} mutants of {len({m.file for m in to_run})} files; the tests take "
              f"{sum(seconds.values()):.0f} s unmutated", flush=True)
        for mutant, outcome in run(copies, to_run, tests_of, seconds):
            counts[outcome] += 1
            if outcome not in (NOTICED, TIMED_OUT):
                print(f"{outcome}: {mutant.diff()}", flush=True)
                survivors.write(mutant.diff() + "\n")
                survivors.flush()
    share = 100.0 * (counts[NOTICED] + counts[TIMED_OUT] + len(explained)) / max(1, len(found))
    print(", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
          + f"; {share:.1f} % of {len(found)} noticed or explained, {time.monotonic() - started:.0f} s")
    return 0 if share >= args.least else 1


if __name__ == "__main__":
    sys.exit(main())
