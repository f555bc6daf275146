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
    num_frames, num_states = len(scores), len(chain.phone)
    if num_frames < num_states:
        raise ValueError(f"{num_frames} frames, but {num_states} HMM states")
    low, entering, staying = _band(scores, chain, transitions, bounds)
    forward, arriving = _forward(low, entering, staying)
    width, last = entering.shape[1], num_states - 1 - low[-1]
    if last >= width or forward[-1, last] == -np.inf:
        raise ValueError(f"no way through the {num_states} HMM states in {num_frames} frames")
    backward = _backward(low, entering, staying, last)
    begins = np.flatnonzero(np.append(True, np.diff(chain.phone) > 0))
    starts, entered = np.zeros(len(begins)), arriving + backward
    for number, state in enumerate(begins[1:], 1):
        frames = np.flatnonzero((low <= state) & (state < low + width))
        starts[number] = frames[0] + _median(entered[frames, state - low[frames]])
    first_frames = _whole(starts, num_frames)
    phone = np.searchsorted(first_frames, np.arange(num_frames), side="right") - 1
    likeliest = low + np.argmax(forward + backward, axis=1)
    ends = np.append(begins[1:], num_states)
    return Found(starts, first_frames, likeliest.clip(begins[phone], ends[phone] - 1))


def _band(scores, chain, transitions, bounds) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Few states may have a frame: column k of row t is state low[t] + k.

    Returns: low ``[T]``, and ``[T, width]`` scores of frames that enter a state and that stay in it.
    """
    first, end = (np.array([bound[side] for bound in bounds])[chain.phone] for side in (0, 1))
    frames = np.arange(len(scores))
    low, high = (np.searchsorted(edge, frames, side="right") for edge in (end, first))
    states = low[:, None] + np.arange(max(1, (high - low).max()))
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
    kept = row[max(offset, 0):len(row) + min(offset, 0)]
    seen = np.full(len(row), -np.inf)
    seen[max(-offset, 0):][:len(kept)] = kept
    return seen


def _forward(low, entering, staying) -> Tuple[np.ndarray, np.ndarray]:
    """Log-probabilities of the frames up to t, ending in a state; and having entered it with frame t. What all ways
    have in common, the score of the first frame, is left out."""
    forward, arriving = np.full_like(entering, -np.inf), np.full_like(entering, -np.inf)
    if low[0] == 0:
        forward[0, 0] = 0
    for t in range(1, len(low)):
        moved = low[t] - low[t - 1]
        arriving[t] = _seen(forward[t - 1], moved - 1) + entering[t]
        forward[t] = np.logaddexp(_seen(forward[t - 1], moved) + staying[t], arriving[t])
    return forward, arriving


def _backward(low, entering, staying, last: int) -> np.ndarray:
    """Log-probabilities of the frames after t, from a state in frame t to column `last` in the last one."""
    backward = np.full_like(entering, -np.inf)
    backward[-1, last] = 0
    for t in reversed(range(len(low) - 1)):
        moved = low[t] - low[t + 1]
        backward[t] = np.logaddexp(_seen(backward[t + 1] + staying[t + 1], moved),
                                   _seen(backward[t + 1] + entering[t + 1], moved + 1))
    return backward


def _whole(starts: np.ndarray, num_frames: int) -> np.ndarray:
    """The nearest frames that leave each phone one."""
    order = np.arange(len(starts))
    ascending = np.maximum.accumulate(np.round(starts).astype(np.int64) - order)
    return np.minimum(ascending, num_frames - len(starts)) + order


def _median(log_shares: np.ndarray) -> float:
    """Of a place that is i with a probability in proportion to exp(log_shares[i]), spread over 1 around it."""
    total = np.cumsum(np.append(0, np.exp(log_shares - log_shares.max())))
    return float(np.interp(0.5 * total[-1], total, np.arange(len(total)) - 0.5))
