"""Minimum Bayes risk decoding: the words of least expected errors, as a sequence of bins with word probabilities.

H. Xu, D. Povey, L. Mangu and J. Zhu, "Minimum Bayes Risk decoding and system combination based on a recursion for edit
distance", Computer Speech and Language 25 (2011); Kaldi lat/sausages.cc. For a hypothesis r_1 .. r_Q, in which a gap
stands at both ends and between words,

    alpha'(a, q) = min(alpha'(src, q-1) + [w(a) != r_q], alpha'(src, q) + [w(a) != gap], alpha'(a, q-1) + [r_q != gap])
    alpha'(n, q) = sum over arcs a into n of P(a | n) alpha'(a, q)

is the expected number of errors of the paths to state n against r_1 .. r_q (a bound from above: paths that meet in a
state take the same alignment from there on). Going back along the minima gives gamma(q, w), the probability that the
word w stands at place q; the likeliest word of each place is the next hypothesis, until none changes.

Of several lattices (of several systems) alpha' and gamma are the weighted sums: the union of the lattices, each
normalized.

A state sees the WIDTH places of the hypothesis around its own time: all of them below 128 words, and in an hour of
speech no path is 60 words ahead of the hypothesis or behind it.
"""

from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from graphs.checks import check_scale, ids_array, shares_of
from graphs.errors import InputError
from graphs.lattices.base import BaseLattice

SKIP = 1.0 + 1e-5  # an inserted word costs a little more beside the bins than in one
TIE = 1e-9
MOST_ROUNDS = 100
LEAST = 1e-9  # probabilities below are not listed
WIDTH = 256
FAR = 1e6  # errors in places that a state does not see


class BinWord(NamedTuple):
    """word_id 0: no word. start, end: mean times of the arcs, in frames or what the voters' shifts make of them."""

    word_id: int
    probability: float
    start: float
    end: float


class Bin(NamedTuple):
    """One place of a consensus network: what may stand there, likeliest first. start, end: times, on average."""

    words: Tuple[BinWord, ...]
    start: float
    end: float


class Consensus(NamedTuple):
    """A consensus network ("sausage"). risk: expected errors of its words, as far as the recursion tells."""

    bins: List[Bin]
    words: List[BinWord]  # the hypothesis
    risk: float

    @property
    def word_ids(self) -> List[int]:
        return [word.word_id for word in self.words]


class Voter(NamedTuple):
    """A lattice and the scores of its arcs, ``[num_arcs]``, which say how probable its paths are.

    frame_shift: time that a frame lasts, where lattices of several frame shifts vote.
    """

    lattice: BaseLattice
    scores: np.ndarray
    frame_shift: float = 1.0


def consensus(voters: Sequence[Voter], weights: Sequence[float] = (), start: Optional[Sequence[int]] = None,
              decode: bool = True) -> Consensus:
    """
    Args:
      voters: lattices of one utterance with the same word_ids.
      weights: of the lattices; empty for equal ones.
      start: word_ids of the hypothesis to start from; default: those of the likeliest path.
      decode: False keeps `start` and only finds the probabilities of its words.
    Raises: InputError when no path leads to the end, for no voters or such of several utterances, and for weights,
      scores or word_ids that cannot be.
    """
    shares = shares_of("weights", weights, len(voters))
    voters = [_checked(voter, voters[0].lattice.utterance_id) for voter in voters]
    recursions = [_Recursion(voter, share) for voter, share in zip(voters, shares) if share > 0]
    words, begins = _likeliest(voters, shares) if start is None else (ids_array("words to start from", start), None)
    hypothesis = _with_gaps(words)
    for last in reversed(range(MOST_ROUNDS)):
        sums = _Sums(len(hypothesis))
        risk = sum(recursion.add(hypothesis, begins, sums) for recursion in recursions)
        bins = sums.bins()
        # a tie keeps the word, so that no round undoes the one before
        better = [one.words[0].word_id if one.words[0].probability > _word(one, old).probability + TIE else old
                  for one, old in zip(bins, hypothesis)]
        if not (decode and last) or better == hypothesis:
            break
        hypothesis = _with_gaps(better)
        begins = np.array([_word(one, word_id).start for one, word_id in zip(bins, better) if word_id])
    kept = [one for one in bins if one.words[0].word_id or one.words[0].probability < 1 - LEAST]
    return Consensus(_in_order(kept), [_word(one, word_id) for one, word_id in zip(bins, hypothesis) if word_id], risk)


