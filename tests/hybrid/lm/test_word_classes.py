import math
import random
from collections import Counter

import numpy as np
import pytest

from hybrid.lm.ngram_counts import count_ngrams, number_text
from hybrid.lm.word_classes import ClassOptions, Exchange, find_classes
from tests.hybrid.lm.test_ngram_train import random_text


def value(text, class_of):
    """F, straight from the text."""
    pairs = Counter((class_of[v], class_of[w]) for v, w in zip(text.tokens[:-1].tolist(), text.tokens[1:].tolist())
                    if text.words[w] != "<s>")
    left, right = Counter(), Counter()
    for (v, w), count in pairs.items():
        left[v] += count
        right[w] += count
    f = [sum(n * math.log(n) for n in counts.values()) for counts in (pairs, left, right)]
    return f[0] - f[1] - f[2]


def exchange(seed, number=3, words="abcdefgh"):
    text = number_text(random_text(seed, 40, words=tuple(words)), vocabulary=words[:-1])
    unigrams, bigrams = count_ngrams(text, 2)
    return text, Exchange(unigrams.count, bigrams, number)


def test_to_begin_with_words_are_dealt_to_the_classes():
    text, one = exchange(0)
    counts = np.bincount(text.tokens)
    frequent = sorted(range(3, len(text.words)), key=lambda word: -counts[word])
    assert one.by_frequency.tolist() == frequent
    assert [one.class_of[word] for word in frequent] == [3, 4, 5, 3, 4, 5, 3]
    assert one.class_of[:3].tolist() == [0, 1, 2]


@pytest.mark.parametrize("number, words, classes", [(2, "abc", 5), (3, "abc", 6), (50, "abc", 6), (50, "", 3)])
def test_there_are_no_more_classes_than_words_and_marks(number, words, classes):
    unigrams, bigrams = count_ngrams(number_text([[*words]]), 2)
    one = Exchange(unigrams.count, bigrams, number)
    assert one.num_classes == classes and one.classes.shape == (classes, classes)


@pytest.mark.parametrize("seed", range(4))
def test_each_word_goes_where_the_text_is_then_most_probable(seed):
    text, one = exchange(seed)
    rng = random.Random(seed)
    for step in range(25):
        assert one.value() == pytest.approx(value(text, one.class_of))
        word = rng.randrange(3, len(text.words))
        old = one.class_of[word]
        values = {}
        for g in range(3, 6):
            trial = one.class_of.copy()
            trial[word] = g
            values[g] = value(text, trial)
        moved = one._exchange(word)
        assert values[one.class_of[word]] == pytest.approx(max(values.values()))
        assert moved == (one.class_of[word] != old)
        one._exchange(rng.randrange(3, len(text.words)))
        if step % 5 == 0:  # elsewhere again, so that there is something to do
            other = rng.randrange(3, len(text.words))
            moved_to = rng.randrange(3, 6)
            trial = one.class_of.copy()
            trial[other] = moved_to
            one = with_classes(text, trial)


def with_classes(text, class_of, number=3):
    unigrams, bigrams = count_ngrams(text, 2)
    one = Exchange(unigrams.count, bigrams, number)
    for word in range(3, len(text.words)):
        after = one.after.by_class(word, one.class_of, one.num_classes)
        before = one.before.by_class(word, one.class_of, one.num_classes)
        one._add(one.class_of[word], -after, -before, -one.after.own[word])
        one.class_of[word] = class_of[word]
        one._add(class_of[word], after, before, one.after.own[word])
    return one


def planted(seed, sentences=400):
    """Nouns follow determiners, verbs follow nouns: what stands beside a word tells its class."""
    rng = random.Random(seed)
    classes = {"D": ["the", "a", "this", "every"], "N": ["dog", "cat", "bird", "fish", "cow"],
               "V": ["sees", "hears", "likes", "eats"]}
    text = [[rng.choice(classes[name]) for name in ("DNV" if rng.random() < 0.3 else "DNVDN")]
            for _ in range(sentences)]
    return classes, text


@pytest.mark.parametrize("seed", range(3))
def test_planted_classes_are_found(seed):
    classes, sentences = planted(seed)
    text = number_text(sentences)
    found = find_classes(text, ClassOptions(number=5))
    groups = [{text.words[i] for i in np.flatnonzero(found == g)} for g in range(found.max() + 1)]
    assert groups[:3] == [{"<unk>"}, {"<s>"}, {"</s>"}] and len(groups) <= 8
    for group in groups[3:]:
        assert any(group <= set(members) for members in classes.values()), groups


