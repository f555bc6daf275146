import pytest

from graphs.grammar.class_lm import ClassLm, WordClasses
from graphs.grammar.ngram_lm import NgramLm
from hybrid.lm.class_train import train_class_lm
from hybrid.lm.ngram_train import NgramOptions, train_ngram
from hybrid.lm.perplexity import TextIds, log_probs, measure
from hybrid.lm.word_classes import ClassOptions
from tests.hybrid.lm.test_word_classes import planted


def total(lm, words):
    """The sum of p over all words and the end, at the start of a sentence."""
    import numpy as np
    ids = np.array([words.id_of(word) for word in words if word not in ("<eps>",)])
    return float(np.exp(lm.advance(np.zeros(len(ids), int), ids)[0]).sum() + np.exp(lm.final(np.zeros(1, int)))[0])


def test_given_classes():
    text = [["a", "b", "x"], ["b", "y"], ["a", "x"]]
    classes = WordClasses({"a": "AB", "b": "AB", "c": "AB"}, {})
    model, found = train_class_lm(text, NgramOptions(order=2, method="witten-bell"), ClassOptions(add=0.5), classes)
    assert sorted(model.words) == ["</s>", "<s>", "<unk>", "AB", "x", "y"]
    assert found.prob == pytest.approx({"a": 2.5 / 5.5, "b": 2.5 / 5.5, "c": 0.5 / 5.5})
    as_classes = train_ngram([["AB", "AB", "x"], ["AB", "y"], ["AB", "x"]], NgramOptions(order=2, method="witten-bell"))
    assert model.log10_prob("x", ["AB"]) == pytest.approx(as_classes.log10_prob("x", ["AB"]))
    words = TextIds.of([["a", "b", "c", "x", "y", "<unk>"]]).words
    assert total(ClassLm(model, found, words), words) == pytest.approx(1.0)
    given = WordClasses(classes.class_of, {"a": 0.5, "b": 0.25, "c": 0.25})
    assert train_class_lm(text, NgramOptions(order=2), ClassOptions(), given)[1] == given


def test_a_vocabulary_and_classes_that_the_text_lacks():
    classes = WordClasses({"c": "C", "a": "A"}, {})
    model, found = train_class_lm([["a", "z", "b"]], NgramOptions(order=2), ClassOptions(), classes, vocabulary=["b"])
    assert sorted(model.words) == ["</s>", "<s>", "<unk>", "A", "C", "b"]
    assert found.prob == {"c": 1.0, "a": 1.0}
    # words of classes count though the vocabulary lacks them: of A, b, <unk> and </s> each is seen once
    options = NgramOptions(order=1, method="witten-bell")
    classes = WordClasses({"c": "C", "a": "A", "d": "A"}, {})
    model, found = train_class_lm([["a", "z", "b"]], options, ClassOptions(add=0.5), classes, vocabulary=["b"])
    assert found.prob == pytest.approx({"c": 1.0, "a": 0.75, "d": 0.25})
    assert 10.0 ** model.log10_prob("A") == pytest.approx((1 + 4 / 5) / 8)
    assert 10.0 ** model.log10_prob("C") == pytest.approx(4 / 5 / 8)
    own = train_class_lm([["a", "z", "b"]], options, ClassOptions(), vocabulary=["b", "never"])
    assert set(own.classes.class_of) == {"b", "never"}
    assert train_class_lm([[]], options, ClassOptions()).classes == WordClasses({}, {})
    limited = train_class_lm([["a", "z", "b", "b"]], NgramOptions(order=2, max_words=1), ClassOptions())
    assert list(limited.classes.class_of) == ["b"] and list(limited.model.words[3:]) == ["CLASS1"]


def test_words_share_the_probability_of_their_class():
    """By their counts and what is added to each."""
    text = [["a", "b", "a"], ["a", "c"]]
    model, classes = train_class_lm(text, NgramOptions(order=1, method="witten-bell"), ClassOptions(number=1, add=0.5))
    assert classes.class_of == {"a": "CLASS1", "b": "CLASS1", "c": "CLASS1"}
    assert classes.prob == pytest.approx({"a": 3.5 / 6.5, "b": 1.5 / 6.5, "c": 1.5 / 6.5})
    # 5 words of a class and 2 ends, 2 different ones; uniform over CLASS1, </s> and <unk>
    assert 10.0 ** model.log10_prob("CLASS1") == pytest.approx((5 + 2 / 3) / 9)
    again = train_class_lm(text, NgramOptions(order=1, method="witten-bell"), ClassOptions(), WordClasses({}, {}))
    assert again.classes.class_of == {} and sorted(again.model.words[3:]) == ["a", "b", "c"]


@pytest.mark.parametrize("number, first", [(9, "CLASS1"), (10, "CLASS01")])
def test_names_of_classes_are_of_one_length(number, first):
    text = [["w%d" % (i % 12), "w%d" % (i * i % 12)] for i in range(60)] + [["w%d" % i] for i in range(12)]
    names = set(train_class_lm(text, NgramOptions(order=1), ClassOptions(number=number, rounds=1, moved=1.0))
                .classes.class_of.values())
    assert first in names and len(names) == number and {len(name) for name in names} == {len(first)}


def test_found_classes_predict_pairs_that_no_text_held():
    _, sentences = planted(0, 60)
    _, unseen = planted(1, 60)
    text = TextIds.of(unseen)
    options = NgramOptions(order=3)
    model, classes = train_class_lm(sentences, options, ClassOptions(number=3))
    assert set(classes.class_of.values()) == {"CLASS1", "CLASS2", "CLASS3"}
    lm = ClassLm(model, classes, text.words)
    assert total(lm, text.words) == pytest.approx(1.0, abs=2e-2)  # but <unk>
    by_classes = measure(lm, text)
    by_words = measure(NgramLm(train_ngram(sentences, options), text.words), text)
    assert by_classes.unknown == 0 and by_classes.perplexity < 0.9 * by_words.perplexity
    assert len(log_probs(lm, text)[0]) == by_classes.words
