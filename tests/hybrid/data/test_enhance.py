"""Enhancement: planted noise goes, clean sound stays, odd signals do not break it."""

import numpy as np
import pytest
import torch

from graphs.errors import InputError
from hybrid.data import enhance as enhancement
from hybrid.data import noise
from hybrid.data.compute import compute_features
from hybrid.data.enhance import FLOOR, METHODS, enhance, noise_power, subtraction_gains, wiener_gains
from hybrid.data.features import FeatureOptions, FeatureReader
from hybrid.outcomes import Outcomes
from tests.hybrid.data.material import noise_cut, ready_corpus

REAL = [method for method in METHODS if method != "none"]


def syllables(rate, seconds=3.0, seed=0):
    """Harmonic sounds of changing pitch, a fifth of a second each, with a pause after every third."""
    rng = np.random.default_rng(seed)
    parts = []
    while sum(map(len, parts)) < seconds * rate:
        time = np.arange(round(0.2 * rate)) / rate
        pitch = rng.uniform(90, 250)
        harmonics = np.arange(1, int(min(3500, 0.45 * rate) / pitch))
        heights = np.exp(-((harmonics * pitch - rng.uniform(300, 2500)) / 800) ** 2) + 0.01
        sound = heights @ np.sin(2 * np.pi * pitch * harmonics[:, None] * time)
        parts.append(sound * np.hanning(len(time)))
        if len(parts) % 4 == 3:
            parts.append(np.zeros(round(0.15 * rate)))
    audio = np.pad(np.concatenate(parts), round(0.1 * rate))
    return audio / np.abs(audio).max()


def snr(clean, heard):
    return 10 * np.log10(np.sum(clean ** 2) / np.sum((heard - clean) ** 2))


@pytest.mark.parametrize("method", REAL)
@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100])
@pytest.mark.parametrize("kind", ["white", "pink"])
def test_noise_goes(method, rate, kind):
    clean = syllables(rate)
    for before, least in ((0.0, 5.0), (10.0, 3.0)):
        made = getattr(noise, kind)(len(clean), np.random.default_rng(1))
        heard = noise.add_noise(clean, made, before, slice(None))
        enhanced = enhance(heard.astype(np.float32), rate, method)
        assert enhanced.shape == heard.shape and enhanced.dtype == np.float32
        assert snr(clean, enhanced) > before + least
        pause = slice(0, round(0.08 * rate))
        assert np.mean(enhanced[pause] ** 2) < 0.3 * np.mean(heard[pause] ** 2)


@pytest.mark.parametrize("method", REAL)
def test_clean_sound_stays(method):
    clean = syllables(16000)
    assert snr(clean, enhance(clean, 16000, method)) > 30
    recorded = noise.add_noise(clean, noise.white(len(clean), np.random.default_rng(1)), 50.0, slice(None))
    assert snr(clean, enhance(recorded, 16000, method)) > 45


@pytest.mark.parametrize("method", REAL)
def test_loudness_changes_nothing_else(method):
    heard = syllables(8000) + 0.1 * np.random.default_rng(0).normal(size=len(syllables(8000)))
    quiet = enhance(heard * 1e-4, 8000, method)
    assert np.allclose(quiet, 1e-4 * enhance(heard, 8000, method), atol=1e-9)


@pytest.mark.parametrize("method", REAL)
@pytest.mark.parametrize("rate", [8000, 11025, 16000, 48000])
@pytest.mark.parametrize("seconds", [0.0, 0.0001, 0.02, 0.0321, 0.05, 0.1, 1.01])
def test_short_and_silent_signals(method, rate, seconds):
    count = round(seconds * rate)
    for samples in (np.zeros(count), np.ones(count), np.random.default_rng(0).normal(size=count)):
        enhanced = enhance(samples.astype(np.float32), rate, method)
        assert enhanced.shape == samples.shape and np.isfinite(enhanced).all()
        assert np.abs(enhanced).max(initial=0) <= 1.5 * np.abs(samples).max(initial=0) + 1e-6
    assert not enhance(np.zeros(count, np.float32), rate, method).any()


def test_silence_in_the_middle_and_then_speech():
    clean = syllables(16000)
    clean[16000:20000] = 0.0  # exact zeros: a noise of nothing
    for method in REAL:
        assert np.isfinite(enhance(clean, 16000, method)).all()
        assert snr(clean, enhance(clean, 16000, method)) > 30


def test_nothing_is_done_when_nothing_is_asked_for():
    samples = np.random.default_rng(0).normal(size=1000)
    assert enhance(samples, 8000, "none") is samples
    with pytest.raises(ValueError, match="method"):
        enhance(samples, 8000, "magic")
    with pytest.raises(ValueError, match="^method: expected one of none, subtraction, wiener, found 'magic'$"):
        enhance(samples[:0], 8000, "magic")


@pytest.mark.parametrize("rate, count", [(8000, 8000), (16000, 5001), (22050, 1411)])
def test_windows_add_up(rate, count):
    samples = np.random.default_rng(0).normal(size=count)
    half = round(enhancement.WINDOW * rate / 2)
    assert np.allclose(enhancement._synthesise(enhancement._analyse(samples, half), half, count), samples)


