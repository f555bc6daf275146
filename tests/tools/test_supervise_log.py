"""tools/recipe/supervise.py: what its log keeps of lines that are drawn over, the terminal's size, signals that mean
nothing."""

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios

import pytest

from tests.tools.test_frontdoor import ROOT
from tests.tools.test_supervise import supervise, supervised
from tools.recipe.supervise import Log, last_state


@pytest.mark.parametrize("line, kept", [
    (b"", b""), (b"plain", b"plain"), (b"1%\r2%\r3%", b"3%"), (b"1%\r2%\r", b"2%\r"), (b"end\r", b"end\r"),
    (b"\r", b"\r"), (b"1%\r2%\r\r", b"2%\r\r"), (b"\rnew", b"new")])
def test_of_a_line_the_last_state_is_kept_and_what_may_belong_to_its_end(line, kept):
    assert last_state(line) == kept


@pytest.mark.parametrize("pieces, kept", [
    ([b"a", b"b\nc\rd"], b"ab\nd\n"), ([b"one\ntwo\n", b""], b"one\ntwo\n"), ([], b""), ([b"\n\n"], b"\n\n"),
    ([b"dos\r\n", b"dos\r", b"\nlast\r\r\n"], b"dos\ndos\nlast\n"), ([b"1%\r", b"2%\r", b"3%"], b"3%\n"),
    ([b"1%\r2", b"%\r", b"\n"], b"2%\n"), ([b"1%\r", b"\n"], b"1%\n")])
def test_a_log_has_whole_lines_however_they_come(tmp_path, pieces, kept):
    (tmp_path / "log").write_bytes(b"before\n")
    log = Log(str(tmp_path / "log"))
    for piece in pieces:
        log.write(piece)
    log.close()
    assert (tmp_path / "log").read_bytes() == b"before\n" + kept


def test_a_line_without_end_is_written_when_it_is_whole_and_one_drawn_over_does_not_grow(tmp_path):
    log = Log(str(tmp_path / "log"))
    log.write(b"first\nsecond")
    assert (tmp_path / "log").read_bytes() == b"first\n"
    for step in range(1000):
        log.write(b"\r%d steps" % step)
    assert len(log.line) < 20
    log.close()
    log.close()
    assert (tmp_path / "log").read_bytes() == b"first\n999 steps\n"


@pytest.mark.parametrize("words", [[], ["1"], ["1", "log"]])
def test_without_a_command_it_says_how_it_is_called(words, tmp_path):
    done = subprocess.run([sys.executable, "-m", "tools.recipe.supervise", *words], cwd=ROOT, capture_output=True)
    assert done.returncode == 2 and b"supervise PARENT LOG COMMAND" in done.stderr and not done.stdout


def test_much_output_comes_whole_and_in_its_order(tmp_path):
    numbers = "".join(f"{number}\n" for number in range(60000)).encode()  # more than a pipe holds
    done, log = supervised(tmp_path, sys.executable, "-c", "print(*range(60000), sep='\\n')", capture_output=True)
    assert (done.returncode, done.stdout, done.stderr, log) == (0, numbers, b"", numbers)


def test_standard_input_is_empty(tmp_path):
    done, _ = supervised(tmp_path, "cat", input=b"not for it", capture_output=True)
    assert (done.returncode, done.stdout) == (0, b"")


def set_size(terminal, lines, columns):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))


def read_until(terminal, text):
    found = b""
    while text not in found:
        found += os.read(terminal, 1000)
    return found


def test_the_commands_terminal_has_the_size_of_the_outer_one_and_follows_it(tmp_path):
    script = ("import os, sys, time\nsize = lambda: tuple(os.get_terminal_size(1))\nprint(size(), flush=True)\n"
              "end = time.monotonic() + 20\nwhile size()[0] == 77 and time.monotonic() < end:\n    time.sleep(0.02)\n"
              "print(size())")
    here, there = pty.openpty()
    set_size(here, 33, 77)
    process = subprocess.Popen(supervise(tmp_path, sys.executable, "-c", script), cwd=ROOT, stdout=there, stderr=there)
    os.close(there)
    read_until(here, b"(77, 33)")
    set_size(here, 44, 88)
    process.send_signal(signal.SIGWINCH)
    read_until(here, b"(88, 44)")
    assert process.wait(10) == 0
    os.close(here)


