"""The network of a neural LM: what its options make of it."""

import numpy as np
import pytest
import torch

from hybrid.lm.nets.recurrent import LstmOptions
from hybrid.lm.network import LmNetwork, LmOptions, shifted_right
from hybrid.lm.outputs import ClassSoftmax, FullSoftmax, SampledSoftmax

COUNTS = np.array([9, 8, 7, 6, 5, 4, 3])


def _network(**options):
    torch.manual_seed(0)
    options = {"arch": LstmOptions(hidden_dim=8, dropout=0.5), "embedding_dim": 4, **options}
    return LmNetwork(LmOptions(**options), COUNTS)


@pytest.mark.parametrize("options, output", [
    ({}, FullSoftmax), ({"softmax": "full"}, FullSoftmax), ({"softmax": "sampled", "num_samples": 6}, SampledSoftmax),
    ({"softmax": "classes", "cutoffs": (2, 4), "shrink": 2.5}, ClassSoftmax)])
def test_output_layers(options, output):
    network = _network(**options)
    assert type(network.output) is output and network.hidden_dim == 8
    assert network(torch.zeros(2, 3, dtype=torch.int64)).shape == (2, 3, 8)
    if output is ClassSoftmax:
        assert network.output.adaptive.cutoffs == [2, 4, 7] and network.output.adaptive.tail[0][0].out_features == 3
    if output is SampledSoftmax:
        assert network.output.num_samples == 6


@pytest.mark.parametrize("softmax", ["full", "sampled"])
def test_tied_weights_are_stored_once_and_what_is_wider_is_projected(softmax):
    network = _network(tied=True, softmax=softmax)
    assert network.output.weight is network.embedding.weight and network.hidden_dim == 4
    assert sum(value.shape == (7, 4) for value in network.state_dict().values()) == 1
    assert network(torch.zeros(1, 2, dtype=torch.int64)).shape == (1, 2, 4)
    same = _network(tied=True, arch=LstmOptions(hidden_dim=4), softmax=softmax)
    assert not list(same.projection.parameters()) and same.hidden_dim == 4
    assert not list(_network(softmax=softmax).projection.parameters())
    hidden, _ = network.step(torch.zeros(3, dtype=torch.int64), torch.zeros(3, 0, 2, 8), torch.zeros(3, 0).bool())
    assert hidden.shape == (3, 4)


def test_dropout_is_that_of_the_net_and_in_training_alone():
    units = torch.arange(6)[None]
    network = _network()
    assert network.dropout.p == 0.5
    assert not torch.equal(network(units), network(units)) and (network(units) == 0).float().mean() > 0.2
    network.eval()
    assert torch.equal(network(units), network(units))


def test_embeddings_begin_small_and_different():
    weight = LmNetwork(LmOptions(arch=LstmOptions(hidden_dim=8), embedding_dim=50), np.ones(40)).embedding.weight
    assert weight.shape == (40, 50) and 0.09 < weight.max() <= 0.1 and -0.1 <= weight.min() < -0.09
    assert abs(float(weight.detach().mean())) < 0.01


def test_a_sentence_is_predicted_from_its_beginnings():
    assert shifted_right(torch.tensor([[3, 4, 0], [5, 0, 0]])).tolist() == [[0, 3, 4], [0, 5, 0]]


@pytest.mark.parametrize("bad", [
    {"units": "phrase"}, {"softmax": "hard"}, {"piece_model": "x"}, {"embedding_dim": 0}, {"num_samples": 0},
    {"num_pieces": 0}, {"min_count": -1}, {"shrink": 0.0}, {"cutoffs": ()}, {"cutoffs": (0,)}, {"cutoffs": (0, 5)},
    {"cutoffs": (5, 5)}, {"cutoffs": (9, 5)}, {"tied": True, "softmax": "classes"}])
def test_options_out_of_range(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        LmOptions(**bad)


@pytest.mark.parametrize("good", [{"min_count": 0}, {"cutoffs": (1,)}, {"cutoffs": (1, 2)}, {"embedding_dim": 1},
                                  {"num_samples": 1}, {"num_pieces": 1}, {"tied": True, "softmax": "sampled"}])
def test_options_at_their_bounds(good):
    options = LmOptions(**good)
    assert all(getattr(options, name) == value for name, value in good.items())
