"""G against the n-gram model's own probabilities, and L o G against OpenFst."""

import math
import random
from collections import defaultdict

import numpy as np
import pytest

from graphs.errors import InputError
from graphs.grammar.arpa import read_arpa
from graphs.grammar.grammar_fst import GrammarReport, make_grammar, make_grammar_fst
from graphs.lang.lexicon_fst import make_lexicon_fst
from graphs.lang.symbols import SymbolTable
from tests.graphs.arpas import arpa_text, oracle_score, random_entries, random_sentences
from tests.graphs.langs import small_lang
from tests.reference import openfst

WORDS = SymbolTable(["a", "b", "c", "d", "<unk>", "#0", "<s>", "</s>"])
LOG_10 = math.log(10.0)


def read(tmp_path, entries):
    path = tmp_path / "lm.arpa"
    path.write_text(entries if isinstance(entries, str) else arpa_text(entries), encoding="utf-8")
    return read_arpa(path)[0]


class Walker:
    """Scores sentences on G, one arc after another."""

    def __init__(self, arcs, backoff):
        self.arc = defaultdict(dict)
        for src, dst, ilabel, score in zip(arcs.src.tolist(), arcs.dst.tolist(), arcs.ilabel.tolist(),
                                           arcs.score.tolist()):
            assert ilabel not in self.arc[src], "two arcs with one label"
            self.arc[src][ilabel] = (dst, score)
        self.final = dict(zip(arcs.final_state.tolist(), arcs.final_score.tolist()))
        self.backoff = backoff

    def exact(self, word_ids):
        """Backs off only where no arc carries the word (failure transitions)."""
        state, total = 0, 0.0
        for word_id in word_ids:
            while word_id not in self.arc[state]:
                if self.backoff not in self.arc[state]:
                    return -math.inf
                state, score = self.arc[state][self.backoff]
                total += score
            state, score = self.arc[state][word_id]
            total += score
        while state not in self.final:
            if self.backoff not in self.arc[state]:
                return -math.inf
            state, score = self.arc[state][self.backoff]
            total += score
        return total + self.final[state]

    def best(self, word_ids):
        """Backs off wherever it likes (epsilon transitions)."""
        front = self._with_backoff({0: 0.0})
        for word_id in word_ids:
            after = {}
            for state, total in front.items():
                if word_id in self.arc[state]:
                    dst, score = self.arc[state][word_id]
                    after[dst] = max(total + score, after.get(dst, -math.inf))
            front = self._with_backoff(after)
        return max((total + self.final[state] for state, total in front.items() if state in self.final),
                   default=-math.inf)

    def _with_backoff(self, front):
        waiting, front = list(front), dict(front)
        for state in waiting:
            if self.backoff in self.arc[state]:
                dst, score = self.arc[state][self.backoff]
                if front[state] + score > front.get(dst, -math.inf):
                    front[dst] = front[state] + score
                    waiting.append(dst)
        return front


def walker(arcs):
    return Walker(arcs, WORDS.id_of("#0"))


def ids(sentence):
    return [WORDS.id_of(word) for word in sentence]


@pytest.mark.parametrize("seed", range(12))
def test_sentence_scores_equal_the_model(tmp_path, seed):
    """Random n-grams of order 1 to 4 with missing histories, missing weights, weights above 1."""
    entries = random_entries(seed, order=1 + seed % 4, share=(0.15, 0.5, 0.9)[seed % 3])
    found = walker(make_grammar_fst(read(tmp_path, entries), WORDS))
    for sentence in random_sentences(seed, 80):
        expected = LOG_10 * oracle_score(entries, sentence)
        assert found.exact(ids(sentence)) == pytest.approx(expected, abs=1e-4)
        assert found.best(ids(sentence)) >= expected - 1e-4


