"""What rescoring and search ask of a language model, of n-grams or neural: words scored one by one after a state."""

from typing import Protocol, Tuple

import numpy as np


class LanguageModel(Protocol):
    """A language model as a deterministic automaton over word_ids.

    A state stands for all that the model knows of the words so far, as an integer that means something to this model
    alone; words after the same state have the same scores. States stay valid until `reset`.

    Attributes:
      start: the state at the beginning of a sentence.
    """

    start: int

    def advance(self, states: np.ndarray, word_ids: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        """Scores words after states, all of them at once.

        Args:
          states: ``[N]`` int64.
          word_ids: ``[N]`` of words.txt; never 0 and no sentence boundary.
        Returns:
          ``[N]`` float64 natural log probability of each word, -inf for 0, and ``[N]`` int64 the state after it.
        """

    def final(self, states: np.ndarray) -> np.ndarray:
        """``[N]`` float64 natural log probability that the sentence ends after each state."""

    def reset(self) -> None:
        """Forgets all states but `start`; called between utterances, so that memory stays bounded."""
