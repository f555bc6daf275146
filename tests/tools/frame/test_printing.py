"""What is told where the output goes nowhere."""

import errno
import os
import sys
from contextlib import contextmanager, redirect_stdout

import pytest

from graphs.errors import InputError, TooManyFailures
from tools.frame.printing import printing
from tools.frame.program import Program


@contextmanager
def unread():
    """Standard output is a pipe that nobody reads any more, as of `| head`."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stream, redirect_stdout(stream):
        yield


@contextmanager
def full():
    """Standard output is a file on a full disk."""
    with open("/dev/full", "w") as stream, redirect_stdout(stream):
        yield


def test_status_is_that_of_the_work(capsys):
    assert printing("toy", lambda: print("hello")) == 0
    assert printing("toy", lambda: 3) == 3
    assert capsys.readouterr() == ("hello\n", "")


@pytest.mark.parametrize("error, status, said", [
    (InputError("x", "a", "b"), 2, "toy: error: x: expected a, found b\n"),
    (TooManyFailures("too many"), 2, "toy: error: too many\n"),
    (ModuleNotFoundError("No module named 'k2'", name="k2"), 1,
     "toy: error: this needs the package k2 (No module named 'k2'); ./run.sh doctor says how to get it\n"),
    (KeyboardInterrupt(), 130, "toy: interrupted; run it again to go on\n")])
def test_errors_in_one_line(error, status, said, capsys):
    def work():
        raise error
    assert printing("toy", work) == status
    assert capsys.readouterr().err == said


@pytest.mark.parametrize("error", [
    FileNotFoundError(errno.ENOENT, "No such file or directory", "f"), OSError(errno.EBADF, "Bad file descriptor"),
    OSError(errno.ENOSPC, "No space left on device", "f"),  # of a file, not of the output
    ImportError("x"), ModuleNotFoundError("x", name="hybrid.nope"), ValueError("x")])
def test_errors_of_its_own_come_through(error, capsys):
    def work():
        raise error
    with pytest.raises(type(error)) as raised:
        printing("toy", work)
    assert raised.value is error and capsys.readouterr().err == ""


@pytest.mark.parametrize("text", ["short", "long " * 100_000])  # at the end, and while it prints
def test_a_pipe_that_nobody_reads(capfd, text):
    with unread():
        assert printing("toy", lambda: print(text), unread=141) == 141
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("text", ["short", "long " * 100_000])
def test_a_full_disk_behind_the_output(capfd, text):
    with full():
        assert printing("toy", lambda: print(text)) == 1
    assert capfd.readouterr().err == "toy: error: its output: No space left on device\n"


def test_an_output_that_the_shell_has_closed(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)  # python toy.py >&-
    assert printing("toy", lambda: print("nothing")) == 0


def test_help_that_nobody_reads_to_its_end(capfd):
    with unread():
        assert Program("toy", "A program.").run(lambda job: None, ["--help"]) == 0
    assert capfd.readouterr().err == ""


def test_a_program_fails_as_it_does_where_its_output_is_closed(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(os, "_exit", sys.exit)
    monkeypatch.setattr(sys, "argv", ["toy", "--data", "/no/such", "--out", "/tmp/never"])
    with pytest.raises(SystemExit, match="^2$"):
        Program("toy", "A program.").input("--data", help="input").main(lambda job: None)
