"""Where in time the tokens of an attention decoder stand."""

from typing import List, Optional

import numpy as np

FLOOR = 1e-10  # weights of attention and posteriors below it are alike


def attention_frames(weights: np.ndarray, posteriors: Optional[np.ndarray] = None) -> List[int]:
    """The frames of tokens, in order, with the largest product of weights, and of posteriors where CTC gives them.

    Attention looks at one place at a time mostly, but at the wrong one sometimes, and is wide; CTC knows places to the
    frame, but not which of equal tokens is meant. With CTC no two tokens share a frame. Of frames as good as each other
    the earliest are taken.

    Args:
      weights: ``[U, T]`` what each token was taken from.
      posteriors: ``[U, T]`` of each token in each frame, by CTC; then U is at most T.
    """
    num_tokens, num_frames = weights.shape
    if not num_tokens:
        return []
    scores, apart = np.log(np.maximum(weights.astype(np.float64), FLOOR)), 0
    if posteriors is not None:
        scores, apart = scores + np.log(np.maximum(posteriors.astype(np.float64), FLOOR)), 1
    best, came_from = scores[0], np.zeros((num_tokens, num_frames), dtype=np.int64)
    for token in range(1, num_tokens):
        before = np.concatenate([np.full(apart, -np.inf), best[:num_frames - apart]])
        reached = np.maximum.accumulate(before)
        is_new = np.concatenate([[True], before[1:] > reached[:-1]])
        came_from[token] = np.maximum.accumulate(np.where(is_new, np.arange(num_frames) - apart, -1))
        best = reached + scores[token]
    frames = [int(best.argmax())]
    for token in range(num_tokens - 1, 0, -1):
        frames.append(int(came_from[token, frames[-1]]))
    return frames[::-1]
