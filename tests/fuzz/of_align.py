"""Readers of hybrid/align/."""

from hybrid.align.ctm import TimedSymbol, read_ctm, write_ctm
from tests.fuzz.reader import Reader


def _write_ctm(folder) -> None:
    words = [TimedSymbol("bad", 0.05, 0.13), TimedSymbol("add", 0.2, 0.4)]
    write_ctm(folder / "words.ctm", {"u1": words, "u2": words})


READERS = [
    Reader("ctm", "words.ctm", _write_ctm, lambda folder: read_ctm(folder / "words.ctm")),
]
