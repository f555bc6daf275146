"""Word ids that several systems' lattices, and references, have in common."""

from typing import Callable, List, Sequence

import numpy as np

from graphs.errors import InputError
from graphs.lang.symbols import SymbolTable
from graphs.lattices.base import BaseLattice


class JointWords:
    """Ids of words as they are scored: words that the filter makes one are one, those that it drops are none.

    Attributes:
      table: SymbolTable of the joint words.
    """

    def __init__(self, tables: Sequence[SymbolTable], text_filter: Callable[[Sequence[str]], List[str]] = list):
        """
        Args:
          tables: words.txt of each system.
          text_filter: hybrid.recognize.text_filter.TextFilter without rules that take several words.
        """
        self.table = SymbolTable()
        self._maps = [np.array([0] + [self._joint(text_filter([word])) for word in table.symbols[1:]], np.int32)
                      for table in tables]

    def _joint(self, words: Sequence[str]) -> int:
        return self.table.add(" ".join(words)) if words else 0

    def of_lattice(self, lattice: BaseLattice, system: int = 0) -> BaseLattice:
        """The lattice with joint word_ids. Raises: InputError for word_ids that the system's table lacks."""
        return lattice.with_arcs(np.arange(lattice.num_arcs), lattice.src, lattice.dst,
                                 word_id=self.of_ids(lattice.word_id, system, f"lattice {lattice.utterance_id}"))

    def of_ids(self, word_ids: Sequence[int], system: int = 0, item: str = "lattice") -> np.ndarray:
        """``[N]`` joint word_ids of a system's."""
        known, ids = self._maps[system], np.asarray(word_ids, np.int64)
        if ids.max(initial=0) >= len(known):
            raise InputError(item, f"word_ids below {len(known)}, as in its words.txt", str(ids.max()))
        return known[ids]

    def of_words(self, words: Sequence[str]) -> List[int]:
        """Joint word_ids; words that no table has get ids of their own, above those of the table."""
        unknown = {word: len(self.table) + n for n, word in enumerate(dict.fromkeys(words)) if word not in self.table}
        return [unknown[word] if word in unknown else self.table.id_of(word) for word in words]

    def words(self, word_ids: Sequence[int]) -> List[str]:
        """The scored words of joint word_ids."""
        return [word for word_id in word_ids for word in self.table.symbol_of(word_id).split(" ")]
