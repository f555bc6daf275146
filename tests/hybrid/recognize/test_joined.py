"""Pieces of recordings, put together again."""

from hybrid.align.times.ctm import ScoredSymbol
from hybrid.data.kaldi_dir import Segment
from hybrid.outcomes import Outcomes, read_outcomes
from hybrid.recognize.joined import joined_outcomes, joined_times, joined_words

SEGMENTS = {"b-2": Segment("b", 10.0, 14.5), "a": Segment("a", 0.0, 3.0), "b-1": Segment("b", 0.0, 10.0),
            "c": Segment("c", 0.0, 1.0)}


def test_words_come_in_the_order_of_the_recording():
    words = {"b-2": ["three"], "a": [], "b-1": ["one", "two"]}
    assert joined_words(SEGMENTS, words) == {"a": [], "b": ["one", "two", "three"]}  # all of c failed


def test_a_piece_that_failed_leaves_the_others():
    assert joined_words(SEGMENTS, {"b-2": ["three"]}) == {"b": ["three"]}


def test_times_count_from_the_start_of_the_recording():
    words = {"b-2": [ScoredSymbol("three", 0.5, 0.75, 0.9)], "b-1": [ScoredSymbol("one", 1.0, 1.5, 1.0)]}
    assert joined_times(SEGMENTS, words) == {
        "a": [], "c": [], "b": [ScoredSymbol("one", 1.0, 1.5, 1.0), ScoredSymbol("three", 10.5, 10.75, 0.9)]}


def test_each_piece_has_an_outcome(tmp_path):
    (tmp_path / "rejected").write_text("utterance\treason\tdetail\nc\tunreadable\tno audio\n")
    stage = Outcomes()
    stage.add("a", "partial", "no end")
    stage.add("anna", "failed", "a speaker, not a piece")
    stage.write(tmp_path / "outcomes")
    first = Outcomes()
    first.add("b-1", "partial", "not of the stages that follow")
    first.add("lost", "failed", "no such recording")  # so it is no piece
    first.write(tmp_path / "imported")
    found = joined_outcomes(SEGMENTS, {"a": [], "b-1": ["one"]}, tmp_path / "imported", [
        tmp_path / "rejected", tmp_path / "none", tmp_path / "outcomes"])
    assert found.notable == {"c": ("failed", "unreadable: no audio"), "a": ("partial", "no end"),
                             "b-2": ("failed", "no words came out"), "lost": ("failed", "no such recording")}
    assert found.counts == {"failed": 3, "partial": 1, "done": 1}
    assert read_outcomes(tmp_path / "rejected") == {"c": ("unreadable", "no audio")}  # the heading is none
    assert read_outcomes(tmp_path / "none") == {}
