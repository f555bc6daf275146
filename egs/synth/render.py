"""Sentences to 16 kHz wav files with the true times of their words and phones.

Every task runs in a process of its own that says the task's sentences and nothing else: espeak keeps
state from one sentence to the next, so only that makes the samples the same in every run, with any
number of processes.
"""

import functools
import multiprocessing
import os
import time
import wave
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
from scipy.signal import firwin, resample_poly

from egs.synth.espeak import Synthesizer
from egs.synth.phones import SILENCE
from egs.synth.segments import Segments, said_words, segment
from egs.synth.voices import Voice
from hybrid.data import noise
from hybrid.data.rooms import random_room, reverberate, room_response
from hybrid.processes import ProcessDied, kill_children, work_for_parent

RATE = 16000
UP, DOWN = 320, 441  # 22050 Hz * 320 / 441 = 16000 Hz
EDGE = (0.08, 0.20)  # seconds of silence put before and after a sentence
LOUDNESS = (-32.0, -22.0)  # decibels below full scale, of the speech
FLOOR = -75.0  # decibels below full scale: every recording has this much white noise
PEAK = 0.98


class Sentence(NamedTuple):
    """One utterance to make.

    Attributes:
      noise: "" for clean speech, or one of noise.KINDS at `snr` decibels.
      rt60: seconds of reverberation of the room that it is heard in; None for no room.
    """

    utterance_id: str
    text: str
    noise: str = ""
    snr: Optional[float] = None
    rt60: Optional[float] = None


class Task(NamedTuple):
    """Sentences of one voice.

    Attributes:
      seed: of silences, loudness and noise.
      folder: for the wav files; only `render` needs one.
      babble: ``[samples]`` int16 arrays at RATE of other voices' speech.
    """

    voice: Voice
    sentences: Tuple[Sentence, ...]
    seed: int
    folder: Optional[Path] = None
    babble: Tuple[np.ndarray, ...] = ()


class Rendered(NamedTuple):
    """What became of a sentence. Times are in samples at RATE.

    Attributes:
      words: (word, start, end), phones: (phone, start, end); the phones cover all samples.
    """

    sentence: Sentence
    num_samples: int
    words: List[Tuple[str, int, int]]
    phones: List[Tuple[str, int, int]]


def in_own_processes(function: Callable, tasks: Sequence[Task], nj: int) -> Iterator:
    """`function` of each task, in the order of the tasks, each in a process of its own; nj at a time."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    threads = ThreadPoolExecutor(max(1, nj))
    futures = [threads.submit(_in_own_process, context, function, task) for task in tasks]
    try:
        for future in futures:
            yield future.result()
    finally:
        threads.shutdown(wait=False, cancel_futures=True)
        while not all(future.done() for future in futures):  # a thread may be starting one
            kill_children()
            time.sleep(0.02)


def _in_own_process(context, function: Callable, task: Task):
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_send_result, args=(sender, function, task))
    process.start()
    sender.close()
    try:
        error, result = receiver.recv()
    except EOFError:
        process.join()
        raise ProcessDied(f"the synthesizer's process for voice {task.voice.name}", process.exitcode) from None
    process.join()
    if error is not None:
        raise error
    return result


def _send_result(sender, function: Callable, task: Task) -> None:
    work_for_parent(os.getppid())  # the fork server, which ends with the program
    try:
        sender.send((None, function(task)))
    except Exception as error:
        sender.send((error, None))


class _Speaker:
    """A voice that also tells how it says a word on its own."""

    def __init__(self, voice: Voice):
        self.accent = voice.accent
        self._synthesizer = Synthesizer(
            voice.language, voice.variant, voice.pitch, voice.pitch_range, voice.rate)
        self.say = self._synthesizer.say
        self._phones_of: Dict[str, Tuple[str, ...]] = {}

    def pronounce(self, word: str) -> Tuple[str, ...]:
        if word not in self._phones_of:
            [(_, self._phones_of[word])] = said_words(self.say(word), word, self.accent, self.pronounce)
        return self._phones_of[word]


def render(task: Task) -> List[Rendered]:
    """Makes the utterances of a task and writes their wav files."""
    speaker = _Speaker(task.voice)
    done = []
    for sentence in task.sentences:
        speech = speaker.say(sentence.text)
        segments = segment(speech, sentence.text, speaker.accent, speaker.pronounce)
        rng = np.random.default_rng([task.seed, zlib.crc32(sentence.utterance_id.encode())])
        before, after = (int(rng.uniform(*EDGE) * RATE) for _ in range(2))
        audio = np.pad(_resample(speech.samples), (before, after))
        rendered = _times(sentence, segments, before, len(audio))
        if sentence.rt60 is not None:
            audio = reverberate(audio, _room(task, sentence))
        audio = _in_noise(audio, rendered, task.babble, rng)
        write_wav(task.folder / f"{sentence.utterance_id}.wav", audio)
        done.append(rendered)
    return done


def _room(task: Task, sentence: Sentence) -> np.ndarray:
    """The response of a room of the sentence's own."""
    rng = np.random.default_rng([task.seed, zlib.crc32(sentence.utterance_id.encode()), 1])
    return room_response(random_room(rng, (sentence.rt60, sentence.rt60)), RATE)