def test_arcs_are_kaldis(tmp_path):
    entries = [[(-99.0, "<s>", -0.5), (-0.6, "</s>", None), (-0.4, "a", -0.2), (-0.8, "b", None)],
               [(-0.3, "<s> a", None), (-0.7, "a </s>", None)]]
    arcs, report = make_grammar(read(tmp_path, entries), WORDS)
    backoff, a, b = WORDS.id_of("#0"), WORDS.id_of("a"), WORDS.id_of("b")
    rows = {(int(s), int(d), int(i), int(o)): float(p) / LOG_10 for s, d, i, o, p in
            zip(arcs.src, arcs.dst, arcs.ilabel, arcs.olabel, arcs.score)}
    # states: 0 <s>, 1 empty, 2 a; b has no continuation and is no state
    assert rows == pytest.approx({(0, 1, backoff, 0): -0.5, (2, 1, backoff, 0): -0.2, (1, 2, a, a): -0.4,
                                  (1, 1, b, b): -0.8, (0, 2, a, a): -0.3}, abs=1e-6)
    assert dict(zip(arcs.final_state.tolist(), (arcs.final_score / LOG_10).tolist())) == pytest.approx(
        {1: -0.6, 2: -0.7}, abs=1e-6)
    assert arcs.num_states == 3 and report.ngrams == [3, 2]


def test_words_outside_the_lexicon_are_dropped_and_told(tmp_path):
    entries = random_entries(3, words=("a", "b", "cow", "dog"))
    model = read(tmp_path, entries)
    arcs, report = make_grammar(model, WORDS)
    assert report.unknown_words == ["cow", "dog"] and report.words_without_unigram == ["c", "d"]
    mass = sum(10 ** prob for prob, word, _ in entries[0] if word in ("cow", "dog"))
    assert report.unknown_mass == pytest.approx(mass, rel=1e-4)
    assert report.dropped_ngrams == sum(len(t) for t in model.tables) - 1 - sum(report.ngrams)
    assert "2 words of the LM are not in words.txt" in report.lines()[1]
    found = walker(arcs)
    for sentence in random_sentences(3, 60, words=("a", "b")):
        assert found.exact(ids(sentence)) == pytest.approx(LOG_10 * model.score(sentence), abs=1e-4)


def test_unknown_word_is_left_out_or_mapped(tmp_path):
    entries = random_entries(2, words=("a", "b", "<unk>"))
    model = read(tmp_path, arpa_text(entries).replace("<unk>", "<UNK>"))
    arcs, report = make_grammar(model, WORDS)
    assert WORDS.id_of("<unk>") not in arcs.ilabel and not report.oov_word and report.unknown_words == []
    arcs, report = make_grammar(model, WORDS, oov_word="<unk>")
    assert report.oov_word
    for sentence in random_sentences(2, 40, words=("a", "<unk>")):
        expected = LOG_10 * oracle_score(entries, sentence)
        assert walker(arcs).exact(ids(sentence)) == pytest.approx(expected, abs=1e-4)


def test_words_of_probability_zero_have_no_arc(tmp_path):
    entries = [[(-99.0, "<s>", None), (-0.3, "</s>", None), (-0.5, "a", None), (-99.0, "b", None)]]
    arcs = make_grammar_fst(read(tmp_path, entries), WORDS)
    assert WORDS.id_of("b") not in arcs.ilabel and np.isfinite(arcs.score).all()
    assert walker(arcs).exact(ids(["a", "b"])) == -math.inf


@pytest.mark.parametrize("prob", [-99.0, 0.0, -1.0])
def test_the_start_of_a_sentence_is_no_word_whatever_its_probability(tmp_path, prob):
    entries = [[(prob, "<s>", -0.1), (-0.3, "</s>", None), (-0.5, "a", -0.2), (-99.0, "b", None)],
               [(-0.2, "<s> a", None), (-99.0, "a a", None)]]
    arcs, report = make_grammar(read(tmp_path, entries), WORDS)
    assert (arcs.ilabel > 0).all() and (arcs.olabel > 0).sum() == 2 and report.ngrams == [2, 1]
    assert walker(arcs).exact(ids(["a"])) == pytest.approx(LOG_10 * (-0.2 - 0.2 - 0.3))


