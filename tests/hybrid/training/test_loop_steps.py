"""The loop against the same training worked by hand, in numpy: rates, updates, skipped batches, figures, averages."""

import logging
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from graphs.errors import TooManyFailures
from hybrid.nn.tensor_file import read_tensors
from hybrid.training import loop
from hybrid.training.checkpoint import load_state
from hybrid.training.journal import Journal, read_history
from hybrid.training.loop import Trainer, TrainerOptions
from hybrid.training.losses import StatelessObjective
from hybrid.training.schedule import Schedule

OPTIONS = dict(epochs=3, learning_rate=0.05, average_last=2, warmup=0.3, weight_decay=0.1, clip_norm=4.0,
               tensorboard=False, device="cpu", checkpoint_seconds=0.0)
PER_EPOCH = 4
pytestmark = pytest.mark.usefixtures("no_picture")
LOG = logging.getLogger("test.loop")


class Killed(Exception):
    pass


class Points:
    """Batches of 1 to 4 points, others in each epoch; `broken` ones, by (epoch, batch), have no finite gradient or,
    where they are told so, loss. `watch(epoch, batch)` is called before each."""

    def __init__(self, count, seed, broken=None, watch=None):
        self.count, self.seed, self.broken, self.watch = count, seed, broken or {}, watch

    def num_batches(self, epoch):
        return self.count

    def batches(self, epoch, start_batch=0):
        for number in range(start_batch, self.count):
            if self.watch is not None:
                self.watch(epoch, number)
            rng = np.random.default_rng([self.seed, epoch, number])
            x = rng.normal(size=(1 + (epoch + number) % 4, 2))
            yield SimpleNamespace(utterance_ids=[f"e{epoch}b{number}"], x=torch.from_numpy(x),
                                  y=torch.from_numpy(x @ [1.0, -2.0] + 0.5 + 0.1 * rng.normal(size=len(x))),
                                  broken=self.broken.get((epoch, number)))


class DevPoints(Points):
    """Of the first epoch, whichever epoch is judged."""

    def num_batches(self, epoch):
        return self.count if epoch == 0 else 0


class SquaredError(StatelessObjective):
    """The figure `modes` tells how many batches saw a network in training."""

    figure = "loss"

    def __init__(self):
        self.ended = []

    def end_epoch(self, sums):
        self.ended.append(sums.figures())

    def __call__(self, model, batch, device):
        error = model(batch.x)[:, 0] - batch.y
        loss = error.square().sum()
        if batch.broken == "gradient":
            loss = loss + (0 * loss).sqrt()  # of infinite slope
        if batch.broken == "loss":
            loss = loss / 0
        return {"loss": (loss, len(error)), "modes": (float(model.training), 1)}


class ByHand:
    """The same, with weights w and bias b."""

    def __init__(self, options):
        self.options, self.schedule = options, Schedule(options.schedule, options.learning_rate, options.warmup)
        self.values = {"w": np.array([0.3, 0.3]), "b": np.array(-0.2)}
        self.state, self.updates = {name: [0.0 * v, 0.0 * v] for name, v in self.values.items()}, 0

    def errors(self, batch):
        return batch.x.numpy() @ self.values["w"] + self.values["b"] - batch.y.numpy()

    def update(self, batch, rate):
        errors = self.errors(batch)
        gradients = {"w": 2 * errors @ batch.x.numpy() / len(errors), "b": 2 * errors.mean()}
        norm = np.sqrt(sum(np.square(g).sum() for g in gradients.values()))
        self.updates += 1
        for name, value in self.values.items():
            gradient = gradients[name] * min(1.0, self.options.clip_norm / (norm + 1e-6))
            decay = self.options.weight_decay * (name == "w")
            one, two = self.state[name]
            if self.options.optimizer == "sgd":
                one = 0.9 * one + gradient + decay * value
                change = rate * one
            else:
                one, two = 0.9 * one + 0.1 * gradient, 0.999 * two + 0.001 * gradient ** 2
                mean, square = one / (1 - 0.9 ** self.updates), two / (1 - 0.999 ** self.updates)
                change = rate * decay * value + rate * mean / (np.sqrt(square) + 1e-8)
            self.state[name], self.values[name] = (one, two), value - change

    def train(self, train, dev):
        """Returns the weights after each epoch and the entries of the history."""
        weights, history = [], []
        for epoch in range(self.options.epochs):
            losses = []
            for number, batch in enumerate(train.batches(epoch)):
                rate = self.schedule.learning_rate((epoch + number / train.count) / self.options.epochs)
                if not batch.broken:
                    losses.append(np.square(self.errors(batch)))
                    self.update(batch, rate)
            weights.append(dict(self.values))
            self.schedule.end_epoch(self.loss(dev), (epoch + 1) / self.options.epochs)
            history.append({"epoch": epoch + 1, "train": {"loss": np.concatenate(losses).mean(), "modes": 1.0},
                            "dev": {"loss": self.loss(dev), "modes": 0.0}, "batches": train.count,
                            "skipped": train.count - len(losses), "learning_rate": rate})
        return weights, history

    def loss(self, batches):
        return np.concatenate([np.square(self.errors(batch)) for batch in batches.batches(0)]).mean()


