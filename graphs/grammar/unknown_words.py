"""A language model whose unknown words cost more: its unknown word's probability is that of all of them together."""

from typing import Iterable, Tuple

import numpy as np

from graphs.grammar.language_model import LanguageModel
from graphs.lang.symbols import SymbolTable


class UnknownWords:
    """See LanguageModel; natural logarithms are added to the score of a word that the model lacks."""

    def __init__(self, model: LanguageModel, words: SymbolTable, lacking: Iterable[str], penalty: float,
                 per_character: float):
        """
        Args:
          words: of words.txt.
          lacking: those of them that the model takes as its unknown word.
          penalty, per_character: added once, and for each character.
        """
        self._model, self.start = model, model.start
        self._added = np.zeros(len(words))
        for word in lacking:
            self._added[words.id_of(word)] = penalty + per_character * len(word)

    def advance(self, states: np.ndarray, word_ids: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        scores, after = self._model.advance(states, word_ids)
        return scores + self._added[word_ids], after

    def final(self, states: np.ndarray) -> np.ndarray:
        return self._model.final(states)

    def reset(self) -> None:
        self._model.reset()
