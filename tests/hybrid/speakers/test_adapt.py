"""Adapting a network to planted speakers by backpropagation."""

import logging
import math

import pytest
import torch

from hybrid.nn.recurrent import GruOptions
from hybrid.nn.tdnn import TdnnOptions
from hybrid.speakers.adapt import AdaptOptions, adapt, adapt_speakers, cross_entropy, make_utterance
from hybrid.speakers.network import AdaptableNetwork
from hybrid.speakers.posteriors import Posteriors
from tests.hybrid.speakers.material import Features, distorted, random_gaussians, random_transform, sample, soft

LOG = logging.getLogger("test")
DIM, PDFS = 4, 6


@pytest.fixture(scope="module")
def trained():
    """A network that tells the pdf_ids of random Gaussians apart, and the Gaussians."""
    torch.manual_seed(0)
    gaussians = random_gaussians(3, num_pdfs=PDFS)
    network = TdnnOptions(hidden_dim=16, dilations=(0, 0), dropout=0.0).build(DIM, PDFS)
    optimizer = torch.optim.Adam(network.parameters(), 0.02)
    network.train()
    for step in range(60):
        features, posteriors = sample(gaussians, 300, step)
        logits, _ = network(features.float()[None], torch.tensor([300]))
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(logits[0], posteriors.pdf_ids).backward()
        optimizer.step()
    return network.eval(), gaussians


def speaker(gaussians, seed, frames=300):
    """Features of a speaker's utterance, and soft targets with some frames that do not count."""
    features, posteriors = sample(gaussians, frames, seed)
    return distorted(features, random_transform(DIM, seed, size=0.3)).float(), soft(posteriors, PDFS)


@pytest.mark.parametrize("method", ["lin", "lhuc"])
def test_the_loss_falls_and_the_network_stays(trained, method):
    network, gaussians = trained
    before = {name: value.clone() for name, value in network.state_dict().items()}
    grads = [value.requires_grad for value in network.parameters()]
    utterances = [make_utterance(network, *speaker(gaussians, seed), 0.0) for seed in (1, 2)]
    parameters, losses = adapt(AdaptableNetwork(network, DIM), utterances, AdaptOptions(method=method, epochs=4))
    assert len(losses) == 5 and losses[-1] < losses[1] < losses[0]
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert [value.requires_grad for value in network.parameters()] == grads
    assert not network.training and not any(value.requires_grad for value in parameters.values())
    again, _ = adapt(AdaptableNetwork(network, DIM), utterances, AdaptOptions(method=method, epochs=4))
    assert all(torch.equal(again[name], value) for name, value in parameters.items())


@pytest.mark.parametrize("method", ["lin", "lhuc"])
def test_no_epoch_changes_nothing(trained, method):
    network, gaussians = trained
    adaptable = AdaptableNetwork(network, DIM)
    utterance = make_utterance(network, *speaker(gaussians, 1), 0.0)
    parameters, losses = adapt(adaptable, [utterance], AdaptOptions(method=method, epochs=0))
    assert len(losses) == 1
    assert all(torch.equal(value, adaptable.first_parameters(method)[name]) for name, value in parameters.items())


def test_adaptation_helps_on_speech_that_was_not_seen(trained):
    network, gaussians = trained
    adaptable = AdaptableNetwork(network, DIM)
    transform = random_transform(DIM, 7, size=0.3)

    def utterance(seed):
        features, posteriors = sample(gaussians, 600, seed)
        return make_utterance(network, distorted(features, transform).float(), posteriors, 0.0)
    parameters, _ = adapt(adaptable, [utterance(1), utterance(2)], AdaptOptions(method="lin", epochs=10))
    unseen = utterance(3)
    with torch.no_grad():
        plain = float(cross_entropy(network, unseen)[0])
        with adaptable.with_parameters(parameters):
            assert float(cross_entropy(network, unseen)[0]) < 0.8 * plain


def test_targets_are_posteriors_and_the_network_s_own(trained):
    network, gaussians = trained
    features, posteriors = speaker(gaussians, 1, frames=30)
    with torch.no_grad():
        own = network(features[None], torch.tensor([30]))[0][0].softmax(1)
    dense = torch.zeros(30, PDFS, dtype=torch.float64)
    dense[posteriors.frames, posteriors.pdf_ids] = posteriors.weights
    utterance = make_utterance(network, features, posteriors, 0.25)
    assert torch.allclose(utterance.targets, (0.75 * dense + 0.25 * own).float(), atol=1e-6)
    assert torch.allclose(utterance.weights, dense.sum(1).float()) and not utterance.weights[3]
    loss, weight = cross_entropy(network, utterance)
    expected = -(utterance.targets * own.log()).sum(1)[dense.sum(1) > 0].sum()
    assert float(loss.detach()) == pytest.approx(float(expected), rel=1e-5) and weight == pytest.approx(dense.sum())
    # the more the unadapted network counts, the less is changed
    moved = []
    for kl_weight in (0.0, 0.5, 1.0):
        one = make_utterance(network, features, posteriors, kl_weight)
        _, losses = adapt(AdaptableNetwork(network, DIM), [one], AdaptOptions(method="lin", kl_weight=kl_weight))
        moved.append(losses[0] - losses[-1])
    assert moved == sorted(moved, reverse=True) and moved[0] > moved[1] > 0


