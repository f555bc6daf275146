"""When the phones of a path begin, to a part of a frame: from the probabilities of all ways through its states.

The best path tells in which frame a phone begins, and jumps by a frame where two are nearly as likely. With the
states of the path kept in their order, a forward and a backward pass (Baum-Welch, on one path's chain of states) give
the probability of each frame to be the first of a phone; its median is where the phone begins.
"""

from typing import NamedTuple, Sequence, Tuple

import numpy as np

from hybrid.align.alignment import Alignment, Segment

BEYOND = 0.08  # seconds: so far from the best path's frames of a phone its states are looked for


class Chain(NamedTuple):
    """The HMM states of a path in the order of time, each once.

    Attributes (``[S]``, S states):
      forward, loop: transition_ids of entering a state and of staying in it; loop 0: it takes one frame.
      phone: number of the state's phone in the path.
    """

    forward: np.ndarray
    loop: np.ndarray
    phone: np.ndarray


def chain_of(alignment: Alignment, segments: Sequence[Segment], transitions) -> Chain:
    """Of an alignment and its phones (hybrid.align.alignment.phone_segments); transitions: the TransitionModel."""
    ids = np.asarray(alignment.transition_ids)
    entered = np.flatnonzero(~transitions.is_self_loop[ids])
    starts = [segment.start_frame for segment in segments]
    forward = ids[entered]
    return Chain(forward, transitions.self_loops()[transitions.transition_state[forward]],
                 np.searchsorted(starts, entered, side="right") - 1)


class Found(NamedTuple):
    """
    Attributes:
      starts: ``[phones]`` float64, frames at which the phones begin, parts of them too; the first is 0.
      first_frames: ``[phones]`` int, the whole frames nearest to them; each phone has at least one.
      states: ``[T]`` number in the chain of the likeliest state of the phone that so has the frame.
    """

    starts: np.ndarray
    first_frames: np.ndarray
    states: np.ndarray


def median_starts(scores: np.ndarray, chain: Chain, transitions, bounds: Sequence[Tuple[float, float]]) -> Found:
    """
    Args:
      scores: ``[T, num_pdfs]`` log-likelihoods, scaled.
      bounds: for each phone first frame and end of the frames in which it is looked for; both ascend.
    Raises: ValueError where the states do not fit into the frames.
    """
    low, entering, staying = _band(scores, chain, transitions, bounds)
    forward, arriving = _forward(low, entering, staying)
    last = len(chain.phone) - 1 - low[-1]
    total = forward[-1, last] if 0 <= last < forward.shape[1] else -np.inf
    if not total > -np.inf:
        raise ValueError(f"{len(scores)} frames, into which {len(chain.phone)} HMM states do not fit")
    backward = _backward(low, entering, staying, last)
    begins = np.flatnonzero(np.diff(chain.phone, prepend=-1))
    posterior, starts = np.exp(arriving + backward - total), np.zeros(len(begins))
    for number, state in enumerate(begins[1:], 1):
        frames = np.flatnonzero((low <= state) & (state < low + forward.shape[1]))
        starts[number] = frames[0] + _median(posterior[frames, state - low[frames]])
    first_frames = _whole(starts, len(scores))
    phone = np.searchsorted(first_frames, np.arange(len(scores)), side="right") - 1
    likeliest = low + np.argmax(forward + backward, axis=1)
    ends = np.append(begins[1:], len(chain.phone))
    return Found(starts, first_frames, likeliest.clip(begins[phone], ends[phone] - 1))


def _band(scores, chain, transitions, bounds) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Few states may have a frame: column k of row t is state low[t] + k.

    Returns: low ``[T]``, and ``[T, width]`` scores of frames that enter a state and that stay in it.
    """
    first, end = (np.array([bound[side] for bound in bounds])[chain.phone] for side in (0, 1))
    frames = np.arange(len(scores))
    low, high = (np.searchsorted(edge, frames, side="right") for edge in (end, first))
    states = low[:, None] + np.arange(max(1, int((high - low).max(initial=0))))
    inside = states < high[:, None]
    states = np.where(inside, states, 0)
    results = []
    for ids in (chain.forward, chain.loop):
        cost = np.where(ids > 0, transitions.log_prob[ids].astype(np.float64), -np.inf)
        found = scores[frames[:, None], transitions.pdf_id[ids][states]] + cost[states]
        results.append(np.where(inside, found, -np.inf))
    return low, results[0], results[1]


def _seen(row: np.ndarray, offset: int) -> np.ndarray:
    """The row with column `offset` in front; what is outside has no probability."""
    columns = np.arange(len(row)) + offset
    inside = (columns >= 0) & (columns < len(row))
    return np.where(inside, row[np.where(inside, columns, 0)], -np.inf)


def _forward(low, entering, staying) -> Tuple[np.ndarray, np.ndarray]:
    """Log-probabilities of the frames up to t, ending in a state; and having entered it with frame t."""
    forward, arriving = np.full_like(entering, -np.inf), np.full_like(entering, -np.inf)
    if low[0] == 0:
        forward[0, 0] = arriving[0, 0] = entering[0, 0]
    for t in range(1, len(low)):
        moved = low[t] - low[t - 1]
        arriving[t] = _seen(forward[t - 1], moved - 1) + entering[t]
        forward[t] = np.logaddexp(_seen(forward[t - 1], moved) + staying[t], arriving[t])
    return forward, arriving


def _backward(low, entering, staying, last: int) -> np.ndarray:
    """Log-probabilities of the frames after t, from a state in frame t to column `last` in the last one."""
    backward = np.full_like(entering, -np.inf)
    backward[-1, last] = 0
    for t in range(len(low) - 2, -1, -1):
        moved = low[t] - low[t + 1]
        backward[t] = np.logaddexp(_seen(backward[t + 1] + staying[t + 1], moved),
                                   _seen(backward[t + 1] + entering[t + 1], moved + 1))
    return backward


def _whole(starts: np.ndarray, num_frames: int) -> np.ndarray:
    order = np.arange(len(starts))
    ascending = np.maximum.accumulate(np.round(starts).astype(np.int64) - order)
    return np.minimum(ascending, num_frames - len(starts)) + order


def _median(shares: np.ndarray) -> float:
    """Of a place that is i with probability shares[i], spread over 1 around it."""
    total = np.cumsum(shares / shares.sum())
    at = int(np.searchsorted(total, 0.5))
    before = total[at - 1] if at else 0.0
    return at - 0.5 + (0.5 - before) / (total[at] - before)
