import json

import numpy as np
import pytest

from graphs.errors import InputError
from hybrid.recognize.scoring import ScoreOptions, outcomes_of, result_entry, score_set, write_details
from hybrid.recognize.sweep import Hypothesis, Scales
from hybrid.recognize.wer import Reference
from hybrid.report.results import (
    comparison_table, confusion_table, gather_results, main_table, read_results, read_speakers, read_utterances,
    real_time, run_table, seeds_table)

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
    ({"ins": 2 ** 53}, "ins: expected a count, found 9007199254740992"),
    ({"wer": 1e300}, "wer: expected a number from 0 up"),
    ({"system": ["s" * 80]}, rf"system: expected a name, found \['{'s' * 38}$"),
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


def test_what_results_may_just_have(tmp_path):
    add_system(tmp_path, "score_a", "a", 0)
    path = tmp_path / "exp/score_a/result.json"
    (entry,) = json.loads(path.read_text())
    assert entry["errors"] == entry["wer"] == 0
    path.write_text(json.dumps([{**entry, "words": 1, "ins": 2 ** 53 - 1, "lm_scale": 0, "test": "x" * 255}]))
    assert [result.entry["ins"] for result in gather_results([path.parent])] == [9007199254740991]


def test_one_system_twice_is_refused_by_both_names(tmp_path):
    add_system(tmp_path, "score_a", "a", 1)
    add_system(tmp_path, "score_b", "a", 1)
    with pytest.raises(InputError, match="score_b.*score_a"):
        gather_results(sorted(tmp_path.rglob("score_*")))


@pytest.mark.parametrize("turn", [1, -1])
def test_a_run_without_seeds_yields_to_the_one_of_the_same_seed(tmp_path, turn):
    add_system(tmp_path, "score_a", "a", 3)
    for seed, wrong in ((1, 6), (2, 12)):
        add_system(tmp_path, f"score_a_seed{seed}", "a", wrong, seed)
    told = []
    results = gather_results(sorted(tmp_path.rglob("score_*"))[::turn], told.append)
    assert [one.entry["errors"] for one in results] == [12, 6]
    assert told == ["score_a on test is left out: score_a_seed1 is the same system with the same seed"]


def test_a_run_of_another_seed_than_those_beside_it_counts(tmp_path):
    for folder, seed in (("score_a", 3), ("score_a_seed1", 1), ("score_a_seed2", 2)):
        add_system(tmp_path, folder, "a", seed, seed)
    assert len(gather_results(sorted(tmp_path.rglob("score_*")), pytest.fail)) == 3


def test_a_folder_named_after_another_seed_than_its_own_is_refused(tmp_path):
    add_system(tmp_path, "score_a", "a", 1, seed=1)
    add_system(tmp_path, "score_a_seed2", "a", 1, seed=1)
    with pytest.raises(InputError, match="one result of a on test with seed 1"):
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


@pytest.mark.parametrize("change, message", [
    (lambda entries: entries.append(3), "a list of results"),
    (lambda entries: entries[0].update(ci95=[1.0, None]), "entry 1, ci95: expected two numbers"),
    (lambda entries: entries[0].update(ci95=[1.0]), "ci95: expected two numbers"),
    (lambda entries: entries[0].pop("seed"), "entry 1, seed: expected a number or null, found none"),
    (lambda entries: entries[0].update(errors=-1), "errors: expected a count, found -1"),
    (lambda entries: entries[0].update(test="a/b"), "test: expected the name of a folder"),
    (lambda entries: entries[0].update(wer=True), "wer: expected a number from 0 up, found True")])
def test_results_that_are_none_are_named(tmp_path, change, message):
    add_system(tmp_path, "score_a", "a", 1)
    path = tmp_path / "exp/score_a/result.json"
    entries = json.loads(path.read_text())
    change(entries)
    path.write_text(json.dumps(entries))
    with pytest.raises(InputError, match=message):
        read_results(path)


def test_what_a_result_may_lack(tmp_path):
    add_system(tmp_path, "score_a", "a", 1)
    path = tmp_path / "exp/score_a/result.json"
    (entry,) = json.loads(path.read_text())
    for name in ("tuned_on", "audio_seconds", "parameters", "training_seconds"):
        entry.pop(name, None)
    path.write_text(json.dumps([{**entry, "seed": None, "seconds": None}]))
    (found,) = gather_results([path.parent])
    assert run_table([found]).rows[0][-3:] == (None, None, None) and main_table([found]).rows[0][-1] is None
    assert real_time({"seconds": None, "audio_seconds": 60.0}) is real_time({"seconds": 6.0}) is None


