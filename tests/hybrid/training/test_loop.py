"""The loop: resumption to the bit, broken batches, damaged checkpoints, what is left behind."""

import json
import logging
import sys
from types import SimpleNamespace

import pytest
import torch

from graphs.errors import InputError, TooManyFailures
from hybrid.nn.tdnn import TdnnOptions
from hybrid.nn.tdnnf import TdnnfOptions
from hybrid.nn.tensor_file import read_tensors
from hybrid.training.checkpoint import load_state
from hybrid.training.loop import Trainer, TrainerOptions, _clip
from tests.hybrid.report.tensorboard_reader import read_rows, read_runs

OPTIONS = dict(epochs=4, learning_rate=0.01, average_last=2, checkpoint_seconds=0.0, tensorboard=False, device="cpu")


class Killed(Exception):
    pass


class Batches:
    """Random regression data, other batches in each epoch; dies at a chosen (epoch, batch)."""

    def __init__(self, count, die_at=None, broken=()):
        self.count, self.die_at, self.broken = count, die_at, set(broken)

    def num_batches(self, epoch):
        return self.count

    def batches(self, epoch, start_batch=0):
        for number in range(start_batch, self.count):
            if (epoch, number) == self.die_at:
                raise Killed
            generator = torch.Generator().manual_seed(100 * epoch + number)
            features = torch.randn(3, 12, 4, generator=generator)
            if (epoch, number) in self.broken:
                features[0, 5] = float("nan")
            yield SimpleNamespace(utterance_ids=[f"e{epoch}b{number}u{i}" for i in range(3)],
                                  features=features, lengths=torch.tensor([12, 9, 4]))


class Objective:
    """Squared distance to a moving target, so that it has a state worth keeping."""

    figure = "loss"

    def __init__(self):
        self.target = torch.zeros(2)

    def __call__(self, model, batch, device):
        logits, lengths = model(batch.features, batch.lengths)
        real = torch.cat([row[:n] for row, n in zip(logits, lengths)])
        loss = (real - batch.features[0, 0, :2] - self.target).square().sum()
        return {"loss": (loss, len(real)), "outputs": (real.detach().sum(0), len(real))}

    def end_epoch(self, sums):
        self.target = 0.1 * sums.mean("outputs").float()

    def state(self):
        return {"target": self.target}

    def restore(self, state):
        self.target = state["target"]


def _trainer(out, die_at=None, broken=(), **options):
    torch.manual_seed(1)
    model = TdnnOptions(hidden_dim=6, dilations=(1, 2), dropout=0.3).build(4, 2)
    options = TrainerOptions(**{**OPTIONS, **options})
    return Trainer(model, Objective(), Batches(5, die_at, broken), Batches(2), options, out)


def _without_seconds(path):
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    return [{key: value for key, value in entry.items() if key != "seconds"} for entry in entries]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    out = tmp_path_factory.mktemp("whole")
    trainer = _trainer(out)
    return trainer, trainer.run(), out


@pytest.mark.parametrize("deaths", [[(0, 0)], [(2, 3)], [(1, 4), (1, 4), (3, 0)]])
def test_a_resumed_run_ends_with_the_same_bits(tmp_path, uninterrupted, deaths):
    _, expected, whole = uninterrupted
    for die_at in deaths:
        with pytest.raises(Killed):
            _trainer(tmp_path, die_at).run()
    result = _trainer(tmp_path).run()
    assert _without_seconds(tmp_path / "train.jsonl") == _without_seconds(whole / "train.jsonl")
    assert (result.checkpoint, result.best, result.averaged) == (
        expected.checkpoint, expected.best, expected.averaged)
    for name in ("best.safetensors", "averaged.safetensors"):
        assert (tmp_path / name).read_bytes() == (whole / name).read_bytes()


