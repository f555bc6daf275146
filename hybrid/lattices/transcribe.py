"""From lattices to words with times and confidences: of the best path, or of least expected errors.

With several systems' lattices of an utterance the words are those of the union, each lattice normalized and weighted
(Xu et al. 2011, section 6). The words' times are those of the path of the first lattice that is nearest to them; a
word that this path lacks takes those of its bin.
"""

from dataclasses import dataclass, field
from typing import List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from graphs.lattices.base import BaseLattice
from graphs.lattices.compact_lattice import CompactLattice, compact
from graphs.lattices.mbr import BinWord, Consensus, Voter, consensus
from graphs.lattices.oracle import oracle_path
from graphs.options import check_choice, check_positive, check_share
from hybrid.align.alignment import Segment
from hybrid.align.times.ctm import ScoredSymbol
from hybrid.lattices.joint_words import JointWords
from hybrid.lattices.sausages import Sausage, sausage_of
from hybrid.lattices.word_times import Timer
from hybrid.recognize.edit_distance import align
from hybrid.recognize.scales import SystemScales

HYPOTHESES = ("mbr", "best")


@dataclass(frozen=True)
class MbrOptions:
    """The section [mbr]."""

    hypothesis: str = field(default="mbr", metadata={
        "help": "mbr (the words of least expected errors) or best (those of the likeliest path)"})
    posterior_scale: float = field(default=1.0, metadata={
        "help": "factor on path scores, which are scaled as for scoring and then divided by the larger of lm_scale "
                "and acoustic_scale"})
    beam: float = field(default=15.0, metadata={"help": "paths this much worse than the best have no say"})
    max_failed_share: float = field(default=0.02, metadata={"help": "share of utterances that may fail"})

    def __post_init__(self):
        check_choice(HYPOTHESES, self, "hypothesis")
        check_positive(self, "posterior_scale", "beam")
        check_share(self, "max_failed_share")


class Entry(NamedTuple):
    """A lattice of the utterance. system: its place among the systems."""

    system: int
    weight: float
    lattice: BaseLattice


class Transcript(NamedTuple):
    """words, phones: in seconds, with confidences. exact: are the words' times those of their pronunciations?"""

    utterance_id: str
    words: List[ScoredSymbol]
    phones: List[ScoredSymbol]
    sausage: Sausage
    exact: bool
    partial: bool


@dataclass(frozen=True)
class Transcriber:
    """Picklable, for processes.

    Attributes:
      scales: of each system.
      joint: JointWords of the systems.
      timers: hybrid.lattices.word_times.Timer or TokenTimer of each system.
      frame_shifts: seconds of a frame of each system's lattices.
    """

    scales: Sequence[SystemScales]
    joint: JointWords
    options: MbrOptions
    timers: Sequence[Timer]
    frame_shifts: Sequence[float]

    def __call__(self, entries: Sequence[Entry]) -> Transcript:
        """entries: the utterance's lattices, at least one.

        Raises: InputError when no path of a lattice leads to the end.
        """
        kept = [(entry, *self._prepared(entry)) for entry in entries]
        voters = [Voter(self.joint.of_lattice(lattice, entry.system), scores, self.frame_shifts[entry.system])
                  for entry, lattice, scores in kept]
        found = consensus(voters, [entry.weight for entry in entries], decode=self.options.hypothesis == "mbr")
        entry, lattice, scores = kept[0]
        words, phones, exact = self._timed(found, entry.system, lattice, voters[0])
        return Transcript(lattice.utterance_id, words, phones,
                          sausage_of(lattice.utterance_id, found, self.joint.table), exact,
                          any(entry.lattice.partial for entry in entries))

    def _prepared(self, entry: Entry) -> Tuple[CompactLattice, np.ndarray]:
        """Pruned, with as few states as the same paths can have without determinization; and the arcs' scores."""
        graph_scale, acoustic_scale, penalty = self.scales[entry.system].of_posteriors(self.options.posterior_scale)
        scores = entry.lattice.scores(graph_scale, acoustic_scale, penalty)
        totals, best = entry.lattice.arc_totals(scores, best=True)
        lattice = entry.lattice.select(totals >= best - self.options.beam)
        if not isinstance(lattice, CompactLattice):
            lattice = compact(lattice)
        return lattice, lattice.scores(graph_scale, acoustic_scale, penalty)

    def _timed(self, found: Consensus, system: int, lattice: CompactLattice, voter: Voter):
        scales = self.scales[system].of_posteriors(self.options.posterior_scale)
        nearest = oracle_path(voter.lattice, found.word_ids, *scales)
        path = lattice.path(nearest.arcs, float(voter.scores[nearest.arcs].sum()))
        times = self.timers[system](path)
        shift = self.frame_shifts[system]
        spans = iter([_seconds(segment, shift) for segment, word_id in zip(
            times.words, self.joint.of_ids(path.word_ids, system)) if word_id])
        words = []
        for said, heard in align(found.word_ids, nearest.path.word_ids):
            span = next(spans) if heard is not None else None
            if said is not None:
                words.append(self._scored(found.words[len(words)], span))
        phones = [ScoredSymbol(self.timers[system].symbol_of(phone.label), *_seconds(phone, shift), confidence)
                  for phone, confidence in zip(times.phones, self._phone_confidences(times.phones, system, voter))]
        return _in_order(words), phones, times.exact

    def _scored(self, word: BinWord, span: Optional[Tuple[float, float]]) -> ScoredSymbol:
        start, end = (word.start, word.end) if span is None else span
        return ScoredSymbol(self.joint.table.symbol_of(word.word_id), start, end, word.probability)

    def _phone_confidences(self, phones, system: int, voter: Voter) -> List[float]:
        """Of each phone the mean, over its frames, of the probability that a path is in this phone there."""
        if not phones:
            return []
        shares = frame_shares(voter.lattice, voter.scores, self.timers[system].phone_ids)
        return [float(shares[phone.start_frame:phone.start_frame + phone.num_frames, phone.label].mean().clip(0, 1))
                for phone in phones]


def frame_shares(lattice: BaseLattice, scores: np.ndarray, phone_ids: np.ndarray) -> np.ndarray:
    """``[num_frames, num_phones + 1]`` probability of each phone_id at each frame.

    phone_ids: by transition_id.
    """
    totals, whole = lattice.arc_totals(scores)
    posteriors = np.exp(np.minimum(totals - whole, 0.0))
    rows, places, transition_ids = lattice.frame_entries()
    frames = lattice.state_frames()[lattice.src[rows]] + places
    width = int(phone_ids.max()) + 1
    cells = frames * width + phone_ids[transition_ids]
    return np.bincount(cells, posteriors[rows], lattice.num_frames * width).reshape(-1, width)


def _seconds(segment: Segment, frame_shift: float) -> Tuple[float, float]:
    """Start and end."""
    return segment.start_frame * frame_shift, (segment.start_frame + segment.num_frames) * frame_shift


def _in_order(words: List[ScoredSymbol]) -> List[ScoredSymbol]:
    """No word begins before the one before it ends: where times came from elsewhere."""
    ordered, end = [], 0.0
    for word in words:
        start = max(word.start, end)
        end = max(word.end, start)
        ordered.append(word._replace(start=start, end=end))
    return ordered
