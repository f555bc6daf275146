"""espeak-ng through ctypes: text in, samples and the exact sample of every word and phoneme out.

The library comes whole (with voices and dictionaries) in the wheel `espeakng-loader`. espeak-ng is
licensed under GPL-3: it is an optional extra, and only this file loads it.

The library keeps global state that no call resets (pitch flutter, phase), so the same text gives
other samples the second time. A process of its own for each series of sentences makes the samples a
function of the series alone: see render.py.
"""

import ctypes
import functools
import os
from pathlib import Path
from typing import List, NamedTuple

import numpy as np

from graphs.errors import InputError

EXTRA = "synth"  # the extra in setup.cfg that installs the wheel

# speak_lib.h
_SYNCHRONOUS = 2
_PHONEME_EVENTS, _DONT_EXIT = 0x0001, 0x8000
_RATE, _PITCH, _RANGE = 1, 3, 4  # espeak_PARAMETER
_UTF8 = 1
_END_OF_LIST, _WORD, _PHONEME = 0, 1, 7  # espeak_EVENT_TYPE


class _Id(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [("type", ctypes.c_int), ("unique_identifier", ctypes.c_uint),
                ("text_position", ctypes.c_int), ("length", ctypes.c_int),
                ("audio_position", ctypes.c_int), ("sample", ctypes.c_int),
                ("user_data", ctypes.c_void_p), ("id", _Id)]


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(_Event))


class Event(NamedTuple):
    """A word or a phoneme begins.

    Attributes:
      sample: 0-based, at the rate of the speech.
      phoneme: espeak's ASCII mnemonic with stress marks ("'eI"); "" where a word begins.
      text_position: 0-based character of the text that the word, or the phoneme's word, begins at.
    """

    sample: int
    phoneme: str
    text_position: int


class Speech(NamedTuple):
    samples: np.ndarray  # [N] int16
    rate: int  # samples per second
    events: List[Event]  # in the order of time


@functools.lru_cache(maxsize=None)
def _load() -> tuple:
    """The library, the sampling rate of its speech, the folder of voice variants."""
    check()
    import espeakng_loader
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    library.espeak_Synth.argtypes = [
        ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int, ctypes.c_uint, ctypes.c_uint,
        ctypes.c_void_p, ctypes.c_void_p]
    data = espeakng_loader.get_data_path()
    rate = library.espeak_Initialize(_SYNCHRONOUS, 0, data.encode(), _PHONEME_EVENTS | _DONT_EXIT)
    if rate <= 0:
        raise InputError("espeak-ng", f"its data in {data}", f"error {rate} of espeak_Initialize")
    return library, rate, Path(data) / "voices" / "!v"


def check() -> None:
    """InputError when espeak-ng is not there."""
    try:
        import espeakng_loader  # noqa: F401
    except ImportError:
        raise InputError("the synthesizer", f"the package espeakng-loader (extra `{EXTRA}`: "
                         f"pip install '.[{EXTRA}]')", "no such package") from None


class Synthesizer:
    """Speaks sentences in one voice."""

    def __init__(self, language: str, variant: str = "", pitch: int = 50, pitch_range: int = 50,
                 words_per_minute: int = 175):
        """
        Args:
          language: espeak's name of a language or accent, such as "en-us".
          variant: espeak's name of a voice variant, such as "f1"; "" is the plain voice.
          pitch, pitch_range: 0 to 99, 50 leaves the variant's own.
        Raises: InputError when the package is missing or espeak does not know the voice.
        """
        self._library, self._rate, variants = _load()
        name = f"{language}+{variant}" if variant else language
        known = not variant or variant in os.listdir(variants)  # espeak ignores an unknown variant
        if not known or self._library.espeak_SetVoiceByName(name.encode()) != 0:
            raise InputError(f"voice {name!r}", "a voice of espeak-ng", "none of that name")
        for parameter, value in ((_RATE, words_per_minute), (_PITCH, pitch), (_RANGE, pitch_range)):
            self._library.espeak_SetParameter(parameter, value, 0)

    def say(self, text: str) -> Speech:
        """The speech of a text of ASCII characters."""
        blocks: List[bytes] = []
        events: List[Event] = []

        def receive(samples, count, event):
            if samples:
                blocks.append(ctypes.string_at(samples, 2 * count))
            i = 0
            while event[i].type != _END_OF_LIST:
                if event[i].type in (_WORD, _PHONEME):
                    phoneme = event[i].id.string.decode() if event[i].type == _PHONEME else ""
                    events.append(Event(event[i].sample, phoneme, event[i].text_position - 1))
                i += 1
            return 0

        callback = _Callback(receive)  # espeak holds only a pointer: this name keeps it alive
        self._library.espeak_SetSynthCallback(callback)
        encoded = text.encode("ascii")
        status = self._library.espeak_Synth(encoded, len(encoded) + 1, 0, 1, 0, _UTF8, None, None)
        if status != 0:
            raise InputError(f"text {text!r}", "speech", f"error {status} of espeak_Synth")
        return Speech(np.frombuffer(b"".join(blocks), dtype=np.int16), self._rate, events)
