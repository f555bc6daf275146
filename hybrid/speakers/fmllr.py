"""fMLLR, or constrained MLLR: the affine transform of a speaker's features that Gaussians find likeliest.

With y = A x + b = W xi, xi = [x; 1], and posteriors g_m(t) of Gaussians with diagonal covariances, W maximizes

    Q(W) = sum_t,m g_m(t) (log N(W xi_t; mu_m, s_m^2) + log |det A|)
         = beta log |det A| + sum_i (w_i k_i - w_i G_i w_i' / 2) + constant
    beta = sum_t,m g_m(t),  k_i = sum_t,m g_m(t) mu_mi / s_mi^2 xi_t,  G_i = sum_t,m g_m(t) / s_mi^2 xi_t xi_t'

With deltas A may be one block for each order, so that nothing is mixed among statics and deltas: each block is then a
problem of its own. Q is raised row by row: with the others fixed, det A is linear in row i, det A = w_i p_i with its
cofactors p_i, and then w_i = (alpha p_i + k_i) G_i^-1, where alpha solves a quadratic equation (Gales, "Maximum
likelihood linear transformations for HMM-based speech recognition", 1998; Kaldi transform/fmllr-diag-gmm.cc). No update
lowers Q.
"""

import math
from dataclasses import dataclass, field
from typing import NamedTuple, Tuple

import numpy as np
import torch
from torch import Tensor

from graphs.options import check_at_least, check_between, check_positive, check_power_of_2, check_share
from hybrid.speakers.affine import apply, identity, log_volume
from hybrid.speakers.gaussians import Gaussians
from hybrid.speakers.posteriors import LatticeScales, Posteriors

CONVERGED = 1e-5  # gain of Q in a sweep over the rows, per frame, that ends the iteration


@dataclass(frozen=True)
class FmllrOptions(LatticeScales):
    """The section [fmllr]: transforms, the Gaussians they fit, and what is read from lattices."""

    rounds: int = field(default=4, metadata={
        "help": "rounds on the training set: transforms under the Gaussians, Gaussians on transformed features"})
    mix_deltas: bool = field(default=False, metadata={
        "help": "A mixes statics and deltas, too; without, it is one block for each order of them"})
    components: int = field(default=1, metadata={"help": "Gaussians for each pdf_id: 1, 2, 4, 8 ..."})
    variance_floor: float = field(default=0.01, metadata={"help": "smallest variance, share of that of all frames"})
    sweeps: int = field(default=40, metadata={"help": "updates of all rows at most"})
    min_frames: float = field(default=500.0, metadata={"help": "frames of a speaker below which A is diagonal"})
    min_frames_diagonal: float = field(default=100.0, metadata={"help": "frames below which A is 1"})
    min_frames_offset: float = field(default=20.0, metadata={"help": "frames below which nothing is changed"})
    prior_frames: float = field(default=0.0, metadata={
        "help": "frames as the Gaussians expect them, added to each speaker's: draws the transform to 1"})
    silence_weight: float = field(default=0.0, metadata={"help": "weight of frames of silence"})
    subsampling: int = field(default=1, metadata={"help": "feature frames for each frame of alignment or lattices"})
    max_failed_share: float = field(default=0.5, metadata={"help": "share of speakers that may lack posteriors"})

    def __post_init__(self):
        super().__post_init__()
        check_at_least(0, self, "rounds", "min_frames_offset", "prior_frames")
        check_at_least(1, self, "components", "sweeps", "subsampling")
        check_positive(self, "variance_floor")
        check_power_of_2(self, "components")
        if not self.min_frames_offset <= self.min_frames_diagonal <= self.min_frames:
            raise ValueError("min_frames_offset, min_frames_diagonal, min_frames: expected in that order, found "
                             f"{self.min_frames_offset}, {self.min_frames_diagonal}, {self.min_frames}")
        check_between(0, 1, self, "silence_weight")
        check_share(self, "max_failed_share")


class FmllrStats:
    """The sums beta, k ``[F, F + 1]`` and G ``[F, F + 1, F + 1]`` of a speaker."""

    def __init__(self, dim: int):
        self.dim, self.beta = dim, 0.0
        self.k = torch.zeros(dim, dim + 1, dtype=torch.float64)
        self.G = torch.zeros(dim, dim + 1, dim + 1, dtype=torch.float64)

    def add(self, features: Tensor, gaussians: Gaussians, posteriors: Posteriors, transform: Tensor) -> None:
        """
        Args:
          features: ``[T, F]`` as they are.
          transform: ``[F, F + 1]``, under which components share their pdf_id's frames.
        """
        x = features.double()
        extended = torch.cat([x, torch.ones(len(x), 1, dtype=torch.float64)], dim=1)
        pulls, precisions = gaussians.in_natural_form(apply(transform, x), posteriors)
        self.beta += float(posteriors.weights.sum())
        self.k += pulls.T @ extended
        for i in range(self.dim):
            self.G[i] += extended.T @ (precisions[:, i, None] * extended)

    def add_expected(self, gaussians: Gaussians, shares: Tensor, frames: float) -> None:
        """So many frames as the Gaussians make them: of these alone, no transform is better than none.

        shares: ``[num_pdfs]``, of all frames.
        """
        weights = (gaussians.log_weights.exp() * shares[:, None]).flatten() * frames
        means, variances = gaussians.means.flatten(0, 1), gaussians.variances.flatten(0, 1)
        extended = torch.cat([means, torch.ones(len(means), 1, dtype=torch.float64)], dim=1)
        self.beta += float(weights.sum())
        self.k += (weights[:, None] * means / variances).T @ extended
        for i in range(self.dim):
            each = weights / variances[:, i]
            self.G[i] += extended.T @ (each[:, None] * extended)
            self.G[i].diagonal()[:-1].add_(each @ variances)

    def block(self, start: int, end: int) -> "FmllrStats":
        """Those of the features start .. end - 1, among which alone A mixes."""
        own = [*range(start, end), self.dim]
        part = FmllrStats(end - start)
        part.beta, part.k, part.G = self.beta, self.k[start:end, own], self.G[start:end][:, own][:, :, own]
        return part

    def objective(self, transform: Tensor) -> float:
        """Q without the constant."""
        quadratic = torch.einsum("ij,ijk,ik->", transform, self.G, transform)
        return self.beta * log_volume(transform) + float((transform * self.k).sum() - 0.5 * quadratic)


