"""Finds what is wrong with a corpus before anything is computed from it.

Every cut ends up in one of two lists: good (as it is, or mended: resampled, one channel chosen, a
little trimmed) or rejected with a reason. What a reason means is said in REASONS.
"""

from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
from lhotse import AudioSource, MonoCut, MultiCut, Recording
from lhotse.cut import Cut
from lhotse.utils import fastcopy

from graphs.errors import DamagedInput, first_line
from graphs.lang.lexicon import RESERVED_WORDS, Lexicon
from graphs.options import check_at_least, check_between, check_choice, check_positive
from hybrid.data.audio import has_whole_shift
from hybrid.data.characters import WORDS
from hybrid.data.parallel import ordered_map
from hybrid.data.probe import AudioFacts, probe_all
from hybrid.data.punctuation import PUNCTUATION
from hybrid.data.storage import check_matrix
from hybrid.data.transcript import CASES, Transcripts, normalise_text

REASONS = {
    "missing": "there is no such audio file, or the cut has neither audio nor features",
    "empty_file": "the audio file has no bytes",
    "empty_audio": "the audio holds no samples",
    "unreadable": "the audio cannot be decoded",
    "odd_rate": "the audio's sampling rate is none of speech: its header is damaged",
    "truncated": "the audio ends before its header or manifest says",
    "beyond_audio": "the utterance ends after its audio, or begins before it",
    "no_channel": "the recording lacks the chosen channel",
    "bad_features": "the ready features cannot be read or have another shape than stated",
    "duplicate_id": "an earlier utterance has the same id",
    "no_supervision": "the cut has no supervision, so no transcript",
    "several_supervisions": "the cut has several supervisions: import it with tools.import_lhotse",
    "unsupported": "a mixed or padding cut",
    "empty_transcript": "the transcript has no words",
    "reserved_word": f"the transcript has one of {', '.join(RESERVED_WORDS)}, which language models and graphs add",
    "all_oov": "no word of the transcript is in the lexicon",
    "too_short": "more phones than frames can hold",
}
NOTES = {
    "resampled": "resampled",
    "other_channels": "with several channels, one chosen",
    "trimmed": "ended a little after the audio, trimmed",
    "length_corrected": "of another length than the manifest says, corrected",
    "silent": "with nothing but zeros",
    "silent_channel": "with nothing but zeros in the chosen channel, though another has sound (see data.channel)",
    "long": "longer than data.long_seconds",
    "kept_for_scoring": "kept, though training would reject the transcript, or none is there",
    "in_other_split": "with an id that another split has, too",
}
WORRYING = ("silent", "silent_channel", "in_other_split")  # notes that hint at a mistake
RATES = 1000, 200_000  # Hz, the lowest and the highest
SPEECH_RATES = 16_000, 8_000  # Hz, of nearly all speech recognition


@dataclass(frozen=True)
class DataOptions:
    """What counts as good data."""

    sampling_rate: Optional[int] = field(default=None, metadata={
        "help": "Hz of all audio; none: the commonest of the training split, but at most 16000"})
    channel: int = field(default=0, metadata={"help": "which channel of a recording with several"})
    case: str = field(default="keep", metadata={"help": "of transcripts: keep, upper or lower"})
    punctuation: str = field(default="keep", metadata={
        "help": "of transcripts: keep, or remove what stands around words (words that the lexicon has so stay)"})
    words: str = field(default="spaces", metadata={
        "help": "of transcripts: parted by spaces; characters: each one of scripts without spaces is a word, too"})
    decode: bool = field(default=True, metadata={"help": "decode all audio; false believes the headers"})
    trim_seconds: float = field(default=0.1, metadata={
        "help": "an utterance may end this much after its audio and is trimmed"})
    frame_shift: float = field(default=0.01, metadata={"help": "seconds a frame, for too_short"})
    min_frames_per_phone: float = field(default=1.0, metadata={
        "help": "frames that a phone needs, for too_short (3 for a 3-state HMM)"})
    long_seconds: float = field(default=30.0, metadata={"help": "longer utterances are noted"})
    keep_test_transcripts: bool = field(default=True, metadata={
        "help": "keep test utterances whose transcript is empty, out of vocabulary or too long"})
    max_rejected_share: float = field(default=0.05, metadata={
        "help": "share of a split that may be rejected"})
    train_share: float = field(default=1.0, metadata={
        "help": "of the good training data, for learning curves; smaller shares lie in larger ones"})
    share_seed: int = field(default=0, metadata={"help": "chooses the utterances of train_share"})

    def __post_init__(self):
        check_choice(CASES, self, "case")
        check_choice(PUNCTUATION, self, "punctuation")
        check_choice(WORDS, self, "words")
        if self.sampling_rate is not None and not RATES[0] <= self.sampling_rate <= RATES[1]:
            raise ValueError(f"sampling_rate: expected {RATES[0]} to {RATES[1]} Hz, found {self.sampling_rate}")
        check_between(0, 1, self, "max_rejected_share")
        if not 0 < self.train_share <= 1:
            raise ValueError(f"train_share: expected above 0 and at most 1, found {self.train_share}")
        check_at_least(0, self, "channel", "trim_seconds", "min_frames_per_phone")
        check_positive(self, "frame_shift", "long_seconds")


