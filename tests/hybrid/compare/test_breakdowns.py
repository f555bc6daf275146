import numpy as np
import pytest

from hybrid.compare.bench import Bench
from hybrid.compare.breakdowns import breakdowns, condition_class, place_of, training_counts, wrong_words
from hybrid.compare.material import CutFacts, Material
from hybrid.compare.options import CompareOptions
from hybrid.recognize.confidence import wer_interval
from tests.hybrid.compare.scores import of_texts, random_scores

OPTIONS = CompareOptions(resamples=200)
REFERENCES = ["a bb ccc dddd", "eeeee ffffff", "ggggggg hhhhhhhh iiiiiiiiii a"]


def found_for(references, hypotheses, material=Material(), speakers=None):
    scores = {name: of_texts(references, texts, speakers) for name, texts in hypotheses.items()}
    return {one.by: one for one in breakdowns("t", Bench(scores, OPTIONS), material, OPTIONS)}


def rows(breakdown, key="x"):
    return [(row.label, row.count, row.rates[key].percent) for row in breakdown.rows]


def test_words_by_letters_count_substitutions_and_deletions():
    found = found_for(REFERENCES, {"x": ["a new bb ccc", "eeeee f", "ggggggg hhhhhhhh a"], "y": REFERENCES})
    letters = found["letters in the word"]
    assert letters.unit == "words" and letters.test == "t"
    assert rows(letters) == [("1 to 2", 3, 0.0), ("3 to 4", 2, 50.0), ("5 to 6", 2, 50.0), ("7 to 8", 2, 0.0),
                             ("9 and more", 1, 100.0)]
    assert all(percent == 0.0 for _, _, percent in rows(letters, "y"))


def test_words_by_place():
    found = found_for(REFERENCES, {"x": ["a bb ccc", "e ffffff", "ggggggg x iiiiiiiiii a"]})
    assert rows(found["place in the utterance"]) == [
        ("first", 3, pytest.approx(100 / 3)), ("second", 2, 50.0), ("last but one", 2, 0.0),
        ("last", 3, pytest.approx(100 / 3))]
    assert [place_of(place, 6) for place in range(6)] == ["first", "second", "middle", "middle", "last but one", "last"]
    assert [place_of(place, 3) for place in range(3)] == ["first", "second", "last"]
    assert [place_of(0, 1), place_of(1, 2)] == ["first", "last"]


def test_words_by_their_number_in_training():
    counts = {"a": 300, "bb": 1, "ccc": 2, "dddd": 4, "eeeee": 5, "ffffff": 16, "ggggggg": 17, "hhhhhhhh": 256}
    found = found_for(REFERENCES, {"x": ["bb ccc dddd", "eeeee ffffff", "ggggggg hhhhhhhh a"]},
                      Material(counts=counts))
    assert rows(found["times the word is in the training text"]) == [
        ("not in it", 1, 100.0), ("1", 1, 0.0), ("2 to 4", 2, 0.0), ("5 to 16", 2, 0.0), ("17 to 64", 1, 0.0),
        ("65 to 256", 1, 0.0), ("257 and more", 2, 50.0)]
    assert "times the word is in the training text" not in found_for(REFERENCES, {"x": REFERENCES})
    assert training_counts([["a", "b"], ["a"]]) == {"a": 2, "b": 1}


def test_utterances_count_insertions():
    found = found_for(REFERENCES, {"x": ["a bb ccc dddd x", "eeeee ffffff", "ggggggg hhhhhhhh x x"]},
                      speakers=["anna", "bob", "anna"])
    lengths = found["words in the utterance"]
    assert lengths.unit == "utterances"
    assert rows(lengths) == [("1 to 2", 1, 0.0), ("3 to 5", 2, pytest.approx(37.5))]
    assert rows(found["speaker"]) == [("anna", 2, pytest.approx(37.5)), ("bob", 1, 0.0)]
    assert "speaker" not in found_for(REFERENCES, {"x": REFERENCES}, speakers=["anna"] * 3)


