"""Rescoring against enumeration of every path, each scored by an oracle that shares no code with the LMs."""

import math
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest

from graphs.errors import InputError
from graphs.grammar.arpa import read_arpa
from graphs.grammar.grammar_fst import make_grammar_fst
from graphs.grammar.grammar_lm import GrammarLm
from graphs.grammar.ngram_lm import NgramLm
from graphs.grammar.sentences import SentenceSet, WordHistories
from graphs.grammar.weighted_lm import Term
from graphs.lang.symbols import SymbolTable
from graphs.lattices.lattice import Lattice
from graphs.lattices.rescore import EXACT, RescoreOptions, expand, rescore
from tests.graphs.arpas import arpa_text, oracle_score, random_entries
from tests.graphs.grammar.test_grammar_fst import Walker
from tests.graphs.lattices.material import path_list, random_lattice, random_of_both

SYMBOLS = ("a", "b", "c")
WORDS = SymbolTable([*SYMBOLS, "#0", "<s>", "</s>"])
BACKOFF, LOG_10 = WORDS.id_of("#0"), math.log(10.0)


def model(tmp_path, seed, order, share=0.6):
    entries = random_entries(seed, order, SYMBOLS, share)
    path = tmp_path / f"{seed}.arpa"
    path.write_text(arpa_text(entries), encoding="utf-8")
    return entries, read_arpa(path)[0]


class HashLm:
    """Knows all words so far, as neural models do, and scores them as it likes."""

    start = 0

    def __init__(self):
        self.advances = []
        self.reset()

    def reset(self):
        self.words = [()]

    def advance(self, states, word_ids):
        self.advances.append(len(states))
        assert len(set(zip(states.tolist(), word_ids.tolist()))) == len(states), "a question asked twice"
        after = np.arange(len(states)) + len(self.words)
        said = [(*self.words[s], w) for s, w in zip(states.tolist(), word_ids.tolist())]
        self.words += said
        return np.array([self.score(words) for words in said]), after

    def final(self, states):
        return np.array([self.score((*self.words[s], -1)) for s in states.tolist()])

    def score(self, words):
        rng = np.random.default_rng([word + 1 for word in words])
        return -3 * rng.random()

    def sentence(self, word_ids):
        said = (*word_ids, -1)
        return sum(self.score(said[:end]) for end in range(1, len(said) + 1))


def paths_of(lattice):
    """{(words, transition_ids, acoustic): graph scores, sorted}."""
    found = defaultdict(list)
    for words, transition_ids, acoustic, graph, _ in path_list(lattice):
        found[words, transition_ids, round(acoustic, 3)].append(graph)
    return {key: sorted(scores) for key, scores in found.items()}


def check_paths(found, lattice, added):
    """added: words -> what each path's graph score has more than in the lattice."""
    expected = {key: [score + added(key[0]) for score in scores] for key, scores in paths_of(lattice).items()}
    found = paths_of(found)
    assert found.keys() == expected.keys()
    for key, scores in expected.items():
        assert found[key] == pytest.approx(scores, abs=1e-4)


@pytest.mark.parametrize("seed", range(8))
def test_every_path_has_the_new_score_instead_of_the_old(tmp_path, seed):
    _, old = model(tmp_path, seed, 2)
    entries, new = model(tmp_path, seed + 100, 1 + seed % 4)
    arcs = make_grammar_fst(old, WORDS)
    walker = Walker(arcs, BACKOFF)
    lattice = random_of_both(seed)
    found = rescore(lattice, [Term(GrammarLm(arcs, BACKOFF), -1.0), Term(NgramLm(new, WORDS), 1.0)])
    found.check()

    def added(words):
        return LOG_10 * oracle_score(entries, [WORDS.symbol_of(w) for w in words]) - walker.best(words)
    check_paths(found, lattice, added)


