"""Errors by what words and utterances are like, and where systems disagree."""

from typing import List

from hybrid.compare.comparison import Agreement, Breakdown
from hybrid.report.page.tables import Cell, Column, Table, number, rate, text


def systems_of(breakdown: Breakdown) -> List[str]:
    return list(dict.fromkeys(system for row in breakdown.rows for system in row.rates))


def breakdown_table(breakdown: Breakdown, place: int) -> Table:
    """A row for each class, a column for each system."""
    systems = systems_of(breakdown)
    what = ("share of the words that is not recognized, %" if breakdown.unit == "words" else "WER, %")
    rows = [(Cell(row.label, order), number(row.count, "{}"), *(rate(row.rates.get(system)) for system in systems))
            for order, row in enumerate(breakdown.rows)]
    columns = (Column(breakdown.by, False), Column(breakdown.unit), *(Column(system) for system in systems))
    return Table(f"breakdown-{place}", f"{breakdown.test}: {what}, by {breakdown.by}.", columns, tuple(rows))


def agreement_table(agreement: Agreement, place: int) -> Table:
    """Pairs of systems."""
    columns = (Column("system", False), Column("and", False), Column("both right"), Column("only the first"),
               Column("only the second"), Column("both wrong"),
               Column("correlation", hint="of being wrong, phi coefficient"),
               Column("same error %", hint="of the words that both have wrong"))
    rows = [(text(pair.a), text(pair.b), number(pair.both_right, "{}"), number(pair.only_a, "{}"),
             number(pair.only_b, "{}"), number(pair.both_wrong, "{}"), number(pair.correlation),
             number(None if pair.same_error is None else 100 * pair.same_error, "{:.0f}"))
            for pair in agreement.pairs]
    return Table(f"agreement-{place}", f"{agreement.test}: words of the reference by which of two systems has them "
                 "right.", columns, tuple(rows))


def vote_table(agreement: Agreement, place: int) -> Table:
    """The best system, a vote of all, and an oracle."""
    rows = ((text(f"the best alone: {agreement.best}"), rate(agreement.best_rate)),
            (text("a vote of all (ROVER)"), rate(agreement.vote)),
            (text("of each utterance the best hypothesis (oracle)"), rate(agreement.oracle)))
    return Table(f"vote-{place}", f"{agreement.test}: what {len(agreement.systems)} systems know together. The vote "
                 f"mends {agreement.fixed} words of the best system and breaks {agreement.broken}.",
                 (Column("who", False), Column("WER %")), rows, sortable=False)
