"""The record and the log of a run: while it works, when it is done, and when nothing was to be done."""

import hashlib
import json
import logging
import os
import re
import shlex

import pytest

from graphs.errors import DamagedInput, InputError, TooManyFailures
from tests.tools.frame.test_program import Work, program, rewrite
from tools.frame.program import Program
from tools.frame.records import read_record, write_record


def test_the_record_tells_what_the_folder_was_made_from(toy, tmp_path, monkeypatch):
    monkeypatch.setenv("RECIPE_STAGE", "7")
    data, wav, corpus = tmp_path / "data", tmp_path / "a.wav", tmp_path / "corpus"
    corpus.mkdir()
    for path in (data, wav, corpus / "c"):
        path.write_text("one")
    toy.work.reads = [wav]
    assert toy("--data", data, "--corpus", corpus, "--extra", "e", "am.scale=2", mended="it was half") == 0
    record = read_record(toy.out)
    sha, stat = hashlib.sha256(b"one").hexdigest(), wav.stat()
    assert {name: record[name] for name in ("program", "state", "holder", "stage", "mended", "place", "arguments")} == {
        "program": "toy", "state": "done", "holder": "", "stage": "7", "mended": "it was half", "place": str(toy.out),
        "arguments": {"extra": "e"}}
    assert record["options"] == {"am": {"scale": "2"}} and record["config"] == {"am": {"scale": 2.0, "name": "x"}}
    assert record["inputs"] == {str(data): [3, data.stat().st_mtime_ns, sha]}
    assert record["raw"][str(wav)] == [3, stat.st_mtime_ns, ""] and set(record["raw"]) == {str(wav), str(corpus / "c")}
    assert sorted(record["outputs"]) == ["half", "out.txt", "picture.png"]
    assert record["outputs"]["half"][::2] == [4, hashlib.sha256(b"half").hexdigest()]
    assert 0 <= record["seconds"] < 60 and record["seconds"] == round(record["seconds"], 2)
    assert 10 < record["peak_memory_mb"] < 10 ** 6
    assert shlex.split(record["command"])[:3] == ["python", "-m", "toy"]
    monkeypatch.delenv("RECIPE_STAGE")
    assert toy() == 0 and read_record(toy.out)["stage"] is None


def test_while_it_works_the_record_tells_who_does(toy):
    seen = []

    def work(job):
        seen.append((read_record(job.out), job.seconds()))
    assert program().run(work, ["--out", str(toy.out), "--nj", "2"]) == 0
    (record, seconds), = seen
    assert record["state"] == "running" and record["holder"].startswith(f"toy: process {os.getpid()} on ")
    assert "outputs" not in record and len(record["runs"]) == 1 and 0 <= seconds < 60


def test_other_words_for_the_same_options_are_remembered(toy, capsys):
    """So that the options need not be made the next time, which may import much."""
    assert toy() == 0
    before = read_record(toy.out)
    assert toy("am.scale=1.00") == 0
    assert read_record(toy.out) == {**before, "options": {"am": {"scale": "1.00"}}}
    assert toy("am.scale=1.00") == 0 and toy.work.runs == 1
    assert capsys.readouterr().out == 2 * f"toy: {toy.out} is up to date\n"


def test_the_fingerprint_does_not_depend_on_where_inputs_lie(toy, tmp_path):
    found = []
    for place in ("a/deep", "b"):
        (tmp_path / place / "lang").mkdir(parents=True)
        (tmp_path / place / "lang/data").write_text("one")
        assert toy("--data", tmp_path / place / "lang/data") == 0
        found.append(read_record(toy.out)["fingerprint"])
    (tmp_path / "b/lang/data").rename(tmp_path / "b/data")
    assert toy("--data", tmp_path / "b/data") == 0
    found.append(read_record(toy.out)["fingerprint"])
    assert found[0] == found[1] != found[2]


def test_of_what_changed_five_things_are_said(toy, tmp_path, capsys):
    (tmp_path / "data").mkdir()
    for name in "abc":
        (tmp_path / "data" / name).write_text(name)
    assert toy("--data", tmp_path / "data", "--extra", "1") == 0
    assert "made anew" not in capsys.readouterr().err  # there was nothing before
    (tmp_path / "data/a").unlink()
    rewrite(tmp_path / "data/b", "B")
    (tmp_path / "data/d").write_text("d")
    assert toy("--data", tmp_path / "data", "am.name=y") == 0
    line = next(line for line in capsys.readouterr().err.splitlines() if "made anew" in line)
    data = tmp_path / "data"
    assert line == (f"INFO {toy.out} is made anew: argument extra: 1 before, None now; {data}/a is not read any more; "
                    f"{data}/b changed; {data}/d is new; option am.name: x before, y now")
    record = read_record(toy.out)
    write_record(toy.out, {**record, "arguments": {str(number): "x" for number in range(5)}})
    assert toy("--data", tmp_path / "data", "am.name=z") == 0
    line = next(line for line in capsys.readouterr().err.splitlines() if "made anew" in line)
    assert line.count(" before, None now") == 5 and "option" not in line


def test_new_recordings_of_a_corpus_are_named(toy, tmp_path, capsys):
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "a").write_text("a")
    assert toy("--corpus", corpus) == 0
    (corpus / "b").write_text("b")
    assert toy("--corpus", corpus) == 0 and f"made anew: {corpus}/b is new\n" in capsys.readouterr().err
    rewrite(corpus / "b", "b")
    assert toy("--corpus", corpus, "--by-content") == 0
    assert f"made anew: {corpus}/b changed, is gone or is back\n" in capsys.readouterr().err
    rewrite(corpus / "b", "c", keep_time=True)
    assert toy("--corpus", corpus) == 0 and toy.work.runs == 3
    assert toy("--corpus", corpus, "--by-content") == 0 and toy.work.runs == 4


