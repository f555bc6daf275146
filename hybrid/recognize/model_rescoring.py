"""Rescoring by another system: what its model gives to the best sentences of a folder of lattices, of whatever kind.

Each lattice becomes the list of its best sentences, a path for each, whose acoustic scores are

    (1 - weight) * acoustic + weight * factor * score of the other model,

so that a weight of 0 leaves the lattices' own system and 1 the other model; graph scores stay as they are. The factor
brings the other model's scores to the lattices' own scale: log-likelihoods of frames are worth about a tenth of the log
probability of a sentence. Which weight is best, a development set tells: the other model is asked once.
"""

import itertools
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
from torch import Tensor

from graphs.checks import LARGEST_SCALE
from graphs.errors import InputError
from graphs.lang.symbols import SymbolTable
from graphs.lattices.base import BaseLattice
from graphs.lattices.compact_lattice import CompactLattice, compact
from graphs.lattices.lattice_io import read_lattices
from graphs.options import check_at_least, check_share
from graphs.text_file import read_json_object
from hybrid.loaded import kept_while_unchanged
from hybrid.recognize.lattice_folder import Changed
from hybrid.recognize.nbest import best_paths, side_by_side

WEIGHT_FILE = "model_weight.json"
BLOCK = 8  # lattices that a process gets at once

# (utterance_ids, features [T, F] of each, sentences of each) -> scores of each, natural logarithms, -inf for impossible
SentenceScorer = Callable[[Sequence[str], Sequence[Tensor], Sequence[Sequence[Sequence[str]]]], List[np.ndarray]]


@dataclass(frozen=True)
class ModelRescoringOptions:
    """The section [model_rescore]."""

    nbest: int = field(default=50, metadata={"help": "best sentences of each lattice that the other model scores"})
    weight: float = field(default=0.5, metadata={"help": "of the other model, without a choice: 0 to 1"})
    factor: Optional[float] = field(default=None, metadata={
        "help": "on the other model's scores; none: its usual scale (0.1 of acoustic models, 1 of end-to-end ones) "
                "divided by that of the lattices' search"})
    ctc_weight: Optional[float] = field(default=None, metadata={
        "help": "share of CTC in the scores of an end-to-end model; none: as in its training"})
    max_failed_share: float = field(default=0.05, metadata={
        "help": "share of lattices that may fail, or of which the other model can score nothing"})

    def __post_init__(self):
        check_at_least(1, self, "nbest")
        check_share(self, "max_failed_share")
        check_weights([self.weight])
        if self.factor is not None and not 0 < self.factor <= LARGEST_SCALE:
            raise ValueError(f"factor: expected none, or above 0 and at most {LARGEST_SCALE:g}, found {self.factor}")
        if self.ctc_weight is not None and not 0 <= self.ctc_weight <= 1:
            raise ValueError(f"ctc_weight: expected none or 0 to 1, found {self.ctc_weight}")


def check_weights(weights: Sequence[float]) -> None:
    """Raises ValueError unless all are from 0 to 1."""
    if not all(0 <= weight <= 1 for weight in weights):
        raise ValueError(f"weight: expected 0 to 1, found {list(weights)}")


class Scored(NamedTuple):
    """
    Attributes:
      lattice: of the best sentences side by side, their own scores; None when it failed.
      path: ``[num_arcs]`` which of the sentences each arc belongs to.
      scores: ``[num_sentences]`` of the other model, its factor not in them; -inf where it has none.
      reason: why there are no scores.
    """

    utterance_id: str
    lattice: Optional[CompactLattice]
    path: np.ndarray = np.zeros(0, np.int64)
    scores: np.ndarray = np.zeros(0)
    reason: str = ""

    @property
    def is_scored(self) -> bool:
        return bool(np.isfinite(self.scores).any())

    def lattice_of(self, weight: float, factor: float) -> Optional[CompactLattice]:
        """Sentences that the other model cannot give are left out, unless its weight is 0. Where it can give none, the
        lattice keeps its own scores."""
        if self.lattice is None or not self.is_scored or not weight:
            return self.lattice
        kept = np.isfinite(self.scores)[self.path]
        arcs = np.flatnonzero(kept)
        first = np.diff(self.path[arcs], prepend=-1) != 0
        other = np.where(first, factor * self.scores[self.path[arcs]], 0.0)
        lattice = self.lattice.select(kept)
        return lattice.with_arcs(np.arange(len(arcs)), lattice.src, lattice.dst,
                                 acoustic=(1 - weight) * lattice.acoustic.astype(np.float64) + weight * other)

    def changed(self, weight: float, factor: float) -> Tuple[str, Changed]:
        """outcome: `unscored`, which counts as a failure, where the lattice keeps its own scores."""
        lattice = self.lattice_of(weight, factor)
        if lattice is None:
            return self.utterance_id, Changed(None, "failed", self.reason)
        if not self.is_scored:
            return self.utterance_id, Changed(lattice, "unscored", self.reason)
        return self.utterance_id, Changed(lattice)


