"""Minimized lattices against enumeration, and their sizes against OpenFst."""

import numpy as np

from graphs.fst.arcs import Arcs
from graphs.lattices.compact_lattice import CompactLattice
from graphs.lattices.minimize import minimize
from graphs.lattices.project import to_words
from tests.graphs.lattices.material import path_list, same_paths
from tests.reference import openfst

SETTING = (1.5, 0.3, 0.0)


def of_sentences(seed, count=12):
    """A tree of random sentences without frames; its scores are those of words in context of nothing."""
    rng = np.random.default_rng(seed)
    score = rng.normal(size=5)
    arcs, number, last = [], 0, 10 ** 6
    for sentence in {tuple(rng.integers(1, 4, rng.integers(1, 6)).tolist()) for _ in range(count)}:
        state = 0
        for word in sentence:
            known = [dst for src, dst, label in arcs if (src, label) == (state, word)]
            number += not known
            arcs += [] if known else [(state, number, word)]
            state = known[0] if known else number
        arcs.append((state, last, 0))
    src, dst, word = np.array(arcs).T
    dst[dst == last] = number + 1
    return CompactLattice("u", 0, src, dst, word, score[word], score[word - 1], [], 0 * src)


def test_endings_of_a_tree_are_shared():
    for seed in range(10):
        tree = of_sentences(seed)
        found = minimize(tree)
        same_paths(path_list(found), path_list(tree))
        futures = set()
        for state in range(found.num_states - 1):
            kept = np.flatnonzero(found.src >= state)
            part = CompactLattice("u", 0, found.src[kept] - state, found.dst[kept] - state, found.word_id[kept],
                                  found.acoustic[kept], found.graph[kept], [], 0 * kept)
            futures.add(tuple(sorted(path[0] for path in path_list(part))))
        assert len(futures) == found.num_states - 1


def test_scores_are_equal_to_a_thousandth():
    """To 1/1024, as in Kaldi: states 1 and 2 differ in the second of their two ways on."""
    for difference, states in ((10.0, 3), (10.4, 3), (10.6, 4), (12.0, 4)):
        graph = np.array([-1.0, -1.0, 0.0, -10.0, 0.0, -difference]) / 1024
        found = minimize(CompactLattice("u", 0, [0, 0, 1, 1, 2, 2], [1, 2, 3, 3, 3, 3], [1, 2, 3, 4, 3, 4], 0 * graph,
                                        graph, [], [0] * 6))
        assert found.num_states == states, difference


def test_scales_are_one_unless_said():
    """From states 1 and 2 another way is the best as soon as either scale is."""
    found = minimize(CompactLattice("u", 0, [0, 0, 1, 1, 2, 2], [1, 2, 3, 3, 3, 3], [1, 2, 3, 4, 3, 4],
                                    [0.0, 0.0, -1.0, 0.0, 1.5, 0.0], [0.0, 0.0, 1.5, 0.0, -1.0, 0.0], [], [0] * 6))
    assert (found.acoustic[:2].tolist(), found.graph[:2].tolist()) == ([-1.0, 1.5], [1.5, -1.0])


def test_states_beside_the_paths_do_not_take_the_place_of_the_start():
    lattice = CompactLattice("u", 0, [0, 1, 2, 3], [3, 3, 3, 4], [5, 9, 5, 6], [0.0] * 4, [0.0] * 4, [], [0] * 4)
    assert minimize(lattice).best_path().word_ids == [5, 6]


@openfst.needs_openfst
def test_openfst_makes_as_few_states():
    tree = of_sentences(0, 40)
    acceptor = to_words(tree)
    last = tree.num_states - 1
    ends = acceptor.dst == last  # epsilons to the end are final weights in OpenFst
    arcs = Arcs(acceptor.src[~ends], acceptor.dst[~ends], acceptor.ilabel[~ends], acceptor.olabel[~ends],
                acceptor.score[~ends], acceptor.src[ends], acceptor.score[ends], tree.num_states)
    theirs = openfst.run({"a": arcs}, [("determinize", "a"), ("minimize", "a")], ["a"])["a"]
    assert minimize(tree).num_states in (theirs.num_states, theirs.num_states + 1)
