from collections import Counter
from itertools import product

import numpy as np
import pytest

from graphs.errors import InputError
from hybrid.compare.bench import Bench, benches
from hybrid.compare.options import CompareOptions
from hybrid.recognize.confidence import compare_systems, wer_interval
from tests.hybrid.compare.scores import of_counts, of_texts, random_scores

OPTIONS = CompareOptions(resamples=400)


def test_intervals_are_those_of_each_system_alone():
    scores = random_scores({"a": 0.1, "b": 0.3})
    bench = Bench(scores, OPTIONS)
    assert bench.drawn == "speakers"
    for key, score in scores.items():
        utterances = score.utterances
        errors, words = [u.counts.errors for u in utterances], [u.counts.words for u in utterances]
        speakers = [u.speaker for u in utterances]
        rate = bench.wer(key)
        assert rate.percent == pytest.approx(score.wer) == pytest.approx(bench.percent([key]))
        assert (rate.low, rate.high) == pytest.approx(wer_interval(errors, words, speakers, resamples=400))
        rate = bench.cer(key)
        assert rate.percent == pytest.approx(score.cer)
        assert (rate.low, rate.high) == pytest.approx(wer_interval(
            [u.character_errors for u in utterances], [u.characters for u in utterances], speakers, resamples=400))


def test_differences_are_paired():
    scores = random_scores({"a": 0.1, "b": 0.3})
    bench = Bench(scores, OPTIONS)
    a, b = ([u.counts.errors for u in score.utterances] for score in scores.values())
    expected = compare_systems(a, b, bench.words, [u.speaker for u in scores["a"].utterances], resamples=400)
    assert np.percentile(bench.rates[:, 1] - bench.rates[:, 0], [2.5, 97.5]) == pytest.approx(expected.interval)


def test_resamples_come_as_often_as_all_draws_that_there_are():
    """Three speakers: 27 draws, each as likely as the others."""
    bench = Bench({"a": of_counts([1, 0, 3], [4, 2, 5], "xyz")}, CompareOptions("speakers", resamples=27_000))
    errors, words = [1, 0, 3], [4, 2, 5]
    expected = Counter(round(100 * sum(errors[i] for i in draw) / sum(words[i] for i in draw), 6)
                       for draw in product(range(3), repeat=3))
    found = Counter(bench.rates[:, 0].round(6).tolist())
    assert set(found) == set(expected)
    assert all(abs(found[rate] - 1000 * count) < 250 * count for rate, count in expected.items())


def test_means_and_deviation_over_seeds():
    scores = random_scores({"a1": 0.1, "a2": 0.2, "a3": 0.4})
    bench = Bench(scores, OPTIONS)
    rates = [score.wer for score in scores.values()]
    mean = bench.wer("a1", "a2", "a3")
    assert mean.percent == pytest.approx(np.mean(rates)) == pytest.approx(bench.percent(["a1", "a2", "a3"]))
    assert (mean.low, mean.high) == pytest.approx(tuple(np.percentile(bench.rates.mean(axis=1), [2.5, 97.5])))
    assert bench.deviation(["a1", "a2", "a3"]) == pytest.approx(np.std(rates, ddof=1))
    assert bench.deviation(["a3", "a1"]) == pytest.approx(abs(rates[2] - rates[0]) / 2 ** 0.5)
    assert bench.deviation(["a1"]) is None
    assert bench.wer("a3", "a1").percent == pytest.approx((rates[0] + rates[2]) / 2)


def test_no_errors_leave_the_rule_of_three():
    bench = Bench({"a": of_counts([0] * 6, [50] * 6, range(6))}, OPTIONS)
    rate = bench.wer("a")
    assert rate.percent == rate.low == 0.0 and rate.high == pytest.approx(1.0, abs=0.02)


def test_speakers_are_drawn_where_there_are_enough():
    few, many = (random_scores({"a": 0.2}, speakers=number) for number in (4, 5))
    assert Bench(few, OPTIONS).drawn == "utterances" and Bench(many, OPTIONS).drawn == "speakers"
    assert Bench(few, CompareOptions("speakers", resamples=100)).drawn == "speakers"
    assert Bench(many, CompareOptions("utterances", resamples=100)).drawn == "utterances"
    assert Bench(many, CompareOptions(resamples=100, fewest_speakers=6)).drawn == "utterances"
    unknown = {"a": of_counts([1] * 6, [4] * 6, ["s1", "s2", "s3", "s4", "s5", "unknown"])}
    assert Bench(unknown, OPTIONS).drawn == "utterances"


def test_speakers_make_wider_intervals_where_they_differ():
    scores = {"a": of_counts(np.repeat([0, 1, 4, 0, 2, 4], 20), [5] * 120, np.repeat(range(6), 20))}
    speakers, utterances = (Bench(scores, CompareOptions(draw, resamples=400)).wer("a")
                            for draw in ("speakers", "utterances"))
    assert speakers.high - speakers.low > 2 * (utterances.high - utterances.low)


@pytest.mark.parametrize("draw, number, drawn", [("auto", 4, "utterances"), ("auto", 5, "speakers"),
                                                 ("utterances", 5, "utterances")])
def test_rates_of_some_words_draw_speakers_where_they_are_of_enough(draw, number, drawn):
    scores = random_scores({"a": 0.2, "b": 0.4})
    bench = Bench(scores, CompareOptions(draw, resamples=400))
    speakers = [u.speaker for u in scores["a"].utterances]
    some = np.isin(speakers, [f"s{n}" for n in range(number)])
    rates = bench.rates_of(bench.errors * some[:, None], bench.words * some, CompareOptions(draw, resamples=400))
    for column, key in enumerate("ab"):
        errors = bench.errors[:, column]
        expected = (wer_interval(errors * some, bench.words * some, speakers, resamples=400) if drawn == "speakers"
                    else wer_interval(errors[some], bench.words[some], resamples=400))
        assert (rates[key].low, rates[key].high) == pytest.approx(expected)
        assert rates[key].percent == pytest.approx(100 * errors[some].sum() / bench.words[some].sum())


def test_only_the_same_words_share_a_bench():
    scores = {"a": of_texts(["x y", "z"], ["x y", "z"]), "b": of_texts(["x y", "q"], ["x y", "z"]),
              "c": of_texts(["x y", "z"], ["x", None]), "d": of_texts(["x y"], ["x y"])}
    assert [bench.keys for bench in benches(scores, OPTIONS)] == [["a", "c"], ["b"], ["d"]]


def test_a_test_set_without_words_is_refused():
    with pytest.raises(InputError, match="a reference word"):
        Bench({"a": of_texts(["", ""], ["x", ""])}, OPTIONS)


@pytest.mark.parametrize("bad", [{"draw": "words"}, {"fewest_speakers": 1}, {"resamples": 99}, {"seed": -1},
                                 {"level": 0.0}, {"level": 1.0}])
def test_options_out_of_range(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        CompareOptions(**bad)


def test_usual_options():
    assert CompareOptions() == CompareOptions("auto", 5, 10_000, 0, 0.05)
