"""Networks: padding, batches, shapes, receptive fields."""

import pytest
import torch

from graphs.errors import InputError
from hybrid.nn.architectures import ARCHITECTURES
from hybrid.nn.blstm import BlstmOptions
from hybrid.nn.cnn_tdnn import CnnTdnnOptions
from hybrid.nn.dnn import DnnOptions
from hybrid.nn.model_folder import load_model, write_description
from hybrid.nn.padding import MaskedBatchNorm, extend_edges, frame_mask, reverse_frames
from hybrid.nn.tdnn import TdnnOptions
from hybrid.nn.tensor_file import write_tensors

CASES = {
    "dnn": (DnnOptions(hidden_dim=12, num_layers=3, splice=3), 1),
    "tdnn": (TdnnOptions(hidden_dim=12, dilations=(1, 2, 0, 3)), 1),
    "tdnn_subsampled": (TdnnOptions(hidden_dim=12, dilations=(1, 1, 2)), 3),
    "tdnn_even": (TdnnOptions(hidden_dim=12, dilations=(1, 1, 2), bottleneck=5), 2),
    "cnn_tdnn": (CnnTdnnOptions(hidden_dim=12, dilations=(1, 2), num_filters=3), 2),
    "blstm": (BlstmOptions(hidden_dim=6, num_layers=2), 3),
}


def _model(name, in_dim=7, out_dim=5):
    torch.manual_seed(3)
    options, subsampling = CASES[name]
    model = options.build(in_dim, out_dim, subsampling)
    for module in model.modules():
        if isinstance(module, MaskedBatchNorm):  # running statistics of a trained model
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 2)
    return model


def _batch(lengths, in_dim=7, seed=0):
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(len(lengths), max(lengths), in_dim, generator=generator)
    return features, torch.tensor(lengths)


