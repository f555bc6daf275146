from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from hybrid.compare.bench import benches
from hybrid.compare.comparison import PairedTest
from hybrid.compare.options import CompareOptions
from hybrid.compare.pairs import holm, p_value, paired_tests, seed_error, with_verdicts
from hybrid.recognize.confidence import compare_systems, resampled_rates
from tests.hybrid.compare.scores import of_counts, of_texts, random_scores

OPTIONS = CompareOptions(resamples=2000)


def alone(scores):
    return {key: [key] for key in scores}


def test_a_pair_of_single_systems_is_the_paired_bootstrap():
    scores = random_scores({"a": 0.35, "b": 0.1})
    (test,) = paired_tests("t", alone(scores), benches(scores, OPTIONS), OPTIONS)
    errors = [[u.counts.errors for u in score.utterances] for score in scores.values()]
    words, speakers = zip(*((u.counts.words, u.speaker) for u in scores["a"].utterances))
    expected = compare_systems(*errors, words, speakers, resamples=2000)
    assert (test.test, test.a, test.b, test.seed_error) == ("t", "a", "b", None)
    assert test.difference == pytest.approx(expected.difference) == pytest.approx(scores["b"].wer - scores["a"].wer)
    assert (test.low, test.high) == pytest.approx(expected.interval)
    assert test.probability_of_improvement == pytest.approx(expected.probability_of_improvement)
    assert test.p_value == test.p_holm < 0.05 and test.verdict == "better"
    assert test.matched_pairs.statistic < -2


def test_the_verdict_turns_with_the_order():
    scores = random_scores({"a": 0.35, "b": 0.1, "c": 0.35})
    tests = paired_tests("t", alone(dict(sorted(scores.items(), reverse=True))), benches(scores, OPTIONS), OPTIONS)
    assert [(test.a, test.b) for test in tests] == [("c", "b"), ("c", "a"), ("b", "a")]
    assert [test.verdict for test in tests] == ["better", "not sure", "worse"]
    assert all((test.low > 0 or test.high < 0) == (test.verdict != "not sure") for test in tests)


def test_systems_that_say_the_same_do_not_differ():
    scores = random_scores({"a": 0.3})
    scores["b"] = scores["a"]
    (test,) = paired_tests("t", alone(scores), benches(scores, OPTIONS), OPTIONS)
    assert (test.difference, test.low, test.high, test.p_value) == (0.0, 0.0, 0.0, 1.0)
    assert test.probability_of_improvement == 0.5 and test.verdict == "not sure"


def test_other_references_are_not_paired_and_not_counted():
    scores = random_scores({"a": 0.35, "b": 0.1})
    scores["c"] = of_texts(["x y"], ["x"])
    tests = paired_tests("t", alone(scores), benches(scores, OPTIONS), OPTIONS)
    assert [test.verdict for test in tests] == ["better", "other references", "other references"]
    assert tests[1].difference is None and tests[0].p_holm == tests[0].p_value


def test_seeds_widen_the_interval_by_their_own_spread():
    """All speakers alike: what is left are the seeds, and the interval is Welch's."""
    speakers, words = range(10), [20] * 10
    scores = {f"{name}{seed}": of_counts([errors] * 10, words, speakers) for name, own in
              (("a", (4, 6, 5)), ("b", (2, 3, 5))) for seed, errors in enumerate(own)}
    options = CompareOptions(resamples=50_000)
    families = {name: [key for key in scores if key[0] == name] for name in "ab"}
    (test,) = paired_tests("t", families, benches(scores, options), options)
    rates = [[scores[key].wer for key in own] for own in families.values()]
    welch = stats.ttest_ind(rates[1], rates[0], equal_var=False)
    low, high = welch.confidence_interval(0.95)
    assert test.difference == pytest.approx(np.mean(rates[1]) - np.mean(rates[0])) == pytest.approx(-25 / 3)
    assert (test.low, test.high) == pytest.approx((low, high), rel=0.03)
    assert test.p_value == pytest.approx(welch.pvalue, rel=0.1)
    assert test.seed_error == pytest.approx(test.difference / welch.statistic)
    assert test.verdict == "not sure"
    assert test.matched_pairs is None  # each segment of the first seeds differs by 2


def test_seed_error_is_welchs():
    a, b = [10.0, 12.0, 11.5], [8.0, 9.5]
    welch = stats.ttest_ind(a, b, equal_var=False)
    error, freedom = seed_error(a, b)
    assert error == pytest.approx((np.mean(a) - np.mean(b)) / welch.statistic)
    assert freedom == pytest.approx(welch.df)
    assert seed_error([1.0], [2.0]) == (None, 0.0)
    assert seed_error([1.0, 1.0], [2.0, 2.0])[0] == 0.0


def test_a_single_seed_is_taken_to_spread_as_the_other_system():
    a = [10.0, 12.0, 11.5]
    error, freedom = seed_error(a, [9.0])
    assert error == pytest.approx(np.sqrt(np.var(a, ddof=1) * (1 / 3 + 1))) and freedom == 2.0
    assert seed_error([9.0], a) == (pytest.approx(error), 2.0)


def test_p_values_count_one_more_on_either_side():
    assert p_value(np.array([1.0] * 9)) == pytest.approx(2 / 10)
    assert p_value(np.array([-1.0] * 9)) == pytest.approx(2 / 10)
    assert p_value(np.array([-1.0, 1.0, 1.0, 0.0])) == pytest.approx(1.0)
    assert p_value(np.array([-1.0, *[1.0] * 98])) == pytest.approx(4 / 100)
    assert p_value(np.zeros(5)) == 1.0


def test_p_values_are_spread_evenly_when_there_is_no_difference():
    below = 0
    for seed in range(200):
        errors = np.random.default_rng(seed).binomial(20, 0.2, (2, 30))
        below += p_value(resampled_rates(errors[1] - errors[0], np.full(30, 20.0), 300, seed)) < 0.1
    assert 8 <= below <= 36  # 20 are expected; chance leaves this range once in 500 times


@pytest.mark.parametrize("p_values", [[0.01, 0.04, 0.03, 0.005], [0.5], [0.02, 0.02, 0.9], [0.4, 0.3, 0.6], []])
def test_holm_closes_all_sets_of_tests(p_values):
    """By definition: the largest Bonferroni p of any set of tests that the test is in."""
    places = range(len(p_values))
    sets = [chosen for size in range(1, len(p_values) + 1) for chosen in combinations(places, size)]
    expected = [max(min(1.0, len(own) * min(p_values[i] for i in own)) for own in sets if place in own)
                for place in places]
    assert holm(p_values) == pytest.approx(expected)


def test_verdicts_are_by_the_corrected_values():
    tests = [PairedTest("t", "a", name, "not sure", difference, -1.0, 1.0, 0.5, p)
             for name, difference, p in (("b", -1.0, 0.02), ("c", 1.0, 0.016), ("d", 1.0, 0.3))]
    assert [test.verdict for test in with_verdicts(tests, 0.05)] == ["better", "worse", "not sure"]
    assert [test.p_holm for test in with_verdicts(tests, 0.05)] == pytest.approx([0.048, 0.048, 0.3])
    assert [test.verdict for test in with_verdicts(tests, 0.048)] == ["not sure"] * 3
