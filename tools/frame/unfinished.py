"""Where a stage works until its output is whole: NAME.unfinished beside NAME.

What is finished is not touched before its successor is: the folder is renamed at the end, after its record with
the digests of all files. It is locked while a program works in it, and keeps the time of runs that were killed.
"""

import fcntl
import os
import shutil
import socket
import threading
import time
from pathlib import Path
from typing import List

from graphs.errors import InputError
from tools.frame.records import RECORD, SECONDS, load_record, write_text_atomically

CLOCK_SECONDS = 2.0


_SUFFIXES = UNFINISHED, REPLACED = ".unfinished", ".replaced"


def is_unfinished(folder: Path) -> bool:
    """Is it a folder in which a program works, or one that it replaces?"""
    return folder.name.endswith(_SUFFIXES)


def whole_scores(work: Path) -> List[Path]:
    """The folders of scores, without those that a program is still writing."""
    found = (Path(folder, name) for folder, names, _ in os.walk(work) for name in names if name.startswith("score_"))
    return sorted(path for path in found if not is_unfinished(path))


class Unfinished:
    """
    Attributes:
      folder: where to work.
      final: the output folder that it becomes.
    """

    def __init__(self, final: Path):
        if not final.name:
            raise InputError(f"--out {final}", "a folder with a name of its own", "none")
        self.final = final
        self.folder = final.with_name(final.name + UNFINISHED)
        self._replaced = final.with_name(final.name + REPLACED)
        self._descriptor = None
        self._ended, self._clock = threading.Event(), threading.Thread(target=self._tick, daemon=True)

    def recover(self) -> None:
        """Ends an exchange of folders that was cut off in between."""
        if _is_there(self._replaced):
            if not _is_there(self.final):
                self._replaced.rename(self.final)
            else:
                _remove(self._replaced)

    def open(self) -> None:
        """Makes the folder where it is not, and locks it. Raises InputError when another program has it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = load_record(self.folder)[0].get("holder", "another process")
            raise InputError(f"--out {self.final}", "no other program at work on it", holder) from None
        except OSError:  # a file system without locks
            pass

    def clear(self) -> None:
        """Removes what a run left that cannot be gone on with."""
        for path in self.folder.iterdir():
            _remove(path)

    def start_clock(self) -> None:
        """From now on a small file holds the seconds of work, those of earlier runs included."""
        self._before, self._start = self._earlier_seconds(), time.monotonic()
        self._clock.start()

    def seconds(self) -> float:
        """Of work on this output so far, over all runs."""
        return self._before + time.monotonic() - self._start

    def _earlier_seconds(self) -> float:
        try:
            return max(0.0, float((self.folder / SECONDS).read_text(encoding="ascii")))
        except (OSError, ValueError):
            return 0.0

    def _tick(self) -> None:
        while not self._ended.wait(CLOCK_SECONDS):
            try:
                write_text_atomically(self.folder / SECONDS, f"{self.seconds():.1f}")
            except OSError:  # a full disk is the program's to tell
                pass

    def finish(self) -> None:
        """Takes the place of the output folder; a finished one is removed after that. (Of a link to one, the link.)"""
        self._ended.set()
        self._clock.join()  # else it might write once more
        (self.folder / SECONDS).unlink(missing_ok=True)
        if _is_there(self.final):
            self.final.rename(self._replaced)
        self.folder.rename(self.final)
        if _is_there(self._replaced):
            _remove(self._replaced)

    def close(self) -> None:
        self._ended.set()
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _is_there(path: Path) -> bool:
    """A link that leads nowhere included."""
    return path.exists() or path.is_symlink()


def _remove(path: Path) -> None:
    """The file, the folder with all that is in it, or the link."""
    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def holder() -> str:
    """This process, for whoever comes second."""
    return f"process {os.getpid()} on {socket.gethostname()}, started {time.strftime('%F %T')}"


def is_foreign(folder: Path) -> bool:
    """Holds the folder files, none of which looks like a stage's?"""
    return (folder.exists() and any(folder.iterdir())
            and not any((folder / name).exists() for name in (RECORD, f"{RECORD}.tmp", "log.txt")))
