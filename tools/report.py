"""Gathers the results of a work folder and prints them.

    python -m tools.report --work egs/synth/work

Reads every score_*/result.json and every stage record below the work folder. Writes there results.json (a
list, one entry a system and test set), RESULTS.md (tables of results, spread over seeds, which differences
are sure, frequent errors, time and memory of each stage) and errors.png. It always runs anew.
"""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Optional, Sequence, Tuple

from graphs.errors import InputError
from tools.frame.printing import printing
from tools.frame.provenance import commit
from tools.frame.records import stage_records, verified_digests, write_text_atomically
from tools.frame.unfinished import whole_scores


def main(argv: Optional[Sequence[str]] = None) -> int:
    args = parser().parse_intermixed_args(argv)
    return printing("tools.report", lambda: report(args.work, args.command))


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m tools.report", description=__doc__,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--work", type=Path, required=True, help="work folder of a recipe")
    made.add_argument("--command", default=os.environ.get("RECIPE_COMMAND"),
                      help="the command that led to the results, for RESULTS.md ($RECIPE_COMMAND)")
    # a recipe gives these to every program
    made.add_argument("--conf", help=argparse.SUPPRESS)
    made.add_argument("--nj", help=argparse.SUPPRESS)
    made.add_argument("--by-content", action="store_true", help=argparse.SUPPRESS)
    made.add_argument("overrides", nargs="*", help=argparse.SUPPRESS)
    return made


def report(work: Path, command: Optional[str] = None) -> None:
    """Writes results.json, RESULTS.md and errors.png into the work folder and prints the main table.

    Raises: InputError when there is no result, or one is not as the scoring wrote it.
    """
    from hybrid.report import results as found
    from hybrid.report.error_breakdown import draw_errors
    from hybrid.report.figures import save_figure
    from hybrid.report.tables import text_table
    folders = whole_scores(work)
    verified_digests(folders)
    results = found.gather_results(folders, print)
    if not results:
        raise InputError(f"--work {work}", "a result (score_*/result.json)", "none")
    entries = [result.entry for result in results]
    stages, totals = stage_table(work)
    sections = [
        ("", found.main_table(results)), ("How they came about", found.run_table(results)),
        ("Spread over seeds", found.seeds_table(results)),
        ("Which differences are sure", found.comparison_table(results)),
        ("Frequent errors of the best system", found.confusion_table(results)), ("Stages", stages)]
    save_figure(draw_errors(entries), work / "errors.png")
    write_text_atomically(work / "results.json", json.dumps(entries, indent=1, ensure_ascii=False) + "\n")
    write_text_atomically(work / "RESULTS.md", markdown(work, command, sections, totals))
    print(text_table(*found.main_table(results)))
    print(f"{totals}\nmore in {work / 'RESULTS.md'}")


def markdown(work: Path, command: Optional[str], sections: Sequence[Tuple], totals: str) -> str:
    from hybrid.report.tables import markdown_table
    lines = ["# Results\n"]
    facts = [("command", f"`{command}`" if command else None), ("commit", commit()), ("totals", totals)]
    lines += [f"- {name}: {value}" for name, value in facts if value]
    lines.append("")
    for title, table in sections:
        if table.rows:
            lines += [f"## {title}\n"] if title else []
            lines.append(markdown_table(*table))
        if not title:
            lines.append("![errors](errors.png)\n")
    return "\n".join(lines)


def stage_table(work: Path):
    """The Table of the stages, and a line with their sum."""
    from hybrid.report.results import Table
    records = [(folder, record) for folder, record in stage_records(work) if record.get("state") == "done"]
    rows = [(str(folder.relative_to(work)), record["program"], f"{record['seconds']:.1f}",
             record["peak_memory_mb"]) for folder, record in records]
    total = sum(record["seconds"] for _, record in records)
    peak = max((record["peak_memory_mb"] for _, record in records), default=0)
    table = Table(("folder", "program", "seconds", "peak memory MB"), rows)
    return table, f"{len(rows)} stages, {total:.0f} s, peak memory of a process {peak} MB"


if __name__ == "__main__":
    sys.exit(main())
