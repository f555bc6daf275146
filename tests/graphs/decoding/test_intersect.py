"""What the search gives to k2, and what it leaves of k2's output, against k2's own ways."""

import k2
import numpy as np
import pytest
import torch

from graphs.decoding import intersect
from graphs.decoding.intersect import RawLattice, SearchGraph, connected, search_label, search_order
from graphs.fst.arcs import Arcs
from tests.graphs.hmms import small_model


def random_raw(rng, frames=6):
    """States frame by frame, some of which nothing enters (in half of the lattices) or leaves; the last state is the
    end of a final arc."""
    sizes = [1, *rng.integers(2, 6, frames), 1]
    first, enter_all = np.cumsum([0, *sizes]), rng.random() < 0.5
    rows = [(first[t] + s, first[t + 1] + d, t) for t in range(len(sizes) - 1) for s in range(sizes[t])
            for d in range(sizes[t + 1]) if rng.random() < 0.45 or (enter_all and s == d % sizes[t])]
    src, dst, frame = np.array(rows, np.int64).reshape(-1, 3).T
    return RawLattice(src.astype(np.int32), dst.astype(np.int32), np.arange(len(src)) + 7, frame), int(first[-1])


def with_k2(raw, num_states):
    label = np.where(raw.dst == num_states - 1, -1, 1)
    if (label == 1).all():  # k2 takes none without an end
        return np.zeros((4, 0))
    table = np.stack([raw.src, raw.dst, label, np.zeros(len(raw.src))], axis=1)
    fsa = k2.Fsa(torch.from_numpy(table.astype(np.int32)))
    fsa.arc_id, fsa.frame = (torch.from_numpy(column.astype(np.int32)) for column in (raw.arc_id, raw.frame))
    fsa = k2.connect(fsa)
    return np.stack([*fsa.arcs.values()[:, :2].numpy().T, fsa.arc_id.numpy(), fsa.frame.numpy()])


@pytest.mark.parametrize("seed", range(40))
def test_arcs_that_lead_nowhere_go_as_with_k2(seed):
    raw, num_states = random_raw(np.random.default_rng(seed))
    found = connected(raw, num_states)
    expected = with_k2(raw, num_states)
    assert np.array_equal(np.stack([found.src, found.dst, found.arc_id, found.frame]), expected)


def test_random_lattices_have_dead_ends_and_some_have_no_path():
    """Or the test above would not tell much."""
    counts = [(len(raw.src), len(connected(raw, num_states).src))
              for raw, num_states in (random_raw(np.random.default_rng(seed)) for seed in range(40))]
    assert sum(0 < kept < total for total, kept in counts) > 15 and sum(not kept for _, kept in counts) > 2


def test_some_random_lattices_are_entered_everywhere_and_some_are_not():
    """Which are two ways through the code."""
    raws = [random_raw(np.random.default_rng(seed)) for seed in range(40)]
    whole = sum(len(set(raw.dst.tolist()) | {0}) == num_states for raw, num_states in raws)
    assert 2 < whole < 38


def test_nothing_found_is_nothing():
    nothing = np.zeros(0, np.int64)
    assert len(connected(RawLattice(nothing, nothing, nothing, nothing), 0).src) == 0


def random_hclg(rng, transitions, num_states=7, num_arcs=30, num_finals=5):
    """Finals may share a state; the last states may have no arcs."""
    columns = rng.integers(0, num_states, (2, num_arcs))
    columns[0] = np.minimum(columns[0], num_states - 2)
    return Arcs(*columns, rng.integers(1, transitions.num_transition_ids + 1, num_arcs), np.zeros(num_arcs),
                -rng.random(num_arcs), rng.integers(0, num_states, num_finals), -rng.random(num_finals), num_states)


@pytest.mark.parametrize("in_order", [False, True])
@pytest.mark.parametrize("block", [1, 3, 1 << 15])
@pytest.mark.parametrize("seed", range(8))
def test_a_graph_made_ready_is_the_one_that_k2_sorts(seed, block, in_order, monkeypatch):
    monkeypatch.setattr(intersect, "_BLOCK", block)
    _, transitions = small_model("2state", "1state")
    graph = random_hclg(np.random.default_rng(seed), transitions)
    labels = search_label(graph.ilabel, transitions)
    if in_order:
        order = search_order(graph, labels)
        graph, labels = graph.reordered(order), labels[order]
    fsas = SearchGraph(graph, transitions).fsas
    assert fsas.shape == (1, None, None) and "ArcSorted" in fsas.properties_str
    finals = len(graph.final_state)
    table = np.stack([np.append(graph.src, graph.final_state), np.append(graph.dst, [graph.num_states] * finals),
                      np.append(labels, [-1] * finals), np.append(graph.score, graph.final_score).view(np.int32)], 1)
    by_source = np.argsort(table[:, 0], kind="stable")
    theirs = k2.Fsa(torch.from_numpy(table[by_source].astype(np.int32)))
    theirs.arc_id = torch.from_numpy(by_source.astype(np.int32))
    theirs = k2.create_fsa_vec([k2.arc_sort(theirs)])
    for axis in (1, 2):
        assert fsas.arcs.shape().row_splits(axis).tolist() == theirs.arcs.shape().row_splits(axis).tolist()
    assert torch.equal(fsas.arcs.values()[:, :3], theirs.arcs.values()[:, :3])
    found_by_k2 = k2.Fsa(fsas.arcs).properties
    assert found_by_k2 & fsas.properties == fsas.properties and fsas.properties & k2.fsa_properties.ARC_SORTED
    rows = [sorted(zip(fsa.arcs.values().tolist(), fsa.arc_id.tolist())) for fsa in (fsas, theirs)]
    assert rows[0] == rows[1]


def test_labels_are_columns_counted_from_one_and_minus_one_for_an_end():
    _, transitions = small_model("2state", "1state")
    expected = [1 + transitions.pdf_id[3], 1 + transitions.pdf_id[2], -1]
    assert search_label(np.array([3, 2, 0]), transitions).tolist() == expected
    assert transitions.pdf_id[0] == -1
