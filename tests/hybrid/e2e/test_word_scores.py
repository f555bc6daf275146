"""Scores of words and of ranges of words, against the language model asked word by word."""

import numpy as np
import pytest

from hybrid.e2e.word_scores import WordScores
from tests.hybrid.e2e.material import UNKNOWN_WORD, WORDS, ngram_lm

PENALTY = -0.7
EVERY = np.arange(len(WORDS) + 1)  # places; the last is the unknown word's


def scores_of(folder, look_ahead="history", unknown=True):
    """The scores, the language model, and ``[states, V + 1]`` what it says after the start and after each word."""
    lm, table = ngram_lm(folder, seed=5)
    ids = np.array([table.id_of(word) for word in (*WORDS, UNKNOWN_WORD)])
    found = WordScores(lm, ids[:-1], ids[-1] if unknown else None, PENALTY, look_ahead)
    states = np.append(lm.start, lm.advance(np.full(len(ids), lm.start), ids)[1])
    said = np.array([lm.advance(np.full(len(ids), state), ids)[0] for state in states])
    said[:, -1] += PENALTY if unknown else -np.inf
    return found, lm, states, said


@pytest.mark.parametrize("unknown", (True, False))
def test_words_and_the_states_after_them(tmp_path, unknown):
    scores, lm, states, said = scores_of(tmp_path, unknown=unknown)
    for state, expected in zip(states, said):
        found, after = scores.word(np.full(len(EVERY), state), EVERY)
        assert found == pytest.approx(expected)
        assert after[:-1].tolist() == lm.advance(np.full(len(WORDS), state), scores._word_ids[:-1])[1].tolist()


@pytest.mark.parametrize("look_ahead", ("history", "start"))
def test_ranges_are_sums_of_probabilities(tmp_path, look_ahead):
    scores, _, states, said = scores_of(tmp_path, look_ahead)
    ranges = [(first, end) for first in EVERY for end in range(first + 1, len(EVERY))]
    for row, state in enumerate(states):
        probabilities = np.exp(said[row if look_ahead == "history" else 0])
        expected = [np.log(probabilities[first:end].sum()) for first, end in ranges]
        assert scores.ahead(np.full(len(ranges), state), *np.array(ranges).T) == pytest.approx(expected)
    assert scores.unknown_ahead(states) == pytest.approx(said[:, -1] if look_ahead == "history" else said[0, -1])
    assert scores.ahead(states[:0], states[:0], states[:0]).shape == scores.unknown_ahead(states[:0]).shape == (0,)


def test_unknown_words_without_look_ahead_or_none_at_all(tmp_path):
    scores, _, states, _ = scores_of(tmp_path, "none")
    assert scores.unknown_ahead(states).tolist() == [0.0] * len(states) and not scores.looks_ahead
    scores, _, states, _ = scores_of(tmp_path, unknown=False)
    assert scores.unknown_ahead(states).tolist() == [-np.inf] * len(states)


def test_the_language_model_is_asked_once_about_a_state_as_long_as_there_is_room(tmp_path, monkeypatch):
    scores, lm, states, said = scores_of(tmp_path)
    monkeypatch.setattr("hybrid.e2e.word_scores._MOST_NUMBERS", 3 * len(EVERY))
    asked, advance = [], lm.advance
    monkeypatch.setattr(lm, "advance", lambda states, words: asked.append(len(words)) or advance(states, words))
    for chosen, rows in (([0], 1), ([1, 0, 1], 1), ([2, 1, 0], 1), ([0, 1, 2], 0), ([3], 1), ([0], 1), ([3, 0], 0)):
        asked.clear()
        assert scores.unknown_ahead(states[chosen]) == pytest.approx(said[chosen, -1])
        assert sum(asked) == rows * len(EVERY), chosen
