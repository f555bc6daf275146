"""Options of scoring, hypotheses from lattices or text, and the entry of results.json."""

import math

import pytest

from graphs.errors import InputError, TooManyFailures
from graphs.lang.symbols import SymbolTable
from graphs.lattices.lattice_io import write_lattices
from hybrid.outcomes import Outcomes
from hybrid.recognize.confidence import wer_interval
from hybrid.recognize.edit_distance import KALDI, SCLITE
from hybrid.recognize.scorer import Scorer, TestSet
from hybrid.recognize.scoring import (
    PathWords, ScoreOptions, holds_lattices, outcomes_of, path_words, read_hypotheses, result_entry, score_set)
from hybrid.recognize.sweep import Hypothesis, Scales
from hybrid.recognize.text_filter import TextFilter
from hybrid.recognize.wer import Reference
from tests.hybrid.recognize.test_sweep import lattice

PLAIN = TextFilter()
WORDS = SymbolTable(["one", "two", "three"])


@pytest.mark.parametrize("change, message", [
    ({"alignment": "nist"}, "alignment: expected one of kaldi, sclite"),
    ({"lm_scales": ()}, "expected values from 0 up"),
    ({"lm_scales": (-0.5, 1.0)}, "expected values from 0 up"), ({"lm_scale": -1.0}, "expected values from 0 up"),
    ({"acoustic_scale": 0.0}, "the last above 0"), ({"resamples": 99}, "at least 100, found 99"),
    ({"word_insertion_penalties": ()}, "at least one value"),
    *((change, "expected numbers up to 1e.06") for change in (
        {"lm_scales": (1.0, math.nan)}, {"lm_scale": math.inf}, {"acoustic_scale": math.inf},
        {"word_insertion_penalty": math.nan}, {"word_insertion_penalties": (0.0, -math.inf)}))])
def test_options_out_of_range(change, message):
    with pytest.raises(ValueError, match=message):
        ScoreOptions(**change)
    ScoreOptions(resamples=100, lm_scales=(0.0,), lm_scale=0.0)


def test_what_the_options_stand_for():
    options = ScoreOptions(lm_scales=(2.0, 1.0), word_insertion_penalties=(0.5,), acoustic_scale=3.0, lm_scale=7.0,
                           word_insertion_penalty=-1.0, fold_case=True, ignore=("<unk>",))
    assert options.grid.points() == [Scales(1.0, 0.5), Scales(2.0, 0.5)] and options.grid.acoustic_scale == 3.0
    assert options.fixed == Scales(7.0, -1.0)
    assert (options.costs, ScoreOptions(alignment="sclite").costs) == (KALDI, SCLITE)
    assert options.text_filter({("a",): ("b",)})(["A", "<UNK>", "c"]) == ["b", "c"]


def test_words_of_a_path_and_ids_that_are_none():
    to_words = PathWords(WORDS, TextFilter(ignore=["two"]))
    assert to_words([1, 2, 3]) == ["one", "three"] and to_words([]) == []
    with pytest.raises(InputError, match="expected a symbol of id 4, found ids up to 3"):
        to_words([1, 4])


def test_hypotheses_come_from_lattices_or_from_text(tmp_path):
    lattices, text = tmp_path / "lattices", tmp_path / "text"
    write_lattices(lattices, 0, [lattice("u1", [((1, 2), -10.0, -5.0), ((3,), -20.0, -3.0)], partial=True)])
    assert holds_lattices(lattices) and not holds_lattices(tmp_path) and not holds_lattices(text)
    with pytest.raises(InputError, match="words.txt: expected the words.txt of the lattices"):
        path_words(lattices, None, PLAIN)
    WORDS.write(tmp_path / "other.txt")
    for scales, said in ((Scales(1.0, 0.0), ["one", "two"]), (Scales(9.0, 0.0), ["three"])):
        found = read_hypotheses(lattices, tmp_path / "other.txt", PLAIN, scales, ScoreOptions())
        assert found == {"u1": Hypothesis(said, True)}
    # an acoustic scale of 2 is half of each lm_scale
    found = read_hypotheses(lattices, tmp_path / "other.txt", PLAIN, Scales(9.0, 0.0), ScoreOptions(acoustic_scale=2.0))
    assert found["u1"].words == ["one", "two"]
    text.mkdir()
    with pytest.raises(InputError, match=r"lattices \(lattices.\*.npz\) or a text \(hyp.txt\), found neither"):
        read_hypotheses(text, None, PLAIN, Scales(1.0, 0.0), ScoreOptions())
    (text / "hyp.txt").write_text("u1 one\nu2\n")
    for source in (text, text / "hyp.txt"):
        assert read_hypotheses(source, None, PLAIN, Scales(1.0, 0.0), ScoreOptions()) == {
            "u1": Hypothesis(["one"], False), "u2": Hypothesis([], False)}


