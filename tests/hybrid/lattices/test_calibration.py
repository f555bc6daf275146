"""Confidences: NIST's measure, and maps that are fitted on planted ones."""

import math
import re
import subprocess

import numpy as np
import pytest
from scipy import optimize

from graphs.errors import InputError
from hybrid.align.times.ctm import ScoredSymbol, write_ctm
from hybrid.lattices import calibration
from hybrid.lattices.calibration import (
    Calibration, calibration_error, choose, fit, normalized_cross_entropy, recalibrated, reliability)
from tests.hybrid.recognize.test_sclite import sclite_command


def planted(seed, size=4000, truth=lambda c: c):
    """Confidences, and words that are correct with the probability truth(confidence)."""
    rng = np.random.default_rng(seed)
    c = rng.beta(4, 1.5, size)
    return c, rng.random(size) < truth(c)


def test_the_normalized_cross_entropy_by_hand():
    """3 of 4 words are correct: H(p) = 4 * 0.8113 bit."""
    c, y = [0.9, 0.8, 0.5, 0.4], [True, True, True, False]
    bits = -sum(map(math.log2, (0.9, 0.8, 0.5, 0.6)))
    prior = -(3 * math.log2(0.75) + math.log2(0.25))
    assert normalized_cross_entropy(c, y) == pytest.approx(1 - bits / prior)
    assert normalized_cross_entropy([0.75] * 4, y) == pytest.approx(0.0)
    assert normalized_cross_entropy([1.0, 1.0, 1.0, 0.0], y) == pytest.approx(1.0, abs=1e-3)
    assert normalized_cross_entropy([0.0, 1.0, 1.0, 0.0], y) < -2
    assert normalized_cross_entropy([1.0, 0.5], [False, True]) == pytest.approx(1 - (math.log2(1e7) + 1) / 2)
    assert math.isnan(normalized_cross_entropy([0.5, 0.6], [True, True]))
    assert math.isnan(normalized_cross_entropy([0.5, 0.6], [False, False]))


@pytest.mark.skipif(sclite_command() is None, reason="needs sclite")
def test_the_normalized_cross_entropy_is_that_of_sclite(tmp_path):
    c, y = planted(6, 300)
    c[:5], y[:5] = 1.0, [True, True, True, True, False]
    words = [ScoredSymbol("right" if good else "wrong", n, n + 1.0, round(float(p), 6))
             for n, (p, good) in enumerate(zip(c, y))]
    write_ctm(tmp_path / "words.ctm", {"u": words})
    (tmp_path / "ref.stm").write_text(f"u 1 s 0 300 {' '.join(['right'] * 300)}\n")
    report = subprocess.run([*sclite_command(), "-r", str(tmp_path / "ref.stm"), "stm", "-h", str(
        tmp_path / "words.ctm"), "ctm", "-o", "sum", "stdout"], capture_output=True, text=True, check=True).stdout
    theirs = float(re.findall(r"-?[\d.]+", next(line for line in report.splitlines() if "Sum/Avg" in line))[-1])
    assert normalized_cross_entropy(c, y) == pytest.approx(theirs, abs=6e-4)


def test_reliability_by_hand():
    c, y = [0.0, 0.05, 0.93, 0.97, 1.0], [False, True, True, True, False]
    low, high = reliability(c, y)
    assert low == (0.0, 0.1, 2, pytest.approx(0.025), 0.5)
    assert high == (0.9, 1.0, 3, pytest.approx(2.9 / 3), pytest.approx(2 / 3))
    assert calibration_error(c, y) == pytest.approx((2 * 0.475 + 3 * 0.3) / 5)
    assert len(reliability(c, y, bins=50)) == 5


