"""Gaussians with diagonal covariances over features, a few for each pdf_id, estimated from posteriors of pdf_ids.

They serve what a network cannot: the likelihood of features, which transforms of a speaker maximize.
"""

import math
from pathlib import Path
from typing import Callable, Iterable, Optional, Tuple

import torch
from torch import Tensor

from graphs.errors import InputError
from hybrid.nn.tensor_file import SUFFIX, read_tensors, write_tensors
from hybrid.speakers.affine import identity
from hybrid.speakers.posteriors import Posteriors
from hybrid.speakers.table import fingerprint

FILE = "gaussians" + SUFFIX
MIN_FRAMES = 10.0  # a component with fewer is not split, and one of few frames takes the variance of all
MIN_WEIGHT = 1e-4
EM_ROUNDS = 4  # after each split
SPREAD = 0.2  # of the two halves of a split component, standard deviations


class Gaussians:
    """
    Attributes:
      means, variances: ``[num_pdfs, components, F]`` float64.
      log_weights: ``[num_pdfs, components]`` float64, of the components within their pdf_id.
      common: ``[F, F + 1]`` float64, the affine transform of features that they describe; the identity at first.
    """

    def __init__(self, means: Tensor, variances: Tensor, log_weights: Tensor, common: Optional[Tensor] = None):
        self.common = identity(means.shape[2]) if common is None else common.double()
        self.means, self.variances, self.log_weights = means.double(), variances.double(), log_weights.double()
        self._precisions = self.variances.reciprocal()
        self._constants = self.log_weights - 0.5 * (
            self.means.shape[2] * math.log(2 * math.pi) + self.variances.log().sum(dim=2))

    @property
    def num_pdfs(self) -> int:
        return self.means.shape[0]

    @property
    def dim(self) -> int:
        return self.means.shape[2]

    def component_log_likelihoods(self, features: Tensor, pdf_ids: Tensor) -> Tensor:
        """``[N, components]``: log weight * density; features: ``[N, F]``, each row under the pdf_id beside it."""
        squares = (features.double()[:, None] - self.means[pdf_ids]).square() * self._precisions[pdf_ids]
        return self._constants[pdf_ids] - 0.5 * squares.sum(dim=2)

    def log_likelihoods(self, features: Tensor) -> Tensor:
        """``[T, num_pdfs]`` float64 of features ``[T, F]``."""
        x = features.double()
        precisions, means = self._precisions.flatten(0, 1), self.means.flatten(0, 1)
        squares = x.square() @ precisions.T - 2 * x @ (precisions * means).T + (precisions * means.square()).sum(1)
        return (self._constants.flatten() - 0.5 * squares).view(len(x), *self.log_weights.shape).logsumexp(dim=2)

    def occupancies(self, features: Tensor, posteriors: Posteriors) -> Tuple[Tensor, float]:
        """``[N, components]``: each entry's weight shared out among the components; and the weighted log-likelihood.

        features: ``[T, F]``; posteriors: N entries.
        """
        scores = self.component_log_likelihoods(features[posteriors.frames], posteriors.pdf_ids)
        total = scores.logsumexp(dim=1)
        shares = (scores - total[:, None]).exp() * posteriors.weights[:, None]
        return shares, float((total * posteriors.weights).sum())

    def in_natural_form(self, features: Tensor, posteriors: Posteriors) -> Tuple[Tensor, Tensor]:
        """Sums over components at each frame: posterior * mean / variance and posterior / variance, ``[T, F]`` each."""
        shares, _ = self.occupancies(features, posteriors)
        precisions = self._precisions[posteriors.pdf_ids]
        zeros = torch.zeros(len(features), self.dim, dtype=torch.float64)
        pulls = (shares[:, :, None] * precisions * self.means[posteriors.pdf_ids]).sum(dim=1)
        return (zeros.index_add(0, posteriors.frames, pulls),
                zeros.index_add(0, posteriors.frames, (shares[:, :, None] * precisions).sum(dim=1)))

    def fingerprint(self) -> str:
        return fingerprint(self._tensors())

    def _tensors(self):
        return {"means": self.means, "variances": self.variances, "log_weights": self.log_weights,
                "common": self.common}

    def write(self, folder: Path) -> None:
        write_tensors(Path(folder) / FILE, self._tensors())

    @classmethod
    def read(cls, folder: Path) -> "Gaussians":
        """Raises InputError when there are none or when they are not what was written."""
        path = Path(folder) / FILE
        if not path.is_file():
            raise InputError(str(folder), f"a folder with {FILE}", "none")
        tensors, _ = read_tensors(path)
        needed = ("means", "variances", "log_weights")
        shapes = [list(tensors[name].shape) for name in needed if name in tensors]
        if len(shapes) != 3 or len(shapes[0]) != 3 or shapes[1] != shapes[0] or shapes[2] != shapes[0][:2]:
            raise InputError(str(path), "means, variances and log_weights of one shape", str(shapes))
        others = tensors.keys() - {*needed, "common"}
        if others:
            raise InputError(str(path), "no other tensors", ", ".join(sorted(others)))
        if "common" in tensors and tensors["common"].shape != (shapes[0][2], shapes[0][2] + 1):
            raise InputError(f"{path}, common", f"[{shapes[0][2]}, {shapes[0][2] + 1}]",
                             str(list(tensors["common"].shape)))
        if not (torch.isfinite(tensors["means"]).all() and (tensors["variances"] > 0).all()):
            raise InputError(str(path), "finite means and variances above 0", "others")
        return cls(**tensors)


