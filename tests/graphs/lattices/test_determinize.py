"""Determinized lattices against enumeration of every path, and against OpenFst."""

import pytest

from graphs.lattices.determinize import DeterminizeOptions, determinize
from tests.graphs.lattices.material import best_of_sentences, path_list, random_of_both

ALL = DeterminizeOptions(1e4, 1.5, 0.3)


def is_deterministic(lattice):
    """No two arcs of one word out of a state; arcs without a word lead to the end alone."""
    pairs = list(zip(lattice.src.tolist(), lattice.word_id.tolist()))
    return len(set(pairs)) == len(pairs) and (lattice.dst[lattice.word_id == 0] == lattice.num_states - 1).all()


@pytest.mark.parametrize("seed", range(300))
def test_each_sentence_has_its_best_path_and_no_other(seed):
    lattice = random_of_both(seed)
    found = determinize(lattice, ALL)
    assert found.beam == ALL.beam and is_deterministic(found.lattice)
    found.lattice.check()
    expected = best_of_sentences(lattice, (1.5, 0.3, 0.0))
    paths = path_list(found.lattice, (1.5, 0.3, 0.0))
    assert sorted(path[0] for path in paths) == sorted(expected)
    for words, transition_ids, *scores in paths:
        assert transition_ids == expected[words][0]
        assert scores == pytest.approx(expected[words][1:], abs=1e-4)
