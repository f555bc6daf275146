"""Tables of errors by classes, of agreement and of votes."""

from dataclasses import replace

from hybrid.compare.comparison import Agreement, AgreementPair, Breakdown, BreakdownRow, Rate
from hybrid.report.page import errors
from hybrid.report.page.tables import NOTHING


def written(table):
    return [[cell.text for cell in row] for row in table.rows]


def test_classes_by_systems():
    rows = (BreakdownRow("short", 300, {"a": Rate(5.0, 4.0, 6.0)}), BreakdownRow("long", 20, {"b": Rate(7.0)}))
    breakdown = Breakdown("test", "letters", "words", rows)
    assert errors.systems_of(breakdown) == ["a", "b"]
    table = errors.breakdown_table(breakdown, 3)
    assert table.name == "breakdown-3"
    assert table.caption == "test: share of the words that is not recognized, %, by letters."
    assert written(table) == [["short", "300", "5.00 (4.00 to 6.00)", NOTHING], ["long", "20", NOTHING, "7.00"]]
    assert [row[0].sort for row in table.rows] == [0, 1]
    assert errors.breakdown_table(replace(breakdown, unit="utterances"), 1).caption == "test: WER, %, by letters."


def agreement(*pairs):
    return Agreement("test", ("a", "b", "c"), (1, 2, 3, 4), "b", Rate(5.0), Rate(4.0), Rate(2.0), 14, 6, pairs)


def test_pairs_of_systems():
    table = errors.agreement_table(agreement(AgreementPair("a", "b", 650, 40, 30, 53, 0.42, 0.75),
                                             AgreementPair("a", "c", 650, 40, 30, 0, None, None)), 2)
    assert table.name == "agreement-2"
    assert written(table) == [["a", "b", "650", "40", "30", "53", "0.42", "75"],
                              ["a", "c", "650", "40", "30", "0", NOTHING, NOTHING]]


def test_a_vote_of_all():
    table = errors.vote_table(agreement(), 2)
    assert table.name == "vote-2" and [row[1].text for row in table.rows] == ["5.00", "4.00", "2.00"]
    assert table.caption == ("test: what 3 systems know together. "
                             "The vote mends 14 words of the best system and breaks 6.")
    assert table.rows[0][0].text == "the best alone: b"
