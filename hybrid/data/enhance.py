"""Speech enhancement before features are computed: spectral subtraction and a Wiener filter.

Both multiply the spectrum of every window by a gain of 0 to 1, from the power Y of what was heard and an estimate N
of the noise's power in each bin.

- The noise is the smallest average power of NOISE_SMOOTH windows within NOISE_SPAN, times the factor by which a minimum
  of noise is below its mean (Martin, "Noise power spectral density estimation based on optimal smoothing and minimum
  statistics", IEEE Trans. Speech and Audio Processing 9, 2001; here with a plain average, looking both ways: recursive
  smoothing remembers speech through its pauses, and took 10 dB off clean speech).
- Subtraction (Boll, 1979; Berouti, Schwartz and Makhoul, ICASSP 1979): G^2 = max(1 - a N / Y, FLOOR), where a falls
  from 4.75 at -5 dB to 1 at 20 dB of Y / N over the window.
- Wiener: G = x / (1 + x), with the signal-to-noise ratio x by decision (Ephraim and Malah, 1984; Scalart and Filho,
  ICASSP 1996): x_t = SMOOTH G_{t-1}^2 Y_{t-1} / N_t + (1 - SMOOTH) max(Y_t / N_t - 1, 0).
"""

import numpy as np
from scipy.ndimage import minimum_filter1d, uniform_filter1d

METHODS = ("none", "subtraction", "wiener")
WINDOW = 0.032  # seconds; half of it from window to window
NOISE_SPAN = 1.6  # seconds, longer than speech holds on to one frequency
NOISE_SMOOTH = 5  # windows whose power is averaged
MINIMUM_BIAS = 4.0  # mean power of noise over the smallest average within NOISE_SPAN (tested so)
FLOOR = 0.01  # least gain of the power: a carpet of noise hides the tones that subtraction leaves
SMOOTH = 0.9  # 0.98 is usual at 8 ms from window to window and costs 2 dB here
LEAST_RATIO = 10 ** (-25 / 10)  # of the signal-to-noise ratio


def enhance(samples: np.ndarray, rate: int, method: str) -> np.ndarray:
    """``[T]`` float32 with less noise, as long and at the same times; none gives the samples back.

    Args:
      samples: ``[T]`` floats.
      rate: Hz.
      method: one of METHODS.
    """
    if method not in METHODS:
        raise ValueError(f"method: expected one of {', '.join(METHODS)}, found {method!r}")
    half = round(WINDOW * rate / 2)
    if method == "none" or len(samples) < 2 * half:  # shorter than a window: nothing to tell noise by
        return samples
    spectra = _analyse(samples, half)
    power = np.abs(spectra) ** 2
    noise = noise_power(power)
    gains = {"subtraction": subtraction_gains, "wiener": wiener_gains}[method](power, noise)
    return _synthesise(spectra * gains, half, len(samples)).astype(np.float32)


def _window(half: int) -> np.ndarray:
    """The root of Hann's: its squares, half a window apart, add up to 1."""
    return np.sin(np.pi * (np.arange(2 * half) + 0.5) / (2 * half))


def _analyse(samples: np.ndarray, half: int) -> np.ndarray:
    """``[W, half + 1]`` spectra of windows of 2 half samples, the first and the last over the edges."""
    blocks = -(-len(samples) // half) + 2
    padded = np.zeros(blocks * half)
    padded[half:half + len(samples)] = samples
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * half)[::half]
    return np.fft.rfft(windows * _window(half))


def _synthesise(spectra: np.ndarray, half: int, count: int) -> np.ndarray:
    windows = np.fft.irfft(spectra, 2 * half) * _window(half)
    blocks = np.zeros((len(windows) + 1, half))
    blocks[:-1] += windows[:, :half]
    blocks[1:] += windows[:, half:]
    return blocks.ravel()[half:half + count]


def noise_power(power: np.ndarray) -> np.ndarray:
    """``[W, bins]``: the power of the noise in each window, from that of what was heard, ``[W, bins]``, W >= 3.

    The windows over the edges hold half a window of nothing: they are left out, and take what their neighbours have.
    """
    inner = power[1:-1]
    smoothed = uniform_filter1d(inner, min(NOISE_SMOOTH, len(inner)), axis=0, mode="nearest")
    span = 2 * round(NOISE_SPAN / WINDOW) + 1
    noise = MINIMUM_BIAS * minimum_filter1d(smoothed, span, axis=0, mode="nearest")
    return np.concatenate([noise[:1], noise, noise[-1:]])


def _quotient(power: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """power / noise, and very large where there is no noise."""
    return power / np.maximum(noise, 1e-20 + 1e-10 * power)


def subtraction_gains(power: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """``[W, bins]`` factors of the spectrum from power and noise, both ``[W, bins]``."""
    ratio = 10 * np.log10(_quotient(power.sum(axis=1), noise.sum(axis=1)) + 1e-10)
    factor = np.interp(ratio, [-5.0, 20.0], [4.75, 1.0])[:, None]
    return np.sqrt(np.maximum(1.0 - factor / np.maximum(_quotient(power, noise), 1e-10), FLOOR))


def wiener_gains(power: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """``[W, bins]`` factors of the spectrum from power and noise, both ``[W, bins]``."""
    after = _quotient(power, noise)
    gains = np.empty_like(power)
    clean = np.maximum(after[0] - 1.0, 0.0)  # signal-to-noise ratio of the window before
    for t, now in enumerate(after):
        ratio = np.maximum(SMOOTH * clean + (1.0 - SMOOTH) * np.maximum(now - 1.0, 0.0), LEAST_RATIO)
        gains[t] = ratio / (1.0 + ratio)
        clean = gains[t] ** 2 * now
    return gains
