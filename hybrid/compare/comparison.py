"""A comparison of systems as data: all that tables, pictures and pages are drawn from. Its file is comparison.json.

A system is one training: its `key` is unique. Those that differ in the seed alone are a family (`family`); pairs are of
families, and so are the points of learning curves. Rates are in percent, times in seconds unless a name says otherwise.
Nothing here is computed: that is what the other files of this room do. comparison_file.py reads and writes.
"""

from dataclasses import dataclass, field
from typing import Dict, List, Optional, Tuple, Union

from graphs.errors import InputError

FORMAT = 1  # another number says that names have changed
KINDS = {
    "hybrid": "HMM and neural network", "ctc": "CTC", "attention": "attention decoder",
    "joint": "attention decoder and CTC together", "transducer": "transducer",
    "combination": "several systems together", "other": "of a kind that its stage records do not tell",
}
VERDICTS = ("better", "worse", "not sure", "other references")
DRAWN = ("speakers", "utterances")
Setting = Union[None, bool, int, float, str, list]  # what an option may be


@dataclass(frozen=True)
class Rate:
    """An error rate in percent and its 95 % interval, where there is one."""

    percent: float
    low: Optional[float] = None
    high: Optional[float] = None


@dataclass(frozen=True)
class System:
    """One training and how it decodes; None is what its stage records do not tell.

    Attributes:
      key: unique in the comparison, such as `tdnn (25 %, seed 2)`.
      family: those of other seeds have the same, such as `tdnn (25 %)`.
      name: those of other seeds or shares of the data have the same, such as `tdnn`.
      kind: one of KINDS.
      share: of the training data, above 0 and at most 1; hours: of training audio that is.
      training_seconds: of its own networks, without what they share with others (alignments, features).
      look_ahead: seconds of audio that an output waits for; whole_utterance: it waits for the end instead.
      memory_mb: peak of the process that decoded; training_memory_mb: of the one that trained.
      configuration: option such as `am.epochs` -> value.
      commands: that made it, first to last.
      trained_on: the GPU or the processor of its trainings, several with a comma between them; '' where not known.
    """

    key: str
    family: str
    name: str
    kind: str
    description: str = ""
    seed: Optional[int] = None
    share: float = 1.0
    hours: Optional[float] = None
    parameters: Optional[int] = None
    training_seconds: Optional[float] = None
    epochs: Optional[int] = None
    look_ahead: Optional[float] = None
    whole_utterance: bool = False
    memory_mb: Optional[int] = None
    training_memory_mb: Optional[int] = None
    configuration: Dict[str, Setting] = field(default_factory=dict)
    commands: Tuple[str, ...] = ()
    trained_on: str = ""


@dataclass(frozen=True)
class TestSet:
    """drawn: what the bootstrap draws, one of DRAWN; tuned_on: scales were chosen on it."""

    __test__ = False  # not for pytest

    name: str
    utterances: int
    words: int
    speakers: int
    seconds: float
    drawn: str
    tuned_on: bool = False
    not_in_training: Optional[int] = None  # words of the reference that no training transcript has


@dataclass(frozen=True)
class Result:
    """A system on a test set. ser: percent of utterances with an error.

    real_time_factor: seconds of the search by those of the audio; details: folder with per_utt.txt and the like;
    decoded: folder of lattices or text that was scored.
    """

    system: str
    test: str
    wer: Rate
    cer: Rate
    ser: float
    words: int
    insertions: int
    deletions: int
    substitutions: int
    missing: int = 0
    real_time_factor: Optional[float] = None
    lm_scale: Optional[float] = None
    word_insertion_penalty: Optional[float] = None
    details: str = ""
    decoded: str = ""


@dataclass(frozen=True)
class FamilyResult:
    """A family on a test set: mean WER over seeds; `rate`'s interval is over speakers or utterances alone.

    deviation: of the seeds' WERs (n - 1), None for one seed.
    """

    family: str
    test: str
    systems: Tuple[str, ...]
    rate: Rate
    deviation: Optional[float] = None


@dataclass(frozen=True)
class MatchedPairs:
    """The matched pairs test (MAPSSWE): segments of the test set between words that both have right.

    segments: with an error of either; statistic: standard normal when there is no difference; p_value: two-sided.
    """

    segments: int
    statistic: float
    p_value: float


@dataclass(frozen=True)
class PairedTest:
    """Family `b` against family `a` on one test set; means over the seeds of each.

    Attributes:
      difference: WER of b minus WER of a, percentage points; interval: 95 %, over speakers or utterances and, where
        there are several seeds, over seeds; both None when the two were not scored on the same words.
      probability_of_improvement: that b is the better one: the share of resamples.
      p_value: two-sided, of the bootstrap; p_holm: the same with Holm's correction for the pairs that
        hybrid/compare/pairs.py takes together.
      seed_error: standard error of the difference that seeds make, None where no system of the test set has several.
      matched_pairs: of the first seed of each.
      verdict: of b, one of VERDICTS, by p_holm at the level of the comparison.
      unlike: what else differs beside the system, b's first, such as `parameters 1.3 M and 2.6 M`.
    """

    test: str
    a: str
    b: str
    verdict: str
    difference: Optional[float] = None
    low: Optional[float] = None
    high: Optional[float] = None
    probability_of_improvement: Optional[float] = None
    p_value: Optional[float] = None
    p_holm: Optional[float] = None
    seed_error: Optional[float] = None
    matched_pairs: Optional[MatchedPairs] = None
    unlike: Tuple[str, ...] = ()


