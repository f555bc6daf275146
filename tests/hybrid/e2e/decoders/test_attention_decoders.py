"""Attention decoders: loss, score and single steps against plain loops, and what they may not depend on."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from graphs.errors import InputError
from graphs.options import flat
from hybrid.e2e.decoders.attention import mixed
from hybrid.e2e.decoders.lstm import LstmDecoderOptions
from hybrid.e2e.decoders.transformer import SourceAttention, TransformerDecoderOptions, places
from hybrid.nn.tensor_file import write_tensors
from hybrid.training.checkpoint import average_weights
from tests.hybrid.e2e.decoders.material import ENCODER_DIM, NUM_TOKENS, SMALL, decoder_of, encoded_of
from tests.hybrid.nn.test_attention import naive as naive_attention

TOKENS = [[2, 1, 1], [], [4, 3]]
LENGTHS = [6, 1, 4]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    return np.exp(x - x.max()) / np.exp(x - x.max()).sum()


def lstm_by_hand(decoder, encoded, inputs):
    """Log probabilities ``[U, num_tokens]`` and weights ``[U, T]``, in numpy and loops; no dropout."""
    w = {name: value.numpy() for name, value in decoder.state_dict().items()}
    frames, num_frames = encoded.numpy(), len(encoded)
    layers, dim = decoder.options.decoder_layers, decoder.options.decoder_dim
    hidden, cell = np.zeros((layers, dim)), np.zeros((layers, dim))
    context, half = np.zeros(frames.shape[1]), decoder.options.location_kernel // 2
    location = np.full(num_frames, 1 / num_frames if decoder.options.location == "last" else 0.0)
    log_probs, all_weights = [], []
    for token in inputs:
        x = np.concatenate([w["embedding.weight"][token], context])
        for n in range(layers):
            gates = w[f"cells.{n}.weight_ih"] @ x + w[f"cells.{n}.bias_ih"]
            gates = gates + w[f"cells.{n}.weight_hh"] @ hidden[n] + w[f"cells.{n}.bias_hh"]
            i, f, g, o = np.split(gates, 4)
            cell[n] = sigmoid(f) * cell[n] + sigmoid(i) * np.tanh(g)
            x = hidden[n] = sigmoid(o) * np.tanh(cell[n])
        energies = []
        for t in range(num_frames):
            around = np.array([location[t + k] if 0 <= t + k < num_frames else 0.0 for k in range(-half, half + 1)])
            inner = w["attention.queries.weight"] @ x + w["attention.keys.weight"] @ frames[t]
            inner = inner + w["attention.keys.bias"]
            inner = inner + w["attention.locations.weight"] @ (w["attention.filters.weight"][:, 0] @ around)
            energies.append(w["attention.energy.weight"][0] @ np.tanh(inner))
        weights = softmax(np.array(energies))
        context = weights @ frames
        location = weights if decoder.options.location == "last" else location + weights
        scores = w["output.weight"] @ np.concatenate([x, context]) + w["output.bias"]
        log_probs.append(np.log(softmax(scores)))
        all_weights.append(weights)
    return np.array(log_probs), np.array(all_weights)


def transformer_by_hand(decoder, encoded, inputs):
    """Likewise, with torch's attention over the frames and plain loops over the tokens."""
    options, num_steps = decoder.options, len(inputs)
    x = decoder.embedding.weight[inputs]
    if options.absolute_positions:
        for n in range(num_steps):
            for k in range(options.decoder_dim // 2):
                angle = n / 10000 ** (2 * k / options.decoder_dim)
                x[n, k] += math.sin(angle)
                x[n, options.decoder_dim // 2 + k] += math.cos(angle)
    causal = torch.ones(num_steps, num_steps).tril().bool()
    for block in decoder.blocks:
        x = x + naive_attention(block.attention, block.norm(x), causal)
        taken, weights = torch_attention(block.source)(block.source_norm(x), encoded, encoded)
        x = x + taken
        x = x + block.feed_forward(x)
    return decoder.output(decoder.norm(x)).log_softmax(dim=1).numpy(), weights.numpy()


def torch_attention(attention):
    """torch.nn.MultiheadAttention with the weights of SourceAttention."""
    dim, source_dim = attention.queries.in_features, attention.source.in_features
    other = torch.nn.MultiheadAttention(dim, attention.heads, kdim=source_dim, vdim=source_dim,
                                        batch_first=True).double()
    with torch.no_grad():
        other.q_proj_weight.copy_(attention.queries.weight)
        other.k_proj_weight.copy_(attention.source.weight[:dim])
        other.v_proj_weight.copy_(attention.source.weight[dim:])
        other.in_proj_bias.copy_(torch.cat([attention.queries.bias, attention.source.bias]))
        other.out_proj.load_state_dict(attention.output.state_dict())
    return other


def by_hand(decoder, encoded, inputs):
    made = lstm_by_hand if hasattr(decoder, "cells") else transformer_by_hand
    with torch.no_grad():
        return made(decoder, encoded, inputs)


@pytest.mark.parametrize("name", SMALL)
def test_loss_score_and_weights_are_those_of_plain_loops(name):
    decoder, (encoded, lengths) = decoder_of(SMALL[name]), encoded_of(LENGTHS, padding=7.0)
    scores, right = [], 0
    for row, tokens in enumerate(TOKENS):
        log_probs, weights = by_hand(decoder, encoded[row, :lengths[row]], [0, *tokens])
        scores.append(sum(log_probs[n, token] for n, token in enumerate([*tokens, 0])))
        right += sum(int(log_probs[n].argmax() == token) for n, token in enumerate([*tokens, 0]))
        actual = decoder.weights(encoded, lengths, TOKENS)[row]
        assert actual.shape == (len(tokens) + 1, LENGTHS[row])
        assert np.allclose(actual.numpy(), weights, atol=1e-7)
    actual = decoder.score(encoded, lengths, TOKENS)
    assert actual.dtype == torch.float64 and np.allclose(actual.numpy(), scores, atol=1e-6)
    figures = decoder.loss(encoded, lengths, TOKENS)
    assert abs(float(figures["loss"][0]) + sum(scores)) < 1e-6 and figures["loss"][1] == 5 + 3
    assert (int(figures["attention_error"][0]), figures["attention_error"][1]) == (8 - right, 8)


@pytest.mark.parametrize("name", SMALL)
def test_steps_of_a_search_are_the_teacher_forced_pass(name):
    """Hypotheses of one utterance, which a search drops, doubles and reorders."""
    decoder, (encoded, lengths) = decoder_of(SMALL[name]), encoded_of([5])
    state = decoder.start(encoded[0])
    log_probs, state, weights = decoder.step(state, torch.tensor([0]))
    prefixes, generator = [[0]], torch.Generator().manual_seed(3)
    for width in (4, 3, 3, 1):
        rows = torch.randint(len(prefixes), (width,), generator=generator)
        tokens = torch.randint(1, NUM_TOKENS, (width,), generator=generator)
        prefixes = [[*prefixes[row], token] for row, token in zip(rows.tolist(), tokens.tolist())]
        log_probs, state, weights = decoder.step(state.select(rows), tokens)
        assert log_probs.shape == (width, NUM_TOKENS) and weights.shape == (width, 5)
        for row, prefix in enumerate(prefixes):
            logits, whole = decoder(encoded, lengths, torch.tensor([prefix]))
            assert torch.allclose(log_probs[row], logits[0, -1].log_softmax(0), atol=1e-6)
            assert torch.allclose(weights[row], whole[0, -1], atol=1e-6)


@pytest.mark.parametrize("name", SMALL)
def test_batch_and_padding_change_nothing(name):
    decoder = decoder_of(SMALL[name])
    encoded, lengths = encoded_of(LENGTHS, padding=1e3)
    together = decoder.score(encoded, lengths, TOKENS)
    for row, length in enumerate(LENGTHS):
        alone = decoder.score(encoded[row:row + 1, :length], lengths[row:row + 1], TOKENS[row:row + 1])
        assert torch.allclose(alone, together[row:row + 1], atol=1e-10)
    loss, count = decoder.loss(encoded, lengths, TOKENS)["loss"]
    assert torch.allclose(loss, -together.sum())


@pytest.mark.parametrize("name", SMALL)
def test_no_score_depends_on_later_tokens(name):
    decoder, (encoded, lengths) = decoder_of(SMALL[name]), encoded_of([5])
    inputs = torch.tensor([[0, 2, 1, 3, 2]])
    before, weights = decoder(encoded, lengths, inputs)
    inputs[0, 3] = 4
    after, weights_after = decoder(encoded, lengths, inputs)
    assert torch.equal(before[:, :3], after[:, :3]) and torch.equal(weights[:, :3], weights_after[:, :3])
    for n in (3, 4):
        assert not torch.allclose(before[:, n], after[:, n])


@pytest.mark.parametrize("name", SMALL)
def test_gradients_are_finite_differences(name):
    """Of the loss with label smoothing, for the frames and for all parameters."""
    decoder = decoder_of(dataclasses.replace(SMALL[name], label_smoothing=0.2, decoder_dropout=0.0)).train()
    encoded, lengths = encoded_of([3, 2])
    tokens = [[1, 3], [2]]
    encoded.requires_grad_()

    def loss(*_):
        return decoder.loss(encoded, lengths, tokens)["loss"][0]

    loss().backward()
    generator = torch.Generator().manual_seed(5)
    for values in ([encoded], *([list(decoder.parameters())] * 2)):
        directions = [torch.randn(value.shape, generator=generator, dtype=value.dtype) for value in values]
        losses = []
        for step in (1e-5, -2e-5, 1e-5):  # there, beyond on the other side, and back
            with torch.no_grad():
                torch._foreach_add_(values, directions, alpha=step)
                losses.append(float(loss()))
        expected = (losses[0] - losses[1]) / 2e-5
        actual = sum(float((value.grad * direction).sum()) for value, direction in zip(values, directions))
        assert abs(actual - expected) < 1e-5 * max(1.0, abs(expected))
    assert not encoded.grad[1, 2].any() and encoded.grad[1, 1].any()


@pytest.mark.parametrize("name", ["lstm", "transformer"])
def test_label_smoothing_is_the_formula_in_training_alone(name):
    share = 0.3
    decoder = decoder_of(dataclasses.replace(SMALL[name], label_smoothing=share, decoder_dropout=0.0))
    encoded, lengths = encoded_of([4])
    log_probs, _ = by_hand(decoder, encoded[0], [0, 3, 1])
    plain = -sum(log_probs[n, token] for n, token in enumerate((3, 1, 0)))
    flat = -sum(log_probs[n, k] / NUM_TOKENS for n in range(3) for k in range(NUM_TOKENS))
    assert abs(float(decoder.loss(encoded, lengths, [[3, 1]])["loss"][0]) - plain) < 1e-6
    trained = float(decoder.train().loss(encoded, lengths, [[3, 1]])["loss"][0])
    assert abs(trained - ((1 - share) * plain + share * flat)) < 1e-6


def sure_of(decoder, token):
    """The decoder says `token` whatever it sees."""
    with torch.no_grad():
        decoder.output.weight.zero_()
        decoder.output.bias.fill_(-50.0)
        decoder.output.bias[token] = 50.0
    return decoder


@pytest.mark.parametrize("name", ["lstm", "transformer"])
def test_scheduled_sampling_puts_in_what_the_decoder_draws(name):
    decoder, (encoded, lengths) = sure_of(decoder_of(SMALL[name]), 4), encoded_of([5, 5])
    inputs = torch.tensor([[0, 2, 1, 3], [0, 1, 1, 2]])
    _, weights = decoder(encoded, lengths, inputs, sampled=1.0)
    _, expected = decoder(encoded, lengths, torch.tensor([[0, 4, 4, 4]] * 2))
    assert torch.equal(weights, expected)
    _, untouched = decoder(encoded, lengths, inputs, sampled=0.0)
    assert not torch.allclose(weights, untouched)
    assert decoder(encoded, lengths, inputs[:, :1], sampled=1.0)[0].shape == (2, 1, NUM_TOKENS)


@pytest.mark.parametrize("name", ["lstm", "transformer"])
def test_scheduled_sampling_is_of_training_and_of_torchs_generator(name):
    options = dataclasses.replace(SMALL[name], scheduled_sampling=0.6, decoder_dropout=0.0, sampling_warmup=0)
    decoder, (encoded, lengths) = decoder_of(options), encoded_of([5])
    tokens = [[1, 2, 3, 4, 1, 2]]
    assert float(decoder.loss(encoded, lengths, tokens)["loss"][0]) == float(-decoder.score(encoded, lengths, tokens))
    losses = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        losses.append(float(decoder.train().loss(encoded, lengths, tokens)["loss"][0]))
    assert losses[0] == losses[1] != losses[2]


def test_the_share_of_scheduled_sampling_rises_with_the_updates(tmp_path):
    options = LstmDecoderOptions(scheduled_sampling=0.4, sampling_warmup=8)
    decoder = options.build(ENCODER_DIM, NUM_TOKENS)
    assert decoder.sampled_share() == 0.0
    decoder.after_step(1)
    assert decoder.sampled_share() == pytest.approx(0.1)
    write_tensors(tmp_path / "a.safetensors", decoder.state_dict(), {})
    again = options.build(ENCODER_DIM, NUM_TOKENS)
    again.load_state_dict(average_weights([tmp_path / "a.safetensors"]))  # a training that was cut off goes on
    assert again.sampled_share() == pytest.approx(0.1)
    again.after_step(20)
    assert again.sampled_share() == 0.4
    assert LstmDecoderOptions(scheduled_sampling=0.4, sampling_warmup=0).build(2, 3).sampled_share() == 0.4


def test_draws_have_the_share_and_the_distribution():
    torch.manual_seed(0)
    inputs = torch.full((40000,), 3)
    logits = torch.tensor([0.2, 0.5, 0.3, 1e-9]).log().expand(40000, 4)
    counts = torch.bincount(mixed(inputs, logits, 0.25), minlength=4) / 40000
    assert torch.allclose(counts, torch.tensor([0.05, 0.125, 0.075, 0.75]), atol=0.01)
    assert torch.equal(mixed(inputs, logits, 0.0), inputs)
    assert mixed(inputs[:0].view(2, 0), logits[:0].view(2, 0, 4), 0.5).shape == (2, 0)


def test_attention_over_frames_is_torchs():
    torch.manual_seed(0)
    attention = SourceAttention(6, 4, 3, 0.0).double()
    x, encoded = torch.randn(2, 3, 6).double(), torch.randn(2, 5, 4).double()
    real = torch.tensor([[True] * 5, [True, True, False, False, False]])
    taken, weights = attention(x, attention.memory(encoded), real)
    other, other_weights = torch_attention(attention)(x, encoded, encoded, key_padding_mask=~real,
                                                      average_attn_weights=False)
    assert torch.allclose(taken, other) and torch.allclose(weights, other_weights)


def test_places_are_sinusoids_from_any_place_on():
    whole = places(0, 7, 6)
    assert torch.equal(whole[0], torch.tensor([0.0, 0, 0, 1, 1, 1])) and torch.equal(whole[3:5], places(3, 2, 6))
    assert float(whole[5, 0]) == pytest.approx(math.sin(5)) and float(whole[5, 3]) == pytest.approx(math.cos(5))


@pytest.mark.parametrize("name", ["lstm_deep", "transformer"])
def test_dropout_in_training_alone_and_gradients_reach_every_parameter(name):
    decoder, (encoded, lengths) = decoder_of(SMALL[name]), encoded_of([6, 4])
    tokens = [[1, 2, 3], [4, 4]]
    assert torch.equal(decoder.score(encoded, lengths, tokens), decoder.score(encoded, lengths, tokens))
    losses = [decoder.train().loss(encoded, lengths, tokens)["loss"][0] for _ in range(2)]
    assert float(losses[0]) != float(losses[1])
    losses[0].backward()
    for parameter_name, parameter in decoder.named_parameters():
        if "keys.bias" not in parameter_name or "attention.keys" in parameter_name and name == "lstm_deep":
            assert parameter.grad is not None and parameter.grad.abs().sum() > 1e-9, parameter_name


@pytest.mark.parametrize("tokens", [[[1, 0]], [[NUM_TOKENS]], [[1], [-1]]])
def test_token_ids_that_are_none(tokens):
    encoded, lengths = encoded_of([3] * len(tokens))
    with pytest.raises(InputError, match="token_ids of a sentence: expected 1 to 4"):
        decoder_of(SMALL["lstm"]).score(encoded, lengths, tokens)


@pytest.mark.parametrize("cls", [LstmDecoderOptions, TransformerDecoderOptions])
@pytest.mark.parametrize("bad", [
    {"decoder_dim": 0}, {"decoder_layers": 0}, {"decoder_dropout": 1.0}, {"label_smoothing": 1.0},
    {"label_smoothing": -0.1}, {"scheduled_sampling": 1.0}, {"sampling_warmup": -1}])
def test_options_of_both_out_of_range(cls, bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        cls(**bad)


@pytest.mark.parametrize("cls, bad", [
    (LstmDecoderOptions, {"attention_dim": 0}), (LstmDecoderOptions, {"location_filters": 0}),
    (LstmDecoderOptions, {"location_kernel": 4}), (LstmDecoderOptions, {"location_kernel": -1}),
    (LstmDecoderOptions, {"location": "first"}), (TransformerDecoderOptions, {"decoder_heads": 0}),
    (TransformerDecoderOptions, {"decoder_feed_forward": 0}), (TransformerDecoderOptions, {"decoder_dim": 9}),
    (TransformerDecoderOptions, {"decoder_dim": 6, "decoder_heads": 4})])
def test_options_out_of_range(cls, bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        cls(**bad)


def test_defaults():
    assert flat(LstmDecoderOptions()) == dict(
        decoder_dim=256, decoder_layers=1, decoder_dropout=0.2, label_smoothing=0.1, scheduled_sampling=0.0,
        sampling_warmup=1000, attention_dim=128, location_filters=10, location_kernel=31, location="last")
    assert flat(TransformerDecoderOptions()) == dict(
        decoder_dim=144, decoder_layers=3, decoder_dropout=0.1, label_smoothing=0.1, scheduled_sampling=0.0,
        sampling_warmup=1000, decoder_heads=4, decoder_feed_forward=4, absolute_positions=True)
