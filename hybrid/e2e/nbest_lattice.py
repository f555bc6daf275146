"""N-best lists of end-to-end searches as lattices of words.

A hypothesis is a path of its own from the start to the end: an arc a word, before them one without a word where frames
go by before the first. The frames of an arc are the encoder's output frames, from the word's first token to that of the
next word; their "transition_ids" are token_id + 1, blank's where no token stands. Scores stand on a path's first arc:
acoustic, the model's without language model; graph, the language model's.
"""

import math
from typing import Dict, List, Mapping, NamedTuple, Sequence, Tuple

import numpy as np

from graphs.errors import InputError
from graphs.ids import BLANK
from graphs.lang.symbols import EPS, SymbolTable
from graphs.lattices.compact_lattice import CompactLattice
from hybrid.e2e.hypothesis import Hypothesis
from hybrid.e2e.tokens import SPACE, TokenTable

MERGES = ("best", "sum")
LM_PART = "lm"


class _Sentence(NamedTuple):
    """starts: frame of each word's first token; string: ``[num_frames]`` token_id + 1."""

    words: Tuple[str, ...]
    starts: List[int]
    string: np.ndarray
    acoustic: float
    graph: float


def nbest_lattice(utterance_id: str, hypotheses: Sequence[Hypothesis], num_frames: int, tokens: TokenTable,
                  words: SymbolTable, weights: Mapping[str, float] = {}, merge: str = "best") -> CompactLattice:
    """
    Args:
      hypotheses: best first, as searches give them; one without a finite score is left out.
      num_frames: output frames of the encoder.
      words: grows by the words that it lacks; ids of its own stay.
      weights: of the parts of a hypothesis in the acoustic score; 1 for those not named.
      merge: of several hypotheses of the same words the `best` stays, by its score, or they are one whose acoustic
        score is the logarithm of their `sum`, with the frames and the graph score of the best.
    Returns: a lattice, partial when the search had to break off its best hypothesis.
    Raises: InputError when no hypothesis has a finite score, and for frames or words that cannot be.
    """
    if merge not in MERGES:
        raise InputError("merge", f"one of {', '.join(MERGES)}", repr(merge))
    item, found = f"utterance {utterance_id}", {}
    for hypothesis in sorted(hypotheses, key=lambda one: -one.score):
        sentence = _sentence(item, hypothesis, num_frames, tokens, weights)
        known = found.get(sentence.words)
        if known is None and math.isfinite(sentence.acoustic) and math.isfinite(sentence.graph):
            found[sentence.words] = sentence
        elif known is not None and merge == "sum":
            found[sentence.words] = known._replace(acoustic=float(np.logaddexp(known.acoustic, sentence.acoustic)))
    if not found:
        raise InputError(item, "a hypothesis with a finite score", "none")
    return _joined(utterance_id, list(found.values()), num_frames, words, not hypotheses[0].finished)


def _sentence(item: str, hypothesis: Hypothesis, num_frames: int, tokens: TokenTable,
              weights: Mapping[str, float]) -> _Sentence:
    frames = own_frames(item, hypothesis.frames, num_frames)
    if len(frames) != len(hypothesis.tokens):
        raise InputError(item, f"{len(hypothesis.tokens)} frames, one of each token", str(len(frames)))
    string = np.full(num_frames, BLANK + 1, np.int32)
    string[frames] = np.asarray(hypothesis.tokens, np.int64) + 1
    spelled = tokens.words(hypothesis.tokens)
    if any(one.word == EPS for one in spelled):
        raise InputError(item, f"other words than {EPS}", "it")
    firsts = [one.first + (tokens.symbols[hypothesis.tokens[one.first]] == SPACE) for one in spelled]
    acoustic = sum(weights.get(name, 1.0) * value for name, value in hypothesis.parts.items() if name != LM_PART)
    return _Sentence(tuple(one.word for one in spelled), [int(frames[first]) for first in firsts], string,
                     acoustic, hypothesis.parts.get(LM_PART, 0.0))


def own_frames(item: str, frames: Sequence[int], num_frames: int) -> np.ndarray:
    """``[N]`` int64: a frame for each token alone, near those given, in their order. Where there are more tokens than
    frames, the frames as they are given.

    Raises: InputError for frames that fall, and for those that the utterance lacks.
    """
    given = np.asarray(frames, np.int64).reshape(-1)
    if (np.diff(given, prepend=0) < 0).any() or given.max(initial=-1) >= num_frames:
        raise InputError(item, f"frames of tokens from 0 to below {num_frames}, never falling", str(list(frames))[:80])
    if len(given) > num_frames:
        return given
    place = np.arange(len(given))
    return np.minimum(np.maximum.accumulate(given - place) + place, num_frames - len(given) + place)


def _joined(utterance_id: str, sentences: Sequence[_Sentence], num_frames: int, words: SymbolTable,
            partial: bool) -> CompactLattice:
    columns: Dict[str, list] = {name: [] for name in ("src", "dst", "word_id", "counts", "acoustic", "graph")}
    number = 1  # of the next inner state
    for sentence in sentences:
        starts, word_ids = list(sentence.starts), [words.add(word) for word in sentence.words]
        if not starts or starts[0] > 0:
            starts, word_ids = [0, *starts], [0, *word_ids]
        inner, rest = list(range(number, number + len(starts) - 1)), [0.0] * (len(starts) - 1)
        number += len(inner)
        columns["src"] += [0, *inner]
        columns["dst"] += [*inner, -1]
        columns["word_id"] += word_ids
        columns["counts"] += np.diff([*starts, num_frames]).tolist()
        columns["acoustic"] += [sentence.acoustic, *rest]
        columns["graph"] += [sentence.graph, *rest]
    dst = [number if state < 0 else state for state in columns["dst"]]
    return CompactLattice(utterance_id, num_frames, columns["src"], dst, columns["word_id"], columns["acoustic"],
                          columns["graph"], np.concatenate([sentence.string for sentence in sentences]),
                          np.cumsum(columns["counts"]), partial)
