import json
import os
from datetime import datetime

import pytest

from graphs.errors import InputError
from tests.hybrid.report.test_results import add_system
from tests.tools.artefacts.shown import lines_of
from tests.tools.work_folder import stage
from tools.artefacts.results import (
    KINDS, describe_output, describe_record, describe_results, describe_scores, describe_text, describe_tsv,
    draw_scores, record_problems, results_problems, score_problems, text_problems, tsv_problems)
from tools.artefacts.runs import how_to_repeat
from tools.frame.fingerprint import digest
from tools.frame.records import read_record, write_record


@pytest.fixture
def scores(tmp_path):
    add_system(tmp_path, "score_am", "am", 6, tests=("dev", "test"))
    return tmp_path / "exp" / "score_am"


@pytest.fixture
def entries(scores):
    """Writes entries with changes, the same of each; gives result.json."""
    first = json.loads((scores / "result.json").read_text())

    def write(**changes):
        (scores / "result.json").write_text(json.dumps([{**entry, **changes} for entry in first]))
        return scores / "result.json"
    write.entry = first[0]
    return write


def test_results_of_a_system_or_test_set(scores):
    path = scores / "result.json"
    assert [len(lines_of(describe_results(path, item))) for item in (None, "am", "test", "dev")] == [6, 6, 4, 4]
    assert [line.split()[:2] for line in lines_of(describe_results(path, "test"))[1::2]] == [["am", "test"]] * 2
    with pytest.raises(InputError, match="expected a system or test set such as am, dev, am, .* found tes"):
        describe_results(path, "tes")


def test_figures_agree(entries):
    """WER within a hundredth of the errors, or of one error, and within its interval to a millionth."""
    entry = entries.entry  # 6 errors of 120 words, each a substitution
    assert (entry["errors"], entry["words"], entry["wer"], entry["sub"]) == (6, 120, 5.0, 6)
    assert list(results_problems(entries())) == []
    assert list(results_problems(entries(ins=2, **{"del": 1, "sub": 3}))) == []
    assert len(list(results_problems(entries(ins=2)))) == len(list(results_problems(entries(**{"del": 1})))) == 2
    one, two = (f"{entries()}: am on {test}" for test in ("dev", "test"))
    assert list(results_problems(entries(errors=7, ins=1, wer=7 / 1.2, sub=5))) == [
        f"{name}: expected errors = ins + del + sub, found 7" for name in (one, two)]
    for wer, good in ((5.04, True), (4.96, True), (5.06, False), (4.94, False)):
        found = list(results_problems(entries(wer=wer, ci95=[0, 9])))
        assert found == ([] if good else [f"{name}: expected WER = errors / words, found {wer}" for name in (one, two)])
    assert list(results_problems(entries(errors=50, sub=50, words=100, wer=50.5, ci95=[0, 99]))) == []  # 1 % of 50
    none = {"errors": 0, "sub": 0, "ci95": [0, 9]}
    assert list(results_problems(entries(**none, wer=0.008))) == []  # 0.0096 errors
    assert len(list(results_problems(entries(**none, wer=0.009)))) == 2
    for interval, good in (([5.0, 5.0], True), ([5.000001, 9], True), ([5 + 2e-6, 9], False), ([0, 4.999999], True),
                           ([0, 5 - 2e-6], False)):
        found = list(results_problems(entries(ci95=interval)))
        assert found == ([] if good else [
            f"{name}: expected a WER within its interval {interval}, found 5.0" for name in (one, two)])


def test_speakers_and_errors_of_each_test_set(scores):
    text = lines_of(describe_scores(scores))
    assert [line for line in text if "speakers of" in line or "frequent" in line] == [
        "speakers of dev", "frequent errors on dev", "speakers of test", "frequent errors on test"]
    own = (scores / "test" / "per_speaker.tsv").read_text().splitlines()
    assert [" ".join(line.split()) for line in own] == text[text.index("speakers of test") + 1:][:len(own)]
    for name, rows, shown in (("per_speaker.tsv", 41, 40), ("confusions.tsv", 11, 10)):
        (scores / "test" / name).write_text("a\tb\n" + "".join(f"{n}\tx{n}\n" for n in range(rows)))
        text = lines_of(describe_scores(scores))
        assert f"{shown - 1} x{shown - 1}" in text and f"{shown} x{shown}" not in text
        (scores / "test" / name).write_text("")
    assert "speakers of test" not in describe_scores(scores)


