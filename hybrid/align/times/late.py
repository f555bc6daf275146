"""By how much phones are found late, each by its own measure, without knowing the truth.

A network learns the boundaries of the alignment that it was trained on, and keeps what is systematic in them: that the
closure of a stop begins a frame late, and a nasal on time. Frames of one HMM state look alike, and the more so the
better the labels fit the sound. With one Gaussian for each pdf_id and a common diagonal covariance, all boundaries at
which a phone begins are moved by a frame where that makes the features likelier, phone by phone, and the Gaussians are
estimated again, until none wants to move (segmental k-means, Juang and Rabiner 1990, with one freedom a phone). A
parabola through the likelihoods before, at and after the place found gives the part of a frame.
"""

from typing import Dict, Hashable, Sequence, Tuple

import numpy as np
from torch import Tensor

from graphs.errors import InputError
from hybrid.align.delay import VARIANCE_FLOOR

ROUNDS = 10  # frames that a phone can move; more are no longer a matter of boundaries
FEWEST = 30  # boundaries of a phone; with fewer it takes the mean of all


def late_by_phone(features: Sequence[Tensor], pdf_ids: Sequence[np.ndarray], starts: Sequence[Sequence[int]],
                  phones: Sequence[Sequence[Hashable]]) -> Dict[Hashable, float]:
    """
    Args:
      features: of each utterance, ``[T, F]`` float.
      pdf_ids: of each utterance, ``[T]`` integers.
      starts: of each utterance, the frames at which its phones begin, ascending.
      phones: and which phones they are; the first of an utterance, which begins with it, does not count.
    Returns: phone -> frames by which it is found late, of all phones that begin somewhere.
    Raises: InputError where features and pdf_ids are not of the same frames.
    """
    lengths = [len(x) for x in features]
    if lengths != [len(y) for y in pdf_ids]:
        raise InputError("boundaries that come late", "a pdf_id for each frame of each utterance",
                         f"utterances of {lengths[:5]} frames and of {[len(y) for y in pdf_ids][:5]} pdf_ids")
    kinds = sorted({name for own in phones for name in own[1:]}, key=str)
    if not kinds:
        return {}
    number = {name: i for i, name in enumerate(kinds)}
    fixed = len(kinds)  # the kind of the first boundary of an utterance
    kind = np.array([number[name] if i else fixed for own in phones for i, name in enumerate(own)])
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    at = np.concatenate([offset + np.asarray(own, dtype=np.int64) for offset, own in zip(offsets, starts)])
    counts = np.append(np.bincount(kind, minlength=fixed)[:fixed], 0)
    earlier = _frames_earlier(np.concatenate([x.numpy() for x in features]),
                              np.concatenate(pdf_ids).astype(np.int64), at, kind, counts)
    often = counts >= FEWEST
    mean = float(np.average(earlier[often], weights=counts[often])) if often.any() else 0.0
    return {name: float(earlier[i]) if often[i] else mean for name, i in number.items()}


def _frames_earlier(frames, labels, at, kind, counts) -> np.ndarray:
    """Frames by which the boundaries of each kind are better moved to the left; labels and at are changed."""
    earlier = np.zeros(len(counts))
    for _ in range(ROUNDS):
        means, variance = _gaussians(frames, labels)
        left, right = labels[at - 1], labels[at]
        gains = [np.bincount(kind, _gain(frames[place], means[new], means[old], variance), len(counts))
                 for place, new, old in ((at - 1, right, left), (at, left, right))]
        best = np.argmax([np.zeros(len(counts)), *gains], axis=0)
        step = np.where(counts >= FEWEST, np.array([0, 1, -1])[best], 0)
        if not step.any():
            break
        earlier += step
        _move(labels, at, step[kind])
    settled = (gains[0] < 0) & (gains[1] < 0)
    bend = np.where(settled, gains[0] + gains[1], -1)
    return earlier + np.where(settled, 0.5 * (gains[1] - gains[0]) / bend, 0)


def _gaussians(frames: np.ndarray, labels: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Means ``[pdf_ids, F]`` and the common variance ``[F]``; column by column, since there are many frames."""
    counts = np.bincount(labels).clip(min=1)
    means, variance = np.zeros((len(counts), frames.shape[1])), np.zeros(frames.shape[1])
    for number, column in enumerate(frames.T):
        means[:, number] = np.bincount(labels, column, len(counts)) / counts
        variance[number] = np.square(column - means[labels, number]).mean()
    return means, variance.clip(min=VARIANCE_FLOOR)


def _gain(frames: np.ndarray, new: np.ndarray, old: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """By how much likelier each frame is under its new mean than under its old one."""
    return 0.5 * ((np.square(frames - old) - np.square(frames - new)) / variance).sum(axis=1)


def _move(labels: np.ndarray, at: np.ndarray, step: np.ndarray) -> None:
    """Boundaries a frame to the left (step 1) or to the right (-1) where the phone that loses it keeps two."""
    room = np.diff(at, prepend=0, append=len(labels))  # frames of the phones on both sides
    before, after = room[:-1] > 2, room[1:] > 2
    left, right = labels[at - 1], labels[at]
    moved = np.where((step > 0) & before, -1, np.where((step < 0) & after, 1, 0))
    back, on = moved < 0, moved > 0
    labels[at[back] - 1], labels[at[on]] = right[back], left[on]
    at += moved


def taken_off(starts: np.ndarray, late: Sequence[float], end: float) -> np.ndarray:
    """Starts of phones less what they are late by; each phone keeps a tenth of its length, the first its start.

    Args:
      starts: ``[N]`` ascending.
      late: of each phone, in the same unit.
      end: of the last phone.
    """
    lengths = np.diff(np.append(starts, end))
    back = np.minimum(np.asarray(late[1:], dtype=np.float64), 0.45 * lengths[:-1])
    return np.append(starts[:1], starts[1:] - np.maximum(back, -0.45 * lengths[1:]))
