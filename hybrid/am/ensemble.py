"""What decoding and alignment ask for scores: one acoustic model or several, each behind its speakers' transforms."""

from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import List, NamedTuple, Optional, Sequence, Tuple

import torch
from torch import Tensor

from graphs.checks import weights_of
from graphs.errors import InputError
from hybrid.am.acoustic_model import AcousticModel
from hybrid.e2e.ctc_acoustic import ctc_acoustic_model
from hybrid.e2e.model import is_e2e_model
from hybrid.speakers.network import AdaptableNetwork
from hybrid.speakers.table import SpeakerTable, speaker_key
from hybrid.speakers.transforms import SpeakerTransforms, tables_for

AVERAGES = ("log", "linear")


@dataclass(frozen=True)
class EnsembleFolders:
    """Where models and what belongs to them lie; picklable, for processes.

    Attributes:
      models: acoustic models, or end-to-end ones with a CTC output, all over the same transition_ids.
      speakers: tables of speakers for the features; a model takes those that it was trained with.
      weights: of the models; equal ones when empty.
      average: of posteriors, `log` (their logarithms) or `linear`.
      adaptations: tables of speakers' parameters for networks; each is for one of the models.
      ctc_prior_scale: of models that are end-to-end ones with a CTC output.
    """

    models: Tuple[Path, ...]
    speakers: Tuple[Path, ...] = ()
    weights: Tuple[float, ...] = ()
    average: str = "log"
    adaptations: Tuple[Path, ...] = ()
    ctc_prior_scale: float = 0.0

    def load(self, features, device: str = "cpu") -> "Ensemble":
        """features: FeatureReader. Raises: InputError when things do not fit, or a folder of speakers is of no use."""
        tables, adaptations = ([SpeakerTable.read(folder) for folder in folders]
                               for folders in (self.speakers, self.adaptations))
        members, used = [], set()
        for folder in self.models:
            model = (ctc_acoustic_model(folder, self.ctc_prior_scale, device) if is_e2e_model(folder)
                     else AcousticModel.load(folder, device=device))
            chosen = tables_for(str(folder), model.spaces, tables)
            adaptation = _adaptation_of(model, adaptations, features) if adaptations else None
            members.append(Member(model, SpeakerTransforms(chosen, features) if chosen else None, adaptation))
            used.update(map(id, [*chosen, *([adaptation.table] if adaptation else [])]))
        for flag, given in (("--speaker-transforms", tables), ("--adaptation", adaptations)):
            for table in given:
                if id(table) not in used:
                    raise InputError(f"{flag} {table.item}", "what fits one of the models",
                                     f"{table.space.kind} of something else than {', '.join(map(str, self.models))}")
        if self.ctc_prior_scale and not any(map(is_e2e_model, self.models)):
            raise InputError("--ctc-prior-scale", "an end-to-end model among those of --model", "none")
        return Ensemble(members, features, self.weights, self.average)


class Adaptation(NamedTuple):
    """A network and the speakers' parameters for it."""

    network: AdaptableNetwork
    table: SpeakerTable


def _adaptation_of(model: AcousticModel, tables: Sequence[SpeakerTable], features) -> Optional[Adaptation]:
    network = AdaptableNetwork(model.network, model.feature_dim)
    for table in tables:
        if table.space.fits == network.fits:
            for utterance_id in features.ids:  # a speaker that is lacking is named before any work
                table[speaker_key(features, utterance_id)]
            return Adaptation(network, table)
    return None


class Member(NamedTuple):
    """A model, transforms of its features and parameters of its network, where it has them."""

    model: AcousticModel
    transforms: Optional[SpeakerTransforms] = None
    adaptation: Optional[Adaptation] = None

    def log_likelihoods(self, features: Tensor, utterance_id: str, speaker: str) -> Tensor:
        if self.transforms:
            features = self.transforms(features, 0, utterance_id)
        with (self.adaptation.network.with_parameters(self.adaptation.table[speaker]) if self.adaptation
              else nullcontext()):
            return self.model.log_likelihoods(features)


class Ensemble:
    """
    Attributes:
      tree, transitions: graphs.hmm.context_tree.ContextTree and graphs.hmm.transitions.TransitionModel of the models.
      output_shift: seconds from row to row of the log-likelihoods.
    """

    def __init__(self, members: Sequence[Member], features, weights: Sequence[float] = (), average: str = "log"):
        """Raises: InputError for models of different trees, and for weights that cannot be."""
        first = members[0].model
        self.tree, self.transitions = first.tree, first.transitions
        self.output_shift: float = first.output_shift
        for model, *_ in members[1:]:
            if (model.transitions.states != self.transitions.states
                    or model.tree.fingerprint() != self.tree.fingerprint()):
                raise InputError("models", "one tree and its transition_ids", "others")
            if model.output_shift != self.output_shift:
                raise InputError("models", f"rows of {self.output_shift} s", str(model.output_shift))
        weights = weights_of("weights of models", weights, len(members))
        if average not in AVERAGES:
            raise InputError("average", f"one of {', '.join(AVERAGES)}", average)
        self._features, self.average = features, average
        # a model of weight 0 is not asked, so that it leaves no trace
        self._members: List[Tuple[float, Member]] = [
            (weight / sum(weights), member) for weight, member in zip(weights, members) if weight > 0]

    def member(self, number: int) -> Member:
        return self._members[number][1]

    def log_likelihoods(self, features: Tensor, utterance_id: str) -> Tensor:
        """``[T, num_pdfs]`` float32 for features ``[T, F]`` as they are read.

        With the average `log`, the weighted sum of the models' log-likelihoods; with `linear`, the logarithm of the
        weighted sum of their posteriors, minus the weighted sum of their scaled log priors.
        """
        speaker = speaker_key(self._features, utterance_id)
        scores = [member.log_likelihoods(features, utterance_id, speaker) for _, member in self._members]
        if len(scores) == 1:
            return scores[0]
        weights = [weight for weight, _ in self._members]
        if self.average == "log":
            return sum(weight * one for weight, one in zip(weights, scores))
        priors = [member.model.prior_scale * member.model.log_priors for _, member in self._members]
        posteriors = sum(weight * (one + prior).exp() for weight, one, prior in zip(weights, scores, priors))
        smallest = torch.finfo(posteriors.dtype).tiny
        return posteriors.clamp_min(smallest).log() - sum(weight * prior for weight, prior in zip(weights, priors))
