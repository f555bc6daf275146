"""Oracle error rates: the best that any rescoring of the lattices could do, at one beam after another."""

from functools import partial
from typing import Dict, Iterable, List, Mapping, NamedTuple, Sequence, Tuple

import numpy as np

from graphs.checks import check_each_once
from graphs.errors import InputError
from graphs.lattices.compact_lattice import CompactLattice, compact
from graphs.lattices.oracle import oracle_path
from hybrid.data.parallel import ordered_map
from hybrid.lattices.joint_words import JointWords
from hybrid.outcomes import Outcomes
from hybrid.recognize.edit_distance import KALDI, align
from hybrid.recognize.scales import SystemScales
from hybrid.recognize.wer import Counts, Reference, check_same_set


class Depth(NamedTuple):
    """How large the lattices of a set are at a beam, and the errors of their nearest paths.

    arcs: frames of all arcs; divided by frames this is the depth (Kaldi lattice-depth). words: arcs with a word.
    """

    beam: float
    counts: Counts = Counts()
    frames: int = 0
    arcs: int = 0
    words: int = 0

    def __add__(self, other: "Depth") -> "Depth":
        return Depth(self.beam, *(one + another for one, another in zip(self[1:], other[1:])))

    @property
    def depth(self) -> float:
        """Arcs that cross a frame, on average."""
        return self.arcs / max(1, self.frames)

    @property
    def density(self) -> float:
        """Arcs with a word for each word that was said."""
        return self.words / max(1, self.counts.words)


def oracle(lattices: Iterable, references: Mapping[str, Reference], joint: JointWords, scales: SystemScales,
           beams: Sequence[float], nj: int, log) -> Tuple[List[Depth], Dict[str, List[str]], Outcomes]:
    """Depth and oracle errors at each beam, the nearest paths' words at the widest, and what became of each utterance.

    Args:
      references: utterance_id -> Reference; those without a lattice count as deleted.
      scales: beams are of path scores scaled by them as posteriors are (posterior_scale 1).
      beams: inf for the lattices as they are.
    Raises: InputError for a lattice without a reference, and for beams that are none.
    """
    beams = sorted(set(beams))
    if not beams or not beams[0] >= 0:
        raise InputError("beams", "numbers from 0 up", str(beams))
    rows, hypotheses, outcomes = [Depth(beam) for beam in beams], {}, Outcomes(log)
    work, seen = partial(_depths, references=references, joint=joint, scales=scales, beams=beams), []
    for utterance_id, found in ordered_map(work, lattices, nj, "oracle", total=len(references)):
        seen.append(utterance_id)
        check_same_set(references, seen[-1:])
        if isinstance(found, str):
            outcomes.add(utterance_id, "failed", found)
            continue
        outcomes.add(utterance_id)
        rows = [row + one for row, one in zip(rows, found[0])]
        hypotheses[utterance_id] = found[1]
    check_each_once("lattices", seen)
    for utterance_id in references:
        if utterance_id not in seen:
            outcomes.add(utterance_id, "failed", "no lattice: every word counts as deleted")
    lost = sum(len(reference.words) for key, reference in references.items() if key not in hypotheses)
    return [row._replace(counts=row.counts + Counts(words=lost, deletions=lost)) for row in rows], hypotheses, outcomes


def _depths(lattice, references: Mapping[str, Reference], joint: JointWords, scales: SystemScales,
            beams: Sequence[float]):
    """(utterance_id, (Depth at each beam, words at the widest)), or what is wrong with the lattice."""
    utterance_id = lattice.utterance_id
    if utterance_id not in references:
        return utterance_id, "no reference"
    try:
        return utterance_id, _of_lattice(lattice, references[utterance_id].words, joint, scales, beams)
    except InputError as error:
        return utterance_id, str(error)


def _of_lattice(lattice, said: Sequence[str], joint: JointWords, scales: SystemScales, beams: Sequence[float]):
    setting, wanted = scales.of_posteriors(1.0), joint.of_words(said)
    lattice = lattice if isinstance(lattice, CompactLattice) else compact(lattice)
    totals, best = lattice.arc_totals(lattice.scores(*setting), best=True)
    rows, words = [], []
    for beam in beams:
        kept = lattice.select(totals >= best - beam - 1e-6)
        labelled = joint.of_lattice(kept)
        nearest = oracle_path(labelled, wanted, *setting)
        words = joint.words(nearest.path.word_ids)
        rows.append(Depth(beam, Counts.of(align(said, words, KALDI)), kept.num_frames, int(kept.arc_frames.sum()),
                          int(np.count_nonzero(labelled.word_id))))
    return rows, words
