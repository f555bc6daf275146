"""Determinization of word arcs: states of the result are sets of entries (Kaldi lat/determinize-lattice-pruned.cc).

After a word sequence W a subset holds each entry e that it leads to, with the score and the alignment of the best way,
less what all have in common, which lies on the arc before:

    score(W, e) = (scores of the arcs of W) + residual(e),   max_e residual(e) = 0
    alignment(W, e) = (strings of the arcs of W) residual string(e),   the first have the longest common beginning

Two word sequences lead to one state when entries, residuals and residual strings are equal. Subsets are made level by
level of their first entry, so that all ways into one are known before it is followed: its best score from the start is
exact, and with it what lies within the beam.
"""

from typing import Dict, List, NamedTuple, Tuple

import numpy as np

from graphs.fst.ragged import ragged_ranges
from graphs.lattices.base import BaseLattice
from graphs.lattices.rows import is_new, mix, rounded, string_hashes, sums
from graphs.lattices.silent_paths import SilentArcs, SilentPaths, Ways

QUANTUM = 2.0 ** -15  # residuals that round to the same multiple are equal


class TooMany(Exception):
    """More arcs than the caller allows."""


class Elements(NamedTuple):
    """States of subsets. owner: ``[n]`` the subset of each, those of a subset together; acoustic, graph: residuals;
    transition_ids, ends: residual strings."""

    owner: np.ndarray
    state: np.ndarray
    acoustic: np.ndarray
    graph: np.ndarray
    transition_ids: np.ndarray
    ends: np.ndarray


class SubsetArcs(NamedTuple):
    """Arcs between subsets. level: ``[num_subsets]``; arcs lead to higher ones, and that of the end is the highest."""

    src: np.ndarray
    dst: np.ndarray
    word_id: np.ndarray
    acoustic: np.ndarray
    graph: np.ndarray
    transition_ids: np.ndarray
    ends: np.ndarray
    level: np.ndarray


