"""Intervals against planted truth: how often they hold the error rate that the data was drawn with."""

import numpy as np
import pytest

from graphs.errors import InputError
from hybrid.recognize.confidence import Comparison, compare_systems, wer_interval


def test_set(generator, rate, utterances=150, speakers=None):
    """Utterances of 1 to 15 words, each with an error rate of its own around `rate`."""
    words = generator.integers(1, 16, utterances)
    own_rate = generator.beta(2 * rate, 2 * (1 - rate), utterances)
    if speakers is not None:
        own_rate = generator.beta(4 * rate, 4 * (1 - rate), speakers.max() + 1)[speakers]
    return generator.binomial(words, own_rate), words


test_set.__test__ = False


def coverage(rate, trials, groups=None):
    generator = np.random.default_rng(7)
    inside = 0
    for _ in range(trials):
        errors, words = test_set(generator, rate, 150 if groups is None else len(groups), groups)
        low, high = wer_interval(errors, words, groups, resamples=400)
        inside += low <= 100 * rate <= high
    return inside / trials


def test_the_interval_holds_the_truth_in_95_of_100_test_sets():
    assert 0.91 <= coverage(0.2, 400) <= 0.98


def test_speakers_drawn_whole_cover_what_utterances_alone_do_not():
    speakers = np.repeat(np.arange(30), 10)
    assert 0.90 <= coverage(0.2, 300, speakers) <= 0.98
    generator = np.random.default_rng(3)
    errors, words = test_set(generator, 0.2, 300, speakers)
    by_speaker, by_utterance = wer_interval(errors, words, speakers), wer_interval(errors, words)
    assert by_speaker[1] - by_speaker[0] > 1.5 * (by_utterance[1] - by_utterance[0])


def test_the_interval_holds_the_measured_rate_and_repeats_itself():
    errors, words = test_set(np.random.default_rng(0), 0.1)
    low, high = wer_interval(errors, words, seed=1)
    assert low < 100 * errors.sum() / words.sum() < high
    assert (low, high) == wer_interval(errors, words, seed=1) != wer_interval(errors, words, seed=2)


def test_unless_said_it_is_the_95_percent_interval_of_10000_draws():
    errors, words = test_set(np.random.default_rng(0), 0.1)
    usual = dict(level=0.95, resamples=10_000, seed=0)
    assert wer_interval(errors, words) == wer_interval(errors, words, **usual)
    assert compare_systems(errors, errors[::-1], words) == compare_systems(errors, errors[::-1], words, **usual)


def test_utterances_of_one_word_give_the_binomial_interval():
    errors = np.array([1] * 30 + [0] * 270)
    low, high = wer_interval(errors, np.ones(300))
    half = 1.96 * 100 * np.sqrt(0.1 * 0.9 / 300)
    assert low == pytest.approx(10 - half, abs=0.4) and high == pytest.approx(10 + half, abs=0.4)


@pytest.mark.parametrize("level", [0.5, 0.95])
def test_percentiles_are_those_of_the_normal_distribution(level):
    """Errors spread evenly to both sides and words of one number: the bootstrap's mean is all but normal."""
    errors = np.repeat(np.arange(21), 5)
    size = len(errors)
    deviation = 100 * errors.std() / 40 / np.sqrt(size)
    z = {0.5: 0.67449, 0.95: 1.95996}[level]
    low, high = wer_interval(errors, np.full(size, 40), level=level, resamples=100_000)
    assert low == pytest.approx(25 - z * deviation, abs=0.01 * z * deviation)
    assert high == pytest.approx(25 + z * deviation, abs=0.01 * z * deviation)
    worse = compare_systems(np.full(size, 10), errors + 10, np.full(size, 40), level=level, resamples=100_000)
    assert worse.interval == pytest.approx((low, high), abs=0.01 * z * deviation) and worse.difference == 25
    assert worse.probability_of_improvement == 0.0 and worse.significant


def test_many_utterances_are_drawn_in_blocks_of_a_few_million():
    """The interval is the same as when all are drawn at once; 50 draws of 10^5 utterances take two blocks."""
    errors = np.arange(100_000) % 7
    low, high = wer_interval(errors, np.full(100_000, 10), resamples=50)
    draws = np.random.default_rng(0).integers(100_000, size=(50, 100_000))
    expected = np.percentile(errors[draws].sum(axis=1) / 10_000, [2.5, 97.5])
    assert (low, high) == pytest.approx(expected)


