"""Parameters of speakers within networks of every architecture."""

import pytest
import torch

from graphs.errors import InputError
from hybrid.nn.architectures import ARCHITECTURES
from hybrid.speakers.network import INPUT, METHODS, AdaptableNetwork

DIM = 9
SMALL = {"tdnn": dict(hidden_dim=8, dilations=(1, 1)), "dnn": dict(hidden_dim=8, num_layers=2, splice=1),
         "blstm": dict(hidden_dim=6, num_layers=2), "lstm": dict(hidden_dim=6, num_layers=2),
         "bigru": dict(hidden_dim=6, num_layers=2), "gru": dict(hidden_dim=6, num_layers=2)}


def build(name, subsampling=1):
    torch.manual_seed(0)
    options = ARCHITECTURES[name](**SMALL.get(name, {}))
    return options.build(DIM, 5, subsampling).eval()


def run(network, features):
    with torch.no_grad():
        return network(features[None], torch.tensor([len(features)]))[0][0]


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
@pytest.mark.parametrize("method", METHODS)
def test_at_first_nothing_changes_and_then_something_does(name, method):
    network = build(name)
    adaptable, features = AdaptableNetwork(network, DIM), torch.randn(40, DIM)
    expected = run(network, features)
    parameters = adaptable.first_parameters(method)
    with adaptable.with_parameters(parameters):
        assert torch.equal(run(network, features), expected)
    for parameter, value in parameters.items():
        changed = {**parameters, parameter: value + 0.3 * torch.randn(value.shape)}
        with adaptable.with_parameters(changed):
            assert not torch.allclose(run(network, features), expected, atol=1e-4), parameter
    assert torch.equal(run(network, features), expected)


def test_lin_is_a_transform_of_the_input():
    network, matrix, features = build("tdnn"), torch.randn(DIM, DIM + 1), torch.randn(30, DIM)
    with AdaptableNetwork(network, DIM).with_parameters({INPUT: matrix}):
        found = run(network, features)
    expected = run(network, features @ matrix[:, :-1].T + matrix[:, -1])
    assert torch.allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("subsampling", [1, 3])
def test_lhuc_scales_units_of_convolutions(subsampling):
    """Factors of the last layer are as good as columns of the output's weights."""
    network, features = build("tdnn", subsampling), torch.randn(8, DIM)
    adaptable = AdaptableNetwork(network, DIM)
    parameters = adaptable.first_parameters("lhuc")
    assert {name: len(value) for name, value in parameters.items()} == {"layers.0": 8, "layers.1": 8}
    parameters["layers.1"] = torch.randn(8)
    with adaptable.with_parameters(parameters):
        found = run(network, features)
    with torch.no_grad():
        network.output.weight *= 2 * torch.sigmoid(parameters["layers.1"])[None, :, None]
    assert torch.allclose(run(network, features), found, atol=1e-5)


def test_lhuc_scales_units_of_recurrent_layers():
    network, features = build("blstm"), torch.randn(12, DIM)  # 12 frames, 12 units
    adaptable = AdaptableNetwork(network, DIM)
    parameters = adaptable.first_parameters("lhuc")
    assert {name: len(value) for name, value in parameters.items()} == {"layers.0": 12, "layers.1": 12}
    parameters["layers.0"] = torch.randn(12)
    with adaptable.with_parameters(parameters):
        found = run(network, features)
    factors = 2 * torch.sigmoid(parameters["layers.0"])
    with torch.no_grad():
        for cell in (network.layers[1].ahead, network.layers[1].behind):
            cell.weight_ih_l0 *= factors
    assert torch.allclose(run(network, features), found, atol=1e-5)


@pytest.mark.parametrize("parameters", [{"layers.7": torch.zeros(8)}, {"layers.0": torch.zeros(7)},
                                        {INPUT: torch.zeros(DIM, DIM)}, {"output": torch.zeros(5)}])
def test_parameters_of_another_network_are_refused(parameters):
    with pytest.raises(InputError, match=f"parameters {next(iter(parameters))} of a speaker"):
        with AdaptableNetwork(build("tdnn"), DIM).with_parameters(parameters):
            pass


