"""Outputs of a CTC network as searches take them, and what they say of token sequences."""

from typing import List, Sequence, Tuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from graphs.checks import check_range, ids_array
from graphs.errors import InputError
from graphs.ids import BLANK
from hybrid.nn.inputs import check_encoded

MOST_CELLS = 1 << 27  # of tables of frames and labels at once, of 8 bytes: forty sentences of eight minutes want 47 GB
LEAST = -1e4  # a probability of 0 is taken as e^-10000, so that sums of logarithms stay numbers


def ctc_outputs(log_probs) -> np.ndarray:
    """``[T, num_tokens]`` float64 natural log probabilities, none below LEAST.

    Raises: InputError for another shape, and for what is not a number.
    """
    array = log_probs.detach().cpu().numpy() if isinstance(log_probs, Tensor) else np.asarray(log_probs)
    if array.ndim != 2 or not len(array) or array.shape[1] < 2:
        raise InputError("CTC outputs", "[T, num_tokens] log probabilities", f"shape {array.shape}")
    if np.isnan(array).any() or array.max() > 1e-3:
        raise InputError("CTC outputs", "log probabilities", f"{array.max():g}")
    return np.maximum(array.astype(np.float64), LEAST)


def outputs_of(network, encoded: Tensor, lengths: Tensor) -> List[np.ndarray]:
    """Of each utterance, without padding.

    Args:
      network: hybrid.e2e.network.E2eNetwork.
      encoded: ``[B, T, D]``; lengths: ``[B]``.
    Raises: InputError for a network without CTC output, and as check_encoded.
    """
    check_encoded(encoded, lengths)
    if network.ctc is None:
        raise InputError("search by CTC", "a network with a CTC output (ctc_weight above 0)", "one without")
    with torch.no_grad():
        log_probs = network.ctc_log_probs(encoded).cpu()
    return [ctc_outputs(rows[:length]) for rows, length in zip(log_probs, lengths.tolist())]


def sequence_scores(outputs: np.ndarray, sequences: Sequence[Sequence[int]]) -> np.ndarray:
    """``[N]`` float64 natural log probability of token sequences, over all their alignments; -inf where none fits.

    Raises: InputError for what is no token, or blank.
    """
    sequences = [_tokens(outputs, sequence) for sequence in sequences]
    labels = 2 * max(map(len, sequences), default=0) + 1
    step = max(1, MOST_CELLS // (len(outputs) * labels))
    return np.concatenate([_scores(outputs, sequences[first:first + step])
                           for first in range(0, max(1, len(sequences)), step)])


def _scores(outputs: np.ndarray, sequences: Sequence[np.ndarray]) -> np.ndarray:
    log_probs = torch.from_numpy(outputs)[:, None].expand(-1, len(sequences), -1)
    lengths = [len(sequence) for sequence in sequences]
    targets = torch.from_numpy(np.concatenate([*sequences, np.zeros(0, np.int64)]))
    loss = F.ctc_loss(log_probs, targets, [len(outputs)] * len(sequences), lengths, blank=BLANK, reduction="none")
    return -loss.numpy()


def token_frames(outputs: np.ndarray, tokens: Sequence[int]) -> Tuple[int, ...]:
    """The frame of each token: where the best alignment of the sequence has it, the one in which it is most probable.

    Raises: InputError when there are too few frames, for what is no token, and for blank.
    """
    tokens = _tokens(outputs, tokens)
    if not len(tokens):
        return ()
    labels = np.full(2 * len(tokens) + 1, BLANK)
    labels[1::2] = tokens
    place, frames = _best_path(outputs[:, labels], labels), []
    for number, token in enumerate(tokens):
        run = np.flatnonzero(place == 2 * number + 1)
        frames.append(int(run[np.argmax(outputs[run, token])]))
    return tuple(frames)


def _tokens(outputs: np.ndarray, tokens: Sequence[int]) -> np.ndarray:
    token_ids = ids_array("token_ids", tokens).astype(np.int64)
    check_range("token_ids", token_ids, BLANK + 1, outputs.shape[1])
    return token_ids


def _best_path(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """``[T]`` place in `labels` (tokens with blanks around them) on each frame of the best alignment."""
    num_frames, num_places = scores.shape
    skips = np.append([False, False], (labels[2:] != BLANK) & (labels[2:] != labels[:-2]))
    best = np.full(num_places, -np.inf)
    best[:2] = scores[0, :2]
    steps = np.zeros((num_frames, num_places), np.int64)
    for frame in range(1, num_frames):
        ways = np.full((3, num_places), -np.inf)
        ways[0], ways[1, 1:] = best, best[:-1]
        ways[2, skips] = best[:-2][skips[2:]]
        steps[frame] = ways.argmax(axis=0)
        best = ways.max(axis=0) + scores[frame]
    place = num_places - 1 - int(best[-2] >= best[-1])
    if np.isneginf(best[place]):
        raise InputError("tokens to be aligned", f"a sequence that fits into {num_frames} frames",
                         f"{num_places // 2} tokens")
    path = np.empty(num_frames, np.int64)
    for frame in range(num_frames - 1, -1, -1):
        path[frame] = place
        place -= steps[frame, place]
    return path
