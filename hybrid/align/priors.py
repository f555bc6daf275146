"""Prior probabilities of pdf_ids, by which the hybrid model divides its posteriors."""

from typing import Iterable

import numpy as np

from graphs.checks import check_finite
from graphs.errors import InputError


def pdf_counts(alignments: Iterable, transitions) -> np.ndarray:
    """``[num_pdfs]`` int64: frames of each pdf_id.

    Args:
      alignments: hybrid.align.alignment.Alignment objects.
      transitions: graphs.hmm.transitions.TransitionModel they were made with.
    """
    counts = np.zeros(transitions.num_pdfs, dtype=np.int64)
    for alignment in alignments:
        counts += np.bincount(alignment.pdf_ids(transitions), minlength=transitions.num_pdfs)
    return counts


def log_priors_from_counts(counts: np.ndarray, floor: float = 1e-5) -> np.ndarray:
    """Log relative frequencies.

    A pdf_id that was hardly seen would get a huge likelihood from a tiny prior, so that priors are floored
    (Kaldi nnet-am-decodable-simple.cc floors them likewise) and renormalized.

    Args:
      counts: ``[num_pdfs]``, non-negative.
      floor: smallest probability.
    Returns: ``[num_pdfs]`` float32.
    Raises: InputError when nothing was counted, for other counts and for a floor that is no probability.
    """
    try:
        counts = np.asarray(counts, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError("pdf priors", "counts of frames", str(error)) from None
    if counts.ndim != 1:
        raise InputError("pdf priors", "counts of shape [num_pdfs]", f"shape {list(counts.shape)}")
    check_finite("pdf priors, count of pdf_id", counts)
    least, total = counts.min(initial=0), counts.sum()
    if least < 0 or total == 0:
        raise InputError("pdf priors", "aligned frames", f"{least:g} of a pdf_id, {total:g} in all")
    if not 0 < floor < 1:
        raise InputError("pdf priors, floor", "a number between 0 and 1", str(floor))
    priors = np.maximum(counts / counts.sum(), floor)
    return np.log(priors / priors.sum()).astype(np.float32)
