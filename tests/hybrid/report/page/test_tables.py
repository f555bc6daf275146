from dataclasses import replace

import pytest

from hybrid.compare.comparison import Comparison, FamilyResult, PairedTest, Rate, TestSet
from hybrid.report.page import errors, overview, settings, significance, tables, times
from hybrid.report.page.chosen import drawn_families, drawn_systems
from hybrid.report.page.tables import NOTHING, Bar, Cell, Column, Table
from tests.hybrid.report.page.material import comparison, paired, rate, result, system

TEST = TestSet("test", 100, 700, 10, 90.0, "speakers", not_in_training=3)


def column(table, name):
    place = [column.name for column in table.columns].index(name)
    return [row[place] for row in table.rows]


def texts(table, name):
    return [cell.text for cell in column(table, name)]


# --- cells

def test_numbers_sort_as_they_are_and_nothing_is_said_as_nothing():
    assert tables.number(1.234) == Cell("1.23", 1.234) and tables.number(None) == Cell(NOTHING)
    assert tables.number(5, "{}") == Cell("5", 5.0) and tables.number(2e6, tables.count) == Cell("2.00 M", 2e6)
    assert tables.number(float("inf")).sort is None
    assert tables.text("") == tables.text(None) == Cell(NOTHING) and tables.text("a", "m") == Cell("a", "a", mark="m")


def test_rates_have_bars_on_the_scale_of_the_widest():
    assert tables.rate(Rate(10.0, 5.0, 20.0), 40.0) == Cell("10.00 (5.00 to 20.00)", 10.0, Bar(12.5, 25.0, 50.0))
    assert tables.rate(Rate(10.0), 40.0).bar == Bar(25.0, 25.0, 25.0)
    assert tables.rate(Rate(10.0)) == Cell("10.00", 10.0) and tables.rate(None) == Cell(NOTHING)
    assert tables.rate(Rate(50.0, 45.0, 55.0), 40.0).bar == Bar(100.0, 100.0, 100.0)
    assert tables.rate(Rate(0.5), 1.0).bar == Bar(50.0, 50.0, 50.0)
    assert tables.rate(Rate(1.0, -2.0, 8.0), 4.0).bar == Bar(0.0, 25.0, 100.0)
    assert tables.rate(Rate(10.0, None, 20.0), 40.0) == Cell("10.00", 10.0, Bar(25.0, 25.0, 50.0))
    assert tables.widest([Rate(1.0), Rate(2.0, 1.0, 7.0), Rate(3.0)]) == 7.0 and tables.widest([]) == 0.0


@pytest.mark.parametrize("value, said", [
    (999, "999"), (1000, "1.00 k"), (999_999, "1000.00 k"), (1_000_000, "1.00 M"), (1_250_000, "1.25 M"),
    (999_999_999, "1000.00 M"), (1e9, "1.00 G"), (3e9, "3.00 G"), (0.05, "0.05")])
def test_counts(value, said):
    assert tables.count(value) == said


@pytest.mark.parametrize("seconds, said", [
    (0.5, "0.5 s"), (59.9, "59.9 s"), (60, "1.0 min"), (3599, "60.0 min"), (3600, "1.0 h")])
def test_durations(seconds, said):
    assert tables.duration(seconds) == said


@pytest.mark.parametrize("value, said", [(-1.5, "−1.50"), (1.5, "+1.50"), (-0.001, "0.00"), (0.0, "0.00")])
def test_signs(value, said):
    assert tables.signed(value) == said


def table(*rows, columns=2):
    return Table("t", "c", tuple(Column(str(n)) for n in range(columns)), rows)


def test_rows_of_another_length_are_refused():
    with pytest.raises(ValueError, match="table t: expected rows of 2 cells, found 1"):
        table((Cell("a"),))


def test_columns_of_which_nothing_is_known_are_left_out():
    kept = tables.without_blank(table((Cell(NOTHING), Cell(NOTHING), Cell("x")), (Cell("a"), Cell(""), Cell(NOTHING)),
                                      columns=3))
    assert [column.name for column in kept.columns] == ["0", "2"]
    assert kept.rows == ((Cell(NOTHING), Cell("x")), (Cell("a"), Cell(NOTHING)))
    assert [column.name for column in tables.without_blank(table((Cell(""), Cell("")))).columns] == ["0"]


@pytest.mark.parametrize("letters, width", [(50, ""), (58, ""), (59, "broad"), (118, "broad"), (119, "vast")])
def test_wide_tables_are_broken_on_paper(letters, width):
    assert table((Cell("a" * letters), Cell("b" * letters)), (Cell(""), Cell(""))).width == width


