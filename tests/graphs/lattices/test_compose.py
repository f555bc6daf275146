"""Composition, intersection and union of lattices against enumeration, and against OpenFst."""

import math

import numpy as np
import pytest

from graphs.errors import InputError
from graphs.fst.arcs import Arcs
from graphs.grammar.arpa import read_arpa
from graphs.grammar.grammar_fst import make_grammar_fst
from graphs.lang.symbols import SymbolTable
from graphs.lattices.compose import compose, intersect, union
from graphs.lattices.determinize import determinize
from graphs.lattices.project import to_transition_ids, to_words
from tests.graphs.arpas import arpa_text, oracle_score, random_entries
from tests.graphs.lattices.material import (
    best_of_sentences, path_list, random_compact_lattice, random_of_both, same_paths)
from tests.graphs.lattices.test_lattice import by_hand, random_lattice
from tests.reference import openfst
from tests.reference.paths import all_paths, logsumexp

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


def test_composed_with_an_acceptor_paths_are_those_that_it_accepts():
    empty = 0
    for seed in SEEDS:
        lattice, acceptor = random_of_both(seed), random_acceptor(seed)
        paths = path_list(lattice)
        accepted = {words: accepted_score(acceptor, words) for words, *_ in paths}
        expected = {(words, ids): score + 2.0 * accepted[words] for (words, ids), score in best_of_paths(paths).items()
                    if accepted[words] > -math.inf}
        if expected:
            found = compose(lattice, acceptor, 2.0)
            found.check()
            same_scores(best_of_paths(path_list(found)), expected)
        else:
            empty += 1
            with pytest.raises(InputError, match="expected a path"):
                compose(lattice, acceptor)
    assert empty < len(SEEDS) / 3


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


def grammar(tmp_path, seed):
    entries = random_entries(seed, words=("a", "b", "c"))
    (tmp_path / "lm.arpa").write_text(arpa_text(entries))
    return entries, make_grammar_fst(read_arpa(tmp_path / "lm.arpa")[0], WORDS)


def test_composed_with_g_and_its_failure_arcs_paths_get_the_scores_of_the_model(tmp_path):
    backoff = WORDS.id_of("#0")
    for seed in range(12):
        lattice = random_of_both(seed)
        entries, arcs = grammar(tmp_path, seed)
        model = BackoffModel(entries)
        expected = [(words, ids, acoustic, graph + model._score(words), score + model._score(words))
                    for words, ids, acoustic, graph, score in path_list(lattice) if model._score(words) > -math.inf]
        if expected:
            found = compose(lattice, arcs, backoff=backoff)
            same_paths(path_list(found), expected)
            same_paths(path_list(compose(lattice, model)), expected)
            same_paths(path_list(compose(found, arcs, -1.0, backoff)), [
                path for path in path_list(lattice) if model._score(path[0]) > -math.inf])


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


def test_the_intersection_has_the_sentences_of_both_and_the_sums_of_their_scores():
    common = 0
    for seed in SEEDS:
        lattice, other = random_of_both(seed), random_of_both(seed + 1)
        if seed % 3:
            other = determinize(other, 1e4).lattice
        best = best_of_sentences(other)
        expected = [(words, ids, a + 0.5 * best[words][1], g + 0.5 * best[words][2], s + 0.5 * best[words][3])
                    for words, ids, a, g, s in path_list(lattice) if words in best]
        if expected:
            common += 1
            found = intersect(lattice, other, 0.5)
            found.check()
            same_scores(best_of_paths(path_list(found)), best_of_paths(expected))
            assert {words for words, *_ in path_list(found)} == {words for words, *_ in expected}
            if seed % 3:
                same_paths(path_list(found), expected)
        else:
            with pytest.raises(InputError, match="expected a path"):
                intersect(lattice, other)
    assert common > len(SEEDS) / 2


@pytest.mark.parametrize("weights", [(), (3.0, 1.0, 0.0), (1.0, 0.0, 2.0)])
def test_posteriors_of_a_union_are_weighted_means(weights):
    for seed in range(20):
        frames = random_lattice(seed, 3, 2)
        parts = [random_compact_lattice(seed), random_compact_lattice(seed + 100), frames]
        for part in parts[:2]:
            part.num_frames = frames.num_frames
        parts = [parts[2], *(stretched(part, frames.num_frames) for part in parts[:2])]
        parts[1].partial = True
        found = union(parts, weights, 1.5, 0.3)
        found.check()
        assert found.partial
        expected = {}
        shares = np.array(weights or (1.0, 1.0, 1.0))
        for part, weight in zip(parts, shares / shares.sum()):
            paths = path_list(part, (1.5, 0.3, 0.0))
            whole = logsumexp([path[-1] for path in paths])
            for words, ids, *_, score in paths:
                expected[words, ids] = expected.get((words, ids), 0.0) + weight * math.exp(score - whole)
        total = {}
        for words, ids, *_, score in path_list(found, (1.5, 0.3, 0.0)):
            total[words, ids] = total.get((words, ids), 0.0) + math.exp(score)
        same_scores(total, {path: share for path, share in expected.items() if share > 0})
        assert sum(total.values()) == pytest.approx(1.0, abs=1e-4)


def stretched(lattice, num_frames):
    """A chain of arcs with the words of the lattice's arcs and alternatives, on that many frames."""
    count = min(lattice.num_arcs, 4)
    src = np.repeat(np.arange(count // 2), 2)
    frames = np.where(src == 0, num_frames, 0)
    return type(lattice)(lattice.utterance_id, num_frames, src, src + 1, lattice.word_id[:len(src)],
                         lattice.acoustic[:len(src)], lattice.graph[:len(src)],
                         np.arange(frames.sum()) % 8 + 1, np.cumsum(frames))


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


def test_projections_have_the_labels_and_scores_of_all_paths():
    for seed in range(20):
        lattice, setting = random_of_both(seed), (1.5, 0.3, 0.7)
        paths = path_list(lattice, setting)
        for project, column in ((to_words, 0), (to_transition_ids, 1)):
            found = sorted((ins, round(score, 3)) for ins, outs, score in all_paths(project(lattice, *setting), 99))
            expected = sorted((path[column], round(path[-1], 3)) for path in paths)
            assert [labels for labels, _ in found] == [labels for labels, _ in expected]
            assert np.allclose([score for _, score in found], [score for _, score in expected], atol=2e-3)
    assert to_words(lattice).score == pytest.approx(lattice.scores())


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
