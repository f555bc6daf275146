"""CTM and TextGrid files."""

import re

import pytest

from graphs.errors import InputError
from graphs.lang.symbols import SymbolTable
from hybrid.align.alignment import Segment
from hybrid.align.times.ctm import ScoredSymbol, TimedSymbol, read_ctm, read_scored_ctm, timed_symbols, write_ctm
from hybrid.align.times.textgrid import textgrid, write_textgrid


def test_segments_become_seconds():
    symbols = SymbolTable(["SIL", "AH"])
    segments = [Segment(1, 0, 3), Segment(2, 3, 2)]
    assert timed_symbols(segments, symbols, 0.0125) == [("SIL", 0.0, pytest.approx(0.0375)),
                                                        ("AH", pytest.approx(0.0375), pytest.approx(0.0625))]


def test_ctm_round_trip(tmp_path):
    utterances = {"b": [TimedSymbol("ə", 0.0, 0.0125), TimedSymbol("t", 0.0125, 0.1)],
                  "a": [TimedSymbol("SIL", 0.0, 1.5)]}
    write_ctm(tmp_path / "phones.ctm", utterances)
    text = (tmp_path / "phones.ctm").read_text(encoding="utf-8")
    assert text.startswith("a 1 0.0000 1.5000 SIL\nb 1 0.0000")
    found = read_ctm(tmp_path / "phones.ctm")
    assert {key: [s.symbol for s in value] for key, value in found.items()} == {"a": ["SIL"], "b": ["ə", "t"]}
    assert found["b"][1].end == pytest.approx(0.1)


def test_a_malformed_ctm_line_is_named(tmp_path):
    (tmp_path / "x.ctm").write_text("a 1 0.0 0.1 AH\na 1 zero 0.1 AH\n", encoding="utf-8")
    with pytest.raises(InputError, match="x.ctm:2"):
        read_ctm(tmp_path / "x.ctm")


def test_confidences_stand_after_the_symbols(tmp_path):
    words = {"u": [ScoredSymbol("yes", 0.1, 0.35, 0.875), ScoredSymbol("no", 0.35, 0.5, 1.0)]}
    write_ctm(tmp_path / "words.ctm", words)
    assert (tmp_path / "words.ctm").read_text() == "u 1 0.1000 0.2500 yes 0.875000\nu 1 0.3500 0.1500 no 1.000000\n"
    assert [word.symbol for word in read_ctm(tmp_path / "words.ctm")["u"]] == ["yes", "no"]
    (found,) = read_scored_ctm(tmp_path / "words.ctm").values()
    assert [word.confidence for word in found] == [0.875, 1.0] and found[0].end == pytest.approx(0.35)


@pytest.mark.parametrize("confidence", ["", "NA", "1.5", "-0.1", "nan"])
def test_a_confidence_that_is_none_is_named(confidence, tmp_path):
    (tmp_path / "x.ctm").write_text(f";; comment\na 1 0.0 0.1 AH 0.5\na 1 0.1 0.1 AH {confidence}\n")
    found = repr(confidence) if confidence else "none"
    with pytest.raises(InputError, match=f"x.ctm:3: expected a confidence from 0 to 1 after the symbol, found {found}"):
        read_scored_ctm(tmp_path / "x.ctm")


def test_an_utterance_has_one_channel(tmp_path):
    (tmp_path / "x.ctm").write_text("a A 0.0 0.1 yes 0.5\nb B 0.0 0.1 no 0.5\na B 0.1 0.1 no 0.5\n")
    for read in (read_ctm, read_scored_ctm):
        with pytest.raises(InputError, match="x.ctm:3: expected one channel of a, found A and B"):
            read(tmp_path / "x.ctm")


def test_textgrid_covers_all_of_the_time(tmp_path):
    words = [TimedSymbol('say "a"', 0.1, 0.4), TimedSymbol("b", 0.4, 1.2)]
    text = textgrid({"words": words, "phones": []}, 1.0)
    assert text.startswith('File type = "ooTextFile"\nObject class = "TextGrid"\n')
    intervals = re.findall(r'xmin = ([\d.]+)\n\s+xmax = ([\d.]+)\n\s+text = "(.*)"', text)
    assert intervals == [("0.0000", "0.1000", ""), ("0.1000", "0.4000", 'say ""a""'),
                         ("0.4000", "1.0000", "b"), ("0.0000", "1.0000", "")]
    assert re.findall(r"intervals: size = (\d+)", text) == ["3", "1"]
    write_textgrid(tmp_path / "a.TextGrid", {"words": words}, 1.0)
    assert (tmp_path / "a.TextGrid").read_text(encoding="utf-8") == textgrid({"words": words}, 1.0)
