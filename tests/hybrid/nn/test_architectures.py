"""What holds for every network: padding, batches, shapes, receptive fields, gradients, precision, files."""

import math

import pytest
import torch

from graphs.errors import InputError
from hybrid.nn.architectures import ARCHITECTURES
from hybrid.nn.model_folder import load_model, write_description
from hybrid.nn.tensor_file import write_tensors
from tests.hybrid.nn.material import CASES, IN_DIM, OUT_DIM, SMALL, batch_of, trained, without_dropout


RATES = [(name, subsampling) for name in CASES for subsampling in (1, 3)] + [("tdnn", 2), ("blstm", 4), ("cnn", 5)]
networks = pytest.mark.parametrize("name, subsampling", RATES)


def test_all_are_tried():
    assert SMALL.keys() == ARCHITECTURES.keys()
    assert all(type(options) is ARCHITECTURES[name] for name, options in SMALL.items())


@networks
def test_output_of_an_utterance_depends_neither_on_padding_nor_on_its_batch(name, subsampling):
    model = trained(CASES[name], subsampling).eval()
    lengths = [17, 1, 24, 2, 3, 10]
    features, length_tensor = batch_of(lengths)
    features[1, 1:] = float("nan")  # padding may hold anything
    features[0, 17:] = 1e9
    together, out_lengths = model(features, length_tensor)
    assert model.subsampling_factor == subsampling
    assert out_lengths.tolist() == [-(-n // subsampling) for n in lengths]
    assert together.shape == (6, -(-24 // subsampling), OUT_DIM)
    for i, n in enumerate(lengths):
        alone, _ = model(features[i:i + 1, :n], torch.tensor([n]))
        assert alone.shape[1] == out_lengths[i]
        assert torch.allclose(alone[0], together[i, :out_lengths[i]], atol=1e-5)


@networks
def test_training_mode_ignores_padding(name, subsampling):
    """Loss, gradients and batch statistics are the same with more padding."""
    results = []
    for padding, value in ((0, 0.0), (9, 5.0), (9, float("nan"))):
        model = without_dropout(trained(CASES[name], subsampling)).train()
        features, lengths = batch_of([11, 14])
        features = torch.nn.functional.pad(features, (0, 0, 0, padding), value=value)
        logits, out_lengths = model(features, lengths)
        loss = sum(logits[i, :n].square().sum() for i, n in enumerate(out_lengths))
        loss.backward()
        results.append([loss] + [p.grad for p in model.parameters()] + list(model.buffers()))
    assert all(torch.allclose(a, b, rtol=1e-4, atol=1e-4) for other in results[1:] for a, b in zip(results[0], other))


@networks
def test_an_output_frame_sees_what_is_stated_and_no_more(name, subsampling):
    """Input frames are changed in turn; the outputs that change tell how far they see."""
    model = trained(CASES[name], subsampling).double().eval()
    features, lengths = batch_of([60])
    features = features.double()
    offsets = set()
    with torch.no_grad():
        before = model(features, lengths)[0][0]
        centres = torch.arange(len(before)) * subsampling + (subsampling - 1) // 2
        for frame in range(24, 30):
            changed = features.clone()
            changed[0, frame] += 3 * torch.randn(IN_DIM, generator=torch.Generator().manual_seed(frame)).double()
            touched = (model(changed, lengths)[0][0] != before).any(dim=1)
            offsets.update((frame - centres[touched]).tolist())
            if math.isinf(model.left_context):
                assert touched[-1]
            if math.isinf(model.right_context):
                assert touched[0]
    assert math.isinf(model.left_context) or min(offsets) == -model.left_context
    assert math.isinf(model.right_context) or max(offsets) == model.right_context


@networks
def test_gradients_reach_every_parameter(name, subsampling):
    model = trained(CASES[name], subsampling).train()
    logits, _ = model(*batch_of([20, 13]))
    logits.log_softmax(2)[:, :, 0].sum().backward()
    for parameter_name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, parameter_name


@pytest.mark.parametrize("name", CASES)
def test_what_is_random_comes_from_the_seed(name):
    outputs = []
    for seed in (5, 5, 6):
        model = trained(CASES[name]).train()
        torch.manual_seed(seed)
        outputs.append(model(*batch_of([9, 4]))[0])
    assert torch.equal(outputs[0], outputs[1]) and not torch.equal(outputs[0], outputs[2])
    assert torch.equal(trained(CASES[name]).eval()(*batch_of([9]))[0], trained(CASES[name]).eval()(*batch_of([9]))[0])


@networks
def test_mixed_precision_is_near_full_precision(name, subsampling):
    model = without_dropout(trained(CASES[name], subsampling)).train()
    batch = batch_of([19, 12])
    full, _ = model(*batch)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed, _ = model(*batch)
    mixed.float().square().sum().backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in model.parameters())
    assert (mixed.float() - full).abs().mean() < 0.05 * full.abs().mean()


@pytest.mark.parametrize("name", CASES)
def test_a_little_training_lowers_the_loss(name):
    model = trained(CASES[name], 3)
    features, lengths = batch_of([30, 30, 21])
    targets = (features[:, 1::3, 0] > 0).long()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    losses = []
    for step in range(25):
        logits, _ = model(features, lengths)
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss))
    assert sum(losses[-3:]) < 0.75 * sum(losses[:3])


@networks
def test_model_folder_round_trip(tmp_path, name, subsampling):
    model = trained(CASES[name], subsampling).eval()
    write_tensors(tmp_path / "best.safetensors", model.state_dict())
    write_description(tmp_path, CASES[name], IN_DIM, OUT_DIM, subsampling, checkpoint="best", frame_shift=0.01)
    loaded, description = load_model(tmp_path)
    batch = batch_of([12, 5])
    assert torch.equal(loaded(*batch)[0], model(*batch)[0])
    assert description["frame_shift"] == 0.01 and loaded.subsampling_factor == subsampling


@pytest.mark.parametrize("name", [name for name, options in CASES.items() if options.thins])
@pytest.mark.parametrize("every", [2, 3, 5])
def test_some_outputs_are_the_same_as_among_all(name, every):
    model = trained(CASES[name]).eval()
    features, lengths = batch_of([23, 9, 1])
    whole, _ = model(features, lengths)
    for phase in range(every):
        some, some_lengths = model(features, lengths, every, phase)
        assert some_lengths.tolist() == [len(range(phase, n, every)) for n in (23, 9, 1)]
        assert some.shape == whole[:, phase::every].shape
        for i, n in enumerate(some_lengths):
            assert torch.allclose(some[i, :n], whole[i, phase::every][:n], atol=1e-5)


def test_who_streams():
    streaming = {name for name, options in SMALL.items()
                 if math.isfinite(options.build(IN_DIM, OUT_DIM).right_context)}
    assert streaming == {"dnn", "tdnn", "tdnnf", "cnn", "cnn_tdnn", "lstm", "gru"}


def test_who_can_leave_frames_out():
    assert {name for name, options in ARCHITECTURES.items() if options.thins} == {
        "dnn", "tdnn", "tdnnf", "cnn", "cnn_tdnn"}


def test_weights_of_another_network_are_refused(tmp_path):
    write_tensors(tmp_path / "best.safetensors", trained(SMALL["dnn"]).state_dict())
    write_description(tmp_path, SMALL["tdnn"], IN_DIM, OUT_DIM, checkpoint="best")
    with pytest.raises(InputError, match="weights of the network in model.json"):
        load_model(tmp_path)


@pytest.mark.parametrize("arch, bad", [
    *((arch, bad) for arch in ARCHITECTURES
      for bad in ({"hidden_dim": 0}, {"dropout": 1.0}, {"dropout": float("nan")})),
    *((arch, {"num_layers": 0}) for arch in ("dnn", "cnn", "lstm", "blstm", "gru", "bigru")),
    *((arch, bad) for arch in ("tdnn", "tdnnf", "cnn_tdnn") for bad in ({"dilations": ()}, {"dilations": (1, -1)})),
    *((arch, bad) for arch in ("cnn", "cnn_tdnn") for bad in (
        {"filters": ()}, {"filters": (0,)}, {"filters": (1,), "halve": (1, 1)}, {"halve": (2, 1)},
        {"cepstra_of": -1}, {"delta_blocks": 0})),
    ("dnn", {"splice": -1}), ("cnn", {"splice": -1}), ("cnn_tdnn", {"bottleneck": -1}), ("tdnnf", {"bottleneck": 0}),
    ("tdnnf", {"dropout": 0.6}), ("tdnnf", {"bypass": 1.1}), ("lstm", {"delay": -1}), ("gru", {"delay": -1}),
    *((arch, {"stack": 0}) for arch in ("lstm", "blstm", "gru", "bigru", "cnn_bigru")),
    ("cnn_bigru", {"num_filters": 0}), ("cnn_bigru", {"num_blocks": -1}), ("cnn_bigru", {"num_layers": 0}),
    ("cnn_tdnn", {"bottleneck": 4, "dropout": 0.6}), ("cnn_bigru", {"cepstra_of": -1}),
    ("cnn_bigru", {"delta_blocks": 0}), ("tdnnf", {"dropout": -0.1}), ("tdnnf", {"bypass": -0.1}),
    ("cnn", {"halve": (-1, 0, 0, 0)}), ("conformer", {"filters": ()})])
def test_options_out_of_range(arch, bad):
    with pytest.raises(ValueError, match=list(bad)[-1]):
        ARCHITECTURES[arch](**bad)


@pytest.mark.parametrize("arch, good", [
    *((arch, {"dropout": 0.0}) for arch in ARCHITECTURES),
    *((arch, {"num_layers": 1}) for arch in ("dnn", "cnn", "lstm", "blstm", "gru", "bigru", "cnn_bigru", "conformer")),
    *((arch, {"dilations": (0,)}) for arch in ("tdnn", "tdnnf", "cnn_tdnn")),
    *((arch, {"filters": (1,), "halve": (0,)}) for arch in ("cnn", "cnn_tdnn", "conformer")),
    ("dnn", {"splice": 0}), ("cnn", {"splice": 0}), ("cnn_tdnn", {"bottleneck": 1, "dropout": 0.5}),
    ("cnn_tdnn", {"dropout": 0.6}), ("tdnnf", {"bottleneck": 1, "dropout": 0.5}), ("tdnnf", {"bypass": 1.0}),
    ("tdnnf", {"bypass": 0.0}), ("lstm", {"delay": 0}), ("gru", {"delay": 0}), ("cnn_bigru", {"num_filters": 1}),
    ("cnn_bigru", {"num_blocks": 0}), ("cnn_bigru", {"cepstra_of": 8}), ("cnn", {"delta_blocks": 2}),
    ("conformer", {"kernel": 1, "left": 0, "right": 0}), ("conformer", {"heads": 1, "feed_forward": 1})])
def test_options_at_the_edge_of_their_range(arch, good):
    """A network of one hidden unit, or two, is one, too."""
    options = ARCHITECTURES[arch](**{"hidden_dim": 4 if arch == "conformer" else 1, **good})
    logits, lengths = options.build(IN_DIM, OUT_DIM).train()(*batch_of([5, 3]))
    assert logits.shape == (2, 5, OUT_DIM) and logits.isfinite().all() and lengths.tolist() == [5, 3]
