"""Gaussians of pdf_ids: against torch's distributions, and what few or no frames make of them."""

import pytest
import torch

from graphs.errors import InputError
from hybrid.nn.tensor_file import write_tensors
from hybrid.speakers.affine import identity
from hybrid.speakers.gaussians import FILE, Gaussians, estimate, grown, split
from hybrid.speakers.posteriors import Posteriors
from tests.hybrid.speakers.material import random_gaussians, sample, soft


def naive(gaussians):
    """torch's mixtures, one a pdf_id."""
    components = torch.distributions.Independent(
        torch.distributions.Normal(gaussians.means, gaussians.variances.sqrt()), 1)
    return torch.distributions.MixtureSameFamily(
        torch.distributions.Categorical(logits=gaussians.log_weights), components)


@pytest.mark.parametrize("components", [1, 3])
def test_likelihoods_are_those_of_torch(components):
    gaussians = random_gaussians(0, components=components)
    features, posteriors = sample(gaussians, 50)
    expected = naive(gaussians).log_prob(features[:, None].expand(-1, gaussians.num_pdfs, -1))
    assert torch.allclose(gaussians.log_likelihoods(features), expected, atol=1e-9)
    assert gaussians.log_likelihoods(features.float()).dtype == torch.float64
    posteriors = soft(posteriors, gaussians.num_pdfs)
    shares, total = gaussians.occupancies(features, posteriors)
    assert torch.allclose(shares.sum(dim=1), posteriors.weights)
    assert total == pytest.approx(float((expected[posteriors.frames, posteriors.pdf_ids] * posteriors.weights).sum()))


def test_natural_form_sums_over_entries_and_components():
    gaussians = random_gaussians(1, components=2)
    features, posteriors = sample(gaussians, 20, 1)
    posteriors = soft(posteriors, gaussians.num_pdfs)
    pulls, precisions = gaussians.in_natural_form(features, posteriors)
    shares, _ = gaussians.occupancies(features, posteriors)
    expected = torch.zeros(2, 20, gaussians.dim, dtype=torch.float64)
    for n, (frame, pdf_id) in enumerate(zip(posteriors.frames, posteriors.pdf_ids)):
        for m in range(2):
            inverse = 1.0 / gaussians.variances[pdf_id, m]
            expected[0, frame] += shares[n, m] * gaussians.means[pdf_id, m] * inverse
            expected[1, frame] += shares[n, m] * inverse
    assert torch.allclose(pulls, expected[0]) and torch.allclose(precisions, expected[1])
    assert not pulls[3].any()  # a silent frame


def test_single_gaussians_are_weighted_means_and_variances():
    truth = random_gaussians(2)
    features, posteriors = sample(truth, 400, 2)
    posteriors = soft(posteriors, truth.num_pdfs)
    data = [(features[:150], _part(posteriors, 0, 150)), (features[150:], _part(posteriors, 150, 400))]
    found, value = estimate(data, None, truth.num_pdfs, truth.dim, 0.01)
    for pdf_id in range(truth.num_pdfs):
        own = posteriors.pdf_ids == pdf_id
        weights, x = posteriors.weights[own, None], features[posteriors.frames[own]]
        mean = (weights * x).sum(0) / weights.sum()
        assert torch.allclose(found.means[pdf_id, 0], mean)
        assert torch.allclose(found.variances[pdf_id, 0], (weights * (x - mean).square()).sum(0) / weights.sum())
    assert not found.log_weights.any() and value == 0.0
    again, value = estimate([(features, posteriors)], found, truth.num_pdfs, truth.dim, 0.01)
    assert torch.allclose(again.means, found.means)
    assert value == pytest.approx(found.occupancies(features, posteriors)[1])


def _part(posteriors, start, end):
    own = (posteriors.frames >= start) & (posteriors.frames < end)
    return Posteriors(posteriors.frames[own] - start, posteriors.pdf_ids[own], posteriors.weights[own], end - start)


def test_em_on_split_components_never_loses_likelihood_and_finds_two_peaks():
    truth = random_gaussians(3, num_pdfs=3, dim=2, components=2)
    features, posteriors = sample(truth, 3000, 3)
    gaussians, _ = estimate([(features, posteriors)], None, 3, 2, 1e-3)
    gaussians, values = split(gaussians), []
    for _ in range(30):
        gaussians, value = estimate([(features, posteriors)], gaussians, 3, 2, 1e-3)
        values.append(value)
    assert all(later >= earlier - 1e-6 for earlier, later in zip(values, values[1:]))
    single = estimate([(features, posteriors)], estimate([(features, posteriors)], None, 3, 2, 1e-3)[0], 3, 2, 1e-3)[1]
    assert values[-1] > single + 100
    assert gaussians.means.shape == (3, 2, 2)