class Rejected(NamedTuple):
    utterance_id: str
    reason: str
    detail: str


class Reject(Exception):
    """Raised inside the checks of one cut."""

    def __init__(self, reason: str, detail: str = ""):
        self.reason, self.detail = reason, detail


@dataclass
class Validated:
    """One split.

    Attributes:
      cuts: the good ones, each a MonoCut with one supervision.
      rejected: the others.
      notes: note -> utterance ids it applies to (see NOTES).
    """

    cuts: List[Cut] = field(default_factory=list)
    rejected: List[Rejected] = field(default_factory=list)
    notes: Dict[str, List[str]] = field(default_factory=dict)

    def note(self, name: str, utterance_id: str) -> None:
        self.notes.setdefault(name, []).append(utterance_id)

    @property
    def reasons(self) -> Counter:
        return Counter(one.reason for one in self.rejected)


def is_test(split: str) -> bool:
    """Splits that are only ever scored: `test...` and `eval...`."""
    return split.startswith(("test", "eval"))


def validate_corpus(splits: Dict[str, Sequence[Cut]], options: DataOptions, lexicon: Optional[Lexicon] = None,
                    nj: int = 1) -> Tuple[Dict[str, Validated], Transcripts, Optional[int]]:
    """Checks every cut of every split.

    Args:
      splits: name -> raw cuts.
      lexicon: for the checks of transcripts; None leaves them out.
    Returns:
      name -> Validated; what was seen of the training transcripts' words; the sampling rate of all
      recordings (None when there are none).
    """
    facts = _probe_recordings(splits, options, nj)
    rate = options.sampling_rate or _sampling_rate(splits, facts, options.frame_shift)
    transcripts = Transcripts(lexicon, options.min_frames_per_phone)
    results: Dict[str, Validated] = {}
    seen: Dict[str, str] = {}
    for split, cuts in splits.items():
        features = _probe_features(cuts, nj)
        checker = _Checker(split, options, rate, transcripts, facts, features)
        results[split] = checker.check_all(cuts)
        for cut in results[split].cuts:
            if seen.setdefault(cut.id, split) != split:
                results[split].note("in_other_split", cut.id)
    return results, transcripts, rate


def _key(recording: Recording) -> str:
    sources = [str(source.source) for source in recording.sources]
    return repr((recording.id, sources, recording.transforms))


def _has_audio(cut: Cut) -> bool:
    return isinstance(cut, (MonoCut, MultiCut)) and cut.has_recording