def test_utterances_by_their_length():
    references = ["a " * number for number in (1, 2, 3, 5, 6, 10, 11, 20, 21)]
    assert [row[:2] for row in rows(found_for(references, {"x": references})["words in the utterance"])] == [
        ("1 to 2", 2), ("3 to 5", 2), ("6 to 10", 2), ("11 to 20", 2), ("21 and more", 1)]


def test_conditions_are_those_of_the_cuts():
    cuts = {"u0": CutFacts(conditions={"noise": "pink", "snr": 5.0, "room": 1, "only": "one"}),
            "u1": CutFacts(conditions={"noise": "clean", "snr": None, "room": 2, "only": "one"})}
    found = found_for(REFERENCES, {"x": ["bb ccc dddd", "eeeee ffffff", "ggggggg"]}, Material(cuts))
    assert rows(found["noise"]) == [("clean", 1, 0.0), ("pink", 1, 25.0), ("none", 1, 75.0)]
    assert rows(found["snr"]) == [("5 to 10 dB", 1, 25.0), ("none", 2, 50.0)]
    assert [row.label for row in found["room"].rows] == ["1", "2", "none"]
    assert [row.label for row in found["only"].rows] == ["one", "none"]


def test_a_condition_of_too_many_values_is_no_class():
    references = ["a b"] * 13
    cuts = {f"u{n}": CutFacts(conditions={"rt60": 0.1 * n, "even": n % 2 == 0}) for n in range(13)}
    assert set(found_for(references, {"x": references}, Material(cuts))) >= {"even"}
    assert "rt60" not in found_for(references, {"x": references}, Material(cuts))
    twelve = {key: CutFacts(conditions={"rt60": min(11, n) * 0.1}) for n, key in enumerate(cuts)}
    assert len(found_for(references, {"x": references}, Material(twelve))["rt60"].rows) == 12


@pytest.mark.parametrize("value, label", [
    (-3.0, "below 0 dB"), (0.0, "0 to 5 dB"), (4.99, "0 to 5 dB"), (5, "5 to 10 dB"), (19.5, "15 to 20 dB"),
    (20.0, "20 dB and more"), (None, "none")])
def test_levels_fall_into_spans(value, label):
    assert condition_class("snr", value) == label


def test_other_conditions_are_their_own_class():
    assert [condition_class("x", value) for value in (0.30000000001, 7, True, "pink", None)] == [
        "0.3", "7", "True", "pink", "none"]


def test_levels_stand_as_they_rise():
    references = ["a b"] * 4
    cuts = {f"u{n}": CutFacts(conditions={"snr": level}) for n, level in enumerate((12.0, -5.0, None, 7.0))}
    found = found_for(references, {"x": references}, Material(cuts))
    assert [row.label for row in found["snr"].rows] == ["below 0 dB", "5 to 10 dB", "10 to 15 dB", "none"]


def test_intervals_draw_speakers_where_the_class_has_enough():
    scores = random_scores({"x": 0.3}, utterances=60, speakers=10)
    cuts = {f"u{n}": CutFacts(conditions={"few": n % 10 < 3}) for n in range(60)}
    bench = Bench(scores, OPTIONS)
    (found,) = [one for one in breakdowns("t", bench, Material(cuts), OPTIONS) if one.by == "few"]
    for row, few in zip(found.rows, (False, True)):
        own = [u for n, u in enumerate(scores["x"].utterances) if (n % 10 < 3) == few]
        assert row.count == len(own)
        rate = row.rates["x"]
        if few:
            interval = wer_interval([u.counts.errors for u in own], [u.counts.words for u in own], resamples=200)
            assert (rate.low, rate.high) == pytest.approx(interval)
        else:  # speakers of the whole set are drawn, who may have nothing in the class
            is_in = np.array([u in own for u in scores["x"].utterances])
            errors = np.array([u.counts.errors for u in scores["x"].utterances]) * is_in
            words = np.array([u.counts.words for u in scores["x"].utterances]) * is_in
            interval = wer_interval(errors, words, [u.speaker for u in scores["x"].utterances], resamples=200)
            assert (rate.low, rate.high) == pytest.approx(interval)


def test_wrong_words_are_those_of_the_reference():
    (utterance,) = of_texts(["a b c d"], ["x b new d"]).utterances
    assert wrong_words(utterance) == [True, False, True, False]
