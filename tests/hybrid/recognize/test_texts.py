"""References and hypotheses from text and cuts."""

import pytest

from graphs.errors import InputError
from hybrid.data.manifest import write_cuts
from hybrid.recognize.text_filter import TextFilter
from hybrid.recognize.texts import read_references, read_text, write_text
from hybrid.recognize.wer import Reference
from tests.hybrid.data.material import noise_cut

PLAIN = TextFilter()


def test_text_round_trip_is_sorted_and_keeps_empty_texts(tmp_path):
    texts = {"b": ["x", "y"], "a": [], "c": ["\u0928\u092e"]}
    write_text(tmp_path / "text", texts)
    assert (tmp_path / "text").read_text(encoding="utf-8") == "a\nb x y\nc \u0928\u092e\n"
    assert read_text(tmp_path / "text") == texts
    assert [p.name for p in tmp_path.iterdir()] == ["text"]


def test_an_utterance_with_two_texts_is_named_by_its_line(tmp_path):
    (tmp_path / "text").write_text("a x\nb\na y\n")
    with pytest.raises(InputError, match="text:3: expected each utterance once, found a again"):
        read_text(tmp_path / "text")


def test_references_from_text_have_no_speaker(tmp_path):
    (tmp_path / "text").write_text("a yes NO\nb\n")
    assert read_references(tmp_path / "text", TextFilter(fold_case=True)) == {
        "a": Reference(("yes", "no"), "unknown", 0.0), "b": Reference((), "unknown", 0.0)}


def test_references_from_cuts_know_speaker_and_length(tmp_path):
    cuts = [noise_cut(tmp_path, "u1", "yes no", "anna", seconds=1.5), noise_cut(tmp_path, "u2", "no", None)]
    write_cuts(tmp_path / "cuts.jsonl.gz", cuts)
    for path in (tmp_path, tmp_path / "cuts.jsonl.gz"):
        assert read_references(path, TextFilter(ignore=["yes"])) == {
            "u1": Reference(("no",), "anna", 1.5), "u2": Reference(("no",), "unknown", 1.0)}


def test_cuts_that_are_no_utterances_are_named(tmp_path):
    one = noise_cut(tmp_path, "u1", "yes")
    write_cuts(tmp_path / "twice.jsonl.gz", [one, one])
    with pytest.raises(InputError, match="cut u1: expected each id once, found it again"):
        read_references(tmp_path / "twice.jsonl.gz", PLAIN)
    silent = noise_cut(tmp_path, "u2", "no")
    silent.supervisions = []
    write_cuts(tmp_path / "none.jsonl.gz", [silent])
    with pytest.raises(InputError, match="cut u2: expected one supervision, found 0"):
        read_references(tmp_path / "none.jsonl.gz", PLAIN)


def test_no_words_and_no_file_are_refused(tmp_path):
    (tmp_path / "text").write_text("a\nb\n")
    with pytest.raises(InputError, match="transcripts with words, found none in 2 utterances"):
        read_references(tmp_path / "text", PLAIN)
    for path in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(InputError, match="expected cuts, found none"):
            read_references(path, PLAIN)
