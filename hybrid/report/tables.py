"""Tables of text for the terminal, Markdown and tab-separated files."""

import re
import unicodedata
from typing import Iterable, List, Sequence


def display_width(text: str) -> int:
    """Columns that a terminal gives to the text: 2 for wide characters, 0 for combining marks."""
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def pad(text: str, width: int, right: bool = False) -> str:
    """Fills up with spaces to the width, at the left when `right` (aligned to the right)."""
    blanks = " " * (width - display_width(text))
    return blanks + text if right else text + blanks


_NUMBER = re.compile(r"([-+]?\d[\d.]*(e[-+]?\d+)?( to [-+]?\d[\d.]*)?)?$")


def _is_number(cell: str) -> bool:
    """A number, a range of numbers, or nothing."""
    return _NUMBER.match(cell) is not None


def _cells(rows: Iterable[Sequence]) -> List[List[str]]:
    return [["" if cell is None else f"{cell:.2f}" if isinstance(cell, float) else str(cell) for cell in row]
            for row in rows]


def text_table(header: Sequence[str], rows: Iterable[Sequence]) -> str:
    """A table for the terminal: columns of numbers to the right, floats with two decimals, None as blank."""
    return "".join(line.rstrip() + "\n" for line in _lines(header, rows, "  ", "", "-"))


def markdown_table(header: Sequence[str], rows: Iterable[Sequence]) -> str:
    """The same as a Markdown table."""
    escaped = [[cell.replace("|", "\\|") for cell in row] for row in _cells(rows)]
    return "".join(line + "\n" for line in _lines(header, escaped, " | ", "| ", "-"))


def _lines(header: Sequence[str], rows: Iterable[Sequence], between: str, edge: str, rule: str) -> List[str]:
    cells = _cells(rows)
    columns = list(zip(header, *cells))
    widths = [max(map(display_width, column)) for column in columns]
    right = [all(map(_is_number, column[1:])) and len(column) > 1 for column in columns]

    def line(row: Sequence[str]) -> str:
        return edge + between.join(pad(*cell) for cell in zip(row, widths, right)) + edge[::-1]

    return [line(header), line([_rule(*cell, markdown=bool(edge)) for cell in zip(widths, right)]),
            *(line(row) for row in cells)]


def _rule(width: int, right: bool, markdown: bool) -> str:
    if markdown:
        return "-" * max(width - 1, 1) + (":" if right else "-")
    return "-" * width


def tsv(header: Sequence[str], rows: Iterable[Sequence]) -> str:
    """Tab-separated lines; tabs and line ends inside a cell turn into blanks."""
    return "".join("\t".join(map(_one_line, line)) + "\n" for line in [list(header), *_cells(rows)])


def _one_line(cell: str) -> str:
    return cell.translate({ord(blank): " " for blank in "\t\r\n"})
