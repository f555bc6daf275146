"""Networks of LMs: one step at a time is the same as all at once; no step sees what comes after it."""

import pytest
import torch

from hybrid.lm.nets.architectures import LM_ARCHITECTURES
from tests.hybrid.lm.material import NETS

IN_DIM = 5


def _net(name):
    torch.manual_seed(1)
    net = NETS[name].build(IN_DIM).double().eval()
    with torch.no_grad():
        for parameter in net.parameters():  # content_bias and the like start from zero
            parameter += 0.3 * torch.randn_like(parameter)
    return net


def _input(*shape, seed=2):
    return torch.randn(*shape, IN_DIM, generator=torch.Generator().manual_seed(seed)).double()


def _steps(net, x, junk=0.0):
    """The result of steps, each with all entries that it wants; those of steps that were not there are junk."""
    entries, outs = [], []
    for t in range(x.shape[1]):
        wanted = t if net.recall < 0 else net.recall
        past = [entries[k] if k >= 0 else torch.full((len(x), *net.entry_shape), junk).double()
                for k in range(t - wanted, t)]
        known = torch.tensor([k >= 0 for k in range(t - wanted, t)], dtype=torch.bool).expand(len(x), wanted)
        past = torch.stack(past, dim=1) if past else x.new_zeros(len(x), 0, *net.entry_shape)
        out, entry = net.step(x[:, t], past, known)
        assert entry.shape == (len(x), *net.entry_shape)
        entries.append(entry)
        outs.append(out)
    return torch.stack(outs, dim=1)


@pytest.mark.parametrize("name", NETS)
def test_steps_are_the_same_as_all_at_once(name):
    net, x = _net(name), _input(3, 7)
    whole = net(x)
    assert whole.shape == (3, 7, net.out_dim)
    assert torch.allclose(_steps(net, x), whole, atol=1e-12)
    assert torch.allclose(_steps(net, x, junk=float("nan")), whole, atol=1e-12)


def test_feed_forward_layers_worked_by_hand():
    """A step sees itself and the one before it; there are two layers of tanh, and zeros before the sentence."""
    net = LM_ARCHITECTURES["feed_forward"](order=3, hidden_dim=4, num_layers=2).build(IN_DIM).double().eval()
    x = _input(1, 3)
    before = torch.cat([torch.zeros(1, IN_DIM).double(), x[0, :2]])
    window, [second] = net.window, net.layers
    hidden = torch.tanh(before @ window.weight[:, :, 0].T + x[0] @ window.weight[:, :, 1].T + window.bias)
    assert torch.allclose(net(x)[0], torch.tanh(hidden @ second.weight.T + second.bias), atol=1e-12)


@pytest.mark.parametrize("name", ["lstm", "gru"])
def test_steps_of_three_layers(name):
    torch.manual_seed(1)
    net, x = LM_ARCHITECTURES[name](hidden_dim=4, num_layers=3).build(IN_DIM).double().eval(), _input(2, 4)
    assert torch.allclose(_steps(net, x), net(x), atol=1e-12)


@pytest.mark.parametrize("name", NETS)
def test_a_batch_of_steps_after_different_lengths(name):
    """Sequence 0 has two steps behind it, sequence 1 all: what stands where nothing was does not matter."""
    net, x = _net(name), _input(2, 6)
    whole = [net(x[:1, 4:]), net(x[1:])]
    entries = [_entries(net, x[:1, 4:5]), _entries(net, x[1:, :5])]
    wanted = 5 if net.recall < 0 else net.recall
    past = torch.full((2, wanted, *net.entry_shape), 9.0).double()
    known = torch.zeros(2, wanted, dtype=torch.bool)
    for row, own in enumerate(entries):
        own = own[max(0, len(own) - wanted):] if wanted else own[:0]
        past[row, wanted - len(own):], known[row, wanted - len(own):] = own, True
    out, _ = net.step(x[:, 5], past, known)
    assert torch.allclose(out, torch.stack([part[0, -1] for part in whole]), atol=1e-12)


def _entries(net, x):
    """``[T, *entry_shape]`` of one sequence."""
    entries = []
    for t in range(x.shape[1]):
        first = 0 if net.recall < 0 else max(0, t - net.recall)
        past = torch.stack(entries[first:], dim=1) if entries[first:] else x.new_zeros(1, 0, *net.entry_shape)
        entries.append(net.step(x[:, t], past, torch.ones(past.shape[:2], dtype=torch.bool))[1])
    return torch.cat(entries)


@pytest.mark.parametrize("name", NETS)
def test_no_step_sees_what_comes_after_it_and_how_far_back_it_sees(name):
    net, x = _net(name), _input(1, 12)
    before = net(x)
    changed = x.clone()
    changed[0, 4] += 1.0
    touched = (net(changed) != before).any(dim=2)[0].nonzero()[:, 0].tolist()
    last = {"feed_forward": 6, "bigram": 4, "transformer_near": 8}.get(name, 11)
    assert touched == list(range(4, last + 1))


@pytest.mark.parametrize("name", NETS)
def test_gradients_reach_every_parameter(name):
    net = _net(name).train()
    net(_input(2, 6)).square().sum().backward()
    for parameter_name, parameter in net.named_parameters():
        if "keys.bias" not in parameter_name:  # the same for all keys: a softmax does not see it
            assert parameter.grad is not None and parameter.grad.abs().sum() > 1e-9, parameter_name


@pytest.mark.parametrize("name", ["feed_forward", "lstm_2", "transformer"])
def test_dropout_in_training_alone(name):
    net, x = _net(name), _input(2, 6)
    assert torch.equal(net(x), net(x)) and not torch.equal(net.train()(x), net(x))


@pytest.mark.parametrize("name, good", [
    *((name, {"num_layers": 1, "dropout": 0.0}) for name in LM_ARCHITECTURES), ("feed_forward", {"order": 2}),
    ("lstm", {"hidden_dim": 1}), ("transformer", {"heads": 1, "hidden_dim": 2, "left": 0, "feed_forward": 1}),
    ("transformer", {"left": -1})])
def test_options_at_their_bounds(name, good):
    options = LM_ARCHITECTURES[name](**good)
    assert all(getattr(options, option) == value for option, value in good.items())
    assert options.build(IN_DIM)(_input(1, 2).float()).shape == (1, 2, options.hidden_dim)


@pytest.mark.parametrize("name, layers, dropout", [("lstm", 1, 0.0), ("lstm", 2, 0.3), ("gru", 3, 0.3)])
def test_dropout_between_layers_is_for_several(name, layers, dropout):
    net = LM_ARCHITECTURES[name](num_layers=layers, hidden_dim=4, dropout=0.3).build(IN_DIM)
    assert net.layers.dropout == dropout and net.layers.num_layers == layers


@pytest.mark.parametrize("name, bad", [
    *((name, {"hidden_dim": 0}) for name in LM_ARCHITECTURES), *((name, {"dropout": 1.0}) for name in LM_ARCHITECTURES),
    *((name, {"num_layers": 0}) for name in LM_ARCHITECTURES), ("feed_forward", {"order": 1}),
    ("transformer", {"heads": 3}), ("transformer", {"hidden_dim": 5, "heads": 1}), ("transformer", {"left": -2}),
    ("transformer", {"feed_forward": 0})])
def test_options_out_of_range(name, bad):
    with pytest.raises(ValueError, match="hidden_dim" if "heads" in bad else next(iter(bad))):
        LM_ARCHITECTURES[name](**bad)