def test_what_the_report_says():
    nine = [f"w{n}" for n in range(9)]
    report = GrammarReport(ngrams=[7, 5], unknown_words=nine, unknown_mass=0.125, dropped_ngrams=31,
                           words_without_unigram=nine[:8])
    assert report.lines() == [
        "G holds 7 n-grams of order 1, 5 n-grams of order 2",
        "9 words of the LM are not in words.txt (probability 12.50%, 31 n-grams): w0, w1, w2, w3, w4, w5, w6, w7, ...",
        "8 words of words.txt are not in the LM and cannot be recognized: w0, w1, w2, w3, w4, w5, w6, w7"]
    assert GrammarReport([3], no_end=True).lines() == [
        "G holds 3 n-grams of order 1", "the LM has no </s>: a sentence may end anywhere at no cost"]
    assert GrammarReport([3]).lines() == ["G holds 3 n-grams of order 1"]


def test_model_without_sentence_marks(tmp_path):
    entries = [[(-0.5, "a", None), (-0.2, "b", -0.1)], [(-0.1, "b a", None)]]
    model = read(tmp_path, entries)
    arcs, report = make_grammar(model, WORDS)
    assert report.no_end and "may end anywhere" in report.lines()[-1]
    sentence, expected = ["b", "a", "b", "b"], -0.2 - 0.1 - 0.2 - 0.1 - 0.2
    assert walker(arcs).exact(ids(sentence)) == pytest.approx(LOG_10 * expected)
    assert model.score(sentence) == pytest.approx(expected)


def test_back_off_pays_for_histories_that_are_no_states(tmp_path):
    """After "a b" nothing of two words follows b: what backing off from b costs is paid on the way to the empty one."""
    entries = [[(-99.0, "<s>", None), (-0.9, "</s>", None), (-0.5, "a", -0.1), (-0.6, "b", -0.25), (-0.7, "c", None)],
               [(-0.2, "a b", -0.125)], [(-0.3, "a b c", None)]]
    found = walker(make_grammar_fst(read(tmp_path, entries), WORDS))
    assert found.exact(ids(["a", "b", "c"])) == pytest.approx(LOG_10 * (-0.5 - 0.2 - 0.3 - 0.9))
    assert found.exact(ids(["a", "b", "a"])) == pytest.approx(LOG_10 * (-0.5 - 0.2 - 0.125 - 0.25 - 0.5 - 0.1 - 0.9))
    assert found.exact(ids(["b", "a"])) == pytest.approx(LOG_10 * (-0.6 - 0.25 - 0.5 - 0.1 - 0.9))


def test_the_first_ngram_of_the_file_is_a_history_like_others(tmp_path):
    entries = [[(-0.5, "a", -0.1), (-0.6, "b", -0.25), (-0.9, "</s>", None)],
               [(-0.2, "a b", None), (-0.3, "b a", None)]]
    found = walker(make_grammar_fst(read(tmp_path, entries), WORDS))
    assert found.exact(ids(["b", "a", "b"])) == pytest.approx(LOG_10 * (-0.6 - 0.3 - 0.2 - 0.25 - 0.9))


def test_an_order_of_which_nothing_is_left_is_no_order(tmp_path):
    entries = [[(-99.0, "<s>", None), (-0.9, "</s>", None), (-0.5, "a", -0.1), (-0.6, "cow", -0.25)],
               [(-0.2, "a cow", -0.1), (-0.3, "cow a", None)], [(-0.3, "a cow a", None)]]
    arcs, report = make_grammar(read(tmp_path, entries), WORDS)
    assert report.ngrams == [2] and report.dropped_ngrams == 4 and report.lines()[0] == "G holds 2 n-grams of order 1"
    assert walker(arcs).exact(ids(["a"])) == pytest.approx(LOG_10 * (-0.5 - 0.1 - 0.9))