def test_a_component_is_split_along_its_own_standard_deviations():
    gaussians = random_gaussians(6, num_pdfs=5, components=2)
    halves = split(gaussians)
    assert halves.means.shape == (5, 4, 4) and torch.equal(halves.means, split(gaussians).means)
    for half, sign in ((slice(0, 2), 1.0), (slice(2, 4), -1.0)):
        steps = sign * (halves.means[:, half] - gaussians.means) / gaussians.variances.sqrt()
        assert torch.allclose(steps.abs(), torch.full_like(steps, 0.2)) and 0 < (steps > 0).double().mean() < 1
        assert torch.equal(halves.variances[:, half], gaussians.variances)
        assert torch.allclose(halves.log_weights[:, half].exp(), gaussians.log_weights.exp() / 2)


@pytest.mark.parametrize("components, asked", [
    (1, [None]), (2, [None, 2, 2, 2, 2]), (4, [None, 2, 2, 2, 2, 4, 4, 4, 4])])
def test_components_grow_by_splits_and_four_rounds_after_each(components, asked):
    calls = []

    def one_round(previous):
        calls.append(None if previous is None else previous.means.shape[1])
        return random_gaussians(len(calls), components=calls[-1] or 1)
    found = grown(components, one_round)
    assert calls == asked and torch.equal(found.means, random_gaussians(len(calls), components=components).means)


def test_components_of_few_frames_take_the_variance_of_all_and_a_least_weight():
    """Of two components one is near all 40 frames of pdf_id 0; pdf_id 1 has 12 frames at each of two; 2 has none."""
    features = torch.cat([torch.zeros(40, 1), torch.full((12, 1), -50.0), torch.full((12, 1), 50.0)]).double()
    features += torch.tensor([1.0, -1.0]).repeat(32)[:, None]
    posteriors = Posteriors(torch.arange(64), torch.tensor([0] * 40 + [1] * 24), torch.ones(64).double(), 64)
    means = torch.tensor([[[0.0], [900.0]], [[-50.0], [50.0]], [[0.0], [1.0]]])
    found, _ = estimate([(features, posteriors)], Gaussians(means, torch.ones(3, 2, 1), torch.zeros(3, 2)), 3, 1, 1e-3)
    whole = 1.0 + 24 / 64 * 50.0 ** 2
    assert torch.allclose(found.means[:, :, 0], torch.tensor([[0, 0], [-50, 50], [0, 0]]).double(), atol=1e-9)
    assert torch.allclose(found.variances[:, :, 0], torch.tensor([
        [max(1.0, 1e-3 * whole), whole], [1.0, 1.0], [whole, whole]]).double())
    assert torch.allclose(found.log_weights.exp(), torch.tensor([
        [1 / 1.0001, 1e-4 / 1.0001], [0.5, 0.5], [0.5, 0.5]]).double(), atol=1e-9)


def test_half_a_frame_weighs_components_as_many_frames_do():
    one = Posteriors(torch.tensor([0]), torch.tensor([0]), torch.tensor([0.5]).double(), 1)
    previous = Gaussians(torch.tensor([[[0.0], [900.0]]]), torch.ones(1, 2, 1), torch.zeros(1, 2))
    found, _ = estimate([(torch.zeros(1, 1), one)], previous, 1, 1, 0.1)
    assert found.log_weights.exp().tolist() == [pytest.approx([1 / 1.0001, 1e-4 / 1.0001], abs=1e-9)]


def test_ten_frames_are_enough_and_features_that_never_change_have_a_variance():
    posteriors = Posteriors(torch.arange(19), torch.tensor([0] * 10 + [1] * 9), torch.ones(19).double(), 19)
    features = torch.cat([torch.full((10, 1), 3.0), torch.full((9, 1), 22.0)])
    found, _ = estimate([(features, posteriors)], None, 2, 1, 1e-6)
    assert found.means.flatten().tolist() == pytest.approx([3.0, 12.0])
    assert found.variances.flatten().tolist() == pytest.approx([9e-5, 90.0], rel=1e-3)
    found, _ = estimate([(torch.full((19, 1), 2.0), posteriors)], None, 2, 1, 0.5)
    assert found.variances.flatten().tolist() == pytest.approx([0.5e-8, 1e-8])


