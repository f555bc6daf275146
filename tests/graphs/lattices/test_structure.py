"""Paths, order, direction and size of lattices against enumeration."""


import pytest

from graphs.errors import InputError
from graphs.lattices.structure import connect, topological_sort
from tests.graphs.lattices.test_lattice import by_hand

SEEDS = range(60)


@pytest.mark.parametrize("change, message", [
    (dict(src=[0, 1, 2, 1], dst=[1, 2, 1, 3]), "no cycle, found one"),
    (dict(src=[0, 1, 1, 1], dst=[1, 1, 2, 3]), "no cycle, found one"),
    (dict(src=[0, 1, 1, 1], dst=[1, 0, 2, 3]), "no arc into the start or out of the end"),
    (dict(src=[0, 3, 1, 1], dst=[1, 2, 2, 3]), "no arc into the start or out of the end"),
    (dict(src=[0, 1, 3, 2], dst=[1, 2, 4, 1]), "no cycle, found one"),
    (dict(src=[0, 1, 1, 3], dst=[1, 2, 2, 4]), "a path from start to end"),
])
def test_what_cannot_be_sorted_is_refused(change, message):
    lattice = by_hand(**change, transition_id=[1] * 4, word_id=[1] * 4, acoustic=[0.0] * 4, graph=[0.0] * 4)
    with pytest.raises(InputError, match=message):
        topological_sort(lattice)


def test_states_that_nothing_leads_to_are_left_out_when_sorted():
    lattice = by_hand(src=[0, 3, 2, 1], dst=[2, 4, 4, 4], transition_id=[1, 2, 3, 4], word_id=[0] * 4,
                      acoustic=[0.0] * 4, graph=[0.0] * 4)
    found = topological_sort(lattice)
    assert (found.src.tolist(), found.dst.tolist(), found.transition_id.tolist()) == ([0, 1], [1, 2], [1, 3])


def test_what_has_no_path_is_not_connected():
    with pytest.raises(InputError, match="a path from start to end"):
        connect(by_hand(src=[0, 1, 3], dst=[1, 2, 4]))