def test_an_utterance_of_each_test_set(scores):
    text = "id: u id: 1  speaker: s\nREF: one\n\nid: u2  speaker: s\nREF: two\n\n"
    (scores / "dev" / "per_utt.txt").write_text(text)
    assert describe_scores(scores, "u id: 1") == "dev\nid: u id: 1  speaker: s\nREF: one\n"
    (scores / "test" / "per_utt.txt").write_text(text)
    assert describe_scores(scores, "u2").split("\n\n") == [
        f"{test}\nid: u2  speaker: s\nREF: two{end}" for test, end in (("dev", ""), ("test", "\n"))]
    with pytest.raises(InputError, match="expected an utterance such as u id: 1, u2, .* found u3"):
        describe_scores(scores, "u3")


def test_totals_are_those_of_the_utterances(scores, entries):
    assert list(score_problems(scores)) == []
    for changes in ({"errors": 5, "sub": 5, "wer": 5 / 1.2}, {"words": 119, "wer": 600 / 119}):
        entries(**changes, ci95=[0, 9])
        told = {"errors": 6, "words": 120, **changes}
        assert list(score_problems(scores)) == [
            f"{scores / test}: expected {told['errors']} errors of {told['words']} words, found 6 of 120"
            for test in ("dev", "test")]


def test_problems_of_the_figures_are_those_of_the_folder(scores, entries):
    entries(ins=1)
    assert list(score_problems(scores)) == list(results_problems(scores / "result.json")) != []


def test_errors_are_drawn_of_the_folder_and_of_the_file(scores, tmp_path):
    for path in (scores, scores / "result.json"):
        draw_scores(path, None, tmp_path / f"{path.name}.png")
        assert (tmp_path / f"{path.name}.png").read_bytes()[:4] == b"\x89PNG"


def test_rows_of_a_table(tmp_path):
    """Those with the item among their values; sixty at most, each with as many cells as the heading."""
    path = tmp_path / "x.tsv"
    path.write_text("a\tb\n" + "".join(f"{n}\tx{n % 2}\n" for n in range(60)))
    shown = lines_of(describe_tsv(path))
    assert shown[:4] == ["rows: 60", "rows", "a b", "0 x0"] and len(shown) == 63
    assert lines_of(describe_tsv(path, "x1"))[3:] == [f"{n} x1" for n in range(1, 60, 2)]
    assert lines_of(describe_tsv(path, "x")) == ["rows: 0"]
    path.write_text("a\tb\n" + "".join(f"{n}\n{n}\t{n}\tmore\n" for n in range(31)))
    shown = lines_of(describe_tsv(path))
    assert shown[:5] == ["rows: 62", "first rows", "a b", "0", "0 0"] and len(shown) == 63
    assert list(tsv_problems(path))[:2] == [f"{path}:2: expected 2 columns, found 1", f"{path}:3: expected 2 columns, "
                                            "found 3"]
    path.write_text("")
    assert describe_tsv(path) == "rows: 0\n" and list(tsv_problems(path)) == []


def test_lines_of_a_text(tmp_path):
    path = tmp_path / "x.txt"
    path.write_text("".join(f"u{n % 2} {n}\n" for n in range(60)))
    assert describe_text(path) == path.read_text()
    assert describe_text(path, "u1") == "".join(f"u1 {n}\n" for n in range(1, 60, 2))
    with pytest.raises(InputError, match="expected a line that starts so, found u$"):
        describe_text(path, "u")
    path.write_bytes(b"\xffx\n" + b"y\n" * 60)
    assert describe_text(path) == "\ufffdx\n" + "y\n" * 59 + "... (61 lines)\n"
    assert list(text_problems(path)) == [f"{path}: expected utf-8 text, found byte 0: invalid start byte"]
    path.write_text("ü\n\n", encoding="utf-8")
    assert list(text_problems(path)) == [] and describe_text(path) == "ü\n\n"


RUN = {"started": "at noon", "commit": "c", "code": "abc", "versions": {"python": "3"}, "folder": "/x",
       "ended": "at one"}


