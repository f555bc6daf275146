"""tools.reproduce on a stage of a few lines."""

import os
import subprocess
import sys

import pytest

from tests.tools.frame.test_printing import unread
from tests.tools.test_frontdoor import ROOT
from tools.frame.records import read_record, write_record
from tools.reproduce import differences, main

PROGRAM = """
import os
from tools.frame.program import Program

PROGRAM = Program("toy_stage", "A toy.").input("--data", help="data")


def work(job):
    (job.out / "same").write_text(job.args.data.read_text())
    (job.out / "other").write_text(os.environ.get("TOY", ""))
    (job.out / "picture.png").write_text(str(job.out))


if __name__ == "__main__":
    PROGRAM.main(work)
"""


@pytest.fixture
def stage(tmp_path, monkeypatch):
    """The finished toy stage, made in tmp_path with relative paths."""
    (tmp_path / "toy_stage.py").write_text(PROGRAM)
    (tmp_path / "data").write_text("one")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{ROOT}")
    subprocess.run([sys.executable, "-m", "toy_stage", "--data", "data", "--out", "out", "--nj", "1"], cwd=tmp_path,
                   check=True, capture_output=True)
    return tmp_path / "out"


def test_the_same_bytes_or_which_differ_and_why_that_may_be(stage, monkeypatch, capsys):
    assert main([str(stage)]) == 0
    assert f"{stage}.again: 2 of 2 files as in {stage}" in capsys.readouterr().out
    assert read_record(stage.with_name("out.again"))["state"] == "done"
    record = read_record(stage)
    write_record(stage, {**record, "runs": [{**record["runs"][0], "commit": "elsewhere"}]})
    monkeypatch.setenv("TOY", "1")
    assert main([str(stage), "--out", str(stage.with_name("more"))]) == 1
    out = capsys.readouterr().out
    assert "1 of 2 files" in out and "  other differs\n" in out and "other than then: commit\n" in out


def test_the_command_runs_where_it_ran_or_else_here(stage, monkeypatch, capsys):
    """With what stands around --out; and of a pipe that nobody reads there is no status that says good or bad."""
    record = read_record(stage)
    write_record(stage, {**record, "command": "python -m toy_stage --nj 1 --out out --data data",
                         "runs": [{**record["runs"][0], "folder": "/a/folder/that/went"}]})
    monkeypatch.chdir(stage.parent)
    monkeypatch.delenv("PYTHONPATH")
    monkeypatch.setenv("TOY", "1")
    assert main(["out", "--out", "more"]) == 1
    assert capsys.readouterr().out == (
        "more: 1 of 2 files as in out\n  other differs\nother than then: nothing that is recorded\n")
    with unread():
        assert main(["out", "--out", "more"]) == 141


def test_of_several_runs_the_last_counts(stage, monkeypatch, capsys):
    """Earlier ones were cut off: by other code, and elsewhere."""
    record = read_record(stage)
    last = record["runs"][-1]
    write_record(stage, {**record, "runs": [{**last, "commit": "elsewhere", "folder": str(stage)}, last]})
    monkeypatch.setenv("TOY", "1")
    again = stage.with_name("out.again")
    for _ in range(2):  # the second time of what was made again, too, which is up to date
        assert main([str(stage)]) == 1
        assert "  other differs\nother than then: nothing that is recorded\n" in capsys.readouterr().out
        record = read_record(again)
        write_record(again, {**record, "runs": [{**record["runs"][-1], "commit": "elsewhere"}, *record["runs"]]})


def test_a_command_that_fails_is_told(stage, capsys):
    record = read_record(stage)
    write_record(stage, {**record, "command": record["command"].replace("toy_stage", "no_stage")})
    assert main([str(stage)]) == 2
    assert f"{stage}: expected a stage that can be made again, found exit status 1 of " in capsys.readouterr().err


def test_three_of_the_inputs_that_changed_are_named(stage, capsys):
    """Recordings are among them."""
    record, known = read_record(stage), {f"/gone/{n}": [1, 1, "digest"] for n in range(2)}
    raw = {"/gone/a.wav": [1, 1, "digest"], "/gone/b.wav": [1, 1, "digest"]}
    write_record(stage, {**record, "inputs": {**record["inputs"], **known}, "raw": raw})
    assert main([str(stage)]) == 2
    assert "found others: /gone/0, /gone/1, /gone/a.wav changed or went\n" in capsys.readouterr().err
    write_record(stage, {**record, "command": ""})
    assert main([str(stage)]) == 2 and "a record of an earlier version" in capsys.readouterr().err


def test_what_cannot_be_made_again_is_said(stage, capsys):
    (stage.parent / "data").write_text("three")
    assert main([str(stage)]) == 2 and "data changed or went" in capsys.readouterr().err
    record = read_record(stage)
    write_record(stage, {name: value for name, value in record.items() if name != "runs"})
    assert main([str(stage)]) == 2 and "a record of an earlier version" in capsys.readouterr().err
    write_record(stage, {**record, "state": "running"})
    assert main([str(stage)]) == 2 and "one that is running" in capsys.readouterr().err
    assert main([str(stage / "nothing")]) == 2 and "expected a stage record, found none" in capsys.readouterr().err


def test_files_that_are_missing_or_new():
    before, now = ({"outputs": {name: [1, 1, sha] for name, sha in files.items()}}
                   for files in ({"a": "1", "b": "2", "x.png": "3"}, {"b": "2", "c": "4", "x.png": "5"}))
    assert differences(before, now) == ({"a": "is missing", "c": "is new"}, 1)
