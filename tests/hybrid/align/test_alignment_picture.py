"""The picture of an alignment shows every symbol at its time."""

import re

import numpy as np

from hybrid.align.ctm import TimedSymbol
from hybrid.report.alignment_picture import draw_alignment


def test_picture_holds_words_phones_and_truth(tmp_path):
    phones = [TimedSymbol("SIL", 0.0, 0.2), TimedSymbol("n", 0.2, 0.5), TimedSymbol("ow", 0.5, 1.0)]
    features = np.random.default_rng(0).normal(size=(100, 40))
    words = [TimedSymbol("no", 0.2, 1.0)]
    draw_alignment(features, 0.01, words, phones, tmp_path / "a.svg", "utt-1", phones[1:])
    text = (tmp_path / "a.svg").read_text(encoding="utf-8")
    drawn = re.findall(r"<!-- (.*?) -->", text)  # matplotlib names each text in a comment
    assert [drawn.count(name) for name in ("no", "SIL", "n", "ow", "truth", "utt-1")] == [1, 1, 2, 2, 1, 1]
    draw_alignment(features, 0.01, [], [], tmp_path / "b.png")
    assert (tmp_path / "b.png").read_bytes().startswith(b"\x89PNG") and not list(tmp_path.glob("*.tmp"))
