import json

import numpy as np
import pytest

from graphs.errors import InputError
from hybrid.recognize.scoring import ScoreOptions, outcomes_of, result_entry, score_set, write_details
from hybrid.recognize.sweep import Hypothesis, Scales
from hybrid.recognize.wer import Reference
from hybrid.report.error_breakdown import draw_errors
from hybrid.report.figures import save_figure
from hybrid.report.results import (
    comparison_table, confusion_table, gather_results, main_table, read_results, read_utterances, run_table,
    seeds_table)

OPTIONS = ScoreOptions(resamples=200)


def add_system(work, folder, system, wrong, seed=1, tests=("test",), utterances=40, speakers=2):
    """A score folder of a system that gets the first word of the first `wrong` utterances wrong."""
    entries = []
    for test in tests:
        references = {f"u{n}": Reference(("one", "two", "three"), f"s{n % speakers}") for n in range(utterances)}
        hypotheses = {f"u{n}": Hypothesis(["ten" if n < wrong else "one", "two", "three"], False)
                      for n in range(utterances)}
        result = score_set(references, hypotheses, OPTIONS)
        write_details(work / "exp" / folder / test, references, hypotheses, result)
        entries.append(result_entry(system, test, result, outcomes_of(result, hypotheses), Scales(7.0, 0.0),
                                    OPTIONS, seed=seed, seconds=6.0, audio_seconds=60.0, training_seconds=90.0,
                                    tuned_on=test == "dev"))
    (work / "exp" / folder / "result.json").write_text(json.dumps(entries))


def column(table, name):
    return [row[list(table.header).index(name)] for row in table.rows]


def test_the_worst_stand_first_and_the_tuned_on_set_last(tmp_path):
    add_system(tmp_path, "score_b", "b", 2, tests=("dev", "test"))
    add_system(tmp_path, "score_a", "a", 10, tests=("dev", "test"))
    results = gather_results(sorted(tmp_path.rglob("score_*")))
    assert [(r.entry["system"], r.entry["test"]) for r in results] == [
        ("a", "test"), ("b", "test"), ("a", "dev"), ("b", "dev")]
    table = main_table(results)
    assert column(table, "test") == ["test", "test", "dev (tuned on)", "dev (tuned on)"]
    assert column(table, "errors") == [10, 2, 10, 2]
    assert column(table, "system") == ["a", "b", "a", "b"]
    assert column(table, "parameters") == [None] * 4 and column(table, "training min") == ["1.5"] * 4
    assert column(run_table(results), "real time") == ["0.100"] * 4


@pytest.mark.parametrize("change, message", [
    ({"words": 0}, "words: expected a count above 0, found 0"), ({"wer": -1.0}, "wer: expected a number from 0 up"),
    ({"errors": True}, "errors: expected a count, found True"), ({"ser": 1e308}, "ser: expected a number from 0 up"),
    ({"seconds": -1}, "seconds: expected a number from 0 up, or null"),
    ({"seed": "1"}, "seed: expected a number or null"),
    ({"lm_scale": -1.0}, "lm_scale: expected a number from 0 up, or null"),
    ({"acoustic_scale": "1"}, "acoustic_scale: expected a number from 0 up, or null"),
    ({"acoustic_scale": float("nan")}, "acoustic_scale: expected a number from 0 up, or null, found nan"),
    *(({"test": name}, "test: expected the name of a folder")
      for name in ("", ".", "..", "a/b", "/", "a\0b", "x" * 256))])
def test_results_that_cannot_be_are_named(tmp_path, change, message):
    add_system(tmp_path, "score_a", "a", 2)
    path = tmp_path / "exp/score_a/result.json"
    (entry,) = json.loads(path.read_text())
    path.write_text(json.dumps([{**entry, **change}]))
    with pytest.raises(InputError, match=f"result.json: entry 1, {message}"):
        read_results(path)


def test_one_system_twice_is_refused_by_both_names(tmp_path):
    add_system(tmp_path, "score_a", "a", 1)
    add_system(tmp_path, "score_b", "a", 1)
    with pytest.raises(InputError, match="score_b.*score_a"):
        gather_results(sorted(tmp_path.rglob("score_*")))


def test_seeds_of_a_system_are_summed_up(tmp_path):
    for seed, wrong in ((1, 6), (2, 12), (3, 18)):
        add_system(tmp_path, f"score_a{seed}", "a", wrong, seed)
    add_system(tmp_path, "score_b", "b", 3)
    results = gather_results(sorted(tmp_path.rglob("score_*")))
    assert column(main_table(results), "system") == ["a (seed 3)", "a (seed 2)", "a (seed 1)", "b"]
    (row,) = seeds_table(results).rows
    rates = 100 * np.array([6, 12, 18]) / 120
    assert row[:3] == ("a", "test", 3)
    assert row[3:7] == pytest.approx((rates.mean(), rates.std(ddof=1), 5.0, 15.0), abs=1e-3)


def test_the_best_system_is_compared_on_the_same_utterances(tmp_path):
    add_system(tmp_path, "score_a", "a", 20)
    add_system(tmp_path, "score_b", "b", 2)
    add_system(tmp_path, "score_c", "c", 3)
    table = comparison_table(gather_results(sorted(tmp_path.rglob("score_*"))))
    assert column(table, "best") == ["b", "b"] and column(table, "against") == ["a", "c"]
    assert column(table, "difference of WER") == pytest.approx([-15.0, -100 / 120])
    assert column(table, "sure") == ["yes", "no"]


def test_systems_with_other_references_are_not_compared(tmp_path):
    add_system(tmp_path, "score_a", "a", 20)
    add_system(tmp_path, "score_b", "b", 2, utterances=30)
    assert column(comparison_table(gather_results(sorted(tmp_path.rglob("score_*")))), "sure") == [None]


def test_frequent_errors_are_those_of_the_best_system(tmp_path):
    add_system(tmp_path, "score_a", "a", 20, tests=("dev", "test"))
    add_system(tmp_path, "score_b", "b", 2, tests=("dev", "test"))
    assert confusion_table(gather_results(sorted(tmp_path.rglob("score_*")))).rows == [("test", "b", "2", "one", "ten")]


def test_utterances_are_read_back(tmp_path):
    add_system(tmp_path, "score_a", "a", 1)
    (result,) = gather_results(sorted(tmp_path.rglob("score_*")))
    scores = read_utterances(result.details)
    assert scores["u0"] == (1, 3) and scores["u1"] == (0, 3) and len(scores) == 40


def test_the_picture_has_a_bar_for_each_kind_of_error_of_each_system(tmp_path):
    add_system(tmp_path, "score_a", "a", 10, tests=("dev", "test"))
    add_system(tmp_path, "score_b", "b", 2, tests=("dev", "test"))
    figure = draw_errors([result.entry for result in gather_results(sorted(tmp_path.rglob("score_*")))])
    assert [len(axes.patches) for axes in figure.axes] == [6, 6]
    widths = sum(patch.get_width() for patch in figure.axes[0].patches)
    assert widths == pytest.approx(100 * 12 / 120)
    save_figure(figure, tmp_path / "errors.png")
    assert (tmp_path / "errors.png").stat().st_size > 1000
