"""What is done to reference and hypothesis, alike, before they are compared."""

import unicodedata
from pathlib import Path
from typing import Dict, Iterable, List, Optional, Sequence, Tuple

from graphs.errors import InputError
from graphs.text_file import read_lines

Rules = Dict[Tuple[str, ...], Tuple[str, ...]]


class TextFilter:
    """Maps words to the words that are scored.

    In this order: Unicode NFC (so that one letter written in two ways is one letter), case folding, the map,
    the ignored words. The map goes from left to right, takes the longest rule that fits, and does not look at
    its own output again.

    >>> TextFilter(ignore=["<unk>"], rules={("all", "right"): ("alright",)})("<unk> all right now".split())
    ['alright', 'now']
    """

    def __init__(self, fold_case: bool = False, ignore: Iterable[str] = (), rules: Optional[Rules] = None):
        """
        Args:
          fold_case: compare without case (Unicode case folding); the rules and ignored words, too.
          ignore: words dropped on both sides (noises, `<unk>`).
          rules: words -> words; nothing on the right side drops them.
        """
        self.fold_case = fold_case
        self._ignore = {self._word(word) for word in ignore}
        self._rules = {self._words(left): self._words(right) for left, right in (rules or {}).items()}
        self._longest = max(map(len, self._rules), default=0)

    def __call__(self, words: Sequence[str]) -> List[str]:
        mapped = self._map(self._words(words)) if self._rules else self._words(words)
        return [word for word in mapped if word not in self._ignore]

    def _word(self, word: str) -> str:
        word = unicodedata.normalize("NFC", word)
        # folding may decompose (dotted capital I), so the composition comes again
        return unicodedata.normalize("NFC", word.casefold()) if self.fold_case else word

    def _words(self, words: Iterable[str]) -> Tuple[str, ...]:
        return tuple(map(self._word, words))

    def _map(self, words: Tuple[str, ...]) -> List[str]:
        out: List[str] = []
        start = 0
        while start < len(words):
            for length in range(min(self._longest, len(words) - start), 0, -1):
                replacement = self._rules.get(words[start:start + length])
                if replacement is not None:
                    out.extend(replacement)
                    start += length
                    break
            else:
                out.append(words[start])
                start += 1
        return out


def read_rules(path: Path) -> Rules:
    """Reads `WORDS => WORDS` lines, the plain rules of NIST's global mapping files (.glm).

    Square brackets around a side are allowed, `;;` starts a comment, lines starting with `*` (the header
    of a .glm) are skipped. Raises InputError naming the line for anything else, contexts (`/ a __ b`) and
    alternatives (`{ a / b }`) included.
    """
    rules: Rules = {}
    for number, line in read_lines(path)[0]:
        line = line.split(";;")[0].strip()
        if not line or line.startswith("*"):
            continue
        left, arrow, right = line.partition("=>")
        sides = [tuple(_bare(side).split()) for side in (left, right)]
        if not arrow or not sides[0] or any(word in ("/", "{", "}") for side in sides for word in side):
            raise InputError(f"{path}:{number}", "`WORDS => WORDS`", repr(line))
        if rules.setdefault(*sides) != sides[1]:
            raise InputError(f"{path}:{number}", "one rule a left side", f"another for {left.strip()!r}")
    return rules


def _bare(side: str) -> str:
    side = side.strip()
    return side[1:-1] if side.startswith("[") and side.endswith("]") else side
