"""Takes the punctuation of written text off its words."""

import re
import unicodedata
from typing import Container

PUNCTUATION = ("keep", "remove")
_TAG = re.compile(r"(\[[^\]]*\]|<[^>]*>|\{[^}]*\})")  # notes of transcribers: [noise], <unk>, {breath}
# dashes, ellipsis, slash, the wide marks of Chinese and Japanese: between two words, with or without spaces
_JOINT = re.compile(r"[\u2013\u2014\u2026/\u3001\u3002\uff01\uff0c\uff0e\uff1a\uff1b\uff1f]|--+|\.\.+")
_SPOKEN = "%\u2030&@#\u00a7"  # Unicode's punctuation, but words


def remove_punctuation(text: str, known: Container[str] = ()) -> str:
    """The words of a text without the punctuation around them, in any script.

    What stands inside a word stays (don't, well-known, 3.5), a printed apostrophe as a typed one; dashes, dots and
    slashes between words part them. Notes in [], <> and {} stay.

    Args:
      known: words that stay as they are ('em, o'clock).

    >>> remove_punctuation("\u00abWell\u00bb, it\u2019s 5% \u2014 [noise] or so... (perhaps)!")
    "Well it's 5% [noise] or so perhaps"
    """
    words = []
    for part in _TAG.split(text):
        if _TAG.fullmatch(part):
            words.append(part)
            continue
        for word in part.split():
            words += [word] if word in known else filter(None, map(_bare, _JOINT.split(word)))
    return " ".join(words)


def _bare(word: str) -> str:
    return word.strip("".join(filter(_is_mark, word))).replace("\u2019", "'")


def _is_mark(character: str) -> bool:
    return unicodedata.category(character).startswith("P") and character not in _SPOKEN
