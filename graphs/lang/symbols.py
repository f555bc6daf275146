"""Symbol tables in Kaldi's and OpenFst's text format: one `SYMBOL ID` a line."""

import re
from numbers import Integral
from pathlib import Path
from typing import Dict, Iterable, List, Union

from graphs.errors import InputError
from graphs.text_file import decode, read_bytes, to_int

EPS = "<eps>"
_BLANK = re.compile("[ \t\r\n]")


class SymbolTable:
    """A one-to-one map between symbols and ids; id 0 is ``<eps>``.

    The ids are dense: ``0 .. len(table) - 1``.

    Attributes:
      name: for messages; the file, where the table was read from one.
    """

    name = "symbol table"

    def __init__(self, symbols: Iterable[str] = ()):
        """symbols: in the order of their ids, with or without the leading ``<eps>``."""
        self.symbols: List[str] = [EPS]
        self._id_of: Dict[str, int] = {EPS: 0}
        for symbol in symbols:
            if symbol != EPS:
                self.add(symbol)

    def add(self, symbol: str) -> int:
        """Id of the symbol, which is appended if it is new."""
        if symbol not in self._id_of:
            self._id_of[symbol] = len(self.symbols)
            self.symbols.append(symbol)
        return self._id_of[symbol]

    def id_of(self, symbol: str) -> int:
        """InputError if the table does not hold the symbol."""
        try:
            return self._id_of[symbol]
        except KeyError:
            raise InputError(self.name, f"the symbol {symbol}", "none") from None

    def get(self, symbol: str, default=None):
        return self._id_of.get(symbol, default)

    def symbol_of(self, symbol_id: int) -> str:
        """InputError if the table does not hold the id."""
        if not (isinstance(symbol_id, Integral) and 0 <= symbol_id < len(self)):
            raise InputError(self.name, f"a symbol of id {symbol_id}", f"ids up to {len(self) - 1}")
        return self.symbols[symbol_id]

    def __contains__(self, symbol: str) -> bool:
        return symbol in self._id_of

    def __len__(self) -> int:
        return len(self.symbols)

    def __iter__(self):
        return iter(self.symbols)

    def __eq__(self, other) -> bool:
        return isinstance(other, SymbolTable) and self.symbols == other.symbols

    def write(self, path: Union[str, Path]) -> None:
        """Raises InputError for a symbol that could not be read again."""
        for symbol in self.symbols:
            if not isinstance(symbol, str) or not symbol or _BLANK.search(symbol):
                raise InputError(str(path), "symbols without blanks", repr(symbol))
        lines = (f"{symbol} {i}\n" for i, symbol in enumerate(self.symbols))
        Path(path).write_text("".join(lines), encoding="utf-8")

    @classmethod
    def read(cls, path: Union[str, Path]) -> "SymbolTable":
        """Raises InputError that names the line when an id is missing, repeated or not a number."""
        pairs: Dict[int, str] = {}
        # split on ASCII blanks only: a Unicode space may be part of a symbol
        for number, raw in enumerate(read_bytes(path).split(b"\n"), 1):
            line = decode(f"{path}:{number}", raw)
            if not line.strip(" \t\r"):
                continue
            fields = [field for field in line.strip("\r").replace("\t", " ").split(" ") if field]
            try:
                symbol, digits = fields
                symbol_id = to_int(digits)
            except ValueError:
                raise InputError(f"{path}:{number}", "`SYMBOL ID`", repr(line)) from None
            if symbol_id in pairs:
                raise InputError(f"{path}:{number}", "an id not used before", fields[1])
            pairs[symbol_id] = symbol
        if pairs.get(0) != EPS:
            raise InputError(f"{path}", f"id 0 for {EPS}", repr(pairs.get(0)))
        if sorted(pairs) != list(range(len(pairs))):
            gap = next(i for i in range(len(pairs)) if i not in pairs)
            raise InputError(f"{path}", f"ids 0 to {len(pairs) - 1} without a gap", f"no id {gap}")
        table = cls(pairs[i] for i in range(1, len(pairs)))
        if len(table) != len(pairs):
            raise InputError(f"{path}", "every symbol once", "a symbol with two ids")
        table.name = str(path)
        return table
