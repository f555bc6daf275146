import random
from dataclasses import replace
from statistics import mean

import pytest

from hybrid.compare.comparison import Comparison, Hypothesis, Utterance
from hybrid.report.page.embedded import json_in_html
from hybrid.report.page.page import TEMPLATES
from hybrid.report.page.utterances import (ABSENT, LACKING, aligned, encode_errors, examples, interest,
                                           is_right_to_left, most_different, pack)
from tests.hybrid.report.page.material import comparison, system, utterances

KEYS = ("a", "b", "c")


class Words:
    """Numbers of words, as `pack` gives them."""

    def __init__(self):
        self.names = []

    def of(self, word):
        self.names += [word] * (word not in self.names)
        return self.names.index(word)


def decoded(reference, errors, words):
    """The hypothesis, by what the docstring says of the pairs."""
    changed, inserted = {}, {}
    for place, word in zip(errors[::2], errors[1::2]):
        if place < 0:
            inserted.setdefault(-place - 1, []).append(words[word])
        else:
            changed[place] = [] if word == LACKING else [words[word]]
    found = []
    for place, word in enumerate(reference):
        found += inserted.get(place, []) + changed.get(place, [word])
    return found + inserted.get(len(reference), [])


def test_errors_in_numbers():
    pairs = (("x", "x"), (None, "new"), (None, "newer"), ("y", None), ("z", "x"), (None, "end"))
    words = Words()
    assert encode_errors(Hypothesis("a", pairs), words) == [-2, 0, -2, 1, 1, LACKING, 2, 2, -4, 3]
    assert words.names == ["new", "newer", "x", "end"]


@pytest.mark.parametrize("seed", range(5))
def test_the_hypothesis_comes_back_from_its_errors(seed):
    for utterance in utterances(KEYS, 20, wrong=0.1 + 0.1 * seed, seed=seed):
        for hypothesis in utterance.hypotheses:
            words = Words()
            errors = encode_errors(hypothesis, words)
            assert decoded(utterance.reference, errors, words.names) == hypothesis.words
            assert len(errors) == 2 * hypothesis.errors


def test_the_whole_is_packed_and_comes_back():
    made = comparison(3, 25)
    data, left_out = pack(made, 10.0)
    assert left_out == [] and data["systems"] == [one.key for one in made.systems]
    for entry, utterance in zip(data["utterances"], made.utterances, strict=True):
        name, test, speaker, seconds, reference, different, which, conditions = entry
        said = [data["words"][word] for word in reference]
        assert (name, data["tests"][test], data["speakers"][speaker], seconds) == (
            utterance.utterance_id, "test", utterance.speaker, 3.2)
        assert tuple(said) == utterance.reference and conditions == "snr 10"
        for place, hypothesis in zip(which, utterance.hypotheses, strict=True):
            assert (place == LACKING) == hypothesis.missing
            if place >= 0:
                assert decoded(said, different[place], data["words"]) == hypothesis.words
        assert len({tuple(one) for one in different}) == len(different)


def test_who_was_not_asked_is_told_from_who_said_nothing():
    one = Utterance("u", "test", "s", 1.256, ("x",), (Hypothesis("hybrid-0, seed 1", (("x", None),), missing=True),))
    made = Comparison("t", (system(0), system(1)), (), (), utterances=(one,))
    (entry,) = pack(made, 1.0).data["utterances"]
    assert entry[3] == 1.26 and entry[5:7] == [[], [LACKING, ABSENT]]


def test_the_page_knows_the_same_numbers():
    assert f"const LACKING = {LACKING}, ABSENT = {ABSENT};" in (TEMPLATES / "page.js").read_text(encoding="utf-8")


def test_the_limit_is_that_of_what_is_written():
    made = comparison(3, 12)
    data = pack(made, 10.0).data
    whole = sum(len(json_in_html(part).encode("utf-8")) for part in (
        [data["words"], data["speakers"], data["systems"]], data["utterances"])) - 1  # two brackets, one comma too few
    first, *others = made.utterances
    for more in (0, 1):  # bytes beyond a megabyte
        longer = replace(first, utterance_id=first.utterance_id + "x" * (1_000_000 - whole + more))
        assert len(pack(replace(made, utterances=(longer, *others)), 1.0).left_out) == more