def test_tables_tell_rates_intervals_scales_and_times(tmp_path):
    add_system(tmp_path, "score_a", "a", 12, seed=3)
    results = gather_results([tmp_path / "exp/score_a"])
    low, high = results[0].entry["ci95"]
    (row,) = main_table(results).rows
    assert row == ("a", "test", pytest.approx(10.0), f"{low:.2f} to {high:.2f}", 12, 120, 0, 0, 12, None, "1.5")
    header, (cells,) = run_table(results)
    row = dict(zip(header, cells))
    assert row.pop("CER %") > 0 and row == {
        "system": "a", "test": "test", "SER %": 30.0, "utterances": 40, "partial": 0, "missing": 0, "lm_scale": "7",
        "penalty": "0", "seed": 3, "search s": "6.0", "real time": "0.100"}


def test_seeds_stand_as_they_rise_where_rates_are_the_same(tmp_path):
    for seed in (2, 10, 1):
        add_system(tmp_path, f"score_{seed}", "a", 6, seed)
    results = gather_results(sorted(tmp_path.rglob("score_*")))
    assert column(main_table(results), "system") == ["a (seed 1)", "a (seed 2)", "a (seed 10)"]
    assert column(seeds_table(results), "seeds") == ["1 2 10"]


def test_one_without_a_seed_stands_before_those_with_one(tmp_path):
    for folder, seed in (("score_1", 1), ("score_2", None)):
        add_system(tmp_path, folder, "a", 6, seed)
    results = gather_results(sorted(tmp_path.rglob("score_*")))
    assert column(main_table(results), "system") == ["a (seed None)", "a (seed 1)"]
    assert column(seeds_table(results), "runs") == [2]


@pytest.mark.parametrize("old, new, message", [
    ("u1\t", "u0\t", "per_utt.tsv:3: expected each utterance once"),
    ("u1\ts1\t3\t", "u1\ts1\t-3\t", "per_utt.tsv:3"), ("u1\ts1\t3\t", "u1\ts1\t-1\t", "per_utt.tsv:3"),
    ("u1\ts1\t3\t", "u1\ts1\tx\t", "per_utt.tsv:3"),
    ("utterance", "name", "per_utt.tsv:2: expected an utterance")])
def test_lines_of_utterances_that_are_none_are_named(tmp_path, old, new, message):
    add_system(tmp_path, "score_a", "a", 1)
    path = tmp_path / "exp/score_a/test/per_utt.tsv"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(InputError, match=message):
        read_utterances(path.parent)


def test_speakers_are_read_and_each_utterance_has_one(tmp_path):
    add_system(tmp_path, "score_a", "a", 1)
    path = tmp_path / "exp/score_a/test/per_utt.tsv"
    assert list(read_speakers(path.parent).items())[:3] == [("u0", "s0"), ("u1", "s1"), ("u2", "s0")]
    whole = path.read_text()
    for old, new in (("u1\ts1", "u1\t"), ("u1\t", "\t"), ("u1\t", "u0\t")):
        path.write_text(whole.replace(old, new, 1))
        with pytest.raises(InputError, match="per_utt.tsv:3: expected an utterance, each once, and its speaker"):
            read_speakers(path.parent)


def test_so_many_frequent_errors_are_told_and_no_more(tmp_path):
    add_system(tmp_path, "score_a", "a", 1)
    results, path = gather_results([tmp_path / "exp/score_a"]), tmp_path / "exp/score_a/test/confusions.tsv"
    path.write_text("count\treference\thypothesis\n" + "".join(f"{20 - n}\ta{n}\tb{n}\n" for n in range(12)))
    assert confusion_table(results).rows == [("test", "a", str(20 - n), f"a{n}", f"b{n}") for n in range(10)]
    assert len(confusion_table(results, most=3).rows) == 3
    path.write_text("count\treference\thypothesis\n3\ta\tb\n2\ta\n")
    with pytest.raises(InputError, match="confusions.tsv:3: expected a count and two words"):
        confusion_table(results)
