"""Readers of hybrid/align/."""

import numpy as np

from hybrid.align.alignment import Alignment, Segment, read_alignments, write_alignments
from hybrid.align.times.ctm import ScoredSymbol, TimedSymbol, read_ctm, read_scored_ctm, write_ctm
from tests.fuzz.mutations import archive_arrays
from tests.fuzz.reader import Reader


def _write_ctm(folder) -> None:
    words = [TimedSymbol("bad", 0.05, 0.13), TimedSymbol("add", 0.2, 0.4)]
    write_ctm(folder / "words.ctm", {"u1": words, "u2": words})


def _write_scored_ctm(folder) -> None:
    words = [ScoredSymbol("bad", 0.05, 0.13, 0.5), ScoredSymbol("add", 0.2, 0.4, 1.0)]
    write_ctm(folder / "words.ctm", {"u1": words, "u2": words})


def _write_alignments(folder) -> None:
    write_alignments(folder, [Alignment(f"u{n}", np.arange(1, n + 3), -1.5, (Segment(3, 0, 2),)) for n in range(3)])


READERS = [
    Reader("ctm", "words.ctm", _write_ctm, lambda folder: read_ctm(folder / "words.ctm")),
    Reader("scored ctm", "words.ctm", _write_scored_ctm, lambda folder: read_scored_ctm(folder / "words.ctm")),
    Reader("alignments", "alignments.npz", _write_alignments, read_alignments, archive_arrays),
]
