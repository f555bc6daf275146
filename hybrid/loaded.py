"""What a process has read is kept for as long as the files stay as they are."""

import dataclasses
import os
from functools import lru_cache, wraps
from pathlib import Path
from typing import Callable, Iterator, Tuple, TypeVar

Result = TypeVar("Result")


def kept_while_unchanged(size: int = 1) -> Callable[[Callable[..., Result]], Callable[..., Result]]:
    """Decorates a function that reads files and folders: what it returned for the last `size` different arguments is
    kept, until a file that is named by an argument, or lies in a folder that is, is another one.

    Arguments are hashable; paths are found in dataclasses and tuples, too. Files are told apart by size and time, those
    in subfolders by the time of these. Its `cache_clear` forgets everything.
    """
    def decorate(function: Callable[..., Result]) -> Callable[..., Result]:
        @lru_cache(maxsize=size)
        def kept(state, *args):
            return function(*args)

        @wraps(function)
        def looked_at(*args):
            return kept(tuple(entry for path in paths_in(args) for entry in _state(path)), *args)

        looked_at.cache_clear = kept.cache_clear
        return looked_at

    return decorate


def paths_in(value) -> Iterator[Path]:
    """The paths in an argument."""
    if isinstance(value, Path):
        yield value
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from paths_in(getattr(value, field.name))
    elif isinstance(value, tuple):
        for part in value:
            yield from paths_in(part)


def _state(path: Path) -> Iterator[Tuple]:
    """(name, inode, size, time) of a file or folder and of what lies in the folder; nothing where nothing is."""
    try:
        with os.scandir(path) as found:
            entries = sorted((entry.name, _stat(entry)) for entry in found)
    except NotADirectoryError:
        entries = [("", path.stat())]
    except FileNotFoundError:
        entries = []
    for name, stat in entries:
        yield name, stat.st_ino, stat.st_size, stat.st_mtime_ns


def _stat(entry: os.DirEntry) -> os.stat_result:
    """Of what a link leads to; of the link, where it leads nowhere."""
    try:
        return entry.stat()
    except OSError:
        return entry.stat(follow_symlinks=False)