def test_the_logistic_map_is_found_again():
    c, y = planted(0, 20000, lambda c: 1 / (1 + np.exp(-(0.5 * np.log(c / (1 - c)) - 0.7))))
    found = fit("logistic", c, y)
    assert (found.slope, found.offset) == (pytest.approx(0.5, abs=0.06), pytest.approx(-0.7, abs=0.06))
    logits = np.log(c / (1 - c))
    residual = y - found(c)
    assert abs(residual.mean()) < 1e-3 and abs((residual * logits).mean()) < 1e-3  # the likelihood's gradient
    assert found([0.5])[0] == pytest.approx(1 / (1 + math.exp(-found.offset)))


@pytest.mark.parametrize("turned", [False, True])
def test_of_few_words_the_logistic_map_is_that_of_platts_targets(turned):
    """Against a general minimizer. Where surer words are less often correct the map is level."""
    c, y = planted(7, 14)
    y = c < np.median(c) if turned else y
    target = np.where(y, (y.sum() + 1) / (y.sum() + 2), 1 / ((~y).sum() + 2))
    x = np.log(c / (1 - c))

    def loss(weights):
        z = weights[0] * x + weights[1]
        return (np.logaddexp(0.0, z) - target * z).sum()
    expected = optimize.minimize(loss, [1.0, 0.0], method="L-BFGS-B", bounds=[(0.0, None), (None, None)],
                                 options={"ftol": 1e-15, "gtol": 1e-9})
    found = fit("logistic", c, y)
    assert (found.slope, found.offset) == pytest.approx(tuple(expected.x), abs=1e-3)
    assert (found.slope == 0.0) == turned and found(c).mean() == pytest.approx(target.mean(), abs=1e-5)


@pytest.mark.parametrize("size", [7, 20, 21, 400])
def test_the_piecewise_map_is_that_of_isotonic_regression(size):
    """Of twenty groups at most, by its formula of largest smallest means; each step with a word more, half and half."""
    c, y = planted(8, size)
    groups = np.array_split(np.argsort(c), min(20, size))
    means = [[y[np.concatenate(groups[first:last + 1])].mean() if last >= first else np.nan
              for last in range(len(groups))] for first in range(len(groups))]
    level = [max(min(means[first][last] for last in range(place, len(groups))) for first in range(place + 1))
             for place in range(len(groups))]
    expected = []
    for value in dict.fromkeys(np.round(level, 9)):
        own = np.concatenate([group for group, its in zip(groups, np.round(level, 9)) if its == value])
        expected.append((c[own].mean(), (y[own].sum() + 0.5) / (len(own) + 1)))
    found = fit("piecewise", c, y).knots
    assert [place for place, _ in found] == pytest.approx([place for place, _ in expected])
    assert [value for _, value in found] == pytest.approx(np.maximum.accumulate([value for _, value in expected]))


def test_maps_are_judged_on_fifths_that_they_have_not_seen(monkeypatch):
    sizes = []
    monkeypatch.setattr(calibration, "fit", lambda kind, c, y: sizes.append(len(c)) or fit(kind, c, y))
    choose(*planted(9, 10))
    assert sizes == [8] * 15 + [10]


def test_certain_words_stay_nearly_certain():
    assert Calibration("logistic")([0.0, 0.3, 1.0]) == pytest.approx([1e-4, 0.3, 1 - 1e-4], abs=1e-9)


def test_the_piecewise_map_rises_and_follows_the_shares():
    c, y = planted(1, 20000, lambda c: np.where(c < 0.6, 0.2, 0.9))
    found = fit("piecewise", c, y)
    values = found(np.linspace(0, 1, 101))
    assert (np.diff(values) >= 0).all()
    assert found([0.3])[0] == pytest.approx(0.2, abs=0.05) and found([0.9])[0] == pytest.approx(0.9, abs=0.03)
    assert fit("piecewise", [0.4, 0.6], [True, False]).knots == ((0.5, 0.5),)


@pytest.mark.parametrize("truth, kind", [
    (lambda c: 1 / (1 + np.exp(-(0.4 * np.log(c / (1 - c)) - 1.0))), "logistic"),
    (lambda c: np.where(c < 0.6, 0.2, np.where(c < 0.9, 0.9, 0.92)), "piecewise")])
