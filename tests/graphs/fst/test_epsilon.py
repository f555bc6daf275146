import numpy as np
import pytest

from graphs.errors import InputError
from graphs.fst.arcs import Arcs
from graphs.fst.epsilon import remove_input_epsilons
from graphs.fst.word_sequences import WordSequences
from tests.reference.paths import all_paths


def spelled(graph, sequences, labels):
    """{(inputs, words): best score}"""
    best = {}
    for inputs, outputs, score in all_paths(graph, labels):
        key = (inputs, tuple(w for label in outputs for w in sequences.words(label)))
        best[key] = max(score, best.get(key, -np.inf))
    return best


def random_graph(rng, num_states=6, num_arcs=14):
    """Connected, epsilons only from lower to higher states."""
    arcs = [(s, s + 1, int(rng.integers(0, 3)), int(rng.integers(0, 4)), float(-rng.random())) for s in
            range(num_states - 1)]
    for _ in range(num_arcs):
        src, dst = sorted(rng.integers(0, num_states, 2).tolist())
        label = int(rng.integers(0 if src < dst else 1, 3))
        if label and rng.random() < 0.3:
            src, dst = dst, src
        arcs.append((src, dst, label, int(rng.integers(0, 4)), float(-rng.random())))
    return Arcs.from_lists(arcs, [(num_states - 1, -0.5), (int(rng.integers(0, num_states)), -1.0)])


@pytest.mark.parametrize("seed", range(12))
def test_random_graphs_keep_every_output(seed):
    graph = random_graph(np.random.default_rng(seed))
    sequences = WordSequences(4)
    result = remove_input_epsilons(graph, sequences)
    assert (result.ilabel > 0).all()
    before, after = spelled(graph, sequences, 3), spelled(result, sequences, 3)
    assert before.keys() == after.keys() and len(before) > 3
    assert all(after[key] == pytest.approx(before[key], abs=1e-5) for key in before)


def test_a_start_of_epsilons_alone_is_entered_no_more_and_finals_stand_once():
    graph = Arcs.from_lists([(0, 1, 0, 5, -1.0), (1, 2, 7, 0, -0.5), (2, 0, 8, 6, 0.0), (1, 1, 9, 0, -2.0)],
                            [(1, -0.25), (2, 0.0)])
    sequences = WordSequences(10)
    result = remove_input_epsilons(graph, sequences)
    assert spelled(result, sequences, 4) == pytest.approx(spelled(graph, sequences, 4))
    finals = list(zip(result.final_state.tolist(), result.final_olabel.tolist()))
    assert sorted(finals) == sorted(set(finals)) and 0 not in result.dst
    assert set(result.dst.tolist()) | {0} == set(range(result.num_states))


def test_a_start_that_is_final_stays_final_once():
    graph = Arcs.from_lists([(0, 1, 7, 5, -1.0), (1, 0, 8, 0, -1.0), (1, 1, 9, 0, 0.0)], [(0, -0.5)])
    result = remove_input_epsilons(graph, WordSequences(10))
    assert (result.final_state.tolist(), result.final_score.tolist()) == ([0], [-0.5])
    assert result.num_arcs == 3 and result.num_states == 2


def test_of_two_epsilon_paths_with_the_same_words_the_better_stays():
    graph = Arcs.from_lists([(0, 1, 7, 0, 0.0), (1, 2, 0, 5, -1.0), (1, 3, 0, 5, -2.0), (3, 2, 0, 0, 0.5),
                             (2, 4, 8, 0, 0.0)], [(4, 0.0)])
    result = remove_input_epsilons(graph, WordSequences(10))
    assert [(outputs, score) for _, outputs, score in all_paths(result, 2)] == [((5,), -1.0)]


def test_a_thousand_epsilons_in_a_row_are_no_cycle():
    chain = [(0, 1, 7, 0, 0.0), *((s, s + 1, 0, 0, -1.0) for s in range(1, 1000)), (1000, 1001, 8, 5, 0.0)]
    result = remove_input_epsilons(Arcs.from_lists(chain, [(1001, 0.0)]), WordSequences(10))
    assert [(i, o, s) for i, o, s in all_paths(result, 2)] == [((7, 8), (5,), -999.0)]
    with pytest.raises(InputError, match="at most 1000 epsilons in a row"):
        longer = [(s + (s > 0), d + 1, i, o, w) for s, d, i, o, w in chain] + [(1, 2, 0, 0, 0.0)]
        remove_input_epsilons(Arcs.from_lists([(0, 1, 7, 0, 0.0), *longer[1:]], [(1002, 0.0)]), WordSequences(10))


def test_homophones_stay_apart():
    graph = Arcs.from_lists([(0, 1, 7, 0, 0.0), (1, 2, 0, 5, -1.0), (1, 2, 0, 6, -2.0), (2, 3, 8, 0, 0.0)], [(3, 0.0)])
    result = remove_input_epsilons(graph, WordSequences(10))
    assert {outputs: round(score, 4) for _, outputs, score in all_paths(result, 2)} == {(5,): -1.0, (6,): -2.0}


def test_a_cycle_of_epsilons_is_named():
    graph = Arcs.from_lists([(0, 1, 1, 0, 0.0), (1, 2, 0, 0, -1.0), (2, 1, 0, 0, -1.0), (1, 3, 1, 0, 0.0)], [(3, 0.0)])
    with pytest.raises(InputError, match="a cycle of epsilons"):
        remove_input_epsilons(graph, WordSequences(10))


def test_what_only_epsilons_from_the_start_entered_goes_with_all_behind_it():
    """Its arcs were once taken for those of the state before it."""
    graph = Arcs.from_lists([(0, 1, 0, 0, -1.0), (0, 2, 7, 0, 0.0), (1, 2, 8, 5, 0.0), (2, 2, 9, 0, 0.0),
                             (1, 3, 6, 0, 0.0), (3, 2, 6, 0, 0.0)], [(2, 0.0), (1, -0.5)])
    result = remove_input_epsilons(graph, WordSequences(10))
    assert spelled(result, WordSequences(10), 2) == pytest.approx(spelled(graph, WordSequences(10), 2))
    assert (result.num_states, result.num_arcs, result.final_state.tolist()) == (3, 5, [1, 0])
