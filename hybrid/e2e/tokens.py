"""Tokens: what end-to-end networks emit, and how words are spelled with them.

token_id 0 is blank for CTC and transducers, and for attention decoders what stands before the first token and after the
last one; no transcript holds it. Three kinds:

- character: the characters of the words (NFC), and U+2581 alone between words;
- piece: the pieces of a sentencepiece model, of which those that begin a word start with U+2581;
- phone: the phones of a lang folder (token_id p is phone_id p), whatever they stand for there. They spell words by its
  lexicon, but only a decoding graph turns them back.
"""

import unicodedata
from pathlib import Path
from typing import Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple

from graphs.errors import InputError, naming
from graphs.ids import BLANK
from graphs.lang.lang import Lang
from graphs.text_file import read_lines, split_blanks
from hybrid.data.units import PieceModel
from hybrid.nn.tensor_file import write_atomically

KINDS = ("character", "piece", "phone")
BLANK_SYMBOL = "<blk>"
SPACE = "\u2581"
TOKENS, PIECES, SPELLINGS = "tokens.txt", "pieces.model", "spellings.txt"


class Spelled(NamedTuple):
    """A word, and the places of its first and its last token; a U+2581 alone belongs to the word after it."""

    word: str
    first: int
    last: int


class TokenTable:
    """
    Attributes:
      kind: see above.
      symbols: names, by token_id.
      pieces: the sentencepiece model of kind `piece`.
      spellings: word -> token_ids, of kind `phone`.
    """

    def __init__(self, kind: str, symbols: Sequence[str], pieces: Optional[PieceModel] = None,
                 spellings: Optional[Dict[str, Tuple[int, ...]]] = None):
        if kind not in KINDS:
            raise InputError("kind of tokens", f"one of {', '.join(KINDS)}", repr(kind))
        if len(symbols) < 2 or symbols[BLANK] != BLANK_SYMBOL or len(set(symbols)) < len(symbols):
            raise InputError("tokens", f"{BLANK_SYMBOL} first, others after it, each once", f"{len(symbols)} of them, "
                             f"the first {symbols[0] if symbols else None!r}")
        if (kind == "piece") != (pieces is not None) or (kind == "phone") != (spellings is not None):
            raise InputError(f"tokens of kind {kind}", "a sentencepiece model for pieces, spellings for phones",
                             "something else")
        self.kind, self.symbols, self.pieces, self.spellings = kind, list(symbols), pieces, spellings
        self._id_of = {symbol: token_id for token_id, symbol in enumerate(self.symbols)}

    @classmethod
    def characters(cls, sentences: Iterable[Sequence[str]]) -> "TokenTable":
        """Those of a text. Raises InputError for a text without words."""
        found = {character for words in sentences for word in words for character in _normal(word)}
        if not found:
            raise InputError("text for tokens", "at least one word", "none")
        return cls("character", [BLANK_SYMBOL, SPACE, *sorted(found - {SPACE})])

    @classmethod
    def of_pieces(cls, pieces: PieceModel) -> "TokenTable":
        return cls("piece", [BLANK_SYMBOL, *pieces.pieces], pieces)

    @classmethod
    def phones(cls, lang: Lang) -> "TokenTable":
        """Words are spelled by their first pronunciation, unknown ones as the lang's word for them."""
        spellings = {word: tuple(lang.phone_ids(word)) for word in sorted({entry.word for entry in lang.lexicon})}
        return cls("phone", [BLANK_SYMBOL, *lang.phones.symbols[1:lang.num_phones + 1]],
                   spellings={word: ids for word, ids in spellings.items() if ids})

    @property
    def num_tokens(self) -> int:
        """Blank counted."""
        return len(self.symbols)

    def starts_word(self, token_id: int) -> bool:
        """Does the word before it end there? Not for phones."""
        return self.symbols[token_id].startswith(SPACE)

    def encode(self, words: Sequence[str]) -> Optional[List[int]]:
        """token_ids of a sentence; None when a word cannot be spelled: U+2581 within one would end it there."""
        if self.kind != "phone" and any(SPACE in word for word in words):
            return None
        if self.kind == "character":
            symbols = [symbol for word in words for symbol in (SPACE, *_normal(word))][1:]
        elif self.kind == "piece":
            split = [self.pieces.split(word) for word in words]
            if not all(split):
                return None
            symbols = [piece for pieces in split for piece in pieces]
        else:
            if not all(word in self.spellings for word in words):
                return None
            return [token for word in words for token in self.spellings[word]]
        token_ids = [self._id_of.get(symbol) for symbol in symbols]
        return None if None in token_ids else token_ids

    def words(self, token_ids: Sequence[int]) -> List[Spelled]:
        """The words that the tokens spell; U+2581 without a word after it, or twice, is nothing.

        Raises: ValueError for phones.
        """
        if self.kind == "phone":
            raise ValueError("tokens: expected characters or pieces, phones need a decoding graph to make words")
        found: List[Spelled] = []
        text, first, last = "", 0, -1
        for place, token_id in enumerate(token_ids):
            symbol = self.symbols[token_id]
            if symbol.startswith(SPACE):
                found += [Spelled(text, first, last)] * bool(text)
                text, first = "", place
            text += symbol.lstrip(SPACE)
            last = place
        return found + [Spelled(text, first, last)] * bool(text)

    def write(self, folder: Path) -> None:
        """tokens.txt (`TOKEN ID`), and pieces.model or spellings.txt (`WORD TOKEN ...`)."""
        lines = (f"{symbol} {token_id}\n" for token_id, symbol in enumerate(self.symbols))
        write_atomically(Path(folder) / TOKENS, "".join(lines).encode("utf-8"))
        if self.pieces:
            self.pieces.write(Path(folder) / PIECES)
        if self.spellings is not None:
            lines = (" ".join((word, *(self.symbols[token_id] for token_id in ids))) + "\n"
                     for word, ids in self.spellings.items())
            write_atomically(Path(folder) / SPELLINGS, "".join(lines).encode("utf-8"))

    @classmethod
    def read(cls, folder: Path, kind: str) -> "TokenTable":
        """Raises InputError that names a bad line."""
        folder = Path(folder)
        symbols = []
        for number, line in read_lines(folder / TOKENS)[0]:
            fields = split_blanks(line)
            if len(fields) != 2 or fields[1] != str(len(symbols)):
                raise InputError(f"{folder / TOKENS}:{number}", f"`TOKEN {len(symbols)}`", repr(line[:60]))
            symbols.append(fields[0])
        pieces = PieceModel.read(folder / PIECES) if kind == "piece" else None
        spellings = _read_spellings(folder / SPELLINGS, symbols) if kind == "phone" else None
        with naming(str(folder / TOKENS)):
            return cls(kind, symbols, pieces, spellings)


def _normal(word: str) -> str:
    return unicodedata.normalize("NFC", word)


def _read_spellings(path: Path, symbols: Sequence[str]) -> Dict[str, Tuple[int, ...]]:
    id_of = {symbol: token_id for token_id, symbol in enumerate(symbols)}
    spellings: Dict[str, Tuple[int, ...]] = {}
    for number, line in read_lines(path)[0]:
        word, *spelled = split_blanks(line)
        if not spelled or word in spellings or not all(id_of.get(symbol) for symbol in spelled):
            raise InputError(f"{path}:{number}", "`WORD TOKEN ...`, each word once, tokens of tokens.txt",
                             repr(line[:60]))
        spellings[word] = tuple(id_of[symbol] for symbol in spelled)
    return spellings
