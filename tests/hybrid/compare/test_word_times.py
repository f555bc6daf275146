import pytest

from hybrid.align.times.ctm import TimedSymbol
from hybrid.compare.material import Timed
from hybrid.compare.word_times import figures, matches, quality, rounded, spans_of


def timed(text, *starts, length=0.2):
    return [TimedSymbol(word, start, start + length) for word, start in zip(text.split(), starts)]


TRUTH = {"u1": timed("a b c", 0.1, 0.5, 1.0), "u2": timed("d", 0.2), "u3": timed("e", 0.0)}


def test_planted_deviations_are_found():
    found = {"u1": timed("A x c", 0.13, 0.5, 0.985, length=0.25), "u2": timed("d", 0.42)}
    one = quality("t", "s", "decoded", Timed("folder", found), TRUTH)
    assert (one.test, one.system, one.how, one.source) == ("t", "s", "decoded", "folder")
    assert (one.utterances, one.words, one.wrong) == (2, 3, 1)
    assert one.starts.count == 3
    assert one.starts.shift_ms == pytest.approx((30 - 15 + 220) / 3)
    assert one.starts.mean_ms == pytest.approx((30 + 15 + 220) / 3) and one.starts.median_ms == pytest.approx(30)
    assert [one.starts.within_20_ms, one.starts.within_50_ms, one.starts.within_100_ms] == pytest.approx(
        [1 / 3, 2 / 3, 2 / 3])
    assert one.ends.shift_ms == pytest.approx((80 + 35 + 220) / 3)
    assert one.inside == pytest.approx(1 / 3)  # c begins too early, d after its end


def test_an_unknown_end_is_not_compared():
    assert quality("t", "s", "decoded", Timed("x", TRUTH, False), TRUTH).ends is None
    exact = quality("t", "s", "forced", Timed("x", TRUTH), TRUTH)
    assert exact.ends.mean_ms == 0.0 and exact.inside == 1.0 and (exact.utterances, exact.wrong) == (3, 0)


def test_nothing_in_common_has_no_quality():
    assert quality("t", "s", "forced", Timed("x", {"u9": timed("a", 0.1)}), TRUTH) is None
    assert quality("t", "s", "forced", Timed("x", {"u2": timed("x", 0.1)}), TRUTH) is None


def test_the_same_words_are_matched_in_their_order():
    found = matches(timed("a b a c", 0, 1, 2, 3), timed("b new A", 4, 5, 6))
    assert [(true.start, mine.start) for true, mine in found] == [(1, 4), (2, 6)]


def test_tolerances_are_to_be_kept_exactly():
    assert (figures([0.02, 0.0201]).within_20_ms, figures([-0.1, 0.11]).within_100_ms) == (0.5, 0.5)
    assert figures([0.05, -0.06]).within_50_ms == 0.5


def test_spans_are_those_of_all_words_or_none():
    times = timed("a b", 0.1, 0.5)
    assert spans_of(["a", "b"], times) == ((0.1, pytest.approx(0.3)), (0.5, pytest.approx(0.7)))
    assert spans_of(["a"], times) == ((0.1, pytest.approx(0.3)),)
    assert spans_of(["a", "b", "c"], times) == () == spans_of(["a"], [])
    assert rounded(((0.123456, 1.987654), (2.0, 3.0))) == ((0.1235, 1.9877), (2.0, 3.0))
