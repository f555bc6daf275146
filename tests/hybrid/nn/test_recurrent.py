"""Recurrent networks against torch's own on packed sequences, and what one of one direction has seen."""

import math

import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from hybrid.nn.padding import frame_mask
from hybrid.nn.recurrent import BigruOptions, BlstmOptions, GruOptions, LstmOptions
from tests.hybrid.nn.material import batch_of

BOTH = pytest.mark.parametrize("options, cell, both", [
    (LstmOptions(6, 2, 0.0, delay=0), torch.nn.LSTM, False), (BlstmOptions(6, 2, 0.0), torch.nn.LSTM, True),
    (GruOptions(6, 2, 0.0, delay=0), torch.nn.GRU, False), (BigruOptions(6, 2, 0.0), torch.nn.GRU, True)])


def _reference(model, cell, both):
    """torch's network with the same weights."""
    reference = cell(7, 6, num_layers=2, batch_first=True, bidirectional=both)
    for number, layer in enumerate(model.layers):
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
            getattr(reference, f"{name}_l{number}").data.copy_(getattr(layer.ahead, f"{name}_l0"))
            if both:
                getattr(reference, f"{name}_l{number}_reverse").data.copy_(getattr(layer.behind, f"{name}_l0"))
    return reference


@BOTH
def test_outputs_and_gradients_are_torchs_on_packed_sequences(options, cell, both):
    torch.manual_seed(0)
    model = options.build(7, 5)
    reference = _reference(model, cell, both)
    features, lengths = batch_of([4, 9, 6], 7)
    features.requires_grad_()
    packed = pack_padded_sequence(features, lengths, batch_first=True, enforce_sorted=False)
    expected = model.output(pad_packed_sequence(reference(packed)[0], batch_first=True)[0], 9)
    actual, _ = model(features, lengths)
    mask = frame_mask(lengths, 9)
    assert torch.allclose(actual[mask], expected[mask], atol=1e-6)
    gradients = [torch.autograd.grad(out[mask].square().sum(), features)[0] for out in (actual, expected)]
    assert torch.allclose(*gradients, atol=1e-5) and (gradients[0][~mask] == 0).all()


def test_frames_are_stacked_and_the_last_one_repeated():
    torch.manual_seed(0)
    model = BlstmOptions(6, 1, 0.0).build(3, 5, 3)
    features, lengths = batch_of([5], 3)
    stacked = torch.stack([features[0, 0:3].flatten(), features[0, [3, 4, 4]].flatten()])[None]
    seen = model.layers[0](stacked, torch.tensor([2]))
    assert torch.allclose(model(features, lengths)[0], model.output(seen, 2), atol=1e-6)


@pytest.mark.parametrize("delay", [0, 1, 4])
def test_a_delayed_network_is_the_plain_one_on_later_frames(delay):
    torch.manual_seed(0)
    delayed = LstmOptions(6, 2, 0.0, delay=delay).build(7, 5).eval()
    plain = LstmOptions(6, 2, 0.0, delay=0).build(7, 5).eval()
    plain.load_state_dict(delayed.state_dict())
    features, lengths = batch_of([9], 7)
    later = torch.cat([features[:, delay:], features[:, -1:].expand(-1, delay, -1)], dim=1)
    assert torch.allclose(delayed(features, lengths)[0], plain(later, lengths)[0], atol=1e-6)


@pytest.mark.parametrize("options", [LstmOptions(6, 2), GruOptions(6, 2)])
def test_a_delay_of_five_frames_unless_told_otherwise(options):
    assert options.build(7, 5).right_context == 5 and options.build(7, 5, 3).right_context == 6


@pytest.mark.parametrize("subsampling", [1, 2, 3, 4])
@pytest.mark.parametrize("stack", [1, 2, 3])
@pytest.mark.parametrize("delay", [0, 2])
def test_a_network_of_one_direction_sees_its_step_and_the_delay(subsampling, stack, delay):
    """Of the outputs of a step the first is the one that sees most to its right."""
    model = GruOptions(6, 1, delay=delay, stack=stack).build(7, 5, subsampling)
    last_frame, first_centre = subsampling * stack - 1 + delay, (subsampling - 1) // 2
    assert (model.left_context, model.right_context) == (math.inf, last_frame - first_centre)
    assert model.layers[0].ahead.input_size == 7 * subsampling * stack


@pytest.mark.parametrize("options", [BlstmOptions(6, 3, 0.25), BigruOptions(6, 3, 0.25)])
def test_layers_of_both_directions(options):
    model = options.build(7, 5)
    assert (model.left_context, model.right_context) == (math.inf, math.inf) and model.dropout.p == 0.25
    assert [(layer.ahead.input_size, layer.behind.input_size, layer.out_dim) for layer in model.layers] == [
        (7, 7, 12), (12, 12, 12), (12, 12, 12)]
