"""Checks of features that come from outside, before a network sees them."""

from typing import Tuple

import torch
from torch import Tensor

from graphs.errors import InputError
from hybrid.nn.padding import frame_mask


def utterance_batch(features, feature_dim: int) -> Tuple[Tensor, Tensor]:
    """One utterance as a batch, for checked_batch.

    Args:
      features: ``[T, feature_dim]`` floats, a tensor or a numpy array, T at least 1.
    Raises: InputError for another number of dimensions or type.
    """
    features = _floats(features, 2, f"[T, {feature_dim}]")
    return features[None], torch.tensor([len(features)])


def checked_batch(features, lengths, feature_dim: int) -> Tuple[Tensor, Tensor]:
    """A padded batch: ``[B, T, feature_dim]`` float32 and lengths ``[B]`` int64.

    Args:
      features: ``[B, T, feature_dim]`` floats, a tensor or a numpy array; beyond an utterance's length anything.
      lengths: ``[B]`` integers, 1 to T.
    Raises: InputError that says what is wrong.
    """
    features = _floats(features, 3, f"[B, T, {feature_dim}]")
    if features.shape[2] != feature_dim:
        raise InputError("features", f"{feature_dim} coefficients a frame", str(features.shape[2]))
    lengths = _tensor(lengths, "lengths", "integers")
    if lengths.is_floating_point() or lengths.dtype == torch.bool or lengths.shape != features.shape[:1]:
        raise InputError("lengths", f"{len(features)} integers, one for each utterance",
                         f"{lengths.dtype} of shape {list(lengths.shape)}")
    lengths = lengths.to(torch.int64)
    if len(lengths) and not 1 <= int(lengths.min()) <= int(lengths.max()) <= features.shape[1]:
        raise InputError("lengths", f"1 to {features.shape[1]} frames",
                         f"{int(lengths.min())} to {int(lengths.max())}")
    finite = torch.isfinite(features).all(dim=2) | ~frame_mask(lengths.to(features.device), features.shape[1])
    if not finite.all():
        row, frame = (~finite).nonzero()[0].tolist()
        raise InputError(f"features, utterance {row} of the batch, frame {frame}", "finite numbers", "others")
    return features, lengths


def _tensor(values, item: str, expected: str) -> Tensor:
    try:
        return torch.as_tensor(values)
    except (TypeError, ValueError, RuntimeError):
        raise InputError(item, expected, f"a {type(values).__name__} that makes no tensor") from None


def _floats(features, dimensions: int, shape: str) -> Tensor:
    features = _tensor(features, "features", f"{shape} floats")
    if features.dim() != dimensions or not features.is_floating_point():
        raise InputError("features", f"{shape} floats", f"{features.dtype} of shape {list(features.shape)}")
    if 0 in features.shape[:2]:
        raise InputError("features", "at least one frame", f"shape {list(features.shape)}")
    return features.detach().float()
