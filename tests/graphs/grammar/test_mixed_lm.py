import math

import numpy as np
import pytest

from graphs.errors import InputError
from graphs.grammar.mixed_lm import MixedLm
from graphs.lang.symbols import SymbolTable

WORDS = SymbolTable(["a", "b", "c", "<unk>", "#0", "<s>", "</s>"])


class Counter:
    """A model whose states are numbers of words, and whose scores tell the model, state and word."""

    def __init__(self, start, missing=()):
        self.start, self.missing, self.resets = start, missing, 0

    def score(self, state, word_id):
        return -0.1 * self.start - 0.01 * state - 0.3 * word_id

    def advance(self, states, word_ids):
        return self.score(states, word_ids), states + 1

    def final(self, states):
        return self.score(states, 9)

    def reset(self):
        self.resets += 1


def expected(models, weights, states, word_id):
    return math.log(sum(weight * math.exp(model.score(state, word_id))
                        for model, weight, state in zip(models, weights, states)))


def test_probabilities_are_mixed_and_every_pair_of_states_is_one():
    models, weights = [Counter(5), Counter(70)], [0.25, 0.75]
    lm = MixedLm(models, weights, WORDS)
    scores, states = lm.advance(np.array([lm.start, lm.start]), np.array([1, 2]))
    assert scores.tolist() == pytest.approx([expected(models, weights, (5, 70), word_id) for word_id in (1, 2)])
    assert states[0] == states[1] != lm.start and states.dtype == np.int64
    for step in range(1, 40):  # more states than there was room for
        scores, after = lm.advance(np.append(states, lm.start), np.array([3, 3, 1]))
        assert scores.tolist() == pytest.approx([expected(models, weights, (5 + step, 70 + step), 3)] * 2
                                                + [expected(models, weights, (5, 70), 1)])
        states = after[:2]
    assert lm.final(states).tolist() == pytest.approx([expected(models, weights, (45, 110), 9)] * 2)
    assert lm.final(np.array([0])).tolist() == pytest.approx([expected(models, weights, (5, 70), 9)])
    lm.reset()
    assert [model.resets for model in models] == [2, 2]
    assert lm.advance(np.array([lm.start]), np.array([1]))[1].tolist() == [1]  # numbered anew


def test_a_word_that_only_some_know_has_no_probability_in_the_others():
    models, weights = [Counter(1, missing=["a", "b"]), Counter(2, missing=["b", "c"])], [0.5, 0.5]
    lm = MixedLm(models, weights, WORDS)
    assert lm.missing == ["b"]
    scores = lm.advance(np.zeros(4, int), np.array([1, 2, 3, 4]))[0]
    assert scores[0] == pytest.approx(expected(models, (0.0, 0.5), (1, 2), 1))
    assert scores[1] == pytest.approx(expected(models, weights, (1, 2), 2))
    assert scores[2] == pytest.approx(expected(models, (0.5, 0.0), (1, 2), 3))
    assert scores[3] == pytest.approx(expected(models, weights, (1, 2), 4))


def test_of_weight_zero_and_of_no_probability():
    models = [Counter(1), Counter(2)]
    assert MixedLm(models, [0.0, 1.0], WORDS).advance(np.zeros(1, int), np.array([1]))[0][0] == pytest.approx(
        models[1].score(2, 1))
    models[0].score = models[1].score = lambda states, word_ids: np.full(len(states), -np.inf)
    assert MixedLm(models, [0.5, 0.5], WORDS).advance(np.zeros(1, int), np.array([1]))[0][0] == -np.inf


@pytest.mark.parametrize("weights", [[1.0], [0.0, 0.0], [1.5, -0.5], [0.5, 0.5, 0.0], [float("nan"), 1.0]])
def test_bad_weights(weights):
    with pytest.raises(InputError, match="weights of language models: expected 2 numbers from 0 up, one above"):
        MixedLm([Counter(0), Counter(0)], weights, WORDS)
