"""Lattices of words against enumeration of every path, and against lattices of frames."""


import numpy as np
import pytest

from graphs.errors import InputError
from graphs.lattices.compact_lattice import CompactLattice, compact
from graphs.lattices.lattice import Lattice
from graphs.lattices.lattice_io import lattice_part, read_lattices, write_lattices
from tests.graphs.lattices.material import random_compact_lattice
from tests.graphs.lattices.test_lattice import random_lattice


def by_hand(num_frames=3, **change):
    values = {**dict(src=[0, 1, 2], dst=[1, 2, 3], word_id=[5, 0, 6], acoustic=[-1.0, -2.0, -4.0],
                     graph=[-0.5, 0.0, -0.25], transition_ids=[1, 2, 3], ends=[2, 2, 3]), **change}
    return CompactLattice("u", num_frames, **{name: np.array(value) for name, value in values.items()})


def test_a_chain_by_hand():
    path = by_hand().best_path(2.0, 0.5, 1.0)
    assert (path.word_ids, path.transition_ids.tolist(), path.word_frames) == ([5, 6], [1, 2, 3], [0, 2])
    assert (path.acoustic, path.graph, path.score) == (-7.0, -0.75, -1.5 - 3.5 - 2.0)
    assert by_hand().state_frames().tolist() == [0, 2, 2, 3]
    expanded = by_hand().expand()
    assert (expanded.src.tolist(), expanded.dst.tolist()) == ([0, 1, 2, 3], [1, 2, 3, 4])
    assert (expanded.transition_id.tolist(), expanded.word_id.tolist()) == ([1, 2, 0, 3], [5, 0, 0, 6])
    assert expanded.acoustic.tolist() == [-1.0, 0.0, -2.0, -4.0]
    small = compact(expanded)
    assert (small.src.tolist(), small.word_id.tolist(), small.ends.tolist()) == ([0, 1], [5, 6], [2, 3])
    assert (small.acoustic.tolist(), small.graph.tolist()) == ([-3.0, -4.0], [-0.5, -0.25])
    assert by_hand().to_text() == ("u\n0 1 1_2 5 -1.0000 -0.5000\n1 2 - 0 -2.0000 0.0000\n"
                                   "2 3 3 6 -4.0000 -0.2500\n\n")


def test_arcs_may_be_taken_more_than_once_and_in_any_order():
    found = by_hand(4).with_arcs(np.array([2, 0, 2]), np.arange(3), np.arange(1, 4), word_id=np.array([7, 8, 9]))
    assert (found.transition_ids.tolist(), found.ends.tolist()) == ([3, 1, 2, 3], [1, 3, 4])
    assert (found.word_id.tolist(), found.graph.tolist(), found.num_frames) == ([7, 8, 9], [-0.25, -0.5, -0.25], 4)
    entries = by_hand().frame_entries()
    assert (entries.rows.tolist(), entries.places.tolist()) == ([0, 0, 2], [0, 1, 0])


def test_transition_ids_have_31_bits():
    assert by_hand(transition_ids=[1, 2, 2 ** 31 - 1]).transition_ids.tolist() == [1, 2, 2 ** 31 - 1]
    with pytest.raises(InputError, match="lattice u, transition_ids: expected numbers from 0 to below 2147483648"):
        by_hand(transition_ids=[1, 2, 2 ** 31])


@pytest.mark.parametrize("change, message", [
    (dict(ends=[2, 1, 3]), "lattice u, ends: expected ends in order, the last at 3"),
    (dict(ends=[2, 2, 2]), "lattice u, ends: expected ends in order, the last at 3"),
    (dict(ends=[2, 3]), "arcs of lattice u: expected arrays of one length"),
    (dict(transition_ids=[1, 0, 3]), "lattice u, transition_ids: expected numbers from 1"),
    (dict(src=[0, 1]), "arcs of lattice u: expected arrays of one length"),
])
def test_arrays_that_are_no_lattice_are_refused(change, message):
    with pytest.raises(InputError, match=message):
        by_hand(**change)


def test_check_names_what_is_wrong():
    with pytest.raises(InputError, match="paths of 4 frames, found 3"):
        by_hand(4).check()
    with pytest.raises(InputError, match="all paths into a state of one length"):
        by_hand(src=[0, 0, 1], dst=[1, 2, 2], ends=[1, 2, 3]).check()


def test_files_hold_both_classes_in_parts_of_their_own(tmp_path):
    words, frames = [random_compact_lattice(s, name=f"c{s}") for s in range(3)], [random_lattice(1, name="l1")]
    words[1].partial = True
    write_lattices(tmp_path, 0, words)
    write_lattices(tmp_path, 3, words[:1])
    with pytest.raises(InputError, match=f"{words[0].utterance_id}: expected each id once, found it again"):
        list(read_lattices(tmp_path))
    lattice_part(tmp_path, 3).unlink()
    write_lattices(tmp_path, 1, frames)
    again = list(read_lattices(tmp_path))
    assert [(item.utterance_id, item.partial) for item in again] == [
        ("c0", False), ("c1", True), ("c2", False), ("l1", False)]
    for one, other in zip(again, words):
        assert all(np.array_equal(getattr(one, name), getattr(other, name)) for name in (
            "src", "dst", "word_id", "acoustic", "graph", "transition_ids", "ends"))
    assert [item.best_path().word_ids for item in read_lattices(tmp_path, "c2")] == [words[2].best_path().word_ids]
    with pytest.raises(InputError, match="lattices.00002.npz: expected lattices of one class"):
        write_lattices(tmp_path, 2, words + frames)


def test_only_words_keep_states_with_one_way_in_and_one_way_out():
    found = compact(random_lattice(3, width=1))
    inner = (np.bincount(found.dst) == 1)[:-1] & (np.bincount(found.src) == 1)
    assert (found.word_id[np.isin(found.src, np.flatnonzero(inner)) & (found.src > 0)] > 0).all()


@pytest.mark.parametrize("ends, message", [
    ([1.5, 2, 3], "lattice u, ends: expected whole numbers"), ([2, 1, 3], "lattice u, ends: expected ends in order"),
    ([2, np.nan, 3], "lattice u, ends: expected whole numbers"), (["a", "b", "c"], "lattice u, ends: expected whole")])
def test_ends_that_are_none_are_refused(ends, message):
    with pytest.raises(InputError, match=message):
        by_hand(ends=ends)


@pytest.mark.parametrize("dst", [[1, 2, 0], [1, 2, 1]])
def test_a_cycle_does_not_become_compact(dst):
    cycle = Lattice("u", 3, [0, 1, 2], dst, [1, 2, 3], [0, 0, 0], np.zeros(3), np.zeros(3))
    with pytest.raises(InputError, match=f"lattice u: expected no cycle, .* an arc from state 2 to {dst[-1]}"):
        compact(cycle)
