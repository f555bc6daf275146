"""Rescoring of lattices with language models, none of which is expanded beyond what the lattice says.

The graph score of a path becomes

    graph + sum over the terms of weight * log P(words of the path),

with a term of weight -1 for the LM that the lattice was made with and one of 1 for the new LM: subtract and add, both
exact for whole paths. (On an arc they are not: HCLG's weights are pushed forward, an LM's stand where the words do.)
The old LM has to be graphs/grammar/grammar_lm.py of the G that was searched; then of paths with the same words and
frames, which differ in how they backed off, the best has the new LM's score and no other has more.

States of the result are (state of the lattice, state of each LM). Where an LM tells all histories apart, as neural ones
do, those may be merged whose last max_order - 1 words are equal; the best of them speaks for all. Expansion goes
through the lattice in time, many words at once, and follows what is promising: the scores of a path so far with the
best that the lattice has for the rest (A*; Kaldi lattice-lmrescore-pruned looks ahead in the same way).
"""

from dataclasses import dataclass, field, replace
from typing import List, Sequence, Tuple

import numpy as np

from graphs.checks import check_size
from graphs.errors import InputError
from graphs.fst.ragged import ragged_ranges
from graphs.grammar.remembered import Remembered
from graphs.grammar.sentences import WordHistories
from graphs.grammar.weighted_lm import Term
from graphs.growing import GrowingArray
from graphs.lattices.base import BaseLattice
from graphs.options import check_at_least, check_positive


def _option(default, help: str):
    return field(default=default, metadata={"help": help})


@dataclass(frozen=True)
class RescoreOptions:
    max_order: int = _option(4, "neural LMs: histories with the same last max_order - 1 words are merged; 0: none are")
    beam: float = _option(10.0, "paths this much worse than the best are left out, in scaled score; inf keeps all")
    max_histories: int = _option(0, "histories kept at a state of the lattice, the best of them; 0 keeps all")
    acoustic_scale: float = _option(0.1, "factor on log-likelihoods where paths are compared")
    max_arcs: int = _option(2_000_000, "arcs that a lattice may be expanded to; where there are more the beam is made "
                            "narrower, and the outcome says so")

    def __post_init__(self):
        if not self.beam > 0:
            raise ValueError(f"beam: expected a number above 0, found {self.beam}")
        check_positive(self, "acoustic_scale")
        check_at_least(0, self, "max_order", "max_histories")
        check_at_least(1, self, "max_arcs")


# Beams that are tried where there are too many arcs: WIDEST * NARROWER, and so on by that factor to below NARROWEST
WIDEST, NARROWER, NARROWEST = 20.0, 0.75, 0.5
EXACT = RescoreOptions(max_order=0, beam=float("inf"))


@dataclass(frozen=True)
class Rescored:
    """A lattice expanded for its terms, whose scores still stand apart.

    Attributes:
      lattice: with its graph scores as they were.
      lm_scores: ``[num_arcs, num_terms]`` float64 log probabilities.
      beam: that of the options, or a narrower one where there would have been too many arcs.
    """

    lattice: BaseLattice
    lm_scores: np.ndarray
    beam: float

    def weighted(self, weights: Sequence[float]) -> BaseLattice:
        """The lattice with ``weights @ lm_scores`` in its graph scores.

        Raises: InputError for another number of weights than of terms, and for one that is no number.
        """
        if len(weights) != self.lm_scores.shape[1]:
            raise InputError("weights of language models", str(self.lm_scores.shape[1]), str(len(weights)))
        for weight in weights:
            check_size("weight of a language model", weight)
        graph = self.lattice.graph + self.lm_scores @ np.asarray(weights, np.float64)
        return self.lattice.with_arcs(np.arange(self.lattice.num_arcs), self.lattice.src, self.lattice.dst, graph=graph)


def rescore(lattice: BaseLattice, terms: Sequence[Term], options: RescoreOptions = EXACT) -> BaseLattice:
    """The lattice with the terms in its graph scores.

    Raises: InputError when no path has a probability above 0, and when the lattice holds words that an LM to be
      subtracted cannot give.
    """
    return expand(lattice, terms, options).weighted([term.weight for term in terms])