# --- what is read first

def families(**percents):
    return tuple(FamilyResult(name, "test", (f"{name}, seed 1",), rate(percent)) for name, percent in percents.items())


def compared(*verdicts):
    """`best` against others by these verdicts."""
    found = families(best=5.0, **{f"o{n}": 6.0 + n for n in range(len(verdicts))})
    pairs = tuple(PairedTest("test", f"o{n}", "best", verdict, -1.0) for n, verdict in enumerate(verdicts))
    return Comparison("t", (), (TEST,), (), found, pairs)


def test_the_verdict_in_words():
    first, sure, close = overview.verdicts(compared("better", "not sure", "better"), TEST)
    assert first == "On test, best has the lowest word error rate: 5.00 % (95 % interval 3.50 to 6.50)."
    assert sure.startswith("It is better than 2 of the other 3 beyond chance (paired bootstrap, 5 % after Holm's")
    assert "1 % after" in overview.verdicts(replace(compared("better"), level=0.01), TEST)[1]
    assert close == "Not told apart from it: o1."
    assert len(overview.verdicts(compared("better"), TEST)) == 2
    assert "o5 and 2 more." in overview.verdicts(compared(*["not sure"] * 8), TEST)[-1]
    assert overview.verdicts(Comparison("t", (), (TEST,), ()), TEST) == ["On test nothing was scored."]
    assert "(scales were chosen on it)" in overview.verdicts(compared("better"), replace(TEST, tuned_on=True))[0]


def test_a_pair_is_seen_from_either_side():
    made = compared("not sure")
    turned = replace(made, pairs=(PairedTest("test", "best", "o0", "worse", 1.0),))
    assert "better than 1 of the other 1" in overview.verdicts(turned, TEST)[1]
    for other in (PairedTest("dev", "best", "o0", "worse", 1.0), PairedTest("test", "o0", "o1", "better", 1.0)):
        assert len(overview.verdicts(replace(made, pairs=(other,)), TEST)) == 1


def test_families_are_means_over_seeds():
    systems = (system(0, 1, training_seconds=60.0), system(0, 2, training_seconds=120.0), system(1))
    results = tuple(replace(result(one.key, "test", 8.0), real_time_factor=factor)
                    for one, factor in zip(systems, (0.1, 0.2, None)))
    found = overview.family_table(Comparison("t", systems, (TEST,), results, (
        FamilyResult("ctc-0", "test", (systems[2].key,), rate(9.0)),
        FamilyResult("hybrid-0", "test", (systems[0].key, systems[1].key), rate(8.0), 0.25))), TEST, 1)
    assert texts(found, "system") == ["hybrid-0", "ctc-0"] and texts(found, "seeds") == ["2", "1"]
    assert texts(found, "training") == ["1.5 min", "10.1 min"] and texts(found, "± seeds") == ["0.25", NOTHING]
    assert texts(found, "real time") == ["0.150", NOTHING] and texts(found, "look-ahead") == ["0.15 s", "all"]
    assert column(found, "WER %")[0] == Cell("8.00 (6.50 to 9.50)", 8.0, Bar(61.9, 76.2, 90.5), mark="best")
    assert column(found, "look-ahead")[1].sort > column(found, "look-ahead")[0].sort
    assert found.caption == ("test: 100 utterances, 700 words of 10 speakers, 1.5 min, 3 words that training lacks; "
                             "intervals by drawing speakers.")


def test_one_is_singular():
    one = replace(TEST, utterances=1, words=1, speakers=1, not_in_training=1)
    assert overview.test_facts(one).startswith("1 utterance, 1 word of 1 speaker, 1.5 min, 1 word that training lacks;")


@pytest.mark.parametrize("places, told", [
    (("C", "C"), []), (("C", "a G"), ["C", "a\N{NO-BREAK SPACE}G"]), (("C", ""), ["C", NOTHING])])
def test_what_trained_it_is_told_where_that_differs(places, told):
    systems = tuple(system(number, trained_on=place) for number, place in enumerate(places))
    own = tuple(replace(family, systems=(one.key,)) for family, one in zip(families(a=8.0, b=9.0), systems))
    found = overview.family_table(Comparison("t", systems, (TEST,), (), own), TEST, 1)
    assert ("trained on" in [one.name for one in found.columns]) == bool(told)
    assert not told or texts(found, "trained on") == told


