"""Batches of sentences: each once, in an order of the seed and the epoch, from any batch on."""

import pytest

from hybrid.training.sentences import PADDING, SentenceBatches
from tests.hybrid.lm.material import make_text, make_vocabulary

TEXT = [*make_text(1, 50), []]
NAMES = [f"text:{n}" for n in range(len(TEXT))]


def _batches(kind="word", batch_units=24, seed=5):
    vocabulary = make_vocabulary(kind)
    sentences = [vocabulary.word_ids(words) for words in TEXT]
    return SentenceBatches(NAMES, sentences, vocabulary, batch_units, seed), vocabulary


@pytest.mark.parametrize("kind", ["word", "character"])
@pytest.mark.parametrize("seed", [None, 5])
def test_each_sentence_once_and_no_batch_too_large(kind, seed):
    batches, vocabulary = _batches(kind, seed=seed)
    found, names = {}, []
    for batch in batches.batches(3):
        assert batch.units.numel() <= 24 or len(batch.units) == 1
        lengths = (batch.units != PADDING).sum(1).tolist()
        assert batch.units.shape[1] == max(lengths) and max(lengths) - min(lengths) <= 9
        names += batch.utterance_ids
        for name, row, length in zip(batch.utterance_ids, batch.units.tolist(), lengths):
            found[name] = row[:length]
        sentences = [TEXT[NAMES.index(name)] for name in batch.utterance_ids]
        assert batch.num_events == sum(len(words) + 1 for words in sentences)
        assert batch.log_share == pytest.approx(sum(
            vocabulary.log_share[i] for words in sentences for i in vocabulary.word_ids(words)))
    assert sorted(names) == sorted(NAMES) and batches.num_batches(3) > 5
    for name, words in zip(NAMES, TEXT):
        assert found[name] == vocabulary.encode(vocabulary.word_ids(words)).tolist()


def test_little_padding():
    batches, _ = _batches(batch_units=60)
    units = [batch.units for batch in batches.batches(0)]
    assert sum((batch == PADDING).sum().item() for batch in units) < 0.12 * sum(batch.numel() for batch in units)


def _order(batches, epoch, start=0):
    return [batch.utterance_ids for batch in batches.batches(epoch, start)]


def test_the_order_is_of_seed_and_epoch():
    one, again = _batches()[0], _batches()[0]
    assert _order(one, 0) != _order(one, 1)
    assert _order(again, 1) == _order(one, 1) and _order(again, 0, 3) == _order(one, 0)[3:]
    assert _order(_batches(seed=6)[0], 0) != _order(one, 0)
    lengths = [batch.units.shape[1] for batch in one.batches(0)]
    assert lengths != sorted(lengths)  # as those of no seed are
    fixed = _batches(seed=None)[0]
    assert _order(fixed, 0) == _order(fixed, 1) and fixed.plan(0)[0][0] == len(TEXT) - 1  # the empty one


def test_sentences_of_one_length_meet_others_in_each_epoch():
    batches = _batches()[0]
    assert {frozenset(batch) for batch in _order(batches, 0)} != {frozenset(batch) for batch in _order(batches, 1)}
    assert batches.plan(1) is batches.plan(1)  # made once an epoch


@pytest.mark.parametrize("batch_units, expected", [
    (100, ["abcde"]), (8, ["abc", "de"]), (7, ["abc", "d", "e"]), (6, ["abc", "d", "e"]), (5, ["ab", "c", "d", "e"]),
    (4, ["ab", "c", "d", "e"]), (3, ["a", "b", "c", "d", "e"]), (1, ["a", "b", "c", "d", "e"])])
def test_batches_are_as_large_as_they_may_be(batch_units, expected):
    """Sentences a to e have 0, 1, 1, 2 and 3 words, and an end; places are filled up to the longest."""
    vocabulary = make_vocabulary("word")
    sentences = {"e": ["and", "a", "b"], "b": ["a"], "d": ["b", "an"], "a": [], "c": ["b"]}
    batches = SentenceBatches(list(sentences), [vocabulary.word_ids(words) for words in sentences.values()], vocabulary,
                              batch_units)
    assert ["".join(names) for names in _order(batches, 0)] == expected and batches.num_batches(0) == len(expected)


def test_no_sentences_are_no_batches():
    for seed in (None, 1):
        batches = SentenceBatches([], [], make_vocabulary("word"), 10, seed)
        assert batches.num_batches(0) == 0 and not list(batches.batches(0))
