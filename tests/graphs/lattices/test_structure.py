"""Paths, order, direction and size of lattices against enumeration."""

import math

import numpy as np
import pytest

from graphs.errors import InputError
from graphs.lattices.structure import connect, depths, reverse, statistics, topological_sort
from tests.graphs.lattices.material import path_list, random_of_both, same_paths
from tests.graphs.lattices.test_lattice import by_hand

SEEDS = range(60)


def with_dead_ends(lattice):
    """On every third state, and two arcs more: from a state that nothing leads to, and to one without end."""
    arcs = np.append(np.arange(lattice.num_arcs), [0, 0])
    src, dst = 3 * lattice.src[arcs], 3 * lattice.dst[arcs]
    src[-2:], dst[-2:] = (1, 0), (3 * lattice.num_states - 3, 2)
    return lattice.with_arcs(arcs, src, dst)


def test_what_is_connected_has_the_same_paths_and_no_other_states():
    for seed in SEEDS:
        lattice = random_of_both(seed)
        lattice.partial = seed % 4 == 0
        found = connect(with_dead_ends(lattice))
        found.check()
        assert (found.num_arcs, found.num_states) == (lattice.num_arcs, lattice.num_states)
        same_paths(path_list(found), path_list(lattice))
        assert found.partial == lattice.partial
    with pytest.raises(InputError, match="a path from start to end"):
        connect(by_hand(src=[0, 1, 3], dst=[1, 2, 4]))


def test_states_in_any_order_are_sorted():
    for seed in SEEDS:
        lattice = random_of_both(seed)
        rng = np.random.default_rng(seed)
        number = np.concatenate([[0], 1 + rng.permutation(lattice.num_states - 2), [lattice.num_states - 1]])
        arcs = rng.permutation(lattice.num_arcs)
        found = topological_sort(lattice.with_arcs(arcs, number[lattice.src[arcs]], number[lattice.dst[arcs]]))
        found.check()
        assert found.num_states == lattice.num_states
        same_paths(path_list(found), path_list(lattice))


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


def test_backwards_every_path_is_turned():
    for seed in SEEDS:
        lattice = random_of_both(seed)
        found = reverse(lattice)
        found.check()
        turned = [(words[::-1], ids[::-1], *scores) for words, ids, *scores in path_list(lattice)]
        same_paths(path_list(found), turned)
        same_paths(path_list(reverse(found)), path_list(lattice))


def test_statistics_are_those_of_all_paths():
    for seed in SEEDS:
        lattice = random_of_both(seed)
        found, paths = statistics(lattice), path_list(lattice)
        assert found.log10_paths == pytest.approx(math.log10(len(paths)))
        assert (found.states, found.arcs) == (lattice.num_states, lattice.num_arcs)
        assert found.words == len({word for words, *_ in paths for word in words})
        assert found.word_arcs == np.count_nonzero(lattice.word_id)
        frames = lattice.state_frames()
        for frame, depth in enumerate(depths(lattice)):
            assert depth == sum(begin <= frame < end for begin, end in zip(frames[lattice.src], frames[lattice.dst]))
        assert found.depth == pytest.approx(depths(lattice).sum() / max(1, lattice.num_frames))
