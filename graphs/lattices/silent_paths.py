"""Best ways through the arcs of a lattice that have no word, from many sets of states at once.

    best(set, s) = max( score of s in the set,  max over silent arcs a into s: best(set, src(a)) + score(a) )

level by level of the lattice, for pairs of a set and a state that it leads to. Pairs of too small a score are dropped
where they arise.
"""

from typing import NamedTuple, Tuple

import numpy as np

from graphs.fst.ragged import ragged_ranges
from graphs.lattices.base import BaseLattice
from graphs.lattices.rows import is_new


class SilentArcs:
    """The silent arcs of a lattice, and the words that follow, in order.

    The end of the lattice counts as an arc (number num_arcs) without word from the last state to one more, num_states.

    Attributes:
      arcs, src, dst, gain: ``[num_silent]`` silent arcs by the states that they enter, and their scores.
      of_level: ``[num_levels + 1]`` where the silent arcs into each level begin.
      last_level: ``[num_states]`` the last level from which a word follows on a silent path from the state.
      next_level: ``[num_levels]`` the first level of a state that a word arc enters, of those to which one word leads
        from such a state of this level or a later one (or from the start).
      words, word_src, word_gain: arcs with words, by the states that they leave, with the end.
      word_id, word_dst: ``[num_arcs + 1]`` by number of arc.
    """

    def __init__(self, lattice: BaseLattice, scores: np.ndarray):
        self.lattice, self.level = lattice, lattice.levels.of_state
        silent = lattice.word_id == 0
        self.arcs = np.flatnonzero(silent)[np.argsort(lattice.dst[silent], kind="stable")]
        self.src, self.dst = lattice.src[self.arcs], lattice.dst[self.arcs].astype(np.int64)
        self.gain = scores[self.arcs]
        num_levels = int(self.level[-1]) + 1
        self.of_level = np.searchsorted(self.level[self.dst], np.arange(num_levels + 1)).tolist()
        spoken = np.flatnonzero(~silent)
        self.words = np.append(spoken[np.argsort(lattice.src[spoken], kind="stable")], lattice.num_arcs)
        self.word_src = np.append(lattice.src, lattice.num_states - 1)[self.words]
        self.word_gain = np.append(scores, 0.0)[self.words]
        self.word_id = np.append(lattice.word_id, 0)
        self.word_dst = np.append(lattice.dst, lattice.num_states).astype(np.int64)
        self._measure(silent, num_levels)

    def _measure(self, silent: np.ndarray, beyond: int) -> None:
        lattice, level = self.lattice, self.level
        self.last_level = np.full(lattice.num_states, -1, np.int64)
        self.last_level[self.word_src] = level[self.word_src]
        nearest = np.full(lattice.num_states, beyond, np.int64)
        ends = self.word_dst[self.words[:-1]]
        np.minimum.at(nearest, self.word_src[:-1], level[ends])
        for arcs, _, _ in reversed(lattice.levels.out_of):
            arcs = arcs[silent[arcs]]
            src, dst = lattice.src[arcs], lattice.dst[arcs]
            np.maximum.at(self.last_level, src, self.last_level[dst])
            np.minimum.at(nearest, src, nearest[dst])
        self.next_level = np.full(beyond, beyond)
        begins = np.append(0, ends)
        np.minimum.at(self.next_level, level[begins], nearest[begins])
        self.next_level = np.minimum.accumulate(self.next_level[::-1])[::-1]


class Ways(NamedTuple):
    """From sets to words. Each ``[n]``: the set; the arc with the word; the score at its end; the pair before it."""

    column: np.ndarray
    arc: np.ndarray
    score: np.ndarray
    pair: np.ndarray


