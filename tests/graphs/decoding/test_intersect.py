"""What the search leaves of k2's output, against k2's own connect."""

import k2
import numpy as np
import pytest
import torch

from graphs.decoding.intersect import RawLattice, connected


def random_raw(rng, frames=6):
    """States frame by frame, some of which nothing enters or leaves; the last state is the end of a final arc."""
    sizes = [1, *rng.integers(2, 6, frames), 1]
    first = np.cumsum([0, *sizes])
    rows = [(first[t] + s, first[t + 1] + d, t) for t in range(len(sizes) - 1) for s in range(sizes[t])
            for d in range(sizes[t + 1]) if rng.random() < 0.45]
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


def test_nothing_found_is_nothing():
    nothing = np.zeros(0, np.int64)
    assert len(connected(RawLattice(nothing, nothing, nothing, nothing), 0).src) == 0
