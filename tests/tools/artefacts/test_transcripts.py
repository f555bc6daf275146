import math

import pytest

from graphs.errors import InputError
from hybrid.lattices.calibration import Calibration
from hybrid.lattices.sausages import Sausage, Slot, write_sausages
from tests.tools.artefacts.shown import lines_of
from tools.artefacts.transcripts import (
    KINDS, SAUSAGES, calibration_problems, describe_calibration, describe_sausages, draw_sausages, sausage_problems)

SLOTS = [Slot({"w1": 0.25, "<eps>": 0.75}, 0.1, 0.4), Slot({"w2": 1.0}, 0.4, 0.5)]


def test_the_ten_least_sure_stand_first(tmp_path):
    write_sausages(tmp_path / SAUSAGES, [Sausage(f"u{n}", SLOTS, 0.25 * n) for n in range(11)])
    shown = lines_of(describe_sausages(tmp_path))
    assert shown[:6] == ["utterances: 11", "places: 22", "words a place: 1.50", "expected errors: 13.75", "least sure",
                         "utterance expected errors words"]
    assert shown[6:] == [f"u{n} {0.25 * n:.2f} <eps> w2" for n in range(10, 0, -1)]
    assert describe_sausages(tmp_path / SAUSAGES) == describe_sausages(tmp_path)
    write_sausages(tmp_path / SAUSAGES, [Sausage("u0", [], 0.0)])
    assert lines_of(describe_sausages(tmp_path))[1:3] == ["places: 0", "words a place: 0.00"]


def test_the_places_of_an_utterance(tmp_path):
    """Of a place the six likeliest words, in the order of their probabilities."""
    words = {f"w{n}": 0.01 * n for n in range(1, 8)}
    slots = [*SLOTS, Slot(words, 0.5, 0.625)]
    write_sausages(tmp_path / SAUSAGES, [Sausage("u0", [], 0.0), Sausage("u1", slots, 1.25)])
    assert lines_of(describe_sausages(tmp_path, "u1")) == [
        "expected errors: 1.250", "u1", "start end words", "0.100 0.400 <eps> 0.750 w1 0.250", "0.400 0.500 w2 1.000",
        "0.500 0.625 w7 0.070 w6 0.060 w5 0.050 w4 0.040 w3 0.030 w2 0.020"]
    assert lines_of(describe_sausages(tmp_path, "u0")) == ["expected errors: 0.000"]
    with pytest.raises(InputError, match="expected an utterance such as u0, u1, found u2"):
        describe_sausages(tmp_path, "u2")


def test_the_first_utterance_is_drawn_without_a_name(tmp_path):
    write_sausages(tmp_path / SAUSAGES, [Sausage(name, [Slot({word: 1.0}, 0.0, 0.5)], 0.0)
                                         for name, word in (("u0", "first"), ("u1", "second"))])
    for item, word in ((None, "first"), ("u1", "second")):
        draw_sausages(tmp_path, item, tmp_path / "x.svg")
        assert f"<!-- {word}" in (tmp_path / "x.svg").read_text(encoding="utf-8")
    with pytest.raises(InputError, match="found u2"):
        draw_sausages(tmp_path, "u2", tmp_path / "x.svg")


def test_both_sides_of_each_limit(tmp_path):
    sums = [Slot({"a": 0.5, "b": 0.501}, 0.1, 0.1), Slot({"a": 0.5, "b": 0.5011}, 0.1, 0.1)]
    write_sausages(tmp_path / SAUSAGES, [Sausage("u0", sums, 0.0)])
    assert list(sausage_problems(tmp_path)) == [
        f"{tmp_path}: u0, place 2: expected probabilities that sum to at most 1, found 1.0011"]
    write_sausages(tmp_path / SAUSAGES, [Sausage("u0", SLOTS, 0.0), Sausage("u1", [Slot({"a": 1.0}, 0.5, 0.25)], 0.0)])
    assert list(sausage_problems(tmp_path)) == [f"{tmp_path}: u1, place 1: expected an end after 0.5 s, found 0.25"]


def test_what_becomes_of_confidences(tmp_path):
    """A logistic map, of logits of confidences that are kept from 0 and 1 by 0.0001; and its table, if there is one."""
    Calibration("logistic", 0.5, -0.25).write(tmp_path)
    expected = []
    for tenth in range(11):
        confidence = min(max(tenth / 10, 1e-4), 1 - 1e-4)
        logit = 0.5 * math.log(confidence / (1 - confidence)) - 0.25
        expected.append(f"{tenth / 10:.1f} {1 / (1 + math.exp(-logit)):.3f}")
    shown = lines_of(describe_calibration(tmp_path))
    assert shown == ["map: logistic", "map", "confidence becomes", *expected]
    assert list(calibration_problems(tmp_path)) == []
    (tmp_path / "calibration.tsv").write_text("set\twords\ndev\t6\n")
    assert lines_of(describe_calibration(tmp_path)) == [*shown, "rows: 1", "rows", "set words", "dev 6"]


def test_a_damaged_calibration_is_refused(tmp_path):
    (tmp_path / "calibration.json").write_text("{}")
    with pytest.raises(InputError, match="calibration.json"):
        list(calibration_problems(tmp_path))


def test_a_consensus_network_is_a_folder_or_the_file(tmp_path):
    write_sausages(tmp_path / SAUSAGES, [])
    matches = KINDS[0].matches
    (tmp_path / "other.jsonl").write_text("")
    assert matches(tmp_path) and matches(tmp_path / SAUSAGES)
    assert not matches(tmp_path / "other.jsonl") and not matches(tmp_path / "nothing")
