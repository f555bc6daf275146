"""A neural LM as a LanguageModel: normalized, the same as the whole forward pass, whatever is asked for together."""

import itertools
import math

import numpy as np
import pytest
import torch

from graphs.errors import InputError
from graphs.lang.symbols import SymbolTable
from hybrid.lm import state_cache
from hybrid.lm.network import shifted_right
from hybrid.lm.neural_lm import NeuralLm
from tests.hybrid.lm.material import EVENTS, NETS, OUTPUTS, WORDS, make_lm, make_network

SENTENCES = [[WORDS.id_of(word) for word in text.split()] for text in (
    "a an and ann", "", "once", "a an <unk> band a b never", "a an and and", "b")]
KINDS = [*((net, "full", "word") for net in NETS), *(("lstm", output, "word") for output in OUTPUTS),
         ("transformer", "tied", "character"), ("lstm", "classes", "character"), ("gru_2", "full", "piece"),
         ("feed_forward", "sampled", "character")]
every = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: "-".join(kind))


def sentence_score(lm, word_ids):
    """Word by word."""
    state, total = np.array([lm.start]), 0.0
    for word_id in word_ids:
        score, state = lm.advance(state, np.array([word_id]))
        total += score[0]
    return total + lm.final(state)[0]


def by_forward_pass(network, vocabulary, word_ids):
    """Natural log probability of a sentence from the whole forward pass, by the definitions in vocabulary.py and
    spelling.py."""
    units = torch.from_numpy(vocabulary.encode(word_ids))[None]
    with torch.no_grad():
        probs = network.output.log_probs(network(shifted_right(units))[0]).exp()
    if vocabulary.kind == "word":
        total = probs[torch.arange(units.shape[1]), units[0]].log().sum()
        return float(total) + sum(vocabulary.log_share[word_id] for word_id in word_ids)
    spellings = {tuple(spelling) for spelling in vocabulary.spelling if spelling} | {(0,)}
    total, row = 0.0, 0
    for spelling in [*(vocabulary.spelling[word_id] for word_id in word_ids), (0,)]:
        for place, unit in enumerate(spelling):
            follow = {other[place] for other in spellings if other[:place] == spelling[:place] and len(other) > place}
            total += math.log(float(probs[row, unit]) / sum(float(probs[row, other]) for other in follow))
            row += 1
    return total + sum(vocabulary.log_share[word_id] for word_id in word_ids)


@every
def test_scores_are_those_of_the_forward_pass(kind):
    network, vocabulary = make_network(*kind)
    lm = NeuralLm(network, vocabulary)
    for sentence in SENTENCES:
        assert sentence_score(lm, sentence) == pytest.approx(by_forward_pass(network, vocabulary, sentence), abs=1e-9)


@every
def test_all_words_and_the_end_have_a_probability_of_one_together(kind):
    lm = make_lm(*kind)
    state = np.array([lm.start])
    for word_id in SENTENCES[3]:
        scores, _ = lm.advance(np.repeat(state, len(EVENTS)), np.array(EVENTS))
        assert np.exp(scores).sum() + np.exp(lm.final(state))[0] == pytest.approx(1.0, abs=1e-9)
        state = lm.advance(state, np.array([word_id]))[1]


@every
def test_what_is_asked_for_together_changes_nothing(kind, monkeypatch):
    lm, one_by_one = make_lm(*kind), make_lm(*kind)
    expected = [sentence_score(one_by_one, sentence) for sentence in SENTENCES]
    monkeypatch.setattr(state_cache, "MOST_NUMBERS", 150)  # several parts
    states, totals = np.zeros(len(SENTENCES), np.int64), np.zeros(len(SENTENCES))
    for place in range(max(map(len, SENTENCES))):
        rows = [row for row, sentence in enumerate(SENTENCES) if len(sentence) > place]
        words = np.array([SENTENCES[row][place] for row in rows])
        scores, states[rows] = lm.advance(states[rows], words)
        totals[rows] += scores
    totals += lm.final(states)  # of sentences of all lengths
    assert np.allclose(totals, expected, atol=1e-9)


