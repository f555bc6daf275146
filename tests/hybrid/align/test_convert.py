"""Converted alignments keep phones and times; there and back again gives the same path."""

import numpy as np
import pytest

from graphs.errors import InputError
from graphs.hmm.context_tree import PDF_CLASS, ContextTree, Leaf, Split, Table
from graphs.hmm.topology import HmmState, Topology, chain_entry, left_to_right, silence_entry
from graphs.hmm.transitions import TransitionModel
from hybrid.align.alignment import Alignment, Segment, phone_segments
from hybrid.align.convert import Converter, ConvertOptions, fit_boundaries, shortest_way
from hybrid.tree.stats import pdf_class_of
from tools.artefacts.hmm import _broken_step

SIL, A, B = 1, 2, 3
TOPOLOGY = Topology({SIL: silence_entry(), A: left_to_right(3), B: left_to_right(3)})
MONO = ContextTree.monophone(TOPOLOGY)
# A has a pdf of its own for its last state before B, B for its first one after SIL or at the beginning
TRI = ContextTree(3, 1, Table(1, (
    None, Table(PDF_CLASS, tuple(map(Leaf, range(5)))),
    Table(PDF_CLASS, (Leaf(5), Leaf(6), Split(2, frozenset({B}), Leaf(7), Leaf(8)))),
    Table(PDF_CLASS, (Split(0, frozenset({0, SIL}), Leaf(9), Leaf(10)), Leaf(11), Leaf(12))))))


def model(tree, topology=TOPOLOGY):
    return TransitionModel.from_tree(tree, topology)


def path(transitions, phones, seed=0):
    """A random whole path through the HMMs of the phones, in any of the phones' transition states."""
    rng = np.random.default_rng(seed)
    ids = []
    for phone_id in phones:
        state, final = 0, len(transitions.topology.entry(phone_id))
        while state < final:
            own = (transitions.phone_id == phone_id) & (transitions.hmm_state == state)
            forward = int(rng.choice(np.flatnonzero(own & ~transitions.is_self_loop)))
            loops = np.flatnonzero(own & transitions.is_self_loop & (
                transitions.transition_state == transitions.transition_state[forward]))
            ids += [forward] + loops.tolist() * int(rng.integers(0, 4))
            state = int(transitions.next_state[forward])
    return Alignment("u", np.array(ids, np.int32), -2.5, (Segment(9, 0, len(ids)),), 0.01)


PHONES = [B, SIL, A, B, A, SIL, B, B]


@pytest.mark.parametrize("seed", range(5))
def test_there_and_back_again_is_the_same_path(seed):
    mono, tri = model(MONO), model(TRI)
    alignment = path(mono, PHONES, seed)
    there = Converter(mono, TRI, tri).convert(alignment)
    assert there.outcome == "done" and _broken_step(there.alignment.transition_ids, tri) == ""
    assert phone_segments(there.alignment, tri) == phone_segments(alignment, mono)
    assert pdf_class_of(tri)[there.alignment.transition_ids].tolist() == \
        pdf_class_of(mono)[alignment.transition_ids].tolist()
    assert (there.alignment.words, there.alignment.frame_shift, there.alignment.log_likelihood_per_frame) == (
        alignment.words, 0.01, -2.5)
    back = Converter(tri, MONO, mono).convert(there.alignment)
    assert back.alignment.transition_ids.tolist() == alignment.transition_ids.tolist()


def test_pdf_ids_are_those_of_the_windows():
    mono, tri = model(MONO), model(TRI)
    alignment = path(mono, [B, A, B, SIL, B])
    found = Converter(mono, TRI, tri).convert(alignment).alignment.pdf_ids(tri)
    classes = pdf_class_of(mono)[alignment.transition_ids]
    windows = [(0, B, A), (B, A, B), (A, B, SIL), (B, SIL, B), (SIL, B, 0)]
    expected = [TRI.pdf_id(window, int(c)) for window, segment in zip(windows, phone_segments(alignment, mono))
                for c in classes[segment.start_frame:segment.start_frame + segment.num_frames]]
    assert found.tolist() == expected and {7, 9, 10} <= set(expected)


@pytest.mark.parametrize("seed", range(5))
def test_another_topology_keeps_the_phones_and_their_frames(seed):
    mono, chain = model(MONO), Topology({phone_id: chain_entry() for phone_id in (SIL, A, B)})
    tree = ContextTree.monophone(chain)
    alignment = path(mono, PHONES, seed)
    found = Converter(mono, tree, model(tree, chain)).convert(alignment).alignment
    assert phone_segments(found, model(tree, chain)) == phone_segments(alignment, mono)
    assert _broken_step(found.transition_ids, model(tree, chain)) == ""
    assert found.words == alignment.words and found.frame_shift == 0.01


def test_frames_are_spread_over_the_states():
    one, three = (Topology({A: left_to_right(n)}) for n in (1, 3))
    trees = [ContextTree.monophone(topology) for topology in (one, three)]
    source, target = (model(tree, topology) for tree, topology in zip(trees, (one, three)))
    for frames, states in ((3, [0, 1, 2]), (6, [0, 0, 1, 1, 2, 2]), (7, [0, 0, 1, 1, 1, 2, 2])):
        alignment = Alignment("u", np.array([2] + [1] * (frames - 1), np.int32), 0.0)
        found = Converter(source, trees[1], target).convert(alignment).alignment
        assert target.hmm_state[found.transition_ids].tolist() == states
    short = Converter(source, trees[1], target).convert(Alignment("u", np.array([2, 1, 2, 1, 1], np.int32), 0.0))
    assert (short.outcome, short.reason, short.alignment) == (
        "failed", "5 frames, but the phones need 6", None)


