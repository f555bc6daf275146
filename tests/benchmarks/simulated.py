"""Made-up utterances of a graph: walks through it, and log-likelihoods that favour where they went."""

from typing import List, Tuple

import numpy as np

from graphs.fst.arcs import Arcs


def simulate(graph: Arcs, pdf_id: np.ndarray, num_pdfs: int, seconds: float, frame_shift: float = 0.03, seed: int = 0,
             margin: float = 4.0, spread: float = 2.0) -> List[Tuple[str, np.ndarray]]:
    """
    Args:
      graph: HCLG, its arcs sorted by source.
      pdf_id: ``[num_transition_ids + 1]``.
      seconds: utterances of 2 to 20 s are made until they last so long.
      margin, spread: mean of the true pdf's score above the others', and standard deviation of each.
    Returns:
      utterance_ids and ``[num_frames, num_pdfs]`` float32 log-likelihoods.
    """
    rng = np.random.default_rng(seed)
    walks = Walks(graph, rng)
    utterances: List[Tuple[str, np.ndarray]] = []
    frames = 0
    while frames * frame_shift < seconds:
        true = pdf_id[walks.walk()]
        if not 2.0 <= len(true) * frame_shift <= 20.0:
            continue
        scores = rng.normal(0.0, spread, (len(true), num_pdfs))
        scores[np.arange(len(true)), true] += margin
        utterances.append((f"simulated-{len(utterances)}", scores.astype(np.float32)))
        frames += len(true)
    return utterances


class Walks:
    """Walks through a graph to a final state, arcs and ends drawn by their scores."""

    def __init__(self, graph: Arcs, rng: np.random.Generator):
        self.graph, self.rng = graph, rng
        self._first = np.searchsorted(graph.src, np.arange(graph.num_states + 1))
        self._ends = np.full(graph.num_states, -np.inf)
        np.maximum.at(self._ends, graph.final_state, graph.final_score)

    def walk(self) -> np.ndarray:
        """``[num_frames]`` transition_ids."""
        state, taken = 0, []
        while True:
            first, end = self._first[state:state + 2]
            scores = np.append(self.graph.score[first:end].astype(np.float64), self._ends[state])
            shares = np.exp(scores - scores.max())
            chosen = first + self.rng.choice(len(shares), p=shares / shares.sum())
            if chosen == end:
                return np.array(taken, np.int64)
            taken.append(self.graph.ilabel[chosen])
            state = self.graph.dst[chosen]
