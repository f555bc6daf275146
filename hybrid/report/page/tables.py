"""Tables of the page: cells know their text and what they sort by."""

import math
from dataclasses import dataclass, replace
from typing import Callable, NamedTuple, Optional, Sequence, Tuple, Union

from hybrid.compare.comparison import Rate

Key = Union[None, float, str]
NOTHING = "–"  # of what is not known
PAPER = 120  # letters that fit a line of a printed table
LAST = 1e9  # sorts after any number of the page


class Bar(NamedTuple):
    """A value and its interval, in percent of the bar's width."""

    low: float
    value: float
    high: float


class Cell(NamedTuple):
    """
    sort: what the column is sorted by; None comes last. hint: more words for those who look longer.
    mark: class of the style sheet. said: words that only screen readers say, before the text.
    """

    text: str
    sort: Key = None
    bar: Optional[Bar] = None
    hint: str = ""
    mark: str = ""
    said: str = ""


class Column(NamedTuple):
    """number: aligned to the right. hint: what the name means."""

    name: str
    number: bool = True
    hint: str = ""


@dataclass(frozen=True)
class Table:
    """name: id in the page. rows: as many cells as columns, the first names the row."""

    name: str
    caption: str
    columns: Tuple[Column, ...]
    rows: Tuple[Tuple[Cell, ...], ...]
    sortable: bool = True

    def __post_init__(self):
        odd = [len(row) for row in self.rows if len(row) != len(self.columns)]
        if odd:
            raise ValueError(f"table {self.name}: expected rows of {len(self.columns)} cells, found {odd[0]}")

    @property
    def width(self) -> str:
        """How its cells are broken on paper: a class of the style sheet."""
        widths = [max(map(len, (column.name, *(row[place].text for row in self.rows))))
                  for place, column in enumerate(self.columns)]
        letters = sum(widths) + 2 * len(widths)
        return "vast" if letters > 2 * PAPER else "broad" if letters > PAPER else ""


def without_blank(table: Table) -> Table:
    """Without the columns of which nothing is known."""
    kept = [place for place in range(len(table.columns)) if place == 0
            or any(row[place].text not in ("", NOTHING) for row in table.rows)]
    return replace(table, columns=tuple(table.columns[place] for place in kept),
                   rows=tuple(tuple(row[place] for place in kept) for row in table.rows))


def signed(value: float, digits: int = 2) -> str:
    """With a true minus sign, and none of a zero."""
    written = f"{value:+.{digits}f}"
    return written.replace("-", "−") if float(written) else written[1:]


def text(value: Optional[str], mark: str = "") -> Cell:
    return Cell(value or NOTHING, value or None, mark=mark)


def number(value: Optional[float], form: Union[str, Callable[[float], str]] = "{:.2f}", mark: str = "") -> Cell:
    """form: of format, or a function."""
    if value is None:
        return Cell(NOTHING)
    written = form(value) if callable(form) else form.format(value)
    return Cell(written, float(value) if math.isfinite(value) else None, mark=mark)


def rate(value: Optional[Rate], widest: float = 0.0, mark: str = "") -> Cell:
    """Percent with its interval; with a bar from 0 to `widest` where that is above 0."""
    if value is None:
        return Cell(NOTHING)
    written = f"{value.percent:.2f}"
    if value.low is not None and value.high is not None:
        written += f" ({value.low:.2f} to {value.high:.2f})"
    return Cell(written, value.percent, bar_of(value, widest) if widest > 0 else None, mark=mark)


def bar_of(value: Rate, widest: float) -> Bar:
    """Places between 0 and 100, rounded as the page writes them."""
    ends = (value.percent if end is None else end for end in (value.low, value.percent, value.high))
    return Bar(*(round(100 * min(max(end / widest, 0.0), 1.0), 1) for end in ends))


def widest(rates: Sequence[Rate]) -> float:
    """Where bars that share a scale end."""
    return max((rate.high if rate.high is not None else rate.percent for rate in rates), default=0.0)


def count(value: float) -> str:
    """Large counts as people say them: 1.25 M."""
    for limit, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= limit:
            return f"{value / limit:.2f} {letter}"
    return f"{value:g}"


def duration(seconds: float) -> str:
    """`45 s`, `12.5 min` or `3.2 h`."""
    if abs(seconds) < 60:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.1f} min" if abs(seconds) < 3600 else f"{seconds / 3600:.1f} h"
