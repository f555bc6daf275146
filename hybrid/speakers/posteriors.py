"""Posteriors of pdf_ids at each frame, sparse: from alignments, where each is 1, and from lattices."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, Mapping, NamedTuple, Tuple

import numpy as np
import torch
from torch import Tensor

from graphs.errors import InputError
from graphs.hmm.transitions import TransitionModel
from graphs.options import check_at_least, check_positive
from hybrid.align.alignment import Alignment, read_alignments
from hybrid.data.copies import of_original

FRAME_TOLERANCE = 1  # frames by which the lengths of features and posteriors may differ
MIN_WEIGHT = 1e-3  # of an entry of a lattice; the others of its frame are scaled up


class Posteriors(NamedTuple):
    """N entries: the pdf_id at the frame has that weight.

    frames, pdf_ids: ``[N]`` int64; weights: ``[N]`` float64 above 0; num_frames: of the utterance.
    """

    frames: Tensor
    pdf_ids: Tensor
    weights: Tensor
    num_frames: int


@dataclass(frozen=True)
class LatticeScales:
    """Options of whatever reads posteriors from lattices."""

    acoustic_scale: float = field(default=0.1, metadata={"help": "factor on log-likelihoods of lattices"})
    lm_scale: float = field(default=1.0, metadata={"help": "factor on graph scores of lattices"})
    word_insertion_penalty: float = field(default=0.0, metadata={"help": "subtracted for each word of lattices"})
    best_path: bool = field(default=False, metadata={"help": "trust the best path alone instead of posteriors"})

    def __post_init__(self):
        check_positive(self, "acoustic_scale")
        check_at_least(0, self, "lm_scale")
        if not math.isfinite(self.word_insertion_penalty):
            raise ValueError("word_insertion_penalty: expected a finite number")


@dataclass(frozen=True)
class FrameWeights:
    """How much a frame counts: `silence_weight` where the transition_id is of a silence phone, else 1."""

    transitions: TransitionModel
    silence_ids: frozenset = frozenset()
    silence_weight: float = 1.0

    def of(self, transition_ids: np.ndarray) -> np.ndarray:
        silent = np.isin(self.transitions.phone_id[transition_ids], list(self.silence_ids))
        return np.where(silent, self.silence_weight, 1.0)


def of_alignment(alignment: Alignment, weights: FrameWeights) -> Posteriors:
    """Raises InputError for transition_ids that the model lacks."""
    pdf_ids = alignment.pdf_ids(weights.transitions)
    return _posteriors(np.arange(len(pdf_ids)), pdf_ids, weights.of(alignment.transition_ids), len(pdf_ids))


def of_lattice(lattice, weights: FrameWeights, options: LatticeScales) -> Posteriors:
    """
    Args:
      lattice: graphs.lattices.lattice.Lattice or CompactLattice with transition_ids of the model.
    Raises: InputError for transition_ids that the model lacks.
    """
    scales = (options.lm_scale, options.acoustic_scale, options.word_insertion_penalty)
    entries = lattice.frame_entries()
    last = int(entries.transition_ids.max(initial=0))
    if last > weights.transitions.num_transition_ids:
        raise InputError(f"lattice {lattice.utterance_id}", "transition_ids up to "
                         f"{weights.transitions.num_transition_ids}, as in the transition model", str(last))
    if options.best_path:
        transition_ids = lattice.best_path(*scales).transition_ids
        frames, shares = np.arange(len(transition_ids)), np.ones(len(transition_ids))
    else:
        frames = lattice.state_frames()[lattice.src[entries.rows]] + entries.places
        transition_ids, shares = entries.transition_ids, lattice.arc_posteriors(*scales)[entries.rows]
    pdf_ids, num_pdfs = weights.transitions.pdf_id[transition_ids], weights.transitions.num_pdfs
    cells, place = np.unique(frames.astype(np.int64) * num_pdfs + pdf_ids, return_inverse=True)
    sums = np.bincount(place.ravel(), weights=shares, minlength=len(cells))
    counted = np.bincount(place.ravel(), weights=shares * weights.of(transition_ids), minlength=len(cells))
    frames, pdf_ids = cells // num_pdfs, cells % num_pdfs
    kept = sums >= MIN_WEIGHT
    left = np.bincount(frames[kept], weights=sums[kept], minlength=lattice.num_frames)
    return _posteriors(frames[kept], pdf_ids[kept], counted[kept] / left[frames[kept]], lattice.num_frames)


def _posteriors(frames: np.ndarray, pdf_ids: np.ndarray, weights: np.ndarray, num_frames: int) -> Posteriors:
    counts = weights > 0
    frames, pdf_ids = (torch.from_numpy(ids[counts].astype(np.int64)) for ids in (frames, pdf_ids))
    return Posteriors(frames, pdf_ids, torch.from_numpy(weights[counts].astype(np.float64)), num_frames)


def fitting(posteriors: Mapping[str, Posteriors], features, subsampling: int = 1,
            ) -> Tuple[Dict[str, Posteriors], Dict[str, str]]:
    """The posteriors of utterances of the features (a copy's are its original's), and why others have none.

    Args:
      features: FeatureReader.
      subsampling: frames of the features for each of the posteriors.
    """
    found, lacking = {}, {}
    for utterance_id in features.ids:
        one, frames = of_original(posteriors, utterance_id), features.num_frames(utterance_id)
        if one is None:
            lacking[utterance_id] = "neither alignment nor lattice"
        elif abs(one.num_frames - -(-frames // subsampling)) > FRAME_TOLERANCE:
            lacking[utterance_id] = f"{frames} frames, posteriors of {one.num_frames}"
        else:
            repeated = (one.frames[:, None] * subsampling + torch.arange(subsampling)).flatten()
            pdf_ids, weights = (part.repeat_interleave(subsampling) for part in (one.pdf_ids, one.weights))
            within = repeated < frames
            found[utterance_id] = Posteriors(repeated[within], pdf_ids[within], weights[within], frames)
    return found, lacking


def read_posteriors(folder, weights: FrameWeights, features, options) -> Tuple[Dict[str, Posteriors], Dict[str, str]]:
    """As `fitting`, from a folder of alignments or of lattices.

    options: LatticeScales that have `subsampling`, too.
    """
    from graphs.lattices.lattice_io import read_lattices
    if any(Path(folder).glob("alignments*.npz")):
        found = {name: of_alignment(one, weights) for name, one in read_alignments(folder).items()}
    else:
        found = {lattice.utterance_id: of_lattice(lattice, weights, options) for lattice in read_lattices(folder)}
    return fitting(found, features, options.subsampling)
