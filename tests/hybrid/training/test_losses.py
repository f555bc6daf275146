"""Objectives against enumeration of all paths, and their properties."""

from types import SimpleNamespace

import numpy as np
import torch

from hybrid.training.chunks import Chunk
from hybrid.training.journal import Sums
from hybrid.training.losses import IGNORED, CtcWithPrior, FrameCrossEntropy
from tests.reference.ctc_paths import ctc_by_enumeration


class _Fixed(torch.nn.Module):
    subsampling_factor = 1

    """A network that gives the logits it holds."""

    def __init__(self, logits):
        super().__init__()
        self.logits = torch.nn.Parameter(logits)

    def forward(self, features, lengths):
        return self.logits, lengths


def _batch(ids, lengths, **more):
    return SimpleNamespace(utterance_ids=ids, features=torch.zeros(len(ids), max(lengths), 1),
                           lengths=torch.tensor(lengths), **more)


def test_ctc_with_prior_divides_by_the_average_posterior_of_the_epoch_before():
    torch.manual_seed(0)
    model, batch = _Fixed(torch.randn(2, 4, 3)), _batch(["a", "b"], [4, 3])
    objective = CtcWithPrior({"a": [1, 2], "b": [1]}, 3, prior_scale=0.7)
    first = objective(model.train(), batch, "cpu")
    sums = Sums()
    sums.add(first)
    objective.end_epoch(sums)
    posteriors = model.logits.detach().softmax(2)
    prior = torch.cat([posteriors[0], posteriors[1, :3]]).mean(0)
    assert torch.allclose(objective.log_priors, prior.log(), atol=1e-6)
    log_posteriors = model.logits.log_softmax(2)
    plain = ctc_by_enumeration(log_posteriors[0], [1, 2]) + ctc_by_enumeration(log_posteriors[1, :3], [1])
    assert torch.allclose(first["loss"][0], plain, atol=1e-5) and first["loss"][1] == 3
    scores = log_posteriors - 0.7 * prior.log()
    divided = ctc_by_enumeration(scores[0], [1, 2]) + ctc_by_enumeration(scores[1, :3], [1])
    assert torch.allclose(objective(model, batch, "cpu")["loss"][0], divided, atol=1e-5)
    other = CtcWithPrior({}, 3, 0.7)
    other.restore(objective.state())
    assert torch.equal(other.log_priors, objective.log_priors)


def test_phone_errors_ignore_padding():
    logits = torch.full((1, 5, 3), -5.0)
    for frame, token in enumerate([1, 0, 2, 1, 1]):
        logits[0, frame, token] = 5
    figures = CtcWithPrior({"a": [1, 1]}, 3)(_Fixed(logits).eval(), _batch(["a"], [3]), "cpu")
    assert figures["phone_error"] == (1, 2)


def test_cross_entropy_is_minus_the_log_posterior_of_the_targets():
    torch.manual_seed(0)
    logits = torch.randn(2, 4, 3)
    pdf_ids = {"a": np.array([0, 1, 2, 2], np.int32), "b": np.array([1, 1], np.int32)}
    figures = FrameCrossEntropy(pdf_ids)(_Fixed(logits), _batch(["a", "b"], [4, 2]), "cpu")
    log_posteriors = logits.log_softmax(2)
    expected = -sum(log_posteriors[i, t, p] for i, u in enumerate("ab") for t, p in enumerate(pdf_ids[u]))
    assert torch.allclose(figures["loss"][0], expected, atol=1e-5) and figures["loss"][1] == 6
    best = logits.argmax(2)
    wrong = sum(int(best[i, t] != p) for i, u in enumerate("ab") for t, p in enumerate(pdf_ids[u]))
    assert (int(figures["frame_error"][0]), figures["frame_error"][1]) == (wrong, 6)


def test_label_smoothing_counts_in_training_only():
    model, batch = _Fixed(torch.randn(1, 3, 4)), _batch(["a"], [3])
    pdf_ids = {"a": np.array([0, 3, 1])}
    plain, smooth = FrameCrossEntropy(pdf_ids), FrameCrossEntropy(pdf_ids, 0.2)
    assert torch.equal(plain(model.eval(), batch, "cpu")["loss"][0], smooth(model, batch, "cpu")["loss"][0])
    log_posteriors = model.logits.log_softmax(2)[0]
    expected = 0.8 * plain(model, batch, "cpu")["loss"][0] - 0.2 * log_posteriors.mean(1).sum()
    assert torch.allclose(smooth(model.train(), batch, "cpu")["loss"][0], expected, atol=1e-5)


def test_targets_of_chunks_ignore_context_and_padding():
    objective = FrameCrossEntropy({"a": np.arange(10), "b": np.arange(20, 25)})
    chunks = [Chunk("a", 2, 4, 7, 9), Chunk("b", 0, 0, 5, 5)]
    targets = objective.targets(_batch(["a", "b"], [7, 5], chunks=chunks), 7)
    x = IGNORED
    assert targets.tolist() == [[x, x, 4, 5, 6, x, x], [20, 21, 22, 23, 24, x, x]]


def test_one_frame_more_or_less_than_the_alignment():
    objective = FrameCrossEntropy({"a": np.arange(3), "b": np.arange(5)})
    assert objective.targets(_batch(["a", "b"], [4, 4]), 4).tolist() == [[0, 1, 2, IGNORED], [0, 1, 2, 3]]


def test_targets_of_output_frames_of_whole_utterances_and_of_chunks():
    objective = FrameCrossEntropy({"a": np.arange(4), "b": np.arange(20, 23)})
    x = IGNORED
    assert objective.targets(_batch(["a", "b"], [11, 7]), 11, 3).tolist() == [[0, 1, 2, 3], [20, 21, 22, x]]
    chunks = [Chunk("a", 3, 6, 9, 11), Chunk("b", 0, 3, 7, 7), Chunk("b", 6, 6, 7, 7)]
    targets = objective.targets(_batch(["a", "b", "b"], [8, 7, 1], chunks=chunks), 8, 3)
    assert targets.tolist() == [[x, 2, x], [x, 21, 22], [22, x, x]]


def test_a_chunk_beyond_a_short_alignment_has_no_targets():
    objective = FrameCrossEntropy({"a": np.arange(4)})
    assert objective.targets(_batch(["a"], [1], chunks=[Chunk("a", 4, 4, 5, 5)]), 1).tolist() == [[IGNORED]]
