"""Objectives against their definitions: likelihoods of single frames, and models found by search."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from hybrid.tree.objectives import LOG_FLOOR, Gaussians, MeanLogs, SoftCounts, make_objective
from tests.reference.trees import Frame, gaussian_likelihood

FLOOR = np.array([0.3, 0.01, 2.0])


def groups(kind, seed=0, sizes=(1, 2, 7, 30), dim=3):
    rng = np.random.default_rng(seed)
    draw = {"gaussians": lambda n: rng.normal(2.0, 1.0, (n, dim)),
            "posteriors": lambda n: log_softmax(rng.normal(0, 2, (n, dim)), axis=1)}
    return [draw["gaussians" if kind == "gaussians" else "posteriors"](n) for n in sizes]


def values(objective, parts):
    return objective.value(np.array([float(len(part)) for part in parts]),
                           np.stack([objective.moments(part).sum(axis=0) for part in parts]))


def test_gaussians_give_the_likelihood_of_the_frames():
    parts = groups("gaussians")
    expected = [gaussian_likelihood([Frame((), 0, row) for row in part], FLOOR) for part in parts]
    assert values(Gaussians(FLOOR), parts) == pytest.approx(expected, rel=1e-10)


def best_distribution(part, loss):
    """The smallest sum of a loss of (x, y) over the frames, y any distribution."""
    def total(logits):
        return sum(loss(np.exp(row), softmax(logits)) for row in part)
    options = {"xatol": 1e-9, "fatol": 1e-12, "maxiter": 5000}
    return min(minimize(total, start, method="Nelder-Mead", options=options).fun
               for start in (np.zeros(part.shape[1]), part.mean(axis=0)))


def test_soft_counts_are_the_best_multinomial_likelihood():
    parts = groups("posteriors")
    expected = [-best_distribution(part, lambda x, y: -(x * np.log(y)).sum()) for part in parts]
    assert values(SoftCounts(), parts) == pytest.approx(expected, abs=1e-5)


def test_mean_logs_are_the_best_divergence_from_a_distribution():
    parts = groups("posteriors")
    expected = [-best_distribution(part, lambda x, y: (y * np.log(y / x)).sum()) for part in parts]
    assert values(MeanLogs(), parts) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("kind", ["gaussians", "posteriors", "log_posteriors"])
def test_two_parts_are_worth_at_least_the_whole_and_nothing_is_worth_nothing(kind):
    objective = {"gaussians": Gaussians(FLOOR), "posteriors": SoftCounts(), "log_posteriors": MeanLogs()}[kind]
    for seed in range(20):
        one, two = groups(kind, seed, sizes=(2, 5))
        first, second, whole = values(objective, [one, two, np.concatenate([one, two])])
        assert first + second >= whole - 1e-9
    assert objective.value(np.zeros(2), np.zeros((2, 6))).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("kind", ["gaussians", "posteriors", "log_posteriors"])
def test_frames_may_be_fractions_and_what_rounding_leaves_of_none_is_worth_nothing(kind):
    objective = {"gaussians": Gaussians(FLOOR), "posteriors": SoftCounts(), "log_posteriors": MeanLogs()}[kind]
    sums = objective.moments(groups(kind)[2]).sum(axis=0)
    whole = objective.value(np.array(7.0), sums)
    assert objective.value(np.array(0.7), 0.1 * sums) == pytest.approx(0.1 * whole)
    with np.errstate(all="raise"):
        assert not objective.value(np.zeros((2, 3)), np.zeros((2, 3, len(sums)))).any()
    with np.errstate(all="ignore"):
        left = objective.value(np.zeros(2), np.stack([1e-12 * sums, -1e-12 * sums]))
    assert np.abs(left).max() < 1e-6


def test_logs_far_apart_are_averaged_all_the_same():
    assert MeanLogs().value(np.array([1.0, 2.0]), np.array([[-2000.0, 0.0], [0.0, -4000.0]])).tolist() == [0.0, 0.0]


def test_shapes_are_kept():
    part = groups("gaussians")[2]
    sums = Gaussians.moments(part).sum(axis=0)
    found = Gaussians(FLOOR).value(np.full((2, 3), 7.0), np.broadcast_to(sums, (2, 3, 6)))
    assert found.shape == (2, 3) and np.ptp(found) == 0
    assert Gaussians(FLOOR).value(np.asarray(7.0), sums) == found[0, 0]


def test_posteriors_are_floored_where_they_are_averaged_as_logs():
    logs = np.array([[0.0, -np.inf], [np.log(0.5), np.log(0.5)]])
    assert MeanLogs.moments(logs)[0].tolist() == [0.0, LOG_FLOOR] and np.exp(LOG_FLOOR) == pytest.approx(1e-5)
    assert SoftCounts.moments(logs) == pytest.approx(np.array([[1.0, 0.0], [0.5, 0.5]]))
    assert SoftCounts().value(np.array(1.0), np.array([1.0, 0.0])) == 0.0


def test_the_variance_floor_is_a_share_of_the_variance_of_all_frames():
    parts = groups("gaussians")
    counts, sums = np.array([float(len(p)) for p in parts]), np.stack([Gaussians.moments(p).sum(axis=0) for p in parts])
    made = make_objective("gaussians", counts, sums, 0.1)
    assert made.variance_floor == pytest.approx(0.1 * np.concatenate(parts).var(axis=0))
    assert isinstance(make_objective("posteriors", counts, sums, 0.1), SoftCounts)
    assert isinstance(make_objective("log_posteriors", counts, sums, 0.1), MeanLogs)


def test_features_that_never_change_have_a_floor_all_the_same():
    for frames in ([[3.0, -5.0]], [[3.0, -5.0]] * 4, []):
        moments = Gaussians.moments(np.array(frames).reshape(-1, 2))
        made = make_objective("gaussians", np.ones(len(frames)), moments, 0.1)
        assert made.variance_floor == pytest.approx([1e-11, 1e-11])


def test_a_variance_that_rounding_made_negative_is_none():
    """With v = 0.5 and no variance of its own a frame is worth -log(pi) / 2 in each dimension."""
    value = Gaussians(0.5).value(np.array(4.0), np.array([12.0, 8.0, 36.0 - 1e-3, 16.0]))
    assert value == pytest.approx(-4 * np.log(np.pi), rel=1e-9)


def test_moments_are_doubles_whatever_comes_in():
    frames = np.array([[4097.0, 1e-3]], np.float32)
    assert Gaussians.moments(frames).tolist() == [[4097.0, float(frames[0, 1]), 4097.0 ** 2, float(frames[0, 1]) ** 2]]
    for kind in (Gaussians, SoftCounts, MeanLogs):
        assert kind.moments(frames - 5000).dtype == np.float64


def test_values_of_single_frames_worked_by_hand():
    halves, quarters = np.log([0.5, 0.5]), np.log([0.25, 0.75])
    frames = np.stack([halves, quarters])
    sums = {kind: kind.moments(frames).sum(axis=0) for kind in (SoftCounts, MeanLogs)}
    mean = np.array([0.375, 0.625])  # -2 H of it
    assert SoftCounts().value(np.array(2.0), sums[SoftCounts]) == pytest.approx(2 * (mean * np.log(mean)).sum())
    # geometric means sqrt(1/8) and sqrt(3/8)
    assert MeanLogs().value(np.array(2.0), sums[MeanLogs]) == pytest.approx(2 * np.log(8 ** -0.5 + (3 / 8) ** 0.5))