def test_silence_of_weight_zero_and_subsampled_outputs():
    network = GruOptions(hidden_dim=4, num_layers=1).build(DIM, PDFS, 3).eval()
    posteriors = Posteriors(torch.tensor([0, 1, 2, 3, 6]), torch.tensor([1, 1, 2, 4, 5]),
                            torch.tensor([1.0, 0.5, 0.5, 1.0, 0.25]).double(), 8)
    utterance = make_utterance(network, torch.randn(8, DIM), posteriors, 0.0)
    assert utterance.weights.tolist() == [2.0, 1.0, 0.25]
    assert utterance.targets[0].tolist() == [0, 0.75, 0.25, 0, 0, 0] and utterance.targets[2, 5] == 1


def test_lin_goes_down_the_gradient_by_adam_a_step_an_utterance(trained):
    """Against a loop that transforms the features itself; a silent utterance changes nothing."""
    network, gaussians = trained
    utterances = [make_utterance(network, *speaker(gaussians, seed, frames), 0.25)
                  for seed, frames in ((1, 300), (2, 40))]
    matrix = torch.eye(DIM, DIM + 1, requires_grad=True)
    optimizer, expected = torch.optim.Adam([matrix], 0.05), []

    def losses_of(utterance):
        logits, _ = network((utterance.features @ matrix[:, :-1].T + matrix[:, -1])[None],
                            torch.tensor([len(utterance.features)]))
        return -(utterance.targets * logits[0].log_softmax(1)).sum(1) * utterance.weights

    def mean():
        total = sum(float(losses_of(utterance).sum()) for utterance in utterances)
        return total / sum(float(utterance.weights.sum()) for utterance in utterances)
    for _ in range(2):
        expected.append(mean())
        for utterance in utterances:
            optimizer.zero_grad()
            (losses_of(utterance).sum() / utterance.weights.sum()).backward()
            optimizer.step()
    expected.append(mean())
    silent = utterances[0]._replace(weights=torch.zeros(300))
    options = AdaptOptions(method="lin", epochs=2, learning_rate=0.05)
    faint = [one._replace(weights=one.weights * 1e-3) for one in utterances]  # of a third of a frame each
    for given in (utterances, [silent, *utterances, silent], faint):
        found, losses = adapt(AdaptableNetwork(network, DIM), given, options)
        assert torch.allclose(found["input"], matrix.detach(), atol=1e-4)
        assert losses == pytest.approx(expected, abs=1e-4)
    assert adapt(AdaptableNetwork(network, DIM), [silent], options)[1] == [0.0, 0.0, 0.0]


def test_weights_that_were_frozen_stay_so_even_after_an_error(trained):
    network, gaussians = trained
    network.zero_grad(set_to_none=True)
    first = next(network.parameters())
    first.requires_grad_(False)
    try:
        utterance = make_utterance(network, *speaker(gaussians, 1), 0.0)
        adapt(AdaptableNetwork(network, DIM), [utterance], AdaptOptions(epochs=1))
        with pytest.raises(RuntimeError):
            adapt(AdaptableNetwork(network, DIM), [utterance._replace(features=torch.zeros(9, DIM))], AdaptOptions())
        assert [value.requires_grad for value in network.parameters()] == [
            value is not first for value in network.parameters()]
        assert all(value.grad is None for value in network.parameters())
    finally:
        first.requires_grad_(True)


def test_gradients_go_without_cudnn_whose_recurrent_layers_have_none_in_eval_mode(trained):
    network, gaussians = trained
    utterance, allowed = make_utterance(network, *speaker(gaussians, 1, 30), 0.0), torch.backends.cudnn.enabled
    seen = []
    handle = network.register_forward_pre_hook(lambda *_: seen.append((
        torch.is_grad_enabled(), torch.backends.cudnn.enabled, network.training)))
    try:
        adapt(AdaptableNetwork(network, DIM), [utterance], AdaptOptions(method="lin", epochs=1))
    finally:
        handle.remove()
    assert seen == [(False, False, False), (True, False, False), (False, False, False)]  # the loss before and after
    assert torch.backends.cudnn.enabled == allowed


class Model:
    """Of AcousticModel what is asked for."""

    def __init__(self, network):
        self.network, self.feature_dim = network, DIM


