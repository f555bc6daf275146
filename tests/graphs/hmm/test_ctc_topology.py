"""Graphs with blanks against all alignments of their paths, made by the definition."""

import itertools
import random

import numpy as np
import pytest

from graphs.fst.arcs import Arcs
from graphs.fst.epsilon import remove_input_epsilons
from graphs.fst.word_sequences import WordSequences
from graphs.hmm.ctc_topology import blank_phone, ctc_hmm, with_blank_loops, with_blanks
from graphs.hmm.context_tree import ContextTree
from tests.reference.paths import all_paths, best_scores

BLANK = 4  # three units


def random_graph(seed, epsilons):
    """Units 1 to 3, every state on a path to the end, epsilons only forward."""
    rng = random.Random(seed)
    arcs = [(state, state + 1, rng.randint(1, 3), rng.randint(0, 4), rng.uniform(-2, 0)) for state in range(3)]
    for _ in range(7):
        src, dst = rng.randrange(4), rng.randrange(4)
        label = rng.randint(0, 3) if epsilons and dst > src else rng.randint(1, 3)
        arcs.append((src, dst, label, rng.randint(0, 4), rng.uniform(-2, 0)))
    return Arcs.from_lists(arcs, [(3, -0.5), (rng.randrange(4), -1.0)])


def insertions(units):
    """The units with blanks where they may be, at most one in a place; where they must be, always."""
    places = [(False, True)] + [(True,) if a == b else (False, True) for a, b in zip(units, units[1:])]
    for choices in itertools.product(*places[:max(1, len(units))], *[(False, True)] * bool(units)):
        labels = []
        for blank, unit in itertools.zip_longest(choices, units):
            labels += [BLANK] * blank + ([unit] if unit else [])
        yield tuple(labels)


@pytest.mark.parametrize("seed, epsilons", [*((seed, True) for seed in range(6)), (6, False), (7, False)])
def test_blanks_stand_where_they_may_and_must(seed, epsilons):
    graph = random_graph(seed, epsilons)
    longest = 4
    expected = {}
    for (units, outputs), score in best_scores(graph, longest).items():
        for labels in insertions(units):
            if len(labels) <= longest:
                expected[labels, outputs] = score
    found = best_scores(with_blanks(graph, BLANK), longest)
    assert found.keys() == expected.keys() and len(found) > 5
    assert found == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("seed", range(4))
def test_there_is_one_path_for_each_alignment(seed):
    graph = random_graph(seed, epsilons=True)
    ways = sum(len([labels for labels in insertions(units) if len(labels) <= 4]) for units, _, _ in all_paths(graph, 4))
    assert sum(1 for _ in all_paths(with_blanks(graph, BLANK), 4)) == ways


def test_epsilons_can_be_removed_afterwards():
    graph = with_blanks(random_graph(3, epsilons=True), BLANK)
    sequences = WordSequences(5)
    found = {}
    for inputs, outputs, score in all_paths(remove_input_epsilons(graph, sequences), 4):
        words = tuple(itertools.chain.from_iterable(map(sequences.words, outputs)))
        found[inputs, words] = max(score, found.get((inputs, words), -np.inf))
    assert found == pytest.approx(best_scores(graph, 4), abs=1e-5)


@pytest.mark.parametrize("seed", range(4))
def test_loops_of_blank(seed):
    graph = random_graph(seed, epsilons=True)
    expected = {}
    for (units, outputs), score in best_scores(graph, 4).items():
        for places in itertools.combinations(range(4), 4 - len(units)):
            labels = [BLANK] * 4
            for place, unit in zip((i for i in range(4) if i not in places), units):
                labels[place] = unit
            expected[tuple(labels), outputs] = score
    found = {key: score for key, score in best_scores(with_blank_loops(graph, BLANK), 4).items() if len(key[0]) == 4}
    assert found == pytest.approx(expected, abs=1e-5)


def test_pdfs_are_tokens():
    tree, transitions = ctc_hmm(4)
    assert blank_phone(4) == 4 and transitions.num_pdfs == tree.num_pdfs == 4
    assert transitions.pdf_id[1:].tolist() == [1, 1, 2, 2, 3, 3, 0, 0]  # a loop and a way out of each
    assert transitions.phone_id[1:].tolist() == [1, 1, 2, 2, 3, 3, 4, 4]
    assert ContextTree.from_text(tree.to_text()).fingerprint() == tree.fingerprint()
