"""Output layers: normalized, the same in training and scoring, the gradients of torch's own loss."""

from copy import deepcopy

import numpy as np
import pytest
import torch
from torch.nn import functional

from graphs.errors import InputError
from hybrid.lm import outputs
from hybrid.lm.outputs import ClassSoftmax, FullSoftmax, SampledSoftmax

COUNTS = np.array([20, 30, 9, 5, 2, 1, 1, 0])
DIM, UNITS = 6, len(COUNTS)


def _layer(name, seed=0):
    torch.manual_seed(seed)
    embedding = torch.nn.Embedding(UNITS, DIM).double() if "tied" in name else None
    if name.startswith("full"):
        return FullSoftmax(DIM, COUNTS, embedding).double()
    if name.startswith("sampled"):
        return SampledSoftmax(DIM, COUNTS, 4, embedding).double()
    return ClassSoftmax(DIM, UNITS, (2, 5)).double()


def _hidden(number=11, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return (torch.randn(number, DIM, generator=generator).double().requires_grad_(),
            torch.randint(UNITS, (number,), generator=generator))


LAYERS = ("full", "full_tied", "sampled", "sampled_tied", "classes")


@pytest.fixture(params=[None, 24])
def block(request, monkeypatch):
    """Computed at once, and three rows at a time."""
    if request.param:
        monkeypatch.setattr(outputs, "_BLOCK", {"cpu": request.param})


@pytest.mark.parametrize("name", LAYERS)
def test_probabilities_sum_to_one_and_all_ways_to_them_agree(name, block):
    layer, (hidden, units) = _layer(name).eval(), _hidden()
    log_probs = layer.log_probs(hidden)
    assert log_probs.shape == (11, UNITS) and torch.allclose(log_probs.exp().sum(1), torch.ones(11).double())
    normalizers = layer.normalizers(hidden)
    for unit in range(UNITS):
        scores = layer.scores(hidden, torch.full((11,), unit), normalizers)
        assert torch.allclose(scores, log_probs[:, unit], atol=1e-12)
    assert torch.allclose(layer.scores(hidden, units, normalizers), log_probs.gather(1, units[:, None])[:, 0])
    assert torch.allclose(layer.loss(hidden, units), -log_probs.gather(1, units[:, None]).sum())


def test_the_full_softmax_is_that_of_torch(block):
    layer, (hidden, units) = _layer("full"), _hidden()
    layer.loss(hidden, units).mul(0.5).backward()
    found = [hidden.grad, layer.own_weight.grad, layer.bias.grad]
    weight, bias, plain = (x.detach().clone().requires_grad_() for x in (layer.weight, layer.bias, hidden))
    expected = functional.cross_entropy(plain @ weight.t() + bias, units, reduction="sum") * 0.5
    expected.backward()
    assert all(torch.allclose(one, two, atol=1e-12) for one, two in zip(found, (plain.grad, weight.grad, bias.grad)))


@pytest.mark.parametrize("name", LAYERS)
def test_gradients_by_finite_differences(name):
    layer, (hidden, units) = _layer(name).train(), _hidden(5)

    def loss(x):
        torch.manual_seed(4)  # the same draws
        return layer.loss(x, units)

    assert torch.autograd.gradcheck(loss, (hidden,))


@pytest.mark.parametrize("name", LAYERS)
def test_no_graph_is_made_where_none_is_wanted(name):
    layer, (hidden, units) = _layer(name).eval(), _hidden()
    with torch.no_grad():
        assert not layer.loss(hidden, units).requires_grad
    assert layer.loss(hidden, units).requires_grad


@pytest.mark.parametrize("name", ["full", "sampled", "classes"])
def test_losses_keep_the_precision_of_the_weights_where_training_is_in_less(name):
    layer, (hidden, units) = _layer(name).float().eval(), _hidden()
    exact = deepcopy(layer).double()
    for one in (hidden.detach().float(), hidden.detach().bfloat16()):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            found = layer.loss(one, units)
        assert found.dtype == torch.float32
        assert float(found) == pytest.approx(float(exact.loss(one.double(), units)), rel=1e-5)


def test_biases_start_from_the_frequencies():
    probs = FullSoftmax(DIM, COUNTS).bias.exp()
    assert torch.allclose(probs, torch.from_numpy((COUNTS + 1.0) / (COUNTS + 1.0).sum()).float())


def test_tied_weights_are_the_embeddings():
    embedding = torch.nn.Embedding(UNITS, DIM)
    layer = FullSoftmax(DIM, COUNTS, embedding)
    assert layer.weight is embedding.weight and [name for name, _ in layer.named_parameters()] == ["bias"]


def _normalizer(layer, hidden, unit, seed):
    """The estimate of Z in the loss of one position."""
    torch.manual_seed(seed)
    units = torch.tensor([unit])
    target = (hidden @ layer.weight.t() + layer.bias)[0, unit]
    return float((layer.loss(hidden, units) + target).exp())


def test_the_sampled_normalizer_is_right_on_average():
    layer, (hidden, _) = _layer("sampled").train(), _hidden(1)
    hidden = hidden.detach()
    exact = float((hidden @ layer.weight.t() + layer.bias).exp().sum())
    for unit in (1, 7):
        found = np.array([_normalizer(layer, hidden, unit, seed) for seed in range(600)])
        assert abs(found.mean() - exact) < 4 * found.std() / len(found) ** 0.5 and found.std() > 0.01 * exact


def test_the_sampled_gradient_nears_the_full_one():
    layer, (hidden, units) = _layer("sampled").train(), _hidden()

    def gradient(loss):
        return torch.cat([part.flatten() for part in torch.autograd.grad(loss, [hidden, layer.own_weight, layer.bias])])

    full = gradient(FullSoftmax.loss(layer, hidden, units))
    distances = []
    for number in (4, 100, 2500):
        layer.num_samples = number
        mean = 0
        for seed in range(20):
            torch.manual_seed(seed)
            mean = mean + gradient(layer.loss(hidden, units)) / 20
        distances.append(float((mean - full).norm() / full.norm()))
    assert distances[1] < 0.5 * distances[0] and distances[2] < 0.01


def test_sampling_is_for_training_alone_and_from_the_seed():
    layer, (hidden, units) = _layer("sampled"), _hidden()
    losses = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        losses.append(float(layer.train().loss(hidden, units)))
    assert losses[0] == losses[1] != losses[2]
    assert float(layer.eval().loss(hidden, units)) == float(FullSoftmax.loss(layer, hidden, units))
    assert torch.allclose(layer.shares, torch.from_numpy((COUNTS + 1.0) ** 0.75 / ((COUNTS + 1.0) ** 0.75).sum()))


def test_only_what_was_drawn_and_targets_are_computed():
    class Watched(SampledSoftmax):
        def _nll(self, hidden, weight, *more):
            rows.append(len(weight))
            return super()._nll(hidden, weight, *more)
    rows, layer = [], Watched(DIM, np.array([1e9, 1e9] + [0] * 50), 5).double().train()
    for seed in range(20):
        torch.manual_seed(seed)
        layer.loss(_hidden(5)[0], torch.tensor([30, 40, 30, 0, 1]))
    assert rows == [4] * 20  # nothing but 0 and 1 is drawn


def test_how_much_is_computed_at_once():
    """So many numbers as stay in a CPU's cache, or 64 times as many; at least a row."""
    for kind, rows in (("cpu", 2 ** 20), ("cuda", 2 ** 26), ("meta", 2 ** 20)):
        device = torch.device(kind)
        found = [outputs.block_rows(device, columns) for columns in (0, 1, 1024, 2 ** 27)]
        assert found == [rows, rows, rows // 1024, 1]


def test_weights_begin_small_and_different():
    torch.manual_seed(0)
    weight = FullSoftmax(50, np.ones(40)).weight
    assert weight.shape == (40, 50) and 0.09 < weight.max() <= 0.1 and -0.1 <= weight.min() < -0.09
    assert abs(float(weight.detach().mean())) < 0.01


def test_classes_of_few_units():
    assert ClassSoftmax(8, 7, (1000, 4000)).adaptive.cutoffs == [4, 7]
    assert ClassSoftmax(8, 2, (2,)).adaptive.cutoffs == [1, 2]
    assert ClassSoftmax(8, 7, (3, 6, 7)).adaptive.cutoffs == [3, 6, 7]
    assert [layer[0].out_features for layer in ClassSoftmax(16, 9, (2, 4), 4.0).adaptive.tail] == [4, 1]
    assert [layer[0].out_features for layer in ClassSoftmax(16, 9, (2, 4)).adaptive.tail] == [8, 4]  # halves
    for bad in ((8, 9, (2, 4), 4.0), (8, 1, (1,))):
        with pytest.raises(InputError, match="option shrink"):
            ClassSoftmax(*bad)
