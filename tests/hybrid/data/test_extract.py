"""Filters that can be, features of one portion of work, and the reasons why a cut has none."""

import math
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import torch

from graphs.errors import InputError
from hybrid.data.corpus import recording_of, utterance
from hybrid.data.extract import (
    Portion, check_filters, choose_device, extract, import_kaldifeat, load_ready, make_computer, mel)
from hybrid.data.features import FeatureOptions
from tests.hybrid.data.material import noise_cut, ready_cut, write_noise
from tests.reference import kaldi_features


def test_the_mel_scale_is_linear_below_and_logarithmic_above():
    assert mel(0) == 0 and mel(700) == pytest.approx(1127 * math.log(2))
    assert mel(1000) == pytest.approx(999.99, abs=0.01)


@pytest.mark.parametrize("options, rate, message", [
    ({}, 16000, None), ({}, 8000, None), ({"high_freq": 4000.0}, 8000, None), ({"high_freq": 0.0}, 8000, None),
    ({"low_freq": 0.0}, 8000, None), ({"frame_shift": 0.0125}, 16000, None), ({"high_freq": -0.5}, 8000, None),
    ({"high_freq": 1.0, "low_freq": 0.0}, 8000, "features.num_mel_bins = 40: expected filters that each hold a tone"),
    ({"high_freq": 4000.5}, 8000, r"low_freq and high_freq: expected a band below 4000 Hz, found 20 to 4000.5 Hz"),
    ({"high_freq": -3980.0}, 8000, "expected a band below 4000 Hz, found 20 to 20 Hz"),
    ({"low_freq": 300.0, "high_freq": 200.0}, 8000, "found 300 to 200 Hz"),
    ({"frame_shift": 0.01001}, 8000, r"features.frame_shift = 0.01001: expected a whole number of samples, found "
                                     r"80.08 at 8000 Hz \(choose another data.sampling_rate, such as 16000\)")])
def test_bands_and_shifts_that_can_be(options, rate, message):
    if message is None:
        check_filters(FeatureOptions(**options), rate)
    else:
        with pytest.raises(InputError, match=message):
            check_filters(FeatureOptions(**options), rate)