def expand(lattice: BaseLattice, terms: Sequence[Term], options: RescoreOptions = EXACT) -> Rescored:
    """See rescore. The LMs are `reset` first. A partial lattice ends without sentence ends.

    Raises: InputError, too, for a weight that is no number, and when not even paths close to the best have few enough
      arcs.
    """
    for term in terms:
        check_size("weight of a language model", term.weight)
    terms = [term._replace(lm=Remembered(term.lm)) for term in terms]
    for term in terms:
        term.lm.reset()
    beam = options.beam
    while True:
        expansion = _Expansion(lattice, terms, replace(options, beam=beam))
        try:
            for level in lattice.levels.into:
                expansion.follow(*level[:2])
            return expansion.result()
        except _TooMany:
            if beam < NARROWEST:
                raise InputError(f"lattice {lattice.utterance_id}", f"at most {options.max_arcs} arcs",
                                 f"more with a beam of {beam:g}") from None
            beam = NARROWER * min(beam, WIDEST)


class _TooMany(Exception):
    """Arcs."""


class _Expansion:
    """States so far, numbered in the order of the lattice's."""

    def __init__(self, lattice: BaseLattice, terms: Sequence[Term], options: RescoreOptions):
        self.lattice, self.terms, self.options = lattice, terms, options
        self._old_scores = lattice.scores(1.0, options.acoustic_scale)
        self._ahead = lattice.forward_backward(self._old_scores, best=True)[1]
        self._weights = np.array([term.weight for term in terms], np.float64)
        self._histories = {i: Remembered(WordHistories(options.max_order - 1)) for i, term in enumerate(terms)
                           if term.merged and options.max_order}
        # of each state of the result: a column a term
        self._lm_state, self._key = (GrowingArray((len(terms),), np.int64) for _ in range(2))
        self._score = GrowingArray((), np.float64)
        self._first, self._count = np.zeros((2, lattice.num_states), np.int64)  # of the lattice's states: theirs
        self._count[0] = 1
        start = np.array([[term.lm.start for term in terms]], np.int64)
        self._lm_state.add(start)
        self._key.add(np.array([[0 if i in self._histories else start[0, i] for i in range(len(terms))]]))
        self._score.add(np.zeros(1))
        self._num_arcs = 0
        self._arcs: List[Tuple[np.ndarray, ...]] = []  # arc of the lattice, src, dst, lm_scores

    def follow(self, arcs: np.ndarray, states: np.ndarray) -> None:
        """The arcs of the lattice into some of its states, whose sources are all there."""
        rows, src = ragged_ranges(self._first[self.lattice.src[arcs]], self._count[self.lattice.src[arcs]])
        arc = arcs[rows]
        dst, total = self.lattice.dst[arc], self._score.rows[src] + self._old_scores[arc]
        self._check_number(len(arc))
        kept = self._promising(total + self._ahead[dst])  # before any LM is asked
        arc, src, dst, total = arc[kept], src[kept], dst[kept], total[kept]
        lm_state, key, scores = self._advanced(src, arc)
        key[dst == self.lattice.num_states - 1] = 0
        total = total + self._weighted(scores)
        kept = self._promising(total + self._ahead[dst])
        arc, src, dst, lm_state, key, scores, total = (
            column[kept] for column in (arc, src, dst, lm_state, key, scores, total))
        state, best, kept = self._states(dst, key, total)
        self._arcs.append((arc[kept], src[kept], len(self._score) + state[kept], scores[kept]))
        self._num_arcs += len(kept)
        self._check_number(0)
        self._count[states] = np.bincount(np.searchsorted(states, dst[best]), minlength=len(states))
        self._first[states] = len(self._score) + np.cumsum(self._count[states]) - self._count[states]
        for table, column in ((self._lm_state, lm_state), (self._key, key), (self._score, total)):
            table.add(column[best])

    def _check_number(self, candidates: int) -> None:
        """Most candidates go again."""
        if self._num_arcs > self.options.max_arcs or candidates > 8 * self.options.max_arcs:
            raise _TooMany

    def _advanced(self, src: np.ndarray, arc: np.ndarray) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
        """lm_state, key and lm_scores ``[N, num_terms]`` after each arc. What a term makes impossible, no further term
        is asked about."""
        word_id = self.lattice.word_id[arc]
        lm_state, key = self._lm_state.rows[src], self._key.rows[src]
        scores = np.zeros(lm_state.shape)
        spoken = np.flatnonzero(word_id)
        ends = self.lattice.dst[arc] == self.lattice.num_states - 1
        ends = np.flatnonzero(ends & (not self.lattice.partial))
        for i, term in enumerate(self.terms):
            if len(spoken):
                scores[spoken, i], lm_state[spoken, i] = term.lm.advance(lm_state[spoken, i], word_id[spoken])
            if len(ends):
                scores[ends, i] += term.lm.final(lm_state[ends, i])
            if i not in self._histories:
                key[spoken, i] = lm_state[spoken, i]
            elif len(spoken):
                key[spoken, i] = self._histories[i].advance(key[spoken, i], word_id[spoken])[1]
            self._check_taken_out(scores[:, i], term, word_id)
            spoken, ends = (rows[~np.isneginf(scores[rows, i])] for rows in (spoken, ends))
        return lm_state, key, scores

    def _check_taken_out(self, scores: np.ndarray, term: Term, word_id: np.ndarray) -> None:
        bad = np.flatnonzero(np.isneginf(scores))
        if len(bad) and term.weight < 0:
            raise InputError(f"lattice {self.lattice.utterance_id}", "words and sentence ends that the LM of its graph "
                             "can give", f"word_id {word_id[bad[0]]} where it cannot: another LM made the lattice")

    def _weighted(self, scores: np.ndarray) -> np.ndarray:
        """What the terms add, -inf where one of them makes it impossible."""
        impossible = np.isneginf(scores)
        return np.where(impossible.any(axis=1), -np.inf, np.where(impossible, 0.0, scores) @ self._weights)

    def _promising(self, estimate: np.ndarray) -> np.ndarray:
        """Rows within the beam of the best; estimate: of the whole path."""
        if not len(estimate):
            return np.zeros(0, np.int64)
        return np.flatnonzero((estimate >= estimate.max() - self.options.beam) & ~np.isneginf(estimate))

    def _states(self, dst: np.ndarray, key: np.ndarray, total: np.ndarray) -> Tuple[np.ndarray, ...]:
        """Rows of one dst and key meet in a state.

        Returns: the new state of each row, counted from 0; the row that each state takes its score and LM states
          from, in the order of dst; the rows whose states are kept.
        """
        columns = [dst, *key.T]
        order = np.lexsort((-total, *columns[::-1]))
        new = np.ones(len(order), bool)
        new[1:] = np.any([np.diff(column[order]) != 0 for column in columns], axis=0)
        state = np.empty(len(order), np.int64)
        state[order] = np.cumsum(new) - 1
        best, kept = order[new], np.arange(len(order))
        if self.options.max_histories and len(best):
            by_score = np.lexsort((-total[best], dst[best]))
            starts = np.flatnonzero(np.append(True, np.diff(dst[best][by_score]) != 0))
            place = np.arange(len(best)) - np.repeat(starts, np.diff(np.append(starts, len(best))))
            stays = np.zeros(len(best), bool)
            stays[by_score[place < self.options.max_histories]] = True
            best, kept, state = best[stays], np.flatnonzero(stays[state]), (np.cumsum(stays) - 1)[state]
        return state, best, kept

    def result(self) -> Rescored:
        arc, src, dst, scores = (np.concatenate(column) for column in zip(*self._arcs))
        last = self.lattice.num_states - 1
        if not self._count[last]:
            raise InputError(f"lattice {self.lattice.utterance_id}", "a path that the language models allow", "none")
        whole = self.lattice.with_arcs(arc, src, dst)
        total = whole.scores(1.0, self.options.acoustic_scale) + scores @ self._weights
        forward, backward = whole.forward_backward(total, best=True)
        kept = forward[whole.src] + total + backward[whole.dst] >= forward[-1] - self.options.beam - 1e-6
        kept &= np.isfinite(forward[whole.src]) & np.isfinite(backward[whole.dst])
        return Rescored(whole.select(kept), scores[kept], self.options.beam)
