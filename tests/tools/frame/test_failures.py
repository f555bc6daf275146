"""What the machine does to a program is one line and a status, never a traceback."""

import errno
import os
import shutil
from types import SimpleNamespace

import numpy as np
import pytest

from hybrid.data.parallel import ordered_map
from hybrid.data.storage import FeatureStore
from hybrid.processes import ProcessDied
from tools.frame import failures, records
from tools.frame.failures import explain, lacking
from tools.frame.program import Job, Program

HDF5 = ("Can't decrement id ref count (file write failed: time = Mon Nov 23 18:19:45 2026\n, filename = 'x.h5', "
        "file descriptor = 5, errno = 28, error message = 'No space left on device', buf = 0x1)")


def kill_a_process(job: Job):
    list(ordered_map(kill_itself, range(4), 2, "toy"))


def kill_itself(_):
    os.kill(os.getpid(), 9)


def full_disk(job: Job):
    with open("/dev/full", "w") as stream:
        stream.write("x" * 10**6)


def raises(error):
    def work(job: Job):
        raise error
    return work


@pytest.mark.parametrize("work, message", [
    (full_disk, "No space left on device: free some space or take another folder"),
    (kill_a_process, "a process of `toy` was killed (signal 9), most likely for want of memory"),
    (raises(MemoryError()), "out of memory (MemoryError): fewer processes (--nj)"),
    (raises(RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried")), "out of memory"),
    (raises(RuntimeError(HDF5)), "out.unfinished: No space left on device"),
    (raises(PermissionError(errno.EACCES, "Permission denied", "some/file")), "some/file: Permission denied: it must"),
    (raises(OSError(errno.EROFS, "Read-only file system", "f")), "f: Read-only file system: it must be writable"),
    (raises(OSError(errno.EMFILE, "Too many open files")), "allow more open files (ulimit -n)"),
    (raises(ModuleNotFoundError("No module named 'k2'", name="k2")),
     "this needs the package k2 (No module named 'k2'); ./run.sh doctor says how to get it"),
    (raises(ImportError("lib.so: undefined symbol: x", name="_k2")), "needs the package _k2 (lib.so: undefined"),
])
def test_a_program_says_it_in_one_line(tmp_path, capsys, work, message):
    program = Program("toy", "A toy.")
    assert program.run(work, ["--out", str(tmp_path / "out"), "--nj", "2"]) == 1
    error, = capsys.readouterr().err.splitlines()
    assert error.startswith("ERROR ") and message in error
    assert message in (tmp_path / "out.unfinished/log.txt").read_text()


def test_a_folder_that_cannot_be_made_is_one_line(capsys):
    assert Program("toy", "A toy.").run(print, ["--out", "/proc/nosuch/out"]) != 0
    error, = capsys.readouterr().err.splitlines()
    assert "/proc/nosuch" in error


def test_a_disk_that_was_full_before_the_first_file(tmp_path, capsys, monkeypatch):
    """It holds an empty record under its temporary name then."""
    def full(source, target):
        raise OSError(errno.ENOSPC, "No space left on device")
    with monkeypatch.context() as patched:
        patched.setattr(records.os, "replace", full)
        assert Program("toy", "A toy.").run(print, ["--out", str(tmp_path / "out")]) == 1
    assert "run it again to go on" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "out.unfinished").iterdir()] == [".stage.json.tmp"]
    assert Program("toy", "A toy.").run(lambda job: None, ["--out", str(tmp_path / "out")]) == 0


def test_what_cannot_be_written_is_named(tmp_path):
    """Of a copy, not the file that is read."""
    (tmp_path / "source").write_bytes(b"x" * 100)
    with pytest.raises(OSError) as raised:
        shutil.copy(tmp_path / "source", "/dev/full")
    error = raised.value
    error.filename, error.filename2 = "source", "target"  # as they are where the system copies between files
    assert explain(error, tmp_path) == f"target: No space left on device: {failures._SPACE}"


@pytest.mark.parametrize("readable, there, advice", [
    (False, True, "it must be readable for this account"),
    (True, True, "it must be writable for this account, or another folder be taken"),
    (False, False, "it must be writable for this account, or another folder be taken")])
def test_what_must_be_readable_and_what_writable(tmp_path, monkeypatch, readable, there, advice):
    """Root, who may run tests, reads all."""
    file = tmp_path / "file"
    if there:
        file.write_text("x")
    monkeypatch.setattr(os, "access", lambda path, mode: path == str(file) and mode == os.R_OK and readable)
    assert explain(PermissionError(errno.EACCES, "no", str(file)), tmp_path) == f"{file}: Permission denied: {advice}"
    error = PermissionError(errno.EPERM, "no", str(file))
    assert explain(error, tmp_path) == f"{file}: Operation not permitted: {failures._WRITING}"