def first_empty(bins, rate, window, low, high):
    """The first filter, from 1, in which no tone of the spectrum below Nyquist lies; by Kaldi's formula."""
    edges = np.linspace(kaldi_features.mel(low), kaldi_features.mel(high), bins + 2)
    tones = np.array([kaldi_features.mel(i * rate / window) for i in range(window // 2)])
    return next((i + 1 for i in range(bins) if not ((edges[i] < tones) & (tones < edges[i + 2])).any()), None)


@pytest.mark.parametrize("rate, length, window, low", [
    (8000, 0.025, 256, 20.0), (16000, 0.025, 512, 20.0), (8000, 0.032, 256, 20.0), (8000, 0.033, 512, 20.0),
    (8000, 0.032125, 512, 20.0), (8000, 0.025, 256, 0.0)])
def test_every_filter_holds_a_tone(rate, length, window, low):
    """A window is filled up to the next power of two."""
    empty = {bins: first_empty(bins, rate, window, low, rate / 2 - 200.0) for bins in range(60, 230)}
    most = next(bins for bins in empty if empty[bins] is not None) - 1
    check_filters(FeatureOptions(num_mel_bins=most, frame_length=length, low_freq=low), rate)
    for bins in (most + 1, most + 20):
        with pytest.raises(InputError, match=f"features.num_mel_bins = {bins}: expected filters that each hold a tone "
                                             f"of the {window}-point spectrum, found filter {empty[bins]} empty "
                                             fr"at {rate} Hz \(use fewer filters\)"):
            check_filters(FeatureOptions(num_mel_bins=bins, frame_length=length, low_freq=low), rate)


def test_a_device_by_name(monkeypatch):
    assert choose_device("cpu") == torch.device("cpu")
    for there in (True, False):
        monkeypatch.setattr("torch.cuda.is_available", lambda: there)
        assert choose_device("auto").type == ("cuda" if there else "cpu") and choose_device("cpu").type == "cpu"
    with pytest.raises(InputError, match="features.device = cuda: expected a GPU that torch can use, found none"):
        choose_device("cuda")


def test_without_kaldifeat_it_is_told_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "kaldifeat", None)
    with pytest.raises(InputError, match=r"package kaldifeat: expected a build for this torch \(`./run.sh doctor`"):
        import_kaldifeat()


def extracted(cuts, rate=16000, recipes=None, **options):
    pytest.importorskip("kaldifeat", reason="kaldifeat is not built (./run.sh doctor)")
    return extract(Portion(cuts, recipes or {}), FeatureOptions(**options), rate, "cpu")


@pytest.mark.parametrize("options", [
    {"frame_shift": 0.0125, "frame_length": 0.03, "low_freq": 100.0},
    {"kind": "mfcc", "num_ceps": 7, "use_energy": True},
    {"frame_shift": 0.005, "frame_length": 0.02, "high_freq": 3000.0, "num_mel_bins": 20, "use_energy": True}])
def test_features_of_a_part_and_channel_of_a_recording_are_kaldis(tmp_path, options):
    path = write_noise(tmp_path / "a.wav", channels=2)
    cut = utterance("a", recording_of(path), "yes", start=0.25, duration=0.2, channel=1)
    ((features, reason),) = extracted([cut], **options)
    asked = FeatureOptions(**options)
    how = {"low": asked.low_freq, "high": asked.high_freq, "shift": asked.frame_shift, "length": asked.frame_length}
    samples = soundfile.read(str(path), dtype="int16")[0][4000:7200, 1]
    if asked.kind == "mfcc":
        expected = kaldi_features.mfcc(samples, 16000, 40, 7, True, **how)
    else:
        expected, energy = kaldi_features.fbank(samples, 16000, asked.num_mel_bins, **how)
        expected = np.c_[energy, expected] if asked.use_energy else expected
    assert reason == "" and features.dtype == np.float32 and features.shape == expected.shape
    assert np.abs(features - expected).max() < 1e-3
    assert abs((features - expected).mean()) < 2e-5  # samples times 32767 instead of 32768 would be 6e-5 away


def test_a_copy_is_made_by_its_recipe_and_is_as_long(tmp_path):
    cuts = [noise_cut(tmp_path, name, seconds=0.3, seed=0) for name in ("plain", "louder", "longer")]
    recipes = {"louder": SimpleNamespace(apply=lambda samples, rate: samples * (rate / 8000)),
               "longer": SimpleNamespace(apply=lambda samples, rate: np.tile(samples, 2))}
    plain, louder, longer = extracted(cuts, recipes=recipes)
    assert np.allclose(louder.features - plain.features, math.log(4), atol=1e-3)
    assert longer.features is None and longer.reason == "expected 30 frames, got 60"


def test_one_thread_computes_and_their_number_stays_as_it_was(tmp_path, monkeypatch):
    kaldifeat = pytest.importorskip("kaldifeat", reason="kaldifeat is not built (./run.sh doctor)")
    seen, usual = [], torch.get_num_threads()

    class Watched(kaldifeat.Fbank):
        def forward(self, *waves, **more):
            seen.append(torch.get_num_threads())
            return super().forward(*waves, **more)
    monkeypatch.setattr(kaldifeat, "Fbank", Watched)
    make_computer.cache_clear()
    torch.set_num_threads(3)
    try:
        assert len(extracted([noise_cut(tmp_path, "a", seconds=0.3)])[0].features) == 30
        assert seen == [1] and torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(usual)
        make_computer.cache_clear()


def test_each_cut_has_its_features_or_a_reason(tmp_path):
    """One frame of 25 ms is 400 samples."""
    odd = np.full(8000, 0.1, np.float32)
    odd[4000] = np.inf
    soundfile.write(str(tmp_path / "inf.wav"), odd, 16000, subtype="FLOAT")
    cuts = [noise_cut(tmp_path, "gone"), noise_cut(tmp_path, "one", seconds=400 / 16000),
            noise_cut(tmp_path, "short", seconds=399 / 16000), utterance("inf", recording_of(tmp_path / "inf.wav"), ""),
            noise_cut(tmp_path, "good", seconds=0.5)]
    (tmp_path / "gone.wav").unlink()
    results = extracted(cuts)
    assert [None if one.features is None else len(one.features) for one in results] == [None, 3, None, None, 50]
    assert "gone.wav" in results[0].reason and "\n" not in results[0].reason
    assert [one.reason for one in results[1:]] == [
        "", "399 samples, shorter than one frame", "features that are not finite", ""]
    assert extracted(cuts[:1])[0].features is None and extracted([]) == []


def test_dither_is_of_the_cut_and_the_seed(tmp_path):
    """And about as loud as the samples of a nearly silent file: noise of one unit in 16 bits."""
    path = tmp_path / "a.wav"
    soundfile.write(str(path), np.zeros(8000), 16000)
    cuts = [utterance(name, recording_of(path, name), "") for name in ("a", "b")]
    first, second = extracted(cuts, dither=1.0)
    (alone,) = extracted(cuts[1:], dither=1.0)
    assert np.array_equal(second.features, alone.features) and not np.allclose(first.features, second.features)
    for other in (extracted(cuts[:1], dither=1.0, seed=1)[0], extracted(cuts[:1], dither=2.0)[0]):
        assert not np.allclose(other.features, first.features)
    louder = extracted(cuts[:1], dither=4.0)[0].features - first.features  # the same noise, of 16 times the power
    assert np.allclose(louder, math.log(16), atol=1e-2)


def test_ready_features_are_matrices_of_numbers(tmp_path):
    good, short = ready_cut(tmp_path, "good", np.arange(20.0).reshape(10, 2)), ready_cut(tmp_path, "s", np.ones((1, 2)))
    bad = [ready_cut(tmp_path, f"u{i}", np.ones((10, 2))) for i in range(4)]
    np.save(tmp_path / "u0.npy", np.where(np.arange(20).reshape(10, 2) == 7, np.nan, 1.0))
    np.save(tmp_path / "u1.npy", np.ones(10))
    np.save(tmp_path / "u2.npy", np.ones((0, 2)))
    (tmp_path / "u3.npy").unlink()
    results = load_ready(Portion([bad[0], good, *bad[1:], good], {}))
    assert [one.reason for one in results[:-2]] == [
        "no finite [T, F] matrix, but shape (10, 2)", "", "no finite [T, F] matrix, but shape (10,)",
        "no finite [T, F] matrix, but shape (0, 2)"]
    assert "u3.npy" in results[-2].reason and all((one.features is None) == bool(one.reason) for one in results)
    for one in (results[1], results[-1]):
        assert one.features.dtype == np.float32 and np.array_equal(one.features, good.load_features())
    assert load_ready(Portion([short], {}))[0].features.tolist() == [[1.0, 1.0]] and load_ready(Portion([], {})) == []
