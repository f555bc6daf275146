"""Ranges of different lengths, end to end."""

from typing import Tuple

import numpy as np


def ragged_ranges(starts: np.ndarray, counts: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Row numbers and values of the concatenated ranges ``starts[i] .. starts[i] + counts[i] - 1``.

    >>> [a.tolist() for a in ragged_ranges(np.array([5, 9]), np.array([2, 1]))]
    [[0, 0, 1], [5, 6, 9]]
    """
    rows = np.repeat(np.arange(len(counts)), counts)
    before = np.cumsum(counts) - counts
    return rows, np.arange(len(rows)) - before[rows] + starts[rows]
