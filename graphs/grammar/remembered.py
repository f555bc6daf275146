"""A language model that is asked everything once."""

from typing import Dict, Tuple

import numpy as np

from graphs.grammar.language_model import LanguageModel


class Remembered:
    """A LanguageModel that passes on what the model has not been asked since the last `reset`, each question once.

    The same word after the same state then leads to the same state, too, which a model of its own need not promise.
    """

    def __init__(self, lm: LanguageModel):
        self._lm, self.start = lm, lm.start
        self._known: Dict[int, Tuple[float, int]] = {}

    def reset(self) -> None:
        self._known.clear()
        self._lm.reset()

    def advance(self, states: np.ndarray, word_ids: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        pairs, inverse = np.unique(np.asarray(states, np.int64) << 32 | word_ids, return_inverse=True)
        questions = pairs.tolist()
        new = np.array([pair for pair in questions if pair not in self._known], np.int64)
        if len(new):
            scores, after = self._lm.advance(new >> 32, new & 0xFFFFFFFF)
            self._known.update(zip(new.tolist(), zip(scores.tolist(), after.tolist())))
        answers = [self._known[pair] for pair in questions]
        scores, after = np.array([score for score, _ in answers]), np.array([state for _, state in answers], np.int64)
        return scores[inverse], after[inverse]

    def final(self, states: np.ndarray) -> np.ndarray:
        return self._lm.final(states)
