"""Composition, intersection and union of lattices against enumeration, and against OpenFst."""

import math

import numpy as np
import pytest

from graphs.errors import InputError
from graphs.fst.arcs import Arcs
from graphs.lang.symbols import SymbolTable
from graphs.lattices.compose import compose, intersect, union
from graphs.lattices.project import to_words
from graphs.lattices.structure import statistics
from tests.graphs.arpas import oracle_score
from tests.graphs.lattices.material import best_of_sentences, path_list, random_of_both, same_paths
from tests.graphs.lattices.test_lattice import by_hand, random_lattice
from tests.reference import openfst

SEEDS = range(60)
WORDS = SymbolTable(["a", "b", "c", "#0", "<s>", "</s>"])


def random_acceptor(seed, num_states=4):
    """Over words 1 to 3; epsilons lead to higher states, so that there is no cycle of them."""
    rng = np.random.default_rng(seed)
    arcs = [(int(rng.integers(num_states)), int(rng.integers(num_states)), label, label, float(rng.normal()))
            for label in (1, 2, 3) for _ in range(5)]
    arcs += [(src, dst, 0, 0, float(rng.normal())) for src, dst in ((0, 2), (1, 3), (2, 3))]
    return Arcs.from_lists(arcs, [(int(rng.integers(num_states)), float(rng.normal())), (3, -0.5)], num_states)


def accepted_score(acceptor, words):
    """The best score of a word sequence, -inf for none."""
    arcs = sorted(zip(*(column.tolist() for column in (acceptor.src, acceptor.dst, acceptor.ilabel, acceptor.score))))
    best = {0: 0.0}
    for word in (*words, None):
        for _ in range(acceptor.num_states):  # ways through epsilons, in whatever order the states are numbered
            for src, dst, label, score in arcs:
                if label == 0 and src in best:
                    best[dst] = max(best.get(dst, -math.inf), best[src] + score)
        if word is not None:
            after = {}
            for src, dst, label, score in arcs:
                if label == word and src in best:
                    after[dst] = max(after.get(dst, -math.inf), best[src] + score)
            best = after
    finals = zip(acceptor.final_state.tolist(), acceptor.final_score.tolist())
    return max((best[state] + score for state, score in finals if state in best), default=-math.inf)


def best_of_paths(paths):
    """(words, transition_ids) -> best score."""
    best = {}
    for words, ids, *_, score in paths:
        best[words, ids] = max(score, best.get((words, ids), -math.inf))
    return best


def same_scores(found, expected):
    assert found.keys() == expected.keys()
    assert all(found[key] == pytest.approx(score, abs=1e-4) for key, score in expected.items())


class BackoffModel:
    """A language model by its definition: states are histories."""

    def __init__(self, entries):
        self.entries, self.histories, self.start = entries, [()], 0

    def _score(self, sentence):
        return math.log(10.0) * oracle_score(self.entries, ["abc"[word - 1] for word in sentence])

    def advance(self, states, word_ids):
        after = [(*self.histories[state], word) for state, word in zip(states.tolist(), word_ids.tolist())]
        self.histories += after
        return np.zeros(len(after)), np.arange(len(self.histories) - len(after), len(self.histories))

    def final(self, states):
        return np.array([self._score(self.histories[state]) for state in states])


def test_a_model_that_gives_a_word_no_probability_ends_its_paths():
    class NoTwo(BackoffModel):
        def advance(self, states, word_ids):
            score, after = super().advance(states, word_ids)
            return np.where(word_ids == 2, -np.inf, score), after

        def final(self, states):
            return np.full(len(states), -0.25)
    for seed in range(10):
        lattice = random_of_both(seed)
        expected = [(words, ids, a, g - 0.5, s - 0.5) for words, ids, a, g, s in path_list(lattice) if 2 not in words]
        if expected:
            same_paths(path_list(compose(lattice, NoTwo([]), 2.0)), expected)


def test_paths_end_where_a_model_ends():
    class AfterOne(BackoffModel):
        def final(self, states):
            return np.array([0.0 if self.histories[state][-1:] == (1,) else -np.inf for state in states])
    for seed in range(10):
        lattice = random_of_both(seed)
        expected = [path for path in path_list(lattice) if path[0][-1:] == (1,)]
        if expected:
            same_paths(path_list(compose(lattice, AfterOne([]))), expected)


def test_room_is_made_for_many_pairs():
    """A model that tells all histories apart and gives all words 0 changes no path."""
    class Indifferent(BackoffModel):
        def final(self, states):
            return np.zeros(len(states))
    lattice = random_lattice(0, num_frames=10)
    found = compose(lattice, Indifferent([]))
    assert found.num_states > 1024
    assert statistics(found).log10_paths == pytest.approx(statistics(lattice).log10_paths)
    assert found.best_path().score == pytest.approx(lattice.best_path().score)


