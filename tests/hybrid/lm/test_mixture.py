import math

import numpy as np
import pytest

from graphs.errors import InputError
from graphs.grammar.mixed_lm import MixedLm
from graphs.grammar.ngram_lm import NgramLm
from hybrid.lm.mixture import held_out, mix_ngrams, tune_weights
from hybrid.lm.ngram_prune import PruneOptions, entropy_prune
from hybrid.lm.ngram_train import NgramOptions, train_ngram
from hybrid.lm.perplexity import TextIds, log_probs, measure
from tests.hybrid.lm.test_ngram_train import random_text
from tests.reference.ngrams import SlowModel


def models(**second):
    """Models of different words and orders; each lacks a word of the other."""
    first = train_ngram(random_text(0, 80, words=("a", "b", "c", "d", "only1")), NgramOptions(order=3))
    options = {"order": 2, "method": "witten-bell", **second}
    return first, train_ngram(random_text(1, 80, words=("d", "c", "b", "a", "only2")), NgramOptions(**options))


def test_weights_are_those_of_a_fine_grid():
    rng = np.random.default_rng(0)
    log_prob = np.log(rng.dirichlet(np.ones(4), (2, 50))[:, :, 0])
    log_prob[0, :3] = -np.inf
    log_prob[:, 7] = -np.inf
    tuned = tune_weights(log_prob)
    possible = np.delete(log_prob, 7, axis=1)
    grid = np.linspace(0.0005, 0.9995, 2000)
    value = [np.logaddexp(math.log(w) + possible[0], math.log1p(-w) + possible[1]).mean() for w in grid]
    assert tuned.weights[0] == pytest.approx(grid[int(np.argmax(value))], abs=1e-3)
    assert tuned.log_prob == pytest.approx(max(value), abs=1e-6) and tuned.weights.sum() == pytest.approx(1.0)
    assert 2 < tuned.rounds < 1000


def test_one_round_by_hand():
    """Events of 1/2, 1/4 and 1/4, 1/4: the first round gives (2/3 + 1/2) / 2 to the first model."""
    from hybrid.lm import mixture
    log_prob = np.log([[0.5, 0.25], [0.25, 0.25]])
    before, mixture.MAX_ROUNDS = mixture.MAX_ROUNDS, 1
    try:
        tuned = tune_weights(log_prob)
    finally:
        mixture.MAX_ROUNDS = before
    assert tuned.weights.tolist() == pytest.approx([7 / 12, 5 / 12])
    assert tuned.log_prob == pytest.approx((math.log(0.375) + math.log(0.25)) / 2) and tuned.rounds == 1


def test_rounds_end():
    """With models that hardly differ each round gains next to nothing; of one model there is nothing to tune."""
    assert tune_weights(np.log([[0.5, 0.5], [0.525, 0.4775]])).rounds == 1000
    alone = tune_weights(np.log([[0.5, 0.25]]))
    assert alone.weights.tolist() == [1.0] and alone.rounds == 2
    assert alone.log_prob == pytest.approx(math.log(0.125) / 2)


def test_a_useless_model_gets_nothing_and_a_tiny_probability_is_no_zero():
    tuned = tune_weights(np.array([[-800.0, -900.0], [-801.0, -905.0]]))
    assert tuned.weights == pytest.approx([1.0, 0.0], abs=1e-3) and tuned.log_prob == pytest.approx(-850.0, abs=1e-2)
    with pytest.raises(InputError, match="held-out text: expected words that the language models"):
        tune_weights(np.full((2, 3), -np.inf))


def test_held_out_events():
    first, second = models()
    text = TextIds.of([["a", "only1", "zebra"], ["only2"]])
    lms = [NgramLm(model, text.words) for model in (first, second)]
    found = held_out(lms, text)
    assert found.shape == (2, 3 + 2)  # without zebra
    assert np.isneginf(found).tolist() == [[False, False, True, False, False], [False, True, False, False, False]]
    assert found[0, 0] == pytest.approx(first.log10_prob("a", ["<s>"]) * math.log(10))
    assert found[1, 4] == pytest.approx(second.log10_prob("</s>", ["<s>", "only2"]) * math.log(10))
    tuned = tune_weights(found)
    best = measure(MixedLm(lms, tuned.weights, text.words), text).log_prob
    assert best / 5 == pytest.approx(tuned.log_prob)
    for shift in (-0.05, 0.05):
        weights = np.array(tuned.weights) + [shift, -shift]
        assert measure(MixedLm(lms, weights, text.words), text).log_prob < best


@pytest.mark.parametrize("pruned", [False, True])
def test_the_static_mixture_has_all_ngrams_and_sums_to_one(pruned):
    first, second = models(order=4)
    if pruned:
        first, second = (entropy_prune(model, PruneOptions(max_ngrams=60)) for model in (first, second))
    mixed = mix_ngrams([first, second], [0.3, 0.7])
    slow, ones = SlowModel.of(mixed), [SlowModel.of(first), SlowModel.of(second)]
    assert mixed.words == [*first.words, "only2"] and mixed.order == max(first.order, second.order)
    assert set(slow.prob) == set(ones[0].prob) | set(ones[1].prob)
    assert [len(table) for table in mixed.tables] == [sum(len(g) == n for g in slow.prob)
                                                      for n in range(1, mixed.order + 1)]
    for ngram, found in slow.prob.items():
        parts = [0.0 if (ngram[-1],) not in one.prob else
                 one.p(ngram[-1], [word if (word,) in one.prob else "<unk>" for word in ngram[:-1]]) for one in ones]
        if ngram != ("<s>",):
            assert found == pytest.approx(0.3 * parts[0] + 0.7 * parts[1]), ngram
    for history in [(), *{ngram[:-1] for ngram in slow.prob}]:
        assert slow.total(history) == pytest.approx(1.0, abs=1e-6), history
    with pytest.raises(InputError, match="weights of language models: expected 2"):
        mix_ngrams([first, second], [1.0])


def test_static_and_dynamic_mixtures_agree_where_all_ngrams_are_stored():
    """Unigrams exactly; longer ones nearly."""
    first, second = models()
    text = TextIds.of([*random_text(0, 40), ["only1", "only2", "a"]])
    for orders, tolerance in (((1, 1), 1e-9), ((3, 2), 0.05)):
        pair = [train_ngram(random_text(seed, 80, words=words), NgramOptions(order=order))
                for seed, words, order in ((0, ("a", "b", "c", "d", "only1"), orders[0]),
                                           (1, ("d", "c", "b", "a", "only2"), orders[1]))]
        static = NgramLm(mix_ngrams(pair, [0.4, 0.6]), text.words)
        dynamic = MixedLm([NgramLm(model, text.words) for model in pair], [0.4, 0.6], text.words)
        found, expected = (np.concatenate(log_probs(lm, text)) for lm in (static, dynamic))
        assert found.mean() == pytest.approx(expected.mean(), abs=tolerance)
        assert static.missing == dynamic.missing
        if tolerance < 1e-6:
            assert found == pytest.approx(expected)


@pytest.mark.parametrize("log_prob", [np.full((2, 3), np.nan), np.full((2, 3), np.inf), np.zeros(3)])
def test_no_weights_come_from_what_is_no_log_probability(log_prob):
    with pytest.raises(InputError, match="log probabilities of held-out text: expected"):
        tune_weights(log_prob)