class Subsets:
    """The subset construction over the words of a lattice."""

    def __init__(self, lattice: BaseLattice, graph_scale: float, acoustic_scale: float, beam: float, max_arcs: int):
        """Args: as of `determinize`; the lattice is pruned."""
        self.lattice, self.beam, self.max_arcs = lattice, beam, max_arcs
        self._scales = graph_scale, acoustic_scale
        scores = lattice.scores(graph_scale, acoustic_scale)
        self.arcs = SilentArcs(lattice, scores)
        forward, backward = lattice.forward_backward(scores, best=True)
        self._rest, self._least = np.append(backward, 0.0), float(forward[-1]) - beam - 1e-6
        # what lies within the beam of a set within the beam
        self._paths = SilentPaths(self.arcs, self._rest, self._least - beam)
        self._level_of = np.append(self.arcs.level, len(self.arcs.next_level))  # of states
        self._number: Dict[int, int] = {}  # hash of a subset -> its number
        self._levels: List[int] = [0]
        self._forward: List[float] = [0.0]
        self._waiting: Dict[int, List[Elements]] = {}
        self._found: List[tuple] = []
        self._num_arcs = 0

    def run(self) -> SubsetArcs:
        """Raises: TooMany for more arcs than allowed."""
        zero, nothing = np.zeros(1), np.zeros(0, np.int32)
        number = np.zeros(1, np.int64)
        self._waiting[0] = [Elements(number, number, zero, zero, nothing, number)]
        while self._waiting:
            first = min(self._waiting)
            end = self.arcs.next_level[first]
            levels = sorted(level for level in self._waiting if level < end)
            self._expand(_joined([part for level in levels for part in self._waiting.pop(level)]))
        columns = [np.concatenate(column) for column in zip(*self._found)]
        return SubsetArcs(*columns[:6], np.cumsum(columns[6]), np.array(self._levels))

    def _expand(self, subsets: Elements) -> None:
        """Follows all ways out of the subsets to the next words."""
        arcs = self.arcs
        column = np.cumsum(is_new(subsets.owner)) - 1
        owners = subsets.owner[is_new(subsets.owner)]
        forward = np.array([self._forward[owner] for owner in owners.tolist()])
        scale = self._scales
        score = forward[column] + scale[0] * subsets.graph + scale[1] * subsets.acoustic
        ways = self._paths.follow(column, subsets.state, score)
        word, dst = arcs.word_id[ways.arc], arcs.word_dst[ways.arc]
        order = np.lexsort((-ways.score, dst, word, ways.column))
        order = order[is_new(ways.column[order], word[order], dst[order])]
        # a set keeps the states whose best path is within the beam of its own, whatever the way to it
        begins = np.flatnonzero(is_new(ways.column[order], word[order]))
        total = ways.score[order] + self._rest[dst[order]]
        best = np.maximum.reduceat(total, begins)
        best = np.repeat(best, np.diff(np.append(begins, len(order))))
        order = order[(best >= self._least) & (total >= best - self.beam - 1e-6)]
        if len(order):
            self._file(subsets, owners, Ways(*(column[order] for column in ways)))

    def _file(self, subsets: Elements, owners: np.ndarray, ways: Ways) -> None:
        """Makes subsets of the states found, sorted by column and word, and the arcs to them."""
        word = self.arcs.word_id[ways.arc]
        new = is_new(ways.column, word)
        begins, group = np.flatnonzero(new), np.cumsum(new) - 1
        top = _first_best(ways.score, begins, group)
        origin, arcs, arc_ends = self._paths.trace(ways)
        acoustic, graph = (own[origin] + sums(of_arcs[arcs].astype(np.float64), arc_ends) for own, of_arcs in (
            (subsets.acoustic, self.lattice.acoustic), (subsets.graph, self.lattice.graph)))
        strings, ends = self._strings(subsets, origin, arcs, arc_ends)
        common = _common_lengths(strings, ends, begins, group)
        sets = Elements(group, self.arcs.word_dst[ways.arc], acoustic - acoustic[top][group], graph - graph[top][group],
                        *_cut(strings, ends, common[group]))
        self._end_lone(sets, begins)
        levels = np.minimum.reduceat(self._level_of[sets.state], begins)
        numbers, is_new_set = self._numbered(_hashes(sets, begins), levels)
        for number, total in zip(numbers.tolist(), ways.score[top].tolist()):
            self._forward[number] = max(self._forward[number], total)
        self._num_arcs += len(begins)
        if self._num_arcs > self.max_arcs:
            raise TooMany(f"more than {self.max_arcs} arcs")
        _, letters = ragged_ranges(np.append(0, ends[:-1])[begins], common)
        self._found.append((owners[ways.column[begins]], numbers, word[begins], acoustic[top], graph[top],
                            strings[letters], common))
        self._wait(sets, numbers, is_new_set, levels)

    def _strings(self, subsets: Elements, origin: np.ndarray, arcs: np.ndarray, arc_ends: np.ndarray):
        """Residual strings of the elements followed by those of the arcs; end to end, and where they end."""
        text = self.lattice.frame_entries(arcs).transition_ids
        text_ends = np.cumsum(sums(self.lattice.arc_frames[arcs], arc_ends))
        starts = np.append(0, subsets.ends[:-1])[origin], np.append(0, text_ends[:-1])
        lengths = subsets.ends[origin] - starts[0], text_ends - starts[1]
        # in turn: row 2 i is of the element, 2 i + 1 of the arcs
        both = np.stack([starts[0], starts[1] + len(subsets.transition_ids)], axis=1).ravel()
        _, letters = ragged_ranges(both, np.stack(lengths, axis=1).ravel())
        return np.concatenate([subsets.transition_ids, text])[letters], np.cumsum(lengths[0] + lengths[1])

    def _end_lone(self, sets: Elements, begins: np.ndarray) -> None:
        """A set of the last state alone is the end: nothing follows."""
        size = np.diff(np.append(begins, len(sets.state)))
        lone = begins[(size == 1) & (sets.state[begins] == self.lattice.num_states - 1)]
        sets.state[lone] = self.lattice.num_states

    def _numbered(self, names: np.ndarray, levels: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        """Number of the subset of each name, and whether it is met for the first time."""
        numbers, new = np.zeros(len(names), np.int64), np.zeros(len(names), bool)
        for i, name in enumerate(names.tolist()):
            number = self._number.get(name)
            if number is None:
                number = self._number[name] = len(self._levels)
                self._levels.append(int(levels[i]))
                self._forward.append(-np.inf)
                new[i] = True
            numbers[i] = number
        return numbers, new

    def _wait(self, sets: Elements, numbers: np.ndarray, new: np.ndarray, levels: np.ndarray) -> None:
        """Puts new subsets where they will be followed."""
        kept = np.flatnonzero(new[sets.owner] & (sets.state < self.lattice.num_states))
        order = kept[np.argsort(levels[sets.owner[kept]], kind="stable")]
        if not len(order):
            return
        at_level = levels[sets.owner[order]]
        taken = _taken(sets, order)._replace(owner=numbers[sets.owner[order]])
        begins = np.flatnonzero(is_new(at_level))
        for begin, end in zip(begins.tolist(), [*begins[1:].tolist(), len(order)]):
            self._waiting.setdefault(int(at_level[begin]), []).append(_slice(taken, begin, end))


def _slice(elements: Elements, begin: int, end: int) -> Elements:
    start = elements.ends[begin - 1] if begin else 0
    return Elements(*(column[begin:end] for column in elements[:4]),
                    elements.transition_ids[start:elements.ends[end - 1]], elements.ends[begin:end] - start)


def _taken(elements: Elements, rows: np.ndarray) -> Elements:
    starts = np.append(0, elements.ends[:-1])[rows]
    lengths = elements.ends[rows] - starts
    _, letters = ragged_ranges(starts, lengths)
    return Elements(*(column[rows] for column in elements[:4]), elements.transition_ids[letters], np.cumsum(lengths))


def _joined(parts: List[Elements]) -> Elements:
    columns = [np.concatenate(column) for column in zip(*(part[:5] for part in parts))]
    lengths = np.concatenate([np.diff(part.ends, prepend=0) for part in parts])
    return Elements(*columns, np.cumsum(lengths))


def _common_lengths(strings: np.ndarray, ends: np.ndarray, begins: np.ndarray, group: np.ndarray) -> np.ndarray:
    """``[num_groups]``: length of the beginning that all strings of a group have in common."""
    starts = np.append(0, ends[:-1])
    lengths = ends - starts
    others = np.ones(len(ends), bool)
    others[begins] = False
    others = np.flatnonzero(others)
    leader = begins[group[others]]
    shared = np.minimum(lengths[others], lengths[leader])
    rows, letters = ragged_ranges(starts[others], shared)
    places = letters - starts[others][rows]
    differ = np.flatnonzero(strings[letters] != strings[starts[leader][rows] + places])
    first = differ[is_new(rows[differ])] if len(differ) else differ
    shared[rows[first]] = places[first]
    common = lengths[begins]
    np.minimum.at(common, group[others], shared)
    return common


def _cut(strings: np.ndarray, ends: np.ndarray, lengths: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """The strings without so much of their beginnings."""
    starts = np.append(0, ends[:-1]) + lengths
    _, letters = ragged_ranges(starts, ends - starts)
    return strings[letters], np.cumsum(ends - starts)


def _first_best(score: np.ndarray, begins: np.ndarray, group: np.ndarray) -> np.ndarray:
    """``[num_groups]``: the row of the best score of each group, of equals the first."""
    best = np.maximum.reduceat(score, begins)
    rows = np.flatnonzero(score == best[group])
    return rows[is_new(group[rows])]


def _hashes(sets: Elements, begins: np.ndarray) -> np.ndarray:
    """``[num_sets]`` uint64, equal for equal sets."""
    found = string_hashes(sets.transition_ids, sets.ends) + sets.state.astype(np.uint64)
    for residual in (sets.acoustic, sets.graph):
        found = mix(found) + rounded(residual, QUANTUM)
    return np.add.reduceat(mix(found), begins)