def test_resuming_from_the_start_of_an_epoch_equals_resuming_in_its_middle(tmp_path, uninterrupted):
    with pytest.raises(Killed):
        _trainer(tmp_path, (2, 3), checkpoint_seconds=1e9).run()
    assert load_state(tmp_path / "checkpoint.safetensors")["at"]["batch"] == 0
    assert _trainer(tmp_path).run().averaged == uninterrupted[1].averaged


def test_what_a_training_leaves(uninterrupted):
    trainer, result, out = uninterrupted
    assert [entry["epoch"] for entry in result.history] == [1, 2, 3, 4]
    assert result.history[-1]["train"]["loss"] < result.history[0]["train"]["loss"]
    assert (out / "curves.png").stat().st_size > 1000
    assert result.best == min(entry["dev"]["loss"] for entry in result.history)
    assert result.dev["loss"] == min(result.best, result.averaged)
    used = read_tensors(out / f"{result.checkpoint}.safetensors")[0]
    assert all(torch.equal(value, used[name]) for name, value in trainer.model.state_dict().items())
    assert not list(out.rglob("*.tmp")) and len(list((out / "epochs").iterdir())) == 2


def test_another_seed_gives_another_result(tmp_path, uninterrupted):
    assert _trainer(tmp_path, seed=2).run().averaged != uninterrupted[1].averaged


def test_clean_up_keeps_results_only(tmp_path):
    trainer = _trainer(tmp_path, epochs=1)
    trainer.run()
    trainer.clean_up()
    assert {p.name for p in tmp_path.iterdir()} == {
        "best.safetensors", "averaged.safetensors", "train.jsonl", "curves.png"}


def test_a_broken_batch_is_skipped_named_and_leaves_no_trace_in_the_statistics(tmp_path, caplog):
    trainer = _trainer(tmp_path, broken=[(1, 2)])
    with caplog.at_level(logging.WARNING):
        result = trainer.run()
    assert [entry["skipped"] for entry in result.history] == [0, 1, 0, 0]
    assert "e1b2u0 e1b2u1" in caplog.text and "not finite" in caplog.text
    assert all(torch.isfinite(value).all() for value in trainer.model.state_dict().values())


def test_too_many_broken_batches_end_the_training(tmp_path):
    with pytest.raises(TooManyFailures, match="2 batches of epoch 2"):
        _trainer(tmp_path, broken=[(1, 2), (1, 3)]).run()


@pytest.mark.parametrize("name, said", [("train_batches", "training"), ("dev_batches", "development")])
def test_no_data_is_said_before_any_work(tmp_path, name, said):
    trainer = _trainer(tmp_path)
    setattr(trainer, name, Batches(0))
    with pytest.raises(InputError, match=f"^{said} data: expected at least one batch, found none$"):
        trainer.run()
    assert list(tmp_path.iterdir()) == [tmp_path / "epochs"] and not list((tmp_path / "epochs").iterdir())


def flip(path, position):
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("damaged, said, goes_on", [
    (["checkpoint"], "checkpoint.safetensors: expected", "from epoch 3, batch 3"),
    (["best"], "best.safetensors: expected", None),
    (["epochs/epoch-0002"], "epoch-0002.safetensors: expected", None),
    (["checkpoint", "checkpoint_before"], "starts anew", None),
])
def test_damaged_files_of_an_unfinished_training_are_named_and_not_used(
        tmp_path, uninterrupted, caplog, damaged, said, goes_on):
    _, _, whole = uninterrupted
    with pytest.raises(Killed):
        _trainer(tmp_path, (2, 3)).run()
    for name in damaged:
        flip(tmp_path / f"{name}.safetensors", -1)
    with caplog.at_level(logging.INFO):
        _trainer(tmp_path).run()
    assert said in caplog.text and (goes_on or "the training starts anew") in caplog.text
    for name in ("best.safetensors", "averaged.safetensors"):
        assert (tmp_path / name).read_bytes() == (whole / name).read_bytes()