def test_hooks_go_when_something_fails():
    network, features = build("tdnn"), torch.randn(30, DIM)
    adaptable, expected = AdaptableNetwork(network, DIM), run(network, features)
    with pytest.raises(RuntimeError):
        with adaptable.with_parameters({INPUT: torch.zeros(DIM, DIM + 1), "layers.0": torch.zeros(8)}):
            raise RuntimeError
    assert torch.equal(run(network, features), expected)


class Mixed(torch.nn.Module):
    """Layers whose units are the last dimension, the one before, and none that a factor each would fit."""

    def __init__(self):
        super().__init__()
        self.first = torch.nn.Linear(DIM, 4)  # in no list
        self.layers = torch.nn.ModuleList([torch.nn.Linear(4, 3), torch.nn.AdaptiveAvgPool1d(1), torch.nn.Flatten()])
        self.blocks = torch.nn.ModuleList([torch.nn.Conv1d(3, 5, 1), torch.nn.Unflatten(1, (5, 1))])

    def forward(self, features, lengths):
        hidden = self.layers[0](self.first(features))
        found = self.blocks[0](hidden.transpose(1, 2))
        self.layers[2](self.layers[1](found)), self.blocks[1](found)
        return found.transpose(1, 2), lengths


def test_units_are_what_has_a_number_of_its_own_beside_time():
    network, features = Mixed(), torch.randn(7, DIM)
    adaptable = AdaptableNetwork(network, DIM)
    parameters = adaptable.first_parameters("lhuc")
    assert {name: value.tolist() for name, value in parameters.items()} == {
        "layers.0": [0.0] * 3, "blocks.0": [0.0] * 5}
    one, other = torch.randn(3), torch.randn(5)
    with adaptable.with_parameters({"layers.0": one, "blocks.0": other}):
        found = run(network, features)
    with torch.no_grad():
        hidden = network.layers[0](network.first(features)) * 2 / (1 + (-one).exp())
        expected = (hidden @ network.blocks[0].weight[:, :, 0].T + network.blocks[0].bias) * 2 / (1 + (-other).exp())
    assert torch.allclose(found, expected, atol=1e-5)
    for name in ("layers.1", "layers.2", "blocks.1", "first"):
        with pytest.raises(InputError, match=f"parameters {name} of a speaker"):
            with adaptable.with_parameters({name: torch.zeros(5)}):
                pass


def test_of_a_layer_that_gives_several_things_the_first_is_scaled():
    class Stateful(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = torch.nn.ModuleList([torch.nn.GRU(DIM, 4, batch_first=True)])

        def forward(self, features, lengths):
            outputs, state = self.layers[0](features)
            return outputs + 10.0 * state[0], lengths
    torch.manual_seed(0)
    network, features, factors = Stateful(), torch.randn(7, DIM), torch.randn(4)
    adaptable = AdaptableNetwork(network, DIM)
    assert {name: value.tolist() for name, value in adaptable.first_parameters("lhuc").items()} == {
        "layers.0": [0.0] * 4}
    with adaptable.with_parameters({"layers.0": factors}):
        found = run(network, features)
    with torch.no_grad():
        outputs, state = network.layers[0](features[None])
    assert torch.allclose(found, (outputs * 2 / (1 + (-factors).exp()) + 10.0 * state[0])[0], atol=1e-5)


def test_factors_and_a_transform_work_together():
    network, features = build("tdnn"), torch.randn(30, DIM)
    adaptable, matrix, factors = AdaptableNetwork(network, DIM), torch.randn(DIM, DIM + 1), torch.randn(8)
    with adaptable.with_parameters({"layers.0": factors}):
        expected = run(network, features @ matrix[:, :-1].T + matrix[:, -1])
    with adaptable.with_parameters({"layers.0": factors, INPUT: matrix}):
        assert torch.allclose(run(network, features), expected, atol=1e-5)


def test_a_network_without_layers_has_no_hidden_units():
    class Plain(torch.nn.Linear):
        def forward(self, features, lengths):
            return super().forward(features), lengths
    with pytest.raises(InputError, match="hidden layers in module lists, found Plain"):
        AdaptableNetwork(Plain(3, 2), 3).first_parameters("lhuc")


def test_fingerprints_are_of_the_weights():
    one = AdaptableNetwork(build("tdnn"), DIM)
    other = build("tdnn")
    assert AdaptableNetwork(other, DIM).fits == one.fits
    with torch.no_grad():
        other.output.bias[0] += 1e-3
    assert AdaptableNetwork(other, DIM).fits != one.fits
