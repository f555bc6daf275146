from dataclasses import replace
from pathlib import Path

import pytest

from graphs.errors import InputError
from hybrid.align.times.ctm import TimedSymbol
from hybrid.compare.build import compare
from hybrid.compare.comparison import System
from hybrid.compare.comparison_file import check
from hybrid.compare.material import CutFacts, Material, Timed
from hybrid.compare.options import CompareOptions
from hybrid.compare.scored import Scored
from tests.hybrid.compare.scores import of_texts, random_scores

OPTIONS = CompareOptions(resamples=200)
REFERENCES = ["a b", "c"]


def scored(key, texts, test="test", references=REFERENCES, tuned_on=False, **more):
    system = System(key, more.pop("family", key), more.pop("name", key), "ctc", **more)
    score = of_texts(references, texts)
    entry = {"system": key, "test": test, "tuned_on": tuned_on, "seconds": 2.0, "audio_seconds": 8.0, "lm_scale": 3.0,
             "word_insertion_penalty": None}
    return Scored(system, entry, score, Path("score_x") / test, "decode_x")


def spans(*starts):
    return [TimedSymbol(word, start, start + 0.25) for word, start in zip("ab", starts)]


def test_all_parts_are_there_and_fit_together():
    material = {"test": Material(
        {"u0": CutFacts(2.5, {"noise": "pink"}, "/x.wav", 0.5, spans(0.0, 1.0)),
         "u1": CutFacts(1.0, {"noise": "clean"})},
        {"a": 3, "c": 1}, {"x": Timed("decode_x", {"u0": spans(0.125, 1.0)})},
        [("dnn", Timed("align_dnn", {"u0": spans(0.25, 1.25)}))])}
    found = compare("T", [scored("x", ["a b", "d"]), scored("y", ["a", None])], OPTIONS, material, {"command": "c"})
    check(found, "t")
    (test,) = found.tests
    assert (test.utterances, test.words, test.seconds, test.not_in_training) == (2, 3, 8.0, 1)
    assert [result.system for result in found.results] == ["y", "x"]
    y, x = found.results
    assert (y.deletions, y.missing, y.ser, x.substitutions) == (2, 1, 100.0, 1)
    assert (x.real_time_factor, x.lm_scale, x.details, x.decoded) == (0.25, 3.0, "score_x/test", "decode_x")
    assert [(one.system, one.how, one.starts.shift_ms) for one in found.alignments] == [
        ("dnn", "forced", 250.0), ("x", "decoded", 62.5)]
    assert "noise" in [one.by for one in found.breakdowns] and len(found.agreements) == 1 and found.curves == ()
    first, second = found.utterances
    assert (first.utterance_id, first.speaker) == ("u0", "s0")
    assert (first.seconds, first.audio, first.offset) == (2.5, "/x.wav", 0.5)
    assert first.reference == ("a", "b") and first.times == ((0.0, 0.25), (1.0, 1.25))
    assert first.conditions == {"noise": "pink"}
    of = {hypothesis.system: hypothesis for hypothesis in first.hypotheses}
    assert of["x"].times == ((0.125, 0.375), (1.0, 1.25)) and of["y"].times == ()
    assert of["y"].pairs == (("a", "a"), ("b", None))
    assert [h.missing for h in second.hypotheses if h.system == "y"] == [True]
    assert found.facts == {"command": "c"} and found.notes == ()
    assert (found.level, compare("T", [scored("x", ["a b", "d"])], CompareOptions(resamples=100, level=0.2)).level) == (
        0.05, 0.2)


def test_among_many_pairs_a_difference_can_be_sure():
    """190 pairs: with the 100 resamples that were asked for no p value would be below 3."""
    scores = random_scores({**{f"s{n:02d}": 0.5 for n in range(19)}, "best": 0.05})
    systems = [Scored(System(key, key, key, "ctc"), {"system": key, "test": "test"}, score, Path("x"), "x")
               for key, score in scores.items()]
    found = compare("T", systems, CompareOptions(resamples=100))
    verdicts = {pair.verdict for pair in found.pairs if "best" in (pair.a, pair.b)}
    assert len(found.pairs) == 190 and verdicts == {"better"}
    assert all(0 < pair.p_value < pair.p_holm < 0.011 for pair in found.pairs if pair.b == "best")
    less = [one._replace(system=replace(one.system, share=1.0 if one.system.key in ("s00", "best") else 0.1))
            for one in systems]
    (pair,) = (pair for pair in compare("T", less, OPTIONS).pairs if {pair.a, pair.b} == {"s00", "best"})
    assert pair.p_holm == pair.p_value
    assert CompareOptions().for_pairs(50).resamples == 10_000 and CompareOptions().for_pairs(630).resamples == 126_000
    assert CompareOptions(resamples=10 ** 6).for_pairs(5000).resamples == 10 ** 6
    assert CompareOptions().for_pairs(5000).resamples == 200_000