def test_tensorboard_log(tmp_path):
    pytest.importorskip("tensorboard")
    _trainer(tmp_path / "exp" / "toy.unfinished", epochs=1, tensorboard=True).run()
    (tmp_path / "exp" / "toy.unfinished").rename(tmp_path / "exp" / "toy")
    runs = read_runs(tmp_path)
    assert list(runs) == ["exp/toy"] and {"train/loss", "dev/loss", "step/learning_rate"} <= set(runs["exp/toy"])
    (name, (options, _)), = read_rows(tmp_path).items()
    assert name == str((tmp_path / "exp/toy").resolve()) and options["epochs"] == 1 and options["optimizer"] == "adamw"


def test_without_tensorboard_the_training_goes_on_without_its_log(tmp_path, monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "tensorboard.summary.writer.event_file_writer", None)
    with caplog.at_level("INFO"):
        _trainer(tmp_path, epochs=1, tensorboard=True).run()
    assert "no TensorBoard log" in caplog.text and not list(tmp_path.glob("events*"))


@pytest.mark.parametrize("bad", [
    {"epochs": 0}, {"optimizer": "adam"}, {"learning_rate": 0.0}, {"warmup": 1.0}, {"schedule": "cosine"},
    {"precision": "half"}, {"seed": -1}, {"learning_rate": float("inf")}, {"weight_decay": float("nan")},
    {"average_last": 0}, {"clip_norm": 0.0}, {"allowed_bad_batches": 1.0}, {"weight_decay": -0.5},
    {"checkpoint_seconds": -0.5}])
def test_options_out_of_range(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        TrainerOptions(**bad)


@pytest.mark.parametrize("good", [
    {"epochs": 1}, {"average_last": 1}, {"warmup": 0.0}, {"allowed_bad_batches": 0.0}, {"weight_decay": 0.0},
    {"weight_decay": 0.5}, {"seed": 0}, {"checkpoint_seconds": 0.0}])
def test_options_at_the_edge_of_their_range(good):
    assert vars(TrainerOptions(**good)) == {**vars(TrainerOptions()), **good}


@pytest.mark.parametrize("device", ["gpu", "cuda:99", ""])
def test_a_device_that_is_not_there_is_refused_before_any_work(device):
    with pytest.raises(InputError, match="device: expected"):
        TrainerOptions(device=device)


@pytest.mark.parametrize("most", [0.5, 5.0, 1e3])
def test_gradients_are_clipped_as_torch_does_it(most):
    torch.manual_seed(0)
    parameters = [torch.nn.Parameter(torch.zeros(shape)) for shape in ((3, 4), (5,), (2, 2, 2))]
    gradients = [torch.randn(parameter.shape) for parameter in parameters]
    for parameter, gradient in zip(parameters, gradients):
        parameter.grad = gradient.clone()
    assert torch.equal(_clip(gradients, most), torch.nn.utils.clip_grad_norm_(parameters, most))
    assert all(torch.equal(parameter.grad, gradient) for parameter, gradient in zip(parameters, gradients))
    assert torch.isnan(_clip([torch.tensor([float("nan")])], most))


def test_modules_are_told_of_every_update(tmp_path):
    trainer = _trainer(tmp_path, broken=[(1, 2)], epochs=2)
    steps = []
    trainer.constrained = [SimpleNamespace(after_step=steps.append)]
    trainer.run()
    assert steps == [0, 1, 2, 3, 4, 5, 6, 8, 9]


def test_factored_layers_are_constrained_by_the_loop(tmp_path):
    torch.manual_seed(1)
    model = TdnnfOptions(hidden_dim=8, bottleneck=4, dilations=(1, 1, 1), dropout=0.0).build(4, 2)
    options = TrainerOptions(**{**OPTIONS, "epochs": 8})
    Trainer(model, Objective(), Batches(10), Batches(2), options, tmp_path).run()
    for layer in model.layers[1:]:
        values = torch.linalg.svdvals(layer.linear.weight.detach().flatten(1))
        assert values.max() / values.min() < 1.3
