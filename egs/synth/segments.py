"""True times of phones and words, from the events of the synthesizer and the samples themselves.

espeak says at which sample each phoneme begins, with three exceptions that are mended here:

- The pause before a sound (the closure of a stop, mostly) comes before its event. It is exact zeros,
  so it is found exactly, and belongs to the phone that follows.
- The event of a vowel after a nasal or an approximant comes after the transition into the vowel;
  nasal and transition are one sequence of spectra without a mark.
- An l after a vowel, before a consonant or at the end of a word, is in the end of the vowel; its event
  comes after that.

In the last two the boundary is where the spectrum gets nearer to that of the second phone than to
that of the first. Everything here is in samples at espeak's rate.
"""

import functools
import itertools
from typing import Callable, List, NamedTuple, Sequence, Tuple

import numpy as np

from egs.synth.espeak import Speech
from egs.synth.phones import SILENCE, STOPS, VOWELS, sound_of
from graphs.errors import InputError
from hybrid.recognize.edit_distance import edit_distance

MAX_CLOSURE = 0.05  # seconds of a longer silence that belong to the stop after it
MIN_SILENCE = 0.03  # seconds; a shorter one belongs to the phone after it
WINDOW = 0.016  # seconds of a spectrum
POSTVOCALIC_L = (0.5, 0.8)  # share of "vowel and l" within which the l begins
SONORANT_END = {  # share of "sonorant and transition" within which the vowel begins
    **dict.fromkeys(("M", "N", "NG"), (0.3, 1.0)), **dict.fromkeys(("L", "R", "W", "Y"), (0.5, 1.0))}


class Phone(NamedTuple):
    phone: str
    start: int
    end: int


class Word(NamedTuple):
    """phones: range of places in the list of phones."""

    word: str
    phones: range


class Segments(NamedTuple):
    """phones cover the speech without a gap, silences included; words name their phones."""

    words: List[Word]
    phones: List[Phone]


class _Onset(NamedTuple):
    """A phone as espeak tells it: from `start` (pause before it included), sounding from `sample`."""

    phone: str
    start: int
    sample: int
    text_position: int
    after_pause: bool


def segment(speech: Speech, text: str, accent: str, pronounce: Callable[[str], Sequence[str]]) -> Segments:
    """Words and phones of a sentence with their times.

    Args:
      speech: of the text.
      text: words, separated by single blanks; commas may follow them.
      pronounce: phones of a single word; needed where espeak takes several words for one.
    """
    onsets, end = _onsets(speech, accent)
    starts = _starts(speech, onsets, end)
    phones: List[Phone] = []
    place_of: List[int] = []  # of each onset in phones
    for i, (onset, start) in enumerate(zip(onsets, starts)):
        previous_end = phones[-1].end if phones else 0
        if start > previous_end:
            phones.append(Phone(SILENCE, previous_end, start))
        place_of.append(len(phones))
        last = i + 1 == len(onsets)
        until = end if last else starts[i + 1] if not onsets[i + 1].after_pause else onsets[i + 1].start
        phones.append(Phone(onset.phone, start, until))
    if end < len(speech.samples):
        phones.append(Phone(SILENCE, end, len(speech.samples)))
    words = [Word(word, range(place_of[first], place_of[last] + 1))
             for word, first, last in _words(text, onsets, pronounce)]
    return Segments(words, phones)


def said_words(speech: Speech, text: str, accent: str,
               pronounce: Callable[[str], Sequence[str]]) -> List[Tuple[str, Tuple[str, ...]]]:
    """Each word of a sentence with its phones; arguments as for `segment`, which finds the times, too."""
    onsets, _ = _onsets(speech, accent)
    return [(word, tuple(onset.phone for onset in onsets[first:last + 1]))
            for word, first, last in _words(text, onsets, pronounce)]


def _onsets(speech: Speech, accent: str) -> Tuple[List[_Onset], int]:
    """The phones, and the sample at which the last one ends."""
    quiet = _start_of_zeros(speech.samples)
    onsets: List[_Onset] = []
    pause = None  # where a pause began that no phone has ended yet
    word_position = 0
    for event in speech.events:
        if not event.phoneme:
            word_position = event.text_position
            continue
        sound = sound_of(event.phoneme, accent)
        start = int(quiet[event.sample])
        if sound.pause:
            pause = start if pause is None else pause
        elif sound.phone is not None:
            onsets.append(_Onset(sound.phone, start if pause is None else pause, event.sample, word_position,
                                 pause is not None or not onsets))
            pause = None
    return onsets, len(speech.samples) if pause is None else pause


def _start_of_zeros(samples: np.ndarray) -> np.ndarray:
    """``[N + 1]``: where the run of zeros begins that ends just before a sample; the sample if none does."""
    places = np.arange(len(samples) + 1)
    after_sound = np.where(np.append(True, samples != 0), places, 0)
    return np.maximum.accumulate(after_sound)


