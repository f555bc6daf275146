"""Readers of hybrid/nn, hybrid/am, hybrid/speakers and hybrid/training."""

import json
from pathlib import Path

import torch

from graphs.lang.symbols import SymbolTable
from hybrid.am.acoustic_model import AcousticModel
from hybrid.lm.neural_folder import load_neural_lm, read_counts
from hybrid.nn.tensor_file import read_tensors, write_tensors
from hybrid.speakers.gaussians import Gaussians
from hybrid.speakers.ivectors import Extractor
from hybrid.speakers.table import Space, SpeakerTable
from hybrid.training.checkpoint import load_state, save_state
from hybrid.training.journal import HISTORY, read_history
from tests.fuzz.mutations import json_values
from tests.fuzz.reader import Reader
from tests.hybrid.am.test_acoustic_model import write_model
from tests.hybrid.lm.test_neural_folder import write as write_lm


def _history(folder: Path) -> None:
    entry = {"train": {"loss": 1.5}, "dev": {"loss": 1.25, "frame_error": 0.5}, "learning_rate": 1e-3, "seconds": 2.5}
    (folder / HISTORY).write_text("".join(json.dumps({"epoch": n, **entry}) + "\n" for n in (1, 2)))


def _tensors(folder: Path) -> None:
    write_tensors(folder / "x.safetensors", {"w": torch.arange(6.0).reshape(2, 3), "n": torch.tensor(3)}, {"epoch": 2})


def _state(folder: Path) -> None:
    save_state({"model": {"w": torch.ones(2)}, "at": {"epoch": 1, "sums": {"loss": [0.5, 3.0]}}}, folder / "state")


def _speakers(folder: Path) -> None:
    SpeakerTable.of(Space("fmllr", "x"), {name: {"matrix": torch.eye(2, 3)} for name in ("a", "b")}).write(folder)


def _gaussians(folder: Path) -> None:
    Gaussians(torch.zeros(2, 1, 3), torch.ones(2, 1, 3), torch.zeros(2, 1)).write(folder)


def _extractor(folder: Path) -> None:
    mixture = Gaussians(torch.zeros(1, 2, 3), torch.ones(1, 2, 3), torch.zeros(1, 2))
    Extractor(mixture, torch.ones(2, 3, 2), 0.1, True).write(folder)


def _read_counts_of(folder: Path):
    """As with a digest that fits."""
    return read_counts(folder / "counts.txt", SymbolTable.read(folder / "words.txt"))


READERS = [
    Reader("model/model.json", "model.json", write_model, AcousticModel.load, json_values),
    Reader("model/weights", "best.safetensors", write_model, AcousticModel.load),
    Reader("model/priors", "priors.safetensors", write_model, AcousticModel.load),
    Reader("model/transitions", "transitions", write_model, AcousticModel.load),
    Reader("model/tree", "tree", write_model, AcousticModel.load),
    Reader("lm/lm.json", "lm.json", write_lm, load_neural_lm, json_values),
    Reader("lm/weights", "best.safetensors", write_lm, load_neural_lm),
    Reader("lm/words", "words.txt", write_lm, load_neural_lm),
    Reader("lm/counts", "counts.txt", write_lm, _read_counts_of),
    Reader("tensors", "x.safetensors", _tensors, lambda folder: read_tensors(folder / "x.safetensors")),
    Reader("speakers", "speakers.safetensors", _speakers, SpeakerTable.read),
    Reader("gaussians", "gaussians.safetensors", _gaussians, Gaussians.read),
    Reader("ivectors", "ivectors.safetensors", _extractor, Extractor.read),
    Reader("checkpoint", "state", _state, lambda folder: load_state(folder / "state")),
    Reader("train.jsonl", HISTORY, _history, read_history),
]
