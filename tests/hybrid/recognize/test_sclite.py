"""Counts against NIST's sclite, where it is installed (Debian: sctk)."""

import random
import re
import shutil
import subprocess

import pytest

from hybrid.recognize.edit_distance import SCLITE
from hybrid.recognize.wer import Reference, score


def sclite_command():
    if shutil.which("sclite"):
        return ["sclite"]
    return ["sctk", "sclite"] if shutil.which("sctk") else None


@pytest.mark.skipif(sclite_command() is None, reason="needs sclite")
def test_counts_are_those_of_sclite(tmp_path):
    draw = random.Random(5)
    references = {f"s_{n}": Reference(tuple(draw.choice("abcde") for _ in range(draw.randint(1, 14))))
                  for n in range(500)}
    hypotheses = {key: [draw.choice("abcde") for _ in range(draw.randint(0, 14))] for key in references}
    for name, texts in (("ref", {k: r.words for k, r in references.items()}), ("hyp", hypotheses)):
        (tmp_path / name).write_text("".join(f"{' '.join(words)} ({key})\n" for key, words in texts.items()))
    report = subprocess.run(
        [*sclite_command(), "-r", str(tmp_path / "ref"), "trn", "-h", str(tmp_path / "hyp"), "trn",
         "-i", "rm", "-o", "rsum", "stdout"], capture_output=True, text=True, check=True).stdout
    # | Sum | sentences words | correct sub del ins errors sentences in error |
    theirs = list(map(int, re.findall(r"\d+", next(line for line in report.splitlines() if "Sum" in line))))
    ours = score(references, hypotheses, SCLITE)
    c = ours.counts
    wrong = sum(u.counts.errors > 0 for u in ours.utterances)
    assert theirs == [500, c.words, c.correct, c.substitutions, c.deletions, c.insertions, c.errors, wrong]
