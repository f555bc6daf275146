"""The nearest path, against all paths."""

import numpy as np
import pytest

from graphs.errors import InputError
from graphs.lattices.lattice import Lattice
from graphs.lattices.oracle import oracle_path

SCALES = (0.7, 1.3, 0.5)


def two_words(scores):
    """Word 5 or word 6 in each of two places."""
    return Lattice("u", 2, [0, 0, 1, 1], [1, 1, 2, 2], [1, 2, 3, 4], [5, 6, 5, 6], np.zeros(4), scores)


def test_a_lattice_that_holds_what_was_said_has_no_error_however_bad_its_score():
    lattice = two_words([0.0, -1e4, -1e4, 0.0])
    found = oracle_path(lattice, [6, 5])
    assert (found.errors, found.path.word_ids, found.path.score) == (0, [6, 5], -2e4)
    assert oracle_path(lattice, [6, 7]).path.word_ids == [6, 6]
    assert oracle_path(lattice, [7, 8]).path.word_ids == [5, 6]
    assert oracle_path(lattice, []).errors == oracle_path(lattice, [1, 2]).errors == 2
    assert oracle_path(lattice, [1, 5, 2, 6, 3]).errors == 3
    found = oracle_path(two_words([0.0, 0.0, 3e4, -1e4]), [6, 6])
    assert (found.errors, found.path.word_ids) == (0, [6, 6])
    silent = Lattice("u", 1, [0, 0], [1, 1], [1, 2], [5, 0], [0.0, -1e20], [0.0, 0.0])
    assert oracle_path(silent, []).path.word_ids == []


def test_the_scales_decide_between_equals():
    lattice = Lattice("u", 1, [0, 0], [1, 1], [1, 2], [5, 6], [0.0, -3.0], [-2.0, 0.0])
    assert oracle_path(lattice, [7]).path.word_ids == [5]
    assert oracle_path(lattice, [7], graph_scale=2.0).path.word_ids == [6]
    assert oracle_path(lattice, [7], acoustic_scale=0.1).path.word_ids == [6]


@pytest.mark.parametrize("words", [[6, 0], [0, 6]])
def test_of_equal_paths_that_of_the_first_arc_is_taken(words):
    lattice = Lattice("u", 1, [0, 0], [1, 1], [1, 2], words, np.zeros(2), np.zeros(2))
    assert oracle_path(lattice, [5]).arcs.tolist() == [0]


def test_what_has_no_nearest_path_is_named():
    with pytest.raises(InputError, match="reference of u: expected word_ids above 0, found 0"):
        oracle_path(two_words(np.zeros(4)), [5, 0])
    for infinite in ([0.0, -np.inf, 0.0, 0.0], [0.0, 0.0, 0.0, -np.inf], [0.0, 0.0, np.inf, 0.0]):
        with pytest.raises(InputError, match="lattice u: expected paths from start to end with finite scores"):
            oracle_path(two_words(infinite), [5])


@pytest.mark.parametrize("said, message", [
    ([1.5], "whole numbers"), (["a"], "whole numbers"), ([float("nan")], "whole numbers"), ([[1]], "one dimension"),
    (None, "one dimension"), ([-1], "numbers from 0"), ([0], "word_ids above 0")])
def test_what_was_said_is_word_ids(said, message):
    with pytest.raises(InputError, match=f"reference of u: expected .*{message}"):
        oracle_path(Lattice("u", 1, [0], [1], [1], [1], [0.0], [0.0]), said)
