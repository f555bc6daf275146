"""Checks of features that come from outside, before a network sees them."""

from numbers import Integral
from typing import Sequence, Tuple

import torch
from torch import Tensor

from graphs.errors import InputError
from graphs.ids import BLANK
from hybrid.nn.padding import frame_mask


def utterance_batch(features, feature_dim: int) -> Tuple[Tensor, Tensor]:
    """One utterance as a batch, for checked_batch.

    Args:
      features: ``[T, feature_dim]`` floats, a tensor or a numpy array, T at least 1.
    Raises: InputError for another number of dimensions or type.
    """
    features = _floats("features", features, 2, f"[T, {feature_dim}]").detach().float()
    return features[None], torch.tensor([len(features)])


def checked_batch(features, lengths, feature_dim: int) -> Tuple[Tensor, Tensor]:
    """A padded batch: ``[B, T, feature_dim]`` float32 and lengths ``[B]`` int64.

    Args:
      features: ``[B, T, feature_dim]`` floats, a tensor or a numpy array; beyond an utterance's length anything.
      lengths: ``[B]`` integers, 1 to T.
    Raises: InputError that says what is wrong.
    """
    features = _floats("features", features, 3, f"[B, T, {feature_dim}]").detach().float()
    if features.shape[2] != feature_dim:
        raise InputError("features", f"{feature_dim} coefficients a frame", str(features.shape[2]))
    lengths = _checked_lengths(lengths, features)
    _check_finite("features", features, lengths)
    return features, lengths


def check_encoded(encoded: Tensor, lengths: Tensor) -> None:
    """InputError unless these are ``[B, T, D]`` finite frames of an encoder, B at least 1, and ``[B]`` lengths."""
    _check_tensors(encoded, lengths)
    _check_finite("encoded frames", encoded, lengths)


def check_targets(frames: Tensor, lengths: Tensor, targets: Sequence[Sequence[int]], num_tokens: int) -> None:
    """InputError unless a loss can be asked for them.

    Args:
      frames: ``[B, T, D]``, B at least 1; lengths: ``[B]`` integers, 1 to T.
      targets: token_ids of each of the B utterances, 1 to num_tokens - 1.
    """
    _check_tensors(frames, lengths)
    if len(targets) != len(frames):
        raise InputError("targets", f"those of {len(frames)} utterances", f"of {len(targets)}")
    for own in targets:
        if not all(isinstance(token, Integral) and BLANK < token < num_tokens for token in own):
            raise InputError("token_ids of a sentence", f"{BLANK + 1} to {num_tokens - 1}", str(list(own)))


def _check_tensors(frames: Tensor, lengths: Tensor) -> None:
    if not (isinstance(frames, Tensor) and isinstance(lengths, Tensor)):
        raise InputError("frames and lengths", "tensors", f"{type(frames).__name__} and {type(lengths).__name__}")
    _floats("frames", frames, 3, "[B, T, D]")
    _checked_lengths(lengths, frames)


def _checked_lengths(lengths, frames: Tensor) -> Tensor:
    """``[B]`` int64; frames: ``[B, T, D]``."""
    lengths = _tensor(lengths, "lengths", "integers")
    if lengths.is_floating_point() or lengths.dtype == torch.bool or lengths.shape != frames.shape[:1]:
        raise InputError("lengths", f"{len(frames)} integers, one for each utterance",
                         f"{lengths.dtype} of shape {list(lengths.shape)}")
    lengths = lengths.to(torch.int64)
    if len(lengths) and not 1 <= int(lengths.min()) <= int(lengths.max()) <= frames.shape[1]:
        raise InputError("lengths", f"1 to {frames.shape[1]} frames", f"{int(lengths.min())} to {int(lengths.max())}")
    return lengths


def _check_finite(item: str, frames: Tensor, lengths: Tensor) -> None:
    finite = torch.isfinite(frames).all(dim=2) | ~frame_mask(lengths.to(frames.device), frames.shape[1])
    if not finite.all():
        row, frame = (~finite).nonzero()[0].tolist()
        raise InputError(f"{item}, utterance {row} of the batch, frame {frame}", "finite numbers", "others")


def _tensor(values, item: str, expected: str) -> Tensor:
    try:
        return torch.as_tensor(values)
    except (TypeError, ValueError, RuntimeError):
        raise InputError(item, expected, f"a {type(values).__name__} that makes no tensor") from None


def _floats(item: str, frames, dimensions: int, shape: str) -> Tensor:
    frames = _tensor(frames, item, f"{shape} floats")
    if frames.dim() != dimensions or not frames.is_floating_point():
        raise InputError(item, f"{shape} floats", f"{frames.dtype} of shape {list(frames.shape)}")
    if 0 in frames.shape[:2]:
        raise InputError(item, "at least one frame", f"shape {list(frames.shape)}")
    return frames
