"""Processes of a run that end together: whoever dies, those that work for it die, too, and say why.

No work is lost by an outright kill: every stage goes on, or starts anew, from what is whole.
"""

import ctypes
import multiprocessing
import os
import signal
import sys
import threading
import time
from typing import Iterable, Optional

_SET_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of linux/prctl.h
LOOK_SECONDS = 1.0


class ProcessDied(Exception):
    """A process ended that others wait for. The message says how, and why that may be."""

    def __init__(self, who: str, exit_code: int):
        """exit_code: as of multiprocessing.Process, negative for a signal."""
        super().__init__(f"{who} {how_it_ended(exit_code)}")


def how_it_ended(exit_code: int) -> str:
    """What an exit code says, with the likely cause.

    >>> how_it_ended(-9)
    'was killed (signal 9), most likely for want of memory: fewer processes (--nj) need less'
    """
    if exit_code >= 0:
        return f"ended before its work did (exit status {exit_code})"
    number = -exit_code
    if number == signal.SIGKILL:
        return f"was killed (signal {number}), most likely for want of memory: fewer processes (--nj) need less"
    if number in (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGILL):
        return (f"crashed (signal {number}), which a full disk, too little memory or a broken package can do; "
                "./run.sh doctor tries the packages")
    return f"was ended by someone (signal {number})"


def die_with_parent(parent: int, number: int = signal.SIGKILL) -> None:
    """From now on this process gets the signal when the thread that started it ends.

    Linux tells so at once (prctl, PR_SET_PDEATHSIG); elsewhere a thread looks every second.

    Args:
      parent: process id; if that is not the parent any more the process ends here.
    """
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, int(number), 0, 0, 0)
    else:
        threading.Thread(target=_watch, args=(parent, number), daemon=True).start()
    if os.getppid() != parent:
        os._exit(128 + number)


def _watch(parent: int, number: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_SECONDS)
    os.kill(os.getpid(), number)


def work_for_parent(parent: int) -> None:
    """How a process of a pool begins: the interrupt key is its parent's to hear, and it dies with that."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent(parent)


def kill_children(children: Optional[Iterable[multiprocessing.process.BaseProcess]] = None) -> None:
    """Ends processes that were started through multiprocessing at once; without an argument all of this one's."""
    for child in multiprocessing.active_children() if children is None else children:
        child.kill()
