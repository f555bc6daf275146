"""The training loop. It knows no task: a model, an objective, batches, and what is done with them.

Cut off at any point and started again in the same folder, it goes on from the last checkpoint that is whole, as are
the weights it needs, and ends with the same bits as a run that was never cut off: each step draws its random numbers
from (seed, epoch, batch) alone, and a checkpoint holds everything else that a step depends on. Other bits come from
another number of threads, another torch, or a GPU whose kernels add in any order (CTC's do).

What it works with:

- model: ``torch.nn.Module``; ``after_step(step)`` of a module in it that has it is called after each update;
- objective: ``objective(model, batch, device) -> {name: (sum, weight)}`` with at least ``loss``, whose sum is
  a tensor with a graph behind it; a sum may also be a vector. ``objective.figure`` names the dev figure,
  lower is better, that picks the best epoch. ``objective.end_epoch(sums)`` is called with the sums of the
  training epoch; ``objective.state()`` and ``objective.restore(state)`` carry what it learns from them;
- batches: ``batches.num_batches(epoch)`` and ``batches.batches(epoch, start_batch)``, the same for the same
  epoch; a batch has ``utterance_ids``.
"""

import logging
import math
import time
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Dict, List, Optional

import torch
from torch import nn

from graphs.errors import InputError, TooManyFailures
from graphs.options import check_at_least, check_choice, check_positive, check_share, flat
from hybrid.data.transforms import seed_of
from hybrid.nn.tensor_file import SUFFIX, read_tensors, write_tensors
from hybrid.training.checkpoint import average_weights, load_state, save_state
from hybrid.training.device import autocast, choose_device, seed_everything
from hybrid.training.journal import Journal, Sums
from hybrid.training.schedule import SCHEDULES, Schedule


@dataclass(frozen=True)
class TrainerOptions:
    epochs: int = field(default=20, metadata={"help": "passes over the training data"})
    optimizer: str = field(default="adamw", metadata={"help": "adamw or sgd (momentum 0.9)"})
    learning_rate: float = field(default=2e-3, metadata={"help": "highest learning rate"})
    schedule: str = field(default="one_cycle", metadata={"help": f"one of {', '.join(SCHEDULES)}"})
    warmup: float = field(default=0.15, metadata={"help": "share of the training while the rate rises"})
    weight_decay: float = field(default=1e-3, metadata={"help": "decoupled, on weight matrices only"})
    clip_norm: float = field(default=5.0, metadata={"help": "largest norm of a gradient"})
    seed: int = field(default=1, metadata={"help": "of weights, order, dropout and augmentation"})
    average_last: int = field(default=5, metadata={"help": "epochs whose weights are averaged at the end"})
    checkpoint_seconds: float = field(default=60.0, metadata={"help": "time between checkpoints in an epoch"})
    device: str = field(default="auto", metadata={"help": "auto, cpu, cuda or cuda:N"})
    precision: str = field(default="float32", metadata={"help": "float32, or bfloat16 for mixed precision"})
    tensorboard: bool = field(default=True, metadata={"help": "write TensorBoard logs when it is installed"})
    allowed_bad_batches: float = field(default=0.05, metadata={
        "help": "share of an epoch's batches that may be skipped for a loss or gradient that is not finite"})

    def __post_init__(self):
        for name, choices in (("optimizer", ("adamw", "sgd")), ("schedule", SCHEDULES),
                              ("precision", ("float32", "bfloat16"))):
            check_choice(choices, self, name)
        check_at_least(1, self, "epochs", "average_last")
        check_positive(self, "learning_rate", "clip_norm")
        choose_device(self.device)
        check_share(self, "warmup", "allowed_bad_batches")
        check_at_least(0, self, "weight_decay", "seed", "checkpoint_seconds")