def test_no_errors_do_not_mean_no_doubt():
    low, high = wer_interval(np.zeros(29), np.full(29, 8))
    assert low == 0.0 and high == pytest.approx(100 * 3 / 232, rel=0.01)  # rule of three
    # at that rate, no error in two words comes up just once in five times
    low, high = wer_interval([0, 0], [1, 1], level=0.8)
    assert low == 0.0 and (1 - high / 100) ** 2 == pytest.approx(0.2)


def test_empty_references_are_drawn_like_others():
    low, high = wer_interval([1, 0, 2, 1], [0, 4, 4, 0], resamples=2000)
    assert 0 <= low < high < np.inf


def test_a_set_without_words_is_refused():
    with pytest.raises(InputError, match="reference word"):
        wer_interval([1], [0])


@pytest.mark.parametrize("arguments, message", [
    (dict(errors=[1, 2], words=[3]), "one length, found errors of 2, words of 1"),
    (dict(errors=[1, 2], words=[3, 4], groups=["a"]), "groups of 1"),
    (dict(errors=[1, -2], words=[3, 4]), "errors of the utterances: expected numbers from 0"),
    (dict(errors=[1, np.nan], words=[3, 4]), "expected whole numbers"),
    (dict(errors=[1, 2], words=[3, 4], level=1.0), "level between 0 and 1"),
    (dict(errors=[1, 2], words=[3, 4], level=0.0), "level between 0 and 1"),
    (dict(errors=[1, 2], words=[3, 4], resamples=0), "at least 1 resample"),
])
def test_what_can_be_no_counts_is_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        wer_interval(**arguments)


def test_a_system_does_not_beat_itself():
    errors, words = test_set(np.random.default_rng(0), 0.1)
    same = compare_systems(errors, errors, words)
    assert (same.difference, same.probability_of_improvement, same.significant) == (0.0, 0.5, False)


def test_a_small_gain_on_the_same_utterances_is_seen_although_the_intervals_overlap():
    errors, words = test_set(np.random.default_rng(4), 0.3, 200)
    better = errors.copy()
    better[np.flatnonzero(errors)[::5]] -= 1
    result = compare_systems(errors, better, words)
    assert wer_interval(better, words)[1] > wer_interval(errors, words)[0]
    assert result.significant and result.probability_of_improvement > 0.999 and result.difference < 0
    assert result.difference == pytest.approx(100 * (better.sum() - errors.sum()) / words.sum())


def test_chance_differences_are_called_significant_in_5_of_100():
    generator = np.random.default_rng(11)
    called = 0
    for _ in range(300):
        a, words = test_set(generator, 0.2)
        swap = generator.random(len(a)) < 0.5  # two systems of which neither is better
        other = np.maximum(0, a + generator.integers(-1, 2, len(a)))
        called += compare_systems(np.where(swap, a, other), np.where(swap, other, a), words,
                                  resamples=400).significant
    assert 0.01 <= called / 300 <= 0.09


def test_significant_is_an_interval_without_zero():
    for interval, significant in (((-0.5, -0.1), True), ((0.1, 0.5), True), ((-0.5, 0.1), False), ((0.0, 0.5), False)):
        assert Comparison(0.0, interval, 0.5).significant is significant


def test_of_a_single_utterance_errors_are_counts_of_chance():
    """A bootstrap of one recording of eight minutes had no width, and made every difference sure."""
    low, high = wer_interval([100], [1000])
    assert (low, high) == pytest.approx((8.1, 12.0), abs=0.15)  # Poisson of mean 100: 2.5 % below 81, 97.5 % to 120
    near = compare_systems([270], [266], [1972])
    assert near.difference == pytest.approx(-0.2028, abs=1e-4) and not near.significant
    wide = 1.96 * 100 * (270 + 266) ** 0.5 / 1972
    assert near.interval == pytest.approx((near.difference - wide, near.difference + wide), abs=0.12)
    assert 0.5 < near.probability_of_improvement < 0.65
    assert compare_systems([422], [266], [1972]).significant


def test_two_utterances_of_one_speaker_are_one_unit():
    assert wer_interval([40, 60], [500, 500], ["s", "s"]) == wer_interval([100], [1000])
    assert wer_interval([40, 60], [500, 500]) != wer_interval([100], [1000])


@pytest.mark.parametrize("resamples", [0, -1, 2.5, "a"])
def test_a_number_of_resamples_that_is_none_is_refused(resamples):
    with pytest.raises(InputError, match="at least 1 resample"):
        wer_interval([1, 1], [3, 3], resamples=resamples)