def test_learning_curves_and_agreement_are_of_families():
    systems = [scored("x (seed 1)", ["a b", "c"], family="x", name="x", seed=1),
               scored("x (seed 2)", ["a d", "c"], family="x", name="x", seed=2),
               scored("x (10 %)", ["d d", "c"], family="x (10 %)", name="x", share=0.1), scored("y", ["a b", "d"])]
    found = compare("T", systems, OPTIONS)
    (agreement,) = found.agreements
    assert agreement.systems == ("y", "x (seed 1)")
    (curve,) = found.curves
    assert [(point.share, point.rate.percent) for point in curve.points] == [
        (0.1, pytest.approx(200 / 3)), (1.0, pytest.approx(100 / 6))]
    assert [family.family for family in found.families] == ["x (10 %)", "y", "x"]
    assert [(pair.b, pair.a, pair.unlike) for pair in found.pairs] == [
        ("y", "x (10 %)", ("% of the data 100 and 10",)),
        ("x", "x (10 %)", ("% of the data 100 and 10", "number of seeds 2 and 1")),
        ("x", "y", ("number of seeds 2 and 1",))]


def test_seeds_stand_as_they_rise_an_unknown_one_first():
    systems = [scored(f"x{seed}", ["a b", "c"], family="x", seed=seed) for seed in (2, 1, None)]
    assert compare("T", systems, OPTIONS).families[0].systems == ("xNone", "x1", "x2")


def test_families_of_one_rate_stand_by_name():
    found = compare("T", [scored(key, ["a b", text], family=family) for key, family, text in (
        ("z", "z", "c"), ("k", "b", "d"), ("l", "a", "d"))], OPTIONS)
    assert [family.family for family in found.families] == ["a", "b", "z"]


def test_the_development_set_stands_last():
    found = compare("T", [scored("x", ["a b", "c"], "dev", tuned_on=True), scored("x", ["a b", "c"], "test")], OPTIONS)
    assert [(test.name, test.tuned_on) for test in found.tests] == [("test", False), ("dev", True)]
    assert len(found.systems) == 1 and len(found.results) == 2 and found.agreements == ()


def test_other_references_are_noted_and_keep_their_own():
    found = compare("T", [scored("x", ["a b", "c"]), scored("y", ["a b"], references=["a b"]),
                          scored("z", ["a d", "c"])], OPTIONS)
    assert found.notes == (
        "test: systems were scored on 2 different references, and only those of the same are paired",)
    assert sorted(pair.verdict for pair in found.pairs) == ["not sure", "other references", "other references"]
    assert [len(one.hypotheses) for one in found.utterances] == [3, 2]
    assert found.agreements[0].systems == ("z", "x")


def test_seeds_on_other_references_are_refused():
    one, two = scored("x1", ["a b", "c"], family="x"), scored("x2", ["a b"], references=["a b"], family="x")
    with pytest.raises(InputError, match="x on test: expected the same references for all seeds"):
        compare("T", [one, two], OPTIONS)


def test_few_speakers_are_noted():
    for number, drawn, noted in ((4, "utterances", False), (5, "speakers", True), (19, "speakers", True),
                                 (20, "speakers", False)):
        texts = ["a b"] * number
        found = compare("T", [scored("x", texts, references=texts)], OPTIONS)
        note = f"test has {number} speakers: intervals that draw so few are rather too narrow"
        assert found.notes == (note,) * noted and found.tests[0].drawn == drawn


def test_of_several_references_those_of_the_fewest_speakers_are_noted():
    texts = ["a b"] * 20
    found = compare("T", [scored("x", texts, references=texts), scored("y", texts[:6], references=texts[:6])], OPTIONS)
    assert found.notes[0].startswith("test has 6 speakers") and "2 different references" in found.notes[1]


def test_nothing_cannot_be_compared():
    with pytest.raises(InputError, match="a scored system"):
        compare("T", [], OPTIONS)


def test_unknown_times_make_no_factor():
    one = scored("x", ["a b", "c"])
    for unknown in ("seconds", "audio_seconds"):
        found = compare("T", [one._replace(entry={**one.entry, unknown: None})], OPTIONS)
        assert found.results[0].real_time_factor is None
    assert found.tests[0].seconds == 0.0
