"""Reverberation: rooms simulated by image sources, measured impulse responses, and speech heard through either.

A shoebox room is mirrored in its walls without end; each mirror image of the source is heard after its own distance,
weaker by the walls that it went through (Allen and Berkley, "Image method for efficiently simulating small-room
acoustics", JASA 65, 1979). With image coordinates x = (1 - 2p) s + 2 m L in each dimension, p = 0, 1 and m any whole
number, a path of length d with n = sum (|m - p| + |m|) reflections adds (-beta)^n / (4 pi d) at time d / c. The sign
is that of Lehmann and Johansson, JASA 124, 2008: with positive reflections all images add up in phase near 0 Hz.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Tuple

import numpy as np
from scipy.signal import fftconvolve, resample_poly

SOUND = 343.0  # metres a second
SABINE = 24 * math.log(10) / SOUND  # seconds a metre
OVERSAMPLING = 4  # images are placed to so many parts of a sample
NEAR_WALL = 0.3  # metres that sources and microphones keep from walls
SMALLEST, LARGEST = (3.0, 2.5, 2.3), (9.0, 7.0, 3.5)  # metres, of random rooms
DISTANCE = (0.5, 2.5)  # metres from the talker to the microphone in random rooms

Place = Tuple[float, float, float]


@dataclass(frozen=True)
class Room:
    """A room with a microphone and, all in metres, what is heard there; rt60: seconds until sound is 60 dB weaker."""

    size: Place
    rt60: float
    microphone: Place
    source: Place

    def __post_init__(self):
        if not all(0 < edge < math.inf for edge in self.size) or not 0 < self.rt60 < math.inf:
            raise ValueError(f"size, rt60: expected above 0, found {self.size}, {self.rt60}")
        for name in ("microphone", "source"):
            place = getattr(self, name)
            if not all(0 < x < edge for x, edge in zip(place, self.size)):
                raise ValueError(f"{name}: expected a place inside {self.size}, found {place}")
        if math.dist(self.microphone, self.source) < 0.01:
            raise ValueError("source: expected 1 cm from the microphone at least")

    def absorption(self) -> float:
        """Share of the energy that a wall takes, by Eyring's formula rt60 = SABINE V / (-S ln(1 - a))."""
        x, y, z = self.size
        return 1.0 - math.exp(-SABINE * x * y * z / (2 * (x * y + y * z + z * x) * self.rt60))


def random_room(rng: np.random.Generator, rt60: Tuple[float, float]) -> Room:
    """A room of the size of a chamber to a small hall, its talker at one of the distances of a conversation."""
    size = rng.uniform(SMALLEST, LARGEST)
    seconds = rng.uniform(*rt60)
    while True:
        microphone, source = rng.uniform(NEAR_WALL, size - NEAR_WALL, size=(2, 3))
        if DISTANCE[0] <= math.dist(microphone, source) <= DISTANCE[1]:
            return Room(tuple(size.tolist()), float(seconds), tuple(microphone.tolist()), tuple(source.tolist()))


def elsewhere(room: Room, rng: np.random.Generator) -> Room:
    """The same room and microphone with a source at another place, not at the microphone itself."""
    while True:
        source = tuple(rng.uniform(NEAR_WALL, np.array(room.size) - NEAR_WALL).tolist())
        if math.dist(source, room.microphone) >= DISTANCE[0]:
            return Room(room.size, room.rt60, room.microphone, source)


@lru_cache(maxsize=256)
def room_response(room: Room, rate: int) -> np.ndarray:
    """``[N]`` float64 impulse response of rt60 seconds at `rate` Hz, its direct path at sample 0 with height 1.

    The direct path is moved by its time of travel to half a sample, so what is heard begins when it was said.
    """
    direct = math.dist(room.microphone, room.source)
    longest = direct + room.rt60 * SOUND
    fine = rate * OVERSAMPLING
    grid = np.zeros(math.ceil((longest - direct) / SOUND * fine) + OVERSAMPLING)
    beta = -math.sqrt(1.0 - room.absorption())
    (x, nx), (y, ny), (z, nz) = (_images(*edge, longest) for edge in zip(room.size, room.source, room.microphone))
    flat = y[:, None] ** 2 + z ** 2
    reflections = ny[:, None] + nz
    for across, count in zip(x, nx):
        distance = np.sqrt(flat + across ** 2)
        heard = distance < longest
        distance = distance[heard]
        height = direct / distance * np.power(beta, count + reflections[heard])
        sample = np.rint((distance - direct) / SOUND * fine).astype(np.int64)
        grid += np.bincount(sample, height, len(grid))
    return OVERSAMPLING * resample_poly(grid, 1, OVERSAMPLING)


def _images(edge: float, source: float, microphone: float, longest: float) -> Tuple[np.ndarray, np.ndarray]:
    """Distances of the images in one dimension from the microphone, up to `longest`, and their reflections."""
    farthest = math.ceil(longest / (2 * edge))
    m = np.arange(-farthest, farthest + 1)
    offsets = np.concatenate([source + 2 * m * edge, -source + 2 * m * edge]) - microphone
    reflections = np.concatenate([2 * np.abs(m), np.abs(m - 1) + np.abs(m)])
    near = np.abs(offsets) <= longest
    return offsets[near], reflections[near]


def direct_path(response: np.ndarray) -> int:
    """The sample of a measured response at which the direct path comes: the first of half the largest height."""
    heights = np.abs(response)
    return int(np.argmax(heights >= 0.5 * heights.max()))


def reverberate(audio: np.ndarray, response: np.ndarray, direct: int = 0) -> np.ndarray:
    """``[T]`` float64: audio ``[T]`` as heard through a response, as long, as strong and at the same times.

    direct: sample of the direct path in the response.
    """
    heard = fftconvolve(audio, response)[direct:direct + len(audio)]
    energy = np.sum(heard ** 2)
    return heard * np.sqrt(np.sum(np.square(audio, dtype=np.float64)) / energy) if energy > 0 else heard
