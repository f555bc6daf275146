"""Readers of what is scored and of what comes out: hybrid/recognize/, hybrid/report/, hybrid/compare/."""

from pathlib import Path

from hybrid.compare.comparison_file import read_comparison, write_comparison
from hybrid.e2e.hypothesis import Hypothesis
from hybrid.e2e.nbest_file import NBEST, Nbest, read_nbest, write_nbest
from hybrid.lattices.calibration import Calibration
from hybrid.lattices.frames import FRAMES, Frames
from hybrid.lattices.sausages import Sausage, Slot, read_sausages, write_sausages
from hybrid.recognize import model_rescoring
from hybrid.recognize.rescoring import Chosen
from hybrid.recognize.text_filter import read_rules
from hybrid.recognize.texts import read_references, write_text
from hybrid.report.results import comparison_table, confusion_table, gather_results, main_table, run_table, seeds_table
from hybrid.report.tables import markdown_table, text_table
from tests.fuzz.mutations import json_values
from tests.fuzz.reader import Reader
from tests.hybrid.compare.material import FULL
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


def _write_sausages(folder: Path) -> None:
    slots = [Slot({"yes": 0.75, "<eps>": 0.25}, 0.1, 0.4), Slot({"no": 1.0}, 0.4, 0.5)]
    write_sausages(folder / "sausages.jsonl", [Sausage("u1", slots, 0.25), Sausage("u2", [], 0.0)])


def _write_nbest(folder: Path) -> None:
    hypotheses = [Hypothesis((3, 1), (0, 8), -2.5, {"ctc": -2.0, "lm": -1.0}), Hypothesis((), (), -9.0, {}, False)]
    write_nbest(folder / NBEST, [Nbest("u1", 9, hypotheses), Nbest("u2", 0, [])])


READERS = [
    Reader("references", "text", lambda folder: write_text(folder / "text", {"u1": ["a", "b"], "u2": []}),
           lambda folder: read_references(folder / "text", list)),
    Reader("mapping rules", "rules.glm", lambda folder: (folder / "rules.glm").write_text(RULES),
           lambda folder: read_rules(folder / "rules.glm")),
    Reader("sausages", "sausages.jsonl", _write_sausages,
           lambda folder: list(read_sausages(folder / "sausages.jsonl")), json_values),
    Reader("model_weight", model_rescoring.WEIGHT_FILE, lambda folder: model_rescoring.write_weight(folder, 0.25),
           model_rescoring.read_weight, json_values),
    Reader("nbest.jsonl", NBEST, _write_nbest, lambda folder: list(read_nbest(folder / NBEST)), json_values),
    Reader("frames.json", FRAMES, Frames(0.04, ("<blk>", "\u2581", "a")).write, Frames.read, json_values),
    Reader("calibration", "calibration.json",
           lambda folder: Calibration("piecewise", knots=((0.2, 0.3), (0.7, 0.8))).write(folder), Calibration.read,
           json_values),
    Reader("lm_weight", "lm_weight.json", Chosen(0.75, (0.25, 0.75)).write, Chosen.read, json_values),
    Reader("result.json", "exp/score_2/result.json", _write_results, _read_results, json_values),
    Reader("comparison.json", "comparison.json",
           lambda folder: write_comparison(folder / "comparison.json", FULL), read_comparison, json_values),
    *(Reader(f"scores/{name}", f"exp/score_b/test/{name}", _write_results, _read_results)
      for name in ("per_utt.tsv", "confusions.tsv")),
]
