"""Scripts that are written without spaces: Chinese, Japanese, Thai, Lao, Burmese, Khmer."""

import re
import unicodedata

WORDS = ("spaces", "characters")
_UNSPACED = re.compile("[\u0e01-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3041-\u30ff\u31f0-\u31ff\u3400-\u4dbf"
                       "\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]")


def part_characters(text: str) -> str:
    """Each character of these scripts, with its marks, is a word of its own; words of others stay whole.

    >>> part_characters("\u6211\u7528GitHub\u4e86 \u0e19\u0e49\u0e33")
    '\u6211 \u7528 GitHub \u4e86 \u0e19\u0e49 \u0e33'
    """
    parted = []
    for character in text:
        if unicodedata.category(character).startswith("M"):
            parted.append(character)
        elif _UNSPACED.match(character):
            parted += [" ", character]
        else:
            parted += [" "] * bool(parted and is_unspaced(parted[-1])) + [character]
    return " ".join("".join(parted).split())


def is_unspaced(text: str) -> bool:
    """Any of it is written in such a script."""
    return bool(_UNSPACED.search(text))
