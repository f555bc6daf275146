"""What decoding and alignment ask for scores: one acoustic model or several, each behind its speakers' transforms."""

from dataclasses import dataclass
from pathlib import Path
from typing import List, Optional, Sequence, Tuple

import torch
from torch import Tensor

from graphs.errors import InputError
from hybrid.am.acoustic_model import AcousticModel
from hybrid.speakers.table import SpeakerTable
from hybrid.speakers.transforms import SpeakerTransforms, tables_for

AVERAGES = ("log", "linear")


@dataclass(frozen=True)
class EnsembleFolders:
    """Where models and what belongs to them lie; picklable, for processes.

    Attributes:
      models: acoustic models, all over the same transition_ids.
      speakers: tables of speakers for the features; a model takes those that it was trained with.
      weights: of the models; equal ones when empty.
      average: of posteriors, `log` (their logarithms) or `linear`.
    """

    models: Tuple[Path, ...]
    speakers: Tuple[Path, ...] = ()
    weights: Tuple[float, ...] = ()
    average: str = "log"

    def load(self, features, device: str = "cpu") -> "Ensemble":
        """features: FeatureReader. Raises: InputError when things do not fit, or a folder of speakers is of no use."""
        tables = [SpeakerTable.read(folder) for folder in self.speakers]
        models, transforms, used = [], [], set()
        for folder in self.models:
            model = AcousticModel.load(folder, device=device)
            chosen = tables_for(str(folder), model.spaces, tables)
            used.update(id(table) for table in chosen)
            models.append(model)
            transforms.append(SpeakerTransforms(chosen, features) if chosen else None)
        idle = [table.item for table in tables if id(table) not in used]
        if idle:
            raise InputError(f"--speaker-transforms {idle[0]}", "transforms that a model was trained with",
                             f"{', '.join(map(str, self.models))} trained with others or none")
        return Ensemble(models, transforms, self.weights, self.average)


class Ensemble:
    """
    Attributes:
      tree, transitions: graphs.context_tree.ContextTree and graphs.transitions.TransitionModel of the models.
      output_shift: seconds from row to row of the log-likelihoods.
    """

    def __init__(self, models: Sequence[AcousticModel], transforms: Sequence[Optional[SpeakerTransforms]],
                 weights: Sequence[float] = (), average: str = "log"):
        """Raises: InputError for models of different transition_ids, and for weights that cannot be."""
        self.tree, self.transitions = models[0].tree, models[0].transitions
        self.output_shift: float = models[0].output_shift
        for model in models[1:]:
            if (model.transitions.states != self.transitions.states
                    or model.tree.fingerprint() != self.tree.fingerprint()):
                raise InputError("models", "one tree and its transition_ids", "others")
            if model.output_shift != self.output_shift:
                raise InputError("models", f"rows of {self.output_shift} s", str(model.output_shift))
        weights = list(weights) or [1.0] * len(models)
        if len(weights) != len(models) or not (min(weights) >= 0 and 0 < sum(weights) < float("inf")):
            raise InputError("weights of models", f"{len(models)} numbers from 0 up, one above", str(weights))
        if average not in AVERAGES:
            raise InputError("average", f"one of {', '.join(AVERAGES)}", average)
        self.average = average
        # a model of weight 0 is not asked, so that it leaves no trace
        self._members: List[tuple] = [(weight / sum(weights), model, transform) for weight, model, transform
                                      in zip(weights, models, transforms) if weight > 0]

    def log_likelihoods(self, features: Tensor, utterance_id: str) -> Tensor:
        """``[T, num_pdfs]`` float32 for features ``[T, F]`` as they are read.

        With the average `log`, the weighted sum of the models' log-likelihoods; with `linear`, the logarithm of the
        weighted sum of their posteriors, minus the weighted sum of their scaled log priors.
        """
        scores = [model.log_likelihoods(transform(features, 0, utterance_id) if transform else features)
                  for _, model, transform in self._members]
        if len(scores) == 1:
            return scores[0]
        if self.average == "log":
            return sum(weight * one for (weight, _, _), one in zip(self._members, scores))
        priors = [model.prior_scale * model.log_priors for _, model, _ in self._members]
        weights = [weight for weight, _, _ in self._members]
        posteriors = sum(weight * (one + prior).exp() for weight, one, prior in zip(weights, scores, priors))
        smallest = torch.finfo(posteriors.dtype).tiny
        return posteriors.clamp_min(smallest).log() - sum(weight * prior for weight, prior in zip(weights, priors))
