"""Runs a command that ends when it should; what it prints goes to the terminal and to the end of a log file.

    python -m tools.recipe.supervise PARENT LOG COMMAND...

On a terminal the command gets a terminal, too, so that its progress bars work; of a line that was
drawn over and over the log keeps the last state. Ends with the command's exit status, and

- passes SIGTERM, SIGHUP and SIGINT on as SIGTERM to the command and all that it started, and kills after 5 s
  whatever is left of it; the status is 128 + the signal that came;
- does the same when the process PARENT dies; the command is killed when this process dies;
- ends the command with status 141 when nobody reads the output any more.
"""

import errno
import fcntl
import os
import pty
import select
import signal
import subprocess
import sys
import termios
from typing import Optional

from hybrid.processes import die_with_parent

PATIENCE = 5.0  # seconds from SIGTERM to SIGKILL
LOOK_SECONDS = 0.2  # whether the command has ended while a process that it left holds its output open
OUTPUT_CLOSED = 141


class Log:
    """Appends text; a carriage return starts the line anew, as on a screen."""

    def __init__(self, path: str):
        self.path, self.line = path, b""
        self.stream = open(path, "ab", buffering=0)

    def write(self, data: bytes) -> None:
        *lines, self.line = (self.line + data).split(b"\n")
        self._append(b"".join(last_state(line).rstrip(b"\r") + b"\n" for line in lines))
        self.line = last_state(self.line)

    def _append(self, data: bytes) -> None:
        try:
            if self.stream is not None:
                self.stream.write(data)
        except OSError as error:
            self.stream = None
            print(f"warning: {self.path}: cannot be written any more ({error.strerror})", file=sys.stderr, flush=True)

    def close(self) -> None:
        if self.line:
            self.write(b"\n")


def last_state(line: bytes) -> bytes:
    """What stands after the last carriage return but one at the end (which may belong to a line end)."""
    return line[line.rfind(b"\r", 0, len(line.rstrip(b"\r"))) + 1:]


class Supervised:
    """The command, as a process group of its own.

    Attributes:
      status: that the supervisor ends with, once a signal or a closed output decides it.
    """

    def __init__(self, command: list):
        self.command = command
        self.status: Optional[int] = None
        self._process: Optional[subprocess.Popen] = None

    def start(self, **streams) -> subprocess.Popen:
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            # nohup's way to say that a hangup means nothing; a shell says the same of its background's interrupts
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, lambda number, _: self.end(128 + number))
        signal.signal(signal.SIGTSTP, self._pause)
        signal.signal(signal.SIGALRM, lambda *_: self._kill_and_exit())
        supervisor = os.getpid()

        def lead_group() -> None:
            os.setpgid(0, 0)
            die_with_parent(supervisor)

        self._process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, preexec_fn=lead_group, **streams)
        if self.status is not None:  # the signal came before there was a process
            self.signal_group(signal.SIGTERM)
        return self._process

    def end(self, status: int) -> None:
        """Asks the command to end, and sees to it that it does."""
        if self.status is None:
            self.status = status
            signal.setitimer(signal.ITIMER_REAL, PATIENCE)
            self.signal_group(signal.SIGTERM)

    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def wait(self) -> int:
        """The exit status; nothing of the group is left after it."""
        status = self._process.wait()
        self.signal_group(signal.SIGKILL)
        if self.status is not None:
            return self.status
        return 128 - status if status < 0 else status

    def signal_group(self, number: int) -> None:
        if self._process is not None:
            try:
                os.killpg(self._process.pid, number)
            except (ProcessLookupError, PermissionError):  # the latter on macOS for a group of zombies
                pass

    def _pause(self, *_) -> None:
        self.signal_group(signal.SIGSTOP)
        os.kill(os.getpid(), signal.SIGSTOP)
        self.signal_group(signal.SIGCONT)

    def _kill_and_exit(self) -> None:
        self.signal_group(signal.SIGKILL)
        os._exit(self.status)  # at once: this process may hang in a write that nobody reads


def copy(sources: dict, log: Log, command: Supervised) -> None:
    """Copies from each source (file descriptor -> where to) until all are at their end or the command is."""
    sources = dict(sources)
    while sources:
        ready = select.select(list(sources), [], [], LOOK_SECONDS)[0]
        if not ready and command.has_ended():
            return
        for source in ready:
            try:
                data = os.read(source, 65536)
            except OSError:  # a terminal whose other side is closed
                data = b""
            if not data:
                del sources[source]
                continue
            log.write(data)
            try:
                while data:
                    data = data[os.write(sources[source], data):]
            except OSError as error:  # EIO: of a terminal that was closed
                if error.errno not in (errno.EPIPE, errno.EIO):
                    raise
                command.end(OUTPUT_CLOSED)


def run_on_terminal(command: Supervised, log: Log) -> int:
    here, there = pty.openpty()

    def resize(*_) -> None:
        fcntl.ioctl(here, termios.TIOCSWINSZ, fcntl.ioctl(1, termios.TIOCGWINSZ, b"\0" * 8))

    resize()
    signal.signal(signal.SIGWINCH, resize)
    command.start(stdout=there, stderr=there)
    os.close(there)
    copy({here: 1}, log, command)
    return command.wait()


def run_on_pipes(command: Supervised, log: Log) -> int:
    process = command.start(stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    copy({process.stdout.fileno(): 1, process.stderr.fileno(): 2}, log, command)
    return command.wait()


def main() -> int:
    if len(sys.argv) < 4:
        print(__doc__, file=sys.stderr)
        return 2
    parent = int(sys.argv[1])
    die_with_parent(parent, signal.SIGTERM)
    log, command = Log(sys.argv[2]), Supervised(sys.argv[3:])
    try:
        return (run_on_terminal if os.isatty(1) else run_on_pipes)(command, log)
    finally:
        log.close()
        if os.getppid() != parent:
            log.write(f"stopped: process {parent}, which ran this, was killed\n".encode())


if __name__ == "__main__":
    sys.exit(main())
