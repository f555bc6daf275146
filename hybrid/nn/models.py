"""Networks by name: options, construction, and the two files that hold a trained one.

A model folder has `model.json` (options, dimensions and whatever its program adds) and checkpoints of
weights, `best.pt` and `averaged.pt`; `model.json` names the one to use.
"""

import json
import os
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Optional, Tuple

import torch
from torch import nn

from graphs.errors import InputError
from hybrid.nn.convolution import ConvolutionNetwork
from hybrid.nn.recurrent import BidirectionalLstm

ARCHITECTURES = ("dnn", "tdnn", "cnn_tdnn", "blstm")
DESCRIPTION = "model.json"


@dataclass(frozen=True)
class ModelOptions:
    arch: str = field(default="tdnn", metadata={"help": f"network: one of {', '.join(ARCHITECTURES)}"})
    hidden_dim: int = field(default=256, metadata={
        "help": "units of a hidden layer (blstm: of each direction)"})
    num_layers: int = field(default=6, metadata={
        "help": "hidden layers of dnn and blstm (tdnn: given by dilations)"})
    splice: int = field(default=7, metadata={"help": "dnn: frames on each side of the current one"})
    dilations: Tuple[int, ...] = field(default=(1, 1, 2, 3, 3, 3), metadata={
        "help": "tdnn: for each layer, the step between its three input frames; 0: the layer sees one frame"})
    bottleneck: int = field(default=0, metadata={
        "help": "tdnn: rank of the factored convolutions, 0 for full ones"})
    num_filters: int = field(default=16, metadata={"help": "cnn_tdnn: filters over time and frequency"})
    dropout: float = field(default=0.1, metadata={"help": "share of units dropped after each layer"})
    residual: bool = field(default=True, metadata={"help": "dnn and tdnn: add a layer's input to its output"})
    subsampling: int = field(default=1, metadata={"help": "input frames for each output frame"})

    def __post_init__(self):
        if self.arch not in ARCHITECTURES:
            raise ValueError(f"arch: expected one of {', '.join(ARCHITECTURES)}, found {self.arch!r}")
        for name in ("hidden_dim", "num_layers", "num_filters", "subsampling"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: expected at least 1, found {getattr(self, name)}")
        if self.splice < 0 or self.bottleneck < 0:
            raise ValueError("splice and bottleneck: expected at least 0")
        if not self.dilations or min(self.dilations) < 0:
            raise ValueError(f"dilations: expected numbers from 0 up, found {self.dilations}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout: expected 0 <= dropout < 1, found {self.dropout}")


def build_model(options: ModelOptions, in_dim: int, out_dim: int) -> nn.Module:
    """The network of the options.

    Args:
      in_dim: coefficients of a feature frame.
      out_dim: classes.
    Returns: a module whose ``forward(features [B, T, F], lengths [B])`` gives ``(logits [B, T', C], lengths
      [B])`` and whose result for an utterance depends on no other (in eval mode) and never on padding.
    """
    o = options
    if o.arch == "blstm":
        return BidirectionalLstm(in_dim, out_dim, o.hidden_dim, o.num_layers, o.subsampling, o.dropout)
    if o.arch == "dnn":
        kernels, dilations = [2 * o.splice + 1] + [1] * (o.num_layers - 1), [1] * o.num_layers
    else:
        kernels = [3 if dilation else 1 for dilation in o.dilations]
        dilations = [max(dilation, 1) for dilation in o.dilations]
    # subsampling in the first layer, early and cheap, with windows wide enough to overlap
    strides = [o.subsampling] + [1] * (len(kernels) - 1)
    kernels[0] = max(kernels[0], 2 * o.subsampling - 1)
    return ConvolutionNetwork(
        in_dim, out_dim, o.hidden_dim, kernels, dilations, strides,
        bottleneck=0 if o.arch == "dnn" else o.bottleneck, dropout=o.dropout, residual=o.residual,
        num_filters=o.num_filters if o.arch == "cnn_tdnn" else 0)


def num_parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def write_description(folder: Path, options: ModelOptions, in_dim: int, out_dim: int, **facts) -> None:
    """Writes model.json. facts: JSON-able, e.g. frame_shift; `checkpoint` names the weights to load."""
    names = [f.name for f in fields(ModelOptions)]
    model = {name: value for name, value in asdict(options).items() if name in names}
    text = json.dumps({"model": model, "in_dim": in_dim, "out_dim": out_dim, **facts}, indent=1)
    path = Path(folder) / DESCRIPTION
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(text + "\n", encoding="utf-8")
    os.replace(temporary, path)


def read_description(folder: Path) -> dict:
    """Raises InputError when the folder holds no model."""
    path = Path(folder) / DESCRIPTION
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(str(folder), f"a model folder with {DESCRIPTION}", "none") from None
    except json.JSONDecodeError as error:
        raise InputError(str(path), "JSON", str(error)) from None


def load_model(folder: Path, checkpoint: Optional[str] = None, device: str = "cpu") -> Tuple[nn.Module, dict]:
    """The trained network in eval mode, and its description.

    Args:
      checkpoint: `best`, `averaged`, ...; by default the one that model.json names.
    Raises: InputError when a file is missing or does not fit the description.
    """
    description = read_description(folder)
    options = dict(description["model"])
    options["dilations"] = tuple(options["dilations"])
    model = build_model(ModelOptions(**options), description["in_dim"], description["out_dim"])
    path = Path(folder) / f"{checkpoint or description.get('checkpoint', 'averaged')}.pt"
    if not path.exists():
        raise InputError(str(path), "a checkpoint", "none")
    try:
        model.load_state_dict(torch.load(path, map_location="cpu")["model"])
    except (RuntimeError, KeyError) as error:
        raise InputError(str(path), f"weights of the network in {DESCRIPTION}", str(error)) from None
    return model.to(device).eval(), description
