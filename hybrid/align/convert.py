"""Alignments of one transition model as those of another: other tree, other topology, fewer frames.

Where topology and frames stay, so does the path, state by state, with the pdf_ids that the other tree gives. Else the
phones stay, and their frames are spread over the states of the shortest way through the phone, evenly (Kaldi
hmm/hmm-utils.cc, ConvertAlignment, takes a random way).

At a lower rate, frame t' is frame n t' of the original, so that a phone has the frames t' with n t' inside it. A phone
too short for its HMM takes frames from its neighbours: the boundaries that leave each phone enough frames and are least
moved, in squares, are found by isotonic regression.
"""

from dataclasses import dataclass, field, replace
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np

from graphs.errors import InputError
from graphs.hmm.context_tree import ContextTree
from graphs.hmm.topology import HmmEntry
from graphs.hmm.transitions import TransitionModel, TransitionState
from graphs.options import check_at_least, check_between
from hybrid.align.alignment import Alignment, Segment, phone_segments
from hybrid.align.forced import Outcome
from hybrid.align.relabel import Relabelling
from hybrid.tree.stats import windows_of


@dataclass(frozen=True)
class ConvertOptions:
    subsampling: Optional[int] = field(default=None, metadata={
        "help": "keep every so many-th frame; none is what the tree was made for"})
    max_failed_share: float = field(default=0.05, metadata={"help": "share of utterances that may fail"})

    def __post_init__(self):
        if self.subsampling is not None:
            check_at_least(1, self, "subsampling")
        check_between(0, 1, self, "max_failed_share")


