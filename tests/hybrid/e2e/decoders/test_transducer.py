"""The transducer decoder: its loss and scores against a network that is asked cell by cell."""

import sys

import pytest
import torch

from graphs.errors import InputError
from graphs.options import flat
from hybrid.e2e.decoders.transducer import TransducerOptions
from tests.hybrid.e2e.decoders.alignments import all_scores

SMALL = {"predictor_dim": 8, "joiner_dim": 10, "predictor_dropout": 0.0}
KINDS = {"stateless": {"context": 2}, "bigram": {"context": 1}, "lstm": {"predictor": "lstm", "predictor_layers": 2}}
TOKENS, LENGTHS = [[1, 4, 2], [3], [], [4, 4]], [4, 3, 2, 4]
kinds = pytest.mark.parametrize("kind", KINDS)


def _decoder(kind="stateless", seed=0, **more):
    torch.manual_seed(seed)
    return TransducerOptions(**{**SMALL, **KINDS[kind], **more}).build(6, 5)


def _batch(padding=0, value=0.0):
    torch.manual_seed(9)
    encoded = [torch.randn(length, 6) for length in LENGTHS]
    padded = torch.full((len(encoded), max(LENGTHS) + padding, 6), value)
    for row, frames in enumerate(encoded):
        padded[row, :len(frames)] = frames
    return padded, torch.tensor(LENGTHS)


def _cells(decoder, frames, tokens):
    """``[T, S + 1]`` and ``[T, S]`` of one utterance, the predictor a step at a time."""
    states, places = decoder.predictor.start(1), []
    for token in (0, *tokens):
        out, states = decoder.predictor.step(torch.tensor([token]), states)
        places.append(decoder.predictor_side(out[0]))
    log_probs = torch.stack([torch.stack([
        decoder.output(torch.tanh(decoder.encoder_side(frame) + place)).log_softmax(dim=0) for place in places])
        for frame in frames])
    emit = [log_probs[:, place, token] for place, token in enumerate(tokens)]
    return log_probs[:, :, 0], torch.stack(emit, dim=1) if emit else log_probs[:, :0, 0]


@kinds
@pytest.mark.parametrize("monotonic", [False, True])
def test_scores_and_alignments_cell_by_cell(kind, monotonic):
    decoder = _decoder(kind, monotonic=monotonic).eval()
    encoded, lengths = _batch()
    scores, (best, frames) = decoder.score(encoded, lengths, TOKENS), decoder.align(encoded, lengths, TOKENS)
    for row, tokens in enumerate(TOKENS):
        expected, found = all_scores(*_cells(decoder, encoded[row, :LENGTHS[row]], tokens), monotonic)
        assert float(scores[row]) == pytest.approx(float(expected.logsumexp(dim=0)), abs=1e-5)
        assert float(best[row]) == pytest.approx(float(expected.max()), abs=1e-5)
        assert frames[row] == list(found[int(expected.argmax())])


def test_sentences_without_tokens_are_blanks_alone():
    decoder, (encoded, lengths) = _decoder().eval(), _batch()
    expected = [float(_cells(decoder, encoded[row, :length], [])[0].sum().detach())
                for row, length in enumerate(LENGTHS)]
    assert decoder.score(encoded, lengths, [[]] * 4).tolist() == pytest.approx(expected, abs=1e-5)
    assert decoder.align(encoded, lengths, [[]] * 4)[1] == [[]] * 4


@kinds
def test_padding_and_batches_change_nothing(kind):
    decoder = _decoder(kind).eval()
    alone = torch.cat([decoder.score(*(x[row:row + 1] for x in _batch()), [tokens])
                       for row, tokens in enumerate(TOKENS)])
    for padding, value in ((0, 0.0), (3, 7.0), (2, float("nan"))):
        assert torch.allclose(decoder.score(*_batch(padding, value), TOKENS), alone, atol=1e-6)
        assert float(decoder.loss(*_batch(padding, value), TOKENS)["loss"][0]) == pytest.approx(-float(alone.sum()))


@pytest.mark.parametrize("loss", ["plain", "pruned"])
def test_training_ignores_padding(loss):
    if loss == "pruned":
        pytest.importorskip("k2")
    results = []
    for padding, value in ((0, 0.0), (5, 3.0), (4, float("nan"))):
        decoder = _decoder(transducer_loss=loss, prune_range=3).train()
        total, weight = decoder.loss(*_batch(padding, value), TOKENS)["loss"]
        total.backward()
        assert weight == 6 + 4
        results.append([total.detach().float()] + [p.grad for p in decoder.parameters()])
    assert all(torch.allclose(a, b, atol=1e-4) for other in results[1:] for a, b in zip(results[0], other))


def test_blocks_of_frames_change_nothing(monkeypatch):
    decoder = _decoder().eval()
    whole = decoder.score(*_batch(), TOKENS)
    monkeypatch.setattr("hybrid.e2e.decoders.transducer.BLOCK", 25)
    assert torch.allclose(decoder.score(*_batch(), TOKENS), whole, atol=1e-6)


def test_the_pruned_loss_comes_in_gradually():
    pytest.importorskip("k2")
    decoder = _decoder(simple_scale=0.2, simple_warmup=100, prune_range=4).train()
    for updates, weights in ((0, (1.0, 0.1)), (50, (0.6, 0.55)), (100, (0.2, 1.0)), (1000, (0.2, 1.0))):
        if updates:
            decoder.after_step(updates - 1)
        figures = decoder.loss(*_batch(), TOKENS)
        assert _weighted(figures, *weights)
        assert not figures["simple_loss"][0].requires_grad and figures["pruned_loss"][1] == 10
    assert "updates" in decoder.state_dict()
    assert _weighted(_decoder(simple_scale=0.2, simple_warmup=0).train().loss(*_batch(), TOKENS), 0.2, 1.0)


