from collections import Counter

import pytest

from graphs.errors import InputError
from hybrid.lm import ngram_counts as module
from hybrid.lm.ngram_counts import count_ngrams, number_text
from tests.hybrid.lm.test_ngram_train import random_text


@pytest.mark.parametrize("piece", [1, 3, 50, 1 << 20])
@pytest.mark.parametrize("across_unknown", [True, False])
def test_ngrams_are_counted_as_by_hand(monkeypatch, piece, across_unknown):
    monkeypatch.setattr(module, "PIECE", piece)
    sentences = [*random_text(0, 30), [], ["x", "a", "y"]]
    text = number_text(sentences, vocabulary="abcde")
    counts = count_ngrams(text, 4, across_unknown)
    assert text.words == ["<unk>", "<s>", "</s>", *"abcde"]
    marked = [["<s>", *(word if word in "abcde" else "<unk>" for word in words), "</s>"] for words in sentences]
    for n, found in enumerate(counts, 1):
        expected = Counter(tuple(words[i - n:i]) for words in marked for i in range(n, len(words) + 1))
        if not across_unknown:
            expected = Counter({ngram: count for ngram, count in expected.items() if "<unk>" not in ngram})
        if n == 1:
            expected["<s>",] = 0
            expected.update({(word,): 0 for word in text.words})
        ngrams = [tuple(text.words[i] for i in ids) for ids in found.word_ids.tolist()]
        assert dict(zip(ngrams, found.count.tolist())) == expected
        assert found.word_ids.tolist() == sorted(found.word_ids.tolist())
        if n > 1:
            shorter = counts[n - 2].word_ids
            assert shorter[found.prefix].tolist() == found.word_ids[:, :-1].tolist()
            assert shorter[found.suffix].tolist() == found.word_ids[:, 1:].tolist()
    assert len(counts) == 4


def test_orders_beyond_the_longest_sentence_are_none():
    assert len(count_ngrams(number_text([["a"], []]), 9)) == 3
    assert len(count_ngrams(number_text([["b", "a"]], vocabulary="a"), 9, across_unknown=False)) == 2


def test_unknown_words_are_words_like_others_unless_told():
    text = number_text([["x", "a"], ["x"]], vocabulary="a")
    unigrams, bigrams = count_ngrams(text, 2)
    assert unigrams.count.tolist() == [2, 0, 2, 1]  # <unk>, <s>, </s>, a
    assert dict(zip(map(tuple, bigrams.word_ids.tolist()), bigrams.count.tolist())) == {
        (0, 2): 1, (0, 3): 1, (1, 0): 2, (3, 2): 1}


def test_which_words_are_told_apart():
    text = [["d", "c", "b", "a"], ["c", "b", "a"], ["c", "b"], ["c"]]
    assert number_text(text).words[3:] == ["a", "b", "c", "d"]
    assert number_text(text, max_words=3).words[3:] == ["a", "b", "c"]
    assert number_text(text + [["d"]], max_words=3).words[3:] == ["a", "b", "c"]  # a and d as often: by name
    assert number_text(text, min_count=2).words[3:] == ["a", "b", "c"]
    assert number_text(text, min_count=3, max_words=1).words[3:] == ["c"]
    assert number_text(text, vocabulary=["zebra", "a", "<s>", "<unk>"]).words[3:] == ["a", "zebra"]
    assert number_text(text, vocabulary=["zebra", "a", "b"], max_words=2).words[3:] == ["a", "b"]
    assert number_text(text, vocabulary=["zebra", "a", "b"], min_count=1).words[3:] == ["a", "b", "zebra"]
    assert number_text([["z"]], vocabulary=["never", "z"], max_words=1).words[3:] == ["z"]  # once is more than never
    assert number_text([["z"]], vocabulary=["b", "a"], max_words=1).words[3:] == ["a"]
    assert number_text(text, vocabulary=["a"]).tokens.tolist() == [
        1, 0, 0, 0, 3, 2, 1, 0, 0, 3, 2, 1, 0, 0, 2, 1, 0, 2]


@pytest.mark.parametrize("mark", ["<s>", "</s>", "<eps>", "#0"])
def test_marks_in_the_text_are_named_with_their_sentence(mark):
    for sentences, line in (([["a"], ["b", mark, "a"], [mark]], 2), ([[mark]], 1), ([["a"], [], ["b", mark]], 3)):
        with pytest.raises(InputError, match=f"sentence {line}: expected no reserved words .*, found {mark}"):
            number_text(sentences)
    with pytest.raises(InputError, match="expected at least one sentence"):
        number_text([])


@pytest.mark.parametrize("sentences, message", [
    (["the cat"], "sentence 1: expected a sequence of words, found the string 'the cat'"),
    ([["a"], "b"], "sentence 2: expected a sequence of words"),
    ([["the cat"]], "words without blanks, found 'the cat'"),
    ([["a", ""]], "words without blanks, found ''"), ([["a\n"]], "words without blanks"), ([[1]], "blanks, found 1"),
    ([[None]], "words without blanks, found None")])
def test_what_is_no_sentence_of_words_is_not_counted(sentences, message):
    with pytest.raises(InputError, match=message):
        number_text(sentences)
