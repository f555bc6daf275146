"""Boundary errors with planted shifts."""

import json
from types import SimpleNamespace

import pytest

from hybrid.align.times.boundaries import by_class, compare, compare_folder, statistics, table, true_symbols
from hybrid.align.times.ctm import TimedSymbol
from hybrid.align.times.phone_classes import phone_class


def _phones(text):
    """`SIL 0.1 K 0.2 ...`: each phone with its end; they follow each other from 0."""
    fields, phones, time = text.split(), [], 0.0
    for symbol, end in zip(fields[::2], fields[1::2]):
        phones.append(TimedSymbol(symbol, time, float(end)))
        time = float(end)
    return phones


TRUTH = _phones("SIL 0.10 K 0.20 AE 0.35 T 0.40 S 0.60 SIL 0.75")


def _errors(aligned, truth=TRUTH, duration=0.75):
    comparison = compare(_phones(aligned), truth, ["SIL"], duration)
    return [(round(1000 * b.error), b.phone) for b in comparison.boundaries], comparison.missed


def test_the_truth_has_no_errors():
    errors, missed = _errors("SIL 0.10 K 0.20 AE 0.35 T 0.40 S 0.60 SIL 0.75")
    assert errors == [(0, "K"), (0, "AE"), (0, "T"), (0, "S"), (0, None)] and missed == 0


def test_planted_shifts_are_found_with_their_sign():
    errors, _ = _errors("SIL 0.12 K 0.19 AE 0.35 T 0.43 S 0.60 SIL 0.75")
    assert errors == [(20, "K"), (-10, "AE"), (0, "T"), (30, "S"), (0, None)]


def test_a_boundary_beside_a_missing_or_added_phone_does_not_count():
    errors, missed = _errors("SIL 0.11 K 0.22 AE 0.38 S 0.63 SIL 0.75")  # T is missing
    assert errors == [(10, "K"), (20, "AE"), (30, None)] and missed == 2
    errors, missed = _errors("SIL 0.10 K 0.21 AE 0.35 T 0.37 D 0.40 S 0.60 SIL 0.75")
    assert errors == [(0, "K"), (10, "AE"), (0, "T"), (0, None)] and missed == 1


def test_another_phone_in_the_same_place_counts():
    errors, missed = _errors("SIL 0.10 K 0.20 AH 0.37 T 0.40 S 0.60 SIL 0.75")
    assert errors == [(0, "K"), (0, "AE"), (20, "T"), (0, "S"), (0, None)] and missed == 0


def test_a_pause_in_one_of_the_two_is_two_boundaries():
    errors, _ = _errors("SIL 0.10 K 0.20 AE 0.33 SIL 0.36 T 0.40 S 0.60 SIL 0.75")
    assert errors == [(0, "K"), (0, "AE"), (-20, None), (10, "T"), (0, "S"), (0, None)]


def test_ends_of_the_utterance_that_nothing_can_get_wrong_do_not_count():
    truth = _phones("K 0.20 AE 0.35")
    assert _errors("K 0.22 AE 0.35", truth, 0.35) == ([(20, "AE")], 0)
    errors = [(30, "K"), (20, "AE"), (-30, None)]
    assert _errors("SIL 0.03 K 0.22 AE 0.32 SIL 0.35", truth, 0.35) == (errors, 0)


@pytest.mark.parametrize("aligned, truth, expected", [
    ("SIL 0.004 K 0.2", "SIL 0.005 K 0.2", []), ("SIL 0.007 K 0.2", "SIL 0.005 K 0.2", [(2, "K")]),
    ("SIL 0.003 K 0.2", "SIL 0.006 K 0.2", [(-3, "K")]), ("K 0.196", "K 0.198", []),
    ("K 0.192", "K 0.198", [(-6, None)])])
def test_nearer_to_an_end_than_half_a_frame_is_at_the_end(aligned, truth, expected):
    assert _errors(aligned, _phones(truth), 0.2) == (expected, 0)


@pytest.mark.parametrize("pause, expected", [(0.0004, [(0, "T")]), (0.0006, [(-1, None), (0, "T")])])
def test_a_pause_of_less_than_half_a_millisecond_is_none(pause, expected):
    aligned = [TimedSymbol("K", 0.0, 0.1 - pause), TimedSymbol("T", 0.1, 0.2)]
    for one, other, sign in ((aligned, _phones("K 0.1 T 0.2"), 1), (_phones("K 0.1 T 0.2"), aligned, -1)):
        found = compare(one, other, [], 0.2).boundaries
        assert [(sign * round(1000 * b.error), b.phone) for b in found] == expected


def test_the_table_of_a_folder():
    result = compare_folder({"a": _phones("SIL 0.12 K 0.20 AE 0.35 T 0.40 S 0.60 SIL 0.75")},
                            [_cut("a", TRUTH), _cut("x", TRUTH)], ["SIL"])
    lines = table(result).splitlines()
    assert lines[0].split("  ") and "% in 10 ms" in lines[0] and "shift ms" in lines[0]
    rows = {line.split()[0]: line.split()[1:] for line in lines if line.split()[0] in ("all", "stop")}
    assert rows["all"][:4] == ["5", "4.00", "0.00", "4.00"] and rows["all"][4:] == ["80.00", "100.00", "100.00"]
    assert lines[-1] == ("1 utterances; 0 boundaries beside a phone without a match; 0 utterances without truth, "
                         "1 not aligned")


