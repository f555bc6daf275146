"""Arrays that rows are added to."""

import numpy as np


class GrowingArray:
    """Rows of numbers; `rows` is what there are so far, good until the next `add`."""

    def __init__(self, shape: tuple, dtype):
        """shape: of a row, () for a number."""
        self._data, self._size = np.empty((64, *shape), dtype), 0

    def __len__(self) -> int:
        return self._size

    @property
    def rows(self) -> np.ndarray:
        return self._data[:self._size]

    def add(self, rows: np.ndarray) -> None:
        end = self._size + len(rows)
        if end > len(self._data):
            larger = np.empty((max(end, 2 * len(self._data)), *self._data.shape[1:]), self._data.dtype)
            larger[:self._size] = self.rows
            self._data = larger
        self._data[self._size:end] = rows
        self._size = end