@pytest.mark.parametrize("seed", range(4))
def test_with_the_lm_it_was_made_with_a_lattice_stays_what_it_is(tmp_path, seed):
    lm = GrammarLm(make_grammar_fst(model(tmp_path, seed, 3)[1], WORDS), BACKOFF)
    again = GrammarLm(make_grammar_fst(model(tmp_path, seed, 3)[1], WORDS), BACKOFF)
    lattice = random_of_both(seed + 10)
    for options in (EXACT, RescoreOptions(beam=2.0, acoustic_scale=0.7, max_histories=2)):
        found = rescore(lattice, [Term(lm, -1.0), Term(again, 1.0)], options)
        before, after = (x.best_path(1.0, options.acoustic_scale) for x in (lattice, found))
        assert after.word_ids == before.word_ids and after.score == before.score and after.graph == before.graph
        assert after.transition_ids.tolist() == before.transition_ids.tolist()


@pytest.mark.parametrize("seed", range(4))
def test_a_model_that_tells_all_histories_apart(seed):
    lattice, lm = random_lattice(seed, num_frames=4, width=2), HashLm()
    check_paths(rescore(lattice, [Term(lm, 0.5, merged=True)]), lattice, lambda words: 0.5 * lm.sentence(words))
    assert len(lm.words) == len(set(lm.words)), "a history scored twice"
    assert len(lm.advances) < lattice.num_arcs / 2 and max(lm.advances) > 2, "many words at once"


def test_terms_stand_apart_until_they_are_weighted():
    lattice, lm, other = random_lattice(2, num_frames=4, width=2), HashLm(), HashLm()
    rescored = expand(lattice, [Term(lm, 1.0), Term(other, -1.0)])
    assert rescored.lm_scores.shape == (rescored.lattice.num_arcs, 2)
    check_paths(rescored.weighted([0.25, 0.5]), lattice, lambda words: 0.75 * lm.sentence(words))
    assert paths_of(rescored.weighted([0.0, 0.0])) == paths_of(rescored.lattice)


@pytest.mark.parametrize("seed", range(4))
def test_merged_histories_score_as_one_of_them(seed):
    """With max_order n the score of a word is one after a history that ends in the same n - 1 words."""
    lattice, lm = random_lattice(seed, num_frames=5, width=2), HashLm()
    exact = rescore(lattice, [Term(lm, 1.0, merged=True)])
    states = []
    for max_order in (1, 2, 3):
        options = replace(EXACT, max_order=max_order)
        found = rescore(lattice, [Term(lm, 1.0, merged=True)], options)
        found.check()
        assert paths_of(found).keys() == paths_of(exact).keys()
        states.append(found.num_states)
        unmerged = rescore(lattice, [Term(lm, 1.0, merged=False)], options)
        assert paths_of(unmerged) == paths_of(exact)
    assert lattice.num_states == states[0] <= states[1] < states[2] < exact.num_states


