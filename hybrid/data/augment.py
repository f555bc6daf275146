"""Copies of training utterances in other acoustics: noise, babble, rooms.

Which copy hears what is planned from (seed, id) alone and stands in the manifest of the features; the sound is made
when features are extracted and is not kept. Times stay as they are (hybrid/data/copies.py).
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence, Set, Tuple

import numpy as np
from lhotse.cut import Cut
from lhotse.utils import fastcopy

from graphs.errors import InputError
from graphs.options import check_at_least, check_between
from hybrid.data import noise
from hybrid.data.audio import load_audio
from hybrid.data.copies import copy_id, original_of
from hybrid.data.corpus import recording_of, utterance
from hybrid.data.manifest import read_cuts, source_files, speaker_of
from hybrid.data.rooms import Room, direct_path, elsewhere, random_room, reverberate, room_response
from hybrid.data.transforms import seed_of

RECORDED = "recorded"
KINDS = (*noise.KINDS, RECORDED)
AUDIO = {".wav", ".flac", ".ogg", ".mp3", ".sph"}


@dataclass(frozen=True)
class AugmentOptions:
    """The section [augment]: copies of the training split beside the utterances themselves."""

    copies: int = field(default=0, metadata={"help": "copies of each training utterance in other acoustics"})
    noises: Tuple[str, ...] = field(default=noise.KINDS, metadata={
        "help": f"kinds of noise, of which each copy draws one: {', '.join(KINDS)}; empty for none"})
    snrs: Tuple[float, ...] = field(default=(0.0, 20.0), metadata={
        "help": "lowest and highest ratio of speech to noise, decibels"})
    noise_files: str = field(default="", metadata={
        "help": f"folder of audio files, or manifest of cuts, for noise `{RECORDED}`"})
    rooms: float = field(default=0.5, metadata={"help": "share of the copies that are heard in a room"})
    rt60: Tuple[float, ...] = field(default=(0.2, 0.8), metadata={
        "help": "shortest and longest reverberation of simulated rooms, seconds until sound is 60 dB weaker"})
    num_rooms: int = field(default=50, metadata={"help": "simulated rooms, of which copies draw one"})
    responses: str = field(default="", metadata={
        "help": "folder of impulse responses, or manifest of cuts, to take in place of simulated rooms"})
    seed: int = field(default=0, metadata={"help": "of all that is drawn"})

    def __post_init__(self):
        check_at_least(0, self, "copies")
        check_at_least(1, self, "num_rooms")
        unknown = sorted(set(self.noises) - set(KINDS))
        if unknown:
            raise ValueError(f"noises: expected some of {', '.join(KINDS)}, found {', '.join(unknown)}")
        if (RECORDED in self.noises) != bool(self.noise_files):
            raise ValueError(f"noise_files: expected a folder or manifest if noises has {RECORDED}, and only then")
        if not (len(self.snrs) == 2 and -40 <= self.snrs[0] <= self.snrs[1] <= 100):
            raise ValueError(f"snrs: expected lowest and highest, -40 to 100 dB, found {self.snrs}")
        if not (len(self.rt60) == 2 and 0.05 <= self.rt60[0] <= self.rt60[1] <= 3):
            raise ValueError(f"rt60: expected shortest and longest, 0.05 to 3 seconds, found {self.rt60}")
        check_between(0, 1, self, "rooms")
        if self.copies and not self.noises and self.rooms < 1:
            raise ValueError("noises: expected one at least, or rooms = 1: other copies would change nothing")


class Hall(NamedTuple):
    """A room with the places of the talker and of what else is heard in it."""

    talker: Room
    others: Tuple[Room, ...]


@dataclass(frozen=True)
class Recipe:
    """What a copy hears.

    Attributes:
      seed: of the noise's samples and of the places in its sources.
      noise: one of KINDS, or "" for none.
      snr: decibels, over the whole utterance.
      sources: cuts of the voices of babble, or of the recorded noise.
      hall: a simulated room: each source stands at a place of its own in it.
      response: cut of a measured response, for the speech only.
    """

    seed: int
    noise: str = ""
    snr: Optional[float] = None
    sources: Tuple[Cut, ...] = ()
    hall: Optional[Hall] = None
    response: Optional[Cut] = None

    def facts(self) -> Dict[str, object]:
        """JSON-able, for the manifest."""
        facts: Dict[str, object] = {}
        if self.noise:
            facts.update(noise=self.noise, snr=self.snr, sources=[cut.id for cut in self.sources])
        if self.hall is not None:
            facts.update(room=list(self.hall.talker.size), rt60=self.hall.talker.rt60)
        if self.response is not None:
            facts["response"] = self.response.id
        return facts

    def apply(self, samples: np.ndarray, rate: int) -> np.ndarray:
        """``[T]`` samples of the original at `rate` Hz in, ``[T]`` float32 of the copy out.

        Raises: InputError for a silent noise; what Lhotse's backends do for bad audio of the sources.
        """
        rng = np.random.default_rng(self.seed)
        audio = samples.astype(np.float64)
        if self.response is not None:
            response = _samples(self.response, rate)
            audio = reverberate(audio, response, direct_path(response))
        elif self.hall is not None:
            audio = reverberate(audio, room_response(self.hall.talker, rate))
        if self.noise and len(audio):
            audio = noise.add_noise(audio, self._noise(len(audio), rate, rng), self.snr, slice(None))
        return audio.astype(np.float32)

    def _noise(self, count: int, rate: int, rng: np.random.Generator) -> np.ndarray:
        if self.noise == "white":
            return noise.white(count, rng)
        if self.noise == "pink":
            return noise.pink(count, rng)
        sources = [_part(cut, count, rate, rng) for cut in self.sources]
        if self.hall is not None:
            sources = [reverberate(source, room_response(place, rate))
                       for source, place in zip(sources, self.hall.others)]
        return np.sum(sources, axis=0)


def _part(cut: Cut, count: int, rate: int, rng: np.random.Generator) -> np.ndarray:
    """``[count]`` samples of power 1 from a random place of a cut, which is repeated if it is too short."""
    spare = cut.duration - count / rate
    if spare > 0.01:  # read no more of a long recording than is heard
        samples = _samples(cut.truncate(offset=round(rng.uniform(0, spare - 0.005), 3),
                                        duration=count / rate + 0.001), rate)[:count]
    else:
        samples = _samples(cut, rate)
        samples = samples[(rng.integers(len(samples)) + np.arange(count)) % len(samples)]
    power = np.mean(samples ** 2)
    if power == 0:
        raise InputError(f"noise {cut.id}", "sound", "silence")
    return samples / np.sqrt(power)


def _samples(cut: Cut, rate: int) -> np.ndarray:
    """``[N]`` float64, the first channel at `rate` Hz."""
    return load_audio(cut if cut.sampling_rate == rate else cut.resample(rate))[0].astype(np.float64)


def with_copies(cuts: Sequence[Cut], options: AugmentOptions) -> Tuple[List[Cut], Dict[str, Recipe]]:
    """The cuts, each followed by its copies (`ID-aug1`, of a speaker `NAME-aug1`), and the recipe of each copy.

    Raises: InputError for ids that look like a copy's, sources that are not there, babble without other speakers.
    """
    if options.copies == 0:
        return list(cuts), {}
    taken = next((cut.id for cut in cuts if original_of(cut.id) != cut.id), None)
    if taken is not None:
        raise InputError(f"cut {taken}", "an id that does not end like that of a copy", taken)
    planner = _Planner(cuts, options)
    everything: List[Cut] = []
    recipes: Dict[str, Recipe] = {}
    for cut in cuts:
        everything.append(cut)
        for number in range(1, options.copies + 1):
            name = copy_id(cut.id, number)
            recipes[name] = planner.recipe(name, speaker_of(cut))
            everything.append(_copy(cut, name, number, recipes[name]))
    return everything, recipes


def _copy(cut: Cut, name: str, number: int, recipe: Recipe) -> Cut:
    supervisions = [
        fastcopy(s, id=copy_id(s.id, number), speaker=copy_id(s.speaker, number) if s.speaker else s.speaker)
        for s in cut.supervisions]
    custom = {**(cut.custom or {}), "augmentation": recipe.facts()}
    return fastcopy(cut, id=name, supervisions=supervisions, custom=custom)


class _Planner:
    """Draws recipes; each depends on the options, the id of its copy and the cuts alone."""

    def __init__(self, cuts: Sequence[Cut], options: AugmentOptions):
        self.options = options
        self._of_speaker: Dict[str, List[Cut]] = {}
        for cut in cuts:
            self._of_speaker.setdefault(speaker_of(cut), []).append(cut)
        self._recorded = read_sources("augment.noise_files", options.noise_files)
        self._responses = read_sources("augment.responses", options.responses)
        if "babble" in options.noises and len(self._of_speaker) < 2:
            raise InputError("augment.noises = babble", "two training speakers at least", f"{len(self._of_speaker)}")

    def recipe(self, name: str, speaker: str) -> Recipe:
        options = self.options
        seed = seed_of(options.seed, "augment", name)
        rng = np.random.default_rng(seed)
        in_room, snr = rng.random() < options.rooms, round(float(rng.uniform(*options.snrs)), 2)
        kind = str(rng.choice(options.noises)) if options.noises else ""
        sources: Tuple[Cut, ...] = ()
        if kind == "babble":
            others = [other for other in self._of_speaker if other != speaker]
            chosen = rng.permutation(len(others))[:noise.AT_ONCE]
            sources = tuple(_one_of(self._of_speaker[others[i]], rng) for i in chosen)
        elif kind == RECORDED:
            sources = (_one_of(self._recorded, rng),)
        response = _one_of(self._responses, rng) if in_room and self._responses else None
        hall = None
        if in_room and response is None:
            hall = make_hall(options.seed, int(rng.integers(options.num_rooms)), options.rt60)
        return Recipe(seed, kind, snr if kind else None, sources, hall, response)


def _one_of(cuts: Sequence[Cut], rng: np.random.Generator) -> Cut:
    return cuts[int(rng.integers(len(cuts)))]


def make_hall(seed: int, number: int, rt60: Tuple[float, ...]) -> Hall:
    """Room `number` of a seed with places for as many voices as babble has."""
    rng = np.random.default_rng(seed_of(seed, "room", number))
    talker = random_room(rng, rt60)
    return Hall(talker, tuple(elsewhere(talker, rng) for _ in range(noise.AT_ONCE)))


def read_sources(item: str, place: str) -> List[Cut]:
    """A cut of each audio file below a folder, or the cuts of a manifest; none for "".

    Raises: InputError when there is none, or one without sound.
    """
    if not place:
        return []
    path = Path(place)
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.suffix.lower() in AUDIO)
        names = [file.relative_to(path).as_posix() for file in files]
        cuts = [utterance(name, recording_of(file, name), "", channel=0) for name, file in zip(names, files)]
    else:
        cuts = read_cuts(path)
    empty = next((cut.id for cut in cuts if not cut.has_recording or cut.recording.num_samples == 0), None)
    if empty is not None or not cuts:
        raise InputError(f"{item} = {place}", "audio files, or cuts with recordings", empty or "none")
    return cuts


def files_read(options: AugmentOptions) -> Set[Path]:
    """The audio that copies are made with, besides that of the training split."""
    if options.copies == 0:
        return set()
    return source_files(read_sources("augment.noise_files", options.noise_files)
                        + read_sources("augment.responses", options.responses))
