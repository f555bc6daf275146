"""Readers of what is scored and of what comes out: hybrid/recognize/, hybrid/report/."""

from pathlib import Path

from hybrid.recognize.text_filter import read_rules
from hybrid.recognize.texts import read_references, write_text
from hybrid.report.results import comparison_table, confusion_table, gather_results, main_table, run_table, seeds_table
from hybrid.report.tables import markdown_table, text_table
from tests.fuzz.mutations import json_values
from tests.fuzz.reader import Reader
from tests.hybrid.report.test_results import add_system

RULES = "* name\n;; comment\nOKAY => OK\n[IT IS] => [IT'S]\n"


def _write_results(folder: Path) -> None:
    for seed in (1, 2):
        add_system(folder, f"score_{seed}", "am", 3 * seed, seed, tests=("dev", "test"), utterances=8)
    add_system(folder, "score_b", "b", 1, tests=("test",), utterances=8)


def _read_results(folder: Path) -> None:
    results = gather_results(sorted(folder.glob("exp/score_*")))
    for table in (main_table, run_table, seeds_table, comparison_table, confusion_table):
        made = table(results)
        text_table(*made), markdown_table(*made)


READERS = [
    Reader("references", "text", lambda folder: write_text(folder / "text", {"u1": ["a", "b"], "u2": []}),
           lambda folder: read_references(folder / "text", list)),
    Reader("mapping rules", "rules.glm", lambda folder: (folder / "rules.glm").write_text(RULES),
           lambda folder: read_rules(folder / "rules.glm")),
    Reader("result.json", "exp/score_2/result.json", _write_results, _read_results, json_values),
    *(Reader(f"scores/{name}", f"exp/score_b/test/{name}", _write_results, _read_results)
      for name in ("per_utt.tsv", "confusions.tsv")),
]