def make_trainer(out, train, dev, options, log=None):
    model = torch.nn.Linear(2, 1).double()
    with torch.no_grad():
        model.weight.fill_(0.3), model.bias.fill_(-0.2)
    return Trainer(model, SquaredError(), train, dev, options, out, log)


def assert_same(found, expected):
    """Tensors `weight` and `bias`, and w and b."""
    assert found["weight"][0].numpy() == pytest.approx(expected["w"])
    assert found["bias"].numpy() == pytest.approx(expected["b"])


@pytest.mark.parametrize("more", [
    {"optimizer": "sgd"}, {"optimizer": "adamw"}, {"optimizer": "adamw", "average_last": 1},
    {"optimizer": "sgd", "schedule": "newbob", "learning_rate": 0.3, "epochs": 5}, {"average_last": 9},
    {"optimizer": "sgd", "schedule": "constant", "clip_norm": 0.5, "allowed_bad_batches": 0.5,
     "broken": {(0, 0): "loss", (1, 1): "gradient", (1, 3): "loss"}}])
def test_a_training_is_the_same_by_hand(tmp_path, more, caplog):
    options = TrainerOptions(**{**OPTIONS, **{name: value for name, value in more.items() if name != "broken"}})
    train, dev = Points(PER_EPOCH, 1, more.get("broken")), DevPoints(3, 2)
    tmp_path = tmp_path / "new" / "one"
    trainer, by_hand = make_trainer(tmp_path, train, dev, options), ByHand(options)
    with caplog.at_level(logging.INFO):
        result = trainer.run()
    weights, history = by_hand.train(train, dev)
    assert result.history == read_history(tmp_path)
    assert trainer.objective.ended == [entry["train"] for entry in result.history]
    for entry, expected in zip(result.history, history):
        assert 0 <= entry["seconds"] < 60 and round(entry["seconds"], 2) == entry["seconds"]
        for part in ("train", "dev"):
            assert entry[part] == pytest.approx(expected.pop(part))
        assert {name: entry[name] for name in expected} == pytest.approx(expected)
    losses = [entry["dev"]["loss"] for entry in result.history]
    best, first = int(np.argmin(losses)), max(0, options.epochs - options.average_last)
    average = {name: np.mean([one[name] for one in weights[first:]], axis=0) for name in ("w", "b")}
    by_hand.values = average
    assert result.best == losses[best] and result.averaged == pytest.approx(by_hand.loss(dev))
    assert result.checkpoint == ("averaged" if result.averaged <= result.best else "best")
    assert result.dev == {"loss": min(result.averaged, result.best), "modes": 0.0}
    assert f"average of epochs {first + 1} to {options.epochs}: dev loss {result.averaged:.4f}; best epoch " \
        f"{best + 1}: {result.best:.4f}; using {result.checkpoint}" in caplog.text
    for name, expected, facts in (("best", weights[best], {"epoch": best + 1}),
                                  ("averaged", average, {"epochs": list(range(first + 1, options.epochs + 1))})):
        found, said = read_tensors(tmp_path / f"{name}.safetensors")
        assert_same(found, expected)
        assert said == facts
        if name == result.checkpoint:
            assert_same(trainer.model.state_dict(), expected)
    kept = {path.name for path in (tmp_path / "epochs").iterdir()}
    assert kept == {f"epoch-{epoch:04d}.safetensors" for epoch in range(first + 1, options.epochs + 1)}
    for epoch in range(first + 1, options.epochs + 1):
        found, said = read_tensors(tmp_path / "epochs" / f"epoch-{epoch:04d}.safetensors")
        assert_same(found, weights[epoch - 1])
        assert said == {"epoch": epoch}
    skipped = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert skipped == [f"epoch {epoch + 1}, batch {number + 1} skipped: its {problem} is not finite; utterances "
                       f"e{epoch}b{number}" for (epoch, number), problem in train.broken.items()]


