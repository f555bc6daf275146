"""fMLLR on planted transforms, against a numerical optimizer, and its limits."""

import math

import numpy as np
import pytest
import torch

from hybrid.speakers.affine import identity
from hybrid.speakers.fmllr import (
    FmllrOptions, FmllrStats, best_transform, block_transform, diagonal_transform, full_transform, offset_transform)
from hybrid.speakers.gaussians import Gaussians
from hybrid.speakers.posteriors import Posteriors
from tests.hybrid.speakers.material import distorted, random_gaussians, random_transform, sample, soft

DIM = 4


def stats_of(gaussians, features, posteriors, transform=None):
    stats = FmllrStats(gaussians.dim)
    stats.add(features, gaussians, posteriors, identity(gaussians.dim) if transform is None else transform)
    return stats


def transformed(features, transform):
    return features @ transform[:, :-1].T + transform[:, -1]


def log_likelihood(gaussians, features, posteriors, transform):
    """Of the features as they are, by torch's own normal distribution; one component."""
    y = transformed(features, transform)[posteriors.frames]
    normal = torch.distributions.Normal(gaussians.means[posteriors.pdf_ids, 0],
                                        gaussians.variances[posteriors.pdf_ids, 0].sqrt())
    scores = normal.log_prob(y).sum(dim=1) + torch.linalg.slogdet(transform[:, :-1])[1]
    return (scores * posteriors.weights).sum()


@pytest.mark.parametrize("seed", range(3))
def test_a_planted_transform_is_recovered(seed):
    gaussians = random_gaussians(seed)
    features, posteriors = sample(gaussians, 20_000, seed)
    planted = random_transform(DIM, seed)
    stats = stats_of(gaussians, distorted(features, planted), posteriors)
    found = full_transform(stats, identity(DIM), 100)
    assert torch.allclose(found, planted, atol=0.04)
    assert stats.objective(found) >= stats.objective(planted) > stats.objective(identity(DIM))


def test_undistorted_features_keep_the_identity():
    gaussians = random_gaussians()
    features, posteriors = sample(gaussians, 20_000)
    stats = stats_of(gaussians, features, posteriors)
    for found in (full_transform(stats, identity(DIM), 40), diagonal_transform(stats), offset_transform(stats)):
        assert torch.allclose(found, identity(DIM), atol=0.03)