@dataclass(frozen=True)
class BreakdownRow:
    """count: reference words (utterances) of the class; rates: system -> rate."""

    label: str
    count: int
    rates: Dict[str, Rate]


@dataclass(frozen=True)
class Breakdown:
    """Errors by what words or utterances are like.

    by: such as `letters in the word`; unit: `words` (rate: share of them that is not recognized; insertions have no
    reference word) or `utterances` (rate: WER).
    """

    test: str
    by: str
    unit: str
    rows: Tuple[BreakdownRow, ...]


@dataclass(frozen=True)
class AgreementPair:
    """Of two systems: reference words that both, one or none has right.

    correlation: of the two being wrong (phi coefficient), None where one is always or never wrong; same_error: share
    of the words that both have wrong in which they say the same.
    """

    a: str
    b: str
    both_right: int
    only_a: int
    only_b: int
    both_wrong: int
    correlation: Optional[float]
    same_error: Optional[float]


@dataclass(frozen=True)
class Agreement:
    """Where systems disagree, one of each family.

    right: reference words by the number of systems that have them right, ``[len(systems) + 1]``; best: the system of
    the lowest WER; vote: all vote (ROVER, equal weights); oracle: of each utterance the best hypothesis; fixed, broken:
    words that the best system has wrong and the vote right, and the other way round.
    """

    test: str
    systems: Tuple[str, ...]
    right: Tuple[int, ...]
    best: str
    best_rate: Rate
    vote: Rate
    oracle: Rate
    fixed: int
    broken: int
    pairs: Tuple[AgreementPair, ...]


@dataclass(frozen=True)
class CurvePoint:
    """A family at one share of the training data. rate: as FamilyResult's."""

    share: float
    hours: Optional[float]
    family: str
    rate: Rate
    deviation: Optional[float] = None


@dataclass(frozen=True)
class LearningCurve:
    """WER of one name against training data, least first."""

    test: str
    name: str
    kind: str
    points: Tuple[CurvePoint, ...]


@dataclass(frozen=True)
class TimeFigures:
    """Deviations of times from the true ones, milliseconds: found minus true. within_*: shares, 0 to 1."""

    count: int
    shift_ms: float
    mean_ms: float  # of their size
    median_ms: float
    within_20_ms: float
    within_50_ms: float
    within_100_ms: float


@dataclass(frozen=True)
class AlignmentQuality:
    """Times of words against the truth.

    how: `forced` (the reference was aligned) or `decoded` (words of the hypothesis); source: what the times come from,
    such as `exp/align_dnn2_test/words.ctm`; system: key, or the name of the folder where no system has it.
    words: that were compared; wrong: reference words without the same word in the hypothesis; inside: share of the
    words whose start lies within the true word. ends are None where a word's end is not known (spikes).
    """

    test: str
    system: str
    how: str
    source: str
    utterances: int
    words: int
    wrong: int
    starts: TimeFigures
    ends: Optional[TimeFigures]
    inside: float


@dataclass(frozen=True)
class Hypothesis:
    """pairs: aligned with the reference, [word said or None, word found or None]; times: start and end of each found
    word, seconds, or empty."""

    system: str
    pairs: Tuple[Tuple[Optional[str], Optional[str]], ...]
    missing: bool = False
    times: Tuple[Tuple[float, float], ...] = ()

    @property
    def words(self) -> List[str]:
        return [found for _, found in self.pairs if found is not None]

    @property
    def errors(self) -> int:
        return sum(said != found for said, found in self.pairs)


@dataclass(frozen=True)
class Utterance:
    """conditions: what the cut knows, such as noise and snr; audio: path, empty without; offset: where the utterance
    starts in it; times: true ones of the words, or empty."""

    utterance_id: str
    test: str
    speaker: str
    seconds: float
    reference: Tuple[str, ...]
    hypotheses: Tuple[Hypothesis, ...]
    conditions: Dict[str, Setting] = field(default_factory=dict)
    audio: str = ""
    offset: float = 0.0
    times: Tuple[Tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Comparison:
    """title: for people; facts: name -> text, such as command, commit, machine, seeds; notes: sentences on what is not
    alike, lacking or to be known when reading; level: verdicts are of p values (Holm) below it."""

    title: str
    systems: Tuple[System, ...]
    tests: Tuple[TestSet, ...]
    results: Tuple[Result, ...]
    families: Tuple[FamilyResult, ...] = ()
    pairs: Tuple[PairedTest, ...] = ()
    breakdowns: Tuple[Breakdown, ...] = ()
    agreements: Tuple[Agreement, ...] = ()
    curves: Tuple[LearningCurve, ...] = ()
    alignments: Tuple[AlignmentQuality, ...] = ()
    utterances: Tuple[Utterance, ...] = ()
    facts: Dict[str, str] = field(default_factory=dict)
    notes: Tuple[str, ...] = ()
    level: float = 0.05
    format: int = FORMAT

    def system(self, key: str) -> System:
        """Raises InputError for a key that is not there."""
        for system in self.systems:
            if system.key == key:
                return system
        raise InputError(f"system {key}", f"one of {', '.join(one.key for one in self.systems)}", "none of them")
