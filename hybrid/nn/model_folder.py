"""The folder of a trained network: model.json, weights, and what else its program adds.

model.json holds the options of the network, its dimensions, facts of its program, `checkpoint` (the weights to use,
`best` or `averaged`), the sha256 of every other file that the model needs, and one of itself: a changed byte anywhere
is noticed when the model is loaded.
"""

import hashlib
import json
from pathlib import Path
from typing import Optional, Tuple

import torch
from torch import Tensor, nn

from graphs.errors import DamagedInput, InputError
from graphs.hmm.hmm_folder import TRANSITIONS, TREE
from graphs.options import chosen_name, flat
from hybrid.nn.architectures import ARCHITECTURES
from hybrid.nn.tensor_file import SUFFIX, read_tensors, write_atomically, write_tensors

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
    folder = Path(folder)
    network = {"arch": chosen_name(ARCHITECTURES, arch), **flat(arch), "subsampling": subsampling}
    names = [*(name + SUFFIX for name in WEIGHTS), PRIORS, TRANSITIONS, TREE]
    files = {name: _sha256((folder / name).read_bytes()) for name in names if (folder / name).is_file()}
    description = {"network": network, "in_dim": in_dim, "out_dim": out_dim, **facts, "files": files}
    write_atomically(folder / DESCRIPTION, _text(description))


def read_description(folder: Path) -> dict:
    """Raises InputError when the folder holds no model or model.json is not what was written."""
    path = Path(folder) / DESCRIPTION
    try:
        data = path.read_bytes()
        description = json.loads(data.decode("utf-8"))
        del description["sha256"]
        whole = _text(description) == data
    except FileNotFoundError:
        raise InputError(str(folder), f"a model folder with {DESCRIPTION}", "none") from None
    except OSError as error:
        raise InputError(str(path), "a file that can be read", str(error.strerror)) from None
    except (ValueError, KeyError, TypeError, RecursionError):
        whole = False
    if not whole:
        raise DamagedInput(str(path), "what a training wrote, with its sha256", "other bytes", str(path))
    return description


def _text(description: dict) -> bytes:
    sha256 = _sha256(json.dumps(description).encode("utf-8"))
    return (json.dumps({**description, "sha256": sha256}, indent=1) + "\n").encode("utf-8")


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def model_file(folder: Path, name: str, description: dict) -> Path:
    """A file of the model, after a look at its bytes. Raises InputError when it is missing or not what was written."""
    path = Path(folder) / name
    known = description["files"].get(name)
    if known is None or not path.is_file():
        raise InputError(str(folder), f"a model with {name}", "none")
    if _sha256(path.read_bytes()) != known:
        raise DamagedInput(str(path), f"the bytes that {DESCRIPTION} knows", "others", str(path))
    return path


def read_priors(folder: Path, description: dict) -> Tensor:
    """``[C]`` float32, logarithms. Raises InputError when they do not fit the model."""
    path = model_file(folder, PRIORS, description)
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
    path = model_file(folder, (checkpoint or description["checkpoint"]) + SUFFIX, description)
    try:
        model.load_state_dict(read_tensors(path)[0])
    except RuntimeError as error:
        raise InputError(str(path), f"weights of the network in {DESCRIPTION}", str(error)) from None
    return model.to(device).eval(), description


def _untrained(path: Path, description: dict) -> nn.Module:
    try:
        network = description["network"]
        options = ARCHITECTURES[network["arch"]]
        values = {name: network[name] for name in options.__dataclass_fields__}
        values = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
        return options(**values).build(description["in_dim"], description["out_dim"], network["subsampling"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(str(path), "the options of a network", f"{type(error).__name__}: {error}") from None