def test_no_common_word_is_an_error(tmp_path):
    with pytest.raises(InputError, match="expected words of words.txt, found none of them"):
        make_grammar(read(tmp_path, random_entries(0, words=("x", "y"))), WORDS)


def random_phones(lang, sentence, walk, rng):
    """Input labels of L o G, words and score of one way through it: variants, silence and back-off drawn."""
    silence = [lang.phones.id_of("SIL"), lang.silence_disambig]
    entries = defaultdict(list)
    for entry, number in zip(lang.lexicon, lang.disambiguation):
        labels = [lang.phones.id_of(phone) for phone in entry.phones]
        labels += [lang.phones.id_of(f"#{number}")] * bool(number)
        entries[entry.word].append((labels, entry.probability))
    phones, score, state = [], 0.0, 0

    def gap():
        silent = rng.random() < 0.5
        phones.extend(silence if silent else [])
        return math.log(lang.silence_prob if silent else 1 - lang.silence_prob)

    def back_off(word_id):
        nonlocal state
        total = 0.0
        while walk.backoff in walk.arc[state] and (rng.random() < 0.2 or not (
                word_id in walk.arc[state] if word_id else state in walk.final)):
            state, weight = walk.arc[state][walk.backoff]
            phones.append(lang.phones.id_of("#0"))
            total += weight
        return total

    score += gap()
    for word in sentence:
        word_id = lang.words.id_of(word)
        score += back_off(word_id)
        state, weight = walk.arc[state][word_id]
        labels, probability = rng.choice(entries[word])
        phones.extend(labels)
        score += weight + math.log(probability) + gap()
    score += back_off(None)
    return phones, [lang.words.id_of(word) for word in sentence], score + walk.final[state]


@openfst.needs_openfst
def test_composed_with_the_lexicon_by_openfst(tmp_path):
    """Ways through L o G, drawn by their definition, come out of OpenFst's L o G with words and score."""
    lang = small_lang()
    words = ("b", "bee", "bad", "add")
    grammar = make_grammar_fst(read(tmp_path, random_entries(7, words=words)), lang.words)
    walk = Walker(grammar, lang.words.id_of("#0"))
    rng = random.Random(1)
    drawn = [random_phones(lang, sentence, walk, rng) for sentence in random_sentences(4, 25, words)]
    fsts = {"L": make_lexicon_fst(lang, disambig=True), "G": grammar}
    steps = [("compose", "L", "G", "LG"), ("arcsort", "LG", "ilabel")]
    for i, (phones, _, _) in enumerate(drawn):
        fsts[f"in{i}"] = openfst.linear(phones)
        steps += [("compose", f"in{i}", "LG", f"out{i}"), ("shortest_path", f"out{i}")]
    results = openfst.run(fsts, steps, [f"out{i}" for i in range(len(drawn))])
    for i, (phones, word_ids, score) in enumerate(drawn):
        found = openfst.single_path(results[f"out{i}"])
        assert found[:2] == (phones, word_ids)
        assert found[2] == pytest.approx(score, abs=1e-3)


@openfst.needs_openfst
def test_lexicon_and_grammar_determinize_in_openfst(tmp_path):
    """Homophones, prefixes, back-off: without disambiguation symbols this would not end."""
    if not openfst.has_kaldifst:
        pytest.skip("only kaldifst has determinize_star: pip install kaldifst")
    lang = small_lang()
    grammar = make_grammar_fst(read(tmp_path, random_entries(9, words=("b", "bee", "bad"))), lang.words)
    fsts = {"L": make_lexicon_fst(lang, disambig=True), "G": grammar}
    result = openfst.run(fsts, [("compose", "L", "G", "LG"), ("determinize_star", "LG")], ["LG"])["LG"]
    labels = sorted(zip(result.src.tolist(), result.ilabel.tolist()))
    assert len(labels) > 50 and len(set(labels)) == len(labels)  # one arc for each label at most