class SilentPaths:
    """Follows sets of states. Its pairs are those of the last call of `follow`.

    Args:
      rest: ``[num_states + 1]`` best score from each state to the end.
      least: a pair counts if its score and the rest are at least that.
    """

    def __init__(self, arcs: SilentArcs, rest: np.ndarray, least: float):
        self.arcs, self._rest, self._least, self._size = arcs, rest, least, 0
        self._first, self._count = np.zeros((2, arcs.lattice.num_states), np.int64)  # pairs of a state
        # of pairs: the set, the state; the pair before and the arc from there, or the element of the set and -1
        self._column, self._state, self._back, self._arc = np.zeros((4, 1 << 14), np.int64)
        self._score = np.zeros(1 << 14)

    def follow(self, column: np.ndarray, state: np.ndarray, score: np.ndarray) -> Ways:
        """All ways from sets to words. column, state, score: ``[n]`` elements of the sets, each state once in a set."""
        self._count[self._state[:self._size]] = 0
        self._size = 0
        arcs, by_state = self.arcs, np.argsort(state, kind="stable")
        levels = arcs.level[state]
        begin, end = int(levels.min()), int(arcs.last_level[state].max()) + 1
        own = np.searchsorted(levels[by_state], np.arange(begin, end + 1)).tolist()
        self._num_columns = int(column.max()) + 1
        for number in range(begin, end):
            elements = by_state[own[number - begin]:own[number - begin + 1]]
            pairs = self._step(arcs.of_level[number], arcs.of_level[number + 1])
            if len(elements):
                start = column[elements], state[elements], score[elements], elements, np.full(len(elements), -1)
                pairs = tuple(np.concatenate(both) for both in zip(start, pairs))
            if len(pairs[0]):
                self._add(*pairs)
        return self._ways()

    def _step(self, first: int, last: int) -> Tuple[np.ndarray, ...]:
        """By the silent arcs into one level: columns of pairs, as for `_add`."""
        arcs = self.arcs
        src = arcs.src[first:last]
        rows, at = ragged_ranges(self._first[src], self._count[src])
        rows += first
        gained, dst = self._score[at] + arcs.gain[rows], arcs.dst[rows]
        kept = np.flatnonzero(gained + self._rest[dst] >= self._least)
        if len(kept) < len(rows):
            rows, at, dst, gained = rows[kept], at[kept], dst[kept], gained[kept]
        return self._column[at], dst, gained, at, arcs.arcs[rows]

    def _add(self, column: np.ndarray, state: np.ndarray, score: np.ndarray, back: np.ndarray, arc: np.ndarray) -> None:
        """Of equal pairs, which are all of one level, the best."""
        key = state * self._num_columns + column
        order = np.lexsort((-score, key))
        order = order[is_new(key[order])]
        first, self._size = self._size, self._size + len(order)
        while self._size > len(self._score):
            for name in ("_column", "_state", "_back", "_arc", "_score"):
                setattr(self, name, np.concatenate([getattr(self, name)] * 2))
        new = slice(first, self._size)
        self._column[new], self._score[new] = column[order], score[order]
        self._back[new], self._arc[new] = back[order], arc[order]
        self._state[new] = state = state[order]
        begins = np.flatnonzero(is_new(state))
        self._first[state[begins]], self._count[state[begins]] = first + begins, np.diff(begins, append=len(state))

    def _ways(self) -> Ways:
        arcs = self.arcs
        states = self._state[:self._size]
        bounds = np.searchsorted(arcs.word_src, [states, states + 1])
        pair, at = ragged_ranges(bounds[0], bounds[1] - bounds[0])
        score, arc = self._score[pair] + arcs.word_gain[at], arcs.words[at]
        kept = np.flatnonzero(score + self._rest[arcs.word_dst[arc]] >= self._least)
        return Ways(self._column[pair[kept]], arc[kept], score[kept], pair[kept])

    def trace(self, ways: Ways) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
        """For each way its first element; its arcs, that of the word among them, end to end; and where they end."""
        real = ways.arc < self.arcs.lattice.num_arcs
        steps = [(np.flatnonzero(real), ways.arc[real])]
        origin, open_ways, pair = np.zeros(len(ways.arc), np.int64), np.arange(len(ways.arc)), ways.pair
        while len(open_ways):
            arc, back = self._arc[pair], self._back[pair]
            begins = arc < 0
            origin[open_ways[begins]] = back[begins]
            more = ~begins
            open_ways, pair = open_ways[more], back[more]
            steps.append((open_ways, arc[more]))
        rows, arcs = (np.concatenate(column) for column in zip(*steps))
        counts = np.bincount(rows, minlength=len(ways.arc))
        ends = np.cumsum(counts)
        order = np.argsort(rows, kind="stable")  # the arcs of a way, the last first
        place = np.repeat(ends, counts) - 1 - np.arange(len(rows)) + np.repeat(ends - counts, counts)
        flat = np.empty_like(arcs)
        flat[place] = arcs[order]
        return origin, flat, ends
