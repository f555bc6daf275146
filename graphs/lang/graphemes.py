"""Grapheme lexicons: the letters of a word, in any script, stand for its phones."""

import unicodedata
from typing import Iterable, List

from graphs.lang.lexicon import Lexicon, Pronunciation

_JOINERS = "\u200c\u200d"  # zero-width (non-)joiner: shape the letter before


def graphemes(word: str, attach_marks: bool = True, lowercase: bool = True) -> List[str]:
    """The letters of a word after Unicode normalization (NFC).

    Args:
      attach_marks: combining marks (accents without a composed letter, vowel signs, viramas) belong to the
        letter before; otherwise each mark is a unit of its own.
      lowercase: capital and small letters are one unit; the case carries no sound.

    >>> graphemes("Ju\u0301a\u0331")
    ['j', '\u00fa', 'a\u0331']
    """
    units: List[str] = []
    for character in unicodedata.normalize("NFC", word.lower() if lowercase else word):
        is_mark = unicodedata.category(character).startswith("M") or character in _JOINERS
        if is_mark and attach_marks and units:
            units[-1] += character
        elif character not in _JOINERS:
            units.append(character)
    return units


def grapheme_lexicon(words: Iterable[str], attach_marks: bool = True, lowercase: bool = True) -> Lexicon:
    """One pronunciation for each word, sorted by code point. Raises InputError for a reserved word."""
    return Lexicon(Pronunciation(word, tuple(graphemes(word, attach_marks, lowercase)))
                   for word in sorted(set(words)))
