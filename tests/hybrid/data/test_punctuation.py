"""Punctuation is taken off words, and words stay whole."""

import pytest

from hybrid.data.punctuation import remove_punctuation


@pytest.mark.parametrize("text, words", [
    ("Hello, world.", "Hello world"),
    ("\u00bfQu\u00e9? \u00a1Ay!", "Qu\u00e9 Ay"),
    ("\u00abBon\u00bb \u201eja\u201c \u2018so\u2019", "Bon ja so"),
    ("\u0928\u092e\u0938\u094d\u0924\u0947\u0964 \u0645\u0631\u062d\u0628\u0627\u060c \u4f60\u597d\u3002",
     "\u0928\u092e\u0938\u094d\u0924\u0947 \u0645\u0631\u062d\u0628\u0627 \u4f60\u597d"),
    ("don't don\u2019t well-known 3.5 o'clock", "don't don't well-known 3.5 o'clock"),
    ("one\u2014two three--four five...six and/or 1990\u20131995", "one two three four five six and or 1990 1995"),
    ("\u4f60\u597d\uff0c\u4e16\u754c\u3002\u3042\u3001\u3044\uff01", "\u4f60\u597d \u4e16\u754c \u3042 \u3044"),
    ("- \u2014 ... ,", ""),
    ("5% a & b @ home #1 \u00a72 30\u2030", "5% a & b @ home #1 \u00a72 30\u2030"),
    ("$5 +1 <unk> [noise] {breath}", "$5 +1 <unk> [noise] {breath}"),
    ("so[door slams], (aside) <a/b>.", "so [door slams] aside <a/b>"),
    ("[open bracket", "open bracket"),
    ("", ""),
])
def test_what_is_left(text, words):
    assert remove_punctuation(text) == words
    assert remove_punctuation(words) == words


def test_known_words_stay():
    assert remove_punctuation("'em a. b. and/or x/y, it\u2019s", {"'em", "a.", "and/or", "it\u2019s"}) == (
        "'em a. b and/or x y it\u2019s")