@pytest.mark.parametrize("number, advice", [
    (errno.EDQUOT, "free some space or take another folder; run it again to go on"),
    (errno.EFBIG, "free some space or take another folder; run it again to go on"),
    (errno.ENAMETOOLONG, "take a shorter name"), (errno.ENOTDIR, "a file stands where a folder is to be"),
    (errno.EIO, "its disk or its network fails"), (errno.ENFILE, "allow more open files (ulimit -n)")])
def test_what_the_system_refuses_has_its_advice(tmp_path, number, advice):
    assert explain(OSError(number, "no"), tmp_path) == f"{tmp_path}: {os.strerror(number)}: {advice}"


@pytest.mark.parametrize("error", [
    OSError(errno.ENOMEM, "no"), RuntimeError("CUDA Out Of Memory"), RuntimeError("std::bad_alloc"),
    OSError("Cannot allocate memory")])
def test_want_of_memory_by_its_names(tmp_path, error):
    assert explain(error, tmp_path) == f"out of memory ({error}): fewer processes (--nj) or smaller batches need less"


def test_errors_of_the_program_itself_stay_what_they_are(tmp_path):
    for error in (ValueError("x"), KeyError("x"), ImportError("x"), ModuleNotFoundError("x", name="hybrid.nope"),
                  FileNotFoundError(2, "No such file", "x")):
        assert explain(error, tmp_path) is None
    with pytest.raises(ValueError):
        Program("toy", "A toy.").run(raises(ValueError("x")), ["--out", str(tmp_path / "out")])


@pytest.mark.parametrize("free, full", [(4096, True), (2 ** 16 - 1, True), (2 ** 16, False)])
def test_any_failure_on_a_full_disk_is_the_disks(tmp_path, monkeypatch, free, full):
    usage = SimpleNamespace(disk_usage=lambda path: shutil.disk_usage(path)._replace(free=free))
    monkeypatch.setattr(failures, "shutil", usage)
    out = tmp_path / "not" / "there"
    said = f"{out}: No space left on device: free some space or take another folder; run it again to go on"
    assert explain(RuntimeError("a write failed"), out) == (said if full else None)


def test_what_an_error_came_from_is_told(tmp_path):
    """Were it raised from it or while it was handled, and however deep it lies."""
    def wrapped(cause, context):
        try:
            try:
                raise context
            except OSError:
                raise RuntimeError("a write failed") from cause
        except RuntimeError as error:
            return error
    full, unwritable = OSError(errno.ENOSPC, "no"), PermissionError(errno.EACCES, "no", "f")
    for error, said in ((wrapped(None, full), "No space left"), (wrapped(unwritable, full), "Permission denied"),
                        (wrapped(wrapped(unwritable, full), OSError(errno.EBADF, "no")), "Permission denied"),
                        (wrapped(None, OSError(errno.EBADF, "no")), None)):
        told = explain(error, tmp_path)
        assert (told is None) if said is None else told.startswith(f"{tmp_path}: {said}")


def test_of_an_error_the_first_line_is_told(tmp_path):
    error = RuntimeError("\nCUDA out of memory\nTried to allocate 2 GiB\n")
    assert explain(error, tmp_path) == ("out of memory (CUDA out of memory): fewer processes (--nj) or smaller batches "
                                        "need less")
    error = ModuleNotFoundError("No module named 'a.b'\nmore", name="a.b")
    assert lacking(error) == "this needs the package a (No module named 'a.b'); ./run.sh doctor says how to get it"
    for own in (ImportError("x"), ModuleNotFoundError("x", name="graphs.nope"), ValueError("x")):
        assert lacking(own) == ""


def test_features_notice_a_full_disk_before_hdf5_does(tmp_path, monkeypatch):
    with FeatureStore(tmp_path) as store:
        store.write(np.zeros((10, 3), np.float32))
        monkeypatch.setattr("hybrid.data.storage.RESERVE", 1 << 62)
        with pytest.raises(OSError, match="No space left on device"):
            store.write(np.zeros((10, 3), np.float32))


@pytest.mark.parametrize("exit_code, text", [
    (-9, "was killed (signal 9), most likely for want of memory"), (-11, "crashed (signal 11), which a full disk"),
    (-15, "was ended by someone (signal 15)"), (3, "ended before its work did (exit status 3)")])
def test_how_a_process_died_is_told(exit_code, text):
    assert text in str(ProcessDied("it", exit_code))
