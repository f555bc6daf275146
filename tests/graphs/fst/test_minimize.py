"""Minimization against what can be said from each state, spelled out, and against OpenFst."""

import numpy as np
import pytest

from graphs.fst.arcs import Arcs
from graphs.fst.minimize import merge_states, minimize
from graphs.fst.push import push_scores
from tests.graphs.fst.test_epsilon import random_graph
from tests.reference.openfst import needs_openfst, run
from tests.reference.paths import all_paths, best_scores


def connected(arcs, finals):
    """Arcs on paths from 0 to an end; None if there are none."""
    ahead, back = {0}, {state for state, _ in finals}
    for _ in arcs:
        ahead |= {arc[1] for arc in arcs if arc[0] in ahead}
        back |= {arc[0] for arc in arcs if arc[1] in back}
    both = sorted(ahead & back)
    if 0 not in both:
        return None
    number = {state: i for i, state in enumerate(both)}
    return Arcs.from_lists([(number[a[0]], number[a[1]], *a[2:]) for a in arcs if a[0] in number and a[1] in number],
                           [(number[state], score) for state, score in finals if state in number])


def deterministic(rng, cyclic, states=12, labels=2):
    """An acceptor of few scores, so that many states are alike."""
    arcs = []
    for src in range(states):
        for label in range(1, labels + 1):
            if rng.random() < 0.8 and (cyclic or src < states - 1):
                dst = int(rng.integers(0, states)) if cyclic else min(src + int(rng.integers(1, 5)), states - 1)
                arcs.append((src, dst, label, label, -0.5 * float(rng.random() < 0.1)))
    return connected(arcs, [(state, -float(rng.random() < 0.1)) for state in range(states - 4, states)])


def random_acceptors(cyclic, count=60):
    made = (deterministic(np.random.default_rng(seed), cyclic) for seed in range(count))
    return [graph for graph in made if graph is not None]


def from_state(graph, state):
    """The graph that starts there."""
    exchange = np.arange(graph.num_states)
    exchange[[0, state]] = [state, 0]
    return Arcs(exchange[graph.src], exchange[graph.dst], graph.ilabel, graph.olabel, graph.score,
                exchange[graph.final_state], graph.final_score, graph.num_states)


def test_as_many_states_as_there_are_different_futures():
    merged = 0
    for graph in random_acceptors(cyclic=False):
        futures = set()
        for state in range(graph.num_states):
            best = best_scores(from_state(graph, state), 9)
            most = max(best.values()) if state else 0.0  # what all have in common is pushed forward
            futures.add(frozenset((key, score - most) for key, score in best.items()))
        result = minimize(push_scores(graph))
        assert len(futures) == result.num_states
        assert best_scores(result, 9) == pytest.approx(best_scores(graph, 9), abs=1e-4)
        merged += result.num_states < graph.num_states
    assert merged > 10


@needs_openfst
@pytest.mark.parametrize("cyclic", [False, True])
def test_as_many_states_as_openfst_has(cyclic):
    graphs = {f"g{i}": graph for i, graph in enumerate(random_acceptors(cyclic))}
    theirs = run(graphs, [("minimize", name) for name in graphs], list(graphs))
    same = 0
    for name, graph in graphs.items():
        ours = minimize(push_scores(graph))
        # what all paths have in common stands somewhere else where the start is entered again: a state more or fewer
        assert abs(ours.num_states - theirs[name].num_states) <= (0 in graph.dst)
        same += ours.num_states == theirs[name].num_states < graph.num_states
        assert best_scores(ours, 5) == pytest.approx(best_scores(theirs[name], 5), abs=1e-3)
    assert same > 5


@pytest.mark.parametrize("seed", range(12))
def test_a_transducer_with_epsilons_is_found_in_two_copies_that_are_one(seed):
    graph = random_graph(np.random.default_rng(seed))
    size, (copy,) = graph.num_states, np.random.default_rng(seed).integers(0, 2, (1, 2 * graph.num_arcs))
    src, dst = (np.append(column, column + size) for column in (graph.src, graph.dst % size))
    columns = [np.append(column, column) for column in (graph.ilabel, graph.olabel, graph.score)]
    dst = dst % size + size * copy
    start = ([0], [1], [9], [0], [0.0])  # before both, since nothing may be taken for the start
    twice = Arcs(*(np.append(first, column) for first, column in zip(start, (src + 1, dst + 1, *columns))),
                 np.append(graph.final_state, graph.final_state + size) + 1, np.tile(graph.final_score, 2),
                 2 * size + 1)
    result = minimize(push_scores(twice))
    assert result.num_states <= size + 1
    assert {inputs[1:] + ("to",) + outputs: score for (inputs, outputs), score in best_scores(result, 4).items()} == (
        pytest.approx({inputs + ("to",) + outputs: score for (inputs, outputs), score in best_scores(graph, 3).items()},
                      abs=1e-4))


@pytest.mark.parametrize("change, states", [
    ((0, 0, 0, 0.0, 0.0), 3), ((1, 0, 0, 0.0, 0.0), 4), ((0, 1, 0, 0.0, 0.0), 4), ((0, 0, 0, -0.25, 0.0), 4),
    ((0, 0, 0, 0.0, -0.25), 4), ((0, 0, 1, 0.0, 0.0), 4), ((0, 0, 0, -6e-6, 6e-6), 3),
    ((0, 0, 0, -1.2e-5, 0.0), 4), ((0, 0, 0, 0.0, 1.2e-5), 4)])
def test_states_differ_by_labels_scores_and_ends(change, states):
    """1 and 2 are alike but for the change."""
    ilabel, olabel, final_olabel, score, final_score = change
    graph = Arcs([0, 0, 1, 2], [1, 2, 3, 3], [5, 6, 7, 7 + ilabel], [0, 0, 8, 8 + olabel], [0, 0, -1.0, score - 1.0],
                 [1, 2, 3], [-2.0, final_score - 2.0, 0.0], 4, [3, 3 + final_olabel, 0])
    assert minimize(graph).num_states == states


def test_steps_of_scores_can_be_wider():
    graph = Arcs.from_lists([(0, 1, 5, 5, 0.0), (0, 2, 6, 6, 0.0), (1, 3, 7, 7, -1.0), (2, 3, 7, 7, -1.1)], [(3, 0.0)])
    assert [minimize(graph, quantum).num_states for quantum in (0.01, 0.5)] == [4, 3]
    merged = minimize(graph, 0.5)
    assert sorted(score for _, _, score in all_paths(merged, 2)) == [-1.0, -1.0]  # of the first


def test_merged_states_keep_the_start_first():
    graph = Arcs.from_lists([(0, 2, 5, 5, 0.0), (2, 1, 6, 6, 0.0), (1, 3, 7, 7, 0.0)], [(3, 0.0), (1, -1.0)])
    result = merge_states(graph, np.array([2, 1, 0, 1]))
    assert result.src.tolist() == [0, 2, 1] and result.dst.tolist() == [2, 1, 1]
    assert result.final_state.tolist() == [1] and result.final_score.tolist() == [-1.0]
    with_no_arcs = minimize(Arcs.from_lists([], [(0, -1.0)]))
    assert (with_no_arcs.num_states, with_no_arcs.final_score.tolist()) == (1, [-1.0])