def test_equal_beginnings_are_one_state_and_others_are_not():
    lm = make_lm("transformer")
    a, b, unknown, rare = (WORDS.id_of(word) for word in ("a", "b", "<unk>", "never"))
    _, states = lm.advance(np.array([0, 0, 0]), np.array([a, b, a]))
    assert states[0] == states[2] != states[1]
    assert lm.advance(states[:1], np.array([b]))[1] == lm.advance(states[2:], np.array([b]))[1]
    _, states = lm.advance(np.array([0, 0]), np.array([rare, WORDS.id_of("once")]))
    assert states[0] == states[1] != lm.advance(np.array([0]), np.array([unknown]))[1][0]


def test_states_are_computed_when_a_word_after_them_is_asked_for(monkeypatch):
    lm, counts = make_lm(), []
    step = lm.network.step
    monkeypatch.setattr(lm.network, "step", lambda *args: counts.append(len(args[0])) or step(*args))
    _, states = lm.advance(np.zeros(len(EVENTS), np.int64), np.array(EVENTS))
    assert counts == [1]
    lm.advance(states[:2], np.array([2, 3]))
    lm.final(states[:2])
    lm.advance(np.array([0]), np.array([2]))
    assert counts == [1, 2]


def test_reset_forgets_all_but_the_start():
    lm = make_lm()
    before = sentence_score(lm, SENTENCES[3])
    assert len(lm._cache) == 8
    lm.reset()
    assert len(lm._cache) == 1 and sentence_score(lm, SENTENCES[3]) == pytest.approx(before, abs=1e-12)


@pytest.mark.parametrize("number, said", [(1, "w0"), (8, "w0, w1, w2, w3, w4, w5, w6, w7"),
                                          (9, "w0, w1, w2, w3, w4, w5, w6, w7, ...")])
def test_words_that_it_lacks_are_told(number, said):
    network, vocabulary = make_network()
    lm = NeuralLm(network, vocabulary, SymbolTable(["a", *(f"w{i}" for i in range(number)), "<s>", "</s>", "#0"]))
    assert lm.lines() == [f"{number} words of words.txt are not in the LM and are scored as <unk>: {said}"]
    assert lm.missing == [f"w{i}" for i in range(number)]
    scores, _ = lm.advance(np.zeros(2, np.int64), np.array([2, 1]))
    own, _ = NeuralLm(network, vocabulary).advance(np.zeros(2, np.int64), np.array([WORDS.id_of("<unk>"), 2]))
    assert np.array_equal(scores, own)


def test_what_is_no_event_is_impossible():
    lm = make_lm()
    for word_id in (0, *(WORDS.id_of(word) for word in ("#0", "<s>", "</s>"))):
        assert lm.advance(np.array([0]), np.array([word_id]))[0] == -np.inf
    for word_id in (-1, len(WORDS)):
        with pytest.raises(InputError, match="word_ids: expected 0 to 12"):
            lm.advance(np.array([0]), np.array([word_id]))
        with pytest.raises(InputError, match="word_ids: expected 0 to 12"):  # beside one that is
            lm.advance(np.array([0, 0]), np.array([word_id, 2]))
    scores, states = lm.advance(np.zeros(0, np.int64), np.zeros(0, np.int64))
    assert len(scores) == len(states) == len(lm.final(states)) == 0


def test_many_states_of_random_walks():
    network, vocabulary = make_network("transformer_near", "classes")
    lm = NeuralLm(network, vocabulary)
    rng = np.random.default_rng(0)
    paths = [tuple(rng.choice(EVENTS, size=rng.integers(1, 9))) for _ in range(40)]
    states = {(): 0}
    for length in range(9):  # all beginnings, level by level
        level = sorted({path[:length + 1] for path in paths if len(path) > length})
        if level:
            _, after = lm.advance(np.array([states[path[:-1]] for path in level]), np.array([p[-1] for p in level]))
            states.update(zip(level, after.tolist()))
    assert len(set(states.values())) <= len(states)
    for path, other in itertools.islice(zip(paths, reversed(paths)), 10):
        assert lm.final(np.array([states[path]]))[0] + 0.0 == pytest.approx(
            by_forward_pass(network, vocabulary, path) - sum(_scores(lm, path)), abs=1e-9)


def _scores(lm, path):
    state = np.array([0])
    for word_id in path:
        score, state = lm.advance(state, np.array([word_id]))
        yield score[0]
