"""What the machine does to a program (a full disk, too little memory, a killed process), as one line that helps."""

import errno
import os
import re
import shutil
from pathlib import Path
from typing import Optional

from hybrid.processes import ProcessDied

_SPACE = "free some space or take another folder; run it again to go on"
_WRITING = "it must be writable for this account, or another folder be taken"
_READING = "it must be readable for this account"
_ADVICE = {
    errno.ENOSPC: _SPACE, errno.EDQUOT: _SPACE, errno.EFBIG: _SPACE,
    errno.EROFS: _WRITING, errno.EACCES: _WRITING, errno.EPERM: _WRITING,
    errno.ENAMETOOLONG: "take a shorter name", errno.ENOTDIR: "a file stands where a folder is to be",
    errno.EIO: "its disk or its network fails",
    errno.EMFILE: "allow more open files (ulimit -n)", errno.ENFILE: "allow more open files (ulimit -n)",
}
_MEMORY = re.compile(r"can't allocate memory|out of memory|cannot allocate memory|bad_alloc", re.IGNORECASE)
_HDF5 = re.compile(r"errno = (\d+)")  # h5py puts the system's word into texts of its own
_OWN = ("graphs", "hybrid", "tools", "egs", "tests")
FULL = 1 << 16  # bytes that are free on a full disk, at most


def explain(error: BaseException, out: Path) -> Optional[str]:
    """One line: what failed where, and what to do; None for an error that is the program's own.

    Args:
      out: the folder that was being written.
    """
    if isinstance(error, ProcessDied):
        return str(error)
    if lacking(error):
        return lacking(error)
    if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM or _MEMORY.search(str(error)):
        return f"out of memory ({_first_line(error)}): fewer processes (--nj) or smaller batches need less"
    number = _system_error(error)
    if number not in _ADVICE and _is_full(out):  # torch and others do not say why a write failed
        number = errno.ENOSPC
    if number not in _ADVICE:
        return None
    # where a file is copied, the second is the one that is written
    where = getattr(error, "filename2", None) or getattr(error, "filename", None) or out
    unreadable = number == errno.EACCES and os.path.exists(where) and not os.access(where, os.R_OK)
    return f"{where}: {os.strerror(number)}: {_READING if unreadable else _ADVICE[number]}"


def lacking(error: BaseException) -> str:
    """What to do about a package that is not there or does not load; empty for any other error."""
    package = (error.name or "").split(".")[0] if isinstance(error, ImportError) else ""
    if not package or package in _OWN:
        return ""
    return f"this needs the package {package} ({_first_line(error)}); ./run.sh doctor says how to get it"


def _system_error(error: Optional[BaseException]) -> Optional[int]:
    """The errno of the error or of what it came from: the first write that failed stands last."""
    while error is not None:
        found = _HDF5.search(str(error))
        number = int(found.group(1)) if found else getattr(error, "errno", None)
        if number in _ADVICE:
            return number
        error = error.__cause__ or error.__context__
    return None


def _is_full(folder: Path) -> bool:
    existing = next((path for path in (folder, *folder.absolute().parents) if path.exists()), None)
    return existing is not None and shutil.disk_usage(existing).free < FULL


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