@pytest.mark.parametrize("seed", range(5))
def test_every_third_frame_has_the_phone_that_is_there(seed):
    mono, chain = model(MONO), Topology({phone_id: chain_entry() for phone_id in (SIL, A, B)})
    tree = ContextTree.monophone(chain)
    target = model(tree, chain)
    alignment = path(mono, PHONES, seed)
    found = Converter(mono, tree, target, 3).convert(alignment).alignment
    assert found.frame_shift == pytest.approx(0.03) and found.num_frames == -(-alignment.num_frames // 3)
    assert [s.label for s in phone_segments(found, target)] == PHONES
    assert found.words == (Segment(9, 0, found.num_frames),)
    kept = mono.phone_id[alignment.transition_ids[::3]]  # each phone has 3 frames at least, so that none vanishes
    assert target.phone_id[found.transition_ids].tolist() == kept.tolist()


def test_phones_that_would_vanish_get_a_frame():
    topology = Topology({phone_id: chain_entry() for phone_id in (SIL, A, B)})
    tree = ContextTree.monophone(topology)
    transitions = model(tree, topology)
    starts, loops = ({p: int(np.flatnonzero((transitions.phone_id == p) & (transitions.is_self_loop == loop))[0])
                      for p in (SIL, A, B)} for loop in (False, True))

    def of(*phones):
        return Alignment("u", np.array([i for p, n in phones for i in [starts[p], *[loops[p]] * (n - 1)]], np.int32),
                         0.0, (Segment(4, 6, 2), Segment(5, 8, 4)))

    converter = Converter(transitions, tree, transitions, 3)
    found = converter.convert(of((SIL, 6), (A, 1), (B, 1), (A, 4))).alignment
    assert [(s.label, s.num_frames) for s in phone_segments(found, transitions)] == [(SIL, 1), (A, 1), (B, 1), (A, 1)]
    assert found.words == (Segment(4, 1, 2), Segment(5, 3, 1))
    failed = converter.convert(of((A, 1), (B, 1), (A, 1), (B, 1)))
    assert (failed.outcome, failed.reason) == ("failed", "2 frames, but the phones need 4")
    assert converter.convert(Alignment("u", np.zeros(0, np.int32), 0.0)).outcome == "failed"


def test_a_phone_without_self_loops_takes_no_more_frames():
    fixed = Topology({A: (HmmState(0, 0, ((1, 1.0),)), HmmState(1, 1, ((2, 1.0),)))})
    free = Topology({A: left_to_right(2)})
    trees = ContextTree.monophone(free), ContextTree.monophone(fixed)
    converter = Converter(model(trees[0], free), trees[1], model(trees[1], fixed))
    source = model(trees[0], free)
    done, failed = (Alignment("u", np.array(ids, np.int32), 0.0) for ids in ([2, 4], [2, 1, 4]))
    assert phone_segments(done, source) == [(A, 0, 2)]
    assert converter.convert(done).alignment.transition_ids.tolist() == [1, 2]
    assert converter.convert(failed).reason == "phone_id 2 has 3 frames, but its HMM takes 2 and no more"


def test_the_shortest_way():
    assert shortest_way(left_to_right(3)) == [(0, 1), (1, 2), (2, 3)]
    assert shortest_way(chain_entry()) == [(0, 1)]
    assert shortest_way(silence_entry()) == [(0, 1), (1, 4), (4, 5)]


def brute_force_boundaries(wanted, least):
    """Of all boundaries with enough frames those least moved, in squares."""
    def all_of(number, first):
        if number == len(least):
            return [[wanted[-1]]] if wanted[-1] >= first else []
        return [[b, *rest] for b in range(first, wanted[-1] + 1) for rest in all_of(number + 1, b + least[number])]
    candidates = [b for b in all_of(0, wanted[0]) if b[0] == wanted[0]]
    return min(sum((x - y) ** 2 for x, y in zip(b, wanted)) for b in candidates)


@pytest.mark.parametrize("seed", range(30))
def test_boundaries_move_as_little_as_can_be(seed):
    rng = np.random.default_rng(seed)
    least = rng.integers(1, 3, 4)
    end = int(least.sum() + rng.integers(0, 4))
    wanted = np.sort(np.concatenate([[0, end], rng.integers(0, end + 1, 3)]))
    found = fit_boundaries(wanted, least)
    assert (np.diff(found) >= least).all() and (found[0], found[-1]) == (0, end)
    assert ((found - wanted) ** 2).sum() == brute_force_boundaries(wanted.tolist(), least.tolist())


def test_what_does_not_fit_is_refused():
    mono, less = model(MONO), Topology({A: left_to_right(3)})
    with pytest.raises(InputError, match="the phones of the alignment, found none of phone_id 1"):
        Converter(mono, ContextTree.monophone(less), model(ContextTree.monophone(less), less))
    with pytest.raises(InputError, match="expected 13 pdf_ids as in the tree, found 11"):
        Converter(mono, TRI, mono)
    with pytest.raises(InputError, match="subsampling: expected at least 1, found 0"):
        Converter(mono, MONO, mono, 0)
    with pytest.raises(ValueError, match="subsampling"):
        ConvertOptions(subsampling=0)
    with pytest.raises(ValueError, match="max_failed_share"):
        ConvertOptions(max_failed_share=1.5)
