"""Characters of scripts without spaces become words, others do not."""

import pytest

from hybrid.data.characters import is_unspaced, part_characters
from hybrid.data.transcript import normalise_text


@pytest.mark.parametrize("text, parted", [
    ("\u4f60\u597d", "\u4f60 \u597d"),
    ("\u6211\u7528GitHub\u4e86 it's", "\u6211 \u7528 GitHub \u4e86 it's"),
    ("\u304c\u30ac\u3005\uff76", "\u304c \u30ac \u3005 \uff76"),  # Japanese, and a sign that repeats
    ("\U00020000\u3400\uf900", "\U00020000 \u3400 \uf900"),  # rare ideographs
    ("\u0e01\u0e31\u0e19", "\u0e01\u0e31 \u0e19"),  # a Thai vowel above belongs to its letter
    ("\u1019\u103c\u1014\u103a", "\u1019\u103c \u1014\u103a"), ("\u1780\u17b6\u0e81", "\u1780\u17b6 \u0e81"),
    ("\u0e01\u0e31x", "\u0e01\u0e31 x"),
    ("\ud55c\uad6d\uc5b4 ab \u0939\u093f", "\ud55c\uad6d\uc5b4 ab \u0939\u093f"),  # Korean and Hindi have spaces
    ("", "")])
def test_characters_as_words(text, parted):
    assert part_characters(text) == part_characters(parted) == parted


def test_scripts():
    assert is_unspaced("ok \u4f60") and not is_unspaced("ok \ud55c\uff01") and not is_unspaced("")


def test_punctuation_goes_first():
    text = "\u4f60\u597d\uff0cOK\u3002"
    assert normalise_text(text, "lower", "remove", "characters") == "\u4f60 \u597d ok"
