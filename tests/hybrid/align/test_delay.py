"""The delay of labels is found from the features alone."""

import numpy as np
import pytest
import torch

from graphs.errors import InputError
from hybrid.align.delay import estimate_delay, log_likelihoods_of_delays


def utterances(delay, count=20, seed=0):
    """Segments of 3 to 9 frames of 6 classes, each with a mean of its own; labels come `delay` frames late."""
    generator = np.random.default_rng(seed)
    means = generator.normal(0, 2, (6, 5))
    features, pdf_ids = [], []
    for _ in range(count):
        truth = np.repeat(generator.integers(0, 6, 30), generator.integers(3, 10, 30))
        features.append(torch.from_numpy(means[truth] + generator.normal(0, 1, (len(truth), 5))).float())
        pdf_ids.append(truth[(np.arange(len(truth)) - delay).clip(0, len(truth) - 1)])
    return features, pdf_ids


@pytest.mark.parametrize("delay", (-5, -1, 0, 2, 6))
def test_a_planted_delay_is_found(delay):
    assert estimate_delay(*utterances(delay), most=6) == delay


def test_likelihood_is_that_of_gaussians_with_a_common_variance():
    features, pdf_ids = utterances(1, count=3)
    found = log_likelihoods_of_delays(features, pdf_ids, 2)
    assert sorted(found) == [-2, -1, 0, 1, 2]
    for delay, value in found.items():
        pairs = [(x[t].double().numpy(), y[t + delay]) for x, y in zip(features, pdf_ids) for t in range(len(x))
                 if 0 <= t + delay < len(x)]
        frames, labels = np.array([x for x, _ in pairs]), np.array([y for _, y in pairs])
        residues = frames - np.array([frames[labels == label].mean(axis=0) for label in labels])
        ratio = frames.var(axis=0) / (residues ** 2).mean(axis=0)
        assert value == pytest.approx(0.5 * np.log(ratio).sum(), rel=1e-6)


def test_a_label_that_comes_once_has_no_variance():
    features = [torch.tensor([[0.0], [2.0], [9.0]])]
    found = log_likelihoods_of_delays(features, [np.array([0, 0, 1])], 0)
    assert found == {0: pytest.approx(0.5 * np.log((134 / 9) / (2 / 3)))}  # squares 1, 1, 0; of all 121, 25, 256 / 9


@pytest.mark.parametrize("delay", (-2, 0, 2))
def test_loud_ends_of_utterances_are_no_delay(delay):
    generator = np.random.default_rng(1)
    features, pdf_ids = [], []
    for x, y in zip(*utterances(delay, seed=2)):
        loud = [torch.from_numpy(generator.normal(0, 40, (6, 5))).float() for _ in range(2)]
        features.append(torch.cat([loud[0], x, loud[1]]))
        pdf_ids.append(np.concatenate([np.full(6, 6), y, np.full(6, 6)]))
    assert estimate_delay(features, pdf_ids, most=6) == delay


def test_little_data_gives_no_delay_rather_than_an_error():
    one = [torch.zeros(1, 4)], [np.zeros(1, int)]
    assert log_likelihoods_of_delays(*one, 3).keys() == {0} and estimate_delay(*one, 3) == 0
    constant = [torch.zeros(9, 4)], [np.arange(9)]
    assert estimate_delay(*constant, 3) == 0


@pytest.mark.parametrize("features, pdf_ids", [
    ([], []), ([torch.zeros(3, 2)], [np.zeros(4, int)]), ([torch.zeros(3, 2)], [])])
def test_labels_of_other_frames_are_refused(features, pdf_ids):
    with pytest.raises(InputError, match="a pdf_id for each frame"):
        log_likelihoods_of_delays(features, pdf_ids, 1)