def test_shares_of_the_data_and_trainings_of_which_nothing_is_known():
    systems = (system(0, share=0.5, look_ahead=None),)
    own = families(known=8.0, unknown=9.0)
    own = (replace(own[0], systems=(systems[0].key,)), own[1])
    made = Comparison("t", systems, (TEST,), (result("x", "test", 9.0), result(systems[0].key, "dev", 1.0)), own)
    found = overview.family_table(made, replace(TEST, not_in_training=None), 1)
    assert texts(found, "data %") == ["50", NOTHING] and texts(found, "kind") == ["hybrid", NOTHING]
    assert "CER %" not in [column.name for column in found.columns] and texts(found, "epochs") == ["20", NOTHING]
    assert "look-ahead" not in [column.name for column in found.columns]
    assert found.caption == "test: 100 utterances, 700 words of 10 speakers, 1.5 min; intervals by drawing speakers."
    runs = overview.run_table(made)
    assert texts(runs, "run") == ["x", systems[0].key] and texts(runs, "seed") == [NOTHING, "1"]


def test_kinds_that_are_there_are_explained():
    assert overview.kinds_in(comparison(2, 0)) == {"hybrid": "HMM and neural network", "ctc": "CTC"}


def test_runs_are_by_test_set_and_rate_with_what_scales_were_chosen_on_last():
    found = overview.run_table(comparison(3, 0))
    assert texts(found, "test") == ["test"] * 5 + ["dev"] * 5
    rates = [cell.sort for cell in column(found, "WER %")]
    assert rates == sorted(rates[:5]) + sorted(rates[5:])
    assert texts(found, "penalty")[0] == "0" and texts(found, "missing")[0] == "1"


# --- differences

def test_the_matrix_is_the_same_from_both_sides():
    made = comparison(5, 0)
    found = significance.matrix(made, made.tests[1], 2)
    names = [family.family for family in overview.families_of(made, "test")]
    assert [row[0].text for row in found.rows] == [f"{n} {name}" for n, name in enumerate(names, 1)]
    assert [(column.name, column.hint) for column in found.columns[1:]] == list(zip("12345", names))
    turned = {"▲": "▼", "▼": "▲", "≈": "≈"}
    for row in range(len(names)):
        assert found.rows[row][row + 1].mark == "diagonal"
        for other in range(row):
            mine, theirs = found.rows[row][other + 1], found.rows[other][row + 1]
            assert turned[mine.text[0]] == theirs.text[0]
            assert mine.text[2:].replace("+", "−") == theirs.text[2:] and mine.text[2] == "+"
    assert found.rows[0][2] == Cell("▲ −2.60", hint="hybrid-0 against ctc-0: better, −3.60 to −1.60, p = 0.030 (Holm)",
                                    mark="better", said="better: ")
    assert found.rows[1][1].hint == "ctc-0 against hybrid-0: worse, +1.60 to +3.60, p = 0.030 (Holm)"
    assert significance.matrix(made, made.tests[0], 1) is None


def test_pairs_of_which_little_is_known():
    made = compared("better", "better")
    half = replace(made.pairs[0], low=-2.0, high=None)
    whole = replace(made.pairs[1], low=-2.0, high=-0.5)
    found = significance.matrix(replace(made, pairs=(half, whole)), TEST, 1)
    assert [cell.hint for cell in found.rows[0]][2:] == ["best against o0: better",
                                                         "best against o1: better, −2.00 to −0.50"]
    assert found.rows[1][3] == found.rows[2][2] == Cell(NOTHING)  # never tested
    table = significance.pair_table(replace(made, pairs=(half, whole, replace(half, low=None, high=2.0))))
    assert column(table, "95 % interval") == [Cell(NOTHING), Cell("−2.00 to −0.50", -2.0), Cell(NOTHING)]


def test_pairs_of_other_references_have_no_figures():
    made = replace(compared("better"), pairs=(PairedTest("test", "o0", "best", "other references"),))
    found = significance.matrix(made, TEST, 1)
    assert found.rows[0][2].text == found.rows[1][1].text == "×" and found.rows[0][2].said == "other references: "
    assert texts(significance.pair_table(made), "verdict") == ["× other references"]


def test_pairs_with_their_figures():
    made = comparison(3, 0)
    found = significance.pair_table(made)
    assert len(found.rows) == 3
    assert texts(found, "system")[0] == "hybrid-0" and texts(found, "against")[0] == "ctc-0"
    assert texts(found, "difference")[0] == "−2.60" and texts(found, "95 % interval")[0] == "−3.60 to −1.60"
    assert texts(found, "p (MAPSSWE)")[0] == "0.0300" and texts(found, "p (Holm)")[0] == "0.0300"
    bare = significance.pair_table(replace(made, pairs=tuple(replace(pair, matched_pairs=None) for pair in made.pairs)))
    assert "p (MAPSSWE)" not in [column.name for column in bare.columns]


