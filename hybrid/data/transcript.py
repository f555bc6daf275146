"""Transcripts: one way to write them, and whether a lexicon and the audio can hold them."""

import unicodedata
from collections import Counter
from typing import Dict, List, Optional, Tuple

from graphs.lang.lexicon import Lexicon

CASES = ("keep", "upper", "lower")
MIXED_SHARE = 0.01  # of running words; fewer that differ from others by case alone are names and the like
# zero-width space, word joiner, byte-order mark: invisible, and different words to a program
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u2060\ufeff"))


def normalise_text(text: str, case: str = "keep") -> str:
    """Unicode NFC, one space between words, nothing invisible, and the case asked for.

    >>> normalise_text("  cafe\\u0301\\tau lait ", "upper")
    'CAFÉ AU LAIT'
    """
    text = unicodedata.normalize("NFC", text).translate(_INVISIBLE)
    text = "".join(c if c.isspace() or unicodedata.category(c) != "Cc" else " " for c in text)
    if case != "keep":
        # some characters change their composition with the case
        text = unicodedata.normalize("NFC", text.upper() if case == "upper" else text.lower())
    return " ".join(text.split())


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

    def hints(self) -> List[str]:
        """What may be wrong where words are in the lexicon in another spelling, or are spelled in two ways."""
        return list(filter(None, [self._case_hint() or self._mixed_case_hint(), self._accents_hint()]))

    def _accents_hint(self) -> str:
        found = [word for word in self.oov if unicodedata.normalize("NFD", word) in self.lexicon]
        return found and (f"{sum(self.oov[word] for word in found)} unknown words ({', '.join(found[:3])}) are in the "
                          "lexicon with letters and accents apart (Unicode NFD): write it in NFC, as transcripts are")

    def _case_hint(self) -> str:
        """What to set when the words are in the lexicon in another case, else ""."""
        unknown = self.oov.total()
        for case in ("upper", "lower"):
            found = sum(n for word, n in self.oov.items() if normalise_text(word, case) in self.lexicon)
            if found > 0.5 * unknown and found > 0.1 * self.words.total():
                return (f"{found} of {unknown} unknown words are in the lexicon in {case} case: "
                        f"set data.case={case}")
        return ""

    def _mixed_case_hint(self) -> str:
        """What to set when many words are written in two cases, else ""."""
        forms: Dict[str, List[str]] = {}
        for word, _ in self.words.most_common():
            forms.setdefault(word.casefold(), []).append(word)
        mixed = [words for words in forms.values() if len(words) > 1]
        found, seen = sum(self.words[word] for words in mixed for word in words[1:]), self.words.total()
        if found <= MIXED_SHARE * seen:
            return ""
        examples = ", ".join("/".join(words) for words in mixed[:3])
        return (f"{found} of {seen} words of the training transcripts differ from others by case "
                f"alone ({examples}): data.case=lower makes them one word")
