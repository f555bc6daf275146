"""Cepstral mean and variance normalisation: sums per speaker, kept as a readable file.

Half a second of speech says more of its words than of its speaker and channel: taken by its own mean alone, a digit is
normalised away. Such speakers are filled up with what the speakers of training are like (`Typical`; the prior frames of
Kaldi's online CMVN, `feat/online-feature.cc`).
"""

import json
from pathlib import Path
from typing import Dict, NamedTuple, Optional, Tuple

import torch
from torch import Tensor

from graphs.text_file import read_json_object
from hybrid.data.lhotse_json import OBJECT, POSITIVE, check, is_number

MODES = ("none", "utterance", "speaker", "global")
GLOBAL = "*"  # the key under which the sums over all speakers are found
VARIANCE_FLOOR = 1e-8


class Typical(NamedTuple):
    """What the speakers of a training set are like.

    Attributes:
      frames: who has fewer is filled up to so many with the mean, to twice as many with the variance.
      mean, variance: ``[dim]`` float64; the variance is that around each speaker's own mean.
    """

    frames: int
    mean: Tensor
    variance: Tensor


class CmvnStats:
    """Frame count, sum and sum of squares of each feature, per key (a speaker, or GLOBAL).

    Attributes:
      typical: what few frames are filled up with; None for nothing.
    """

    def __init__(self, dim: int):
        self.dim = dim
        self.typical: Optional[Typical] = None
        self.sums: Dict[str, Tensor] = {}  # key -> [3, dim] float64: count, sum, sum of squares

    def add(self, key: str, features: Tensor) -> None:
        """features: ``[T, dim]``."""
        wide = features.double()
        count = torch.full((self.dim,), float(len(wide)), dtype=torch.float64)
        moments = torch.stack([count, wide.sum(0), wide.square().sum(0)])
        self.sums[key] = self.sums[key] + moments if key in self.sums else moments

    def total(self) -> Tensor:
        """``[3, dim]``: over all keys."""
        return torch.stack(list(self.sums.values())).sum(0)

    def typical_of(self, frames: int) -> Typical:
        """What these speakers are like, each by its frames."""
        count, total, squares = self.total()
        means = torch.stack([sums[1].square() / sums[0] for sums in self.sums.values()]).sum(0)
        return Typical(frames, total / count, (squares - means) / count)

    def shift_and_scale(self, key: str) -> Tuple[Tensor, Tensor]:
        """Mean and 1 / standard deviation of the key's frames, filled up if they are few, each ``[dim]`` float32."""
        return shift_and_scale(self.total() if key == GLOBAL else self.sums[key], self.typical)

    def write(self, path: Path) -> None:
        rows = {key: {"frames": int(sums[0, 0]), "sum": sums[1].tolist(), "square_sum": sums[2].tolist()}
                for key, sums in sorted(self.sums.items())}
        typical = {"typical": {"frames": self.typical.frames, "mean": self.typical.mean.tolist(),
                               "variance": self.typical.variance.tolist()}} if self.typical else {}
        path.write_text(json.dumps({"dim": self.dim, **typical, "speakers": rows}, indent=1, ensure_ascii=False),
                        encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> "CmvnStats":
        """Raises InputError that names the value that is wrong."""
        content = read_json_object(path)
        check(str(path), content, {"dim": POSITIVE, "speakers": OBJECT, "typical?": OBJECT})
        stats = cls(content["dim"])
        sums = f"{stats.dim} finite numbers", lambda value: (
            isinstance(value, list) and len(value) == stats.dim and all(is_number(x, -1e300, 1e300) for x in value))
        for key, row in content["speakers"].items():
            check(f"{path}, speaker {key}", row, {"frames": POSITIVE, "sum": sums, "square_sum": sums})
            count = [float(row["frames"])] * stats.dim
            stats.sums[key] = torch.tensor([count, row["sum"], row["square_sum"]], dtype=torch.float64)
        row = content.get("typical")
        if row is not None:
            check(f"{path}, typical", row, {"frames": POSITIVE, "mean": sums, "variance": sums})
            stats.typical = Typical(row["frames"], *(torch.tensor(row[name], dtype=torch.float64)
                                                     for name in ("mean", "variance")))
        return stats


def shift_and_scale(sums: Tensor, typical: Optional[Typical] = None) -> Tuple[Tensor, Tensor]:
    """From ``[3, dim]`` float64 count, sum, sum of squares: mean and 1 / standard deviation, float32."""
    count, mean = sums[0], sums[1] / sums[0]
    variance = sums[2] / count - mean.square()
    if typical is not None:
        more = (typical.frames - count).clamp_min(0)
        filled = (sums[1] + more * typical.mean) / (count + more)
        variance = variance + (mean - filled).square()  # around the mean that is taken
        more = (2 * typical.frames - count).clamp_min(0)
        mean, variance = filled, (count * variance + more * typical.variance) / (count + more)
    variance = variance.clamp_min(VARIANCE_FLOOR)
    # a feature that never changes is left at 0, not blown up
    scale = torch.where(variance > VARIANCE_FLOOR, variance.rsqrt(), torch.ones_like(variance))
    return mean.float(), scale.float()


def normalise(features: Tensor, shift: Tensor, scale: Tensor, variance: bool) -> Tensor:
    """``[T, F]`` minus the mean, and with `variance` divided by the standard deviation."""
    centred = features - shift
    return centred * scale if variance else centred


def normalise_utterance(features: Tensor, variance: bool) -> Tensor:
    """``[T, F]`` normalised by its own mean (and variance)."""
    stats = CmvnStats(features.shape[1])
    stats.add(GLOBAL, features)
    return normalise(features, *stats.shift_and_scale(GLOBAL), variance)
