"""Transcripts: one way to write them, and whether a lexicon and the audio can hold them."""

import unicodedata
from collections import Counter
from typing import Container, Optional, Tuple

from graphs.lang.lexicon import RESERVED_WORDS, Lexicon
from hybrid.data.characters import part_characters
from hybrid.data.punctuation import remove_punctuation

CASES = ("keep", "upper", "lower")
# zero-width space, word joiner, byte-order mark, soft hyphen, marks of the direction of writing: invisible, and
# different words to a program (joiners are not among them: scripts are written with them)
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u2060\ufeff\u00ad\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e"
                               "\u2066\u2067\u2068\u2069"))


def normalise_text(text: str, case: str = "keep", punctuation: str = "keep", words: str = "spaces",
                   known: Container[str] = ()) -> str:
    """Unicode NFC, one space between words, nothing invisible, and the case, punctuation and words asked for.

    Args:
      words: `characters` of scripts without spaces are words.
      known: words that keep their punctuation.

    >>> normalise_text("  cafe\\u0301\\tau lait ", "upper")
    'CAFÉ AU LAIT'
    """
    text = unicodedata.normalize("NFC", text).translate(_INVISIBLE)
    text = "".join(c if c.isspace() or unicodedata.category(c) != "Cc" else " " for c in text)
    if case != "keep":
        # some characters change their composition with the case
        text = unicodedata.normalize("NFC", text.upper() if case == "upper" else text.lower())
    if punctuation == "remove":
        text = remove_punctuation(text, known)
    return part_characters(text) if words == "characters" else " ".join(text.split())


class Transcripts:
    """Checks transcripts and counts their words.

    Attributes:
      words: word -> how often it was seen.
      oov: those of them that are not in the lexicon.
    """

    def __init__(self, lexicon: Optional[Lexicon], min_frames_per_phone: float):
        self.lexicon, self.min_frames_per_phone = lexicon, min_frames_per_phone
        self.words: Counter = Counter()
        self.oov: Counter = Counter()

    def check(self, text: str, num_frames: float, count: bool) -> Tuple[str, str]:
        """A reason to reject the transcript and its detail; ("", "") for a good one.

        Args:
          num_frames: of the utterance.
          count: the words are counted.
        """
        words = text.split()
        if not words:
            return "empty_transcript", ""
        if not set(RESERVED_WORDS).isdisjoint(words):
            return "reserved_word", text[:100]
        if count:
            self.words.update(words)
        if self.lexicon is None:
            return "", ""
        unknown = [word for word in words if word not in self.lexicon]
        if count:
            self.oov.update(unknown)
        if len(unknown) == len(words):
            return "all_oov", text[:100]
        phones = sum(self._shortest(word) for word in words)
        if phones * self.min_frames_per_phone > num_frames:
            return "too_short", f"{phones} phones in {num_frames:.0f} frames"
        return "", ""

    def _shortest(self, word: str) -> int:
        """Phones of the shortest pronunciation; an unknown word will take at least one."""
        if word not in self.lexicon:
            return 1
        return min(len(entry.phones) for entry in self.lexicon.pronunciations(word))
