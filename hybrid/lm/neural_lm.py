"""A neural LM as a LanguageModel: states are integers into a cache of what the network computed.

A state is a beginning of a sentence, in units; equal beginnings are one state, wherever they come from. What the
network says after a state is computed when a word after it is first asked for, together with all others that are asked
for at once: states that nobody goes on from cost nothing.
"""

from pathlib import Path
from typing import Dict, List, Optional, Tuple

import numpy as np

from graphs.errors import InputError
from graphs.lang.lexicon import RESERVED_WORDS
from graphs.lang.symbols import SymbolTable
from hybrid.lm.network import LmNetwork
from hybrid.lm.neural_folder import load_neural_lm
from hybrid.lm.outputs import block_rows
from hybrid.lm.spelling import SpellingTree
from hybrid.lm.state_cache import StateCache
from hybrid.lm.vocabulary import END_UNIT, Vocabulary


class NeuralLm:
    """See LanguageModel. Scores do not depend on what is asked for together, but for the last bits of floats.

    Attributes:
      missing: words of words.txt that the model lacks: scored as its unknown word.
    """

    start = 0

    def __init__(self, network: LmNetwork, vocabulary: Vocabulary, words: Optional[SymbolTable] = None):
        """
        Args:
          network: it is put into eval mode, and works where its weights are.
          words: of words.txt; its ids are those that `advance` takes. None: those of the vocabulary.
        """
        self.network, self.vocabulary = network.eval(), vocabulary
        self._tree = SpellingTree(vocabulary.spelling) if vocabulary.kind != "word" else None
        words = vocabulary.words if words is None else words
        own = np.array(vocabulary.word_ids(words.symbols))
        event = np.array([word not in RESERVED_WORDS for word in words.symbols])
        self.missing = [word for word in words if word not in vocabulary.words and word not in RESERVED_WORDS]
        self._log_share = np.where(event, vocabulary.log_share[own], -np.inf)
        self._spellings = np.full((len(words), max(map(len, vocabulary.spelling))), -1, dtype=np.int64)
        for word_id in np.flatnonzero(event):
            spelling = vocabulary.spelling[own[word_id]]
            self._spellings[word_id, :len(spelling)] = spelling
        self.reset()

    @classmethod
    def read(cls, folder: Path, words: Optional[SymbolTable] = None, device: str = "cpu") -> "NeuralLm":
        """Raises InputError when the folder holds no whole model. words: see above."""
        network, vocabulary, _ = load_neural_lm(folder, device=device)
        return cls(network, vocabulary, words)

    def lines(self) -> List[str]:
        """For the log."""
        if not self.missing:
            return []
        return [f"{len(self.missing)} words of words.txt are not in the LM and are scored as "
                f"{self.vocabulary.oov_word}: {', '.join(self.missing[:8])}{', ...' * (len(self.missing) > 8)}"]

    def reset(self) -> None:
        self._cache = StateCache(self.network, self._tree)
        self._after: Dict[int, int] = {}  # state * num_units + unit -> the state after the unit

    def advance(self, states: np.ndarray, word_ids: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        states, word_ids = np.array(states, dtype=np.int64), np.asarray(word_ids, dtype=np.int64)
        if len(word_ids) and not (0 <= word_ids.min() and word_ids.max() < len(self._spellings)):
            raise InputError("word_ids", f"0 to {len(self._spellings) - 1}", f"{word_ids.min()} to {word_ids.max()}")
        scores = self._log_share[word_ids]
        for place in range(self._spellings.shape[1]):
            rows = np.flatnonzero(self._spellings[word_ids, place] >= 0)
            units = self._spellings[word_ids[rows], place]
            scores[rows] += self._unit_scores(states[rows], units)
            states[rows] = self._states_after(states[rows], units)
        return scores, states

    def final(self, states: np.ndarray) -> np.ndarray:
        states = np.asarray(states, dtype=np.int64)
        return self._unit_scores(states, np.full(len(states), END_UNIT))

    def _unit_scores(self, states: np.ndarray, units: np.ndarray) -> np.ndarray:
        """``[N]`` float64 log probability of a unit after each state."""
        self._cache.compute(np.unique(states))
        scores = np.zeros(len(states))
        step = block_rows(self._cache.device, self.network.hidden_dim)
        for begin in range(0, len(states), step):
            part = slice(begin, begin + step)
            scores[part] = self._cache.scores(states[part], units[part]).cpu().numpy()
        return scores

    def _states_after(self, states: np.ndarray, units: np.ndarray) -> np.ndarray:
        keys, first, place = np.unique(states * self.vocabulary.num_units + units, return_index=True,
                                       return_inverse=True)
        after = np.array([self._after.get(key, -1) for key in keys.tolist()], dtype=np.int64)
        new = np.flatnonzero(after < 0)
        after[new] = self._cache.add(states[first[new]], units[first[new]])
        self._after.update(zip(keys[new].tolist(), after[new].tolist()))
        return after[place]
