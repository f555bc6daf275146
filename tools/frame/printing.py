"""How programs end: what they say, and their exit status."""

import errno
import os
import sys
from typing import Callable, Optional

from graphs.errors import InputError, TooManyFailures
from tools.frame.failures import lacking

EXPECTED = (InputError, TooManyFailures, KeyboardInterrupt)
_TAKES_NO_MORE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def printing(name: str, work: Callable[[], Optional[int]], unread: int = 0) -> int:
    """Does the work and tells in one line what stopped it. Returns the exit status, that of the work if it gives one.

    Args:
      name: of the program.
      unread: the status where nobody reads the output any more (`| head`).
    """
    try:
        status = work() or 0
        if sys.stdout is not None:  # what a shell has closed
            sys.stdout.flush()
        return status
    except EXPECTED as error:
        return told(name, error)
    except ImportError as error:
        if not lacking(error):
            raise
        print(f"{name}: error: {lacking(error)}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        _silence()
        return unread
    except OSError as error:
        if error.filename is not None or error.errno not in _TAKES_NO_MORE:
            raise
        _silence()
        print(f"{name}: error: its output: {os.strerror(error.errno)}", file=sys.stderr)
        return 1


def told(name: str, error: BaseException) -> int:
    """Says in one line what of EXPECTED has stopped a program. Returns its exit status."""
    if isinstance(error, KeyboardInterrupt):
        print(f"{name}: interrupted; run it again to go on", file=sys.stderr)
        return 130
    print(f"{name}: error: {error}", file=sys.stderr)
    return 2


def _silence() -> None:
    """Python would complain at exit, too, of what it could not write."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