@pytest.mark.parametrize("count, windows", [(256, 3), (257, 4), (384, 4), (385, 5)])
def test_windows_overlap_by_half_and_the_first_and_the_last_reach_over_the_edges(count, windows):
    samples = np.random.default_rng(0).normal(size=count)
    spectra = enhancement._analyse(samples, 128)
    assert spectra.shape == (windows, 129)
    padded = np.concatenate([np.zeros(128), samples, np.zeros(256)])
    shape = np.sqrt(0.5 - 0.5 * np.cos(np.pi * (2 * np.arange(256) + 1) / 256))
    for number, spectrum in enumerate(spectra):
        assert np.allclose(spectrum, np.fft.rfft(shape * padded[128 * number:128 * number + 256]))
    assert np.abs(spectra[-1]).max() > 0


@pytest.mark.parametrize("method", REAL)
def test_shorter_than_a_window_of_32_milliseconds_nothing_is_done(method):
    samples = np.random.default_rng(0).normal(size=512)
    for count, rate, same in ((255, 8000, True), (256, 8000, False), (511, 16000, True), (512, 16000, False)):
        assert np.array_equal(enhance(samples[:count], rate, method), samples[:count]) is same


@pytest.mark.parametrize("windows", [3, 5, 60, 160])
def test_the_noise_is_four_times_the_least_average_of_five_windows_within_50_to_each_side(windows):
    power = np.random.default_rng(0).chisquare(2, size=(windows, 3))
    power[[0, -1]] = 0.0  # windows over the edges: not looked at
    inner = np.arange(1, windows - 1)
    reach = min(5, len(inner)) // 2
    averages = {t: np.mean([power[min(max(t + k, 1), windows - 2)] for k in range(-reach, reach + 1)], axis=0)
                for t in inner}
    expected = [4 * np.min([averages[u] for u in inner if abs(u - t) <= 50], axis=0) for t in inner]
    assert np.allclose(noise_power(power), [expected[0], *expected, expected[-1]])


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
def test_the_estimate_of_steady_noise_is_its_power(rate):
    half = round(enhancement.WINDOW * rate / 2)
    power = np.abs(enhancement._analyse(np.random.default_rng(0).normal(size=10 * rate), half)) ** 2
    estimate = noise_power(power)
    assert estimate.shape == power.shape
    assert estimate[5:-5].mean() == pytest.approx(power[5:-5].mean(), rel=0.1)


def test_the_estimate_follows_noise_that_grows():
    rng = np.random.default_rng(0)
    audio = np.concatenate([rng.normal(size=32000), 3 * rng.normal(size=64000)])
    estimate = noise_power(np.abs(enhancement._analyse(audio, 256)) ** 2).mean(axis=1)
    assert estimate[300] / estimate[50] == pytest.approx(9.0, rel=0.25)


def test_gains_of_subtraction():
    noise_of = np.ones((1, 3))
    loud = subtraction_gains(np.array([[1000.0, 100.0, 1.0]]), noise_of)  # 25 dB: factor 1
    assert np.allclose(loud, np.sqrt([[0.999, 0.99, FLOOR]]))
    even = subtraction_gains(np.array([[10.0, 2.0, 30.0]]), noise_of)  # 11.46 dB
    factor = 4.75 + (10 * np.log10(14) + 5) * (1 - 4.75) / 25
    assert np.allclose(even, np.sqrt([[1 - factor / 10, FLOOR, 1 - factor / 30]]))
    low = subtraction_gains(np.array([[0.1, 0.1, 0.7]]), noise_of)  # below -5 dB
    assert np.allclose(low, 0.1)
    with np.errstate(all="raise"):  # no division by the nothing that was heard
        silent = subtraction_gains(np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]), np.zeros((2, 3)))
    assert np.allclose(silent, [[0.1, 1.0, 0.1], [0.1, 0.1, 0.1]])


def test_gains_of_wiener_by_hand():
    power, noise_of = np.array([[5.0], [3.0], [0.5]]), np.ones((3, 1))
    gains, before = [], 4.0
    for now in (5.0, 3.0, 0.5):
        ratio = max(0.9 * before + 0.1 * max(now - 1, 0), 10 ** -2.5)
        gains.append(ratio / (1 + ratio))
        before = gains[-1] ** 2 * now
    assert np.allclose(wiener_gains(power, noise_of)[:, 0], gains)
    assert np.allclose(wiener_gains(np.zeros((3, 1)), noise_of), 10 ** -2.5 / (1 + 10 ** -2.5))
    assert np.allclose(wiener_gains(np.ones((4, 1)), np.zeros((4, 1))), 1.0)


def test_features_of_enhanced_audio_differ_in_every_split(tmp_path):
    pytest.importorskip("kaldifeat", reason="kaldifeat is not built (./run.sh doctor)")
    cuts, readers = [noise_cut(tmp_path, "a", seconds=1.0)], {}
    for method in METHODS:
        for training in (True, False):
            folder = tmp_path / f"{method}-{training}"
            folder.mkdir()
            options = FeatureOptions(enhance=method, cmvn="none", device="cpu")
            compute_features(cuts, options, folder, Outcomes(), training)
            readers[method, training] = FeatureReader(folder)["a"]
    for method in METHODS:
        assert readers[method, True].equal(readers[method, False])
    for method in REAL:  # all of it is noise
        assert len(readers[method, True]) == 100
        assert (readers["none", True] - readers[method, True]).median() > 1.0
    assert not torch.equal(readers["wiener", True], readers["subtraction", True])


def test_ready_features_cannot_be_enhanced(tmp_path):
    with pytest.raises(InputError, match="features.enhance"):
        compute_features(ready_corpus(tmp_path, number=2), FeatureOptions(enhance="wiener"), tmp_path, Outcomes())
    with pytest.raises(ValueError, match="enhance"):
        FeatureOptions(enhance="magic")
