"""Rows of sorted columns, ragged sums and hashes, by hand."""

import numpy as np

from graphs.lattices.rows import is_new, mix, rounded, string_hashes, sums


def test_a_row_is_new_where_any_column_is():
    columns = np.array([3, 3, 3, 5, 5]), np.array([1, 2, 2, 2, 2]), np.array([0, 0, 0, 0, 7])
    assert is_new(*columns).tolist() == [True, True, False, True, True]
    assert is_new(columns[0]).tolist() == [True, False, False, True, False]
    assert is_new(np.zeros(0), np.zeros(0)).tolist() == []


def test_sums_of_ragged_rows():
    assert sums(np.array([1, 2, 4]), np.array([0, 2, 3, 3])).tolist() == [0, 3, 4, 0]
    assert sums(np.zeros(0, np.int64), np.zeros(2, np.int64)).tolist() == [0, 0]


def test_bits_are_mixed_as_published():
    """The first outputs of splitmix64 from seed 0 (Vigna's splitmix64.c)."""
    steps = np.uint64(0x9E3779B97F4A7C15) * np.arange(1, 4, dtype=np.uint64)
    assert [f"{value:016x}" for value in mix(steps).tolist()] == [
        "e220a8397b1dcdaf", "6e789e6aa1b965f4", "06c45d188009454f"]


def test_equal_strings_alone_have_equal_hashes():
    strings = [[1, 2], [2, 1], [1], [1, 1], [], [1, 2, 3], [2], [1, 2], [3, 2, 1]]
    letters = np.array([letter for string in strings for letter in string], np.int32)
    hashes = string_hashes(letters, np.cumsum([len(string) for string in strings])).tolist()
    assert len(set(hashes)) == len(strings) - 1 and hashes[0] == hashes[7]


def test_scores_within_a_quantum_are_equal():
    assert rounded(np.array([0.0, 0.1, 0.4, 0.6, -0.6, -0.5]), 0.25).astype(np.int64).tolist() == [0, 0, 2, 2, -2, -2]