def full_transform(stats: FmllrStats, start: Tensor, sweeps: int) -> Tensor:
    """The best transform, from `start` on: a local maximum of Q, reached from the start without a step down."""
    # directions in which a speaker shows nothing would keep G from being inverted
    ridge = 1e-9 * stats.G.diagonal(dim1=1, dim2=2).mean(dim=1)
    inverses = torch.linalg.inv(stats.G + ridge[:, None, None] * torch.eye(stats.dim + 1, dtype=torch.float64))
    transform, before = start.clone(), stats.objective(start)
    rows = transform.numpy()  # many small products: numpy is several times faster at them, and shares the memory
    for _ in range(sweeps):
        _sweep(rows, inverses.numpy(), stats.k.numpy(), stats.beta)
        now = stats.objective(transform)
        if now - before < CONVERGED * stats.beta:
            break
        before = now
    return transform


def block_transform(stats: FmllrStats, start: Tensor, sweeps: int, blocks: int) -> Tensor:
    """The best transform whose A is so many blocks of one size along the diagonal."""
    transform, width = torch.zeros_like(start), stats.dim // blocks
    for first in range(0, stats.dim, width):
        rows, own = slice(first, first + width), [*range(first, first + width), stats.dim]
        transform[rows, own] = full_transform(stats.block(first, first + width), start[rows, own], sweeps)
    return transform


def _sweep(rows: np.ndarray, inverses: np.ndarray, k: np.ndarray, beta: float) -> None:
    """Updates each row of a transform in place; inverses: ``[F, F + 1, F + 1]``, of G."""
    inverse, cofactors = np.linalg.inv(rows[:, :-1]), np.zeros(rows.shape[1])
    for i in range(len(rows)):
        cofactors[:-1] = inverse[:, i]  # those of row i, up to the factor det A
        row = _best_row(cofactors, inverses[i], k[i], beta)
        change = (row[:-1] - rows[i, :-1]) @ inverse  # and A^-1 follows (Sherman and Morrison, 1950)
        inverse -= np.outer(inverse[:, i], change) / (1.0 + change[i])
        rows[i] = row


def _best_row(cofactors: np.ndarray, inverse: np.ndarray, k: np.ndarray, beta: float) -> np.ndarray:
    """The row of the root of ``alpha^2 p G^-1 p' + alpha p G^-1 k' - beta = 0`` with the higher objective.

    With e1 and e2, the factors of alpha^2 and alpha, that is beta log |alpha e1 + e2| - alpha^2 e1 / 2, which is higher
    where the square root has the sign of e2.
    """
    projected = inverse @ cofactors
    e1, e2 = float(projected @ cofactors), float(projected @ k)
    root = math.copysign(math.sqrt(e2 * e2 + 4 * e1 * beta), e2)
    return (root - e2) / (2 * e1) * projected + inverse @ k


def diagonal_transform(stats: FmllrStats) -> Tensor:
    """The best transform of which A is diagonal: each feature by itself, a quadratic equation in its factor."""
    square, cross, count, k, k1 = _own_sums(stats)
    # the best offset for a factor a is (k1 - a cross) / count; put into Q it leaves beta log a - p a^2 / 2 + q a
    p, q = square - cross.square() / count, k - cross * k1 / count
    a = (q + (q.square() + 4 * p * stats.beta).sqrt()) / (2 * p)
    return torch.cat([torch.diag(a), ((k1 - a * cross) / count)[:, None]], dim=1)


def offset_transform(stats: FmllrStats) -> Tensor:
    """The best transform of which A is 1."""
    _, cross, count, _, k1 = _own_sums(stats)
    return torch.cat([torch.eye(stats.dim, dtype=torch.float64), ((k1 - cross) / count)[:, None]], dim=1)


def _own_sums(stats: FmllrStats) -> Tuple[Tensor, ...]:
    """Of each feature with itself and with 1: G_i[i, i], G_i[i, -1], G_i[-1, -1], k_i[i], k_i[-1], ``[F]`` each."""
    own = torch.arange(stats.dim)
    return (stats.G[own, own, own], stats.G[own, own, -1], stats.G[own, -1, -1], stats.k[own, own],
            stats.k[own, -1])


class Found(NamedTuple):
    """form: full, diagonal, offset or none; gain: of Q over no transform, per frame."""

    transform: Tensor
    form: str
    gain: float


def best_transform(stats: FmllrStats, frames: float, start: Tensor, options: FmllrOptions, blocks: int = 1) -> Found:
    """Of the form that the speaker's frames allow; blocks: of the full form."""
    plain = identity(stats.dim)
    if frames < options.min_frames_offset or not frames > 0:
        return Found(plain, "none", 0.0)
    if frames >= options.min_frames:
        form, transform = "full", block_transform(stats, start, options.sweeps, blocks)
    elif frames >= options.min_frames_diagonal:
        form, transform = "diagonal", diagonal_transform(stats)
    else:
        form, transform = "offset", offset_transform(stats)
    return Found(transform, form, (stats.objective(transform) - stats.objective(plain)) / stats.beta)