@pytest.mark.parametrize("allowed, broken, ends", [
    (0.5, 2, False), (0.5, 3, True), (0.0, 1, False), (0.0, 2, True), (0.6, 3, True)])
def test_more_broken_batches_than_allowed_end_the_training(tmp_path, allowed, broken, ends):
    """One of an epoch always may be broken; none of the epoch before counts."""
    options = TrainerOptions(**{**OPTIONS, "allowed_bad_batches": allowed, "epochs": 2})
    broken_ones = {**{(0, number): "loss" for number in range(max(1, int(allowed * PER_EPOCH)))},
                   **{(1, number): "loss" for number in range(broken)}}
    trainer = make_trainer(tmp_path, Points(PER_EPOCH, 1, broken_ones), Points(1, 2), options)
    if ends:
        with pytest.raises(TooManyFailures, match=f"training: {broken} batches of epoch 2 had a loss or gradient that"):
            trainer.run()
    else:
        assert trainer.run().history[1]["skipped"] == broken


def test_an_epoch_without_a_usable_batch_ends_the_training(tmp_path, caplog):
    trainer = make_trainer(tmp_path, Points(1, 1, {(0, 0): "loss"}), Points(1, 2), TrainerOptions(**OPTIONS), LOG)
    with pytest.raises(TooManyFailures, match=r"training: no usable batch in epoch 1 \(1 skipped\)"):
        trainer.run()
    assert not list(tmp_path.glob("*.safetensors"))
    assert [record.name for record in caplog.records if record.levelname == "WARNING"] == [LOG.name]


def test_a_batch_that_counts_nothing_changes_nothing_but_by_its_loss(tmp_path):
    """Its loss is not divided by 0."""
    class Nothing(SquaredError):
        def __call__(self, model, batch, device):
            return {"loss": (0 * model(batch.x).sum(), 0)}

    trainer = make_trainer(tmp_path, Points(2, 1), Points(1, 2), TrainerOptions(**{**OPTIONS, "weight_decay": 0.0}))
    trainer.objective = Nothing()
    assert [trainer._step(batch, 0.1) for batch in trainer.train_batches.batches(0)] == [0.0, 0.0]
    assert_same(trainer.model.state_dict(), {"w": [0.3, 0.3], "b": [-0.2]})


def test_what_a_batch_does_not_use_is_left_as_it_is(tmp_path):
    """Neither momentum nor weight decay moves it."""
    class Either(SquaredError):
        def __call__(self, model, batch, device):
            return {"loss": (model[batch.side](batch.x).square().sum(), 1)}

    model = torch.nn.ModuleList(torch.nn.Linear(2, 1).double() for _ in range(2))
    trainer = Trainer(model, Either(), None, None, TrainerOptions(**{**OPTIONS, "optimizer": "sgd"}), tmp_path)
    for side in (0, 1, 0, 1, 1):
        before = [[parameter.clone() for parameter in part.parameters()] for part in model]
        trainer._step(SimpleNamespace(x=torch.ones(1, 2).double(), side=side), 0.1)
        moved = [not all(map(torch.equal, part.parameters(), old)) for part, old in zip(model, before)]
        assert moved == [side == 0, side == 1]