def _probe_recordings(splits: Dict[str, Sequence[Cut]], options: DataOptions,
                      nj: int) -> Dict[str, AudioFacts]:
    recordings = {_key(cut.recording): cut.recording
                  for cuts in splits.values() for cut in cuts if _has_audio(cut)}
    todo = list(recordings.values())
    size = max(1, min(50, len(todo) // (4 * nj)))
    groups = [todo[i:i + size] for i in range(0, len(todo), size)]
    work = partial(probe_all, decode=options.decode)
    facts = [one for some in ordered_map(work, groups, nj, "audio", size=len, unit="file") for one in some]
    return dict(zip(recordings, facts))


def _sampling_rate(splits: Dict[str, Sequence[Cut]], facts: Dict[str, AudioFacts],
                   frame_shift: float) -> Optional[int]:
    """The commonest, or a lower one of SPEECH_RATES where that is above them, and would spend mel filters on what holds
    next to no speech, or a frame shift is no whole number of its samples, as of 11,025 Hz."""
    rate = _commonest_rate(splits, facts)
    if rate is None or any(cut.has_features for cuts in splits.values() for cut in cuts):  # resampling drops them
        return rate
    if rate <= SPEECH_RATES[0] and has_whole_shift(rate, frame_shift):
        return rate
    return next((lower for lower in SPEECH_RATES if lower < rate), rate)


def _commonest_rate(splits: Dict[str, Sequence[Cut]], facts: Dict[str, AudioFacts]) -> Optional[int]:
    training = [name for name in splits if name.startswith("train")]
    keys = {_key(cut.recording) for name in training for cut in splits[name] if _has_audio(cut)}
    rates = Counter(facts[key].sampling_rate for key in keys if not facts[key].reason)
    rates = rates or Counter(one.sampling_rate for one in facts.values() if not one.reason)
    return min(rates, key=lambda rate: (-rates[rate], -rate)) if rates else None


def _check_ready(cuts: Sequence[Cut]) -> List[str]:
    """For each cut "" or what is wrong with the features it carries."""
    problems = []
    for cut in cuts:
        try:
            matrix = np.asarray(cut.load_features())
            check_matrix(f"features of {cut.id}", cut.features, matrix)
        except DamagedInput:
            raise
        except Exception as error:  # the storage formats each have their own
            problems.append(first_line(error))
            continue
        expected = (cut.num_frames, cut.num_features)
        problems.append("" if matrix.shape == expected and np.isfinite(matrix).all() else
                        f"expected shape {expected} of finite numbers, got {matrix.shape}")
    return problems


def _probe_features(cuts: Sequence[Cut], nj: int) -> Dict[str, str]:
    ready = list({cut.id: cut for cut in reversed(cuts)  # of cuts with the same id the first one counts
                  if isinstance(cut, MonoCut) and cut.has_features}.values())
    groups = [ready[i:i + 50] for i in range(0, len(ready), 50)]
    results = ordered_map(_check_ready, groups, nj, "features", size=len)
    return {cut.id: one for group, problems in zip(groups, results) for cut, one in zip(group, problems)}


class _Checker:
    """The checks of one split's cuts, one after the other."""

    def __init__(self, split: str, options: DataOptions, rate: Optional[int], transcripts: Transcripts,
                 facts: Dict[str, AudioFacts], features: Dict[str, str]):
        self.options, self.rate, self.transcripts = options, rate, transcripts
        self.facts, self.features = facts, features
        self.training = split.startswith("train")
        self.lenient = is_test(split) and options.keep_test_transcripts
        self.result = Validated()

    def check_all(self, cuts: Sequence[Cut]) -> Validated:
        seen = set()
        for cut in cuts:
            try:
                if cut.id in seen:
                    raise Reject("duplicate_id", "used before in this split")
                seen.add(cut.id)
                self.result.cuts.append(self._check(cut))
            except Reject as reject:
                self.result.rejected.append(Rejected(cut.id, reject.reason, reject.detail))
        return self.result

    def _check(self, cut: Cut) -> Cut:
        if not isinstance(cut, (MonoCut, MultiCut)):
            raise Reject("unsupported", type(cut).__name__)
        if len(cut.supervisions) != 1:
            raise Reject("several_supervisions" if cut.supervisions else "no_supervision",
                         f"{len(cut.supervisions)} supervisions")
        if not (cut.has_recording or cut.has_features):
            raise Reject("missing", "neither audio nor features")
        if self.features.get(cut.id):
            raise Reject("bad_features", self.features[cut.id])
        if cut.has_recording:
            cut = self._check_audio(cut)
        return self._check_transcript(self._check_supervision(cut))

    def _check_audio(self, cut: Cut) -> MonoCut:
        facts = self.facts[_key(cut.recording)]
        if facts.reason:
            raise Reject(facts.reason, facts.detail)
        if not RATES[0] <= facts.sampling_rate <= RATES[1]:
            raise Reject("odd_rate", f"expected {RATES[0]} to {RATES[1]} Hz, got {facts.sampling_rate}")
        if cut.duration <= 0:
            raise Reject("empty_audio", "a duration of 0 in the manifest: make the corpus again")
        if cut.start < 0:
            raise Reject("beyond_audio", f"starts {-cut.start:.3f} s before the audio")
        channel = self._choose_channel(cut, facts)
        place = self._channels(cut, facts).index(channel)
        if place in facts.silent:
            self.result.note("silent" if len(facts.silent) == facts.channels else "silent_channel", cut.id)
        cut = self._true_recording(cut, facts, channel)
        missing = cut.start + cut.duration - facts.num_samples / facts.sampling_rate
        self._check_end(missing, facts)
        if missing > 0.5 / facts.sampling_rate:
            self.result.note("trimmed", cut.id)
            cut = _shortened(cut, cut.duration - missing)
        if self.rate != facts.sampling_rate:
            self.result.note("resampled", cut.id)
            cut = cut.resample(self.rate)
        if cut.duration > self.options.long_seconds:
            self.result.note("long", cut.id)
        return cut

    def _choose_channel(self, cut: Cut, facts: AudioFacts) -> int:
        known, channels = cut.recording.channel_ids, self._channels(cut, facts)
        if len(channels) == 1:
            return channels[0]
        self.result.note("other_channels", cut.id)
        # one channel in a manifest that knows of others was chosen by whoever made it
        channel = cut.channel if isinstance(cut, MonoCut) and len(known) > 1 else self.options.channel
        if channel not in channels:
            raise Reject("no_channel", f"channel {channel} of {facts.channels}")
        return channel

    @staticmethod
    def _channels(cut: Cut, facts: AudioFacts) -> List[int]:
        known = cut.recording.channel_ids
        return known if len(known) == facts.channels else list(range(facts.channels))

    def _true_recording(self, cut: Cut, facts: AudioFacts, channel: int) -> MonoCut:
        """A cut of one channel, what the file really is in its recording."""
        recording = cut.recording
        true = facts.sampling_rate, facts.num_samples, facts.channels
        if (recording.sampling_rate, recording.num_samples) != true[:2]:
            self.result.note("length_corrected", cut.id)
        if (recording.sampling_rate, recording.num_samples, recording.num_channels) != true:
            channels = list(range(facts.channels))
            source = recording.sources[0]
            recording = fastcopy(
                recording, sampling_rate=facts.sampling_rate, num_samples=facts.num_samples,
                duration=facts.num_samples / facts.sampling_rate, channel_ids=channels,
                sources=[AudioSource(source.type, channels, source.source)])
        return MonoCut(id=cut.id, start=cut.start, duration=cut.duration, channel=channel,
                       recording=recording, supervisions=[fastcopy(cut.supervisions[0], channel=channel)],
                       features=cut.features if channel == cut.channel else None, custom=cut.custom)

    def _check_end(self, missing: float, facts: AudioFacts) -> None:
        """missing: seconds from the end of the audio to the end of the cut, negative before it."""
        slack = max(self.options.trim_seconds, 0.5 / facts.sampling_rate)  # times are rounded to samples
        lost = (facts.announced - facts.num_samples) / facts.sampling_rate
        if lost > slack and missing > -slack:  # also a cut up to where the damage begins
            raise Reject("truncated", f"expected {facts.announced} samples, got {facts.num_samples}")
        if missing > slack:
            raise Reject("beyond_audio", f"ends {missing:.3f} s after the audio")

    def _check_supervision(self, cut: MonoCut) -> MonoCut:
        supervision = cut.supervisions[0]
        if -supervision.start > max(self.options.trim_seconds, 1e-3):
            raise Reject("beyond_audio", f"supervision starts {-supervision.start:.3f} s before its cut")
        late = supervision.end - cut.duration
        if late > 1e-3:
            if late > self.options.trim_seconds:
                raise Reject("beyond_audio", f"supervision ends {late:.3f} s after its cut")
            self.result.note("trimmed", cut.id)
            supervision = supervision.trim(cut.duration)
        text = normalise_text(supervision.text or "", self.options.case, self.options.punctuation,
                              self.options.words, known=self.transcripts.lexicon or ())
        return fastcopy(cut, supervisions=[fastcopy(supervision, id=cut.id, text=text)])

    def _check_transcript(self, cut: MonoCut) -> MonoCut:
        frames = cut.num_frames if cut.has_features else cut.duration / self.options.frame_shift
        reason, detail = self.transcripts.check(cut.supervisions[0].text, frames, count=self.training)
        if reason and not self.lenient:
            raise Reject(reason, detail)
        if reason:
            self.result.note("kept_for_scoring", cut.id)
        return cut


def _shortened(cut: MonoCut, duration: float) -> MonoCut:
    supervision = cut.supervisions[0]
    if supervision.end > duration:
        supervision = supervision.trim(duration)
    return fastcopy(cut, duration=duration, supervisions=[supervision], features=None)