class Converter:
    """Converts alignments of one transition model to those of another.

    Attributes:
      source, target: graphs.hmm.transitions.TransitionModel.
    """

    def __init__(self, source: TransitionModel, tree: ContextTree, target: TransitionModel, subsampling: int = 1,
                 phones: Optional[Relabelling] = None):
        """
        Args:
          tree: of `target`.
          subsampling: every so many-th frame is kept.
          phones: where the target's phones are not the source's.
        Raises: InputError when the models are not of the same phones, or the tree is not the target's.
        """
        lacking = sorted(set(source.topology.phone_ids) - set(target.topology.phone_ids))
        if lacking and phones is None:
            raise InputError("transition model", "the phones of the alignment", f"none of phone_id {lacking[0]}")
        if tree.num_pdfs != target.num_pdfs:
            raise InputError("transition model", f"{tree.num_pdfs} pdf_ids as in the tree", str(target.num_pdfs))
        if subsampling < 1:
            raise InputError("subsampling", "at least 1", str(subsampling))
        self.source, self.tree, self.target, self.subsampling = source, tree, target, subsampling
        self._phones = phones
        pairs = phones.pairs if phones is not None else [(i, i) for i in source.topology.phone_ids]
        self._same_states = subsampling == 1 and all(
            _same_shape(source.topology.entry(one), target.topology.entry(other)) for one, other in pairs)
        state = source.transition_state  # states have consecutive transition_ids
        self._place = np.arange(len(state)) - np.searchsorted(state, state)
        self._windows: Dict[Tuple[int, ...], List[TransitionState]] = {}
        self._arcs_of: Dict[Tuple[int, ...], np.ndarray] = {}

    def convert(self, alignment: Alignment) -> Outcome:
        """The same phones at the same times, as far as the rate allows; failed where they do not fit.

        Raises: InputError for transition_ids that the source lacks.
        """
        segments = phone_segments(alignment, self.source)
        if not segments:
            return Outcome("failed", "no frames")
        if self._phones is not None:
            alignment, segments, reason = self._phones(alignment, segments)
            if reason:
                return Outcome("failed", reason)
        windows = windows_of([segment.label for segment in segments], self.tree.context_width,
                             self.tree.central_position)
        if self._same_states:
            return Outcome("done", alignment=replace(alignment, transition_ids=self._same_path(
                alignment, segments, windows)))
        return self._other_path(alignment, segments, windows)

    def _same_path(self, alignment: Alignment, segments: Sequence[Segment], windows: np.ndarray) -> np.ndarray:
        ids, result = alignment.transition_ids, np.empty(alignment.num_frames, dtype=np.int32)
        for (_, start, frames), window in zip(segments, windows):
            own = ids[start:start + frames]
            result[start:start + frames] = self._arcs(tuple(map(int, window)))[
                self.source.hmm_state[own], self._place[own]]
        return result

    def _arcs(self, window: Tuple[int, ...]) -> np.ndarray:
        """``[states, most transitions]``: the target's transition_id for each transition out of each HMM state."""
        if window not in self._arcs_of:
            states = self._states(window)
            table = np.zeros((len(states), 1 + int(self._place.max())), dtype=np.int32)
            for row, state in zip(table, states):
                arcs = self.target.transition_ids_of(self.target.state_number(state))
                row[:len(arcs)] = arcs
            self._arcs_of[window] = table
        return self._arcs_of[window]

    def _other_path(self, alignment: Alignment, segments: Sequence[Segment], windows: np.ndarray) -> Outcome:
        num_frames = -(-alignment.num_frames // self.subsampling)
        old = np.array([segment.start_frame for segment in segments] + [alignment.num_frames])
        ways = [self._way(tuple(map(int, window))) for window in windows]
        least = [len(way) for way in ways]
        if sum(least) > num_frames:
            return Outcome("failed", f"{num_frames} frames, but the phones need {sum(least)}")
        new = fit_boundaries(-(-old // self.subsampling), least)
        parts = []
        for way, frames, segment in zip(ways, np.diff(new), segments):
            path = _spread(way, int(frames))
            if path is None:
                return Outcome("failed", f"phone_id {segment.label} has {frames} frames, but its HMM takes "
                                         f"{len(way)} and no more")
            parts += path
        words = tuple(Segment(word.label, start, max(1, end - start)) for word in alignment.words
                      for start, end in [_moved(word, old, new)])
        return Outcome("done", alignment=replace(
            alignment, transition_ids=np.array(parts, dtype=np.int32), words=words,
            frame_shift=alignment.frame_shift * self.subsampling))

    def _states(self, window: Tuple[int, ...]) -> List[TransitionState]:
        """The target's transition state for each HMM state of a window's phone."""
        if window not in self._windows:
            phone_id = window[self.tree.central_position]
            self._windows[window] = [
                TransitionState(phone_id, number, self.tree.pdf_id(window, state.forward_pdf_class),
                                self.tree.pdf_id(window, state.self_loop_pdf_class))
                for number, state in enumerate(self.target.topology.entry(phone_id))]
        return self._windows[window]

    def _way(self, window: Tuple[int, ...]) -> List[Tuple[int, int]]:
        """(forward transition_id, self-loop or 0) of the states on the shortest way through a window's phone."""
        states = self._states(window)
        entry = self.target.topology.entry(window[self.tree.central_position])
        way, loops = [], self.target.self_loops()
        for state, target in shortest_way(entry):
            number = self.target.state_number(states[state])
            position = [to for to, _ in entry[state].transitions].index(target)
            way.append((self.target.transition_ids_of(number)[position], int(loops[number])))
        return way


def _same_shape(one: HmmEntry, other: HmmEntry) -> bool:
    """Are paths through one paths through the other? (Probabilities and pdf classes may differ.)"""
    return [[to for to, _ in state.transitions] for state in one] == [
        [to for to, _ in state.transitions] for state in other]


def shortest_way(entry: HmmEntry) -> List[Tuple[int, int]]:
    """(state, next state) from state 0 to the final state, by the fewest states; the first such way."""
    before = {0: -1}
    queue = [0]
    for state in queue:
        for target, _ in entry[state].transitions if state < len(entry) else ():
            if target not in before:
                before[target] = state
                queue.append(target)
    states = [len(entry)]
    while before[states[-1]] >= 0:
        states.append(before[states[-1]])
    return list(zip(states[:0:-1], states[-2::-1]))


def fit_boundaries(wanted: Sequence[int], least: Sequence[int]) -> np.ndarray:
    """Boundaries of N segments, each of its least number of frames, as near to the wanted ones as can be.

    Args:
      wanted: ``[N + 1]`` frames in ascending order; the first and the last stay.
      least: ``[N]``, in all at most the frames between first and last.
    """
    wanted = np.asarray(wanted)
    needed = np.concatenate([[0], np.cumsum(least)])
    slack = wanted - needed
    # rounding and limits keep the order
    slack[1:-1] = np.clip(np.round(_isotonic(slack[1:-1])), slack[0], slack[-1])
    return slack + needed


def _isotonic(values: np.ndarray) -> np.ndarray:
    """The non-decreasing sequence nearest in squares: neighbours that fall are pooled to their mean."""
    pools: List[Tuple[float, int]] = []  # sum, number
    for value in values:
        pools.append((float(value), 1))
        while len(pools) > 1 and pools[-2][0] / pools[-2][1] > pools[-1][0] / pools[-1][1]:
            (total, number), (more, others) = pools[-2], pools.pop()
            pools[-1] = (total + more, number + others)
    return np.array([total / number for total, number in pools for _ in range(number)])


def _spread(way: Sequence[Tuple[int, int]], num_frames: int) -> Optional[List[int]]:
    """transition_ids of a way, the frames beyond the shortest shared evenly by the states with a self-loop."""
    loops = [number for number, (_, loop) in enumerate(way) if loop]
    if num_frames > len(way) and not loops:
        return None
    more = np.zeros(len(way), dtype=int)
    if loops:
        more[loops] = np.diff(np.round(np.linspace(0, num_frames - len(way), len(loops) + 1)).astype(int))
    return [i for (forward, loop), extra in zip(way, more) for i in (forward, *[loop] * int(extra))]


def _moved(word: Segment, old: np.ndarray, new: np.ndarray) -> Tuple[int, int]:
    """A word's start and end, which go with the boundaries of its phones."""
    ends = word.start_frame, word.start_frame + word.num_frames
    start, end = np.round(np.interp(ends, old, new)).astype(int)
    return int(start), int(end)