@pytest.mark.parametrize("broken", ["loss", "gradient"])
def test_a_broken_batch_leaves_no_trace_in_weights_or_statistics(tmp_path, broken):
    """Of those of batch normalization, which had been updated before the loss was known."""
    model = torch.nn.Sequential(torch.nn.BatchNorm1d(2), torch.nn.Linear(2, 1)).double()
    options = TrainerOptions(**{**OPTIONS, "optimizer": "sgd"})
    trainer = Trainer(model, SquaredError(), Points(PER_EPOCH, 1), None, options, tmp_path)

    def moved(problem):
        before = {name: value.clone() for name, value in model.state_dict().items()}
        batch = SimpleNamespace(x=torch.tensor([[1.0, 2.0], [5.0, -1.0]]).double(), y=torch.ones(2).double(),
                                broken=problem, utterance_ids=["u"])
        assert (trainer._step(batch, 0.1) is None) == (problem is not None)
        return {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}

    assert moved(None) >= {"0.running_mean", "0.running_var", "0.num_batches_tracked", "1.weight"}
    assert moved(broken) == set() and trainer.at.skipped == 1
    assert moved(None) >= {"0.running_mean", "0.running_var", "0.num_batches_tracked", "1.weight"}


class SameDev(SquaredError):
    """Nothing improves on the development set."""

    def __call__(self, model, batch, device):
        figures = super().__call__(model, batch, device)
        return figures if model.training else {"loss": (2.0, 1)}


@pytest.mark.parametrize("die_at", [None, (3, 1), (4, 0)])
def test_where_nothing_improves_the_first_epoch_is_the_best_and_newbob_halves_the_rate(tmp_path, die_at):
    """After each epoch that ends beyond the warm-up, cut off and gone on with or not."""
    def watch(epoch, batch):
        if (epoch, batch) == die_at:
            raise Killed

    options = TrainerOptions(**{**OPTIONS, "schedule": "newbob", "epochs": 5, "warmup": 0.5})
    for watched in (watch, None) if die_at else (None,):
        trainer = make_trainer(tmp_path, Points(PER_EPOCH, 1, watch=watched), Points(1, 2), options)
        trainer.objective = SameDev()
        if watched:
            with pytest.raises(Killed):
                trainer.run()
    result = trainer.run()
    rates = [entry["learning_rate"] for entry in result.history]
    assert rates[2:] == [0.05, 0.025, 0.0125] and rates[1] == pytest.approx(0.05 * (0.1 + 0.9 * 0.35 / 0.5))
    assert read_tensors(tmp_path / "best.safetensors")[1] == {"epoch": 1} and result.checkpoint == "averaged"


class GivenDev(SquaredError):
    """Figures of the development set after each epoch, and of the average."""

    def __init__(self, figures):
        super().__init__()
        self.figures = iter(figures)

    def __call__(self, model, batch, device):
        return super().__call__(model, batch, device) if model.training else {"loss": (next(self.figures), 1)}


NAN = float("nan")


@pytest.mark.parametrize("figures, best, checkpoint", [
    ([NAN, 3.0, NAN, 2.0, 2.0], 4, "averaged"), ([NAN, 3.0, NAN, 3.0, 3.5], 2, "best"),
    ([NAN, 3.0, NAN, NAN, NAN], 2, "best"), ([3.0, 3.0, NAN, 4.0, NAN], 1, "best"), ([NAN] * 4 + [9.0], 1, "averaged")])
