"""G as a language model, against walking G with every way to back off."""

import math

import numpy as np
import pytest

from graphs.errors import InputError
from graphs.fst.arcs import Arcs
from graphs.grammar.arpa import read_arpa
from graphs.grammar.grammar_fst import make_grammar_fst
from graphs.grammar.grammar_lm import GrammarLm, _distinct_rows
from graphs.lang.symbols import SymbolTable
from tests.graphs.arpas import arpa_text, random_entries, random_sentences
from tests.graphs.grammar.test_grammar_fst import Walker

WORDS = SymbolTable(["a", "b", "c", "d", "<unk>", "#0", "<s>", "</s>"])


def grammar(tmp_path, entries, oov_word=None):
    path = tmp_path / "lm.arpa"
    path.write_text(arpa_text(entries), encoding="utf-8")
    return make_grammar_fst(read_arpa(path)[0], WORDS, oov_word)


def score(lm, word_ids):
    state, total = np.array([lm.start]), 0.0
    for word_id in word_ids:
        value, state = lm.advance(state, np.array([word_id]))
        total += value[0]
    return total + lm.final(state)[0]


def ids(sentence):
    return [WORDS.id_of(word) for word in sentence]


@pytest.mark.parametrize("seed", range(8))
def test_sentences_score_as_on_the_best_of_all_ways_to_back_off(tmp_path, seed):
    arcs = grammar(tmp_path, random_entries(seed, order=1 + seed % 4, share=(0.3, 0.6, 0.9)[seed % 3]))
    lm, walker = GrammarLm(arcs, WORDS.id_of("#0")), Walker(arcs, WORDS.id_of("#0"))
    better = 0
    for sentence in map(ids, random_sentences(seed, 60)):
        expected = walker.best(sentence)
        assert score(lm, sentence) == pytest.approx(expected, abs=1e-6)
        better += expected > walker.exact(sentence) + 1e-6
    assert better or seed % 4 == 0  # an order of 1 has nothing to back off from but <s>


def test_many_at_once_as_one_by_one_and_states_meet(tmp_path):
    arcs = grammar(tmp_path, random_entries(5, order=4, share=0.7))
    lm, other = GrammarLm(arcs, WORDS.id_of("#0")), GrammarLm(arcs, WORDS.id_of("#0"))
    rng = np.random.default_rng(1)
    states = np.zeros(50, np.int64)
    alone, totals, other_totals = [lm.start] * 50, np.zeros(50), np.zeros(50)
    for _ in range(6):
        word_ids = rng.integers(1, 5, 50)
        scores, states = lm.advance(states, word_ids)
        totals += scores
        for i in range(50):
            value, state = other.advance(np.array([alone[i]]), word_ids[i:i + 1])
            other_totals[i] += value[0]
            alone[i] = int(state[0])
    np.testing.assert_allclose(totals, other_totals, atol=1e-9)
    same = states[:, None] == states
    assert (same == (np.array(alone)[:, None] == np.array(alone))).all() and same.sum() > 50
    assert scores.dtype == np.float64 and states.dtype == np.int64
    lm.reset()
    assert score(lm, [1, 2, 3]) == pytest.approx(score(other, [1, 2, 3]), abs=1e-9)
    assert [len(x) for x in lm.advance(states[:0], states[:0])] == [0, 0]


def test_words_that_g_never_gives(tmp_path):
    arcs = grammar(tmp_path, random_entries(2, words=("a", "b")))
    lm = GrammarLm(arcs, WORDS.id_of("#0"))
    scores, states = lm.advance(np.array([0, 0]), np.array([WORDS.id_of("c"), 10 ** 6]))
    assert np.isneginf(scores).all() and np.isneginf(lm.final(states)).all()
    assert np.isneginf(lm.advance(states, np.array([1, 1]))[0]).all()


def test_the_unknown_word_and_a_word_of_its_name_are_two_arcs(tmp_path):
    entries = [[(-99.0, "<s>", -0.1), (-1.0, "</s>", None), (-0.5, "<unk>", -0.2), (-0.7, "d", -0.9)],
               [(-0.3, "<s> d", None), (-0.4, "d d", None), (-0.6, "<unk> d", None)]]
    lm = GrammarLm(grammar(tmp_path, entries, oov_word="d"), WORDS.id_of("#0"))
    # the best "d d" is two unknown words; as the word itself it is -0.3 - 0.4 - 0.9 - 1.0
    log_10 = math.log(10.0)
    assert score(lm, ids("dd")) == pytest.approx((-0.1 - 0.5 - 0.2 - 0.5 - 0.2 - 1.0) * log_10, abs=1e-6)
    assert score(lm, ids("d")) == pytest.approx((-0.1 - 0.5 - 0.2 - 1.0) * log_10, abs=1e-6)


def test_a_g_of_one_word_that_lies_behind_every_other_state():
    lm = GrammarLm(Arcs.from_lists([(0, 1, 9, 0, -1.0), (1, 2, 9, 0, -0.5), (2, 2, 1, 1, -0.25)], [(2, -0.125)]), 9)
    assert score(lm, []) == -1.625 and score(lm, [1]) == -1.875 and score(lm, [1, 1]) == -2.125
    assert score(lm, [2]) == -math.inf


def test_what_is_no_g_is_refused():
    with pytest.raises(InputError, match="at most one back-off arc"):
        GrammarLm(Arcs.from_lists([(0, 1, 9, 0, -1.0), (0, 2, 9, 0, -1.0)], [(1, 0.0)]), 9)
    with pytest.raises(InputError, match="circle"):
        GrammarLm(Arcs.from_lists([(0, 1, 9, 0, -1.0), (1, 0, 9, 0, -1.0)], [(1, 0.0)]), 9)


def test_rows_of_one_sum_are_told_apart(monkeypatch):
    rows = np.array([[1, 2], [2, 1], [1, 2], [0, 3]])
    for factors in ([3, 5], [1, 1]):  # with the latter all sums are 3
        monkeypatch.setattr(np.random, "default_rng", lambda seed: FixedFactors(factors))
        distinct, place, inverse = _distinct_rows(rows)
        assert distinct[inverse].tolist() == rows.tolist() and len(distinct) == 3
        assert rows[place].tolist() == distinct.tolist()


class FixedFactors:
    def __init__(self, factors):
        self.factors = factors

    def integers(self, low, high, size, dtype):
        return np.array(self.factors, dtype)
