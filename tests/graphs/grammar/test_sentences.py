import math

import numpy as np
import pytest

from graphs.grammar.sentences import SentenceSet, distinct_pairs, score_sentences
from tests.graphs.lattices.test_rescore import HashLm


def test_sentences_together_score_as_one_by_one():
    lm, rng = HashLm(), np.random.default_rng(0)
    sentences = [rng.integers(1, 3, length).tolist() for length in [0, 1, 5, 4, 5, 5, 6, 2]] + [[1, 2, 1], [1, 2, 1]]
    found = score_sentences(lm, sentences)
    assert found == pytest.approx([lm.sentence(sentence) for sentence in sentences], abs=1e-9)
    begun = score_sentences(lm, sentences, ends=False)
    assert begun == pytest.approx([lm.sentence(s) - lm.score((*s, -1)) for s in sentences], abs=1e-9)
    assert score_sentences(lm, []).shape == (0,)
    assert sum(lm.advances) < 2 * sum(map(len, sentences)) - 10, "beginnings were scored again"


def test_an_impossible_word_ends_it():
    class Without(HashLm):
        def score(self, words):
            assert 2 not in words[:-1], "asked what comes after the impossible"
            return -math.inf if words[-1] == 2 else super().score(words)
    lm = Without()
    found = score_sentences(lm, [[2, 1, 1], [1], [1, 2]])
    assert np.isneginf(found[[0, 2]]).all() and found[1] == pytest.approx(lm.sentence([1]))
    assert np.isneginf(score_sentences(lm, [[2, 1]])).all()


def test_a_set_of_sentences_gives_these_alone():
    sentences = [[1, 2], [1], [3, 1, 1], []]
    lm = SentenceSet(sentences)
    asked = [*sentences, [3], [3, 1], [2], [1, 2, 1], [1, 1]]
    assert score_sentences(lm, asked).tolist() == [0.0] * 4 + [-math.inf] * 5
    assert np.isneginf(score_sentences(SentenceSet([[1]]), [[]])).all()


def test_distinct_pairs():
    (first, second), place = distinct_pairs(np.array([7, 0, 7, 2 ** 31 - 1]), np.array([1, 5, 1, 2 ** 31 - 1]))
    assert list(zip(first.tolist(), second.tolist())) == [(0, 5), (7, 1), (2 ** 31 - 1, 2 ** 31 - 1)]
    assert place.tolist() == [1, 0, 1, 2]