@dataclass
class Progress:
    """Where a training stands: the next thing to do is batch `batch` of epoch `epoch` (both from 0)."""

    epoch: int = 0
    batch: int = 0
    step: int = 0
    skipped: int = 0
    seconds: float = 0.0
    sums: Sums = field(default_factory=Sums)
    history: List[dict] = field(default_factory=list)

    def state(self) -> dict:
        """As hybrid.training.checkpoint saves it."""
        return {**{f.name: getattr(self, f.name) for f in fields(self)}, "sums": self.sums.of}

    @classmethod
    def from_state(cls, state: dict) -> "Progress":
        sums = Sums()
        sums.of = state["sums"]
        return cls(**{**state, "sums": sums})


@dataclass(frozen=True)
class TrainingResult:
    """
    Attributes:
      checkpoint: `averaged` or `best`, the one with the better dev figure.
      dev: its figures on the dev batches, by name.
      best, averaged: the dev figure of the best epoch and of the averaged weights.
      history: as in train.jsonl.
    """

    checkpoint: str
    dev: Dict[str, float]
    best: float
    averaged: float
    history: List[dict]


class Trainer:
    """Writes the weights `best` and `averaged`, train.jsonl, curves.png and TensorBoard's events.* to the
    folder `out`."""

    def __init__(self, model: nn.Module, objective, train_batches, dev_batches, options: TrainerOptions,
                 out: Path, log: Optional[logging.Logger] = None):
        self.options, self.out = options, Path(out)
        self.out.mkdir(parents=True, exist_ok=True)
        (self.out / "epochs").mkdir(exist_ok=True)
        self.device = choose_device(options.device)
        self.model, self.objective = model.to(self.device), objective
        self.constrained = [module for module in model.modules() if hasattr(module, "after_step")]
        self.train_batches, self.dev_batches = train_batches, dev_batches
        self.log = log or logging.getLogger(__name__)
        self.optimizer = _optimizer(model, options)
        self.schedule = Schedule(options.schedule, options.learning_rate, options.warmup)
        self.at = Progress()

        # the last two, so that a damaged one is not the end
        self.checkpoints = [self.out / f"{name}{SUFFIX}" for name in ("checkpoint", "checkpoint_before")]

    def run(self) -> TrainingResult:
        """Trains, from the last checkpoint if there is one. The model is left with the weights of the result.

        Raises: InputError without data to train or to judge by; TooManyFailures when too many batches of an epoch
        had no finite loss or gradient.
        """
        self._resume()
        for name, number in (("training data", self.train_batches.num_batches(self.at.epoch)),
                             ("development data", self.dev_batches.num_batches(0))):
            if number == 0:
                raise InputError(name, "at least one batch", "none")
        journal = Journal(self.out, self.log, self.options.tensorboard, flat(self.options))
        journal.write(self.at.history)
        while self.at.epoch < self.options.epochs:
            self._epoch(journal)
        result = self._finish()
        journal.close(self.at.history)
        return result

    def clean_up(self) -> None:
        """Removes what only a resumed training needs; to be called when all that follows it is done, too."""
        for path in [*(self.out / "epochs").iterdir(), *self.out.glob("*.tmp"), *self.checkpoints]:
            path.unlink(missing_ok=True)
        (self.out / "epochs").rmdir()

    def evaluate(self) -> dict:
        """Figures of the model as it stands on the dev batches."""
        self.model.eval()
        sums = Sums()
        with torch.no_grad(), autocast(self.device, self.options.precision):
            for batch in self.dev_batches.batches(0, 0):
                sums.add(self.objective(self.model, batch, self.device))
        return sums.figures()

    def _epoch(self, journal: Journal) -> None:
        at, epochs = self.at, self.options.epochs
        total = self.train_batches.num_batches(at.epoch)
        began, saved = time.monotonic() - at.seconds, time.monotonic()
        progress = journal.progress(at.epoch + at.batch / total, epochs)
        self.model.train()
        for batch in self.train_batches.batches(at.epoch, at.batch):
            rate = self.schedule.learning_rate((at.epoch + at.batch / total) / epochs)
            loss = self._step(batch, rate)
            if loss is not None:
                journal.step(at.step, loss, rate)
            at.batch, at.step = at.batch + 1, at.step + 1
            progress.update(1 / total, f"epoch {at.epoch + 1}" + ("" if loss is None else f", loss {loss:.3f}"))
            if time.monotonic() - saved >= self.options.checkpoint_seconds and at.batch < total:
                at.seconds = time.monotonic() - began
                self._save()
                saved = time.monotonic()
        at.seconds = time.monotonic() - began
        self._end_epoch(total, rate)
        journal.epoch(at.history)
        self._save()

    def _step(self, batch, learning_rate: float) -> Optional[float]:
        """One update. Returns the loss, or None when the batch was skipped."""
        seed_everything(seed_of(self.options.seed, self.at.epoch, self.at.batch))
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        buffers = [(buffer, buffer.clone()) for buffer in self.model.buffers()]
        self.optimizer.zero_grad(set_to_none=True)
        with autocast(self.device, self.options.precision):
            figures = self.objective(self.model, batch, self.device)
        total, weight = figures["loss"]
        loss = total / max(weight, 1)
        problem = "loss"
        if torch.isfinite(loss):
            loss.backward()
            norm = _clip([p.grad for p in self.model.parameters() if p.grad is not None], self.options.clip_norm)
            problem = "" if torch.isfinite(norm) else "gradient"
        if problem:
            for buffer, before in buffers:  # batch statistics of a broken batch
                buffer.copy_(before)
            self._skip(batch, problem)
            return None
        self.optimizer.step()
        for module in self.constrained:
            module.after_step(self.at.step)
        self.at.sums.add(figures)
        return loss.item()

    def _skip(self, batch, problem: str) -> None:
        self.at.skipped += 1
        self.log.warning("epoch %d, batch %d skipped: its %s is not finite; utterances %s", self.at.epoch + 1,
                         self.at.batch + 1, problem, " ".join(batch.utterance_ids))
        allowed = max(1, self.options.allowed_bad_batches * self.train_batches.num_batches(self.at.epoch))
        if self.at.skipped > allowed:
            raise TooManyFailures(
                f"training: {self.at.skipped} batches of epoch {self.at.epoch + 1} had a loss or gradient "
                "that is not finite; a lower learning_rate may help")

    def _end_epoch(self, num_batches: int, learning_rate: float) -> None:
        at = self.at
        if not at.sums.of:
            raise TooManyFailures(f"training: no usable batch in epoch {at.epoch + 1} ({at.skipped} skipped)")
        self.objective.end_epoch(at.sums)
        dev = self.evaluate()
        figure = self._figure(dev)
        if all(figure < self._figure(entry["dev"]) for entry in at.history):
            write_tensors(self._weights("best"), self.model.state_dict(), {"epoch": at.epoch + 1})
        self.schedule.end_epoch(figure, (at.epoch + 1) / self.options.epochs)
        at.history.append({
            "epoch": at.epoch + 1, "train": at.sums.figures(), "dev": dev, "batches": num_batches,
            "skipped": at.skipped, "learning_rate": learning_rate, "seconds": round(at.seconds, 2)})
        at.epoch, at.batch, at.skipped, at.seconds, at.sums = at.epoch + 1, 0, 0, 0.0, Sums()
        write_tensors(self._epoch_weights(at.epoch), self.model.state_dict(), {"epoch": at.epoch})
        self._epoch_weights(at.epoch - self.options.average_last).unlink(missing_ok=True)

    def _figure(self, dev: Dict[str, float]) -> float:
        """The figure that picks the best epoch; one that is no number is as bad as can be."""
        figure = dev[self.objective.figure]
        return math.inf if math.isnan(figure) else figure

    def _weights(self, name: str) -> Path:
        return self.out / (name + SUFFIX)

    def _epoch_weights(self, epoch: int) -> Path:
        return self.out / "epochs" / f"epoch-{epoch:04d}{SUFFIX}"

    def _last_epochs(self, epoch: int) -> range:
        """Those up to `epoch` (from 1) whose weights are averaged if it is the last one."""
        return range(max(1, epoch - self.options.average_last + 1), epoch + 1)

    def _finish(self) -> TrainingResult:
        """Averages the last epochs and compares with the best one."""
        at, name = self.at, self.objective.figure
        last = self._last_epochs(at.epoch)
        weights = average_weights([self._epoch_weights(epoch) for epoch in last])
        self.model.load_state_dict(weights)
        figures = self.evaluate()
        write_tensors(self._weights("averaged"), weights, {"epochs": list(last)})
        best = min(at.history, key=lambda entry: self._figure(entry["dev"]))
        checkpoint = "averaged" if self._figure(figures) <= self._figure(best["dev"]) else "best"
        self.log.info("average of epochs %d to %d: dev %s %.4f; best epoch %d: %.4f; using %s", last[0],
                      last[-1], name, figures[name], best["epoch"], best["dev"][name], checkpoint)
        self.model.load_state_dict(read_tensors(self._weights(checkpoint))[0])
        return TrainingResult(checkpoint, figures if checkpoint == "averaged" else best["dev"],
                              best["dev"][name], figures[name], at.history)

    def _save(self) -> None:
        now, before = self.checkpoints
        if now.exists():
            now.replace(before)
        optimizer = self.optimizer.state_dict()["state"]
        save_state({
            "model": self.model.state_dict(), "optimizer": {str(number): state for number, state in optimizer.items()},
            "schedule": self.schedule.state(), "objective": self.objective.state(), "at": self.at.state()}, now)

    def _resume(self) -> None:
        """Goes on from the last checkpoint that is whole, if there is one."""
        there = [path for path in self.checkpoints if path.exists()]
        for path in there:
            try:
                self._restore(load_state(path))
            except InputError as error:
                self.log.warning("%s", error)
                continue
            self.log.info("going on from epoch %d, batch %d", self.at.epoch + 1, self.at.batch + 1)
            return
        if there:
            self.log.warning("no checkpoint can be gone on from: the training starts anew")

    def _restore(self, state: dict) -> None:
        """Raises InputError, and changes nothing, when weights that the rest of the training needs are damaged."""
        at = Progress.from_state(state["at"])
        needed = [self._epoch_weights(epoch) for epoch in self._last_epochs(at.epoch)]
        for path in needed + [self._weights("best")] * bool(at.history):
            read_tensors(path)
        self.model.load_state_dict(state["model"])
        optimizer = {int(number): values for number, values in state["optimizer"].items()}
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": optimizer})
        self.schedule.restore(state["schedule"])
        self.objective.restore(state["objective"])
        self.at = at


def _clip(gradients: List[torch.Tensor], most: float) -> torch.Tensor:
    """The norm of all gradients, which are scaled down where it is above `most`.

    As torch.nn.utils.clip_grad_norm_, which multiplies all gradients by one where it is not.
    """
    norm = torch.norm(torch.stack([torch.norm(gradient) for gradient in gradients]))
    share = most / (norm + 1e-6)
    if share < 1:
        for gradient in gradients:
            gradient.mul_(share)
    return norm


def _optimizer(model: nn.Module, options: TrainerOptions) -> torch.optim.Optimizer:
    """Biases and normalization get no weight decay."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    groups = [{"params": [p for p in parameters if p.dim() > 1], "weight_decay": options.weight_decay},
              {"params": [p for p in parameters if p.dim() <= 1], "weight_decay": 0.0}]
    if options.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=options.learning_rate)
    return torch.optim.SGD(groups, lr=options.learning_rate, momentum=0.9)
