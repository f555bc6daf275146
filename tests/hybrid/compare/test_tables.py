from dataclasses import replace

from hybrid.compare.comparison import Rate, System
from hybrid.compare.markdown import markdown
from hybrid.compare.tables import (
    agreement_table, breakdown_table, curve_table, overlap_table, pair_table, rate_cell, rate_table, right_table,
    sections, system_table, time_table)
from tests.hybrid.compare.material import FULL

SECOND = replace(FULL.systems[0], key="a2", seed=2, parameters=3000, epochs=None, training_seconds=5940.0,
                 memory_mb=200)
FEW = replace(FULL, systems=(*FULL.systems, SECOND))


def row(table, number=0):
    return {name: cell for name, cell in zip(table.header, table.rows[number]) if cell is not None}


def test_systems():
    assert row(system_table(FULL)) == {
        "system": "a", "kind": "hybrid", "% of the data": "100", "hours": "0.50", "seeds": "1", "parameters": "1000",
        "epochs": "6", "training min": "1.0", "training MB": "900", "looks ahead": "0.10 s"}
    assert row(system_table(FULL), 1) == {"system": "b (25 %)", "kind": "ctc", "% of the data": "25", "seeds": "?"}
    found = row(system_table(FEW))
    assert found["seeds"] == "1 2" and found["parameters"] == "2000" and "epochs" not in found
    assert found["training min"] == "50.0"  # of 1 and 99
    here, there = (replace(FEW, systems=tuple(replace(one, trained_on=on) for one, on in zip(FEW.systems, places)))
                   for places in (("C", "C", "C"), ("C", "G", "")))
    assert "trained on" not in system_table(here).header
    assert [row(system_table(there), n)["trained on"] for n in range(2)] == ["", "G"]
    whole = replace(FULL, systems=(System("c", "c", "c", "attention", whole_utterance=True),))
    assert row(system_table(whole))["looks ahead"] == "all"


def test_rates_add_up_over_seeds():
    second = replace(FULL.results[0], system="a2", insertions=3, cer=Rate(20.0), real_time_factor=0.3)
    family = replace(FULL.families[0], systems=("a", "a2"), deviation=0.25)
    results = (FULL.results[0], second, replace(second, test="dev"), replace(second, system="b (25 %)"))
    found = row(rate_table(replace(FEW, results=results, families=(family,)), "test"))
    assert found == {"system": "a", "WER %": 10.0, "95 % interval": "5.00 to 15.50", "seeds +-": "0.25", "CER %": 15.0,
                     "errors": 6, "words": 4, "ins": 4, "del": 2, "sub": 0, "real time": "0.200", "MB": 300}
    assert rate_table(FULL, "dev").rows == []


def test_pairs_are_read_as_one_against_another():
    assert row(pair_table(FULL, "test")) == {
        "system": "b (25 %)", "against": "a", "difference of WER": "+1.00", "95 % interval": "0.50 to 1.50",
        "of it seeds": "+-0.20", "probability of improvement": "0.020", "p": "0.0300", "p (Holm)": "0.0600",
        "p (matched pairs)": "0.0400", "it is": "worse", "not matched": "share 25 % and 100 %"}
    other = replace(FULL, pairs=(replace(
        FULL.pairs[0], verdict="other references", unlike=(), **dict.fromkeys((
            "difference", "low", "high", "probability_of_improvement", "p_value", "p_holm", "seed_error",
            "matched_pairs"))),))
    assert row(pair_table(other, "test")) == {"system": "b (25 %)", "against": "a", "it is": "other references",
                                              "not matched": ""}


def test_details():
    assert row(breakdown_table(FULL, FULL.breakdowns[0])) == {
        "letters in the word": "1 to 3", "words": 2, "a": "10.00 (5.00 to 15.50)"}
    both = replace(FEW, families=(replace(FULL.families[0], systems=("a", "a2")),))
    rates = replace(FULL.breakdowns[0].rows[0], rates={"a": Rate(1.0), "a2": Rate(2.0)})
    rates = replace(FULL.breakdowns[0], rows=(rates,))
    assert row(breakdown_table(both, rates)) == {"letters in the word": "1 to 3", "words": 2, "a": "1.00"}
    assert rate_cell(Rate(3.0)) == "3.00" and rate_cell(None) is None
    assert rate_cell(Rate(3.0, 1.0)) == rate_cell(Rate(3.0, None, 5.0)) == "3.00"
    (one,) = FULL.agreements
    assert [cells[0] for cells in agreement_table(one).rows] == [
        "the best system (a)", "vote of all 2 (ROVER)", "of each utterance the best hypothesis"]
    assert agreement_table(one).rows[1][2:] == (1, 0)
    assert right_table(one).rows == [(0, 0, "0.0"), (1, 1, "50.0"), (2, 1, "50.0")]
    assert overlap_table(one).rows == [("a", "b (25 %)", 1, 1, 0, 0, None, None)]
    pair = replace(one.pairs[0], correlation=0.254, same_error=1.0)
    assert overlap_table(replace(one, pairs=(pair,))).rows[0][-2:] == ("0.25", "100")
    assert curve_table(FULL, "test").rows == [("b", "25", None, 10.0, "5.00 to 15.50", "0.30")]
    assert time_table(FULL, "test").rows == [
        ("a", "decoded", 2, "-4.5", "12.0", "50.0", "75.0", "100.0", None, None, None, "50.0")]
    both = replace(FULL, alignments=(replace(FULL.alignments[0], ends=FULL.alignments[0].starts),))
    assert time_table(both, "test").rows[0][8:11] == ("-4.5", "12.0", "75.0")


def test_markdown_has_all_sections_and_pictures_in_them():
    text = markdown(FULL, ["wer_test.png", "times_test.png", "wer_dev.png"])
    titles = [line for line in text.splitlines() if line.startswith("#")]
    assert titles == ["# tiny", "## Systems", "## Word error rates on test", "## Differences on test",
                      "## Learning curves on test", "## Errors on test by letters in the word", "## Agreement on test",
                      "## How many systems are right on test", "## Pairs on test", "## Times of words on test"]
    assert "![" not in markdown(FULL, ["other_test.png"])
    assert text.count("![") == 2 and "![Word error rates on test](wer_test.png)" in text
    assert "- command: ./run.sh egs/tiny\n- note: epochs differ" in text
    assert "a verdict holds at 5 % for all pairs of one share of the training data together (Holm)" in text
    assert "new trainings" in text
    whole = replace(FULL, systems=tuple(replace(system, share=1.0) for system in FULL.systems))
    assert "a verdict holds at 5 % for all 1 pairs together (Holm)" in markdown(whole)
    assert "a verdict holds at 0.5 % for all 1 pairs" in markdown(replace(whole, level=0.005))
    single = replace(FULL, pairs=(replace(FULL.pairs[0], seed_error=None),))
    assert "there is one seed of each" in markdown(single)


def test_of_a_tuned_on_set_it_is_said():
    tuned = replace(FULL, tests=(replace(FULL.tests[0], tuned_on=True),))
    assert sections(tuned)[1][0] == "Word error rates on test (scales were chosen on it)"
    assert markdown(tuned, ["wer_test.png"]).count("![") == 1
