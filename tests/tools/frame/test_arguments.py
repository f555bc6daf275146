"""What every program takes from its command line, and what is left of it when it ends."""

import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.tools.frame.test_program import Work, program
from tools.frame import program as frame
from tools.frame.program import Program
from tools.frame.records import read_record

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("words, message", [
    ([], "the following arguments are required: --out"),
    (["--out", "o", "--nj", "0"], "argument --nj: expected a whole"),
    (["--out", "o", "--nj", "-1"], "argument --nj: expected a whole"), (["--out"], "argument --out: expected one"),
    (["--out", "o", "--none"], "unrecognized arguments: --none")])
def test_words_that_no_program_takes(words, message, capsys):
    with pytest.raises(SystemExit, match="^2$"):
        program().run(Work(), words)
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("cores, processes", [(3, 3), (None, 1)])
def test_a_program_takes_all_cores_unless_told(monkeypatch, cores, processes):
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    assert program().parse(["--out", "o"]).nj == processes
    assert program().parse(["--out", "o", "--nj", "1"]).nj == 1


def test_words_come_from_the_command_line_unless_given(tmp_path, monkeypatch):
    work = Work()
    monkeypatch.setattr(sys, "argv", ["toy.py", "--out", str(tmp_path / "out"), "am.scale=2"])
    assert program().run(work) == 0 and (tmp_path / "out/out.txt").read_text() == "2.0 "
    assert program().run(work, ("--out", str(tmp_path / "other"))) == 0
    assert (tmp_path / "other/out.txt").read_text() == "1.0 "


@pytest.mark.parametrize("word", ["--help", "-h"])
def test_help_tells_of_the_program_of_its_arguments_and_of_its_options(word, capsys):
    assert program().run(Work(), ["--nonsense", word]) == 0
    told = capsys.readouterr().out
    assert told.startswith("usage: python -m toy [--help] --out OUT") and "\nA toy.\n" in told
    assert "this text, with all options" in told and "raw data" in told
    assert told.endswith("\n\n[am]\n  am.scale = 1.0                        a factor\n"
                         "  am.name = x                           a name\n")


def test_an_argument_may_be_none_of_the_stages_business(tmp_path):
    """Such as the device: the same is computed."""
    toy, runs = Program("toy", "A toy.").argument("--device", counts=False).argument("--seed", type=int), []

    def run(*words):
        assert toy.run(lambda job: runs.append(job.args.device), ["--out", str(tmp_path / "out"), *words]) == 0
        return len(runs)
    assert [run("--device", "a"), run("--device", "b", "--nj", "7", "--by-content"), run("--seed", "0")] == [1, 1, 2]
    assert read_record(tmp_path / "out")["arguments"] == {"seed": "0"}


def test_the_section_of_its_options_may_be_another(tmp_path, capsys):
    (tmp_path / "x.conf").write_text("[am]\nscale = 2\n[ctc]\nscale = 3\nname = y\n[ctc.big]\nname = z\n")
    toy, work = program().argument("--section"), Work()

    def run(*words):
        return toy.run(work, ["--out", str(tmp_path / "out"), "--conf", str(tmp_path / "x.conf"), *words])
    assert run() == 0 and (tmp_path / "out/out.txt").read_text() == "2.0 "
    assert run("--section", "ctc", "--system", "big") == 0
    record = read_record(tmp_path / "out")
    assert record["config"] == {"am": {"scale": 3.0, "name": "z"}}
    assert " ctc.scale=3 ctc.name=z" in record["command"] and "am.scale" not in record["command"]
    assert run("--section", "ctc", "ctc.scal=1") == 2
    assert "option ctc.scal: expected one of name, scale, found scal; did you mean scale?" in capsys.readouterr().err
    args = toy.parse(["--out", "o", "--section", "ctc", "--system", "big"])
    assert toy.sections(args) == {"am": "ctc"} and toy.sections() == {"am": "am"}
    assert toy.describe_options({"am": {"scale": "3"}}, args) == [
        ["[ctc] of system big", "  ctc.scale = 3                         a factor (default 1.0)",
         "  ctc.name = x                          a name"]]
    assert Program("toy", "A toy.").argument("--section").sections(args) == {}


def test_a_program_goes_on_only_where_it_says_that_it_can(tmp_path):
    toy = Program("toy", "A toy.")

    def killed(job):
        (job.out / "half").write_text("half")
        raise KeyboardInterrupt
    assert toy.run(killed, ["--out", str(tmp_path / "out")]) == 130
    left = []
    assert toy.run(lambda job: left.extend([job.resuming, *(path.name for path in job.out.iterdir())]),
                   ["--out", str(tmp_path / "out")]) == 0
    assert left[0] is False and "half" not in left


@pytest.mark.parametrize("out, status", [(".", 2), ("/dev/null/x", 1), ("y" * 300, 1)])
def test_bad_input_and_a_bad_machine_have_their_own_status(out, status, capsys):
    assert Program("toy", "A toy.").run(lambda job: None, ["--out", out]) == status
    assert capsys.readouterr().err.startswith("toy: error: ")


def test_an_error_of_the_program_before_its_work_comes_through(tmp_path):
    def more(args):
        raise ValueError("a mistake")
    toy = Program("toy", "A toy.", more_inputs=more)
    with pytest.raises(ValueError, match="a mistake"):
        toy.run(lambda job: None, ["--out", str(tmp_path / "out")])
    assert not list(tmp_path.iterdir())


def test_files_that_a_program_finds_itself_count(tmp_path):
    (tmp_path / "found").write_text("1")
    toy, runs = Program("toy", "A toy.", more_inputs=lambda args: [tmp_path / "found"]), []
    for text, number in (("1", 1), ("1", 1), ("2", 2)):
        (tmp_path / "found").write_text(text)
        assert toy.run(runs.append, ["--out", str(tmp_path / "out")]) == 0 and len(runs) == number


def test_processes_end_with_the_program(tmp_path):
    started = []

    def work(job):
        started.append(multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,)))
        started[0].start()
        raise KeyboardInterrupt
    assert Program("toy", "A toy.").run(work, ["--out", str(tmp_path / "out")]) == 130
    started[0].join(10)
    assert started[0].exitcode == -9


MAIN = """
from graphs.errors import InputError
from tools.frame.program import Program


def work(job):
    print("said before")
    if job.args.fails:
        raise {"input": InputError("x", "y", "z"), "machine": MemoryError()}[job.args.fails]


Program("toy", "A toy.").argument("--fails").main(work)
print("gone on")
"""


@pytest.mark.parametrize("words, status, said", [
    ([], 0, "said before\ngone on\n"), (["--fails", "input"], 2, "said before\n"),
    (["--fails", "machine"], 1, "said before\n")])
def test_a_program_that_fails_ends_at_once_and_what_it_said_is_there(tmp_path, words, status, said):
    done = subprocess.run([sys.executable, "-c", MAIN, "--out", str(tmp_path / "out"), *words], capture_output=True,
                          text=True, env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": ""})
    assert (done.returncode, done.stdout) == (status, said), done.stderr


@pytest.mark.parametrize("own, children, most", [(3 * 2 ** 20, 5000, 3072), (5000, 3 * 2 ** 20 - 1, 3071)])
def test_peak_memory_is_the_larger_of_this_process_and_its_children(monkeypatch, own, children, most):
    used = {frame.resource.RUSAGE_SELF: own, frame.resource.RUSAGE_CHILDREN: children}  # KiB
    monkeypatch.setattr(frame.resource, "getrusage", lambda who: type("Usage", (), {"ru_maxrss": used[who]}))
    assert frame.peak_memory_mb() == most