def render_words(task: Task) -> List[Tuple[str, Tuple[str, ...]]]:
    """Every word of a task's sentences with its phones; no audio is kept."""
    speaker = _Speaker(task.voice)
    return [word for sentence in task.sentences for word in said_words(
        speaker.say(sentence.text), sentence.text, speaker.accent, speaker.pronounce)]


def render_babble(task: Task) -> np.ndarray:
    """``[samples]`` int16 at RATE: all sentences of a task in a row."""
    speaker = _Speaker(task.voice)
    audio = np.concatenate([_resample(speaker.say(sentence.text).samples) for sentence in task.sentences])
    return np.round(audio * (PEAK * 32767.0 / np.abs(audio).max())).astype(np.int16)


def _resample(samples: np.ndarray) -> np.ndarray:
    """int16 at espeak's 22050 Hz to float at RATE; the filter has no delay, so time t stays time t."""
    return resample_poly(samples.astype(np.float64), UP, DOWN, window=_low_pass())


@functools.lru_cache(maxsize=None)
def _low_pass() -> np.ndarray:
    """What resample_poly would compute anew for each sentence."""
    return firwin(20 * DOWN + 1, 1.0 / DOWN, window=("kaiser", 5.0))


def _times(sentence: Sentence, segments: Segments, before: int, num_samples: int) -> Rendered:
    """Times at RATE; the silences at the edges reach to the ends of the audio."""
    phones = [(p.phone, before + round(p.start * UP / DOWN), before + round(p.end * UP / DOWN))
              for p in segments.phones]
    words = [(w.word, phones[w.phones[0]][1], phones[w.phones[-1]][2]) for w in segments.words]
    spoken = phones[segments.words[0].phones[0]:segments.words[-1].phones[-1] + 1]
    phones = [(SILENCE, 0, words[0][1]), *spoken, (SILENCE, words[-1][2], num_samples)]
    return Rendered(sentence, num_samples, words, phones)


def _in_noise(audio: np.ndarray, rendered: Rendered, babble: Tuple[np.ndarray, ...],
              rng: np.random.Generator) -> np.ndarray:
    """The sentence at a random loudness with its noise; full scale is 1."""
    sentence, speech = rendered.sentence, slice(rendered.words[0][1], rendered.words[-1][2])
    loudness = 10.0 ** (rng.uniform(*LOUDNESS) / 20.0)
    audio = audio * (loudness / np.sqrt(np.mean(audio[speech] ** 2)))
    if sentence.noise == "babble":
        audio = noise.add_noise(audio, noise.babble(len(audio), rng, babble), sentence.snr, speech)
    elif sentence.noise:
        make = {"white": noise.white, "pink": noise.pink}[sentence.noise]
        audio = noise.add_noise(audio, make(len(audio), rng), sentence.snr, speech)
    audio = audio + 10.0 ** (FLOOR / 20.0) * noise.white(len(audio), rng)
    return audio * min(1.0, PEAK / np.abs(audio).max())


def write_wav(path: Path, audio: np.ndarray) -> None:
    """16-bit mono at RATE; audio is float with full scale 1."""
    with wave.open(str(path), "wb") as stream:
        stream.setnchannels(1)
        stream.setsampwidth(2)
        stream.setframerate(RATE)
        stream.writeframes(np.round(audio * 32767.0).astype("<i2").tobytes())
