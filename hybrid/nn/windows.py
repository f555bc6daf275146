"""Long utterances in networks whose memory grows with the square of the length: through windows that overlap."""

from typing import Callable, Tuple

import torch
from torch import Tensor

from hybrid.nn.stacking import divided

WINDOW, CONTEXT = 4000, 1000  # frames of a window whose outputs count, and frames seen on each side of them


def in_windows(network: Callable, features: Tensor, lengths: Tensor, subsampling: int, step: int,
               ) -> Tuple[Tensor, Tensor]:
    """The outputs of a network; those of utterances that are longer than a window and what it sees beside it (a
    minute at 100 frames a second) are put together from windows. Of a network that sees no farther than CONTEXT they
    are what they would be without.

    Args:
      network: ``[B, T, F]`` and lengths ``[B]`` to ``[B, ceil(T / subsampling), C]`` and lengths likewise.
      step: frames that it takes together, a multiple of subsampling; windows begin at multiples of it.
    """
    window, context = (divided(frames, step) * step for frames in (WINDOW, CONTEXT))
    long = lengths > window + 2 * context
    if not long.any():
        return network(features, lengths)
    out_lengths, rows = divided(lengths, subsampling), [None] * len(lengths)
    if not long.all():
        few = lengths[~long]
        found, _ = network(features[~long, :int(few.max())], few)
        for row, outputs in zip((~long).nonzero()[:, 0].tolist(), found):
            rows[row] = outputs
    for row in long.nonzero()[:, 0].tolist():
        rows[row] = _row_in_windows(network, features[row, :int(lengths[row])], subsampling, window, context)
    width = divided(features.shape[1], subsampling)
    padded = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
    return torch.nn.functional.pad(padded, (0, 0, 0, width - padded.shape[1])), out_lengths


def _row_in_windows(network: Callable, features: Tensor, subsampling: int, window: int, context: int) -> Tensor:
    """``[T, F]`` to ``[ceil(T / subsampling), C]``."""
    num_frames, parts = len(features), []
    for start in range(0, num_frames, window):
        first, last = max(0, start - context), min(num_frames, start + window + context)
        outputs, _ = network(features[None, first:last], torch.tensor([last - first], device=features.device))
        begin, end = ((frame - first) for frame in (start, min(num_frames, start + window)))
        parts.append(outputs[0, begin // subsampling:divided(end, subsampling)])
    return torch.cat(parts)
