import numpy as np
import pytest
from scipy import stats

from hybrid.compare.agreement import agreement, correlation
from hybrid.compare.bench import Bench
from hybrid.compare.options import CompareOptions
from tests.hybrid.compare.scores import of_texts, random_scores

OPTIONS = CompareOptions(resamples=200)
REFERENCES = ["a b c", "d e", "f"]


def found_for(**hypotheses):
    scores = {name: of_texts(REFERENCES, texts) for name, texts in hypotheses.items()}
    return agreement("t", Bench(scores, OPTIONS), list(scores), OPTIONS)


def test_a_vote_mends_what_one_system_alone_has_wrong():
    found = found_for(x=["a b c", "d x", "x"], y=["a y c", "d e", "f"], z=["a b z", "d e", "z"])
    assert found.best == "y" and found.best_rate.percent == pytest.approx(100 / 6)
    assert found.vote.percent == pytest.approx(0.0 + 0.0)
    assert found.oracle.percent == 0.0
    assert (found.fixed, found.broken) == (1, 0)
    assert found.right == (0, 1, 3, 2)  # f by y alone; b, c and e by two; a and d by all
    assert found.systems == ("x", "y", "z")


def test_a_vote_may_break_what_the_best_has_right():
    found = found_for(x=["a b c", "d e", "f"], y=["a q c", "d e", "g"], z=["a q c", "d e", "g"])
    assert found.best == "x" and found.vote.percent == pytest.approx(200 / 6)
    assert (found.fixed, found.broken) == (0, 2)
    assert found.oracle.percent == 0.0


def test_of_each_utterance_the_oracle_has_the_best():
    found = found_for(x=["a b c", "x x", "f"], y=["y y y", "d e", "y z"])
    assert found.oracle.percent == 0.0
    found = found_for(x=["a x c", "x x", "f"], y=["y y c", "d x", "y z"])
    assert found.oracle.percent == pytest.approx(200 / 6)


def test_ties_are_won_by_the_best_system():
    found = found_for(x=["x x x", "d e", "f"], y=["a b c", "d e", "y"])
    assert found.best == "y" and found.vote.percent == found.best_rate.percent


def test_pairs_count_words():
    found = found_for(x=["a q c", "d q", "f f"], y=["a q c", "p p", "f"], z=["a b c", "d e", None])
    xy, xz, yz = found.pairs
    assert (xy.a, xy.b) == ("x", "y")
    assert (xy.both_right, xy.only_a, xy.only_b, xy.both_wrong) == (3, 1, 0, 2)
    assert xy.same_error == 0.5  # q for b; q and p for e
    assert (xz.both_right, xz.only_a, xz.only_b, xz.both_wrong, xz.same_error) == (3, 1, 2, 0, None)
    assert xz.correlation == pytest.approx(stats.pearsonr([0, 1, 0, 0, 1, 0], [0, 0, 0, 0, 0, 1]).statistic)
    assert sum((yz.both_right, yz.only_a, yz.only_b, yz.both_wrong)) == 6


def test_words_that_both_leave_out_are_the_same_error():
    (pair,) = found_for(x=["a c", "d", "f"], y=["a c", "d e", "f"]).pairs
    assert (pair.both_wrong, pair.same_error) == (1, 1.0)


def test_words_that_no_system_has_right_are_counted():
    assert found_for(x=["x x x", "x x", "x"], y=["y y y", "y y", "y"]).right == (6, 0, 0)


def test_correlation_is_pearsons():
    draw = np.random.default_rng(0)
    a, b = draw.random((2, 50)) < 0.3
    assert correlation(a, b) == pytest.approx(stats.pearsonr(a.astype(float), b.astype(float)).statistic)
    assert correlation(a, a) == pytest.approx(1.0) and correlation(a, ~a) == pytest.approx(-1.0)
    nothing = np.zeros(50, bool)
    assert correlation(a, nothing) is None and correlation(~nothing, a) is None
    assert correlation(nothing[:0], nothing[:0]) is None


def test_only_the_named_systems_take_part():
    scores = random_scores({"a": 0.1, "b": 0.3, "c": 0.5})
    bench = Bench(scores, OPTIONS)
    found = agreement("t", bench, ["c", "b"], OPTIONS)
    assert found.best == "b" and found.systems == ("c", "b") and len(found.pairs) == 1
    assert len(found.right) == 3 and sum(found.right) == bench.words.sum()
    assert found.oracle.percent < found.best_rate.percent == pytest.approx(scores["b"].wer)


def test_an_utterance_without_words_has_none_that_are_wrong():
    scores = {name: of_texts(["a b c", "", "f"], texts) for name, texts in (
        ("x", ["a b c", "d", "f"]), ("y", ["a q c", "", "f"]))}
    found = agreement("t", Bench(scores, OPTIONS), ["x", "y"], OPTIONS)
    assert found.right == (0, 1, 3) and found.pairs[0].only_a == 1