@pytest.mark.parametrize("name", CASES)
def test_output_of_an_utterance_depends_neither_on_padding_nor_on_its_batch(name):
    model = _model(name).eval()
    lengths = [17, 1, 24, 10]
    features, length_tensor = _batch(lengths)
    features[1, 1:] = float("nan")  # padding may hold anything
    features[0, 17:] = 1e9
    together, out_lengths = model(features, length_tensor)
    factor = model.subsampling_factor
    assert out_lengths.tolist() == [-(-n // factor) for n in lengths]
    assert together.shape == (4, -(-24 // factor), 5)
    for i, n in enumerate(lengths):
        alone, _ = model(features[i:i + 1, :n], torch.tensor([n]))
        assert torch.allclose(alone[0], together[i, :out_lengths[i]], atol=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_training_mode_ignores_padding(name):
    """Loss, gradients and batch statistics are the same with more padding."""
    results = []
    for padding in (0, 9):
        model = _model(name)
        for module in model.modules():
            if hasattr(module, "p"):
                module.p = 0.0
        features, lengths = _batch([11, 14])
        features = torch.nn.functional.pad(features, (0, 0, 0, padding), value=5.0)
        logits, out_lengths = model.train()(features, lengths)
        loss = sum(logits[i, :n].square().sum() for i, n in enumerate(out_lengths))
        loss.backward()
        results.append([loss] + [p.grad for p in model.parameters()] + list(model.buffers()))
    assert all(torch.allclose(a, b, rtol=1e-4, atol=1e-4) for a, b in zip(*results))


@pytest.mark.parametrize("name", [name for name in CASES if name != "blstm"])
def test_an_output_frame_sees_its_context_and_is_centred(name):
    model = _model(name).eval()
    factor, context = model.subsampling_factor, model.left_context
    num_frames = 60
    features = torch.randn(1, num_frames, 7, requires_grad=True)
    logits, _ = model(features, torch.tensor([num_frames]))
    frame = (num_frames // 2) // factor
    logits[0, frame].abs().sum().backward()
    touched = features.grad[0].abs().sum(1).nonzero().flatten()
    centre = frame * factor + (factor - 1) // 2
    assert (touched.min().item(), touched.max().item()) == (centre - context, centre + context)


@pytest.mark.parametrize("options, every", [
    (DnnOptions(hidden_dim=12, num_layers=3, splice=3), 3),
    (TdnnOptions(hidden_dim=12, dilations=(1, 2, 3, 3, 0)), 3),
    (TdnnOptions(hidden_dim=12, dilations=(1, 1, 2, 4), bottleneck=5), 2),
    (TdnnOptions(hidden_dim=12, dilations=(3, 3)), 3),
    (TdnnOptions(hidden_dim=12, dilations=(1, 2)), 5),
    (CnnTdnnOptions(hidden_dim=12, dilations=(1, 3), num_filters=2), 3)])
def test_every_third_output_is_the_same_as_among_all(options, every):
    torch.manual_seed(0)
    model = options.build(7, 5).eval()
    features, lengths = _batch([23, 9, 1])
    whole, _ = model(features, lengths)
    for phase in range(every):
        some, some_lengths = model(features, lengths, every, phase)
        assert some_lengths.tolist() == [len(range(phase, n, every)) for n in (23, 9, 1)]
        assert some.shape == whole[:, phase::every].shape
        for i, n in enumerate(some_lengths):
            assert torch.allclose(some[i, :n], whole[i, phase::every][:n], atol=1e-5)


def test_batch_statistics_of_every_third_output_ignore_padding():
    results = []
    for padding in (0, 7):
        torch.manual_seed(0)
        model = TdnnOptions(hidden_dim=6, dilations=(1, 3), dropout=0.0).build(7, 5).train()
        features, lengths = _batch([11, 14])
        model(torch.nn.functional.pad(features, (0, 0, 0, padding), value=9.0), lengths, 3, 1)
        results.append(list(model.buffers()))
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(*results))


def test_masked_batch_norm_is_batch_norm_of_the_real_frames():
    torch.manual_seed(0)
    masked, plain = MaskedBatchNorm(4), torch.nn.BatchNorm1d(4)
    lengths = torch.tensor([5, 9])
    for _ in range(3):
        x = torch.randn(2, 4, 9) * 3 + 1
        mask = frame_mask(lengths, 9)
        real = x.transpose(1, 2)[mask]
        assert torch.allclose(masked(x, mask).transpose(1, 2)[mask], plain(real), atol=1e-5)
    assert torch.allclose(masked.running_mean, plain.running_mean, atol=1e-6)
    assert torch.allclose(masked.running_var, plain.running_var, atol=1e-5)
    masked.eval(), plain.eval()
    assert torch.allclose(masked(x, mask).transpose(1, 2)[mask], plain(real), atol=1e-5)


def test_masked_batch_norm_of_images():
    torch.manual_seed(0)
    masked, plain = MaskedBatchNorm(4), torch.nn.BatchNorm2d(4)
    x = torch.randn(2, 4, 9, 6)
    assert torch.allclose(masked(x, torch.ones(2, 9, dtype=torch.bool)), plain(x), atol=1e-5)
    assert torch.allclose(masked.running_var, plain.running_var, atol=1e-5)


def test_edges_are_repeated_and_reversal_undoes_itself():
    values = torch.tensor([[1., 2, 3, 99], [5, 99, 99, 99]])[:, :, None]
    lengths = torch.tensor([3, 1])
    assert extend_edges(values, lengths, 1, 0)[:, :, 0].tolist() == [[1, 1, 2, 3, 3], [5, 5, 5, 5, 5]]
    backwards = reverse_frames(values, lengths)
    assert backwards[0, :3, 0].tolist() == [3, 2, 1] and backwards[1, 0, 0] == 5
    assert torch.equal(reverse_frames(backwards, lengths), values)


def test_blstm_is_torchs_bidirectional_lstm_on_packed_sequences():
    from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
    torch.manual_seed(0)
    model = BlstmOptions(hidden_dim=6, num_layers=1, dropout=0.0).build(7, 5).eval()
    reference = torch.nn.LSTM(7, 6, batch_first=True, bidirectional=True)
    for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
        getattr(reference, f"{name}_l0").data.copy_(getattr(model.forward_layers[0], f"{name}_l0"))
        getattr(reference, f"{name}_l0_reverse").data.copy_(getattr(model.backward_layers[0], f"{name}_l0"))
    features, lengths = _batch([4, 9, 6])
    packed = pack_padded_sequence(features, lengths, batch_first=True, enforce_sorted=False)
    expected = model.output(pad_packed_sequence(reference(packed)[0], batch_first=True)[0])
    actual, _ = model(features, lengths)
    mask = frame_mask(lengths, 9)
    assert torch.allclose(actual[mask], expected[mask], atol=1e-6)


def test_model_folder_round_trip(tmp_path):
    model = _model("cnn_tdnn").eval()
    write_tensors(tmp_path / "best.safetensors", model.state_dict())
    options, subsampling = CASES["cnn_tdnn"]
    write_description(tmp_path, options, 7, 5, subsampling, checkpoint="best", frame_shift=0.01)
    loaded, description = load_model(tmp_path)
    batch = _batch([12, 5])
    assert torch.equal(loaded(*batch)[0], model(*batch)[0])
    assert description["frame_shift"] == 0.01


def test_weights_of_another_network_are_refused(tmp_path):
    write_tensors(tmp_path / "best.safetensors", _model("dnn").state_dict())
    write_description(tmp_path, CASES["tdnn"][0], 7, 5, checkpoint="best")
    with pytest.raises(InputError, match="weights of the network in model.json"):
        load_model(tmp_path)


@pytest.mark.parametrize("arch, bad", [
    *((arch, bad) for arch in ARCHITECTURES
      for bad in ({"hidden_dim": 0}, {"dropout": 1.0}, {"dropout": float("nan")})),
    ("tdnn", {"dilations": ()}), ("tdnn", {"dilations": (1, -1)}), ("cnn_tdnn", {"bottleneck": -1}),
    ("cnn_tdnn", {"num_filters": 0}), ("dnn", {"splice": -1}), ("dnn", {"num_layers": 0}),
    ("blstm", {"num_layers": 0})])
def test_options_out_of_range(arch, bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        ARCHITECTURES[arch](**bad)
