"""What tools.show and tools.validate know of a kind of artefact."""

from pathlib import Path
from typing import Callable, Iterable, List, NamedTuple, Optional, Tuple

from graphs.errors import InputError
from graphs.text_file import decode, read_bytes
from hybrid.report.tables import text_table
from tools.frame.records import made_from


class Kind(NamedTuple):
    """
    Attributes:
      name: for people.
      sign: how it is recognized, for people.
      matches: is the path of this kind?
      describe: (path, item or None) -> text. The item is an utterance, a word, ..., whatever `item` says.
      problems: path -> what is wrong with it, a line each; an InputError it raises counts, too.
      draw: (path, item or None, picture) writes a picture; None where there is none.
      item: what may be named, "" for nothing.
    """

    name: str
    sign: str
    matches: Callable[[Path], bool]
    describe: Callable[[Path, Optional[str]], str]
    problems: Callable[[Path], Iterable[str]]
    draw: Optional[Callable[[Path, Optional[str], Path], None]] = None
    item: str = ""


def folder_with(*names: str) -> Callable[[Path], bool]:
    """Matches a folder in which each of the names (or patterns) is there."""
    return lambda path: path.is_dir() and all(any(path.glob(name)) for name in names)


def file_starting(start: str) -> Callable[[Path], bool]:
    """Matches a text file whose first characters, blanks apart, are these."""
    def matches(path: Path) -> bool:
        if not path.is_file():
            return False
        with open(path, "rb") as stream:
            return stream.read(200).lstrip().startswith(start.encode("utf-8"))
    return matches


def facts(*pairs: Tuple[str, object]) -> str:
    """`name: value` lines, the values under each other; pairs without a value are left out."""
    kept = [(name, f"{value:g}" if isinstance(value, float) else str(value))
            for name, value in pairs if value not in (None, "")]
    width = max((len(name) for name, _ in kept), default=0) + 1
    return "".join(f"{name + ':':{width}} {value}\n" for name, value in kept)


def section(title: str, header: Iterable[str], rows: Iterable) -> str:
    """A table under a title; nothing when there are no rows."""
    rows = list(rows)
    return f"\n{title}\n{text_table(list(header), rows)}" if rows else ""


def some(values: Iterable[str], number: int = 8) -> str:
    """The first values, and a sign that there are more."""
    values = list(values)
    return ", ".join(values[:number]) + (f", ... ({len(values)} in all)" if len(values) > number else "")


def input_of(folder: Path, name: str) -> Optional[Path]:
    """The nearest file of that name among what a stage's folder was made from, itself included."""
    if (folder / name).is_file():
        return folder / name
    for _, record in made_from(folder):
        for path in record.get("inputs", {}):
            if Path(path).name == name and Path(path).is_file():
                return Path(path)
    return None


def text_of_file(path: Path) -> str:
    """Raises InputError for a file that is gone, or no text."""
    return decode(str(path), read_bytes(path))


def not_found(path: Path, what: str, item: str, known: Iterable[str]) -> InputError:
    """For an item that the artefact does not hold."""
    return InputError(f"{path}", f"{what} such as {some(known, 3)}", item)


def read_problem(read: Callable[[Path], object]) -> Callable[[Path], List[str]]:
    """Problems of a file whose reader finds them itself, by raising."""
    def problems(path: Path) -> List[str]:
        read(path)
        return []
    return problems
