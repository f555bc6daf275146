"""The folder of a trained end-to-end network.

| file                          | content                                                                            |
| ----------------------------- | ---------------------------------------------------------------------------------- |
| e2e.json                      | options of the network, facts, sha256 of all (hybrid/nn/described_folder.py)       |
| best, averaged (.safetensors) | weights; e2e.json names those to use                                               |
| priors (.safetensors)         | average posteriors of the CTC output, log; where there is one                      |
| tokens.txt                    | `TOKEN ID`; with it pieces.model or spellings.txt (hybrid/e2e/tokens.py)           |
"""

from pathlib import Path
from typing import List, Optional, Tuple

import torch
from torch import Tensor

from graphs.errors import InputError
from graphs.options import flat, from_flat, part_of
from hybrid.e2e.network import E2eNetwork, E2eOptions
from hybrid.e2e.tokens import PIECES, SPELLINGS, TOKENS, TokenTable
from hybrid.nn.described_folder import (
    described_file, load_weights, naming_options, read_described, write_described)
from hybrid.nn.inputs import checked_batch
from hybrid.nn.model_folder import PRIORS, WEIGHTS
from hybrid.nn.tensor_file import SUFFIX

E2E_DESCRIPTION = "e2e.json"


def write_e2e_model(folder: Path, options: E2eOptions, tokens: TokenTable, in_dim: int, **facts) -> None:
    """Writes what stands beside the weights, which are there.

    Args:
      options: those that the network was made with, or a subclass.
      facts: JSON-able, e.g. frame_shift; `checkpoint` names the weights to load.
    """
    network = part_of(E2eOptions, options)
    tokens.write(folder)
    write_described(Path(folder) / E2E_DESCRIPTION,
                    {"network": flat(network), "in_dim": in_dim, "num_tokens": tokens.num_tokens, **facts},
                    [*(name + SUFFIX for name in WEIGHTS), PRIORS, TOKENS, PIECES, SPELLINGS])


def is_e2e_model(path: Path) -> bool:
    return (Path(path) / E2E_DESCRIPTION).is_file()


def read_tokens(folder: Path) -> Tuple[TokenTable, bool]:
    """The tokens of a model, and whether it has a CTC output. Raises InputError as E2eModel.load."""
    path, description = _described(folder)
    with naming_options(path):
        options = from_flat(E2eOptions, description["network"])
    return TokenTable.read(folder, options.units), options.ctc_weight > 0


def check_files(folder: Path) -> List[str]:
    """The names of all files of a model. Raises InputError where one is missing or not what was written."""
    path, description = _described(folder)
    for name in description["files"]:
        described_file(path, name, description)
    return list(description["files"])


def _described(folder: Path) -> Tuple[Path, dict]:
    """The file of the description, and what it says, after a look at the files of the tokens."""
    path = Path(folder) / E2E_DESCRIPTION
    description = read_described(path, "a folder of an end-to-end model")
    for name in {TOKENS, PIECES, SPELLINGS} & {*description["files"]}:
        described_file(path, name, description)
    return path, description


class E2eModel:
    """
    Attributes:
      network: in eval mode, on `device`.
      tokens: TokenTable.
      feature_dim: coefficients of a frame.
      frame_shift: of the features, seconds.
      output_shift: seconds from frame to frame of the encoder.
      description: of e2e.json.
    """

    def __init__(self, network: E2eNetwork, tokens: TokenTable, feature_dim: int, frame_shift: float = 0.01,
                 description: Optional[dict] = None):
        self.network, self.tokens = network.eval(), tokens
        self.device = next(network.parameters()).device
        self.feature_dim, self.frame_shift = feature_dim, frame_shift
        self.output_shift = network.subsampling_factor * frame_shift
        self.description = description or {}

    @classmethod
    def load(cls, folder: Path, checkpoint: Optional[str] = None, device: str = "cpu") -> "E2eModel":
        """
        Args:
          checkpoint: `best` or `averaged`; by default the one that e2e.json names.
        Raises: InputError when a file that is needed is missing, damaged or does not fit the description.
        """
        path, description = _described(folder)
        with naming_options(path):
            options = from_flat(E2eOptions, description["network"])
            in_dim, frame_shift = description["in_dim"], description["frame_shift"]
            network = options.build(in_dim, description["num_tokens"])
        tokens = TokenTable.read(folder, options.units)
        if tokens.num_tokens != network.num_tokens:
            raise InputError(str(path.parent / TOKENS), f"{network.num_tokens} tokens", str(tokens.num_tokens))
        load_weights(network, path, description, checkpoint)
        return cls(network.to(device), tokens, in_dim, frame_shift, description)

    @torch.no_grad()
    def encode(self, features: Tensor, lengths: Tensor) -> Tuple[Tensor, Tensor]:
        """Frames of the encoder for a padded batch, on the model's device.

        Args:
          features: ``[B, T, feature_dim]`` floats; lengths: ``[B]`` integers, 1 to T.
        Returns: ``[B, ceil(T / subsampling_factor), encoder_dim]`` and lengths likewise.
        Raises: InputError as hybrid.nn.inputs.checked_batch.
        """
        features, lengths = checked_batch(features, lengths, self.feature_dim)
        return self.network.encode(features.to(self.device), lengths.to(self.device))
