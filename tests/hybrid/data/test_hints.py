"""Hints of what is wrong with the spelling of many words."""

import pytest

from graphs.lang.lexicon import Lexicon, Pronunciation
from hybrid.data.hints import spelling_hints
from tests.hybrid.data.test_transcript import seen


def lexicon_of(*words):
    return Lexicon(Pronunciation(word, ("A",)) for word in words)


@pytest.mark.parametrize("text, hints", [
    ("YES NO", ["2 of 2 unknown words are in the lexicon in lower case: set data.case=lower"]),
    ("YES NO x", ["2 of 3 unknown words are in the lexicon in lower case: set data.case=lower"]),
    ("YES x", []),  # half of the unknown words
    ("YES x y", []),
    ("NO " + "yes " * 8, ["1 of 1 unknown words are in the lexicon in lower case: set data.case=lower"]),
    ("NO " + "yes " * 9, []),  # a tenth of all words
    ("x y", []),
    ("yes no", []),
])
def test_the_case_of_the_lexicon(text, hints):
    assert spelling_hints(seen(text)) == hints


def test_the_upper_case_of_the_lexicon():
    lexicon = Lexicon([Pronunciation("YES", ("Y",))])
    assert spelling_hints(seen("yes", lexicon=lexicon)) == [
        "1 of 1 unknown words are in the lexicon in upper case: set data.case=upper"]


@pytest.mark.parametrize("text, hint", [
    ("A a a B b b C c c D d d", "4 of 12 words of the training transcripts differ from others by case alone "
                                "(a/A, b/B, c/C): data.case=lower makes them one word"),
    ("Aa aa AA aa", "2 of 4 words of the training transcripts differ from others by case alone "
                    "(aa/Aa/AA): data.case=lower makes them one word"),
    ("A a " + "b " * 97, "1 of 99 words of the training transcripts differ from others by case alone "
                         "(A/a): data.case=lower makes them one word"),
    ("A a " + "b " * 98, ""),  # a hundredth
    ("a b", ""),
])
def test_words_in_two_cases(text, hint):
    assert spelling_hints(seen(text, lexicon=None)) == ([hint] if hint else [])


def test_accents_apart_are_told_beside_the_case():
    lexicon = Lexicon([Pronunciation("cafe\u0301", ("K",)), Pronunciation("a", ("A",))])
    case, accents = spelling_hints(seen("A caf\u00e9 a a A", lexicon=lexicon))
    assert case.startswith("2 of 3 unknown words are in the lexicon in lower case")
    assert accents.startswith("1 unknown words (caf\u00e9) are in the lexicon with letters and accents apart")


def hint(found, unknown, how, settings):
    return [f"{found} of {unknown} unknown words are in the lexicon {how}: set {settings}"]


@pytest.mark.parametrize("text, hints", [
    ("yes, no.", hint(2, 2, "without punctuation", "data.punctuation=remove")),
    ("yes no. maybe perhaps", hint(1, 3, "without punctuation", "data.punctuation=remove")),
    ("Yes, No No.", hint(3, 3, "in lower case and without punctuation", "data.case=lower data.punctuation=remove")),
    ("yes \u2014 no", hint(1, 1, "without punctuation", "data.punctuation=remove")),  # nothing is left of a dash
    ("no. " + "yes " * 98, hint(1, 1, "without punctuation", "data.punctuation=remove")),
    ("no. " + "yes " * 99, []),  # a hundredth
    ("NO NO no. " + "yes " * 7, hint(3, 3, "in lower case and without punctuation",
                                     "data.case=lower data.punctuation=remove")),
    ("NO no. " + "yes " * 8, hint(1, 2, "without punctuation", "data.punctuation=remove")),  # a tenth in upper case
])
def test_punctuation_that_the_lexicon_lacks(text, hints):
    assert spelling_hints(seen(text)) == hints


def test_words_with_punctuation_of_their_own_in_the_lexicon():
    assert spelling_hints(seen("'em a. 'em", lexicon=lexicon_of("'em", "a."))) == []
    assert spelling_hints(seen("(yes)-yes", lexicon=lexicon_of("yes"))) == []  # yes)-yes is no word


@pytest.mark.parametrize("text, hint", [
    ("so, it was. was it", "2 of 5 words of the training transcripts have punctuation (so, was.): "
                           "data.punctuation=remove takes it off"),
    ("a. b, c; d! d!", "5 of 5 words of the training transcripts have punctuation (d! a. b,): "
                       "data.punctuation=remove takes it off"),
    ("a. " + "b " * 98, "1 of 99 words of the training transcripts have punctuation (a.): "
                        "data.punctuation=remove takes it off"),
    ("a. " + "b " * 99, ""),
    ("it\u2019s don't [noise] 5%", ""),
])
def test_punctuation_without_a_lexicon(text, hint):
    assert spelling_hints(seen(text, lexicon=None)) == ([hint] if hint else [])


@pytest.mark.parametrize("text, hint", [
    ("\u6211" * 9 + " ok", "1 words of the training transcripts are in a script without spaces and 9 characters "
     "long on average: data.words=characters makes each character a word; or write words apart"),
    ("\u6211" * 10 + " \u6211\u4eec" * 1, ""),  # six on average
    ("\u6211" * 8, ""), ("Donaudampfschiffahrt", ""), ("", "")])
def test_sentences_without_spaces(text, hint):
    assert spelling_hints(seen(text, lexicon=None)) == ([hint] if hint else [])
