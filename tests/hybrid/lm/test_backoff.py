"""Back-off weights: what n-grams leave, shared out by the order below."""

import numpy as np
import pytest

from graphs.grammar.ngram import NgramModel, NgramScorer, NgramTable
from hybrid.lm.backoff import backoff_weights, masses, normalized

WORDS = ["<s>", "</s>", "a", "b", "c"]


def model(bigrams, trigrams=None):
    """Unigrams </s> 0.1, a 0.2, b 0.3, c 0.4; the others by their words."""
    def table(probs):
        ids = np.array([[WORDS.index(word) for word in words.split()] for words in probs], np.int32)
        with np.errstate(divide="ignore"):
            return NgramTable(ids, np.log10(np.array(list(probs.values()))), np.full(len(ids), -7.0))
    unigrams = table({"<s>": 0.0, "</s>": 0.1, "a": 0.2, "b": 0.3, "c": 0.4})
    return NgramModel(WORDS, [unigrams, table(bigrams), *([table(trigrams)] if trigrams else [])])


def weights(found, order):
    return dict(zip([" ".join(WORDS[i] for i in ids) for ids in found.tables[order - 1].word_ids],
                    10.0 ** found.tables[order - 1].log10_backoff))


def test_what_ngrams_take_and_leave():
    found = model({"<s> a": 0.5, "a b": 0.25, "a c": 0.5})
    taken = masses(NgramScorer(found.tables, len(WORDS)), 2)
    assert taken.prob == pytest.approx([0.5, 0.25, 0.5]) and taken.lower == pytest.approx([0.2, 0.3, 0.4])
    assert taken.prefix.tolist() == [0, 2, 2]
    assert taken.left == pytest.approx([0.5, 1.0, 0.25, 1.0, 1.0])
    assert taken.lower_left == pytest.approx([0.8, 1.0, 0.3, 1.0, 1.0])


def test_weights_by_hand():
    """Of trigrams with the weights of bigrams that have just been found; those that were stored do not count."""
    old = model({"<s> a": 0.5, "a b": 0.25, "a c": 0.5}, {"<s> a b": 0.5, "<s> a a": 0.25})
    found = normalized(old)
    assert weights(found, 1) == pytest.approx({"<s>": 0.5 / 0.8, "</s>": 1, "a": 0.25 / 0.3, "b": 1, "c": 1})
    after_a = {"b": 0.25, "a": 0.25 / 0.3 * 0.2}  # of the bigrams
    assert weights(found, 2) == pytest.approx(
        {"<s> a": 0.25 / (1 - sum(after_a.values())), "a b": 1, "a c": 1})
    assert found.words == WORDS and weights(found, 3) == {"<s> a b": 1.0, "<s> a a": 1.0}
    for before, after in zip(old.tables, found.tables):
        assert np.array_equal(before.word_ids, after.word_ids) and np.array_equal(before.log10_prob, after.log10_prob)
        assert (before.log10_backoff == -7.0).all()


@pytest.mark.parametrize("left, lower_left, weight", [
    (0.3, 0.6, 0.5), (0.0, 0.6, 0.0), (-0.1, 0.6, 0.0), (0.3, 0.0, 1.0), (0.3, -0.1, 1.0), (0.0, 0.0, 1.0),
    (6e-6, 2.9e-6, 1.0), (6e-6, 3e-6, 1.0), (6e-6, 4e-6, 1.5)])
def test_of_nothing_all_is_left(left, lower_left, weight):
    """Where the order below has no more than what seven digits can be wrong by."""
    assert backoff_weights(np.array([left]), np.array([lower_left])).tolist() == pytest.approx([weight])


def test_probabilities_that_sum_to_more_than_one_are_told(caplog):
    normalized(model({"<s> a": 0.5, "<s> b": 0.50005, "a b": 0.6, "a c": 0.4}))
    assert caplog.text == ""  # a hair more is rounding
    found = normalized(model({"<s> a": 0.5, "<s> b": 0.5002, "a b": 0.6, "a c": 0.6, "b a": 0.9}))
    assert [record.getMessage() for record in caplog.records] == [
        "order 2: the probabilities after 2 histories sum to more than 1"]
    assert [weights(found, 1)[word] for word in ("<s>", "a")] == [0.0, 0.0]
    assert weights(found, 1)["b"] == pytest.approx(0.1 / 0.8)


def test_a_model_of_words_alone_stays():
    unigrams = model({"a b": 0.5}).tables[:1]
    assert normalized(NgramModel(WORDS, unigrams)).tables[0].log10_backoff.tolist() == [0.0] * 5
