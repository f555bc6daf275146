import json
from dataclasses import replace

import pytest

from graphs.errors import InputError
from hybrid.compare.comparison import Rate
from hybrid.compare.comparison_file import read_comparison, write_comparison
from tests.hybrid.compare.material import FULL


def test_what_is_written_is_read_back(tmp_path):
    path = tmp_path / "comparison.json"
    write_comparison(path, FULL)
    assert read_comparison(path) == read_comparison(tmp_path) == FULL
    assert not list(tmp_path.glob("*.tmp"))


def test_whole_numbers_may_stand_for_others_and_options_keep_their_type(tmp_path):
    path = tmp_path / "comparison.json"
    write_comparison(path, replace(FULL, results=(replace(FULL.results[0], wer=Rate(10)),)))
    found = read_comparison(path)
    assert type(found.results[0].wer.percent) is float and found.results[0].wer.low is None
    assert type(found.systems[0].configuration["am.epochs"]) is int


def test_numbers_are_of_64_bits(tmp_path):
    largest = replace(FULL, results=(replace(FULL.results[0], words=2 ** 63 - 1),))
    write_comparison(tmp_path / "comparison.json", largest)
    assert read_comparison(tmp_path) == largest


def test_what_is_not_told_is_as_in_most_comparisons(tmp_path):
    path = tmp_path / "comparison.json"
    write_comparison(path, FULL)

    def shorten(c):
        for part, name in ((c["tests"][0], "tuned_on"), (c["results"][0], "missing"), (c["systems"][0], "share"),
                           (c["systems"][0], "whole_utterance"), (c["utterances"][0]["hypotheses"][0], "missing"),
                           (c["utterances"][0], "offset"), (c, "level")):
            del part[name]
    found = read_comparison(damaged(path, shorten))
    assert not found.tests[0].tuned_on and found.results[0].missing == 0 and found.level == 0.05
    assert found.systems[0].share == 1.0 and not found.systems[0].whole_utterance
    assert found.utterances[0].offset == 0.0 and not found.utterances[0].hypotheses[0].missing


def test_a_hypothesis_knows_its_words_and_errors():
    (hypothesis,) = FULL.utterances[0].hypotheses
    assert hypothesis.words == ["one", "ten"] and hypothesis.errors == 2


def damaged(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize("change, message", [
    (lambda c: c.update(format=2), "format: expected 1, found 2"),
    (lambda c: c["systems"][1].update(seed="1"), r"systems\[1\].seed: expected a whole number, found '1'"),
    (lambda c: c["systems"][1].update(seed=True), r"seed: expected a whole number"),
    (lambda c: c["systems"][1].update(sed=1), r"systems\[1\]: expected the fields key, .*found \['sed'\]"),
    (lambda c: c["systems"][1].pop("kind"), r"systems\[1\]: expected the fields kind, found"),
    (lambda c: c["systems"][0]["configuration"].update(x={}), r"configuration.x: expected null or true"),
    (lambda c: c["results"][0]["wer"].update(percent=float("nan")), "wer.percent: expected a finite number, found nan"),
    (lambda c: c["utterances"][0]["hypotheses"][0]["pairs"].append(["a"]), r"pairs\[3\]: expected 2 values"),
    (lambda c: c["utterances"][0].update(reference="one"), "reference: expected a list"),
    (lambda c: c["results"][0].update(words=2 ** 63), "words: expected a whole number"),
    (lambda c: c["tests"][0].update(seconds=10 ** 400), "seconds: expected a finite number"),
    (lambda c: c["breakdowns"][0]["rows"][0].update(rates=[]), r"rates: expected an object"),
    (lambda c: c["families"][0].update(systems=[]), "families, a.*: expected at least one system, found none"),
    (lambda c: c["systems"].append(c["systems"][0]), "systems: a: expected each id once"),
    (lambda c: c["results"].append(c["results"][0]), "results: a on test"),
    (lambda c: c["systems"][0].update(kind="gmm"), "system a, kind: expected one of hybrid, .*found 'gmm'"),
    (lambda c: c["systems"][0].update(share=0), "share: expected above 0"),
    (lambda c: c["systems"][0].update(share=1.01), "share: expected above 0"),
    (lambda c: c["tests"][0].update(drawn="words"), "test test, drawn"),
    (lambda c: c["pairs"][0].update(verdict="maybe"), "pairs, verdict"),
])
def test_what_does_not_fit_is_named(tmp_path, change, message):
    path = tmp_path / "comparison.json"
    write_comparison(path, FULL)
    with pytest.raises(InputError, match=message):
        read_comparison(damaged(path, change))


@pytest.mark.parametrize("part", ["results", "families", "pairs", "breakdowns", "agreements", "curves", "alignments",
                                  "utterances"])
def test_everything_is_of_a_test_set(tmp_path, part):
    write_comparison(tmp_path / "comparison.json", FULL)
    path = damaged(tmp_path / "comparison.json", lambda c: c[part][0].update(test="dev"))
    with pytest.raises(InputError, match=f"{part}, test: expected one of test, found 'dev'"):
        read_comparison(path)


@pytest.mark.parametrize("change, place", [
    (lambda c: c["results"][0].update(system="z"), "results, system"),
    (lambda c: c["families"][0].update(systems=["z"]), "families, systems"),
    (lambda c: c["families"][0].update(family="z"), "families, family"),
    (lambda c: c["pairs"][0].update(a="z"), "pairs, a"), (lambda c: c["pairs"][0].update(b="z"), "pairs, b"),
    (lambda c: c["breakdowns"][0]["rows"][0].update(rates={"z": {"percent": 1.0}}), "breakdowns, rates"),
    (lambda c: c["agreements"][0].update(systems=["a", "z"]), "agreements, systems"),
    (lambda c: c["curves"][0].update(name="z"), "curves, name"),
    (lambda c: c["curves"][0]["points"][0].update(family="z"), "curves, family"),
    (lambda c: c["utterances"][0]["hypotheses"][0].update(system="z"), "utterance u1, hypotheses")])
def test_names_are_those_of_systems_families_and_curves(tmp_path, change, place):
    write_comparison(tmp_path / "comparison.json", FULL)
    with pytest.raises(InputError, match=f"{place}: expected one of .*found 'z'"):
        read_comparison(damaged(tmp_path / "comparison.json", change))


def test_a_number_that_is_none_is_not_written(tmp_path):
    endless = replace(FULL.tests[0], seconds=float("inf"))
    with pytest.raises(ValueError):
        write_comparison(tmp_path / "comparison.json", replace(FULL, tests=(endless,)))
    assert not (tmp_path / "comparison.json").exists()


def test_a_comparison_that_would_not_be_read_is_not_written(tmp_path):
    with pytest.raises(InputError, match="comparison.json: results: a on test: expected each id once"):
        write_comparison(tmp_path / "comparison.json", replace(FULL, results=2 * FULL.results))
    assert not list(tmp_path.iterdir())


def test_a_system_is_found_by_its_key():
    assert FULL.system("a") is FULL.systems[0]
    with pytest.raises(InputError, match=r"system c: expected one of a, b \(25 %\)"):
        FULL.system("c")
