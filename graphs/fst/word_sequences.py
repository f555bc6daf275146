"""Output labels that stand for several words."""

from typing import List, Sequence, Tuple

import numpy as np


class WordSequences:
    """Output labels that stand for several words.

    Epsilon removal can leave several words on one arc, where an output label has room for one. Labels
    below `num_words` are word_ids; label ``num_words + i`` stands for the i-th sequence.
    """

    def __init__(self, num_words: int, sequences: Sequence[Tuple[int, ...]] = ()):
        self.num_words = num_words
        self.sequences: List[Tuple[int, ...]] = []
        self._label_of = {}
        for sequence in sequences:
            self.label(sequence)

    def label(self, words: Sequence[int]) -> int:
        """The output label of a word sequence, a new one if need be."""
        words = tuple(words)
        if len(words) < 2:
            return words[0] if words else 0
        if words not in self._label_of:
            self._label_of[words] = self.num_words + len(self.sequences)
            self.sequences.append(words)
        return self._label_of[words]

    def words(self, label: int) -> Tuple[int, ...]:
        """The word_ids of an output label; none for epsilon."""
        if label >= self.num_words:
            return self.sequences[label - self.num_words]
        return (label,) if label > 0 else ()

    def join(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Output labels of the first ones' words followed by the second ones', elementwise."""
        first, second = np.asarray(first, np.int64), np.asarray(second, np.int64)
        joined = np.where(first == 0, second, first)
        for i in np.flatnonzero((first > 0) & (second > 0)):
            joined[i] = self.label(self.words(int(first[i])) + self.words(int(second[i])))
        return joined

    def labels(self, splits: np.ndarray, values: np.ndarray) -> np.ndarray:
        """One output label for each row ``values[splits[i]:splits[i + 1]]``; epsilons and -1 are dropped."""
        splits = splits.astype(np.int64)
        rows = np.repeat(np.arange(len(splits) - 1), np.diff(splits))
        kept = values > 0
        rows, values = rows[kept], values[kept]
        counts = np.bincount(rows, minlength=len(splits) - 1)
        starts = np.cumsum(counts) - counts
        labels = np.zeros(len(counts), np.int32)
        single = counts == 1
        labels[single] = values[starts[single]]
        for row in np.flatnonzero(counts > 1):
            labels[row] = self.label(values[starts[row]:starts[row] + counts[row]].tolist())
        return labels