def test_more_classes_than_words_and_rounds(caplog):
    caplog.set_level("INFO")
    text = number_text([["a", "b"], ["b", "c"]])
    assert len(set(find_classes(text, ClassOptions(number=50)).tolist())) <= 6
    found = find_classes(text, ClassOptions(number=1))
    assert found.tolist() == [0, 1, 2, 3, 3, 3]
    assert "round 1 of exchange: 0 of 3 words moved" in caplog.text and "round 2" not in caplog.text.split("0 of 3")[-1]
    text = number_text(random_text(0, 80, words=tuple("abcdefghijkl")))
    caplog.clear()
    find_classes(text, ClassOptions(number=4, rounds=2, moved=0.0))
    assert [f"round {n}" in caplog.text for n in (1, 2, 3)] == [True, True, False]


def test_a_text_without_words_has_the_marks_alone():
    found = find_classes(number_text([[], []]), ClassOptions())
    assert found.tolist() == [0, 1, 2] and found.dtype == np.int64


def test_of_equal_classes_a_word_stays_in_its_own(caplog):
    """Words that are seen alike are dealt by their order, and nothing is won by an exchange."""
    caplog.set_level("INFO")
    text = number_text([["d"], ["c"], ["b"], ["a"]])
    assert find_classes(text, ClassOptions(number=2, moved=0.0)).tolist() == [0, 1, 2, 3, 4, 3, 4]
    # of the pairs <s> CLASS and CLASS </s> there are 2 each; 4 times <s>, 4 times </s>, 2 times each class
    value = 4 * 2 * math.log(2) - (4 * math.log(4) + 2 * 2 * math.log(2)) * 2
    assert [record.getMessage() for record in caplog.records] == [
        f"round 1 of exchange: 0 of 4 words moved, F = {value:.6g}"]


@pytest.mark.parametrize("own", [3, 4])
def test_of_two_classes_that_serve_alike_a_word_stays_in_its_own(own):
    """p and q stand alike to w, beside which each would raise F by as much."""
    text = number_text([["p", "p", "w"], ["q", "q", "w"]])
    values = [value(text, np.array([0, 1, 2, 3, 4, to])) for to in (3, 4)]
    assert values[0] == pytest.approx(values[1])
    one = with_classes(text, [0, 1, 2, 3, 4, own], number=2)
    after, before = (side.by_class(5, one.class_of, 5) for side in (one.after, one.before))
    one._add(own, -after, -before, 0.0)
    gains = one._gains(after, before, 0.0)
    one._add(own, after, before, 0.0)
    assert gains[3] == pytest.approx(gains[4]) and abs(gains[3]) > 0.1
    assert not one._exchange(5) and one.class_of.tolist() == [0, 1, 2, 3, 4, own]


def test_words_that_the_text_lacks_stay_where_they_were_dealt():
    text = number_text([["a"]], vocabulary=["a", "b", "c", "d"])
    assert find_classes(text, ClassOptions(number=3)).tolist() == [0, 1, 2, 3, 4, 5, 3]


@pytest.mark.parametrize("share, rounds", [(0.0, 3), (0.24, 3), (0.25, 2), (0.49, 2), (0.5, 1)])
def test_rounds_go_on_while_more_than_a_share_of_the_words_moves(share, rounds, monkeypatch, caplog):
    """Of four words two move in the first round, one in the second, none in the third."""
    caplog.set_level("INFO")
    moves = iter([True, True, False, False, False, False, True, False] + [False] * 8)
    monkeypatch.setattr(Exchange, "_exchange", lambda self, word: next(moves))
    find_classes(number_text([["a", "b"], ["c", "d"]]), ClassOptions(number=2, moved=share))
    assert [record.getMessage().split(" words")[0] for record in caplog.records] == [
        "round 1 of exchange: 2 of 4", "round 2 of exchange: 1 of 4", "round 3 of exchange: 0 of 4"][:rounds]


@pytest.mark.parametrize("options", [{"number": 1}, {"rounds": 1}, {"moved": 0.0}, {"add": 1e-9}])
def test_options_at_their_bounds(options):
    assert all(getattr(ClassOptions(**options), name) == value for name, value in options.items())


@pytest.mark.parametrize("options", [{"number": 0}, {"rounds": 0}, {"moved": -0.1}, {"add": 0.0}])
def test_options_out_of_range(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        ClassOptions(**options)
