"""A lattice as people draw it: words on the arcs, states only where paths part or meet.

Lattices of the search hold every alignment of every sentence unless they are determinized over words, so that all but
the smallest are drawn as the graph of their best sentences.
"""

from pathlib import Path
from typing import Callable, Dict, List, NamedTuple, Sequence, Set, Tuple

import numpy as np

from graphs.lattices.base import BaseLattice
from hybrid.recognize.nbest import Sentence, best_sentences
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


def word_graph(lattice: BaseLattice, graph_scale: float = 1.0, acoustic_scale: float = 1.0) -> WordGraph:
    """Joins arcs over states with one way in and one way out; of parallel arcs with the same words the best
    stays, with the sum of their posteriors."""
    scores = lattice.scores(graph_scale, acoustic_scale)
    posterior = lattice.arc_posteriors(graph_scale, acoustic_scale)
    inner = _inner(lattice)
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


def _inner(lattice: BaseLattice) -> np.ndarray:
    """Is a state neither the first nor the last, with one way in and one way out? ``[num_states]`` bool."""
    ways_in = np.bincount(lattice.dst, minlength=lattice.num_states)
    ways_out = np.bincount(lattice.src, minlength=lattice.num_states)
    inner = (ways_in == 1) & (ways_out == 1)
    inner[[0, -1]] = False
    return inner


def _keep_best(best: Dict[tuple, Tuple[float, WordArc]], arc: WordArc, score: float) -> None:
    key = arc[:3]
    if key in best:
        other_score, other = best[key]
        total = min(1.0, arc.posterior + other.posterior)
        score, arc = (score, arc) if score > other_score else (other_score, other)
        arc = arc._replace(posterior=total)
    best[key] = score, arc


def sentence_graph(sentences: Sequence[Sentence], word_of: Callable[[int], str] = str) -> Drawing:
    """The smallest acyclic graph that has just these sentences, common beginnings and endings shared.

    An edge's weight is the share of the sentences' probability that goes through it.
    """
    scores = np.array([sentence.score for sentence in sentences])
    shares = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
    children: List[Dict[int, int]] = [{}]  # the tree of beginnings; node 0 is its root
    through, ends = [0.0], set()
    for sentence, share in zip(sentences, shares):
        node = 0
        through[0] += share
        for word_id in sentence.word_ids:
            if word_id not in children[node]:
                children[node][word_id] = len(children)
                children.append({})
                through.append(0.0)
            node = children[node][word_id]
            through[node] += share
        ends.add(node)
    merged = _merge_endings(children, ends)
    weights: Dict[Tuple[int, int, int], float] = {}
    for node, following in enumerate(children):
        for word_id, child in following.items():
            key = merged[node], merged[child], word_id
            weights[key] = weights.get(key, 0.0) + through[child]
    edges = [Edge(src, dst, f"{word_of(word_id)}\n{weight:.2f}", min(1.0, weight))
             for (src, dst, word_id), weight in weights.items()]
    return Drawing("", {state: "" for state in sorted(set(merged))}, edges, merged[0],
                   sorted({merged[node] for node in ends}))


def _merge_endings(children: List[Dict[int, int]], ends: Set[int]) -> List[int]:
    """For each node of a tree (children have higher numbers) the first node with the same endings."""
    same: Dict[tuple, int] = {}
    merged = [0] * len(children)
    for node in reversed(range(len(children))):
        signature = node in ends, tuple(sorted((w, merged[child]) for w, child in children[node].items()))
        merged[node] = same.setdefault(signature, node)
    return merged


def draw_lattice(lattice: BaseLattice, path: Path, word_of: Callable[[int], str] = str, graph_scale: float = 1.0,
                 acoustic_scale: float = 1.0, max_states: int = 40, num_sentences: int = 20) -> None:
    """Writes a picture of the lattice: as it is if it has few branches (states hold their frame), else as the
    graph of its best sentences. Numbers on the arcs are probabilities.

    Args:
      path: its suffix says png, svg or pdf.
      word_of: word_id -> word.
      max_states: states drawn at most of the lattice itself.
      num_sentences: of a larger lattice.
    """
    title = f"{lattice.utterance_id}, {lattice.num_frames} frames{', partial' if lattice.partial else ''}"
    if np.count_nonzero(~_inner(lattice)) <= max_states:
        graph = word_graph(lattice, graph_scale, acoustic_scale)
        edges = [Edge(arc.src, arc.dst, f"{' '.join(map(word_of, arc.word_ids)) or '-'}\n{arc.posterior:.2f}",
                      arc.posterior) for arc in graph.arcs]
        nodes = {state: str(frame) for state, frame in graph.frame.items()}
        draw(Drawing(title, nodes, edges, graph.start, [graph.end]), path)
    else:
        best = best_sentences(lattice, num_sentences, graph_scale, acoustic_scale)
        draw(sentence_graph(best, word_of)._replace(title=f"{title}: the {len(best)} best sentences"), path)