def test_standard_output_alone_may_be_a_terminal(tmp_path):
    """All that the command says goes there, and it has its size, that in pixels too."""
    here, there = pty.openpty()
    fcntl.ioctl(here, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 77, 770, 660))
    script = ("import fcntl, struct, sys, termios\n"
              "print(*struct.unpack('HHHH', fcntl.ioctl(2, termios.TIOCGWINSZ, bytes(8))), file=sys.stderr)\n"
              "print('done', sys.stderr.isatty())")
    done, log = supervised(tmp_path, sys.executable, "-c", script, stdout=there, stderr=subprocess.PIPE)
    os.close(there)
    assert (done.returncode, done.stderr) == (0, b"") and log == b"33 77 770 660\ndone True\n"
    assert read_until(here, b"True").split() == b"33 77 770 660 done True".split()
    os.close(here)


def test_a_full_disk_behind_the_output_is_told(tmp_path):
    """It is no reader that went."""
    with open("/dev/full", "w") as full:
        done, log = supervised(tmp_path, "echo", "one", stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1 and b"No space left on device" in done.stderr and log == b"one\n"


def test_a_signal_that_came_before_the_command_ends_it():
    script = ("from tools.recipe.supervise import Supervised\ncommand = Supervised(['sleep', '30'])\ncommand.end(143)\n"
              "process = command.start()\nprint(command.wait(), process.returncode)")
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True)
    assert (done.returncode, done.stdout) == (0, b"143 -15\n")


def test_a_terminal_that_is_closed_ends_the_command(tmp_path):
    here, there = pty.openpty()
    command = supervise(tmp_path, "sh", "-c", "echo one; sleep 0.3; echo two; exec sleep 30")
    process = subprocess.Popen(command, cwd=ROOT, stdout=there, stderr=there)
    os.close(there)
    read_until(here, b"one")
    os.close(here)
    assert process.wait(10) == 141


def test_a_hangup_that_means_nothing_to_it_means_nothing_to_its_command(tmp_path):
    """As under nohup; an interrupt that a shell lets its background ignore ends it all the same."""
    def ignore():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    command = supervise(tmp_path, "sh", "-c", "echo begun; sleep 0.5; echo on; exec sleep 30")
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, preexec_fn=ignore)
    assert process.stdout.readline() == b"begun\n"
    process.send_signal(signal.SIGHUP)
    assert process.stdout.readline() == b"on\n"
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 130
    process.stdout.close()


def test_the_first_signal_decides_the_status(tmp_path):
    """And a command that cleans up before it ends has the time for it."""
    script = ("import signal, sys, time\ndef stop(*_):\n    print('cleaning', flush=True)\n    time.sleep(1)\n"
              "    print('clean', flush=True)\n    sys.exit(5)\n"
              "signal.signal(signal.SIGTERM, stop)\nprint('begun', flush=True)\ntime.sleep(30)")
    process = subprocess.Popen(supervise(tmp_path, sys.executable, "-c", script), cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"begun\n"
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == b"cleaning\n"
    process.send_signal(signal.SIGTERM)
    assert process.stdout.readline() == b"clean\n"
    assert process.wait(10) == 130
    process.stdout.close()
    assert (tmp_path / "log").read_text() == "begun\ncleaning\nclean\n"


def test_a_parent_that_is_gone_before_it_begins_ends_it(tmp_path):
    gone = [str(os.getppid()) if word == str(os.getpid()) else word for word in supervise(tmp_path, "echo", "one")]
    done = subprocess.run(gone, cwd=ROOT, capture_output=True)
    assert (done.returncode, done.stdout) == (143, b"") and not (tmp_path / "log").exists()
