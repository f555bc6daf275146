"""Checks files and folders that a recipe left, and names everything that is wrong with them.

    python -m tools.validate lang features/train exp/graph
    python -m tools.validate egs/yesno/work

A work folder stands for all folders in it. Ends with status 2 when there is a problem.
"""

import argparse
import sys
from pathlib import Path
from typing import Optional, Sequence

from graphs.errors import InputError
from tools.artefacts.registry import kind_of, problems_of
from tools.frame.numbers import at_least
from tools.frame.printing import printing


def main(argv: Optional[Sequence[str]] = None) -> int:
    made = argparse.ArgumentParser(prog="python -m tools.validate", description=__doc__,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="file or folder")
    made.add_argument("--most", type=at_least(0), default=20, help="problems printed for each path at most (20)")
    args = made.parse_args(argv)
    # where nobody reads on, what was found so far cannot be known to be all
    return printing("tools.validate", lambda: max(validate(path, args.most) for path in args.paths), unread=141)


def validate(path: Path, most: int) -> int:
    """Prints what is wrong, so many problems at most. Returns the exit status."""
    try:
        name, problems = kind_of(path).name, problems_of(path)
    except InputError as error:
        print(f"tools.validate: error: {error}", file=sys.stderr)
        return 2
    if not problems:
        print(f"{path}: {name}, good")
        return 0
    print(f"{path}: {name}, {len(problems)} problem{'s' if len(problems) > 1 else ''}")
    for problem in problems[:most]:
        print(f"  {problem}")
    if len(problems) > most:
        print(f"  ... and {len(problems) - most} more (--most)")
    return 2


if __name__ == "__main__":
    sys.exit(main())
