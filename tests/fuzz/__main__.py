"""Fuzzes readers: `python -m tests.fuzz [--reader NAME ...] [--minutes 10] [--seed 0] [--nj 2]`.

Each reader runs in a process of its own, with 2 GB of memory and 10 s of a core for a case. What is neither read nor
refused with InputError is saved with its traceback; a table (markdown) is printed at the end, and the status is 1 if
there was any.
"""

import argparse
import multiprocessing
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.fuzz.readers import READERS
from tests.fuzz.work import CASE_SECONDS, Counts, fuzz, save


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reader", nargs="+", default=["all"], help=f"all, or some of: {', '.join(READERS)}")
    parser.add_argument("--minutes", type=float, default=10, help="for each reader")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--nj", type=int, default=2, help="readers at a time")
    parser.add_argument("--failures", type=Path, default=Path("fuzz_failures"), help="folder for what fails")
    args = parser.parse_args()
    names = list(READERS) if args.reader == ["all"] else args.reader
    unknown = [name for name in names if name not in READERS]
    if unknown:
        parser.error(f"--reader {unknown[0]}: expected one of {', '.join(READERS)}")
    with ThreadPoolExecutor(args.nj) as threads:
        results = list(threads.map(lambda name: _watch(name, args), names))
    print("| reader | cases | read | refused | undocumented | slowest case (s) |\n| --- " + 5 * "| ---: " + "|")
    for name, counts in zip(names, results):
        print("|", " | ".join(map(str, (name, *counts[:4], f"{counts.slowest:.2f}"))), "|")
    return 1 if any(counts.failed for counts in results) else 0


def _watch(name: str, args: argparse.Namespace) -> Counts:
    """Runs the process of a reader; one that dies, or that hangs where no signal reaches it, has failed."""
    context = multiprocessing.get_context("spawn")
    mine, its = context.Pipe(duplex=False)
    with tempfile.TemporaryDirectory() as folder:
        process = context.Process(target=fuzz, args=(
            name, args.minutes * 60, args.seed, Path(folder), args.failures, its))
        process.start()
        its.close()
        counts, end = Counts(), ""
        try:
            while end != "done":
                if not mine.poll(6 * CASE_SECONDS):
                    end = f"no answer for {6 * CASE_SECONDS} s"
                    break
                counts, end = mine.recv()
        except EOFError:
            process.join()
            end = f"its process ended with status {process.exitcode}"
        if end != "done":
            process.kill()
            save(args.failures, READERS[name], Path(folder), end)
            counts = counts._replace(failed=counts.failed + 1)
        process.join()
    print(f"{name}: {counts.cases} cases, {counts.failed} undocumented", file=sys.stderr)
    return counts


if __name__ == "__main__":
    sys.exit(main())
