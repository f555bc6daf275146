from hybrid.recognize.errors import (
    aligned_report, aligned_text, confusions, confusions_tsv, speaker_rows, speakers_tsv, utterances_tsv)
from hybrid.recognize.wer import Reference, score
from hybrid.report.tables import display_width

REFERENCES = {
    "u1": Reference(("the", "cat", "sat"), "ann"),
    "u2": Reference(("the", "cat"), "bob"),
    "u3": Reference(("a", "dog"), "bob"),
    "u4": Reference(("yes",), "ann"),
}
HYPOTHESES = {"u1": "the hat sat down".split(), "u2": "the hat".split(), "u4": ["yes"]}


def result():
    return score(REFERENCES, HYPOTHESES)


def test_reference_hypothesis_and_marks_stand_under_each_other():
    lines = aligned_text(result().utterances[0]).splitlines()
    assert lines[2:] == ["REF:  the cat sat ***",
                         "HYP:  the hat sat down",
                         "EVAL:     S       I"]
    assert "substituted 1" in lines[1] and "inserted 1" in lines[1]


def test_columns_hold_for_wide_characters():
    references = {"u": Reference(("你好", "b", "x"))}
    ref, hyp, mark = aligned_text(score(references, {"u": ["a", "b", "y"]}).utterances[0]).splitlines()[2:]
    assert display_width(ref[:ref.index("x")]) == display_width(hyp[:hyp.index("y")]) == mark.rindex("S")


def test_a_missing_hypothesis_is_said():
    report = aligned_report(result())
    assert "u3" in report and "(no hypothesis)" in report
    assert report.count("(no hypothesis)") == 1


def test_the_worst_utterances_come_first():
    ids = [line.split()[1] for line in aligned_report(result()).splitlines() if line.startswith("id:")]
    assert ids == ["u1", "u3", "u2", "u4"]


def test_confusions_are_counted_most_frequent_first():
    assert confusions(result()) == [("cat", "hat", 2), ("***", "down", 1), ("a", "***", 1), ("dog", "***", 1)]
    assert confusions_tsv(result()).splitlines()[:2] == ["count\treference\thypothesis", "2\tcat\that"]


def test_speakers_with_the_worst_first():
    rows = speaker_rows(result())
    assert [row[:7] for row in rows] == [("bob", 2, 4, 3, 0, 2, 1), ("ann", 2, 4, 2, 1, 0, 1)]
    assert speakers_tsv(result()).startswith("speaker\tutterances\twords\terrors")


def test_a_line_for_each_utterance():
    header, *lines = [line.split("\t") for line in utterances_tsv(result().utterances).splitlines()]
    rows = {line[0]: dict(zip(header, line)) for line in lines}
    assert rows["u3"]["missing"] == "1" and rows["u3"]["del"] == "2" and rows["u1"]["wer"] == "66.67"
