"""The parts of a comparison as charts with their captions and tables."""

from typing import List, NamedTuple, Optional, Sequence, Tuple

from hybrid.compare.comparison import Comparison, LearningCurve
from hybrid.report.page import charts, errors, times
from hybrid.report.page.chosen import drawn_systems
from hybrid.report.page.overview import families_of, tests_in_order
from hybrid.report.page.svg import figure_svg
from hybrid.report.page.tables import Column, Table, rate, text


class Chart(NamedTuple):
    """svg: as of `figure_svg`, empty where nothing is drawn. table: the same in figures."""

    svg: str
    caption: str
    table: Optional[Table] = None


def costs(comparison: Comparison) -> List[Chart]:
    """WER against parameters and against the time of the search, on the first test set."""
    if not comparison.tests:
        return []
    test = tests_in_order(comparison)[0].name
    systems = {system.key: system for system in comparison.systems}
    results = {result.system: result for result in comparison.results if result.test == test}
    rates = {family.family: family.rate for family in families_of(comparison, test)}
    drawn = drawn_systems(comparison, test, list(results))
    found = []
    for name, label, of in (("parameters", "parameters", lambda key: systems[key].parameters),
                            ("time", "real-time factor of the search", lambda key: results[key].real_time_factor)):
        points = [(family, float(of(key)), rates[family]) for key, family in drawn if of(key)]
        if len({cost for _, cost, _ in points}) > 1:
            caption = f"{test}: word error rate against {label}."
            found.append(Chart(figure_svg(lambda: charts.draw_cost(points, label), f"cost-{name}", caption), caption))
    return found


def curves(comparison: Comparison) -> List[Chart]:
    """One for each test set; the chart holds those of the lowest WER with all the data."""
    found = []
    for place, test in enumerate(tests_in_order(comparison), 1):
        own = [curve for curve in comparison.curves if curve.test == test.name and len(curve.points) > 1]
        if own:
            drawn = sorted(own, key=lambda curve: curve.points[-1].rate.percent)[:charts.MOST]
            caption = f"{test.name}: word error rate against the amount of training data, with 95 % intervals."
            svg = figure_svg(lambda: charts.draw_curves(drawn), f"curves-{place}", caption)
            found.append(Chart(svg, caption, _curve_table(own, place)))
    return found


def _curve_table(own: Sequence[LearningCurve], place: int) -> Table:
    """A row for each system, a column for each share."""
    points = [point for curve in own for point in curve.points]
    hours = {point.share: point.hours for point in points if point.hours is not None}
    shares = sorted({point.share for point in points})
    amounts = [f"{100 * share:g} %" + (f" ({60 * hours[share]:.0f} min)" if share in hours else "") for share in shares]
    rows = []
    for curve in own:
        rates = {point.share: point.rate for point in curve.points}
        rows.append((text(curve.name), text(curve.kind), *(rate(rates.get(share)) for share in shares)))
    columns = (Column("system", False), Column("kind", False), *(Column(amount) for amount in amounts))
    return Table(f"curve-table-{place}", f"{own[0].test}: WER % by share of the training data.", columns, tuple(rows))


def breakdowns(comparison: Comparison) -> List[Chart]:
    found = []
    for place, breakdown in enumerate(comparison.breakdowns, 1):
        if breakdown.rows:
            drawn = drawn_systems(comparison, breakdown.test, errors.systems_of(breakdown))
            caption = f"{breakdown.test}: errors by {breakdown.by} ({breakdown.unit} of each in brackets)."
            svg = figure_svg(lambda: charts.draw_breakdown(breakdown, *zip(*drawn)), f"breakdown-chart-{place}",
                             caption) if drawn else ""
            found.append(Chart(svg, caption, errors.breakdown_table(breakdown, place)))
    return found


def agreements(comparison: Comparison) -> List[Tuple[Chart, Table]]:
    """With what a vote would win."""
    found = []
    for place, agreement in enumerate(comparison.agreements, 1):
        caption = f"{agreement.test}: words of the reference by how many systems have them right."
        svg = figure_svg(lambda: charts.draw_agreement(agreement.right), f"agreement-chart-{place}", caption)
        found.append((Chart(svg, caption, errors.agreement_table(agreement, place)),
                      errors.vote_table(agreement, place)))
    return found


def alignments(comparison: Comparison) -> List[Chart]:
    """The chart holds those nearest to the truth."""
    found = []
    for place, test in enumerate(tests_in_order(comparison), 1):
        entries = sorted((entry for entry in comparison.alignments if entry.test == test.name),
                         key=lambda entry: entry.starts.mean_ms)
        if entries:
            caption = f"{test.name}: word starts by their distance from the true ones."
            drawn = [(times.name_of(entry), entry) for entry in entries[:charts.MOST]]
            svg = figure_svg(lambda: charts.draw_alignment_quality(drawn), f"times-chart-{place}", caption)
            found.append(Chart(svg, caption, times.alignment_table(entries, place)))
    return found