def test_the_record_of_a_stage(tmp_path):
    files = [tmp_path / name / "file" for name in "gfedcba"]
    stage(tmp_path, "toy", [*files, files[0].with_name("other")], config={"am": {"epochs": 2}, "x": {"y": "z"}},
          arguments={"dev_features": "d", "gzip": "False", "lm": "None"}, facts={"n": [1, 2], "text": "ü"})
    os.utime(tmp_path / ".stage.json", (10 ** 9, 10 ** 9))
    shown = describe_record(tmp_path)
    written = datetime.fromtimestamp(10 ** 9).isoformat(" ")
    first = ", ".join(f"{tmp_path}/{name}" for name in "abcdef")
    assert lines_of(shown[:shown.index("\nto make it")]) == [
        "program: toy", f"state: done, {written}", "seconds: 1.5", "peak memory: 99 MB", "arguments: --dev-features d",
        "options: am.epochs=2 x.y=z", f"made from: {first}, ... (7 in all)",
        "n: [1, 2]", 'text: "ü"']
    assert shown.endswith(how_to_repeat(read_record(tmp_path))) and shown == describe_record(tmp_path / ".stage.json")
    stage(tmp_path, "toy", runs=[{**RUN, "ended": "early"}, RUN], command="python -m toy")
    assert lines_of(describe_record(tmp_path))[1] == "state: done, at one"
    stage(tmp_path, "toy", runs=[{**RUN, "ended": "early"}, {**RUN, "ended": "", "commit": "d"}], command="x")
    assert lines_of(describe_record(tmp_path))[1] == "state: done,"
    write_record(tmp_path, {"program": "toy", "state": "running"})
    assert "peak memory: ? MB\n" in describe_record(tmp_path)


def test_the_texts_of_a_stage_follow_its_record(tmp_path):
    stage(tmp_path, "toy")
    for name in ("b.txt", "a.txt", "log.txt", "c.tsv"):
        (tmp_path / name).write_text(f"{name} of it\n")
    record = describe_record(tmp_path)
    assert describe_output(tmp_path) == f"{record}\na.txt\na.txt of it\n\nb.txt\nb.txt of it\n"


def test_what_is_wrong_with_the_output_of_a_stage(tmp_path):
    """Pictures count, too, and the content where size and time are the same."""
    record = tmp_path / ".stage.json"
    assert list(record_problems(tmp_path)) == [
        f"{record}: expected a stage record, found none; run the stage that makes {tmp_path} again"]
    for name in ("a", "b.png"):
        (tmp_path / name).write_text("one")
    outputs = {name: digest(tmp_path / name) for name in ("a", "b.png")}
    stage(tmp_path, "toy", outputs=outputs)
    assert list(record_problems(tmp_path)) == list(record_problems(record)) == []
    before = (tmp_path / "a").stat()
    (tmp_path / "a").write_text("two")
    os.utime(tmp_path / "a", ns=(before.st_atime_ns, before.st_mtime_ns))
    (tmp_path / "b.png").unlink()
    again = "to make it anew (keep files of your own elsewhere)"
    stage(tmp_path, "toy", outputs=outputs, state="running", stage="4")
    assert list(record_problems(record)) == list(record_problems(tmp_path)) == [
        f"{tmp_path}: expected a finished stage, found one that is running; run the recipe again from --stage 4 "
        f"{again}",
        *(f"{tmp_path}: {found}, written by toy; run the recipe again --by-content from --stage 4 {again}"
          for found in ("a is damaged", "b.png is missing"))]


def test_files_are_known_by_their_names(tmp_path):
    names = {"result.json": "results", "results.json": "results", ".stage.json": "stage record", "x.tsv": "table",
             "x.txt": "text", "x.md": "text", "x.log": "text", "other.json": None}
    for name, kind in names.items():
        (tmp_path / name).write_text("[]")
        assert [one.name for one in KINDS if one.matches(tmp_path / name)] == ([kind] if kind else []), name
        (tmp_path / name).unlink()
        (tmp_path / name).mkdir()  # a folder of that name is none
        assert not any(one.matches(tmp_path / name) for one in KINDS), name
        (tmp_path / name).rmdir()
    (tmp_path / "result.json").write_text("[]")
    assert [one.name for one in KINDS if one.matches(tmp_path)] == ["scores"]
