"""Affine transforms of features, ``[F, F + 1]``: y = W [x; 1]."""

import torch
from torch import Tensor


def identity(dim: int) -> Tensor:
    """float64."""
    return torch.eye(dim, dim + 1, dtype=torch.float64)


def apply(transform: Tensor, features: Tensor) -> Tensor:
    """``[T, F]`` in and out."""
    return features @ transform[:, :-1].T + transform[:, -1]


def compose(last: Tensor, first: Tensor) -> Tensor:
    """The transform that applies one after the other."""
    product = last[:, :-1] @ first
    product[:, -1] += last[:, -1]
    return product


def inverse(transform: Tensor) -> Tensor:
    """Raises torch's error for a transform that loses a dimension."""
    back = torch.linalg.inv(transform[:, :-1])
    return torch.cat([back, -(back @ transform[:, -1:])], dim=1)


def log_volume(transform: Tensor) -> float:
    """log |det A|."""
    return float(torch.linalg.slogdet(transform[:, :-1])[1])
