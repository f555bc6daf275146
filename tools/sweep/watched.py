"""A command that runs in the background while somebody looks at what it does."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Callable, Sequence

from hybrid.processes import die_with_parent

LOOK_SECONDS = 1.0
PATIENCE = 15.0  # seconds from asking it to end to killing it


def run_watched(command: Sequence[str], output: Path, look: Callable[[], None]) -> int:
    """Runs the command, which prints into the file, and looks now and then; its exit status. What `look` raises ends
    the command, as an interrupt does."""
    parent = os.getpid()
    with open(output, "ab") as stream:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT,
            env={**os.environ, "HYBRID_ASR_PYTHON": sys.executable},
            preexec_fn=lambda: die_with_parent(parent, signal.SIGTERM))
    try:
        while True:
            try:
                return process.wait(LOOK_SECONDS)
            except subprocess.TimeoutExpired:
                look()
    finally:
        stop(process)


def stop(process: subprocess.Popen) -> None:
    """Asks it to end, and sees to it that it does."""
    process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def last_lines(output: bytes, number: int = 3) -> str:
    """Of what a command printed."""
    lines = [line.strip() for line in output.decode("utf-8", "replace").splitlines() if line.strip()]
    return " | ".join(lines[-number:]) or "no output"
