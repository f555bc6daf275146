"""Lines of a text file that a user wrote: every complaint names the line."""

import gzip
import json
import re
import unicodedata
import zlib
from pathlib import Path
from typing import BinaryIO, Iterator, List, Sequence, Tuple, Union

from graphs.errors import InputError

_INTEGER = re.compile("[+-]?[0-9]{1,18}")  # all of them fit 64 bits
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_PLAIN = bytes([*b"\t\n", *range(0x20, 0x7f)])  # most texts hold nothing else, which is seen much faster
BLOCK_BYTES = 1 << 24  # read at a time

DAMAGED_GZIP = (EOFError, gzip.BadGzipFile, zlib.error)  # what reading one may raise

# Blanks other than space and tab split words in one program and not in another (Kaldi
# utils/validate_text.pl refuses them, too); control characters and halves of surrogate pairs, which JSON can
# hold, have no business in a text.
_ODD_CHARACTER = re.compile("[^\\S \t\n]|[\u200b\u2060\ufeff\x00-\x08\x0e-\x1f\x7f\ud800-\udfff]")


def open_bytes(path: Union[str, Path]) -> BinaryIO:
    """Opens a plain or gzip-compressed file, told apart by content. InputError if there is none."""
    path = Path(path)
    if not path.is_file():
        raise InputError(str(path), "an existing file", "a folder" if path.is_dir() else "none")
    with open(path, "rb") as stream:
        compressed = stream.read(2) == b"\x1f\x8b"
    return gzip.open(path, "rb") if compressed else open(path, "rb")


def read_bytes(path: Union[str, Path]) -> bytes:
    """The content of a plain or gzip-compressed file. InputError where there is none or gzip finds it damaged."""
    with open_bytes(path) as stream:
        try:
            return stream.read()
        except DAMAGED_GZIP as error:
            raise InputError(str(path), "a whole gzip file", str(error)) from None


def read_lines(path: Union[str, Path]) -> Tuple[List[Tuple[int, str]], List[str]]:
    """The lines that are not blank, as (number from 1, text without end of line), and notes.

    A byte-order mark and DOS line ends are removed, which the notes tell. Raises InputError that names
    the line for bytes that are not utf-8, for Unicode blanks and for control characters.
    """
    data = read_bytes(path)
    notes = []
    if data.startswith(_BYTE_ORDER_MARK):
        data = data[len(_BYTE_ORDER_MARK):]
        notes.append(f"{path}:1: byte-order mark removed")
    dos_ends = data.count(b"\r\n") + data.endswith(b"\r")
    if dos_ends:
        data = data.replace(b"\r\n", b"\n").rstrip(b"\r")
        notes.append(f"{path}: carriage return at the end of {dos_ends} lines removed")
    text = _checked(path, 1, data)
    return [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip(" \t")], notes


def stream_lines(path: Union[str, Path]) -> Iterator[Tuple[int, str]]:
    """The lines of `read_lines`, for files that are larger than memory: what is wrong is raised where it comes."""
    first, rest, block = 1, b"", b"\n"
    with open_bytes(path) as stream:
        while block:
            try:
                block = stream.read(BLOCK_BYTES)
            except DAMAGED_GZIP as error:
                raise InputError(str(path), "a whole gzip file", str(error)) from None
            data = rest + block
            if first == 1 and data.startswith(_BYTE_ORDER_MARK):
                data = data[len(_BYTE_ORDER_MARK):]
            whole = data.rfind(b"\n") + 1 if block else len(data)
            data, rest = data[:whole], data[whole:]
            text = _checked(path, first, data.replace(b"\r\n", b"\n") if block else data.rstrip(b"\r"))
            lines = text.split("\n")
            yield from ((number, line) for number, line in enumerate(lines, first) if line.strip(" \t"))
            first += len(lines) - 1


def _checked(path: Union[str, Path], first: int, data: bytes) -> str:
    """Lines, the first of which has the given number, as text."""
    if not data.translate(None, _PLAIN):
        return data.decode("ascii")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = None
    if text is None or _ODD_CHARACTER.search(text):  # line by line, to name the first bad one
        for number, raw in enumerate(data.split(b"\n"), first):
            check_characters(f"{path}:{number}", decode(f"{path}:{number}", raw))
    return text


def read_text(path: Union[str, Path]) -> str:
    """The lines of `read_lines`, joined."""
    return "\n".join(line for _, line in read_lines(path)[0])


def read_json(path: Union[str, Path]):
    """Raises InputError for a file that is missing, or that is not JSON in utf-8; half a character is none."""
    text = decode(str(path), read_bytes(path))
    try:
        content = json.loads(text)
        if "\\ud" in text.lower():
            json.dumps(content, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise InputError(str(path), "JSON", f"{type(error).__name__}: {error}"[:300]) from None
    return content


def read_json_object(path: Union[str, Path]) -> dict:
    """Like `read_json`; InputError for JSON that is no object, too."""
    content = read_json(path)
    if not isinstance(content, dict):
        raise InputError(str(path), "a JSON object", type(content).__name__)
    return content


def to_int(text: str) -> int:
    """ValueError for what Python's int takes beside ASCII digits: `1_000`, digits of other scripts, blanks."""
    if not _INTEGER.fullmatch(text):
        raise ValueError(f"expected a whole number, found {text[:40]!r}")
    return int(text)


def to_float(text: str) -> float:
    """ValueError for what is not a finite number in ASCII digits (Python's float takes nan, inf, `1_000`, ...)."""
    value = float(text) if _NUMBER.fullmatch(text) else float("nan")
    if not abs(value) < float("inf"):
        raise ValueError(f"expected a finite number, found {text[:40]!r}")
    return value


def decode(item: str, raw: bytes) -> str:
    """InputError that names the item for bytes that are not utf-8."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        found = f"byte 0x{raw[error.start]:02x} at column {error.start + 1}"
        raise InputError(item, "utf-8 text", found) from None


def check_characters(item: str, text: str) -> None:
    """InputError for a blank other than space and tab, or a control character."""
    odd = _ODD_CHARACTER.search(text)
    if odd:
        name = unicodedata.name(odd.group(), "a control character")
        raise InputError(item, "no blanks but spaces and tabs, no control characters",
                         f"U+{ord(odd.group()):04X} ({name}) at column {odd.start() + 1}")


def split_blanks(text: str) -> List[str]:
    """Fields between spaces and tabs (`str.split` alone would also split at Unicode blanks)."""
    if text.isascii():
        return text.split()
    return [field for field in text.replace("\t", " ").split(" ") if field]


def raise_first(problems: Sequence[InputError]) -> None:
    """Raises the first problem, if any; its message tells how many more there are."""
    if not problems:
        return
    first = problems[0]
    if len(problems) == 1:
        raise first
    items = ", ".join(problem.item for problem in problems[1:6])
    more = f" (and {len(problems) - 1} more problems: {items}{', ...' if len(problems) > 6 else ''})"
    raise InputError(first.item, first.expected, first.found + more)