def _checked(voter: Voter, utterance_id: str) -> Voter:
    lattice, scores = voter.lattice, np.asarray(voter.scores)
    if lattice.utterance_id != utterance_id:
        raise InputError(f"lattice {lattice.utterance_id}", f"lattices of {utterance_id}, as the first is", "another")
    if scores.shape != (lattice.num_arcs,):
        raise InputError(f"scores of lattice {lattice.utterance_id}", f"shape ({lattice.num_arcs},), one for each arc",
                         str(scores.shape))
    check_scale(f"frame shift of lattice {lattice.utterance_id}", voter.frame_shift)
    return voter._replace(scores=scores)


def _word(one: Bin, word_id: int) -> BinWord:
    """With probability 0 where no path has the word in this place."""
    found = [word for word in one.words if word.word_id == word_id]
    return found[0] if found else BinWord(word_id, 0.0, one.start, one.end)


def _with_gaps(word_ids: Sequence[int]) -> List[int]:
    return [0] + [label for word_id in word_ids if word_id for label in (int(word_id), 0)]


def _likeliest(voters: Sequence[Voter], shares: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Words of the path of the highest share of the probability, and when they begin."""
    found = []
    for (lattice, scores, frame_shift), share in zip(voters, shares):
        if share > 0:
            total = lattice.forward_backward(scores)[0][-1]
            arcs = best_arcs(lattice, scores)
            found.append((float(np.log(share) + scores[arcs].sum() - total), lattice, arcs, frame_shift))
    _, lattice, arcs, frame_shift = max(found, key=lambda item: item[0])
    spoken = arcs[lattice.word_id[arcs] > 0]
    return lattice.word_id[spoken], frame_shift * lattice.state_frames()[lattice.src[spoken]]


def best_arcs(lattice: BaseLattice, scores: np.ndarray) -> np.ndarray:
    """The arcs of the path of the highest sum of `scores`, ``[num_arcs]``."""
    forward, _ = lattice.forward_backward(scores, best=True)
    order = np.argsort(lattice.dst, kind="stable")
    first = np.searchsorted(lattice.dst[order], np.arange(lattice.num_states + 1))
    state, arcs = lattice.num_states - 1, []
    while state:
        into = order[first[state]:first[state + 1]]
        arcs.append(into[np.argmax(forward[lattice.src[into]] + scores[into])])
        state = lattice.src[arcs[-1]]
    return np.array(arcs[::-1], np.int64)


class _Recursion:
    """The recursion over one lattice. share: of the lattice in all votes."""

    def __init__(self, voter: Voter, share: float):
        self.lattice, scores, frame_shift = voter
        self.share = share
        forward, backward = self.lattice.forward_backward(scores)
        if not np.isfinite(forward[-1]):
            raise InputError(f"lattice {self.lattice.utterance_id}", "a path from start to end with a finite score",
                             "none")
        alive = np.isfinite(forward[self.lattice.src])  # states that no path enters have no share
        self.probability = np.zeros(len(scores))  # that a path into dst comes by the arc
        self.probability[alive] = np.exp((forward[self.lattice.src] + scores - forward[self.lattice.dst])[alive])
        self.skip = np.where(self.lattice.word_id > 0, SKIP, 0.0)[:, None]
        self.times = frame_shift * self.lattice.state_frames()
        self.begin, self.end = (frame_shift * times for times in arc_times(self.lattice, scores, backward))

    def add(self, hypothesis: Sequence[int], begins: Optional[np.ndarray], sums: "_Sums") -> float:
        """Adds the gammas to the sums; returns the expected errors, times the share.

        Args:
          begins: ``[number of words]``, when the words of the hypothesis begin; None: nobody knows.
        """
        most = len(hypothesis) + 1
        width = most if begins is None else min(WIDTH, most)
        view = _View(self, np.asarray(hypothesis), begins, width)
        while (view.shift > width // 2).any():  # an arc as long as many words
            width = min(4 * width, most)
            view = _View(self, np.asarray(hypothesis), begins, width)
        errors = view.errors()
        view.add(errors, sums)
        return self.share * float(errors[-1, -1])


class _View:
    """The recursion with `width` places of the hypothesis for each state; column j of state n is place first[n] + j."""

    def __init__(self, recursion: _Recursion, words: np.ndarray, begins: Optional[np.ndarray], width: int):
        self.recursion, self.lattice = recursion, recursion.lattice
        lost = np.append(0.0, np.cumsum(words != 0))  # errors of having none of the first q words
        most = len(lost) - width
        self.first = np.zeros(self.lattice.num_states, np.int64)
        if most:
            begun = np.searchsorted(np.maximum.accumulate(begins), recursion.times)
            self.first = np.clip(2 * begun - width // 2, 0, most)  # a gap before each word
        self.lost, self.words = (np.lib.stride_tricks.sliding_window_view(values, size)  # row: that of the first place
                                 for values, size in ((lost, width), (words, width - 1)))
        self.shift = self.first[self.lattice.dst] - self.first[self.lattice.src]

    def errors(self) -> np.ndarray:
        """``[num_states, width]``: alpha'."""
        errors = np.zeros((self.lattice.num_states, self.lost.shape[1]))
        errors[0] = self.lost[self.first[0]]
        for arcs, states, starts in self.lattice.levels.into:
            costs = _least(*self._ways(errors, arcs), self.lost[self.first[self.lattice.dst[arcs]]])
            errors[states] = np.add.reduceat(self.recursion.probability[arcs, None] * costs, starts, axis=0)
        return errors

    def add(self, errors: np.ndarray, sums: "_Sums") -> None:
        """Adds the gammas."""
        mass = np.zeros_like(errors)
        mass[-1, -1] = self.recursion.share
        for arcs, states, starts in reversed(self.lattice.levels.out_of):
            mass[states] = np.add.reduceat(self._back(errors, mass, arcs, sums), starts, axis=0)
        sums.add_before(np.cumsum(mass[0, ::-1])[-2::-1])  # before the first arc: place 1 has all of it

    def _ways(self, errors: np.ndarray, arcs: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        """Errors after the arcs when their words stand in a place, ``[A, width - 1]``, and beside, ``[A, width]``."""
        before = _moved(errors[self.lattice.src[arcs]], self.shift[arcs], FAR)
        other = self.lattice.word_id[arcs, None] != self.words[self.first[self.lattice.dst[arcs]]]
        return before[:, :-1] + other, before + self.recursion.skip[arcs]

    def _back(self, errors: np.ndarray, mass: np.ndarray, arcs: np.ndarray, sums: "_Sums") -> np.ndarray:
        """``[A, width]``: the mass that the arcs hand on to their sources; what stands in the places goes to `sums`."""
        recursion, into = self.recursion, self.lattice.dst[arcs]
        inside, beside = self._ways(errors, arcs)
        inserted = np.minimum(beside[:, 1:], inside) > _least(inside, beside, self.lost[self.first[into]])[:, 1:] + TIE
        mine = _run_sums(recursion.probability[arcs, None] * mass[into], np.pad(inserted, ((0, 0), (1, 1))))
        inside = ~inserted & (inside <= beside[:, 1:] + TIE)
        for chosen, word_id, begin in ((inserted, np.zeros(len(arcs), np.int64), recursion.end[arcs]),
                                       (inside, self.lattice.word_id[arcs], recursion.begin[arcs])):
            row, column = np.nonzero(chosen & (mine[:, 1:] > 0))
            sums.add(self.first[into[row]] + column, word_id[row], mine[row, column + 1], begin[row],
                     recursion.end[arcs[row]])
        back = mine.copy()
        back[:, 1:] *= ~(inserted | inside)
        back[:, :-1] += mine[:, 1:] * inside
        return _moved(back, -self.shift[arcs], 0.0)


def _moved(rows: np.ndarray, by: np.ndarray, outside: float) -> np.ndarray:
    """``[A, N]``: in column j what was in column j + by, ``[A]``."""
    if not by.any():
        return rows
    columns = np.arange(rows.shape[1]) + by[:, None]
    there = (columns >= 0) & (columns < rows.shape[1])
    return np.where(there, np.take_along_axis(rows, np.where(there, columns, 0), axis=1), outside)


def arc_times(lattice: BaseLattice, scores: np.ndarray, backward: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """``[num_arcs]`` each: frames at which the arcs' words begin and end.

    A word lasts from its label until the label of the next word, on average over the paths: arcs may end within words.
    """
    frames = lattice.state_frames().astype(np.float64)
    begin, end = frames[lattice.src], frames[lattice.dst]
    following = np.full(lattice.num_states, frames[-1])  # the frame of the next word after a state
    share = np.zeros(len(scores))
    alive = np.isfinite(backward[lattice.src])
    share[alive] = np.exp((scores + backward[lattice.dst] - backward[lattice.src])[alive])
    for arcs, states, starts in reversed(lattice.levels.out_of):
        next_word = np.where(lattice.word_id[arcs] > 0, begin[arcs], following[lattice.dst[arcs]])
        following[states] = np.add.reduceat(share[arcs] * next_word, starts)
    return begin, np.where(lattice.word_id > 0, np.maximum(following[lattice.dst], end), end)


def _least(inside: np.ndarray, beside: np.ndarray, lost: np.ndarray) -> np.ndarray:
    """alpha'(a, q). The last of the three ways runs along q: a running minimum (hybrid/recognize/edit_distance.py)."""
    best = beside.copy()
    np.minimum(best[:, 1:], inside, out=best[:, 1:])
    return np.minimum.accumulate(best - lost, axis=1) + lost


def _run_sums(values: np.ndarray, joined: np.ndarray) -> np.ndarray:
    """``[A, N]``: values[q] and those after it as far as joined, ``[A, N + 1]``, says that q + 1, q + 2 ... go on."""
    size = values.shape[1]
    ends = np.where(joined, size, np.arange(size + 1))
    ends = np.minimum.accumulate(ends[:, ::-1], axis=1)[:, ::-1][:, 1:]  # the first after q that is not joined
    sums = np.pad(np.cumsum(values[:, ::-1], axis=1)[:, ::-1], ((0, 0), (0, 1)))
    return np.maximum(sums[:, :-1] - np.take_along_axis(sums, ends, axis=1), 0.0)


class _Sums:
    """gamma(q, w), and the same weighted with begin and end."""

    def __init__(self, num_places: int):
        self.gaps = np.zeros(num_places)
        self._found: List[Tuple[np.ndarray, ...]] = []

    def add_before(self, mass: np.ndarray) -> None:
        """``[N]``: of paths that have nothing in the first places, at time 0."""
        self.gaps[:len(mass)] += mass

    def add(self, *columns: np.ndarray) -> None:
        """place, word_id, mass, begin, end: ``[N]`` each."""
        self._found.append(columns)

    def bins(self) -> List[Bin]:
        place, word_id, mass, begin, end = map(np.concatenate, zip(*self._found))
        keys, number = np.unique(np.stack([place, word_id], axis=1), axis=0, return_inverse=True)
        sums = [np.bincount(number.ravel(), mass * values, len(keys)) for values in (1.0, begin, end)]
        tables: List[Dict[int, np.ndarray]] = [{0: np.array([gap, 0.0, 0.0])} for gap in self.gaps]
        for (q, word), row in zip(keys.tolist(), np.stack(sums, axis=1)):
            tables[q][word] = tables[q].get(word, 0.0) + row
        return [_bin(table) for table in tables]


def _bin(table: Dict[int, np.ndarray]) -> Bin:
    """table: word_id -> (probability, and times begin and end)."""
    rows = sorted(((word, row) for word, row in table.items() if row[0] >= LEAST),
                  key=lambda item: (-item[1][0], item[0]))
    words = tuple(BinWord(word, min(1.0, float(row[0])), *(row[1:] / row[0]).tolist()) for word, row in rows)
    spoken = [row for word, row in rows if word] or [row for _, row in rows]
    total = sum(spoken)
    return Bin(words, *(total[1:] / total[0]).tolist())


def _in_order(bins: Sequence[Bin]) -> List[Bin]:
    """Where a bin begins before the one before it ends, both take the middle, as in Kaldi; then no time goes back."""
    times = np.array([(one.start, one.end) for one in bins]).reshape(-1, 2)
    late = times[:-1, 1] > times[1:, 0]
    middle = 0.5 * (times[:-1, 1] + times[1:, 0])[late]
    times[:-1, 1][late], times[1:, 0][late] = middle, middle
    times = np.maximum.accumulate(times.ravel()).reshape(-1, 2).tolist()
    return [one._replace(start=start, end=end) for one, (start, end) in zip(bins, times)]
