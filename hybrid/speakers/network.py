"""A trained network with a few parameters of a speaker in it, for any architecture, by hooks.

    lin    an affine transform of the network's input (Neto et al., "Speaker-adaptation for hybrid HMM-ANN continuous
           speech recognition system", Eurospeech 1995)
    lhuc   a factor for each hidden unit, 2 / (1 + exp(-a)), 1 at first (Swietojanski and Renals, "Learning hidden unit
           contributions for unsupervised speaker adaptation of neural network acoustic models", SLT 2014)

Hidden units are what comes out of the modules in the network's lists of layers.
"""

from contextlib import contextmanager
from functools import cached_property
from typing import Dict, Mapping

import torch
from torch import Tensor, nn

from graphs.errors import InputError
from hybrid.speakers.affine import apply
from hybrid.speakers.table import fingerprint

METHODS = ("lin", "lhuc")
INPUT = "input"  # the parameter of lin, [F, F + 1]
PROBES = (48, 96)  # frames of two inputs, by which time is told from units


class AdaptableNetwork:
    """
    Attributes:
      fits: fingerprint of the weights; a speaker's parameters fit no others.
    """

    def __init__(self, network: nn.Module, in_dim: int):
        self.network, self.in_dim = network, in_dim
        self.fits = fingerprint(network.state_dict())
        self._layers = {f"{name}.{number}": layer for name, child in network.named_children()
                        if isinstance(child, nn.ModuleList) for number, layer in enumerate(child)}

    def first_parameters(self, method: str) -> Dict[str, Tensor]:
        """Those that change nothing. Raises: InputError for a network without lists of layers."""
        if method == "lin":
            return {INPUT: torch.eye(self.in_dim, self.in_dim + 1)}
        if not self._axes:
            raise InputError(f"method {method}", "a network with hidden layers in module lists",
                             type(self.network).__name__)
        return {name: torch.zeros(shape[axis]) for name, (axis, shape) in self._axes.items()}

    @cached_property
    def _axes(self) -> Dict[str, tuple]:
        """Name of each layer with units -> (dimension of the units, shape): the one that is as long whatever T."""
        shapes: Dict[str, list] = {name: [] for name in self._layers}
        handles = [layer.register_forward_hook(
            lambda module, inputs, output, name=name: shapes[name].append(_first(output).shape))
            for name, layer in self._layers.items()]
        device = next(self.network.parameters()).device
        with torch.no_grad(), _removed(handles):
            for frames in PROBES:
                self.network(torch.zeros(1, frames, self.in_dim, device=device), torch.tensor([frames], device=device))
        found = {}
        for name, (short, long) in shapes.items():
            units = [axis for axis in range(1, len(short)) if short[axis] == long[axis]]
            if len(short) == 3 and len(units) == 1:
                found[name] = (units[0], short)
        return found

    @contextmanager
    def with_parameters(self, parameters: Mapping[str, Tensor]):
        """Within, the network computes with the speaker's parameters; its own stay as they are.

        Raises: InputError for parameters of other layers or sizes.
        """
        for name, value in parameters.items():
            expected = [self.in_dim, self.in_dim + 1] if name == INPUT else (
                [self._axes[name][1][self._axes[name][0]]] if name in self._axes else None)
            if list(value.shape) != expected:
                raise InputError(f"parameters {name} of a speaker", f"shape {expected}, as of the network",
                                 str(list(value.shape)))
        handles = [self._layers[name].register_forward_hook(_scaling(value, self._axes[name][0]))
                   for name, value in parameters.items() if name != INPUT]
        if INPUT in parameters:
            handles.append(self.network.register_forward_pre_hook(_transforming(parameters[INPUT])))
        with _removed(handles):
            yield


@contextmanager
def _removed(handles):
    """Hooks, in the end."""
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _first(output) -> Tensor:
    """A layer gives a tensor, or one first of several things."""
    return output[0] if isinstance(output, tuple) else output


def _transforming(matrix: Tensor):
    def hook(module, inputs):
        features, *others = inputs
        return (apply(matrix.to(features.device), features), *others)
    return hook


def _scaling(parameter: Tensor, axis: int):
    def hook(module, inputs, output):
        values = _first(output)
        factors = 2.0 * torch.sigmoid(parameter.to(values.device))
        values = values * (factors[:, None] if axis == 1 else factors)
        return (values, *output[1:]) if isinstance(output, tuple) else values
    return hook
