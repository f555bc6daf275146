"""Additive noise at a stated signal-to-noise ratio."""

from typing import Sequence

import numpy as np

KINDS = ("white", "pink", "babble")
AT_ONCE = 5  # voices in babble


def white(count: int, rng: np.random.Generator) -> np.ndarray:
    """``[count]`` Gaussian samples."""
    return rng.standard_normal(count)


def pink(count: int, rng: np.random.Generator) -> np.ndarray:
    """``[count]`` samples of Gaussian noise whose power falls with 1/frequency (3 dB an octave)."""
    spectrum = np.fft.rfft(rng.standard_normal(count))
    frequency = np.maximum(np.arange(len(spectrum)), 1)
    return np.fft.irfft(spectrum / np.sqrt(frequency), count)


def babble(count: int, rng: np.random.Generator, speeches: Sequence[np.ndarray]) -> np.ndarray:
    """``[count]`` samples of up to AT_ONCE of the speeches at once, equally loud, each from a random place.

    Args:
      speeches: one array of samples of each voice, repeated where it is too short.
    """
    total = np.zeros(count)
    for i in rng.permutation(len(speeches))[:AT_ONCE]:
        speech = speeches[i].astype(np.float64)
        place = (rng.integers(len(speech)) + np.arange(count)) % len(speech)
        total += speech[place] / np.sqrt(np.mean(speech ** 2))
    return total


def add_noise(audio: np.ndarray, noise: np.ndarray, snr: float, speech: slice) -> np.ndarray:
    """Audio plus the noise, so scaled that power of audio / power of noise is the ratio.

    Args:
      audio, noise: ``[count]``.
      snr: decibels.
      speech: the part in which both powers are measured, without the silence around the sentence.
    """
    ratio = np.mean(audio[speech] ** 2) / np.mean(noise[speech] ** 2)
    return audio + noise * np.sqrt(ratio / 10.0 ** (snr / 10.0))
