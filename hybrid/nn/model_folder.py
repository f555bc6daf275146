"""The folder of a trained network: model.json, weights, and what else its program adds.

model.json holds the options of the network, its dimensions, facts of its program, `checkpoint` (the weights to use,
`best` or `averaged`), the sha256 of every other file that the model needs, and one of itself
(hybrid/nn/described_folder.py).
"""

from pathlib import Path
from typing import Optional, Tuple

import torch
from torch import Tensor, nn

from graphs.errors import InputError
from graphs.hmm.hmm_folder import TRANSITIONS, TREE
from graphs.options import chosen_name, flat, from_flat
from hybrid.nn.architectures import ARCHITECTURES
from hybrid.nn.described_folder import (
    described_file, load_weights, naming_options, read_described, write_described)
from hybrid.nn.tensor_file import SUFFIX, read_tensors, write_tensors

DESCRIPTION = "model.json"
WEIGHTS = ("best", "averaged")
PRIORS = "priors" + SUFFIX


def num_parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def write_priors(folder: Path, log_priors: Tensor) -> None:
    """log_priors: ``[C]``, of the classes of the network's output."""
    write_tensors(Path(folder) / PRIORS, {"log_priors": torch.as_tensor(log_priors).float()})


def write_description(folder: Path, arch, in_dim: int, out_dim: int, subsampling: int = 1, **facts) -> None:
    """Writes model.json, after all other files of the model.

    Args:
      arch: options of the network, whose `build` has made it with the numbers that follow.
      facts: JSON-able, e.g. frame_shift; `checkpoint` names the weights to load.
    """
    network = {"arch": chosen_name(ARCHITECTURES, arch), **flat(arch), "subsampling": subsampling}
    write_described(Path(folder) / DESCRIPTION, {"network": network, "in_dim": in_dim, "out_dim": out_dim, **facts},
                    [*(name + SUFFIX for name in WEIGHTS), PRIORS, TRANSITIONS, TREE])


def read_description(folder: Path) -> dict:
    """Raises InputError when the folder holds no model or model.json is not what was written."""
    return read_described(Path(folder) / DESCRIPTION, "a model folder")


def model_file(folder: Path, name: str, description: dict) -> Path:
    """A file of the model, after a look at its bytes. Raises InputError when it is missing or not what was written."""
    return described_file(Path(folder) / DESCRIPTION, name, description)


def read_priors(folder: Path, description: dict, described_by: str = DESCRIPTION) -> Tensor:
    """``[C]`` float32, logarithms. Raises InputError when they do not fit the model.

    described_by: the file of the description.
    """
    path = described_file(Path(folder) / described_by, PRIORS, description)
    log_priors = read_tensors(path)[0].get("log_priors", torch.zeros(0))
    if log_priors.shape != (description["out_dim"],) or not torch.isfinite(log_priors).all():
        raise InputError(str(path), f"{description['out_dim']} finite log priors",
                         f"shape {list(log_priors.shape)}, or some not finite")
    return log_priors.float()


def load_model(folder: Path, checkpoint: Optional[str] = None, device: str = "cpu") -> Tuple[nn.Module, dict]:
    """The trained network in eval mode, and its description.

    Args:
      checkpoint: `best`, `averaged`, ...; by default the one that model.json names.
    Raises: InputError when a file is missing, damaged or does not fit the description.
    """
    description = read_description(folder)
    model = _untrained(Path(folder) / DESCRIPTION, description)
    load_weights(model, Path(folder) / DESCRIPTION, description, checkpoint)
    return model.to(device).eval(), description


def _untrained(path: Path, description: dict) -> nn.Module:
    with naming_options(path):
        network = description["network"]
        options = from_flat(ARCHITECTURES[network["arch"]], network)
        return options.build(description["in_dim"], description["out_dim"], network["subsampling"])
