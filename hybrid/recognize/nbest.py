"""The best distinct sentences of a lattice."""

from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from graphs.checks import check_count
from graphs.errors import InputError
from graphs.lattices.base import AnyLattice, BaseLattice


class Sentence(NamedTuple):
    """Scores are those of its best path; acoustic and graph are unscaled."""

    word_ids: Tuple[int, ...]
    acoustic: float
    graph: float
    score: float


class _Way(NamedTuple):
    """The best path of a prefix, from its last arc backwards."""

    sentence: Sentence
    arc: int = -1
    before: Optional["_Way"] = None

    def arcs(self) -> np.ndarray:
        found, way = [], self
        while way.before is not None:
            found.append(way.arc)
            way = way.before
        return np.array(found[::-1], np.int64)


_Prefixes = Dict[Tuple[int, ...], _Way]  # by their words


def best_sentences(lattice: BaseLattice, number: int, graph_scale: float = 1.0, acoustic_scale: float = 1.0,
                   word_insertion_penalty: float = 0.0) -> List[Sentence]:
    """Exactly the `number` best word sequences, the best first (fewer where the lattice holds fewer).

    Each state keeps its `number` best prefixes with different words. That loses nothing: a prefix that comes
    after `number` others leads to no sentence that those others do not lead to with a better score.

    Raises: InputError when no path leads to the end.
    """
    ways = _best_ways(lattice, number, lattice.scores(graph_scale, acoustic_scale, word_insertion_penalty))
    return [way.sentence for way in ways]


def best_paths(lattice: BaseLattice, number: int, graph_scale: float = 1.0, acoustic_scale: float = 1.0,
               word_insertion_penalty: float = 0.0) -> Tuple[List[Sentence], List[np.ndarray]]:
    """As best_sentences, and the arcs of the best path of each."""
    ways = _best_ways(lattice, number, lattice.scores(graph_scale, acoustic_scale, word_insertion_penalty))
    return [way.sentence for way in ways], [way.arcs() for way in ways]


def side_by_side(lattice: AnyLattice, paths: Sequence[np.ndarray]) -> Tuple[AnyLattice, np.ndarray]:
    """The lattice of these paths alone, which share nothing but start and end.

    Args:
      paths: arcs from start to end, as of best_paths.
    Returns: the lattice, and ``[num_arcs]`` the path that each of its arcs belongs to.
    """
    arcs, lengths = np.concatenate(paths), np.array([len(path) for path in paths])
    path = np.repeat(np.arange(len(paths)), lengths)
    ends = np.cumsum(lengths)
    step = np.arange(len(arcs)) - (ends - lengths)[path]
    last = step == lengths[path] - 1
    # states that are as far from the start are neighbours: the paths are gone through beside each other, not in turn
    inner = np.flatnonzero(~last)
    dst = np.full(len(arcs), len(inner) + 1)
    dst[inner[np.lexsort((path[inner], step[inner]))]] = np.arange(len(inner)) + 1
    src = np.where(step == 0, 0, np.append(0, dst[:-1]))
    return lattice.with_arcs(arcs, src, dst), path


def _best_ways(lattice: BaseLattice, number: int, scores: np.ndarray) -> List[_Way]:
    check_count("number of sentences", number)
    prefixes: List[_Prefixes] = [{} for _ in range(lattice.num_states)]
    prefixes[0][()] = _Way(Sentence((), 0.0, 0.0, 0.0))
    for arcs, states, starts in lattice.levels.into:
        for state, into in zip(states, np.split(arcs, starts[1:])):
            prefixes[state] = _merged(lattice, scores, into, prefixes, number)
    if not prefixes[-1]:
        raise InputError(f"lattice {lattice.utterance_id}", "a path from start to end", "none")
    return list(prefixes[-1].values())


def _merged(lattice: BaseLattice, scores: np.ndarray, arcs: np.ndarray, prefixes: List[_Prefixes],
            number: int) -> _Prefixes:
    found: _Prefixes = {}
    for arc in arcs.tolist():
        word_id = int(lattice.word_id[arc])
        acoustic, graph, own = float(lattice.acoustic[arc]), float(lattice.graph[arc]), float(scores[arc])
        for way in prefixes[lattice.src[arc]].values():
            prefix = way.sentence
            words = prefix.word_ids + ((word_id,) if word_id else ())
            score = prefix.score + own
            if words not in found or score > found[words].sentence.score:
                found[words] = _Way(Sentence(words, prefix.acoustic + acoustic, prefix.graph + graph, score), arc, way)
    best = sorted(found.items(), key=lambda item: (-item[1].sentence.score, item[0]))[:number]
    return dict(best)