def _starts(speech: Speech, onsets: List[_Onset], end: int) -> List[int]:
    """The sample at which each phone starts."""
    starts: List[int] = []
    for i, onset in enumerate(onsets):
        before = onsets[i - 1].phone if i and not onset.after_pause else None
        start = onset.start
        if onset.after_pause:
            start = _start_after_pause(onset, speech.rate, first=i == 0)
        elif before in SONORANT_END and onset.phone in VOWELS:
            start = _change(speech, starts[-1], onset.sample, SONORANT_END[before])
        elif before in VOWELS and _ends_vowel(onset, onsets[i + 1:i + 2], speech.rate, end):
            start = _change(speech, starts[-1], start, POSTVOCALIC_L)
        starts.append(start)
    return starts


def _ends_vowel(onset: _Onset, following: Sequence[_Onset], rate: int, end: int) -> bool:
    """Whether a phone after a vowel is an l in the end of it: one without sound, or the last of its word."""
    if onset.phone != "L":
        return False
    until = following[0].start if following else end
    last = not following or following[0].text_position != onset.text_position
    return last or until - onset.start < 0.002 * rate


def _start_after_pause(onset: _Onset, rate: int, first: bool) -> int:
    """Divides a silence between a pause and the closure of the stop after it."""
    closure = int(MAX_CLOSURE * rate) if onset.phone in STOPS else 0
    start = max(onset.start, onset.sample - closure)
    if first or start - onset.start >= MIN_SILENCE * rate:
        return start
    return onset.start


def _change(speech: Speech, start: int, end: int, within: Tuple[float, float]) -> int:
    """The sample between start and end at which the spectrum gets nearer to that at the end."""
    half = int(WINDOW * speech.rate) // 2
    step = speech.rate // 1000
    centres = np.arange(start, end + 1, step)
    padded = np.pad(speech.samples.astype(np.float64), half)
    spectra = _mel_spectra(padded[centres[:, None] + np.arange(2 * half)], speech.rate)
    edge = max(1, min(8, len(centres) // 5))  # of either end, in steps
    first, last = spectra[:edge].mean(axis=0), spectra[-edge:].mean(axis=0)
    nearer = ((spectra - last) ** 2).sum(axis=1) < ((spectra - first) ** 2).sum(axis=1)
    low, high = (int(share * len(centres)) for share in within)
    changed = np.flatnonzero(nearer[low:high])
    return int(centres[low + changed[0]]) if len(changed) else int(centres[min(high, len(centres) - 1)])


def _mel_spectra(frames: np.ndarray, rate: int) -> np.ndarray:
    """``[N, samples]`` -> ``[N, 20]`` logarithms of mel energies."""
    power = np.abs(np.fft.rfft(frames * np.hanning(frames.shape[1]), 512)) ** 2
    # not `@`: the threads of a BLAS cost more here than they gain
    return np.log(np.einsum("nf,fm->nm", power, _mel_filters(rate)) + 1e4)


@functools.lru_cache(maxsize=None)
def _mel_filters(rate: int, count: int = 20, highest: float = 5000.0) -> np.ndarray:
    """``[257, count]`` triangles."""
    mel = 1127.0 * np.log1p(np.fft.rfftfreq(512, 1.0 / rate) / 700.0)
    edges = np.linspace(0.0, 1127.0 * np.log1p(highest / 700.0), count + 2)
    width = edges[1] - edges[0]
    return np.clip(1.0 - np.abs(mel[:, None] - edges[None, 1:-1]) / width, 0.0, None)


def _words(text: str, onsets: Sequence[_Onset],
           pronounce: Callable[[str], Sequence[str]]) -> List[Tuple[str, int, int]]:
    """(word, its first onset, its last onset)."""
    spelled = text.split(" ")
    characters = list(itertools.accumulate((len(word) + 1 for word in spelled), initial=0))
    groups = [list(group) for _, group in itertools.groupby(
        range(len(onsets)), key=lambda i: onsets[i].text_position)]
    positions = [onsets[group[0]].text_position for group in groups]
    if not set(positions) <= set(characters[:-1]) or positions[:1] != [0]:
        raise InputError(f"sentence {text!r}", "words to begin where its words do", f"characters {positions}")
    words: List[Tuple[str, int, int]] = []
    for group, position, following in zip(groups, positions, [*positions[1:], len(text) + 1]):
        spoken = [word.strip(",") for word, at in zip(spelled, characters) if position <= at < following]
        cuts = [0, len(group)]
        if len(spoken) > 1:
            cuts = _cuts([onsets[i].phone for i in group], [list(pronounce(word)) for word in spoken])
        words += [(word, group[first], group[last - 1]) for word, first, last in zip(spoken, cuts, cuts[1:])]
    return words


def _cuts(phones: Sequence[str], singly: List[List[str]]) -> List[int]:
    """Where to cut phones that espeak gave for several words at once ("in the").

    Each part comes as near as possible to how its word sounds on its own; of equal ones the latest
    cuts win, as a linking r belongs to the word before it.
    """
    def distance(cuts: Tuple[int, ...]) -> int:
        return sum(edit_distance(alone, phones[first:last])
                   for alone, first, last in zip(singly, cuts, cuts[1:]))

    inner = itertools.combinations(range(1, len(phones)), len(singly) - 1)
    choices = [(0, *cuts, len(phones)) for cuts in inner]
    return list(min(reversed(choices), key=distance))
