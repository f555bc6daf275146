"""Readers of what is scored: hybrid/recognize/."""

from hybrid.recognize.text_filter import read_rules
from hybrid.recognize.texts import read_references, write_text
from tests.fuzz.reader import Reader

RULES = "* name\n;; comment\nOKAY => OK\n[IT IS] => [IT'S]\n"

READERS = [
    Reader("references", "text", lambda folder: write_text(folder / "text", {"u1": ["a", "b"], "u2": []}),
           lambda folder: read_references(folder / "text", list)),
    Reader("mapping rules", "rules.glm", lambda folder: (folder / "rules.glm").write_text(RULES),
           lambda folder: read_rules(folder / "rules.glm")),
]
