"""The best distinct sentences of a lattice."""

from typing import Dict, List, NamedTuple, Tuple

import numpy as np

from graphs.errors import InputError
from graphs.lattices.base import BaseLattice


class Sentence(NamedTuple):
    """Scores are those of its best path; acoustic and graph are unscaled."""

    word_ids: Tuple[int, ...]
    acoustic: float
    graph: float
    score: float


def best_sentences(lattice: BaseLattice, number: int, graph_scale: float = 1.0, acoustic_scale: float = 1.0,
                   word_insertion_penalty: float = 0.0) -> List[Sentence]:
    """Exactly the `number` best word sequences, the best first (fewer where the lattice holds fewer).

    Each state keeps its `number` best prefixes with different words. That loses nothing: a prefix that comes
    after `number` others leads to no sentence that those others do not lead to with a better score.

    Raises: InputError when no path leads to the end.
    """
    if number < 1:
        raise InputError("number of sentences", "at least 1", str(number))
    scores = lattice.scores(graph_scale, acoustic_scale, word_insertion_penalty)
    prefixes: List[Dict[Tuple[int, ...], Sentence]] = [{} for _ in range(lattice.num_states)]
    prefixes[0][()] = Sentence((), 0.0, 0.0, 0.0)
    for arcs, states, starts in lattice.levels.into:
        for state, into in zip(states, np.split(arcs, starts[1:])):
            prefixes[state] = _merged(lattice, scores, into, prefixes, number)
    if not prefixes[-1]:
        raise InputError(f"lattice {lattice.utterance_id}", "a path from start to end", "none")
    return list(prefixes[-1].values())


def _merged(lattice: BaseLattice, scores: np.ndarray, arcs: np.ndarray, prefixes: List[dict],
            number: int) -> Dict[Tuple[int, ...], Sentence]:
    found: Dict[Tuple[int, ...], Sentence] = {}
    for arc in arcs:
        word_id = int(lattice.word_id[arc])
        for prefix in prefixes[lattice.src[arc]].values():
            words = prefix.word_ids + ((word_id,) if word_id else ())
            score = prefix.score + float(scores[arc])
            if words not in found or score > found[words].score:
                found[words] = Sentence(words, prefix.acoustic + float(lattice.acoustic[arc]),
                                        prefix.graph + float(lattice.graph[arc]), score)
    best = sorted(found.values(), key=lambda sentence: (-sentence.score, sentence.word_ids))[:number]
    return {sentence.word_ids: sentence for sentence in best}
