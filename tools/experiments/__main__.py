"""Experiments of any set of work folders: lists, tabulates and compares them.

    python -m tools.experiments list egs/an4/work egs/synth/work
    python -m tools.experiments list egs/*/work --where arch=conformer 'dev.wer<8' \\
        --columns system am.dropout dev.wer parameters --sort dev.wer --format markdown
    python -m tools.experiments columns egs/an4/work          what can stand in --columns, --where and --sort
    python -m tools.experiments compare tdnn blstm --work egs/an4/work
    python -m tools.experiments compare work1/exp/score_tdnn work2/exp/score_tdnn

An experiment is a system with its scores, or a trained model without. Everything is read from the stage records,
model and score folders below the work folders, sweeps' trials included; nothing is written. Folders of earlier
versions are read, too, and tell less.

Conditions: COLUMN=VALUE (* and ? are wild cards), !=, and <, <=, >, >= between numbers, which a shell wants quoted;
`none` is the value of an experiment without the column. Columns:

"""

import argparse
import sys
from pathlib import Path
from typing import List, Optional, Sequence

from tools.frame.printing import printing


def main(argv: Optional[Sequence[str]] = None) -> int:
    args = parser().parse_args(argv)
    return printing("tools.experiments", lambda: print(args.work_of(args), end=""))


def parser() -> argparse.ArgumentParser:
    from tools.experiments import columns
    from tools.experiments.tables import FORMATS
    made = argparse.ArgumentParser(
        prog="python -m tools.experiments", formatter_class=argparse.RawDescriptionHelpFormatter,
        description=__doc__ + "\n".join(columns.__doc__.split("\n")[2:]))
    commands = made.add_subparsers(required=True, metavar="list | columns | compare")
    several = commands.add_parser("list", help="a row for each experiment")
    several.set_defaults(work_of=listed)
    several.add_argument("works", nargs="+", type=Path, metavar="WORK", help="work folders")
    several.add_argument("--columns", nargs="+", help=f"default: {' '.join(columns.DEFAULT)} and WER of each test set")
    several.add_argument("--where", nargs="+", default=[], metavar="CONDITION", help="all of them must hold")
    several.add_argument("--sort", nargs="+", default=[], metavar="COLUMN", help="the smallest first")
    several.add_argument("--descending", action="store_true", help="the largest first")
    names = commands.add_parser("columns", help="the columns that experiments have, with examples of values")
    names.set_defaults(work_of=column_names)
    names.add_argument("works", nargs="+", type=Path, metavar="WORK", help="work folders")
    pair = commands.add_parser("compare", help="results and differences of two or more")
    pair.set_defaults(work_of=compared)
    pair.add_argument("experiments", nargs="+", metavar="EXPERIMENT",
                      help="folder of scores or of a model, or a system's name")
    pair.add_argument("--work", nargs="+", type=Path, default=[], help="work folders in which names are looked up")
    pair.add_argument("--all", action="store_true", help="also options that do not differ")
    for command in (several, names, pair):
        command.add_argument("--format", choices=FORMATS, default="text")
    return made


def listed(args: argparse.Namespace) -> str:
    from tools.experiments.columns import DEFAULT, check_columns, columns_of, select
    from tools.experiments.experiment import find_experiments
    from tools.experiments.tables import render, rows_of
    experiments = find_experiments(args.works)
    rows = [columns_of(made) for made in experiments]
    tests = dict.fromkeys(f"{test}.wer" for made in experiments for test in made.results if test != made.dev)
    wanted = args.columns or [*(["work"] if len(args.works) > 1 else []), *DEFAULT, *tests]
    if args.columns:
        check_columns(wanted, list(dict.fromkeys(name for row in rows for name in row)), "--columns")
    return render([rows_of(select(rows, args.where, args.sort, args.descending), wanted)], args.format)


def column_names(args: argparse.Namespace) -> str:
    from tools.experiments.columns import columns_of
    from tools.experiments.experiment import find_experiments
    from tools.experiments.tables import Section, render
    found: dict = {}
    for made in find_experiments(args.works):
        for name, value in columns_of(made).items():
            if value is not None:
                found.setdefault(name, []).append(value)
    rows: List[List] = [[name, len(values), _examples(values)] for name, values in sorted(found.items())]
    return render([Section("", ("column", "experiments", "values"), rows)], args.format)


def _examples(values: Sequence, most: int = 4) -> str:
    from tools.experiments.columns import as_text
    texts = list(dict.fromkeys(as_text(value)[:40] for value in values))
    return " | ".join(texts[:most]) + (" | ..." if len(texts) > most else "")


def compared(args: argparse.Namespace) -> str:
    from tools.experiments.compare import chosen, compare
    from tools.experiments.tables import render
    return render(compare(chosen(args.experiments, args.work), args.all), args.format)


if __name__ == "__main__":
    sys.exit(main())