REFERENCES = {"u1": Reference(("one", "two"), "ann"), "u2": Reference(("one",), "bob"),
              "u3": Reference(("two",), "bob")}
HYPOTHESES = {"u1": Hypothesis(["one", "three", "two", "two"], False), "u2": Hypothesis(["one"], True)}


def test_outcomes_name_what_is_not_plainly_done():
    outcomes = outcomes_of(score_set(REFERENCES, HYPOTHESES, ScoreOptions()), HYPOTHESES)
    assert outcomes.counts == {"done": 1, "partial": 1, "failed": 1}
    assert outcomes.notable["u3"] == ("failed", "no hypothesis: every word counts as deleted")
    assert outcomes.notable["u2"][0] == "partial"


@pytest.mark.parametrize("by_speaker", [False, True])
def test_an_entry_holds_counts_rates_and_their_interval(by_speaker):
    options = ScoreOptions(by_speaker=by_speaker, resamples=500, seed=3, count_spaces=False)
    result, outcomes = score_set(REFERENCES, HYPOTHESES, options), Outcomes()
    outcomes.add("u2", "partial")
    entry = result_entry("tdnn", "test", result, outcomes, Scales(7.0, -1.0), options, seconds=4.5)
    low, high = wer_interval([2, 0, 1], [2, 1, 1], ["ann", "bob", "bob"] if by_speaker else None, resamples=500, seed=3)
    assert entry == {
        "system": "tdnn", "test": "test", "wer": 75.0, "errors": 3, "words": 4, "ins": 2, "del": 1, "sub": 0,
        "ci95": [round(low, 4), round(high, 4)], "cer": 91.6667, "ser": 66.6667, "utterances": 3, "partial": 1,
        "missing": 1, "lm_scale": 7.0, "word_insertion_penalty": -1.0, "acoustic_scale": 1.0, "seconds": 4.5}
    entry = result_entry("e2e", "test", result, Outcomes(), None, options)
    assert (entry["partial"], entry["lm_scale"], entry["word_insertion_penalty"], entry["acoustic_scale"]) == (
        0, None, None, None)


def test_rates_are_rounded_to_four_places():
    references = {f"u{n}": Reference(("one",) * 7) for n in range(3)}
    hypotheses = {f"u{n}": Hypothesis(["one"] * (7 - n), False) for n in range(3)}
    entry = result_entry("am", "test", score_set(references, hypotheses, ScoreOptions()), Outcomes(), None,
                         ScoreOptions(resamples=200))
    assert (entry["wer"], entry["ser"], entry["cer"]) == (14.2857, 66.6667, 14.8148)
    assert all(value == round(value, 4) for value in entry["ci95"])
    assert any(value != round(value, 3) for value in entry["ci95"])


def test_a_scorer_without_lattices_keeps_the_fixed_scales(tmp_path):
    (tmp_path / "hyp.txt").write_text("u1 one\n")
    (tmp_path / "ref.txt").write_text("u1 one two\n")
    scorer = Scorer(ScoreOptions(lm_scale=3.0, resamples=200))
    test = TestSet("test", tmp_path / "ref.txt", tmp_path / "hyp.txt")
    assert scorer.choose_scales(test, tmp_path) == Scales(3.0, 0.0) and not (tmp_path / "sweep.tsv").exists()
    entry = scorer.score(test, Scales(3.0, 0.0), tmp_path / "out", "e2e", tuned_on=False)
    assert (entry["wer"], entry["lm_scale"], entry["tuned_on"], entry["audio_seconds"]) == (50.0, None, False, 0)
    (tmp_path / "hyp.txt").write_text("\n")
    with pytest.raises(TooManyFailures, match="test: scoring: 1 of 1"):
        scorer.score(test, Scales(3.0, 0.0), tmp_path / "out", "e2e")


def test_an_edge_of_the_sweep_is_told(tmp_path, caplog):
    write_lattices(tmp_path, 0, [lattice("u1", [((1, 2), -10.0, -5.0), ((3,), -20.0, -3.0)])])
    WORDS.write(tmp_path / "words.txt")
    for said, edge in (("three", True), ("one two", True)):
        (tmp_path / "ref.txt").write_text(f"u1 {said}\n")
        caplog.clear()
        scorer = Scorer(ScoreOptions(lm_scales=(1.0, 9.0), word_insertion_penalties=(0.0,)))
        best = scorer.choose_scales(TestSet("dev", tmp_path / "ref.txt", tmp_path), tmp_path)
        assert best.lm_scale == (9.0 if said == "three" else 1.0)
        assert ("edge of score.lm_scales" in caplog.text) is edge
