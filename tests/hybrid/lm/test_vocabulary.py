"""Vocabularies: units, spellings, shares of words that have no unit of their own."""

import numpy as np
import pytest

from graphs.errors import InputError
from graphs.lang.symbols import SymbolTable
from hybrid.lm.spelling import SpellingTree
from hybrid.lm.vocabulary import END_UNIT, RARE, Vocabulary, words_of_text
from tests.hybrid.lm.material import EVENTS, WORDS, make_vocabulary

TEXT = [text.split() for text in ("a an a", "a b x", "once an y z and and and")]


def _names(vocabulary, word):
    return [vocabulary.units[unit] for unit in vocabulary.spelling[WORDS.id_of(word)]]


def test_words_by_falling_count_and_rare_ones_together():
    vocabulary = make_vocabulary(text=TEXT)
    assert vocabulary.units == ["</s>", "<unk>", "a", "and", "an", RARE]  # rare: once, b; ann, band, never
    assert vocabulary.unit_counts.tolist() == [3, 3, 3, 3, 2, 2]
    assert _names(vocabulary, "an") == ["an"] and _names(vocabulary, "once") == _names(vocabulary, "never") == [RARE]
    share = dict(zip(WORDS.symbols, np.exp(vocabulary.log_share)))
    assert share["a"] == share["<unk>"] == 1 and share["<s>"] == share["<eps>"] == share["#0"] == share["</s>"] == 0
    assert share["once"] == share["b"] == pytest.approx(2 / 7) and share["ann"] == pytest.approx(1 / 7)
    assert [vocabulary.spelling[WORDS.id_of(word)] for word in ("<eps>", "#0", "<s>", "</s>")] == [()] * 4


@pytest.mark.parametrize("min_count, units", [(0, 10), (1, 8), (3, 5), (100, 2)])
def test_fewest_counts(min_count, units):
    vocabulary = make_vocabulary(min_count=min_count, text=TEXT)
    assert vocabulary.num_units == units and (RARE in vocabulary.units) == (min_count > 0)
    assert np.exp(vocabulary.log_share[vocabulary.events]).sum() == pytest.approx(units - 1)


def test_words_that_no_text_holds_share_a_unit_if_nothing_else_is_said():
    vocabulary = Vocabulary.of_text(TEXT, WORDS, "<unk>")
    assert (vocabulary.kind, vocabulary.min_count, vocabulary.num_units) == ("word", 1, 8)


def test_characters_and_their_ends():
    vocabulary = make_vocabulary("character", text=TEXT)
    assert _names(vocabulary, "band") == ["b +", "a +", "n +", "d"] and _names(vocabulary, "a") == ["a"]
    assert _names(vocabulary, "<unk>") == ["<unk>"] and (vocabulary.log_share[EVENTS] == 0).all()
    assert vocabulary.unit_counts[vocabulary.units.index("a +")] == 5 and vocabulary.units[END_UNIT] == "</s>"


def test_pieces_and_words_that_have_none():
    words = SymbolTable(["<UNK>", "a", "b", "ab", "ß", "éa", "#0", "<s>", "</s>"])
    pieces = make_vocabulary("piece", text=[["a", "b", "ab", "ba"]] * 9).pieces
    vocabulary = Vocabulary.of_text([["a", "ab", "q"]], words, "<UNK>", kind="piece", pieces=pieces)
    assert vocabulary.spelling[words.id_of("ß")] == vocabulary.spelling[words.id_of("<UNK>")]
    assert vocabulary.log_share[words.id_of("éa")] == pytest.approx(-np.log(3))
    for word in ("a", "b", "ab"):
        names = [vocabulary.units[unit] for unit in vocabulary.spelling[words.id_of(word)]]
        assert "".join(name.replace(" +", "") for name in names) == "\u2581" + word
        assert [name.endswith(" +") for name in names] == [True] * (len(names) - 1) + [False]


def test_sentences_as_word_ids_and_units():
    vocabulary = make_vocabulary("character", text=TEXT)
    word_ids = vocabulary.word_ids(["an", "zebra", "<s>"])
    assert word_ids == [WORDS.id_of("an"), WORDS.id_of("<unk>"), WORDS.id_of("<unk>")]
    assert [vocabulary.units[unit] for unit in vocabulary.encode(word_ids)] == ["a +", "n", "<unk>", "<unk>", "</s>"]
    assert vocabulary.encode([]).tolist() == [END_UNIT]


def test_a_table_without_marks_counts_no_ends():
    vocabulary = Vocabulary.of_text([["a", "b"], ["b"]], SymbolTable(["<unk>", "b", "a"]), "<unk>", min_count=0)
    assert vocabulary.units == ["</s>", "b", "a", "<unk>"] and vocabulary.unit_counts.tolist() == [0, 2, 1, 0]
    assert vocabulary.encode(vocabulary.word_ids(["b", "</s>"])).tolist() == [1, 3, END_UNIT]


def test_words_of_a_text_are_those_of_a_lang_folder():
    assert words_of_text(["b", "a", "<s>", "b"]).symbols == ["<eps>", "<unk>", "a", "b", "#0", "<s>", "</s>"]


@pytest.mark.parametrize("arguments, more, message", [
    ((WORDS, "<oov>", np.zeros(len(WORDS))), {}, "the word for unknown ones, <oov>"),
    ((WORDS, "<unk>", np.zeros(3)), {}, "13, one for each word"),
    ((WORDS, "<unk>", np.zeros(len(WORDS))), {"kind": "piece"}, "a sentencepiece model")])
def test_what_makes_no_vocabulary(arguments, more, message):
    with pytest.raises(InputError, match=message):
        Vocabulary(*arguments, **more)


def test_boundaries_in_the_text_are_refused():
    with pytest.raises(InputError, match="no reserved words"):
        make_vocabulary(text=[["a"], ["a", "</s>"]])


def test_the_tree_of_spellings():
    vocabulary = make_vocabulary("character", text=TEXT)
    tree = SpellingTree(vocabulary.spelling)
    words = ("an", "and", "ann", "band", "never", "once")
    beginnings = {"", *(word[:n] for word in words for n in range(1, len(word)))}
    assert len(tree.starts) == len(beginnings) + 1
    for word_id in EVENTS:
        node = np.zeros(1, np.int64)
        for unit in vocabulary.spelling[word_id]:
            node = tree.follow(node, np.array([unit]))
        assert node == 0
    followers = [vocabulary.units[unit] for unit in tree.units[tree.starts[0]:tree.starts[1]]]
    assert sorted(followers) == sorted(["</s>", "<unk>", "a", "a +", "b", "b +", "n +", "o +"])