def test_no_speaker_is_lost(trained, caplog):
    network, gaussians = trained
    features, posteriors = Features(), {}
    for number, (name, frames) in enumerate((("anna-0", 200), ("anna-1", 200), ("bert-0", 50), ("carl-0", 50),
                                             ("carl-1", 50))):
        features[name], posteriors[name] = speaker(gaussians, number, frames)
    del posteriors["carl-0"], posteriors["carl-1"], posteriors["anna-1"]
    lacking = {"carl-0": "no lattice", "carl-1": "empty", "anna-1": "no lattice"}
    table, outcomes, facts = adapt_speakers(Model(network), None, features, posteriors, lacking, AdaptOptions(), LOG)
    assert outcomes.notable == {"anna": ("partial", "anna-1: no lattice"),
                                "bert": ("partial", "not adapted, of 43 frames"),
                                "carl": ("failed", "not adapted, of 0 frames; carl-0: no lattice; carl-1: empty")}
    assert table.space == ("lhuc", AdaptableNetwork(network, DIM).fits)
    assert not any(value.any() for speaker in ("bert", "carl") for value in table[speaker].values())
    assert all(value.any() for value in table["anna"].values())
    assert facts["loss_after"] < facts["loss_before"]
    doubled = adapt_speakers(Model(network), lambda x, epoch, utterance_id: x if epoch else 2 * x, features, posteriors,
                             lacking, AdaptOptions(), LOG)[0]
    expected, _ = adapt(AdaptableNetwork(network, DIM), [
        make_utterance(network, 2 * features["anna-0"], posteriors["anna-0"], 0.0)], AdaptOptions())
    assert all(torch.equal(doubled["anna"][name], value) for name, value in expected.items())


@pytest.mark.parametrize("min_frames, adapted", [
    (0.0, ["anna", "bert", "dora"]), (50.0, ["anna", "bert"]), (50.5, ["anna"]), (173.0, [])])
def test_speakers_of_frames_enough_are_adapted_each_by_itself(trained, caplog, min_frames, adapted):
    """anna has about 172 frames that count, bert just 50, carl none, dora one."""
    network, gaussians = trained
    features, posteriors = Features(), {}
    for number, (name, frames) in enumerate((("anna-0", 100), ("anna-1", 100), ("bert-0", 50))):
        features[name], posteriors[name] = speaker(gaussians, number, frames)
    posteriors["bert-0"] = sample(gaussians, 50)[1]
    features["carl-0"], posteriors["carl-0"] = features["bert-0"], Posteriors(
        torch.zeros(0).long(), torch.zeros(0).long(), torch.zeros(0).double(), 50)
    features["dora-0"], posteriors["dora-0"] = features["bert-0"], Posteriors(
        torch.tensor([7]), torch.tensor([1]), torch.ones(1).double(), 50)
    options = AdaptOptions(min_frames=min_frames, epochs=2)
    with caplog.at_level(logging.INFO):
        table, outcomes, facts = adapt_speakers(Model(network), None, features, posteriors, {}, options, LOG)
    assert [name for name in table.speakers if any(value.any() for value in table[name].values())] == adapted
    assert outcomes.counts == {name: count for name, count in (
        ("done", len(adapted)), ("partial", 3 - len(adapted)), ("failed", 1)) if count} == facts["outcomes"]
    losses = []
    for name in adapted:
        utterances = [make_utterance(network, features[i], posteriors[i], 0.0) for i in features if i.startswith(name)]
        expected, [before, _, after] = adapt(AdaptableNetwork(network, DIM), utterances, options)
        assert all(torch.equal(table[name][layer], value) for layer, value in expected.items())
        losses.append((before, after))
    means = [sum(column) / len(column) for column in zip(*losses)] or [math.nan] * 2
    assert [facts["loss_before"], facts["loss_after"]] == pytest.approx(means, nan_ok=True)
    assert caplog.records[-1].getMessage() == (
        f"{outcomes.summary()}; cross-entropy {means[1]:.4f}, before {means[0]:.4f}")


@pytest.mark.parametrize("good", [
    {"epochs": 0}, {"min_frames": 0.0}, {"subsampling": 1}, {"kl_weight": 1.0}, {"silence_weight": 0.0},
    {"max_failed_share": 0.0}, {"method": "lin"}])
def test_options_at_their_limits(good):
    assert all(getattr(AdaptOptions(**good), name) == value for name, value in good.items())


@pytest.mark.parametrize("bad", [{"method": "fmllr"}, {"epochs": -1}, {"learning_rate": 0.0}, {"kl_weight": 1.5},
                                 {"silence_weight": -0.1}, {"min_frames": -1.0}, {"subsampling": 0},
                                 {"max_failed_share": 1.0}, {"acoustic_scale": 0.0}])
def test_options_out_of_range(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        AdaptOptions(**bad)
