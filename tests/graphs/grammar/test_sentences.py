import math

import numpy as np
import pytest

from graphs.errors import InputError
from graphs.grammar.remembered import Remembered
from graphs.grammar.sentences import SentenceSet, WordHistories, score_sentences
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
    empty = SentenceSet([[]])
    scores, after = empty.advance(np.zeros(1, int), np.ones(1, int))
    assert scores == -math.inf and after >= 0 and empty.advance(after, np.ones(1, int))[0] == -math.inf


def test_the_last_words_alone():
    lm, rng = WordHistories(2), np.random.default_rng(3)
    beginning = np.array([lm.start]), np.array([9])
    begun = lm.advance(*beginning)[1]
    states, said = np.full(40, lm.start), [[0, 0] for _ in range(40)]
    for _ in range(5):
        word_ids = rng.integers(1, 4, 40)
        scores, states = lm.advance(states, word_ids)
        said = [[*words[-1:], int(word)] for words, word in zip(said, word_ids)]
        assert not scores.any() and not lm.final(states).any()
    names = [tuple(words) for words in said]
    assert len(set(zip(names, states.tolist()))) == len(set(names)) == len(set(states.tolist())) < 40
    assert lm.advance(*beginning)[1] == begun, "a sentence begins as others do"
    lm.reset()
    nothing = WordHistories(0)
    assert lm.advance(np.zeros(1, int), np.ones(1, int))[1] == [1]
    assert nothing.advance(np.zeros(3, int), np.arange(3) + 1)[1].tolist() == [0, 0, 0]


def test_each_question_is_asked_once():
    lm = HashLm()
    remembered, states = Remembered(lm), np.zeros(6, np.int64)
    word_ids = np.array([1, 2, 1, 2, 1, 3])
    scores, after = remembered.advance(states, word_ids)
    assert lm.advances == [3] and after.tolist() == [1, 2, 1, 2, 1, 3]
    assert scores == pytest.approx([lm.score((word,)) for word in word_ids])
    scores, again = remembered.advance(np.array([0, 1, 2]), np.array([3, 1, 1]))
    assert lm.advances == [3, 2] and again.tolist() == [3, 4, 5]
    assert scores == pytest.approx([lm.score((3,)), lm.score((1, 1)), lm.score((2, 1))])
    assert remembered.advance(np.zeros(0, int), np.zeros(0, int))[1].dtype == np.int64
    remembered.reset()
    assert remembered.advance(np.zeros(1, int), np.array([3]))[1].tolist() == [1] and len(lm.words) == 2
    assert remembered.final(np.array([1]))[0] == pytest.approx(lm.score((3, -1)))


@pytest.mark.parametrize("sentence, message", [
    ([-1], "numbers from 0"), ([1.5], "whole numbers"), (["a"], "whole numbers"), ([[1]], "one dimension")])
def test_sentences_are_word_ids(sentence, message):
    with pytest.raises(InputError, match=f"word_ids of a sentence: expected .*{message}"):
        score_sentences(SentenceSet([[1]]), [[1], sentence])
