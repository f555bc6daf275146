import math

import numpy as np
import pytest

from graphs.errors import InputError
from graphs.grammar.sentences import score_sentences
from graphs.grammar.weighted_lm import Term, WeightedLm
from tests.graphs.lattices.test_rescore import HashLm


class Other(HashLm):
    def score(self, words):
        return -math.inf if words[-1] == 3 else -0.5 * len(words) * words[-1]


SENTENCES = [[1, 2, 1], [1, 2, 2], [], [2], [1, 2, 1, 1]]


def test_scores_are_weighted_sums():
    one, other = HashLm(), Other()
    lm = WeightedLm([Term(one, 0.5), Term(other, -2.0), Term(other, 0.25)])
    expected = [0.5 * one.sentence(words) - 1.75 * other.sentence(words) for words in SENTENCES]
    assert score_sentences(lm, SENTENCES) == pytest.approx(expected, abs=1e-9)
    assert one.advances == [2, 1, 2, 1] and len(one.words) == 1 + 6
    lm.reset()
    assert len(one.words) == 1 and score_sentences(lm, SENTENCES) == pytest.approx(expected, abs=1e-9)
    nothing = WeightedLm([])
    assert score_sentences(nothing, SENTENCES).tolist() == [0.0] * 5


def test_states_are_those_of_all_terms():
    lm = WeightedLm([Term(HashLm(), 1.0), Term(Other(), 1.0)])
    scores, states = lm.advance(np.array([0, 0, 0]), np.array([1, 2, 1]))
    assert states[0] == states[2] != states[1] and scores.dtype == np.float64 and states.dtype == np.int64
    assert lm.advance(np.array([0]), np.array([1]))[1] == states[0]


def test_merged_histories_stand_where_the_first_stood():
    first, exact = HashLm(), HashLm()
    lm = WeightedLm([Term(first, 1.0, merged=True)], max_order=2)
    _, states = lm.advance(np.array([0, 0]), np.array([1, 2]))
    assert states[0] != states[1]
    _, after = lm.advance(states, np.array([1, 1]))
    assert after[0] == after[1] == states[0]  # all end in 1
    assert lm.advance(after[:1], np.array([2]))[0][0] == pytest.approx(exact.score((1, 2)))
    assert lm.advance(np.array([0]), np.array([2]))[1] == states[1]


@pytest.mark.parametrize("merged", [False, True])
def test_back_at_its_start_a_model_is_in_the_state_that_it_began_in(merged):
    class Still(HashLm):
        start = 5

        def advance(self, states, word_ids):
            assert (states == 5).all()
            return -np.ones(len(states)), states
    lm = WeightedLm([Term(Still(), 1.0, merged)], max_order=1)
    assert lm.advance(np.array([0, 0]), np.array([1, 2]))[1].tolist() == [0, 0]


def test_the_impossible():
    lm = WeightedLm([Term(Other(), 0.5), Term(HashLm(), 1.0)])
    scores, _ = lm.advance(np.array([0, 0]), np.array([3, 1]))
    assert scores[0] == -math.inf and np.isfinite(scores[1])
    with pytest.raises(InputError, match="one that can give what the graph does"):
        WeightedLm([Term(Other(), -0.5)]).advance(np.array([0]), np.array([3]))
    assert np.isneginf(WeightedLm([Term(Other(), 0.0)]).advance(np.array([0]), np.array([3]))[0])
