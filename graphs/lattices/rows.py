"""Rows of sorted columns, and sums of ragged rows."""

import numpy as np


def is_new(*columns: np.ndarray) -> np.ndarray:
    """Where a row of sorted columns differs from the one before; the first does.

    >>> is_new(np.array([3, 3, 5]), np.array([1, 2, 2])).tolist()
    [True, True, True]
    """
    new = np.ones(len(columns[0]), bool)
    new[1:] = np.any([column[1:] != column[:-1] for column in columns], axis=0)
    return new


def sums(values: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Of ragged rows laid end to end, which end there.

    >>> sums(np.array([1, 2, 4]), np.array([0, 2, 3])).tolist()
    [0, 3, 4]
    """
    total = np.append(np.zeros(1, values.dtype), np.cumsum(values))
    return np.diff(total[ends], prepend=total[:1])


def mix(values: np.ndarray) -> np.ndarray:
    """uint64 spread at random, each bit over all (the finalizer of splitmix64)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def string_hashes(letters: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """uint64 of strings of numbers above 0, laid end to end, equal for equal ones."""
    lengths = np.diff(ends, prepend=0)
    places = np.arange(len(letters)) - np.repeat(ends - lengths, lengths)
    return sums(mix(letters.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + places.astype(np.uint64)), ends)


def rounded(residuals: np.ndarray, quantum: float) -> np.ndarray:
    """uint64, equal for scores that round to the same multiple."""
    return np.rint(residuals / quantum).astype(np.int64).astype(np.uint64)