def test_recordings_that_are_there_but_not_asked_for_any_more_are_named(toy, tmp_path, capsys):
    corpus = tmp_path / "corpus"
    (corpus / "part").mkdir(parents=True)
    for name in ("a", "part/b"):
        (corpus / name).write_text(name)
    assert toy("--corpus", corpus) == 0
    assert toy("--corpus", corpus / "part") == 0
    assert f"made anew: {corpus}/a is not asked for any more\n" in capsys.readouterr().err
    (tmp_path / "link").symlink_to(corpus / "part")
    assert toy("--corpus", tmp_path / "link") == toy("--corpus", corpus / "part/b") == 0  # the same, called otherwise
    assert "up to date" in capsys.readouterr().out and toy.work.runs == 2
    assert toy("--corpus", corpus) == 0 and f"made anew: {corpus}/a is new\n" in capsys.readouterr().err
    assert toy() == 0
    assert f"made anew: {corpus}/a is not asked for any more; {corpus}/part/b is not" in capsys.readouterr().err


def test_the_log_has_what_was_said_with_times_and_nothing_twice(toy, capsys):
    def work(job):
        job.log.info("working on %s", "it")
        job.log.debug("not that")
        job.log.warning("careful")
    for scale in ("1", "2"):
        assert program().run(work, ["--out", str(toy.out), f"am.scale={scale}"]) == 0
        said = capsys.readouterr().err.splitlines()
        logged = (toy.out / "log.txt").read_text(encoding="utf-8").splitlines()
        told = [line for line in said if "made anew" not in line]
        assert told[:2] == ["INFO working on it", "WARNING careful"] and len(told) == 3
        record = read_record(toy.out)
        assert told[2] == f"INFO done in {record['seconds']:.1f} s, peak memory {record['peak_memory_mb']} MB"
        assert [re.sub(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} ", "", line) for line in logged] == said
    log = logging.getLogger("toy")
    files = [handler for handler in log.handlers if isinstance(handler, logging.FileHandler)]
    assert not log.propagate and [file.stream for file in files] == [None]  # closed


@pytest.mark.parametrize("error, status, said", [
    (InputError("x", "y", "z"), 2, "ERROR x: expected y, found z"), (TooManyFailures("9 of 10"), 2, "ERROR 9 of 10"),
    (MemoryError(), 1, "ERROR out of memory (MemoryError): fewer processes (--nj) or smaller batches need less")])
def test_a_failure_is_one_line(toy, capsys, error, status, said):
    toy.work.error = error
    assert toy() == status and capsys.readouterr().err == f"{said}\n"


def test_a_mistake_of_the_program_is_logged_with_its_place(toy, capsys):
    toy.work.error = ValueError("a mistake")
    with pytest.raises(ValueError):
        toy()
    logged = (toy.out.parent / "out.unfinished/log.txt").read_text(encoding="utf-8")
    assert "ERROR failed\nTraceback" in logged and logged.endswith("ValueError: a mistake\n")


def test_what_a_reader_finds_damaged_is_made_anew_by_its_stage(toy, tmp_path, capsys):
    assert toy() == 0
    reader = Work()
    again = "; run toy again to make it anew (keep files of your own elsewhere)"
    for folder, how in ((toy.out, again), (tmp_path, "")):
        reader.error = DamagedInput("item 3", "y", "z", str(folder / "out.txt"))
        assert program().run(reader, ["--out", str(tmp_path / "next")]) == 2
        assert capsys.readouterr().err.splitlines()[-1] == f"ERROR item 3: expected y, found z{how}"
    assert toy() == 0 and toy.work.runs == 2


def test_a_finished_folder_of_the_program_that_is_no_folder(tmp_path, capsys):
    for name, left in (("out", "out"), ("out", "out.unfinished")):
        (tmp_path / left).write_text("mine")
        assert Program("toy", "A toy.").run(lambda job: None, ["--out", str(tmp_path / name)]) == 2
        assert capsys.readouterr().err == f"toy: error: --out {tmp_path / left}: expected a folder, found a file\n"
        (tmp_path / left).unlink()


def test_an_unfinished_folder_of_others_is_left_alone(toy, capsys):
    (toy.out.parent / "out.unfinished").mkdir()
    (toy.out.parent / "out.unfinished/mine").write_text("mine")
    assert toy() == 2 and toy.work.runs == 0
    assert capsys.readouterr().err == (
        f"toy: error: --out {toy.out}.unfinished: expected an empty folder or one written by a stage (with "
        ".stage.json), found other files in it; move them elsewhere, or remove them\n")


def test_several_inputs_of_one_flag_are_all_inputs(tmp_path, capsys):
    toy, runs = Program("toy", "A toy.").input("--more-data", nargs="+", default=[], help="inputs"), []
    for name in "ab":
        (tmp_path / name).write_text(name)

    def run(*names):
        return toy.run(work, ["--out", str(tmp_path / "out"), "--more-data", *(str(tmp_path / n) for n in names)])

    def work(job):
        runs.append((job.out / "file").write_text("x"))
    assert run("a", "b") == run("b", "a") == 0 and len(runs) == 1
    assert run("a") == 0 and len(runs) == 2
    assert run("a", "c") == 2
    assert f"--more-data {tmp_path}/c: expected an existing file or folder, found none" in capsys.readouterr().err
    assert run("a", "out") == 2 and "another folder than that of an input" in capsys.readouterr().err
    assert json.loads((tmp_path / "out/.stage.json").read_text())["arguments"] == {}
