"""Several language models as one: p(w | h) = sum over models of weight * p_model(w | h).

The models may know different words. A word that only some of them know has probability 0 in the others, which keeps
the sum over all words at one; a word that none knows is taken as the unknown word of each.
"""

from typing import Dict, Sequence, Tuple

import numpy as np

from graphs.checks import shares_of
from graphs.grammar.language_model import LanguageModel
from graphs.lang.symbols import SymbolTable


class MixedLm:
    """See LanguageModel; a state stands for one state of each model.

    Attributes:
      missing: words of words.txt that no model knows.
    """

    start = 0

    def __init__(self, models: Sequence[LanguageModel], weights: Sequence[float], words: SymbolTable):
        """
        Args:
          models: those that have an attribute `missing` know all words but these.
          weights: from 0 up, of which only the ratios count; empty for equal ones.
        Raises: InputError for other weights.
        """
        self.models = list(models)
        with np.errstate(divide="ignore"):
            self._log_weights = np.log(shares_of("weights of language models", weights, len(self.models)))
        missing = [set(getattr(model, "missing", ())) for model in self.models]
        self.missing = [word for word in words if all(word in lacked for lacked in missing)]
        nobody = set(self.missing)
        lacks = np.array([[word in lacked and word not in nobody for word in words] for lacked in missing])
        self._added = np.where(lacks, -np.inf, 0.0) + self._log_weights[:, None]
        self.reset()

    def reset(self) -> None:
        for model in self.models:
            model.reset()
        start = tuple(int(model.start) for model in self.models)
        self._number: Dict[Tuple[int, ...], int] = {start: self.start}
        self._states = np.array([start], dtype=np.int64)  # [number, model]

    def advance(self, states: np.ndarray, word_ids: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        before = self._states[states]
        total, after = np.full(len(before), -np.inf), np.empty_like(before)
        for i, model in enumerate(self.models):
            scores, after[:, i] = model.advance(before[:, i], word_ids)
            total = np.logaddexp(total, scores + self._added[i, word_ids])
        return total, self._numbers(after)

    def final(self, states: np.ndarray) -> np.ndarray:
        before = self._states[states]
        total = np.full(len(before), -np.inf)
        for i, model in enumerate(self.models):
            total = np.logaddexp(total, model.final(before[:, i]) + self._log_weights[i])
        return total

    def _numbers(self, after: np.ndarray) -> np.ndarray:
        """``[N]`` int64 number of each row, new ones for new rows."""
        number_of = self._number
        rows = zip(*after.T.tolist())
        numbers = np.array([number_of.setdefault(row, len(number_of)) for row in rows], dtype=np.int64)
        if len(number_of) > len(self._states):
            room = np.empty((len(number_of), len(self.models)), dtype=np.int64)
            self._states = np.concatenate([self._states, room])  # twice as many
        self._states[numbers] = after
        return numbers