@pytest.mark.parametrize("megabytes", [0.0, 0.002, 0.004, 0.008])
def test_the_limit_is_kept_and_the_most_telling_stay(megabytes):
    made = comparison(3, 40)
    data, left_out = pack(made, megabytes)
    kept = [entry[0] for entry in data["utterances"]]
    assert len(json_in_html(data["utterances"]).encode("utf-8")) <= megabytes * 1e6 + 2
    assert sorted(kept + left_out) == sorted(one.utterance_id for one in made.utterances)
    assert kept == [one.utterance_id for one in made.utterances if one.utterance_id in kept]  # their order
    by_name = {one.utterance_id: interest(one)[0] for one in made.utterances}
    if kept and left_out:
        assert mean(by_name[name] for name in kept) > mean(by_name[name] for name in left_out)


def said(name, *hypotheses):
    return Utterance(name, "test", "s", 1.0, ("x", "y"), tuple(
        Hypothesis(str(place), pairs) for place, pairs in enumerate(hypotheses)))


RIGHT, WRONG, OTHER = (("x", "x"), ("y", "y")), (("x", "a"), ("y", "b")), (("x", "x"), ("y", "b"))


def test_different_hypotheses_tell_more_than_many_errors():
    agree, differ, worse = said("agree", WRONG, WRONG), said("differ", RIGHT, OTHER), said("worse", RIGHT, WRONG)
    assert interest(said("right", RIGHT, RIGHT)) < interest(agree) < interest(differ) < interest(worse) == (2, 2)
    made = Comparison("t", (), (), (), utterances=(agree, differ, worse))
    assert [one.utterance_id for one in most_different(made, 2)] == ["worse", "differ"]
    assert [one.utterance.utterance_id for one in examples(made, 2)] == ["worse", "differ"]


def test_long_ones_are_passed_over():
    """A picture of them cannot be read: 8 minutes took an hour and 6 GB to draw."""
    short, long = (said(name, RIGHT, other) for name, other in (("short", OTHER), ("long", WRONG)))
    made = Comparison("t", (), (), (), utterances=(short, replace(long, seconds=30.5)))
    assert [one.utterance_id for one in most_different(made, 2, 30.5)] == ["long", "short"]
    assert [one.utterance_id for one in most_different(made, 2, 30.0)] == ["short"]


def test_those_who_say_the_same_share_a_row_and_insertions_have_columns():
    pairs = (("x", "x"), (None, "new"), ("y", None))
    found = aligned(said("u", OTHER, RIGHT, pairs, OTHER))
    assert found.reference == ("x", "", "y")
    assert [(row.systems, row.errors) for row in found.rows] == [(("1",), 0), (("0", "3"), 1), (("2",), 2)]
    kinds = [[(word.kind, word.text) for word in row.words] for row in found.rows]
    assert kinds == [[("same", "x"), ("empty", ""), ("same", "y")],
                     [("same", "x"), ("empty", ""), ("substitution", "b")],
                     [("same", "x"), ("insertion", "new"), ("deletion", "y")]]


@pytest.mark.parametrize("seed", range(3))
def test_every_row_is_as_long_as_the_reference_and_spells_its_hypothesis(seed):
    for utterance in utterances(KEYS, 15, wrong=0.4, seed=seed):
        found = aligned(utterance)
        assert [word for word in found.reference if word] == list(utterance.reference)
        spelled = {system: [word.text for word in row.words if word.kind in ("same", "substitution", "insertion")]
                   for row in found.rows for system in row.systems}
        assert spelled == {hypothesis.system: hypothesis.words for hypothesis in utterance.hypotheses}
        assert all(len(row.words) == len(found.reference) for row in found.rows)


def test_an_utterance_without_a_reference():
    found = aligned(Utterance("u", "test", "s", 1.0, (), (Hypothesis("a", ((None, "x"),)),)))
    assert found.reference == ("",) and found.rows[0].words[0].kind == "insertion"
    assert aligned(said("u")).reference == ("x", "y") and aligned(said("u")).rows == ()


@pytest.mark.parametrize("words, expected", [
    (("שלום",), True), (("مرحبا", "a"), True), (("1", "-", "שלום"), True), (("a", "שלום"), False), (("漢字",), False),
    ((), False), (("12",), False)])
def test_direction_of_the_first_letter(words, expected):
    assert is_right_to_left(words) == expected


def test_order_does_not_hang_on_chance():
    made = utterances(KEYS, 10)
    shuffled = list(made)
    random.Random(1).shuffle(shuffled)
    one, other = (Comparison("t", (), (), (), utterances=tuple(own)) for own in (made, shuffled))
    assert [interest(u) for u in most_different(one, 5)] == [interest(u) for u in most_different(other, 5)]
