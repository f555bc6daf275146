"""Runs every operation on many random small lattices and compares it with the enumeration of their paths.

    python -m tests.trials.lattices --lattices 1000 --nj 2

The lattices are of both classes and of all kinds (tests/graphs/lattices/material.py, any_lattice): partial ones, ones
without words, of a single arc, with arcs that consume no frame, with scores that are huge, tiny, equal, or all below 0.
Prints a table: of each operation the largest deviation of a score, as a share of the largest score where that is
above 1. Ends with status 1 when one is above 1e-4, or when words, transition_ids or the number of paths differ. The
default tests run the same checks on fewer lattices.
"""

import argparse
import math
import sys
import traceback
from functools import partial
from typing import NamedTuple, Optional, Sequence

from hybrid.data.parallel import ordered_map
from hybrid.report.tables import markdown_table
from tests.graphs.lattices.checks import of_algebra, of_paths, of_words, run
from tests.hybrid.lattices import checks as of_hybrid

LIMIT = 1e-4
ROOMS = {"graphs/lattices": {**of_paths.CHECKS, **of_algebra.CHECKS, **of_words.CHECKS},
         "hybrid": of_hybrid.CHECKS}


class Row(NamedTuple):
    """Of one operation. problem: the first one that was more than a deviation, with its seed."""

    room: str
    operation: str
    lattices: int
    deviation: float
    worst_seed: int
    problem: str = ""

    @property
    def bad(self) -> bool:
        return bool(self.problem) or not self.deviation <= LIMIT


def row(named, seeds: range) -> Row:
    room, operation = named
    found = Row(room, operation, 0, 0.0, seeds[0])
    for seed in seeds:
        try:
            deviation = run(ROOMS[room][operation], seed)
        except Exception:  # whatever it is, it belongs into the table
            return found._replace(problem=f"seed {seed}: {traceback.format_exc()}")
        found = found._replace(lattices=found.lattices + 1)
        if not (deviation <= found.deviation or math.isnan(found.deviation)):
            found = found._replace(deviation=deviation, worst_seed=seed)
    return found


def table(rows: Sequence[Row]) -> str:
    return markdown_table(("operation", "of", "lattices", "largest deviation", ""), [
        (one.operation, one.room, one.lattices, f"{one.deviation:.1e}", "BAD" if one.bad else "") for one in rows])


def main(argv: Optional[Sequence[str]] = None) -> int:
    made = argparse.ArgumentParser(prog="python -m tests.trials.lattices", description=__doc__,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--lattices", type=int, default=1000, help="for each operation")
    made.add_argument("--first-seed", type=int, default=0)
    made.add_argument("--nj", type=int, default=1)
    args = made.parse_args(argv)
    names = [(room, operation) for room, checks in ROOMS.items() for operation in checks]
    work = partial(row, seeds=range(args.first_seed, args.first_seed + args.lattices))
    rows = list(ordered_map(work, names, args.nj, "operations", total=len(names)))
    print(table(rows), end="")
    for one in rows:
        if one.bad:
            print(f"{one.operation}: {one.problem or f'{one.deviation} at seed {one.worst_seed}'}", file=sys.stderr)
    return int(any(one.bad for one in rows))


if __name__ == "__main__":
    sys.exit(main())