@dataclass(frozen=True)
class ModelRescoring:
    """What a process needs; the other model is loaded once in each.

    Attributes:
      features: features folder of the other model.
      words: words.txt of the lattices.
      scorer: picklable; `scorer.load(reader)` gives a SentenceScorer.
      acoustic_scale: with which the best sentences are found.
    """

    features: Path
    words: Path
    scorer: object
    nbest: int
    acoustic_scale: float

    def prepare(self):
        return _load(self)

    def __call__(self, lattices: Sequence[BaseLattice]) -> List[Scored]:
        reader, words, scorer = _load(self)
        found = [self._sentences(lattice, words, reader) for lattice in lattices]
        asked = [one for one in found if not isinstance(one, Scored)]
        scores = scorer([one.utterance_id for one in asked], [reader[one.utterance_id] for one in asked],
                        [one.sentences for one in asked]) if asked else []
        return [one if isinstance(one, Scored) else one.scored(next(own)) for own in [iter(scores)] for one in found]

    def _sentences(self, lattice: BaseLattice, words: SymbolTable, reader):
        name = lattice.utterance_id
        try:
            if lattice.word_id.max() >= len(words):
                raise InputError(f"lattice {name}", f"word_ids below {len(words)}, as in its words.txt",
                                 str(lattice.word_id.max()))
            lattice = lattice if isinstance(lattice, CompactLattice) else compact(lattice)
            sentences, paths = best_paths(lattice, self.nbest, 1.0, self.acoustic_scale)
        except InputError as error:
            return Scored(name, None, reason=str(error))
        lattice, path = side_by_side(lattice, paths)
        if name not in reader:
            return Scored(name, lattice, path, np.full(len(paths), -np.inf), "no features for the other model")
        spelled = [[words.symbol_of(word_id) for word_id in sentence.word_ids] for sentence in sentences]
        return _Asked(name, lattice, path, spelled)


class _Asked(NamedTuple):
    utterance_id: str
    lattice: CompactLattice
    path: np.ndarray
    sentences: List[List[str]]

    def scored(self, scores: np.ndarray) -> Scored:
        some = np.isfinite(scores).any()
        reason = "" if some else "the other model can give none of the sentences: too few frames, or unknown characters"
        return Scored(self.utterance_id, self.lattice, self.path, scores, reason)


@kept_while_unchanged()
def _load(work: ModelRescoring):
    from hybrid.data.features import FeatureReader
    reader = FeatureReader(work.features, cache_mb=0)
    return reader, SymbolTable.read(work.words), work.scorer.load(reader)


def rescore_all(work: ModelRescoring, source: Path, nj: int) -> Iterator[Scored]:
    """The lattices of a folder, in their order. Raises: InputError for an utterance with two lattices."""
    import torch

    from hybrid.data.parallel import ordered_map
    torch.set_num_threads(1)
    work.prepare()  # before the processes fork, so that they share the model
    total = sum(1 for _ in read_lattices(source))
    lattices = read_lattices(source)
    blocks = iter(lambda: list(itertools.islice(lattices, BLOCK)), [])
    for found in ordered_map(work, blocks, nj, "rescoring", size=len, unit="utt", total=total):
        yield from found


def write_weight(folder: Path, weight: float) -> None:
    (folder / WEIGHT_FILE).write_text(json.dumps({"weight": weight}) + "\n", encoding="utf-8")


def read_weight(folder: Path) -> float:
    """Raises: InputError where none was chosen."""
    path = Path(folder) / WEIGHT_FILE
    weight = read_json_object(path).get("weight")
    try:
        if type(weight) not in (int, float):
            raise ValueError(f"no number: {weight!r}")
        check_weights([weight])
    except (ValueError, OverflowError) as error:
        raise InputError(str(path), "the weight that tools.rescore_with_model wrote", str(error)) from None
    return float(weight)
