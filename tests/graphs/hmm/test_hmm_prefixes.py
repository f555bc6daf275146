import numpy as np
import pytest

from graphs.fst.arcs import Arcs
from graphs.hmm.hmm_prefixes import share_prefixes
from tests.reference.paths import best_scores


def random_windows(rng, sources=3, depth=3):
    """HMMs of `depth` states between a few states, with transition_ids that are often the same, words first."""
    arcs, states = [(s, s + 1, 50 + s, 0, 0.0) for s in range(sources - 1)], sources
    for _ in range(9):
        path = [int(rng.integers(0, sources)), *range(states, states + depth - 1), int(rng.integers(0, sources))]
        states += depth - 1
        arcs += [(s, d, 10 * i + int(rng.integers(1, 3)), int(rng.integers(0, 3)) if i == 0 else 0,
                  -0.25 * float(rng.integers(0, 9))) for i, (s, d) in enumerate(zip(path, path[1:]))]
    return Arcs.from_lists(arcs, [(sources - 1, -0.5)])


@pytest.mark.parametrize("seed", range(12))
def test_random_windows_keep_their_paths_and_share_what_they_can(seed):
    graph = random_windows(np.random.default_rng(seed))
    sizes = []
    for rounds in range(4):
        result = share_prefixes(graph, rounds)
        assert best_scores(result, 7) == pytest.approx(best_scores(graph, 7), abs=1e-5)
        sizes.append(result.num_states)
    assert sizes[0] == graph.num_states > sizes[1] >= sizes[2] == sizes[3]
    inner = result.src >= 3  # no inner state has two arcs of one transition_id to other inner states
    pairs = list(zip(result.src[result.dst >= 3].tolist(), result.ilabel[result.dst >= 3].tolist()))
    assert len(set(pairs)) == len(pairs) and inner.any()


def test_what_differs_moves_to_the_arcs_behind():
    graph = Arcs.from_lists([(0, 1, 7, 5, -1.0), (0, 2, 7, 6, -3.0), (1, 3, 8, 0, -0.5), (2, 3, 9, 0, -0.5)],
                            [(3, 0.0)])
    result = share_prefixes(graph, 1)
    rows = list(zip(*(getattr(result, n).tolist() for n in ("src", "dst", "ilabel", "olabel", "score"))))
    assert rows == [(0, 1, 7, 0, -1.0), (1, 2, 8, 5, -0.5), (1, 2, 9, 6, -2.5)]
    same_word = Arcs.from_lists([(0, 1, 7, 5, -3.0), (0, 2, 7, 5, -1.0), (1, 3, 8, 0, 0.0), (2, 3, 9, 0, 0.0)],
                                [(3, 0.0)])
    result = share_prefixes(same_word, 1)
    assert (result.olabel.tolist(), result.score.tolist()) == ([5, 0, 0], [-1.0, -2.0, 0.0])


@pytest.mark.parametrize("more", [
    (0, 1, 9, 0, 0.0),  # another arc into one of the two
    (1, 3, 9, 4, 0.0),  # a word where another would have to go
    (1, 3, 0, 0, 0.0)])  # an epsilon
def test_states_that_others_need_stay_as_they_are(more):
    arcs = [(0, 1, 7, 5, -1.0), (0, 2, 7, 6, -3.0), (1, 3, 8, 0, -0.5), (2, 3, 9, 0, -0.5)]
    assert share_prefixes(Arcs.from_lists(arcs, [(3, 0.0)]), 1).num_states == 3
    assert share_prefixes(Arcs.from_lists([*arcs, more], [(3, 0.0)]), 1).num_states == 4
    assert share_prefixes(Arcs.from_lists(arcs, [(3, 0.0), (2, 0.0)]), 1).num_states == 4
    others = [(0, 1, 7, 5, -1.0), (0, 2, 6, 6, -3.0), *arcs[2:]]
    assert share_prefixes(Arcs.from_lists(others, [(3, 0.0)]), 1).num_states == 4


def test_epsilons_are_no_transition_ids():
    arcs = [(0, 1, 0, 0, -1.0), (0, 2, 0, 0, -3.0), (1, 3, 8, 0, -0.5), (2, 3, 9, 0, -0.5)]
    assert share_prefixes(Arcs.from_lists(arcs, [(3, 0.0)]), 1).num_states == 4
