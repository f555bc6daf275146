"""The CTC model over phones that starts the bootstrap: features in, log posteriors of the token_ids out.

token_id 0 is blank, token_id p is phone_id p. Its folder holds model.json, weights, and as priors the average
posteriors over the training data (hybrid/nn/model_folder.py).
"""

from pathlib import Path
from typing import Optional

import torch
from torch import Tensor, nn

from hybrid.nn.inputs import checked_batch, utterance_batch
from hybrid.nn.model_folder import load_model, read_priors


class CtcModel:
    """
    Attributes:
      num_tokens: 1 + number of phones.
      subsampling_factor: feature frames for each frame of the posteriors.
      log_priors: ``[num_tokens]`` float32, log of the average posteriors.
      feature_dim: coefficients of a frame.
      frame_shift: of the features, seconds.
    """

    def __init__(self, network: nn.Module, log_priors: Tensor, feature_dim: int, frame_shift: float = 0.01):
        self.network = network.eval()
        self.device = next(network.parameters()).device
        self.log_priors = log_priors.float()
        self.feature_dim, self.frame_shift = feature_dim, frame_shift
        self.num_tokens = len(log_priors)
        self.subsampling_factor = network.subsampling_factor

    @classmethod
    def load(cls, folder: Path, checkpoint: Optional[str] = None, device: str = "cpu") -> "CtcModel":
        """checkpoint: `best`, `averaged`, ...; by default the one that model.json names.

        Raises: InputError when a file is missing or does not fit.
        """
        network, description = load_model(folder, checkpoint, device)
        log_priors = read_priors(folder, description)
        return cls(network, log_priors, description["in_dim"], description["frame_shift"])

    @torch.no_grad()
    def log_posteriors(self, features: Tensor) -> Tensor:
        """Posteriors of one utterance.

        Args:
          features: ``[T, feature_dim]`` floats, a tensor or a numpy array, normalized as in training; T at least 1.
        Returns: ``[ceil(T / subsampling_factor), num_tokens]`` float32, column = token_id; row t stands for
          the feature frames ``t * subsampling_factor`` and on.
        Raises: InputError for another shape or type, or numbers that are not finite.
        """
        features, lengths = checked_batch(*utterance_batch(features, self.feature_dim), self.feature_dim)
        logits, _ = self.network(features.to(self.device), lengths.to(self.device))
        return logits[0].float().log_softmax(dim=-1)
