"""The hybrid acoustic model: features in, scaled log-likelihoods of the pdf_ids out.

With a network that gives posteriors p(s|x) and priors p(s), Bayes' rule gives likelihoods up to a term that
no search sees, log p(x|s) = log p(s|x) - log p(s) + log p(x) (Bourlard and Morgan, 1994); a prior scale below
one trusts the priors less.

A model folder holds model.json, weights and priors (hybrid/nn/model_folder.py), `transitions` and `tree`
(graphs/hmm/hmm_folder.py).
"""

import math
from pathlib import Path
from typing import Optional, Sequence, Tuple

import torch
from torch import Tensor, nn

from graphs.errors import InputError
from graphs.hmm.hmm_folder import TRANSITIONS, TREE, read_hmm
from hybrid.nn.inputs import checked_batch, utterance_batch
from hybrid.nn.model_folder import load_model, model_file, read_priors
from hybrid.speakers.table import Space


class AcousticModel:
    """
    Attributes:
      num_pdfs: columns of the log-likelihoods.
      feature_dim: coefficients of a frame.
      frame_shift: of the features, seconds.
      subsampling_factor: feature frames for each row of the log-likelihoods.
      output_shift: seconds from row to row.
      log_priors: ``[num_pdfs]`` float32.
      prior_scale: the share of the priors that is divided out.
      tree, transitions: graphs.hmm.context_tree.ContextTree and graphs.hmm.transitions.TransitionModel of the
        alignments it was trained on.
      spaces: of the speakers' transforms that its features come through, in order (hybrid/speakers/transforms.py).
    """

    def __init__(self, network: nn.Module, log_priors: Tensor, tree, transitions, feature_dim: int,
                 prior_scale: float = 1.0, frame_shift: float = 0.01, spaces: Sequence[Tuple[str, str]] = ()):
        if not (math.isfinite(prior_scale) and prior_scale >= 0):
            raise InputError("prior_scale", "a number of at least 0", str(prior_scale))
        self.device = next(network.parameters()).device
        self.network = network.eval()
        self.log_priors = log_priors.float().to(self.device)
        self.tree, self.transitions, self.feature_dim = tree, transitions, feature_dim
        self.prior_scale, self.frame_shift = prior_scale, frame_shift
        self.subsampling_factor: int = network.subsampling_factor
        self.output_shift = self.subsampling_factor * frame_shift
        self.num_pdfs, self.spaces = len(log_priors), [Space(*space) for space in spaces]

    @classmethod
    def load(cls, folder: Path, checkpoint: Optional[str] = None, prior_scale: Optional[float] = None,
             device: str = "cpu") -> "AcousticModel":
        """
        Args:
          checkpoint: `best`, `averaged`, ...; by default the one that model.json names.
          prior_scale: by default the one the model was trained with.
        Raises: InputError when a file is missing or does not fit.
        """
        folder = Path(folder)
        network, description = load_model(folder, checkpoint, device)
        log_priors = read_priors(folder, description)
        model_file(folder, TRANSITIONS, description)
        if TREE in description["files"] or (folder / TREE).exists():  # models of monophones may lack it
            model_file(folder, TREE, description)
        tree, transitions = read_hmm(folder)
        if transitions.num_pdfs != description["out_dim"]:
            raise InputError(str(folder / TRANSITIONS), f"{description['out_dim']} pdf_ids", str(transitions.num_pdfs))
        scale = description["prior_scale"] if prior_scale is None else prior_scale
        return cls(network, log_priors, tree, transitions, description["in_dim"], scale, description["frame_shift"],
                   description.get("speakers", []))

    def log_likelihoods(self, features: Tensor) -> Tensor:
        """Scores of one utterance.

        Args:
          features: ``[T, feature_dim]`` floats, a tensor or a numpy array, normalized as in training; T at least 1.
        Returns: ``[ceil(T / subsampling_factor), num_pdfs]`` float32, log posterior - prior_scale * log prior.
        Raises: InputError for another shape or type, or numbers that are not finite.
        """
        return self.batch_log_likelihoods(*utterance_batch(features, self.feature_dim))[0][0]

    def batch_log_likelihoods(self, features: Tensor, lengths: Tensor) -> Tuple[Tensor, Tensor]:
        """Scores of a padded batch, on the model's device.

        Args:
          features: ``[B, T, feature_dim]`` floats; lengths: ``[B]`` integers, 1 to T.
        Returns: ``[B, ceil(T / subsampling_factor), num_pdfs]`` and lengths likewise; rows at and beyond an
          utterance's length mean nothing.
        Raises: InputError as log_likelihoods, and for lengths that do not fit.
        """
        log_posteriors, lengths = self.batch_log_posteriors(features, lengths)
        return log_posteriors - self.prior_scale * self.log_priors, lengths

    @torch.no_grad()
    def batch_log_posteriors(self, features: Tensor, lengths: Tensor) -> Tuple[Tensor, Tensor]:
        """As batch_log_likelihoods, without priors."""
        features, lengths = checked_batch(features, lengths, self.feature_dim)
        logits, lengths = self.network(features.to(self.device), lengths.to(self.device))
        return logits.float().log_softmax(dim=-1), lengths
