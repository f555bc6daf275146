"""Cepstral mean and variance normalisation: sums per speaker, kept as a readable file."""

import json
from pathlib import Path
from typing import Dict, Tuple

import torch
from torch import Tensor

from graphs.text_file import read_json_object
from hybrid.data.lhotse_json import OBJECT, POSITIVE, check, is_number

MODES = ("none", "utterance", "speaker", "global")
GLOBAL = "*"  # the key under which the sums over all speakers are found
VARIANCE_FLOOR = 1e-8


class CmvnStats:
    """Frame count, sum and sum of squares of each feature, per key (a speaker, or GLOBAL)."""

    def __init__(self, dim: int):
        self.dim = dim
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

    def shift_and_scale(self, key: str) -> Tuple[Tensor, Tensor]:
        """Mean and 1 / standard deviation of the key's frames, each ``[dim]`` float32."""
        return shift_and_scale(self.total() if key == GLOBAL else self.sums[key])

    def write(self, path: Path) -> None:
        rows = {key: {"frames": int(sums[0, 0]), "sum": sums[1].tolist(), "square_sum": sums[2].tolist()}
                for key, sums in sorted(self.sums.items())}
        path.write_text(json.dumps({"dim": self.dim, "speakers": rows}, indent=1, ensure_ascii=False),
                        encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> "CmvnStats":
        """Raises InputError that names the value that is wrong."""
        content = read_json_object(path)
        check(str(path), content, {"dim": POSITIVE, "speakers": OBJECT})
        stats = cls(content["dim"])
        sums = f"{stats.dim} finite numbers", lambda value: (
            isinstance(value, list) and len(value) == stats.dim and all(is_number(x, -1e300, 1e300) for x in value))
        for key, row in content["speakers"].items():
            check(f"{path}, speaker {key}", row, {"frames": POSITIVE, "sum": sums, "square_sum": sums})
            count = [float(row["frames"])] * stats.dim
            stats.sums[key] = torch.tensor([count, row["sum"], row["square_sum"]], dtype=torch.float64)
        return stats


def shift_and_scale(sums: Tensor) -> Tuple[Tensor, Tensor]:
    """From ``[3, dim]`` float64 count, sum, sum of squares: mean and 1 / standard deviation, float32."""
    mean = sums[1] / sums[0]
    variance = (sums[2] / sums[0] - mean.square()).clamp_min(VARIANCE_FLOOR)
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
