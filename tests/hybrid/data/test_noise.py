"""Noise: its ratio to the speech, its spectrum, and who is heard in babble."""

import numpy as np
import pytest

from hybrid.data import noise


@pytest.mark.parametrize("kind", noise.KINDS)
@pytest.mark.parametrize("snr", [20.0, 0.0, -5.0])
def test_noise_is_at_the_stated_ratio(kind, snr):
    rng = np.random.default_rng(0)
    audio = np.zeros(8000)
    speech = slice(1000, 6000)
    audio[speech] = np.sin(np.arange(5000) * 0.1)
    talkers = [rng.standard_normal(3000) * 1000 for _ in range(3)]
    made = noise.babble(8000, rng, talkers) if kind == "babble" else getattr(noise, kind)(8000, rng)
    added = noise.add_noise(audio, made, snr, speech) - audio
    ratio = np.mean(audio[speech] ** 2) / np.mean(added[speech] ** 2)
    assert 10 * np.log10(ratio) == pytest.approx(snr, abs=1e-6)


def test_pink_noise_falls_by_3_decibels_an_octave():
    power = np.abs(np.fft.rfft(noise.pink(1 << 18, np.random.default_rng(0)))) ** 2
    octaves = [np.mean(power[1 << k:2 << k]) for k in range(8, 16)]
    steps = 10 * np.log10(np.array(octaves[:-1]) / np.array(octaves[1:]))
    np.testing.assert_allclose(steps, 3.01, atol=0.5)


def test_voices_in_babble_are_equally_loud():
    rng = np.random.default_rng(0)
    quiet, loud = rng.standard_normal(5000), 100 * rng.standard_normal(5000)
    mixed = noise.babble(20000, rng, [quiet, loud])
    for voice in (quiet, loud):  # each is in the mix with power 1 at one of its places
        spectrum = np.fft.fft(mixed[:5000]) * np.conj(np.fft.fft(voice / np.sqrt(np.mean(voice ** 2))))
        assert np.abs(np.fft.ifft(spectrum)).max() / 5000 == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("count", [8, 9])
def test_pink_noise_has_power_in_proportion_to_1_over_frequency_from_the_first_bin(count):
    rng = np.random.default_rng(0)
    draws = np.array([noise.pink(count, rng) for _ in range(5000)])
    assert draws.shape == (5000, count)
    power = np.mean(np.abs(np.fft.rfft(draws)) ** 2, axis=0)
    np.testing.assert_allclose(power[1:5] / power[0], [1, 1 / 2, 1 / 3, 1 / 4], rtol=0.12)  # and 0 Hz as the first


@pytest.mark.parametrize("voices, at_once", [(1, 1), (3, 3), (5, 5), (8, 5)])
def test_up_to_five_voices_are_added_up_with_power_1_each(voices, at_once):
    speeches = [np.full(2 + i, 1000 * (1 + i), np.int16) for i in range(voices)]  # squares are no 16-bit numbers
    np.testing.assert_allclose(noise.babble(20, np.random.default_rng(0), speeches), at_once)


@pytest.mark.parametrize("snr, share", [(0.0, 3.0), (20.0, 0.3), (-20.0, 30.0)])
def test_noise_is_added_by_its_power_in_the_speech(snr, share):
    audio, made = np.array([3.0, -3.0, 0.0]), np.array([1.0, 1.0, 50.0])
    np.testing.assert_allclose(noise.add_noise(audio, made, snr, slice(0, 2)), audio + share * made)