def test_the_truth_of_a_cut_starts_with_its_supervision():
    cut = _cut("a", TRUTH[:2])
    cut.supervisions[0].start = 0.5
    assert [(p.symbol, p.start, p.end) for p in true_symbols(cut)] == [("SIL", -0.5, -0.4), ("K", -0.4, -0.3)]
    cut.supervisions[0].alignment = {"word": []}
    assert true_symbols(cut) is None and true_symbols(SimpleNamespace(supervisions=[])) is None


def test_nothing_aligned():
    assert _errors("") == ([], 5)


def test_statistics():
    figures = statistics([0.010, -0.020, 0.030, -0.060])
    assert figures == {
        "count": 4, "mean_ms": pytest.approx(30), "median_ms": pytest.approx(25),
        "shift_ms": pytest.approx(-10), "within_10_ms": 0.25, "within_20_ms": 0.5, "within_50_ms": 0.75}
    assert statistics([]) == {"count": 0}


def _cut(utterance_id, phones):
    items = [SimpleNamespace(symbol=p.symbol, start=p.start, end=p.end) for p in phones]
    alignment = {"phone": items} if phones else None
    return SimpleNamespace(id=utterance_id, duration=0.75,
                           supervisions=[SimpleNamespace(start=0.0, alignment=alignment)])


def test_a_folder_of_utterances():
    aligned = {"a": _phones("SIL 0.12 K_B 0.20 AE_I 0.35 T_I 0.40 S_E 0.60 SIL 0.75"), "b": TRUTH, "c": TRUTH}
    cuts = [_cut("a", TRUTH), _cut("b", TRUTH), _cut("c", []), _cut("d", TRUTH)]
    result = compare_folder(aligned, cuts, ["SIL"], lambda phone: phone.split("_")[0])
    assert (result["utterances"], result["without_truth"], result["without_alignment"]) == (2, ["c"], ["d"])
    classes = result["classes"]
    assert list(classes) == ["all", "vowel", "stop", "fricative", "silence"]
    assert classes["all"]["count"] == 10 and classes["all"]["mean_ms"] == pytest.approx(2)
    assert classes["stop"]["count"] == 4 and classes["stop"]["mean_ms"] == pytest.approx(5)
    assert "stop" in table(result) and "2 utterances" in table(result)


def test_classes():
    assert by_class([])["all"] == {"count": 0}
    names = [phone_class(p, ["SIL"]) for p in ("AH0", "UW1_E", "JH", "ŋ", "R_S", "SIL", None, "?")]
    assert names == ["vowel", "vowel", "affricate", "nasal", "approximant", "silence", "silence", "other"]


def test_program(tmp_path, capsys):
    from lhotse import MonoCut, SupervisionSegment
    from lhotse.supervision import AlignmentItem

    from graphs.lang.lang_folder import write_lang
    from hybrid.align.times.ctm import write_ctm
    from hybrid.data.manifest import write_cuts
    from tests.hybrid.training.material import make_small_lang
    from tools import boundaries
    from tools.frame.records import read_record

    write_lang(make_small_lang(), tmp_path / "lang")
    truth = _phones("SIL 0.10 n 0.20 ow 0.40 SIL 0.75")
    items = [AlignmentItem(p.symbol, p.start, round(p.end - p.start, 4)) for p in truth]
    supervision = SupervisionSegment("a", "a", 0.0, 0.75, text="no", speaker="x", alignment={"phone": items})
    write_cuts(tmp_path / "cuts.jsonl.gz", [MonoCut("a", 0.0, 0.75, 0, supervisions=[supervision])])
    (tmp_path / "ali").mkdir()
    write_ctm(tmp_path / "ali" / "phones.ctm", {"a": _phones("SIL 0.11 n 0.22 ow 0.43 SIL 0.75")})
    argv = ["--alignment", tmp_path / "ali", "--lang", tmp_path / "lang", "--out", tmp_path / "out", "--cuts"]
    assert boundaries.PROGRAM.run(boundaries.work, [*map(str, argv), str(tmp_path / "cuts.jsonl.gz")]) == 0
    text = (tmp_path / "out" / "boundaries.json").read_text()
    result = json.loads(text)
    assert text.startswith('{\n "utterances"') and text.endswith("\n}\n")  # a line each
    assert read_record(tmp_path / "out")["facts"] == {**result["classes"]["all"], "utterances": 1}
    assert result["classes"]["all"]["count"] == 3 and result["classes"]["all"]["mean_ms"] == pytest.approx(20)
    printed = capsys.readouterr().out
    assert printed == (tmp_path / "out" / "boundaries.txt").read_text() == table(result)
    assert boundaries.PROGRAM.run(boundaries.work, [*map(str, argv), str(tmp_path)]) == 0  # cuts.jsonl.gz in it
    assert capsys.readouterr().out == printed
    write_ctm(tmp_path / "ali" / "phones.ctm", {"b": truth})
    assert boundaries.PROGRAM.run(boundaries.work, [*map(str, argv), str(tmp_path / "cuts.jsonl.gz")]) == 2
    assert (f"--cuts {tmp_path}/cuts.jsonl.gz: expected aligned utterances with ground truth (alignment[\"phone\"]), "
            "found 0 without it, 1 that are not aligned") in capsys.readouterr().err