def _weighted(figures, simple_weight, pruned_weight):
    """Is the loss this mean of the two?"""
    simple, pruned = (float(figures[name][0]) for name in ("simple_loss", "pruned_loss"))
    expected = (simple_weight * simple + pruned_weight * pruned) / (simple_weight + pruned_weight)
    return float(figures["loss"][0].detach()) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("monotonic", [False, True])
def test_a_full_range_and_the_plain_loss_agree(monotonic):
    pytest.importorskip("k2")
    decoder, narrow = (_decoder(prune_range=number, monotonic=monotonic).train() for number in (4, 2))
    pruned = float(decoder.loss(*_batch(), TOKENS)["pruned_loss"][0])
    assert pruned == pytest.approx(float(decoder.eval().loss(*_batch(), TOKENS)["loss"][0]), rel=1e-5)
    assert float(narrow.loss(*_batch(), TOKENS)["pruned_loss"][0]) > pruned + 1e-3


def test_shares_of_one_side_alone_in_the_simple_loss():
    pytest.importorskip("k2")
    encoded, lengths = _batch()
    for values, by_frames in (({"lm_only_scale": 0.99}, False), ({"lm_only_scale": 0.0, "am_only_scale": 0.99}, True)):
        decoder = _decoder(**values).train()
        losses = [float(decoder.loss(frames, lengths, TOKENS)["simple_loss"][0]) for frames in (encoded, -encoded)]
        assert (abs(losses[0] - losses[1]) > 0.3) == by_frames


def test_what_a_predictor_sees():
    for kind, seen in (("bigram", 1), ("stateless", 2), ("lstm", 6)):
        predictor = _decoder(kind).predictor.eval()
        out, before = [], torch.tensor([[0, 1, 2, 3, 4, 1]])
        for place in range(6):
            other = before.clone()
            other[0, place] = 2 + other[0, place] % 3
            out.append((predictor(before) - predictor(other)).abs().sum(dim=2)[0] > 0)
        expected = [[place - seen < other <= place for other in range(6)] for place in range(6)]
        assert torch.stack(out).T.tolist() == expected


@kinds
def test_dropout_is_of_training(kind):
    decoder, batch = _decoder(kind, predictor_dropout=0.5, transducer_loss="plain"), _batch()
    for training in (True, False):
        decoder.train(training)
        losses = {float(decoder.loss(*batch, TOKENS)["loss"][0].detach()) for _ in range(3)}
        assert (len(losses) > 1) == training


def test_defaults():
    assert flat(TransducerOptions()) == {
        "predictor": "stateless", "context": 2, "predictor_layers": 1, "predictor_dim": 256, "predictor_dropout": 0.1,
        "joiner_dim": 256, "monotonic": False, "transducer_loss": "pruned", "prune_range": 5, "simple_scale": 0.5,
        "simple_warmup": 300, "lm_only_scale": 0.25, "am_only_scale": 0.0}


@pytest.mark.parametrize("kind, loss", [("bigram", "plain"), ("lstm", "pruned")])
def test_it_learns(kind, loss):
    if loss == "pruned":
        pytest.importorskip("k2")
    tokens = [[1, 4, 2], [3], [], [4, 1]]
    decoder = _decoder(kind, transducer_loss=loss, prune_range=2, simple_warmup=10).train()
    optimizer = torch.optim.Adam(decoder.parameters(), lr=0.05)
    for step in range(40):
        optimizer.zero_grad()
        decoder.loss(*_batch(), tokens)["loss"][0].backward()
        optimizer.step()
        decoder.after_step(step)
    assert float(decoder.eval().score(*_batch(), tokens).exp().min()) > 0.5
    assert all(p.grad is not None for p in decoder.parameters())


def test_without_k2_the_pruned_loss_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "k2", None)
    monkeypatch.delitem(sys.modules, "hybrid.e2e.decoders.pruned_loss", raising=False)
    decoder = _decoder().train()
    with pytest.raises(InputError, match="transducer_loss: expected plain, where k2 is missing"):
        decoder.loss(*_batch(), TOKENS)
    decoder.eval().loss(*_batch(), TOKENS)


@pytest.mark.parametrize("tokens", [[0], [5], [-1, 2]])
def test_tokens_that_are_none(tokens):
    with pytest.raises(InputError, match="token_ids of a sentence: expected 1 to 4"):
        _decoder().score(*_batch(), [tokens] * 4)


@pytest.mark.parametrize("values, message", [
    ({"predictor": "gru"}, "predictor: expected one of stateless, lstm"), ({"transducer_loss": "k2"}, "pruned, plain"),
    ({"context": 0}, "context"), ({"prune_range": 1}, "prune_range: expected at least 2"),
    ({"simple_scale": -0.1}, "simple_scale"), ({"simple_warmup": -1}, "simple_warmup"),
    ({"predictor_dropout": 1.0}, "predictor_dropout"), ({"lm_only_scale": 1.0}, "lm_only_scale"),
    ({"lm_only_scale": 0.5, "am_only_scale": 0.5}, "a sum below 1"), ({"joiner_dim": 0}, "joiner_dim")])
def test_options_out_of_range(values, message):
    with pytest.raises(ValueError, match=message):
        TransducerOptions(**values)
