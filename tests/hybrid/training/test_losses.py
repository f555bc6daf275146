"""Objectives against enumeration of all paths, and their properties."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from hybrid.nn.recurrent import LstmOptions
from hybrid.training.chunks import Chunk
from hybrid.training.journal import Sums
from hybrid.training.losses import IGNORED, CtcWithPrior, FrameCrossEntropy
from tests.reference.ctc_paths import ctc_by_enumeration


class _Fixed(torch.nn.Module):
    """A network that gives the logits it holds."""

    subsampling_factor = 1

    def __init__(self, logits):
        super().__init__()
        self.logits = torch.nn.Parameter(logits)

    def forward(self, features, lengths, every=1, phase=0):
        return self.logits[:, phase::every], lengths


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


@pytest.mark.parametrize("prior_scale", [{}, {"prior_scale": 0.0}, {"prior_scale": 0.5}, {"prior_scale": 1.0}])
def test_priors_of_any_power(prior_scale):
    """By default the loss is plain CTC whatever the priors; a label that never comes has a prior of 1e-8."""
    objective, sums = CtcWithPrior({"a": [1, 2], "b": []}, 3, **prior_scale), Sums()
    scale, log_posteriors = prior_scale.get("prior_scale", 0.0), torch.randn(2, 5, 3).log_softmax(2)
    assert torch.equal(objective.scores(log_posteriors), log_posteriors)  # of the first epoch
    sums.add({"posteriors": (torch.tensor([6.0, 2.0, 0.0]), 8)})
    objective.end_epoch(sums)
    log_priors = torch.tensor([0.75, 0.25, 1e-8]).log()
    assert torch.allclose(objective.log_priors, log_priors) and objective.log_priors.dtype == torch.float32
    assert torch.allclose(objective.scores(log_posteriors), log_posteriors - scale * log_priors)


def test_figures_of_the_development_set():
    """Posteriors of one half or a quarter; frames beyond the length of b do not count."""
    log_posteriors = torch.tensor([[[.5, .25, .25], [.25, .5, .25], [.25, .25, .5]],
                                   [[.5, .25, .25], [.5, .25, .25], [.5, .25, .25]]]).log()
    objective = CtcWithPrior({"a": [1, 2], "b": [1]}, 3)
    figures = objective(_Fixed(log_posteriors).eval(), _batch(["a", "b"], [3, 2]), "cpu")
    assert figures["phone_error"] == (1, 3) and set(figures) == {"loss", "phone_error", "blank_share"}
    assert (figures["blank_share"][0].item(), figures["blank_share"][1]) == (pytest.approx(0.5 + 0.25 * 2 + 0.5 * 2), 5)
    objective.log_priors, objective.prior_scale = torch.tensor([0.98, 0.015, 0.005]).log(), 1.0
    # a quarter divided by 0.005 beats a half by 0.015 or 0.98: the best token is 2 everywhere
    assert objective(_Fixed(log_posteriors).eval(), _batch(["a", "b"], [3, 2]), "cpu")["phone_error"] == (2, 3)


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


def test_frame_error_counts_the_frames_whose_best_pdf_id_is_another():
    logits = torch.eye(3)[torch.tensor([[0, 1, 2, 2, 1], [2, 2, 0, 0, 0]])]
    pdf_ids = {"a": np.array([0, 1, 2, 0, 1]), "b": np.array([2, 2])}  # the fourth of a is wrong
    figures = FrameCrossEntropy(pdf_ids)(_Fixed(logits), _batch(["a", "b"], [5, 2]), "cpu")
    assert (int(figures["frame_error"][0]), figures["frame_error"][1]) == (1, 7)


def test_no_pdf_id_is_taken_for_a_frame_that_does_not_count():
    pdf_ids = np.arange(300)
    figures = FrameCrossEntropy({"a": pdf_ids})(_Fixed(torch.zeros(1, 300, 300)), _batch(["a"], [300]), "cpu")
    assert figures["loss"][0].item() == pytest.approx(300 * np.log(300)) and figures["loss"][1] == 300


@pytest.mark.parametrize("every", [2, 3])
def test_a_step_looks_at_every_so_many_th_frame_from_a_random_one_on(every):
    torch.manual_seed(0)
    model, batch = _Fixed(torch.randn(2, 7, 4)), _batch(["a", "b"], [7, 4])
    pdf_ids = {"a": np.array([0, 3, 1, 1, 2, 0, 3]), "b": np.array([2, 2, 0, 1])}
    objective, seen = FrameCrossEntropy(pdf_ids, every=every), set()
    costs = -model.logits.log_softmax(2).detach()
    costs = [[costs[i, t, p].item() for t, p in enumerate(pdf_ids[u])] for i, u in enumerate("ab")]
    expected = {phase: (sum(sum(row[phase::every]) for row in costs), sum(len(row[phase::every]) for row in costs))
                for phase in range(every)}
    for _ in range(40):
        loss, count = objective(model.train(), batch, "cpu")["loss"]
        seen.update(phase for phase, known in expected.items() if (loss.item(), count) == pytest.approx(known))
        assert any((loss.item(), count) == pytest.approx(known) for known in expected.values())
    assert seen == set(range(every))
    loss, count = objective(model.eval(), batch, "cpu")["loss"]
    assert (loss.item(), count) == (pytest.approx(sum(map(sum, costs))), 11)  # all of them
    one = _Fixed(torch.randn(4, 1, 4)).train()  # an utterance of fewer frames has none to leave out
    assert all(objective(one, _batch(["a", "b"] * 2, [1] * 4), "cpu")["loss"][1] == 4 for _ in range(20))


def test_a_network_that_knows_of_no_frames_left_out_is_asked_for_all():
    model, objective = LstmOptions(4, 1).build(1, 3), FrameCrossEntropy({"a": np.array([0, 2, 1])})
    assert objective(model.train(), _batch(["a"], [3]), "cpu")["loss"][1] == 3


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


@pytest.mark.parametrize("subsampling, expected", [
    (1, [0, 0, 1, 2, 2, 3, 4, 5, 6, 6, 7]), (2, [0, 0, 1, 2, 3, 3]), (3, [0, 0, 1, 2]), (4, [0, 0, 1]), (5, [0, 1, 1])])
def test_an_output_frame_has_the_target_of_the_middle_one_of_its_frames(subsampling, expected):
    """Frames stretched in time know where they come from; of an even number of frames it is the left middle one."""
    sources = [torch.tensor([0, 0, 1, 2, 2, 3, 4, 5, 6, 6, 7])]
    objective = FrameCrossEntropy({"a": np.arange(8)})
    assert objective.targets(_batch(["a"], [11], sources=sources), 11, subsampling).tolist() == [expected]


def test_an_objective_that_learns_nothing_has_nothing_to_keep():
    objective = FrameCrossEntropy({})
    objective.end_epoch(Sums())
    objective.restore(objective.state())
    assert objective.state() == {}


def test_a_chunk_beyond_a_short_alignment_has_no_targets():
    objective = FrameCrossEntropy({"a": np.arange(4)})
    assert objective.targets(_batch(["a"], [1], chunks=[Chunk("a", 4, 4, 5, 5)]), 1).tolist() == [[IGNORED]]
