"""tools/recipe/supervise.py: what a command prints, and that nothing of it outlives its end."""

import os
import pty
import signal
import subprocess
import sys
import time

import pytest

from tests.tools.test_frontdoor import ROOT

PROGRESS = r"import sys; sys.stderr.write('1%\r50%\r100%\n'); print('out', sys.stdout.isatty()); sys.exit(3)"
STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
grandchild = subprocess.Popen(["sleep", "60"])
print(os.getpid(), grandchild.pid, flush=True)
time.sleep(60)
"""
PARENT = """
import os, subprocess, sys, time
supervisor = [sys.executable, "-m", "tools.recipe.supervise", str(os.getpid()), sys.argv[1]]
print(subprocess.Popen([*supervisor, "sh", "-c", "echo $$; exec sleep 60"]).pid, flush=True)
time.sleep(60)
"""


def supervise(folder, *command):
    return [sys.executable, "-m", "tools.recipe.supervise", str(os.getpid()), str(folder / "log"), *command]


def supervised(folder, *command, **streams):
    """The finished process and what stands in the log."""
    return subprocess.run(supervise(folder, *command), cwd=ROOT, **streams), (folder / "log").read_bytes()


def state(pid):
    """As ps says it: R, S, T (stopped), Z (zombie); Z for none, too."""
    try:
        with open(f"/proc/{pid}/stat") as stream:
            return stream.read().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return "Z"


def alive(pid):
    return state(pid) != "Z"


def wait_for_end(pids, seconds):
    end = time.monotonic() + seconds
    while any(map(alive, pids)):
        assert time.monotonic() < end, "still there"
        time.sleep(0.05)


def test_streams_status_and_the_last_state_of_a_line_are_kept(tmp_path):
    done, log = supervised(tmp_path, sys.executable, "-c", PROGRESS, capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (3, b"out False\n", b"1%\r50%\r100%\n")
    assert sorted(log.split(b"\n")) == [b"", b"100%", b"out False"]


def test_the_command_has_a_terminal_when_its_supervisor_has_one(tmp_path):
    here, there = pty.openpty()
    done, log = supervised(tmp_path, sys.executable, "-c", PROGRESS, stdout=there, stderr=there)
    os.close(there)
    assert done.returncode == 3
    assert b"50%" in os.read(here, 1000)
    os.close(here)
    assert log == b"100%\nout True\n"


@pytest.mark.parametrize("number, status", [(9, 137), (1, 129)])
def test_a_signal_is_told_as_shells_do(tmp_path, number, status):
    done, _ = supervised(tmp_path, "bash", "-c", f"echo begun; kill -{number} $$", capture_output=True)
    assert done.returncode == status and done.stdout == b"begun\n"


@pytest.mark.parametrize("number, status", [
    (signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_whatever_ends_it_ends_the_command(tmp_path, number, status):
    command = [sys.executable, "-c", STUBBORN.replace("signal.SIG_IGN", "signal.SIG_DFL")]
    process = subprocess.Popen(supervise(tmp_path, *command), cwd=ROOT, stdout=subprocess.PIPE)
    pids = list(map(int, process.stdout.readline().split()))
    process.send_signal(number)
    assert process.wait(5) == status
    process.stdout.close()
    if number == signal.SIGKILL:  # nobody is left to end what the command started
        os.kill(pids.pop(), signal.SIGKILL)
    wait_for_end(pids, 2)


def test_a_command_that_does_not_heed_is_killed_with_all_it_started(tmp_path):
    process = subprocess.Popen(supervise(tmp_path, sys.executable, "-c", STUBBORN), cwd=ROOT, stdout=subprocess.PIPE)
    pids = list(map(int, process.stdout.readline().split()))
    process.terminate()
    assert process.wait(10) == 143
    process.stdout.close()
    wait_for_end(pids, 2)


def test_it_ends_with_its_parent_and_says_so(tmp_path):
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path / "log")], cwd=ROOT, stdout=subprocess.PIPE)
    pids = [int(parent.stdout.readline()) for _ in range(2)]
    parent.kill()
    parent.wait()
    wait_for_end(pids, 3)
    parent.stdout.close()
    assert f"process {parent.pid}, which ran this, was killed" in (tmp_path / "log").read_text()


def test_what_a_command_leaves_behind_does_not_hold_it_up(tmp_path):
    began = time.monotonic()
    done, _ = supervised(tmp_path, "sh", "-c", "sleep 30 & echo $!; exit 4", capture_output=True)
    assert done.returncode == 4 and time.monotonic() - began < 5
    wait_for_end([int(done.stdout)], 2)


def test_closed_output_ends_the_command(tmp_path):
    process = subprocess.Popen(supervise(tmp_path, "sh", "-c", "echo one; sleep 0.3; echo two; sleep 30"), cwd=ROOT,
                               stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"one\n"
    process.stdout.close()
    assert process.wait(5) == 141


def test_a_log_that_cannot_be_written_is_said_once_and_the_command_goes_on(tmp_path):
    (tmp_path / "log").symlink_to("/dev/full")
    command = supervise(tmp_path, "sh", "-c", "echo one; sleep 0.1; echo two")
    done = subprocess.run(command, cwd=ROOT, capture_output=True)
    assert (done.returncode, done.stdout) == (0, b"one\ntwo\n")
    assert done.stderr.count(b"cannot be written any more (No space left on device)") == 1


def test_it_stops_and_goes_on_with_its_command(tmp_path):
    process = subprocess.Popen(supervise(tmp_path, "sh", "-c", "echo $$; exec sleep 30"), cwd=ROOT,
                               stdout=subprocess.PIPE)
    pids = [process.pid, int(process.stdout.readline())]
    for number, stopped in ((signal.SIGTSTP, True), (signal.SIGCONT, False)):
        process.send_signal(number)
        deadline = time.monotonic() + 5
        while any((state(pid) == "T") != stopped for pid in pids):
            assert time.monotonic() < deadline
            time.sleep(0.02)
    process.terminate()
    assert process.wait(10) == 143
    process.stdout.close()
