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
    fixed = _batches(seed=None)[0]
    assert _order(fixed, 0) == _order(fixed, 1) and fixed.plan(0)[0][0] == len(TEXT) - 1  # the empty one