@pytest.mark.parametrize("seed", range(3))
def test_the_objective_is_the_likelihood_up_to_a_constant(seed):
    gaussians = random_gaussians(seed)
    features, posteriors = sample(gaussians, 60, seed)
    posteriors = soft(posteriors, gaussians.num_pdfs, seed)
    stats = stats_of(gaussians, features, posteriors)
    assert stats.beta == pytest.approx(float(posteriors.weights.sum()))
    one, other = random_transform(DIM, seed), random_transform(DIM, seed + 10)
    gain = log_likelihood(gaussians, features, posteriors, one) - log_likelihood(gaussians, features, posteriors, other)
    assert stats.objective(one) - stats.objective(other) == pytest.approx(float(gain), rel=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_no_sweep_lowers_the_likelihood_and_the_last_meets_a_numerical_optimizer(seed):
    gaussians = random_gaussians(seed)
    features, posteriors = sample(gaussians, 200, seed)
    features = distorted(features, random_transform(DIM, seed, size=0.3))
    posteriors = soft(posteriors, gaussians.num_pdfs, seed)
    stats = stats_of(gaussians, features, posteriors)
    values = [float(log_likelihood(gaussians, features, posteriors, full_transform(stats, identity(DIM), sweeps)))
              for sweeps in (1, 2, 3, 5, 10, 200)]
    assert float(log_likelihood(gaussians, features, posteriors, identity(DIM))) < values[0]
    assert all(later >= earlier - 1e-9 for earlier, later in zip(values, values[1:]))
    variable = identity(DIM).clone().requires_grad_()
    optimizer = torch.optim.LBFGS([variable], lr=1.0, max_iter=500, tolerance_grad=1e-9, tolerance_change=1e-14,
                                  line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = -log_likelihood(gaussians, features, posteriors, variable) / 200
        loss.backward()
        return loss
    optimizer.step(closure)
    best = float(log_likelihood(gaussians, features, posteriors, variable.detach()))
    assert values[-1] == pytest.approx(best, abs=200 * 1e-5)


def row_by_row(stats, transform):
    """A sweep as the derivation has it: cofactors anew for each row, and of both roots the one with the higher Q."""
    transform = transform.clone()
    for i in range(stats.dim):
        cofactors = torch.zeros(stats.dim + 1).double()
        cofactors[:-1] = torch.linalg.inv(transform[:, :-1])[:, i] * torch.det(transform[:, :-1])
        inverse = torch.linalg.inv(stats.G[i])
        found = []
        for alpha in np.roots([float(cofactors @ inverse @ cofactors), float(cofactors @ inverse @ stats.k[i]),
                               -stats.beta]):
            one = transform.clone()
            one[i] = (float(alpha) * cofactors + stats.k[i]) @ inverse
            found.append((stats.objective(one), one))
        transform = max(found, key=lambda one: one[0])[1]
    return transform


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_sweep_raises_row_by_row(seed, sign):
    """From starts of either orientation; a sweep that gains next to nothing is the last."""
    gaussians = random_gaussians(seed)
    features, posteriors = sample(gaussians, 200, seed)
    stats = stats_of(gaussians, distorted(features, random_transform(DIM, seed, size=0.3)), posteriors)
    start = random_transform(DIM, seed + 20)
    start[0] *= sign
    expected, last = row_by_row(stats, start), start
    assert torch.allclose(full_transform(stats, start, 1), expected, atol=1e-6)
    for sweeps in range(2, 100):
        last, expected = expected, row_by_row(stats, expected)
        if stats.objective(expected) - stats.objective(last) < 1e-5 * stats.beta:
            break
    assert torch.allclose(full_transform(stats, start, sweeps), expected, atol=1e-5)
    assert torch.equal(full_transform(stats, start, sweeps), full_transform(stats, start, 1000))
    assert not torch.equal(full_transform(stats, start, sweeps - 1), full_transform(stats, start, 1000))


@pytest.mark.parametrize("form, function", [("diagonal", diagonal_transform), ("offset", offset_transform)])
def test_simpler_forms_are_the_best_of_their_kind(form, function):
    gaussians = random_gaussians(5)
    features, posteriors = sample(gaussians, 300, 5)
    features = distorted(features, random_transform(DIM, 5))
    stats = stats_of(gaussians, features, posteriors)
    found = function(stats)
    best = stats.objective(found)
    for i in range(DIM):
        for column in ([i, DIM] if form == "diagonal" else [DIM]):
            for step in (-1e-3, 1e-3):
                moved = found.clone()
                moved[i, column] += step
                assert stats.objective(moved) < best
    expected = found[:, :-1].diagonal() if form == "diagonal" else torch.ones(DIM, dtype=torch.float64)
    assert torch.equal(found[:, :-1], torch.diag(expected))


@pytest.mark.parametrize("blocks", [1, 2, 4])
def test_blocks_mix_their_own_features_alone_and_are_the_best_so(blocks):
    gaussians = random_gaussians(6)
    features, posteriors = sample(gaussians, 300, 6)
    stats = stats_of(gaussians, distorted(features, random_transform(DIM, 6)), posteriors)
    found = block_transform(stats, identity(DIM), 100, blocks)
    best, width = stats.objective(found), DIM // blocks
    for i in range(DIM):
        for j in range(DIM):
            if i // width != j // width:
                assert found[i, j] == 0
                continue
            for step in (-2e-3, 2e-3):
                moved = found.clone()
                moved[i, j] += step
                assert stats.objective(moved) < best
    if blocks == DIM:
        assert torch.allclose(found, diagonal_transform(stats), atol=1e-5)
    assert best_transform(stats, 1e9, identity(DIM), FmllrOptions(), blocks).gain == pytest.approx(
        (stats.objective(block_transform(stats, identity(DIM), 40, blocks)) - stats.objective(identity(DIM))) / 300)


def test_components_share_frames_as_the_transform_stands():
    gaussians = random_gaussians(1, components=3)
    features, posteriors = sample(gaussians, 8_000, 1)
    planted = random_transform(DIM, 1, size=0.1)
    features = distorted(features, planted)
    found, last = identity(DIM), -math.inf
    for _ in range(6):  # EM
        stats = stats_of(gaussians, features, posteriors, found)
        found = full_transform(stats, found, 40)
        total = gaussians.occupancies(transformed(features, found), posteriors)[1]
        now = total + 8_000 * float(torch.linalg.slogdet(found[:, :-1])[1])
        assert now >= last - 1e-6
        last = now
    assert torch.allclose(found, planted, atol=0.08)


def test_expected_frames_draw_to_the_identity():
    gaussians = random_gaussians(2, components=2)
    shares = torch.arange(1.0, 13.0, dtype=torch.float64)
    shares /= shares.sum()
    prior = FmllrStats(DIM)
    prior.add_expected(gaussians, shares, 100.0)
    assert prior.beta == pytest.approx(100.0)
    assert torch.allclose(full_transform(prior, identity(DIM), 50), identity(DIM), atol=1e-6)
    assert torch.allclose(full_transform(prior, random_transform(DIM, size=0.05), 200), identity(DIM), atol=0.02)
    features, posteriors = sample(gaussians, 400, 2)
    planted = random_transform(DIM, 2)
    distances = []
    for frames in (0.0, 100.0, 1e4, 1e7):
        stats = stats_of(gaussians, distorted(features, planted), posteriors)
        stats.add_expected(gaussians, shares, frames)
        distances.append(float((full_transform(stats, identity(DIM), 50) - identity(DIM)).norm()))
    assert distances == sorted(distances, reverse=True) and distances[-1] < 1e-3 < distances[0]


def test_expected_frames_are_those_that_the_gaussians_make():
    """The sums over a great many frames drawn from the Gaussians come near, entry by entry."""
    gaussians = random_gaussians(4, num_pdfs=2, dim=2, components=2)
    shares = torch.tensor([0.25, 0.75]).double()
    expected, drawn = FmllrStats(2), FmllrStats(2)
    expected.add_expected(gaussians, shares, 50.0)
    features, posteriors = sample(gaussians, 40_000, 4)
    weights = 50.0 * shares[posteriors.pdf_ids] / torch.bincount(posteriors.pdf_ids)[posteriors.pdf_ids]
    drawn.add(features, gaussians, posteriors._replace(weights=weights), identity(2))
    assert drawn.beta == pytest.approx(50.0) == expected.beta
    assert torch.allclose(drawn.k, expected.k, atol=0.02 * float(expected.k.abs().max()))
    assert torch.allclose(drawn.G, expected.G, atol=0.02 * float(expected.G.abs().max()))


def test_sums_of_a_single_frame_worked_by_hand():
    """y = 2 x + 1 of x = 3 lies at 7; Gaussians of variance 4 at 5 and 9 share it equally."""
    gaussians = Gaussians(torch.tensor([[[5.0], [9.0]]]), torch.full((1, 2, 1), 4.0), torch.full((1, 2), 0.5).log())
    stats = FmllrStats(1)
    posteriors = Posteriors(torch.tensor([0]), torch.tensor([0]), torch.tensor([2.0]).double(), 1)
    for _ in range(2):
        stats.add(torch.tensor([[3.0]]), gaussians, posteriors, torch.tensor([[2.0, 1.0]]).double())
    assert stats.beta == 4.0
    # 4 frames of mean (5 + 9) / 2 and variance 4, [x; 1] = [3, 1]
    assert torch.allclose(stats.k, torch.tensor([[21.0, 7.0]]).double())
    assert torch.allclose(stats.G, torch.tensor([[[9.0, 3.0], [3.0, 1.0]]]).double())
    # 4 log 2 + w k' - w G w' / 2 of w = [2, 1]
    assert stats.objective(torch.tensor([[2.0, 1.0]]).double()) == pytest.approx(4 * math.log(2) + 49 - 49 / 2)


def test_a_feature_that_never_changes_is_no_hindrance_and_sweeps_end_once_little_is_gained():
    gaussians = random_gaussians(3)
    features, posteriors = sample(gaussians, 300, 3)
    features[:, 1] = 1.5
    stats = stats_of(gaussians, features, posteriors)
    found = full_transform(stats, identity(DIM), 40)
    assert torch.isfinite(found).all() and stats.objective(found) > stats.objective(identity(DIM))
    stats = stats_of(gaussians, *sample(gaussians, 300, 3))
    assert torch.equal(full_transform(stats, identity(DIM), 100), full_transform(stats, identity(DIM), 200))
    assert not torch.equal(full_transform(stats, identity(DIM), 1), full_transform(stats, identity(DIM), 2))


@pytest.mark.parametrize("limits", [(0.0, 0.0, 0.0), (500.0, 100.0, 0.0)])
def test_without_frames_nothing_is_changed_whatever_the_limits(limits):
    """Nor is anything divided by their number."""
    options = FmllrOptions(min_frames=limits[0], min_frames_diagonal=limits[1], min_frames_offset=limits[2])
    found = best_transform(FmllrStats(DIM), 0.0, identity(DIM), options)
    assert torch.equal(found.transform, identity(DIM)) and found[1:] == ("none", 0.0)
    gaussians = random_gaussians()
    stats = stats_of(gaussians, *sample(gaussians, 60))
    assert best_transform(stats, 0.5, identity(DIM), options).form == ("full" if limits[0] == 0 else "offset")


@pytest.mark.parametrize("frames, form", [(500, "full"), (499, "diagonal"), (100, "diagonal"), (99, "offset"),
                                          (20, "offset"), (19, "none"), (0, "none")])
def test_few_frames_allow_less(frames, form):
    gaussians = random_gaussians()
    features, posteriors = sample(gaussians, 600)
    stats = stats_of(gaussians, distorted(features, random_transform(DIM)), posteriors)
    found = best_transform(stats, frames, identity(DIM), FmllrOptions())
    assert found.form == form
    expected = {"full": full_transform(stats, identity(DIM), 40), "diagonal": diagonal_transform(stats),
                "offset": offset_transform(stats), "none": identity(DIM)}[form]
    assert torch.equal(found.transform, expected)
    gain = (stats.objective(expected) - stats.objective(identity(DIM))) / 600
    assert found.gain == pytest.approx(gain) and (gain > 0) == (form != "none")


@pytest.mark.parametrize("good", [
    {"rounds": 0}, {"components": 1}, {"components": 8}, {"sweeps": 1}, {"min_frames": 100.0},
    {"min_frames_offset": 100.0}, {"min_frames_offset": 0.0}, {"silence_weight": 1.0}, {"prior_frames": 0.0},
    {"max_failed_share": 0.0}, {"lm_scale": 0.0}, {"word_insertion_penalty": -2.0}, {"subsampling": 1}])
def test_options_at_their_limits(good):
    assert all(getattr(FmllrOptions(**good), name) == value for name, value in good.items())


@pytest.mark.parametrize("bad", [{"subsampling": 0}, {"min_frames_offset": -1.0}, {"silence_weight": -0.1},
                                 {"rounds": -1}, {"components": 3}, {"components": 0}, {"sweeps": 0},
                                 {"min_frames": 50.0}, {"min_frames_offset": 101.0}, {"silence_weight": 1.5},
                                 {"acoustic_scale": 0.0}, {"variance_floor": 0.0}, {"prior_frames": -1.0},
                                 {"max_failed_share": 1.0}, {"lm_scale": -1.0},
                                 {"word_insertion_penalty": float("inf")}])
def test_options_out_of_range(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        FmllrOptions(**bad)
