"""What a group of frames is worth: the log-likelihood of its frames under one model for all of them.

Frames x_1 .. x_n of a group come in as n and a sum over their statistics, so that groups are joined by adding. Each
objective is the maximum of a sum over the frames, so that two parts, each with a maximum of its own, are never worth
less than the whole: every split gains, or at least loses nothing.

- Gaussians: sum of log N(x; m, v), diagonal, v at least the floor. The maximum is at the group's own mean and at
  its own variance V, or the floor where that is larger; per frame and dimension it is
  -(log(2 pi v) + V / v) / 2 (Kaldi tree/clusterable-classes.cc, GaussClusterable; Young, Odell and Woodland, 1994).
- SoftCounts: x is a distribution over classes, the posteriors of a network; sum over frames and classes of x_k log y_k
  for a distribution y, the multinomial likelihood of soft counts, which is, up to a part that no grouping changes,
  minus the sum of KL(x || y). The best y is the mean of x; the maximum is -n H(y).
- MeanLogs: minus the sum of KL(y || x) = sum of y_k log (x_k / y_k). The best y is the geometric mean of x,
  normalized; the maximum is n log Z, where Z is what normalizes it: Z = sum over k of exp(mean of log x_k). So the
  states of a KL-HMM are tied (Imseng et al., "Fast and flexible Kullback-Leibler divergence based acoustic modeling
  for non-native speech recognition", 2012; Gosztolya et al., "Building context-dependent DNN acoustic models using
  Kullback-Leibler divergence-based state tying", 2015).

Measured on AN4, triphone trees of about 420 leaves, log-likelihood a frame of the speakers held out: the tree by
Gaussians 1.99 by Gaussians and -1.823 by soft counts, the tree by soft counts 1.96 and -1.816, by mean logs 1.91
and -1.823. The first two are best by their own measures, and by little. Both measures fall again above 560 leaves.

None needs a Gaussian mixture (Senior et al., "GMM-free DNN training", 2014, for Gaussians over a network's values).
"""

from dataclasses import dataclass

import numpy as np

KINDS = ("gaussians", "posteriors", "log_posteriors")
LOG_FLOOR = np.log(1e-5)  # of a posterior: one frame of certainty must not outvote all others


@dataclass(frozen=True)
class Gaussians:
    """variance_floor: ``[F]`` or a number, above 0."""

    variance_floor: object

    @staticmethod
    def moments(frames: np.ndarray) -> np.ndarray:
        """``[T, F]`` features -> ``[T, 2 F]`` float64: values and squares."""
        wide = np.asarray(frames, dtype=np.float64)
        return np.concatenate([wide, wide * wide], axis=1)

    def value(self, counts: np.ndarray, sums: np.ndarray) -> np.ndarray:
        """Log-likelihoods of groups.

        Args:
          counts: ``[...]`` frames, any shape; sums: ``[..., 2 F]``.
        Returns: ``[...]`` float64, 0 for no frames.
        """
        means = sums / np.maximum(counts, 1e-300)[..., None]
        dim = sums.shape[-1] // 2
        own = np.maximum(means[..., dim:] - means[..., :dim] ** 2, 0.0)
        floored = np.maximum(own, self.variance_floor)
        per_frame = -0.5 * (np.log(2 * np.pi * floored) + own / floored).sum(axis=-1)
        return counts * per_frame


class SoftCounts:
    @staticmethod
    def moments(log_posteriors: np.ndarray) -> np.ndarray:
        """``[T, K]`` natural logs -> ``[T, K]`` float64."""
        return np.exp(np.asarray(log_posteriors, dtype=np.float64))

    def value(self, counts: np.ndarray, sums: np.ndarray) -> np.ndarray:
        """As Gaussians.value, with sums ``[..., K]`` of posteriors."""
        shares = sums / np.maximum(counts, 1e-300)[..., None]
        return (sums * np.log(np.maximum(shares, 1e-300))).sum(axis=-1)


class MeanLogs:
    @staticmethod
    def moments(log_posteriors: np.ndarray) -> np.ndarray:
        """``[T, K]`` natural logs -> ``[T, K]`` float64, floored."""
        return np.maximum(np.asarray(log_posteriors, dtype=np.float64), LOG_FLOOR)

    def value(self, counts: np.ndarray, sums: np.ndarray) -> np.ndarray:
        """As Gaussians.value, with sums ``[..., K]`` of log-posteriors."""
        means = sums / np.maximum(counts, 1e-300)[..., None]
        largest = means.max(axis=-1)
        return counts * (largest + np.log(np.exp(means - largest[..., None]).sum(axis=-1)))


def make_objective(kind: str, counts: np.ndarray, sums: np.ndarray, variance_share: float):
    """The objective of a kind for statistics ``[E]``, ``[E, D]``.

    Args:
      kind: one of KINDS.
      variance_share: floor of a Gaussian's variance, as a share of the variance of all frames.
    """
    if kind != "gaussians":
        return SoftCounts() if kind == "posteriors" else MeanLogs()
    mean = sums.sum(axis=0) / max(counts.sum(), 1.0)
    dim = len(mean) // 2
    variance = np.maximum(mean[dim:] - mean[:dim] ** 2, 1e-10)
    return Gaussians(variance_share * variance)
