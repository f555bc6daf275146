import math

import numpy as np
import pytest

from graphs.errors import InputError
from graphs.grammar.arpa import read_arpa
from graphs.grammar.ngram import NgramModel, NgramTable
from graphs.grammar.ngram_lm import NgramLm
from graphs.lang.symbols import SymbolTable
from tests.graphs.arpas import arpa_text, oracle_score, random_entries, random_sentences

WORDS = SymbolTable(["d", "b", "c", "a", "zebra", "<UNK>", "#0", "<s>", "</s>"])
LOG_10 = math.log(10.0)
UNKNOWN = [(-1.5, "<unk>", -0.4)]


def read(tmp_path, entries):
    path = tmp_path / "lm.arpa"
    path.write_text(arpa_text(entries))
    return read_arpa(path)[0]


def score(lm, sentence):
    """Natural log probability of a sentence and the states on its way, one word after another."""
    states, total = [lm.start], 0.0
    for word in sentence:
        value, state = lm.advance(np.array(states[-1:]), np.array([WORDS.id_of(word)]))
        total += value[0]
        states.append(int(state[0]))
    return total + lm.final(np.array(states[-1:]))[0], states


@pytest.mark.parametrize("seed", range(12))
def test_scores_are_those_of_the_definition(tmp_path, seed):
    entries = random_entries(seed, order=1 + seed % 4)
    lm = NgramLm(read(tmp_path, entries), WORDS)
    for sentence in random_sentences(seed, 60):
        assert score(lm, sentence)[0] / LOG_10 == pytest.approx(oracle_score(entries, sentence), abs=2e-5)


@pytest.mark.parametrize("seed", range(4))
def test_unknown_words(tmp_path, seed):
    entries = random_entries(seed, order=3, words=("a", "b", "<unk>"))
    model = read(tmp_path, entries)
    lm, penalized = NgramLm(model, WORDS), NgramLm(model, WORDS, unknown_penalty=-3.0)
    assert lm.missing == ["d", "c", "zebra"]
    assert lm.lines() == ["3 words are not in the LM and are scored as <unk>: d, c, zebra"]
    for sentence in random_sentences(seed, 30, words=("a", "b", "zebra", "<UNK>")):
        taken = ["<unk>" if word in ("zebra", "<UNK>") else word for word in sentence]
        expected = oracle_score(entries, taken) * LOG_10
        assert score(lm, sentence)[0] == pytest.approx(expected, abs=5e-5)
        assert score(penalized, sentence)[0] == pytest.approx(expected - 3.0 * taken.count("<unk>"), abs=5e-5)


def test_without_unk_a_missing_word_is_impossible_and_ends_the_history(tmp_path):
    lm = NgramLm(read(tmp_path, random_entries(1)), WORDS, unknown_penalty=-3.0)
    assert lm.missing == ["zebra"]
    assert lm.lines() == ["1 words are not in the LM and are impossible, since it has no <unk>: zebra"]
    assert score(lm, ["a", "zebra", "b"])[0] == -math.inf
    scores, after = lm.advance(np.array([0, 1]), np.full(2, WORDS.id_of("zebra")))
    assert np.isneginf(scores).all() and len(set(after)) == 1
    fresh = lm.advance(after[:1], np.array([WORDS.id_of("a")]))[0][0]
    assert fresh == pytest.approx(read(tmp_path, random_entries(1)).log10_prob("a") * LOG_10)
    assert NgramLm(read(tmp_path, random_entries(1)), SymbolTable("ab")).lines() == []
    boundaries = lm.advance(np.zeros(2, int), np.array([WORDS.id_of("<s>"), WORDS.id_of("</s>")]))[0]
    assert np.isneginf(boundaries).all()


@pytest.mark.parametrize("number, more", [(8, ""), (9, ", ...")])
def test_some_of_many_missing_words_are_told(tmp_path, number, more):
    lm = NgramLm(read(tmp_path, [[(-0.5, "a", None)]]), SymbolTable([f"w{n}" for n in range(number)]))
    assert lm.lines()[0].endswith(f"no <unk>: w0, w1, w2, w3, w4, w5, w6, w7{more}")


def test_many_at_once_as_one_by_one(tmp_path):
    lm = NgramLm(read(tmp_path, random_entries(3, order=4)), WORDS)
    rng = np.random.default_rng(0)
    states, word_ids = rng.integers(0, lm.num_states, 300), rng.integers(1, 7, 300)
    scores, after = lm.advance(states, word_ids)
    alone = [lm.advance(states[i:i + 1], word_ids[i:i + 1]) for i in range(300)]
    assert scores.tolist() == [s[0] for s, _ in alone] and after.tolist() == [a[0] for _, a in alone]
    assert scores.dtype == np.float64 and after.dtype == np.int64 and 0 <= after.min() <= after.max() < lm.num_states
    assert [len(x) for x in lm.advance(states[:0], word_ids[:0])] == [0, 0]


def test_histories_without_continuation_meet_in_one_state():
    def table(values, *ngrams):
        return NgramTable(np.array(ngrams, np.int32), *(np.array(column, float) for column in values))
    words = ["<s>", "</s>", "a", "b", "c"]
    unigrams = table(([-9, -1, -1, -1, -1], [0, 0, -0.5, -0.25, -0.125]), [0], [1], [2], [3], [4])
    bigrams = table(([-0.5, -0.5], [0, 0]), [2, 3], [0, 2])
    lm = NgramLm(NgramModel(words, [unigrams, bigrams]), SymbolTable(["a", "b", "c"]))
    assert lm.num_states == 3  # <s>, the empty one, a
    scores, after = lm.advance(np.array([2, 2, 2, 1]), np.array([2, 3, 1, 1]))
    # b and c have no continuation: their back-off weight is paid at once; "a b" has its own
    assert (scores / LOG_10).tolist() == pytest.approx([-0.5 - 0.25, -0.5 - 1 - 0.125, -1.5, -1])
    assert after.tolist() == [1, 1, 2, 2]
    assert (lm.final(np.arange(3)) / LOG_10).tolist() == pytest.approx([-1.0, -1.0, -1.5])
    lm.reset()


def test_probability_zero_and_no_sentence_end(tmp_path):
    entries = [[(-99.0, "<s>", -0.25), (-0.5, "a", -0.5), (-0.5, "b", None)], [(-99.0, "a b", None)]]
    lm = NgramLm(read(tmp_path, entries), WORDS)
    assert score(lm, ["a", "b"])[0] == -math.inf  # stored as impossible: no back-off
    assert score(lm, ["b", "a"])[0] / LOG_10 == pytest.approx(-0.25 - 0.5 - 0.5)  # ends anywhere at no cost
    assert score(NgramLm(read(tmp_path, [[(-0.5, "a", None)]]), WORDS), ["a"])[0] == pytest.approx(-0.5 * LOG_10)


def test_words_of_another_table_and_penalties_that_are_none_are_refused(tmp_path):
    (tmp_path / "lm.arpa").write_text(arpa_text(random_entries(0, 2, ("a", "b"))))
    model, words = read_arpa(tmp_path / "lm.arpa")[0], SymbolTable(["a", "b", "#0", "<s>", "</s>"])
    lm = NgramLm(model, words)
    for word_id in (-1, len(words)):
        with pytest.raises(InputError, match=f"expected numbers from 0 to below 6, found {word_id} to"):
            lm.advance(np.array([lm.start]), np.array([word_id]))
    with pytest.raises(InputError, match="unknown_penalty: expected a number"):
        NgramLm(model, words, unknown_penalty=float("nan"))