class Moments:
    """Sums that Gaussians are made from: count, sum and sum of squares for each component of each pdf_id."""

    def __init__(self, num_pdfs: int, components: int, dim: int):
        self.count = torch.zeros(num_pdfs, components, dtype=torch.float64)
        self.sum = torch.zeros(num_pdfs, components, dim, dtype=torch.float64)
        self.square_sum = torch.zeros_like(self.sum)
        self.log_likelihood = 0.0

    def add(self, features: Tensor, posteriors: Posteriors, gaussians: Optional[Gaussians]) -> None:
        """features: ``[T, F]``; gaussians: whose components share the frames; None for one component."""
        x = features.double()[posteriors.frames]
        if gaussians is None:
            shares = posteriors.weights[:, None]
        else:
            shares, log_likelihood = gaussians.occupancies(features, posteriors)
            self.log_likelihood += log_likelihood
        self.count.index_add_(0, posteriors.pdf_ids, shares)
        weighted = shares[:, :, None] * x[:, None]
        self.sum.index_add_(0, posteriors.pdf_ids, weighted)
        self.square_sum.index_add_(0, posteriors.pdf_ids, weighted * x[:, None])

    def gaussians(self, variance_floor: float) -> Gaussians:
        """Maximum likelihood; a component of few frames has the mean and the variance of all frames.

        Args:
          variance_floor: share of the variance of all frames.
        Raises: InputError when there is no frame.
        """
        total = float(self.count.sum())
        if not total > 0:
            raise InputError("Gaussians", "frames to estimate them from", "none")
        mean = self.sum.sum(dim=(0, 1)) / total
        variance = (self.square_sum.sum(dim=(0, 1)) / total - mean.square()).clamp_min(1e-8)
        seen = (self.count >= MIN_FRAMES)[:, :, None]
        count = self.count.clamp_min(1.0)[:, :, None]
        means = torch.where(seen, self.sum / count, mean)
        variances = torch.where(seen, self.square_sum / count - means.square(), variance)
        shares = self.count / self.count.sum(dim=1, keepdim=True).clamp_min(1e-10)
        shares = shares.clamp_min(MIN_WEIGHT)
        return Gaussians(means, torch.maximum(variances, variance_floor * variance),
                         (shares / shares.sum(dim=1, keepdim=True)).log())


def estimate(data: Iterable[Tuple[Tensor, Posteriors]], previous: Optional[Gaussians], num_pdfs: int, dim: int,
             variance_floor: float) -> Tuple[Gaussians, float]:
    """One round of EM, or single Gaussians where there are no previous ones.

    Args:
      data: features ``[T, dim]`` and posteriors of each utterance.
    Returns: the Gaussians and the weighted log-likelihood under the previous ones (0.0 without).
    """
    components = 1 if previous is None else previous.means.shape[1]
    moments = Moments(num_pdfs, components, dim)
    for features, posteriors in data:
        moments.add(features, posteriors, previous)
    return moments.gaussians(variance_floor), moments.log_likelihood


def split(gaussians: Gaussians) -> Gaussians:
    """Twice the components: each as two beside each other, along a line that differs from pdf_id to pdf_id."""
    means, variances, log_weights = gaussians.means, gaussians.variances, gaussians.log_weights
    generator = torch.Generator().manual_seed(means.shape[1])
    signs = torch.randint(0, 2, means.shape, generator=generator, dtype=torch.int64).double() * 2 - 1
    step = SPREAD * signs * variances.sqrt()
    return Gaussians(torch.cat([means + step, means - step], dim=1), variances.repeat(1, 2, 1),
                     (log_weights - math.log(2)).repeat(1, 2))


def grown(components: int, one_round: Callable[[Optional[Gaussians]], Gaussians]) -> Gaussians:
    """Gaussians of so many components, a power of 2, by splitting from one on, and EM after each split.

    one_round: the Gaussians that a round of EM makes of the previous ones; of None, single ones.
    """
    gaussians = one_round(None)
    while gaussians.means.shape[1] < components:
        gaussians = split(gaussians)
        for _ in range(EM_ROUNDS):
            gaussians = one_round(gaussians)
    return gaussians