def test_a_pdf_without_frames_has_what_all_frames_have_and_variances_have_a_floor():
    features = torch.cat([torch.zeros(30, 2), torch.tensor([[4.0, 2.0]]).repeat(10, 1)]).double()
    pdf_ids = torch.tensor([0] * 30 + [1] * 9 + [2])
    posteriors = Posteriors(torch.arange(40), pdf_ids, torch.ones(40, dtype=torch.float64), 40)
    found, _ = estimate([(features, posteriors)], None, 4, 2, 0.25)
    mean, variance = features.mean(0), features.var(0, unbiased=False)
    assert torch.allclose(found.means[0, 0], torch.zeros(2).double())
    assert torch.allclose(found.variances[0, 0], 0.25 * variance)
    for pdf_id in (1, 2, 3):  # 9 frames, 1 frame, none
        assert torch.allclose(found.means[pdf_id, 0], mean) and torch.allclose(found.variances[pdf_id, 0], variance)
    with pytest.raises(InputError, match="frames to estimate"):
        estimate([], None, 2, 2, 0.1)
    one = Posteriors(torch.tensor([5]), torch.tensor([1]), torch.tensor([0.5]).double(), 40)  # half a frame is one
    assert torch.equal(estimate([(features, one)], None, 2, 2, 0.1)[0].means, features[5].expand(2, 1, 2))


def test_gaussians_come_back(tmp_path):
    gaussians = random_gaussians(4, components=2)
    gaussians.write(tmp_path)
    found = Gaussians.read(tmp_path)
    assert torch.equal(found.means, gaussians.means) and found.fingerprint() == gaussians.fingerprint()
    assert torch.equal(found.variances, gaussians.variances) and torch.equal(found.log_weights, gaussians.log_weights)
    assert torch.equal(found.common, identity(4)) and (found.num_pdfs, found.dim) == (12, 4)
    parts = gaussians.means, gaussians.variances, gaussians.log_weights
    moved = Gaussians(*parts, 2 * identity(4))
    assert moved.fingerprint() != gaussians.fingerprint()
    moved.write(tmp_path)
    assert torch.equal(Gaussians.read(tmp_path).common, 2 * identity(4))
    write_tensors(tmp_path / FILE, dict(zip(("means", "variances", "log_weights"), parts)))
    assert torch.equal(Gaussians.read(tmp_path).common, identity(4))  # of a file without one
    assert random_gaussians(5, components=2).fingerprint() != gaussians.fingerprint()


@pytest.mark.parametrize("change, message", [
    ({"means": torch.zeros(2, 1, 3)}, "of one shape"), ({"log_weights": torch.zeros(2, 2)}, "of one shape"),
    ({"variances": torch.zeros(2, 1, 2)}, "variances above 0"),
    ({"means": torch.full((2, 1, 2), float("nan"))}, "finite"), ({"means": torch.zeros(2, 2)}, "of one shape"),
    ({"variances": torch.ones(2, 2, 2)}, "of one shape"),
    ({"means": torch.zeros(2, 1), "variances": torch.ones(2, 1)}, "of one shape"),
    ({"variances": torch.tensor([[[1.0, 0.0]], [[1.0, 1.0]]])}, "variances above 0"),
    ({"means": torch.tensor([[[0.0, 0.0]], [[0.0, float("inf")]]])}, "finite"),
    ({"b": torch.zeros(1), "a": torch.zeros(1)}, "no other tensors, found a, b"),
    ({"common": torch.zeros(2, 2)}, r"common: expected \[2, 3\], found \[2, 2\]"),
    ({"common": torch.zeros(3, 3)}, r"common: expected \[2, 3\], found \[3, 3\]"),
])
def test_files_of_other_content(tmp_path, change, message):
    good = {"means": torch.zeros(2, 1, 2), "variances": torch.ones(2, 1, 2), "log_weights": torch.zeros(2, 1)}
    write_tensors(tmp_path / FILE, {**good, **change})
    with pytest.raises(InputError, match=message):
        Gaussians.read(tmp_path)
    write_tensors(tmp_path / FILE, {"means": good["means"]})
    with pytest.raises(InputError, match="means, variances and log_weights"):
        Gaussians.read(tmp_path)
    with pytest.raises(InputError, match="a folder with gaussians"):
        Gaussians.read(tmp_path / "none")
