"""Statistics by event: windows, pdf classes, sums; nothing is lost, in whatever parts it is summed up."""

from collections import Counter

import numpy as np
import pytest

from graphs.errors import InputError
from graphs.hmm.context_tree import ContextTree
from graphs.hmm.topology import Topology, chain_entry, left_to_right
from graphs.hmm.transitions import TransitionModel
from hybrid.align.alignment import Alignment
from hybrid.tree.stats import EventStats, accumulate, frame_events, pdf_class_of, sum_groups, windows_of
from tests.hybrid.tree.material import random_frames, stats_of

TOPOLOGY = Topology({1: left_to_right(2), 2: left_to_right(1), 3: chain_entry()})
TRANSITIONS = TransitionModel.from_tree(ContextTree.monophone(TOPOLOGY), TOPOLOGY)
# transition_ids: phone 1: 1 loop, 2 forward, 3 loop, 4 forward; phone 2: 5 loop, 6 forward; phone 3: 7 loop, 8 forward
ALIGNMENT = Alignment("u", np.array([2, 1, 4, 6, 5, 6, 8, 7, 7], np.int32), 0.0)


def test_windows_reach_beyond_the_ends():
    assert windows_of([5, 6, 7], 3, 1).tolist() == [[0, 5, 6], [5, 6, 7], [6, 7, 0]]
    assert windows_of([5, 6, 7], 2, 1).tolist() == [[0, 5], [5, 6], [6, 7]]
    assert windows_of([5, 6], 5, 2).tolist() == [[0, 0, 5, 6, 0], [0, 5, 6, 0, 0]]
    assert windows_of([5], 1, 0).tolist() == [[5]]
    assert windows_of([5, 6], 3, 0).tolist() == [[5, 6, 0], [6, 0, 0]]


def test_the_events_of_the_frames():
    assert pdf_class_of(TRANSITIONS).tolist() == [-1, 0, 0, 1, 1, 0, 0, 1, 0]
    windows, classes = frame_events(ALIGNMENT, TRANSITIONS, pdf_class_of(TRANSITIONS), 3, 1)
    assert classes.tolist() == [0, 0, 1, 0, 0, 0, 0, 1, 1]
    assert windows.tolist() == 3 * [[0, 1, 2]] + 2 * [[1, 2, 2]] + [[2, 2, 3]] + 3 * [[2, 3, 0]]


def test_accumulated_events_are_sorted_and_unique():
    moments = np.arange(18.0).reshape(9, 2)
    again = Alignment("v", ALIGNMENT.transition_ids, 0.0)
    stats = accumulate([(ALIGNMENT, moments), (again, moments)], TRANSITIONS, 2, 1)
    rows = list(zip(map(tuple, stats.windows.tolist()), stats.pdf_classes.tolist()))
    assert rows == [((0, 1), 0), ((0, 1), 1), ((1, 2), 0), ((2, 2), 0), ((2, 3), 0), ((2, 3), 1)]
    assert stats.counts.tolist() == [4, 2, 4, 2, 2, 4]
    assert stats.sums[0].tolist() == [4.0, 8.0]
    assert stats.sums.sum(axis=0).tolist() == (2 * moments.sum(axis=0)).tolist()
    assert (stats.width, stats.central.tolist(), len(stats)) == (2, [1, 1, 2, 2, 3, 3], 6)
    assert stats.values(-1).tolist() == [0, 1, 0, 0, 0, 1] and stats.values(0).tolist() == [0, 0, 1, 2, 2, 2]


@pytest.mark.parametrize("cuts", [[], [1], [100], [299], [50, 60, 200]])
def test_parts_are_joined_to_the_whole(cuts):
    frames = random_frames()
    parts = [stats_of(frames[start:end]) for start, end in zip([0, *cuts], [*cuts, 300])]
    whole, joined = stats_of(frames), EventStats.joined(parts)
    assert joined.windows.tolist() == whole.windows.tolist() and joined.central_position == 1
    assert joined.counts.tolist() == whole.counts.tolist()
    assert np.allclose(joined.sums, whole.sums)
    number = Counter((frame.window, frame.pdf_class) for frame in frames)
    assert {(tuple(w), c): n for w, c, n in zip(whole.windows.tolist(), whole.pdf_classes, whole.counts)} == number


def test_sums_of_groups():
    values = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    assert sum_groups(np.array([2, 0, 2]), values, 4).tolist() == [[3, 4], [0, 0], [6, 8], [0, 0]]
    assert sum_groups(np.array([], int), np.zeros((0, 2)), 2).tolist() == [[0, 0], [0, 0]]
    assert sum_groups(np.array([0, 0]), np.array([1.0, 2.0]), 1).tolist() == [3.0]
    assert sum_groups(np.array([1, 1, 2]), np.array([1.0, 2.0, 4.0]), 3).tolist() == [0.0, 3.0, 4.0]
    assert sum_groups(np.array([0]), np.array([[[1.0, 2.0]]]), 1).tolist() == [[[1.0, 2.0]]]


def test_sums_are_doubles_whatever_comes_in():
    """A float32 would lose the ones beside 2 ** 24, and an int the halves."""
    values = np.array([[2.0 ** 24], [1.0], [1.0]], np.float32)
    stats = EventStats.of_rows(0, [[7], [7], [7]], [1, 1, 1], np.ones(3, np.float32), values)
    assert (stats.windows.dtype, stats.pdf_classes.dtype) == (np.int32, np.int32)
    assert stats.sums.tolist() == [[2.0 ** 24 + 2]] and stats.counts.tolist() == [3.0]
    assert stats.sums.dtype == stats.counts.dtype == np.float64


def test_what_does_not_fit_is_refused():
    for position, shape in ((3, (2, 3)), (-1, (2, 3)), (0, (2,)), (0, (2, 1, 1))):
        with pytest.raises(InputError) as caught:
            EventStats.of_rows(position, np.ones(shape), np.zeros(2), np.ones(2), np.ones((2, 1)))
        assert str(caught.value) == ("tree statistics: expected windows [events, width] and a central position in "
                                     f"them, found shape {shape} and {position}")
    with pytest.raises(InputError, match="arrays of one length"):
        EventStats.of_rows(1, np.ones((2, 3)), np.zeros(1), np.ones(2), np.ones((2, 1)))
    with pytest.raises(InputError, match="tree statistics of u: expected arrays of one length"):
        accumulate([(ALIGNMENT, np.zeros((8, 2)))], TRANSITIONS, 3, 1)
