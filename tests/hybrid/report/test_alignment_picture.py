"""The picture of an alignment shows every symbol at its time."""

import re

import numpy as np
import pytest

from hybrid.align.times.ctm import TimedSymbol
from hybrid.report import alignment_picture
from hybrid.report.alignment_picture import draw_alignment

PHONES = [TimedSymbol("SIL", 0.0, 0.2), TimedSymbol("n", 0.2, 0.5), TimedSymbol("ow", 0.5, 1.0)]
WORDS = [TimedSymbol("no", 0.2, 1.0)]
FEATURES = np.random.default_rng(0).normal(size=(100, 40))


def figure_of(monkeypatch, *arguments):
    """What would be written."""
    drawn = []
    monkeypatch.setattr(alignment_picture, "save_figure", lambda figure, path: drawn.append(figure))
    draw_alignment(*arguments)
    return drawn[0]


def test_picture_holds_words_phones_and_truth(tmp_path):
    draw_alignment(FEATURES, 0.01, WORDS, PHONES, tmp_path / "a.svg", "utt-1", PHONES[1:])
    text = (tmp_path / "a.svg").read_text(encoding="utf-8")
    drawn = re.findall(r"<!-- (.*?) -->", text)  # matplotlib names each text in a comment
    assert [drawn.count(name) for name in ("no", "SIL", "n", "ow", "truth", "utt-1")] == [1, 1, 2, 2, 1, 1]
    draw_alignment(FEATURES, 0.01, [], [], tmp_path / "b.png")
    assert (tmp_path / "b.png").read_bytes().startswith(b"\x89PNG") and not list(tmp_path.glob("*.tmp"))


def test_symbols_stand_at_their_times_below_the_features(monkeypatch, tmp_path):
    spectrum, words, phones = figure_of(monkeypatch, FEATURES, 0.01, WORDS, PHONES, tmp_path / "a.svg", "utt-1").axes
    (image,) = spectrum.images
    assert np.array_equal(image.get_array(), FEATURES.T) and image.origin == "lower"
    assert image.get_extent() == pytest.approx([0.0, 1.0, 0, 40]) and words.get_xlim() == (0.0, 1.0)
    assert [line.get_xdata()[0] for line in spectrum.lines] == [0.0, 0.2, 0.5]
    assert (words.get_ylabel(), phones.get_ylabel(), phones.get_xlabel()) == ("words", "phones", "seconds")
    for axes, symbols in ((words, WORDS), (phones, PHONES)):
        assert [(text.get_text(), *text.get_position()) for text in axes.texts] == [
            (symbol, pytest.approx((start + end) / 2), 0.5) for symbol, start, end in symbols]
        spans = [patch.get_extents().transformed(axes.transData.inverted()) for patch in axes.patches]
        assert [(span.x0, span.x1) for span in spans] == [pytest.approx(symbol[1:]) for symbol in symbols]
    shades = [patch.get_alpha() for patch in phones.patches]
    assert shades[0] == shades[2] != shades[1] and min(shades) > 0  # neighbours can be told apart


def test_long_utterances_make_long_pictures(monkeypatch, tmp_path):
    widths = [figure_of(monkeypatch, np.zeros((frames, 2)), 0.01, [], [], tmp_path / "a.svg").get_size_inches()[0]
              for frames in (10, 300, 600, 9000)]
    assert widths == [6.0, 12.0, 24.0, 60.0]  # inches