def test_the_map_that_helps_is_chosen_and_helps_on_others(truth, kind):
    found, held_out = choose(*planted(2, truth=truth))
    assert found.kind == kind == max(held_out, key=held_out.get)
    c, y = planted(3, truth=truth)
    before, after = normalized_cross_entropy(c, y), normalized_cross_entropy(found(c), y)
    assert after > before + 0.1 and after == pytest.approx(held_out[kind], abs=0.03)
    assert calibration_error(found(c), y) < 0.05 < calibration_error(c, y)
    assert choose(*planted(2, truth=truth)) == (found, held_out)


def test_good_confidences_are_left_nearly_as_they_are():
    found, _ = choose(*planted(4))
    c = np.linspace(0.3, 0.95, 20)
    assert np.abs(found(c) - c).max() < 0.06


def test_words_that_are_all_correct_ask_for_nothing_infinite():
    c = np.linspace(0.5, 1.0, 50)
    for kind in ("logistic", "piecewise"):
        mapped = fit(kind, c, np.ones(50, bool))(c)
        assert np.isfinite(mapped).all() and mapped.min() > 0.5 and mapped.max() < 1.0
    assert choose([0.9], [True])[0].kind == "none"


@pytest.mark.parametrize("kind", ["none", "logistic", "piecewise"])
def test_a_map_comes_back_from_its_file(kind, tmp_path):
    found = fit(kind, *planted(5, 500))
    found.write(tmp_path)
    assert Calibration.read(tmp_path) == found
    level = Calibration("logistic", 0.0, -1.0, ((0.5, 0.0), (0.5, 1.0)))
    level.write(tmp_path)
    assert Calibration.read(tmp_path) == level
    found.write(tmp_path)
    words = {"u": [ScoredSymbol("a", 0.0, 0.1, 0.3), ScoredSymbol("b", 0.1, 0.2, 0.8)], "v": []}
    mapped = recalibrated(words, tmp_path)
    assert [word.confidence for word in mapped["u"]] == pytest.approx(found([0.3, 0.8]).tolist()) and mapped["v"] == []
    assert [word[:3] for word in mapped["u"]] == [word[:3] for word in words["u"]]


@pytest.mark.parametrize("old, new", [('"none"', '"other"'), ("1.0", '"x"'), ("[]", "[[0.5, 0.5], [0.4, 0.6]]"),
                                      ("[]", "[[0.5, 0.5], [0.6, 0.4]]"), ("[]", "[[0.5, 2.0]]"),
                                      ("[]", "[[-0.5, 0.5]]"), ("1.0", "-1.0"), ("0.0", "1e999"),
                                      ('"none"', '"piecewise"'), ('"slope"', '"hill"')])
def test_a_file_that_is_no_calibration_is_refused(old, new, tmp_path):
    Calibration().write(tmp_path)
    text = (tmp_path / "calibration.json").read_text()
    assert old in text
    (tmp_path / "calibration.json").write_text(text.replace(old, new, 1))
    with pytest.raises(InputError, match="calibration.json: expected kind"):
        Calibration.read(tmp_path)


@pytest.mark.parametrize("c, y, message", [([], [], "at least one word"), ([0.5], [True, False], "one length"),
                                           ([1.5], [True], "from 0 to 1"), ([float("nan")], [True], "from 0 to 1")])
def test_what_are_no_confidences(c, y, message):
    with pytest.raises(InputError, match=message):
        normalized_cross_entropy(c, y)
    with pytest.raises(ValueError, match="kind"):
        fit("cubic", [0.5], [True])


@pytest.mark.parametrize("bins", [0, -1, 2.5, None])
def test_a_number_of_bins_that_is_none_is_refused(bins):
    with pytest.raises(InputError, match=f"number of bins: expected at least 1, found {bins}"):
        calibration.reliability([0.5], [True], bins)
