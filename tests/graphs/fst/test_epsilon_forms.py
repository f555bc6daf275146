"""Each change against the paths of random transducers, and what it is there for."""

import numpy as np
import pytest

from graphs.fst.arcs import Arcs
from graphs.fst.epsilon import remove_input_epsilons
from graphs.fst.epsilon_forms import with_copied_targets, with_epsilons_apart, without_lone_epsilons
from graphs.fst.word_sequences import WordSequences
from tests.graphs.fst.test_epsilon import random_graph, spelled

FORMS = {"without_lone_epsilons": without_lone_epsilons, "with_copied_targets": with_copied_targets,
         "with_epsilons_apart": lambda graph, sequences: with_epsilons_apart(graph)}


@pytest.mark.parametrize("form", FORMS)
def test_random_graphs_keep_every_path(form, monkeypatch):
    monkeypatch.setattr("graphs.fst.epsilon_forms._COPIES", 0.5)
    changed, paths = 0, 0
    for seed in range(40):
        graph, sequences = random_graph(np.random.default_rng(seed), 8, 2 + seed % 12), WordSequences(4)
        result = FORMS[form](graph, sequences)
        before = spelled(remove_input_epsilons(graph, sequences), sequences, 4)
        after = spelled(remove_input_epsilons(result, sequences), sequences, 4)
        assert before.keys() == after.keys()
        assert all(after[key] == pytest.approx(before[key], abs=1e-5) for key in before)
        changed += (result.num_states, result.num_arcs) != (graph.num_states, graph.num_arcs)
        paths += len(before)
    assert changed > 15 and paths > 500


def rows(graph):
    return sorted(zip(*(getattr(graph, name).tolist() for name in ("src", "dst", "ilabel", "olabel", "score"))))


def test_chains_of_lone_epsilons_go_with_their_scores_and_words():
    graph = Arcs.from_lists([(0, 1, 7, 5, -1.0), (1, 2, 0, 0, -0.5), (2, 3, 0, 6, -0.25), (3, 4, 0, 0, -4.0),
                             (4, 0, 8, 0, 0.0), (0, 2, 9, 0, 0.0)], [(4, -2.0)])
    sequences = WordSequences(10)
    result = without_lone_epsilons(graph, sequences)
    assert rows(result) == [(0, 1, 7, 10, -5.75), (0, 1, 9, 6, -4.25), (1, 0, 8, 0, 0.0)]
    assert sequences.sequences == [(5, 6)] and result.num_states == 2
    assert (result.final_state.tolist(), result.final_score.tolist()) == ([1], [-2.0])


def test_a_start_or_an_end_with_an_epsilon_is_no_lone_epsilon():
    graph = Arcs.from_lists([(0, 1, 0, 0, -1.0), (1, 2, 0, 0, -0.5), (2, 2, 7, 0, 0.0)], [(1, 0.0), (2, 0.0)])
    assert rows(without_lone_epsilons(graph, WordSequences(10))) == rows(graph)


@pytest.mark.parametrize("entries, ways, copied", [(7, 2, True), (6, 2, False), (4, 1, True), (3, 1, False)])
def test_ways_are_copied_where_they_are_a_third_of_the_arcs_into_the_epsilon(entries, ways, copied):
    arcs = [(0, 1, 10 + label, 0, 0.0) for label in range(entries)]
    arcs += [(1, 2, 0, 4, -1.0), (1, 3, 9, 0, 0.0), *((2, 3, 20 + way, 0, -0.5) for way in range(ways - 1))]
    result = with_copied_targets(Arcs.from_lists(arcs, [(2, -2.0), (3, 0.0)]), WordSequences(10))
    assert (result.ilabel > 0).all() == copied
    if copied:
        assert rows(result)[entries:-(ways - 1) or None] == [
            (1, 3, 9, 0, 0.0), *((1, 3, 20 + way, 4, -1.5) for way in range(ways - 1))]
        assert (1, -3.0, 4) in zip(result.final_state.tolist(), result.final_score.tolist(),
                                   result.final_olabel.tolist())


def test_arcs_of_one_label_and_those_through_epsilons_count():
    """Four into the first of two states in a row, for which a way on is copied; of one label they count once."""
    for labels, copied in (((10, 11, 12, 13), 2), ((10, 10, 12, 13), 0)):
        arcs = [(4 + i, 1, label, 0, 0.0) for i, label in enumerate(labels)] + [(0, 4 + i, 1, 0, 0.0) for i in range(4)]
        arcs += [(1, 2, 0, 0, -1.0), (1, 1, labels[-1], 0, 0.0), (2, 3, 0, 0, -1.0), (2, 3, 9, 0, 0.0)]
        arcs += [(3, 3, 8, 0, 0.0)]
        result = with_copied_targets(Arcs.from_lists(arcs, [(2, 0.0)]), WordSequences(10))
        assert (result.ilabel == 0).sum() == (1 if copied else 2)


def test_epsilons_stand_apart():
    graph = Arcs.from_lists([(0, 1, 0, 5, -1.0), (0, 1, 7, 6, -0.5), (1, 0, 8, 0, 0.0)], [(0, -2.0), (1, 0.0)])
    result = with_epsilons_apart(graph)
    assert rows(result) == [(0, 1, 0, 5, -1.0), (0, 2, 0, 0, 0.0), (1, 0, 8, 0, 0.0), (2, 1, 7, 6, -0.5)]
    assert sorted(zip(result.final_state.tolist(), result.final_score.tolist())) == [(1, 0.0), (2, -2.0)]
