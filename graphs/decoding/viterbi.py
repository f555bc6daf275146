"""Scores of the best paths of small graphs, all states of which stay in the race: no beam, no k2, no lattice."""

import numpy as np

from graphs.errors import InputError
from graphs.fst.arcs import Arcs


def best_scores(arcs: Arcs, log_likelihoods: np.ndarray, pdf_ids: np.ndarray) -> np.ndarray:
    """The best score of the paths to each kind of end.

        score = sum of arcs' and the end's scores + sum_t log_likelihoods[t, pdf_ids[ilabel of arc t]]

    Args:
      arcs: every arc has an input label, a transition_id, and consumes a frame.
      log_likelihoods: ``[T, num_pdfs]``.
      pdf_ids: by transition_id.
    Returns: ``[largest final_olabel + 1]`` float64 by final_olabel; -inf for ends that no path of T frames reaches.
    Raises: InputError for an arc without an input label.
    """
    if (arcs.ilabel == 0).any():
        raise InputError("graph", "a transition_id on every arc", "an epsilon")
    arcs = arcs.reordered(np.argsort(arcs.dst, kind="stable"))
    states, starts = np.unique(arcs.dst, return_index=True)
    pdf_id, own = pdf_ids[arcs.ilabel], arcs.score.astype(np.float64)
    score = np.full(arcs.num_states, -np.inf)
    score[0] = 0.0
    for frame in np.asarray(log_likelihoods, np.float64):
        ways = score[arcs.src] + own + frame[pdf_id]
        score = np.full(arcs.num_states, -np.inf)
        if len(states):
            score[states] = np.maximum.reduceat(ways, starts)
    found = np.full(int(arcs.final_olabel.max(initial=0)) + 1, -np.inf)
    np.maximum.at(found, arcs.final_olabel, score[arcs.final_state] + arcs.final_score.astype(np.float64))
    return found
