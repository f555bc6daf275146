"""Kaldi's fbank and MFCC in plain numpy, frame by frame: slow, and written from the formulas.

After Kaldi `feat/feature-window.cc`, `mel-computations.cc`, `feature-fbank.cc`, `feature-mfcc.cc`, with
snip-edges=false, dither=0, povey window, preemphasis 0.97, power spectrum.
"""

import math

import numpy as np


def frames_of(samples, length, shift):
    """``[T, length]``: frames centred on the middle of each shift, the signal mirrored at its ends."""
    count = (len(samples) + shift // 2) // shift
    frames = np.zeros((count, length))
    for t in range(count):
        start = t * shift + shift // 2 - length // 2
        for i in range(length):
            j = start + i
            while not 0 <= j < len(samples):
                j = -j - 1 if j < 0 else 2 * len(samples) - 1 - j
            frames[t, i] = samples[j]
    return frames


def power_spectrum(frame):
    """Power at each FFT bin below Nyquist, and the raw log energy."""
    frame = frame - frame.mean()
    energy = math.log(max(np.dot(frame, frame), np.finfo(np.float32).eps))
    emphasised = np.array([frame[0] - 0.97 * frame[0]] + [frame[i] - 0.97 * frame[i - 1]
                                                          for i in range(1, len(frame))])
    length = len(frame)
    window = np.array([(0.5 - 0.5 * math.cos(2 * math.pi * i / (length - 1))) ** 0.85 for i in range(length)])
    size = 2 ** math.ceil(math.log2(length))
    spectrum = np.fft.fft(emphasised * window, size)[:size // 2]
    return np.abs(spectrum) ** 2, energy, size


def mel(hertz):
    return 1127.0 * math.log(1.0 + hertz / 700.0)


def fbank(samples, rate, num_bins, low=20.0, high=-200.0, shift=0.01, length=0.025):
    """``[T, num_bins]`` log mel energies and ``[T]`` raw log energies of 16-bit samples."""
    high = high if high > 0 else rate / 2 + high
    rows, energies = [], []
    for frame in frames_of(np.asarray(samples, dtype=np.float64), int(rate * length), int(rate * shift)):
        power, energy, size = power_spectrum(frame)
        width = (mel(high) - mel(low)) / (num_bins + 1)
        row = []
        for b in range(num_bins):
            left, centre, right = (mel(low) + (b + k) * width for k in range(3))
            total = 0.0
            for i, value in enumerate(power):
                m = mel(i * rate / size)
                if left < m <= centre:
                    total += value * (m - left) / (centre - left)
                elif centre < m < right:
                    total += value * (right - m) / (right - centre)
            row.append(math.log(max(total, np.finfo(np.float32).eps)))
        rows.append(row)
        energies.append(energy)
    return np.array(rows), np.array(energies)


def mfcc(samples, rate, num_bins, num_ceps, use_energy=False, **more):
    """``[T, num_ceps]``: the DCT of the log mel energies, liftered with Q = 22."""
    energies_by_bin, raw = fbank(samples, rate, num_bins, **more)
    ceps = np.zeros((len(raw), num_ceps))
    for k in range(num_ceps):
        norm = math.sqrt((1 if k == 0 else 2) / num_bins)
        basis = np.array([norm * math.cos(math.pi / num_bins * (n + 0.5) * k) for n in range(num_bins)])
        ceps[:, k] = energies_by_bin @ basis * (1 + 0.5 * 22 * math.sin(math.pi * k / 22))
    if use_energy:
        ceps[:, 0] = raw
    return ceps


def deltas(features, order, window=2):
    """``[T, F * (order + 1)]`` after Kaldi's ComputeDeltas, frames clamped at the ends."""
    scales = [[1.0]]
    for _ in range(order):
        previous, norm = scales[-1], sum(j * j for j in range(-window, window + 1))
        current = [0.0] * (len(previous) + 2 * window)
        for j in range(-window, window + 1):
            for k, value in enumerate(previous):
                current[j + k + window] += j * value
        scales.append([value / norm for value in current])
    dim = features.shape[1]
    out = np.zeros((len(features), dim * (order + 1)))
    for i, scale in enumerate(scales):
        reach = (len(scale) - 1) // 2
        for t in range(len(features)):
            for j in range(-reach, reach + 1):
                frame = min(max(t + j, 0), len(features) - 1)
                out[t, i * dim:(i + 1) * dim] += scale[j + reach] * features[frame]
    return out
