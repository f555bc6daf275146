"""Readers of hybrid/data/ and of the transcripts."""

from hybrid.recognize.texts import read_text, write_text
from tests.fuzz.reader import Reader

READERS = [
    Reader("text", "text", lambda folder: write_text(folder / "text", {"u1": ["a", "b"], "u2": []}),
           lambda folder: read_text(folder / "text")),
]
