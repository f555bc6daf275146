"""Numbers for keys, in numpy."""

import numpy as np


class Numbering:
    """Gives keys the numbers 0, 1, ... as they turn up, many at once.

    >>> numbers = Numbering()
    >>> numbers.of(np.array([7, 3, 7])).tolist(), numbers.of(np.array([9, 7])).tolist(), len(numbers)
    ([1, 0, 1], [2, 1], 3)
    """

    def __init__(self):
        self._keys = np.zeros(0, np.int64)  # sorted
        self._numbers = np.zeros(0, np.int64)

    def __len__(self) -> int:
        return len(self._keys)

    def of(self, keys: np.ndarray) -> np.ndarray:
        """``[n]`` int64 -> ``[n]`` int64; new keys of one call get ascending numbers in the order of the keys."""
        keys, inverse = np.unique(keys, return_inverse=True)
        at = np.searchsorted(self._keys, keys)
        new = np.ones(len(keys), bool)
        inside = at < len(self._keys)
        new[inside] = self._keys[at[inside]] != keys[inside]
        if new.any():
            self._numbers = np.insert(self._numbers, at[new], len(self) + np.arange(new.sum()))
            self._keys = np.insert(self._keys, at[new], keys[new])
            at = np.searchsorted(self._keys, keys)
        return self._numbers[at][inverse]