# --- what stands where

def shown(name):
    made = comparison(3, 0)
    made_of = {"families": lambda: overview.family_table(made, TEST, 1), "runs": lambda: overview.run_table(made),
               "matrix": lambda: significance.matrix(made, made.tests[1], 2),
               "pairs": lambda: significance.pair_table(made), "settings": lambda: settings.settings_table(made),
               "times": lambda: times.alignment_table(made.alignments, 1),
               "breakdown": lambda: errors.breakdown_table(made.breakdowns[0], 1),
               "agreement": lambda: errors.agreement_table(made.agreements[0], 1),
               "vote": lambda: errors.vote_table(made.agreements[0], 1)}
    return made_of[name]()


@pytest.mark.parametrize("name, words", [
    ("families", "system, kind"), ("runs", "run, test"), ("matrix", "system"), ("settings", None),
    ("pairs", "system, against, test, verdict, what else differs"), ("times", "system, words are, from"),
    ("breakdown", "letters in the word"), ("agreement", "system, and"), ("vote", "who")])
def test_words_stand_at_the_left_and_numbers_at_the_right(name, words):
    columns = shown(name).columns
    left = [column.name for column in columns if not column.number]
    assert left == (words.split(", ") if words else [column.name for column in columns])


@pytest.mark.parametrize("name", ["families", "runs", "matrix", "settings", "pairs", "breakdown", "agreement", "vote"])
def test_tables_that_are_no_lists_are_not_sorted(name):
    assert shown(name).sortable == (name not in ("matrix", "settings", "vote"))


# --- configurations

def test_only_options_that_differ_are_shown():
    systems = (system(0, configuration={"a": 1, "b": [1, 2], "c": None, "d": True}),
               system(1, configuration={"a": 1, "b": [1, 3], "c": 0.5}))
    found = settings.settings_table(Comparison("t", systems, (), ()))
    assert [[cell.text for cell in row] for row in found.rows] == [
        ["b", "1, 2", "1, 3"], ["c", "none", "0.5"], ["d", "true", ""]]
    assert "(1 more are the same in all)" in found.caption
    assert settings.written(0.1 + 0.2) == "0.3" and settings.written(1_250_000) == "1250000"


def test_of_each_name_the_training_with_the_most_data_speaks():
    systems = (system(0, share=0.1), system(0, seed=3), system(0, seed=4), system(1))
    assert [one.key for one in settings.one_of_each_name(Comparison("t", systems, (), ()))] == [
        "hybrid-0, seed 3", "ctc-0, seed 1"]


# --- what is drawn

def test_the_best_of_each_kind_are_drawn_first():
    systems = tuple(system(place) for place in (0, 5, 10, 1, 2)) + (system(3, share=0.5),)
    percents = (1.0, 2.0, 3.0, 8.0, 9.0, 0.5)
    made = Comparison("t", systems, (TEST,), (), tuple(
        FamilyResult(one.family, "test", (one.key,), rate(percent)) for one, percent in zip(systems, percents)))
    names = [family.family for family in drawn_families(made, "test", 4)]
    assert names == ["hybrid-0", "hybrid-1", "ctc-0", "attention-0"]  # not those with half of the data
    assert drawn_systems(made, "test", ["ctc-0, seed 1", "x"]) == [("ctc-0, seed 1", "ctc-0")]
    assert len(drawn_families(made, "test")) == 5 and drawn_families(made, "dev") == []
    assert len(paired("test", made.families)) == 15


def test_six_are_drawn_and_none_of_which_nothing_is_known():
    systems = tuple(system(place) for place in range(8))
    own = tuple(FamilyResult(one.family, "test", (one.key, "x"), rate(5.0 + n)) for n, one in enumerate(systems))
    odd = (FamilyResult("none", "test", (), rate(1.0)), FamilyResult("new", "test", ("x", systems[0].key), rate(1.0)))
    made = Comparison("t", systems, (TEST,), (), odd + own)
    assert [family.family for family in drawn_families(made, "test")] == [one.family for one in systems[:6]]
    assert drawn_systems(made, "test", ["x", systems[1].key], most=2) == [
        ("x", systems[0].family), (systems[1].key, systems[1].family)]