def test_epsilons_are_followed_through_all_states_to_the_last():
    acceptor = Arcs.from_lists([(0, 1, 0, 0, -0.25), (1, 2, 0, 0, -0.5), (2, 2, 1, 1, -1.0)], [(2, -2.0)])
    assert compose(by_hand(), acceptor).best_path().graph == -0.75 - 3.75


def test_acceptors_that_cannot_be_followed_are_refused():
    lattice = random_lattice(1)
    with pytest.raises(InputError, match="acceptor: expected no cycle of epsilons"):
        compose(lattice, Arcs.from_lists([(0, 1, 0, 0, 0.0), (1, 0, 0, 0, 0.0), (1, 1, 1, 1, 0.0)], [(1, 0.0)]))
    with pytest.raises(InputError, match="acceptor, state 0: expected one failure arc, found two"):
        compose(lattice, Arcs.from_lists([(0, 1, 9, 0, 0.0), (0, 2, 9, 0, 0.0)], [(1, 0.0)]), backoff=9)
    with pytest.raises(InputError, match="expected no 1, the label of failure arcs"):
        compose(lattice, Arcs.from_lists([(0, 0, 2, 2, 0.0)], [(0, 0.0)]), backoff=1)


def test_words_that_the_acceptor_does_not_know_end_nowhere():
    acceptor = Arcs.from_lists([(0, 0, 1, 1, 0.0)], [(0, 0.0)])
    with pytest.raises(InputError, match="a path that is accepted"):
        compose(by_hand(word_id=[5, 0, 0]), acceptor)


def test_of_several_ways_with_a_word_between_two_states_there_is_one():
    acceptor = Arcs.from_lists([(0, 0, 1, 1, -2.0), (0, 0, 1, 1, -1.0)], [(0, -3.0), (0, -0.5)])
    found = compose(by_hand(), acceptor)
    assert (found.num_arcs, found.best_path().graph) == (3, -1.5 - 0.75)


def test_weights_and_scales_are_one_unless_said():
    one, other = by_hand(), by_hand(word_id=[2, 0, 0], acoustic=[-9.0, 0.0, 0.0], graph=[-7.0, 0.0, 0.0])
    both = intersect(one, by_hand(graph=[-0.5, -1.0, -0.25])).best_path()
    assert (both.acoustic, both.graph) == (-6.0, -2.5)
    united = union([one, other])
    assert united.arc_posteriors()[united.word_id > 0] == pytest.approx([0.5, 0.5])


def test_lattices_that_make_no_union_are_refused():
    lattice = random_lattice(1)
    with pytest.raises(InputError, match="lattice v of 4 frames: expected utt of 4, as the first"):
        union([lattice, random_lattice(2, name="v")])
    with pytest.raises(InputError, match="lattice utt of 3 frames"):
        union([lattice, random_lattice(2, num_frames=3)])
    with pytest.raises(InputError, match="weights of lattices: expected 1 numbers from 0 up"):
        union([lattice], [0.0])
    with pytest.raises(InputError, match="graph_scale: expected a number above 0"):
        union([lattice], [1.0], 0.0)


@openfst.needs_openfst
def test_openfst_composes_to_the_same_sentences_and_scores():
    for seed in range(3):
        lattice, acceptor = random_of_both(seed), random_acceptor(seed)
        theirs = openfst.run({"lattice": to_words(lattice), "acceptor": acceptor},
                             [("compose", "lattice", "acceptor", "both"), ("connect", "both")], ["both"])["both"]
        sentences = best_of_sentences(lattice)
        expected = {words: accepted_score(theirs, words) for words in sentences}
        found = {words: path[-1] for words, path in best_of_sentences(compose(lattice, acceptor)).items()}
        same_scores(found, {words: score for words, score in expected.items() if score > -math.inf})


@pytest.mark.parametrize("factor", [math.nan, math.inf, -math.inf, "1", None])
def test_a_factor_that_is_no_number_is_refused(factor):
    lattice, anything = by_hand(), Arcs([0], [0], [1], [1], [0.5], [0], [0.0], 1)
    for ask in (lambda: compose(lattice, anything, factor), lambda: intersect(lattice, lattice, factor)):
        with pytest.raises(InputError, match="size of scale of the acceptor: expected a number from 0 to 1e.30"):
            ask()


def test_a_score_that_is_none_does_not_come_through():
    lattice = by_hand(acoustic=[-1.0, math.nan, 0.0])
    for ask in (lambda: compose(lattice, Arcs([0], [0], [1], [1], [0.5], [0], [0.0], 1)),
                lambda: intersect(lattice, by_hand())):
        with pytest.raises(InputError, match="lattice u, arc 1: expected a score, found nan"):
            ask()
