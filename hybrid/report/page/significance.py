"""Which differences are sure: a matrix to look at, and every pair with its figures."""

from typing import Dict, Optional, Tuple

from hybrid.compare.comparison import Comparison, PairedTest, TestSet
from hybrid.report.page.overview import families_of
from hybrid.report.page.tables import NOTHING, Cell, Column, Table, number, signed, text, without_blank

SIGNS = {"better": "▲", "worse": "▼", "not sure": "≈", "other references": "×"}
MARKS = {"better": "better", "worse": "worse"}
TURNED = {"better": "worse", "worse": "better"}


def matrix(comparison: Comparison, test: TestSet, number_of_test: int) -> Optional[Table]:
    """WER of the row minus WER of the column, and what that says of the row; None without pairs."""
    pairs = {(pair.b, pair.a): pair for pair in comparison.pairs if pair.test == test.name}
    if not pairs:
        return None
    names = [family.family for family in families_of(comparison, test.name)]
    columns = [Column("system", False), *(Column(str(place), True, name) for place, name in enumerate(names, 1))]
    rows = [(Cell(f"{place} {row}", place), *(_meeting(pairs, row, column) for column in names))
            for place, row in enumerate(names, 1)]
    return Table(f"matrix-{number_of_test}", f"{test.name}: WER of the row minus WER of the column, in percentage "
                 "points. ▲ the row is better, ▼ it is worse, ≈ not sure, × scored on other references.",
                 tuple(columns), tuple(rows), sortable=False)


def _meeting(pairs: Dict[Tuple[str, str], PairedTest], row: str, column: str) -> Cell:
    if row == column:
        return Cell(NOTHING, mark="diagonal")
    pair = pairs.get((row, column))
    sign, verdict = 1, pair.verdict if pair else None
    if pair is None and (column, row) in pairs:
        pair = pairs[column, row]
        sign, verdict = -1, TURNED.get(pair.verdict, pair.verdict)
    if pair is None:
        return Cell(NOTHING)
    difference = "" if pair.difference is None else f" {signed(sign * pair.difference)}"
    return Cell(f"{SIGNS[verdict]}{difference}", hint=f"{row} against {column}: {verdict}{_figures(pair, sign)}",
                mark=MARKS.get(verdict, ""), said=f"{verdict}: ")


def _figures(pair: PairedTest, sign: int) -> str:
    if pair.low is None or pair.high is None:
        return ""
    low, high = sorted((sign * pair.low, sign * pair.high))
    return f", {signed(low)} to {signed(high)}" + ("" if pair.p_holm is None else f", p = {pair.p_holm:.3f} (Holm)")


PAIR_COLUMNS = (
    Column("system", False), Column("against", False), Column("test", False),
    Column("difference", hint="of WER, percentage points"), Column("95 % interval", hint="of the difference"),
    Column("verdict", False, "by p (Holm)"),
    Column("P better", hint="probability of improvement: share of resamples"),
    Column("p", hint="two-sided, of the bootstrap"), Column("p (Holm)", hint="corrected for the number of pairs"),
    Column("p (MAPSSWE)", hint="matched pairs test on the first seed of each"),
    Column("± seeds", hint="standard error of the difference that seeds make"),
    Column("what else differs", False))


def pair_table(comparison: Comparison) -> Table:
    """Every pair of every test set."""
    caption = ("Every difference with its interval and verdict: WER of the system minus WER of the one that it is held "
               "against.")
    return without_blank(Table("pairs", caption, PAIR_COLUMNS, tuple(map(_pair_row, comparison.pairs))))


def _pair_row(pair: PairedTest) -> Tuple[Cell, ...]:
    sign = f"{SIGNS[pair.verdict]} {pair.verdict}"
    interval = Cell(NOTHING) if pair.low is None or pair.high is None else Cell(
        f"{signed(pair.low)} to {signed(pair.high)}", pair.low)
    matched = pair.matched_pairs
    return (text(pair.b), text(pair.a), text(pair.test), number(pair.difference, signed), interval,
            text(sign, MARKS.get(pair.verdict, "")), number(pair.probability_of_improvement, "{:.3f}"),
            number(pair.p_value, "{:.4f}"), number(pair.p_holm, "{:.4f}"),
            number(matched and matched.p_value, "{:.4f}"), number(pair.seed_error), text("; ".join(pair.unlike)))
