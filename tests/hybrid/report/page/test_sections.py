"""Which charts a page has and what each is asked to draw."""

from dataclasses import replace

import pytest

from hybrid.compare.comparison import CurvePoint, LearningCurve, Rate, TestSet
from hybrid.report.page import charts, sections
from tests.hybrid.report.page.material import comparison, rate


@pytest.fixture
def drawn(monkeypatch):
    """prefix of a chart -> the arguments of its drawing; nothing is drawn."""
    asked = {}

    def figure_svg(make, prefix, caption):
        asked[prefix] = make()
        return f"<svg of {prefix}>"
    for name in ("draw_cost", "draw_curves", "draw_breakdown", "draw_agreement", "draw_alignment_quality"):
        monkeypatch.setattr(charts, name, lambda *arguments: arguments)
    monkeypatch.setattr(sections, "figure_svg", figure_svg)
    return asked


def names(chart):
    return [column.name for column in chart.table.columns]


def costly(parameters, factors):
    """Three systems of one seed, with 5.0, 7.6 and 10.2 % WER on the test set."""
    made = comparison(3, 0)
    kept = [one for one in made.systems if one.seed == 1]
    results = tuple(replace(result, real_time_factor=factors[[one.key for one in kept].index(result.system)]
                            if result.test == "test" else 0.5)
                    for result in made.results if "seed 1" in result.system)
    families = tuple(replace(family, systems=family.systems[:1]) for family in made.families)
    return replace(made, systems=tuple(replace(one, parameters=number) for one, number in zip(kept, parameters)),
                   results=results, families=families)


def test_costs_of_the_first_test_set_where_they_differ(drawn):
    found = sections.costs(costly((5, 5, 6), (0.25, 0.5, None)))
    assert [chart.caption for chart in found] == ["test: word error rate against parameters.",
                                                  "test: word error rate against real-time factor of the search."]
    assert [chart.svg for chart in found] == ["<svg of cost-parameters>", "<svg of cost-time>"]
    assert drawn == {"cost-parameters": ([("hybrid-0", 5.0, rate(5.0)), ("ctc-0", 5.0, rate(7.6)),
                                          ("attention-0", 6.0, rate(10.2))], "parameters"),
                     "cost-time": ([("hybrid-0", 0.25, rate(5.0)), ("ctc-0", 0.5, rate(7.6))],
                                   "real-time factor of the search")}
    assert sections.costs(costly((None, None, 6), (None, 0.5, 0.5))) == []
    assert sections.costs(replace(comparison(2, 0), tests=())) == []


def curve(name, *percents, test="test", hours=True):
    return LearningCurve(test, name, "ctc", tuple(CurvePoint(share, 0.7 * share if hours else None, name, Rate(percent))
                                                  for share, percent in zip((0.1, 0.5, 1.0), percents)))


def test_curves_with_the_lowest_rate_on_all_data_are_drawn(drawn):
    late, early = curve("late", 20.0, 9.0, 5.0), curve("early", 10.0, 8.0, 8.0)
    two = curve("two", 30.0, 20.0, test="dev", hours=False)
    made = replace(comparison(2, 0), curves=(early, late, curve("one", 1.0), two))
    first, second = sections.curves(made)
    assert drawn == {"curves-1": ([late, early],), "curves-2": ([two],)}
    assert first.caption == "test: word error rate against the amount of training data, with 95 % intervals."
    assert first.svg == "<svg of curves-1>" and [one.table.name for one in (first, second)] == [
        "curve-table-1", "curve-table-2"]
    assert names(first) == ["system", "kind", "10 % (4 min)", "50 % (21 min)", "100 % (42 min)"]
    assert names(second) == ["system", "kind", "10 %", "50 %"]
    assert [column.number for column in first.table.columns] == [False, False, True, True, True]
    assert [[cell.text for cell in row] for row in first.table.rows] == [
        ["early", "ctc", "10.00", "8.00", "8.00"], ["late", "ctc", "20.00", "9.00", "5.00"]]


def test_breakdowns_of_systems_that_are_drawn(drawn):
    made = comparison(2, 0)
    by_letters, by_speaker = made.breakdowns
    unknown = replace(by_speaker, test="dev2")
    charts_ = sections.breakdowns(replace(made, breakdowns=(by_letters, replace(by_letters, rows=()), unknown)))
    assert drawn == {"breakdown-chart-1": (by_letters, ("hybrid-0, seed 1", "ctc-0, seed 1"), ("hybrid-0", "ctc-0"))}
    assert [chart.svg for chart in charts_] == ["<svg of breakdown-chart-1>", ""]
    assert [chart.table.name for chart in charts_] == ["breakdown-1", "breakdown-3"]
    assert charts_[0].caption == "test: errors by letters in the word (words of each in brackets)."


def test_agreements_with_what_a_vote_would_win(drawn):
    made = comparison(2, 0)
    other = replace(made.agreements[0], test="dev", right=(1, 2, 3))
    found = sections.agreements(replace(made, agreements=(*made.agreements, other)))
    assert drawn == {"agreement-chart-1": ((10, 50, 90),), "agreement-chart-2": ((1, 2, 3),)}
    assert [(chart.table.name, vote.name) for chart, vote in found] == [
        ("agreement-1", "vote-1"), ("agreement-2", "vote-2")]
    assert found[1][0].caption == "dev: words of the reference by how many systems have them right."


def test_alignments_of_each_test_set(drawn):
    made = comparison(2, 0)
    near, far, third = made.alignments[:3]
    other = replace(third, test="dev")
    tests = (*made.tests, TestSet("empty", 1, 1, 1, 1.0, "speakers"))
    found = sections.alignments(replace(made, tests=tests, alignments=(far, near, other)))
    assert drawn == {"times-chart-1": ([("hybrid-0, seed 1, decoded", near), ("hybrid-0, seed 2, decoded", far)],),
                     "times-chart-3": ([("ctc-0, seed 1, decoded", other)],)}
    assert [(chart.table.name, chart.table.caption) for chart in found] == [
        ("times-1", "test: starts of words, found minus true."), ("times-3", "dev: starts of words, found minus true.")]
    assert found[0].caption == "test: word starts by their distance from the true ones."
