"""Speakers planted in features: each distorts what the same Gaussians made by a transform of their own."""

import numpy as np
import torch

from hybrid.speakers.gaussians import Gaussians
from hybrid.speakers.posteriors import Posteriors


def random_gaussians(seed=0, num_pdfs=12, dim=4, components=1):
    generator = torch.Generator().manual_seed(seed)
    means = 2.0 * torch.randn(num_pdfs, components, dim, generator=generator, dtype=torch.float64)
    variances = 0.3 + torch.rand(num_pdfs, components, dim, generator=generator, dtype=torch.float64)
    weights = 0.2 + torch.rand(num_pdfs, components, generator=generator, dtype=torch.float64)
    return Gaussians(means, variances, (weights / weights.sum(1, keepdim=True)).log())


def sample(gaussians, num_frames, seed=0):
    """(features ``[T, F]`` float64, Posteriors) with the pdf_ids that made them."""
    generator = torch.Generator().manual_seed(seed)
    pdf_ids = torch.randint(0, gaussians.num_pdfs, (num_frames,), generator=generator)
    component = torch.multinomial(gaussians.log_weights.exp()[pdf_ids], 1, generator=generator)[:, 0]
    noise = torch.randn(num_frames, gaussians.dim, generator=generator, dtype=torch.float64)
    features = gaussians.means[pdf_ids, component] + noise * gaussians.variances[pdf_ids, component].sqrt()
    return features, Posteriors(torch.arange(num_frames), pdf_ids, torch.ones(num_frames, dtype=torch.float64),
                                num_frames)


def random_transform(dim, seed=0, size=0.2):
    """``[F, F + 1]``, near the identity, with positive determinant."""
    generator = torch.Generator().manual_seed(100 + seed)
    transform = torch.eye(dim, dim + 1, dtype=torch.float64)
    return transform + size * torch.randn(dim, dim + 1, generator=generator, dtype=torch.float64)


def distorted(features, transform):
    """Features of which `transform` makes those given: A^-1 (y - b)."""
    return torch.linalg.solve(transform[:, :-1], (features - transform[:, -1]).T).T


class Features(dict):
    """As FeatureReader: utterance_id -> features; ids are `SPEAKER-NUMBER`, without a dash of no speaker."""

    @property
    def ids(self):
        return list(self)

    @property
    def dim(self):
        return next(iter(self.values())).shape[1]

    @property
    def base_dim(self):
        return self.dim

    def num_frames(self, utterance_id):
        return len(self[utterance_id])

    def speaker(self, utterance_id):
        return utterance_id.partition("-")[0] if "-" in utterance_id else ""


def soft(posteriors, num_pdfs, seed=0):
    """The same frames, each with two pdf_ids of weights that sum to one; some frames are silent (no entries)."""
    rng = np.random.default_rng(seed)
    share = torch.from_numpy(rng.uniform(0.6, 1.0, posteriors.num_frames))
    frames = torch.cat([posteriors.frames, posteriors.frames])
    pdf_ids = torch.cat([posteriors.pdf_ids, (posteriors.pdf_ids + 1) % num_pdfs])
    kept = (frames % 7 != 3)
    weights = torch.cat([share, 1 - share])
    return Posteriors(frames[kept], pdf_ids[kept], weights[kept], posteriors.num_frames)
