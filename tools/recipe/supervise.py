"""Runs a command; what it prints goes to the terminal and to the end of a log file.

    python tools/recipe/supervise.py LOG COMMAND...

On a terminal the command gets a terminal, too, so that its progress bars work; of a line that was
drawn over and over the log keeps the last state. Ends with the command's exit status.
Standard library only.
"""

import fcntl
import os
import pty
import select
import signal
import subprocess
import sys
import termios


class Log:
    """Appends text; a carriage return starts the line anew, as on a screen."""

    def __init__(self, path: str):
        self.stream = open(path, "ab")
        self.line = b""

    def write(self, data: bytes) -> None:
        *lines, self.line = (self.line + data).split(b"\n")
        for line in lines:
            self.stream.write(last_state(line).rstrip(b"\r") + b"\n")
        self.line = last_state(self.line)
        self.stream.flush()

    def close(self) -> None:
        if self.line:
            self.write(b"\n")
        self.stream.close()


def last_state(line: bytes) -> bytes:
    """What stands after the last carriage return but one at the end (which may belong to a line end)."""
    return line[line.rfind(b"\r", 0, len(line.rstrip(b"\r"))) + 1:]


def copy(sources: dict, log: Log) -> None:
    """Copies from each source (file descriptor -> where to) until all are at their end."""
    sources = dict(sources)
    while sources:
        for source in select.select(list(sources), [], [])[0]:
            try:
                data = os.read(source, 65536)
            except OSError:  # a terminal whose other side is closed
                data = b""
            if data:
                log.write(data)
                while data:
                    data = data[os.write(sources[source], data):]
            else:
                del sources[source]


def start(command: list, **streams) -> subprocess.Popen:
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, **streams)
    # The interrupt key reaches the command by itself: it stops, and what it says then is still copied.
    signal.signal(signal.SIGINT, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    return process


def run_on_terminal(command: list, log: Log) -> int:
    here, there = pty.openpty()

    def resize(*_) -> None:
        fcntl.ioctl(here, termios.TIOCSWINSZ, fcntl.ioctl(1, termios.TIOCGWINSZ, b"\0" * 8))

    resize()
    signal.signal(signal.SIGWINCH, resize)
    process = start(command, stdout=there, stderr=there)
    os.close(there)
    copy({here: 1}, log)
    return process.wait()


def run_on_pipes(command: list, log: Log) -> int:
    process = start(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    copy({process.stdout.fileno(): 1, process.stderr.fileno(): 2}, log)
    return process.wait()


def main() -> int:
    if len(sys.argv) < 3:
        print(__doc__, file=sys.stderr)
        return 2
    log = Log(sys.argv[1])
    try:
        status = (run_on_terminal if os.isatty(1) else run_on_pipes)(sys.argv[2:], log)
    finally:
        log.close()
    return 128 - status if status < 0 else status


if __name__ == "__main__":
    sys.exit(main())
