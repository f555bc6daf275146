from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from hybrid.compare.bench import benches
from hybrid.compare.comparison import PairedTest
from hybrid.compare.options import CompareOptions
from hybrid.compare.pairs import holm, p_value, paired_tests, seed_spread, with_verdicts
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


def by_first_letter(scores):
    return {name: [key for key in scores if key[0] == name] for name in dict.fromkeys(key[0] for key in scores)}


def test_seeds_widen_the_interval_by_their_own_spread():
    """All speakers alike: what is left are the seeds, and the interval is Student's."""
    scores = {f"{name}{seed}": of_counts([errors] * 10, [20] * 10, range(10)) for name, own in
              (("a", (4, 6, 5)), ("b", (2, 3, 4)), ("c", (8,))) for seed, errors in enumerate(own)}
    options = CompareOptions(resamples=50_000)
    ab, ac, bc = paired_tests("t", by_first_letter(scores), benches(scores, options), options)
    factor = (50 / 25 + 50 / 15) / 4  # WERs 20, 30, 25 and 10, 15, 20
    for test, difference, error in ((ab, -10.0, (factor * (25 / 3 + 15 / 3)) ** 0.5),
                                    (ac, 15.0, (factor * (25 / 3 + 40)) ** 0.5),
                                    (bc, 25.0, (factor * (15 / 3 + 40)) ** 0.5)):
        assert test.difference == pytest.approx(difference) and test.seed_error == pytest.approx(error)
        assert (test.low, test.high) == pytest.approx(stats.t.interval(0.95, 4, difference, error), abs=0.06 * error)
        assert test.p_value == pytest.approx(2 * stats.t.sf(abs(difference) / error, 4), rel=0.1)
    assert [test.verdict for test in (ab, ac, bc)] == ["not sure"] * 3
    assert bc.p_value < 0.05 < bc.p_holm == pytest.approx(3 * bc.p_value)
    assert ab.matched_pairs is None  # each segment of the first seeds differs by 2


def test_speakers_and_seeds_widen_the_interval_together():
    scores = random_scores({"a1": 0.2, "a2": 0.22, "a3": 0.2, "a4": 0.2, "b1": 0.3, "b2": 0.3, "b3": 0.32})
    options = CompareOptions(resamples=20_000)
    (test,) = paired_tests("t", by_first_letter(scores), benches(scores, options), options)
    means = {key: score.wer for key, score in scores.items()}
    assert test.difference == pytest.approx(sum(means[f"b{n}"] / 3 for n in (1, 2, 3))
                                            - sum(means[f"a{n}"] / 4 for n in (1, 2, 3, 4)))
    (bench,) = benches(scores, options)
    alone = bench.rates[:, 4:].mean(axis=1) - bench.rates[:, :4].mean(axis=1)
    drawn = alone + test.seed_error * stats.t.rvs(5, size=20_000, random_state=9)
    low, high = np.percentile(drawn, [2.5, 97.5])
    assert (test.low, test.high) == pytest.approx((low, high), abs=0.04 * (high - low))
    assert high - low > 1.1 * np.ptp(np.percentile(alone, [2.5, 97.5]))


def test_the_spread_of_seeds_is_that_of_all_families():
    spread = seed_spread([[10.0, 12.0, 11.0], [5.0], [8.0, 6.0], [0.0, 0.0]])
    assert spread == (pytest.approx((2 / 11 + 2 / 7) / 4), 4)
    assert spread.error((11.0, 3), (5.0, 1)) == pytest.approx((spread.factor * (11 / 3 + 5)) ** 0.5)
    assert seed_spread([[3.0], [4.0]]) == (0.0, 0) and seed_spread([[3.0], [4.0]]).error((3.0, 1), (4.0, 1)) is None
    assert seed_spread([[3.0, 3.0]]).error((3.0, 2), (4.0, 1)) == 0.0


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


def test_pairs_of_one_share_of_the_data_are_corrected_together():
    """By hand: of all the data a-b and a-c, b-c; of half of it d-e; three across."""
    pairs = [("a", "b", 0.02), ("a", "c", 0.04), ("b", "c", 0.5), ("d", "e", 0.04), ("a", "d", 0.01), ("b", "d", 0.03)]
    tests = [PairedTest("t", a, b, "not sure", -1.0, -2.0, 1.0, 0.5, p) for a, b, p in pairs]
    tests.insert(1, PairedTest("t", "a", "x", "other references"))
    judged = with_verdicts(tests, 0.05, {"d": 0.5, "e": 0.5})
    assert [test.p_holm for test in judged] == pytest.approx([0.06, None, 0.08, 0.5, 0.04, 0.02, 0.03])
    assert [test.verdict for test in judged[4:]] == ["better"] * 3
    assert [test.verdict for test in judged[:4]] == ["not sure", "other references", "not sure", "not sure"]