@pytest.mark.parametrize("winner", [1, 2])
def test_the_best_of_merged_histories_speaks_for_all(winner):
    """Of two first words the better one, by acoustic and all other scores, is what the third word comes after."""
    ids = np.array([1, 1, 1, 1])
    acoustic = np.array([100.0 * (winner == 1), 100.0 * (winner == 2), 0.0, 0.0])
    lattice = Lattice("utt", 3, [0, 0, 1, 2], [1, 1, 2, 3], ids, np.array([1, 2, 1, 2]), acoustic, np.zeros(4))
    lm = HashLm()
    found = rescore(lattice, [Term(lm, 1.0, merged=True)], replace(EXACT, max_order=2))
    rest = lm.score((winner, 1, 2)) + lm.score((winner, 1, 2, -1))
    assert {key[0]: scores[0] for key, scores in paths_of(found).items()} == pytest.approx({
        (first, 1, 2): lm.score((first,)) + lm.score((first, 1)) + rest for first in (1, 2)}, abs=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_a_beam_keeps_the_best_path_and_drops_what_is_far(seed):
    lattice, lm = random_of_both(seed + 4), HashLm()
    exact = rescore(lattice, [Term(lm, 1.0)])
    best = exact.best_path(1.0, 0.5)
    found = rescore(lattice, [Term(lm, 1.0)], RescoreOptions(max_order=0, beam=4.0, acoustic_scale=0.5))
    found.check()
    assert found.num_arcs < exact.num_arcs
    assert found.best_path(1.0, 0.5).score == pytest.approx(best.score, abs=1e-5)
    assert found.best_path(1.0, 0.5).word_ids == best.word_ids
    totals, _ = found.forward_backward(found.scores(1.0, 0.5), best=True)
    _, backward = found.forward_backward(found.scores(1.0, 0.5), best=True)
    through = totals[found.src] + found.scores(1.0, 0.5) + backward[found.dst]
    assert through.min() >= best.score - 4.0 - 1e-4


def test_the_beam_is_that_of_single_paths_however_many_there_are():
    acoustic = np.append(0.0, np.full(20, -3.9))
    lattice = Lattice("utt", 1, np.zeros(21, int), np.ones(21, int), np.ones(21, int), np.arange(1, 22), acoustic,
                      np.zeros(21))
    for beam, number in ((4.0, 21), (3.8, 1)):
        assert rescore(lattice, [Term(HashLm(), 0.01)], RescoreOptions(0, beam, acoustic_scale=1.0)).num_arcs == number


def test_no_model_is_asked_about_what_is_far_from_the_best():
    """By the lattice's own scores of what is to come, too: word 3 comes before a good end, word 2 before none."""
    arcs = [(0, 1, 1, 0.0), (0, 2, 2, 0.0), (0, 3, 3, -6.0), (1, 4, 0, 0.0), (2, 4, 0, -9.0), (3, 4, 0, 0.0)]
    src, dst, word_id, acoustic = map(np.array, zip(*arcs))
    lattice, lm = Lattice("utt", 2, src, dst, np.ones(6, int), word_id, acoustic, np.zeros(6)), HashLm()
    found = rescore(lattice, [Term(lm, 0.01)], replace(EXACT, beam=8.0, acoustic_scale=1.0))
    assert lm.words == [(), (1,), (3,)] and {key[0] for key in paths_of(found)} == {(1,), (3,)}
    lm = HashLm()
    found = rescore(lattice, [Term(lm, 1.0)], replace(EXACT, beam=8.0, acoustic_scale=0.1))
    assert lm.words == [(), (1,), (2,), (3,)] and len(paths_of(found)) == 3


def test_of_the_histories_at_a_state_the_best_are_kept():
    arcs = [(0, 1, 1, -1.0), (0, 1, 2, 0.0), (0, 1, 3, -2.0), (1, 2, 1, 0.0)]
    src, dst, word_id, acoustic = map(np.array, zip(*arcs))
    lattice = Lattice("utt", 2, src, dst, np.ones(4, int), word_id, acoustic, np.zeros(4))
    for number, kept in ((1, {2}), (2, {1, 2}), (3, {1, 2, 3})):
        found = rescore(lattice, [Term(HashLm(), 0.01)], replace(EXACT, max_histories=number, acoustic_scale=1.0))
        assert {key[0][0] for key in paths_of(found)} == kept


def test_few_histories_at_a_state():
    lattice, lm = random_lattice(3, num_frames=5, width=3), HashLm()
    exact = rescore(lattice, [Term(lm, 1.0)])
    sizes = []
    for number in (1, 2, 4):
        found = rescore(lattice, [Term(lm, 1.0)], replace(EXACT, max_histories=number))
        found.check()
        assert found.num_states <= number * lattice.num_states
        sizes.append(found.num_arcs)
        assert set(paths_of(found)) <= set(paths_of(exact))
    assert sizes[0] < sizes[1] < sizes[2] < exact.num_arcs


def test_too_many_arcs_make_the_beam_narrower():
    lattice, lm = random_lattice(3, num_frames=5, width=3), HashLm()
    exact = rescore(lattice, [Term(lm, 1.0)])
    assert expand(lattice, [Term(lm, 1.0)], replace(EXACT, max_arcs=exact.num_arcs)).beam == math.inf
    found = expand(lattice, [Term(lm, 1.0)], replace(EXACT, max_arcs=60, acoustic_scale=1.0))
    assert found.beam in [20 * 0.75 ** n for n in range(1, 15)] and found.lattice.num_arcs <= 60 < exact.num_arcs
    same = rescore(lattice, [Term(lm, 1.0)], replace(EXACT, beam=found.beam, acoustic_scale=1.0))
    assert paths_of(same) == paths_of(found.weighted([1.0]))
    with pytest.raises(InputError, match="at most 3 arcs, found more with a beam of 0.4"):
        rescore(lattice, [Term(lm, 1.0)], replace(EXACT, max_arcs=3))
    with pytest.raises(InputError, match="at most 3 arcs, found more with a beam of 0.375"):
        rescore(lattice, [Term(lm, 1.0)], replace(EXACT, beam=0.5, max_arcs=3))


def test_a_partial_lattice_has_no_sentence_end():
    lattice, lm = random_lattice(1, num_frames=3, width=2), HashLm()
    partial = replace(lattice, partial=True)
    found = rescore(partial, [Term(lm, 1.0)])
    assert found.partial
    check_paths(found, partial, lambda words: lm.sentence(words) - lm.score((*words, -1)))


def test_words_that_a_model_cannot_give(tmp_path):
    class Without(HashLm):
        def score(self, words):
            return -math.inf if words[-1] == 2 else super().score(words)
    lattice, lm = random_lattice(4, num_frames=3, width=2), Without()
    found = rescore(lattice, [Term(lm, 1.0)])
    found.check()
    expected = {key for key in paths_of(lattice) if 2 not in key[0]}
    assert expected == set(paths_of(found)) and expected < set(paths_of(lattice))
    assert set(paths_of(rescore(lattice, [Term(lm, 0.0)]))) == expected
    with pytest.raises(InputError, match="word_id 2 where it cannot: another LM made the lattice"):
        rescore(lattice, [Term(lm, -1.0)])

    class Nothing(HashLm):
        def score(self, words):
            return -math.inf
    with pytest.raises(InputError, match="lattice utt: expected a path that the language models allow, found none"):
        rescore(lattice, [Term(Nothing(), 1.0)])


@pytest.mark.parametrize("change, message", [
    ({"beam": 0.0}, "beam"), ({"acoustic_scale": 0.0}, "acoustic_scale"), ({"acoustic_scale": math.inf}, "acoustic"),
    ({"max_arcs": 0}, "max_arcs"), ({"max_order": -1}, "max_order"), ({"max_histories": -1}, "max_histories")])
def test_options_are_checked(change, message):
    with pytest.raises(ValueError, match=message):
        RescoreOptions(**change)


def test_some_sentences_alone():
    """N-best rescoring: the lattice holds the sentences and nothing else, and no other was asked about."""
    lattice, lm = random_lattice(6, num_frames=4, width=2), HashLm()
    sentences = sorted({key[0] for key in paths_of(lattice)})[::3]
    found = rescore(lattice, [Term(SentenceSet(sentences), 1.0), Term(lm, 1.0)])
    found.check()
    whole = paths_of(rescore(lattice, [Term(HashLm(), 1.0)]))
    assert paths_of(found) == {key: scores for key, scores in whole.items() if key[0] in sentences}
    beginnings = {words[:n] for words in sentences for n in range(1, len(words) + 1)}
    assert set(lm.words) <= beginnings | {()}


@pytest.mark.parametrize("weight", [math.nan, math.inf, None, "1"])
def test_weights_of_language_models_are_numbers(weight):
    lattice = random_lattice(1)
    with pytest.raises(InputError, match="weight of a language model: expected a number"):
        rescore(lattice, [Term(SentenceSet([[1]]), weight)])
    expanded = expand(lattice, [Term(WordHistories(1), 1.0)])
    with pytest.raises(InputError, match="weight of a language model: expected a number"):
        expanded.weighted([weight])
    with pytest.raises(InputError, match="weights of language models: expected 1, found 2"):
        expanded.weighted([1.0, 1.0])
