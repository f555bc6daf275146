"""C over epsilons against windows slid over the phones of every path."""

import numpy as np
import pytest

from graphs.fst.arcs import Arcs
from graphs.fst.epsilon import remove_input_epsilons
from graphs.fst.word_sequences import WordSequences
from graphs.hmm.context_fst import compose_context
from graphs.hmm.context_tree import ContextTree
from tests.graphs.fst.test_epsilon import random_graph
from tests.graphs.hmm.test_context_fst import TOPOLOGY, sound, windows_over
from tests.graphs.trees import SHAPES, random_tree
from tests.reference.paths import all_paths


def best_of(paths):
    best = {}
    for key, score in paths:
        best[key] = max(score, best.get(key, -np.inf))
    return best


@pytest.mark.parametrize("width, central", [(1, 0), *SHAPES])
@pytest.mark.parametrize("seed", range(4))
def test_every_path_has_the_windows_of_its_phones(width, central, seed):
    tree = random_tree(TOPOLOGY, width, central, seed) if width > 1 else ContextTree.monophone(TOPOLOGY)
    graph, sequences = random_graph(np.random.default_rng(seed), 6, 7), WordSequences(4)
    in_context, windows = compose_context(graph, tree, sequences)
    assert (in_context.ilabel == 0).any()
    result = remove_input_epsilons(in_context, sequences)
    found = best_of(((tuple(sound(windows[label], tree) for label in labels),
                      tuple(word for output in outputs for word in sequences.words(output))), score)
                    for labels, outputs, score in all_paths(result, 3))
    expected = best_of(((tuple(sound(window, tree) for window in windows_over(phones, tree)), outputs), score)
                       for phones, outputs, score in all_paths(graph, 3))
    assert len(expected) > 3 and found.keys() == expected.keys()
    assert all(found[key] == pytest.approx(expected[key], abs=1e-4) for key in expected)


def test_an_epsilon_gives_its_word_with_the_phone_before_it():
    tree, sequences = random_tree(TOPOLOGY, 3, 1), WordSequences(10)
    graph = Arcs.from_lists([(0, 1, 2, 5, 0.0), (1, 2, 0, 6, -1.0), (2, 3, 3, 7, 0.0)], [(3, 0.0)])
    result, windows = compose_context(graph, tree, sequences)
    outputs = {windows[label]: sequences.words(int(output)) for label, output in zip(result.ilabel, result.olabel)
               if label}
    assert outputs == {(0, 2, 3): (5, 6), (2, 3, 0): (7,)}
