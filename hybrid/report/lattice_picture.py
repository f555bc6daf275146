"""A lattice as people draw it: words on the arcs, states only where paths part or meet."""

from pathlib import Path
from typing import Callable, Dict, List, NamedTuple, Tuple

import numpy as np

from graphs.lattice import Lattice
from hybrid.report.graph_picture import Drawing, Edge, draw


class WordArc(NamedTuple):
    """A stretch of a lattice without branches. posterior: probability that a path takes it."""

    src: int
    dst: int
    word_ids: Tuple[int, ...]
    acoustic: float
    graph: float
    posterior: float


class WordGraph(NamedTuple):
    """
    arcs: parallel ones have different words.
    frame: state -> frames consumed before it.
    start, end: states.
    """

    arcs: List[WordArc]
    frame: Dict[int, int]
    start: int
    end: int


def word_graph(lattice: Lattice, graph_scale: float = 1.0, acoustic_scale: float = 1.0) -> WordGraph:
    """Joins arcs over states with one way in and one way out; of parallel arcs with the same words the best
    stays, with the sum of their posteriors."""
    scores = lattice.scores(graph_scale, acoustic_scale)
    posterior = lattice.arc_posteriors(graph_scale, acoustic_scale)
    ways_in = np.bincount(lattice.dst, minlength=lattice.num_states)
    ways_out = np.bincount(lattice.src, minlength=lattice.num_states)
    inner = (ways_in == 1) & (ways_out == 1)
    inner[[0, -1]] = False
    leaving = {int(lattice.src[arc]): arc for arc in np.flatnonzero(inner[lattice.src])}
    best: Dict[tuple, Tuple[float, WordArc]] = {}
    for first in np.flatnonzero(~inner[lattice.src]):
        arcs = [int(first)]
        while inner[lattice.dst[arcs[-1]]]:
            arcs.append(int(leaving[int(lattice.dst[arcs[-1]])]))
        joined = WordArc(int(lattice.src[first]), int(lattice.dst[arcs[-1]]),
                         tuple(int(word_id) for word_id in lattice.word_id[arcs] if word_id > 0),
                         float(lattice.acoustic[arcs].sum()), float(lattice.graph[arcs].sum()),
                         float(posterior[first]))
        _keep_best(best, joined, float(scores[arcs].sum()))
    frames = lattice.state_frames()
    states = {0, lattice.num_states - 1, *(state for arc in best.values() for state in arc[1][:2])}
    frame = {state: int(frames[state]) for state in sorted(states)}
    return WordGraph([arc for _, arc in best.values()], frame, 0, lattice.num_states - 1)


def _keep_best(best: Dict[tuple, Tuple[float, WordArc]], arc: WordArc, score: float) -> None:
    key = arc[:3]
    if key in best:
        other_score, other = best[key]
        total = min(1.0, arc.posterior + other.posterior)
        score, arc = (score, arc) if score > other_score else (other_score, other)
        arc = arc._replace(posterior=total)
    best[key] = score, arc


def prune_to_size(lattice: Lattice, max_states: int, graph_scale: float,
                  acoustic_scale: float) -> Tuple[WordGraph, float]:
    """The word graph with at most `max_states` states, and the beam that made it so small (inf: none)."""
    beam, graph = float("inf"), word_graph(lattice, graph_scale, acoustic_scale)
    while len(graph.frame) > max_states and beam > 1e-3:
        beam = 8.0 if beam == float("inf") else beam / 1.5
        graph = word_graph(lattice.prune(beam, graph_scale, acoustic_scale), graph_scale, acoustic_scale)
    return graph, beam


def draw_lattice(lattice: Lattice, path: Path, word_of: Callable[[int], str] = str, graph_scale: float = 1.0,
                 acoustic_scale: float = 1.0, max_states: int = 60) -> None:
    """Writes a picture of the lattice; states hold their frame, bold arcs are likely.

    A larger lattice is pruned until it fits, and the title says so.

    Args:
      path: its suffix says png, svg or pdf.
      word_of: word_id -> word.
      max_states: states drawn at most.
    """
    graph, beam = prune_to_size(lattice, max_states, graph_scale, acoustic_scale)
    title = f"{lattice.utterance_id}, {lattice.num_frames} frames{', partial' if lattice.partial else ''}"
    if beam < float("inf"):
        title += f" (pruned to a beam of {beam:.2g} to fit)"
    edges = [Edge(arc.src, arc.dst, f"{' '.join(map(word_of, arc.word_ids)) or '-'}\n{arc.posterior:.2f}",
                  arc.posterior) for arc in graph.arcs]
    draw(Drawing(title, {state: str(frame) for state, frame in graph.frame.items()}, edges, graph.start,
                 [graph.end]), path)
