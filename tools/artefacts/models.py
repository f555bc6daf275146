"""Trained networks: model folders and checkpoints."""

import json
from pathlib import Path
from typing import Dict, Iterable, Optional

from tools.artefacts.kind import Kind, facts, folder_with, section, some


def describe_model(path: Path, item: Optional[str] = None) -> str:
    """item: a checkpoint's name, such as best."""
    from hybrid.nn.models import load_model, num_parameters
    model, description = load_model(path, item)
    files = ", ".join(file.stem for file in sorted(path.glob("*.pt")))
    head = facts(*_flat(description).items(), ("parameters", num_parameters(model)), ("weights in", files))
    return head + _parameters(model.state_dict()) + _history(path / "train.jsonl")


def _flat(description: Dict) -> Dict:
    """Options of the network and of its training beside the rest; lists as text."""
    flat = {name: value for name, value in description.items() if not isinstance(value, dict)}
    for part in description.values():
        flat.update(part if isinstance(part, dict) else {})
    return {name: some(map(str, value), 40) if isinstance(value, list) else value
            for name, value in flat.items()}


def _parameters(weights: Dict) -> str:
    rows = [(name, "x".join(map(str, value.shape)) or "scalar", value.numel(),
             f"{value.float().abs().mean():.4f}") for name, value in weights.items()]
    return section("weights", ("name", "shape", "numbers", "mean size"), rows)


def _history(path: Path) -> str:
    """The last epochs of a training."""
    if not path.exists():
        return ""
    entries = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()][-15:]
    last = entries[-1] if entries else {}
    names = [(part, name) for part in ("train", "dev") for name in last.get(part, {})]
    rows = ((entry["epoch"], *(f"{entry[part].get(name, float('nan')):.4f}" for part, name in names),
             f"{entry['learning_rate']:.2g}", f"{entry['seconds']:.1f}") for entry in entries)
    return section("training", ("epoch", *(f"{part} {name}" for part, name in names), "rate", "s"), rows)


def draw_model(path: Path, item: Optional[str], picture: Path) -> None:
    """Its learning curves."""
    from graphs.errors import InputError
    from hybrid.report.curves import draw_curves
    history = path / "train.jsonl"
    if not history.exists():
        raise InputError(str(history), "the figures of each epoch", "none")
    draw_curves([json.loads(line) for line in history.read_text(encoding="utf-8").splitlines()], picture)


def model_problems(path: Path) -> Iterable[str]:
    """Weights that do not fit or are not finite; priors that are no distribution."""
    import torch

    from hybrid.am.acoustic_model import PRIORS, TRANSITIONS, AcousticModel
    from hybrid.nn.models import load_model
    network, description = load_model(path)
    for name, value in network.state_dict().items():
        if value.is_floating_point() and not torch.isfinite(value).all():
            yield f"{path}: weights {name}: expected finite numbers, found others"
    if (path / TRANSITIONS).exists():
        AcousticModel.load(path)
    if (path / PRIORS).exists():
        log_priors = torch.load(path / PRIORS, map_location="cpu")["log_priors"]
        total = float(log_priors.double().exp().sum())
        if len(log_priors) != description["out_dim"] or not abs(total - 1) < 0.01:
            yield (f"{path / PRIORS}: expected {description['out_dim']} priors of sum 1, found "
                   f"{len(log_priors)} of sum {total:g}")


def _load(path: Path):
    from hybrid.training.checkpoint import load_checkpoint
    return load_checkpoint(path)


def describe_checkpoint(path: Path, item: Optional[str] = None) -> str:
    """Simple entries as they are, tensors and weights by their shapes."""
    import torch
    state = _load(path)
    weights = {name: value for name, value in state.get("model", {}).items() if torch.is_tensor(value)}
    tensors = {name: value for name, value in state.items() if torch.is_tensor(value)}
    simple = [(name, value) for name, value in state.items() if isinstance(value, (int, float, str))]
    other = ", ".join(name for name in state if name not in tensors and name not in dict(simple))
    return facts(*simple, ("other entries", other),
                 ("weights", sum(value.numel() for value in weights.values()))) + _parameters(
        {**tensors, **weights})


def checkpoint_problems(path: Path) -> Iterable[str]:
    import torch
    for name, value in _load(path).get("model", {}).items():
        if torch.is_tensor(value) and value.is_floating_point() and not torch.isfinite(value).all():
            yield f"{path}: weights {name}: expected finite numbers, found others"


KINDS = (
    Kind("model", "a folder with model.json", folder_with("model.json"), describe_model, model_problems,
         draw_model, item="checkpoint"),
    Kind("checkpoint", "a file *.pt", lambda path: path.is_file() and path.suffix == ".pt",
         describe_checkpoint, checkpoint_problems),
)