def test_a_figure_that_is_no_number_is_worse_than_any(tmp_path, figures, best, checkpoint):
    """As the first one, too; newbob halves the rate after it."""
    options = TrainerOptions(**{**OPTIONS, "schedule": "newbob", "epochs": 4, "warmup": 0.0})
    trainer = make_trainer(tmp_path, Points(PER_EPOCH, 1), Points(1, 2), options)
    trainer.objective = GivenDev(figures)
    result = trainer.run()
    assert read_tensors(tmp_path / "best.safetensors")[1] == {"epoch": best} and result.checkpoint == checkpoint
    assert str(result.dev["loss"]) == str(figures[-1] if checkpoint == "averaged" else figures[best - 1])
    if figures[1] == 3.0 and figures[0] is NAN:
        assert [entry["learning_rate"] for entry in result.history] == [0.05, 0.05, 0.05, 0.025]


@pytest.mark.parametrize("die_at", [None, (1, 3)])
def test_checkpoints_in_an_epoch_are_so_many_seconds_apart(tmp_path, monkeypatch, die_at):
    """A batch takes 1 1/16 s. An epoch takes as long when it is cut off and gone on with."""
    clock, seen, journals = SimpleNamespace(now=100.0, monotonic=lambda: clock.now), [], []
    monkeypatch.setattr(loop, "time", clock)

    class Kept(Journal):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            journals.append(self)

    monkeypatch.setattr(loop, "Journal", Kept)

    class Slow(SquaredError):
        def __call__(self, model, batch, device):
            clock.now += 1.0625 * model.training
            return super().__call__(model, batch, device)

    def watch(epoch, batch):
        if (epoch, batch) == die_at and len(journals) == 1:
            raise Killed
        at = load_state(tmp_path / "checkpoint.safetensors")["at"] if (tmp_path / "checkpoint.safetensors").exists() \
            else {"epoch": 0, "batch": None, "seconds": 0.0}
        seen.append((at["epoch"], at["batch"]))
        assert at["seconds"] == 1.0625 * (at["batch"] or 0)

    def train():
        trainer = make_trainer(tmp_path, Points(6, 1, watch=watch), Points(1, 2),
                               TrainerOptions(**{**OPTIONS, "checkpoint_seconds": 2.125, "epochs": 2}))
        trainer.objective = Slow()
        return trainer.run()

    if die_at:
        with pytest.raises(Killed):
            train()
        clock.now += 1000.0
    result = train()
    again = [(1, 2)] * 2 if die_at else [(1, 2)]  # batch 2 was made before the end, too
    assert seen[:6] == [(0, None), (0, None), (0, 2), (0, 2), (0, 4), (0, 4)]
    assert seen[6:] == [(1, 0), (1, 0), *again, (1, 2), (1, 4), (1, 4)]
    assert [entry["seconds"] for entry in result.history] == [6.38, 6.38]
    at, before = (load_state(tmp_path / f"{name}.safetensors")["at"] for name in ("checkpoint", "checkpoint_before"))
    assert (at["epoch"], at["batch"], before["epoch"], before["batch"]) == (2, 0, 1, 4)
    bar = journals[-1].progress(0.0, 0)
    assert (bar.total, bar.done) == (2, pytest.approx(2.0))


def test_no_history_of_an_earlier_training_is_left(tmp_path):
    (tmp_path / "train.jsonl").write_text("of an earlier one\n")

    def watch(epoch, batch):
        raise Killed

    with pytest.raises(Killed):
        make_trainer(tmp_path, Points(1, 1, watch=watch), Points(1, 2), TrainerOptions(**OPTIONS)).run()
    assert read_history(tmp_path) == []


@pytest.mark.parametrize("checkpoint_seconds, checkpoints", [(0.0, 2), (1e9, 1)])
def test_clean_up_takes_what_a_cut_off_training_left_too(tmp_path, checkpoint_seconds, checkpoints):
    options = TrainerOptions(**{**OPTIONS, "epochs": 1, "checkpoint_seconds": checkpoint_seconds})
    trainer = make_trainer(tmp_path, Points(2, 1), Points(1, 2), options)
    trainer.run()
    (tmp_path / "best.safetensors.tmp").write_bytes(b"half")
    assert len(list(tmp_path.glob("checkpoint*"))) == checkpoints
    trainer.clean_up()
    assert {path.name for path in tmp_path.iterdir()} == {"best.safetensors", "averaged.safetensors", "train.jsonl"}
