"""Adapts a trained network to speakers by what a first pass made of their speech.

A few parameters of each speaker (hybrid/speakers/network.py) go down the gradient of the cross-entropy against targets

    (1 - kl_weight) * posteriors of the first pass's lattices + kl_weight * the unadapted network's own

whose second part keeps the adapted network near the other one (Yu et al., "KL-divergence regularized deep neural
network adaptation for improved large vocabulary speech recognition", ICASSP 2013). The network's weights stay.
"""

import math
from dataclasses import dataclass, field
from typing import Dict, List, Mapping, NamedTuple, Tuple

import torch
from torch import Tensor

from graphs.options import check_at_least, check_between, check_choice, check_positive, check_share
from hybrid.outcomes import Outcomes
from hybrid.speakers.network import METHODS, AdaptableNetwork
from hybrid.speakers.posteriors import LatticeScales, Posteriors
from hybrid.speakers.table import Space, SpeakerTable, utterances_of_speakers


@dataclass(frozen=True)
class AdaptOptions(LatticeScales):
    """The section [adapt]."""

    method: str = field(default="lhuc", metadata={
        "help": "lhuc: a factor for each hidden unit; lin: an affine transform of the input"})
    epochs: int = field(default=3, metadata={"help": "times that a speaker's utterances are seen"})
    learning_rate: float = field(default=0.02, metadata={"help": "of Adam; a step is an utterance"})
    kl_weight: float = field(default=0.0, metadata={
        "help": "share of the targets that is the unadapted network's own posteriors"})
    silence_weight: float = field(default=1.0, metadata={"help": "weight of frames of silence"})
    min_frames: float = field(default=100.0, metadata={"help": "frames of a speaker below which nothing is changed"})
    subsampling: int = field(default=1, metadata={
        "help": "feature frames for each frame of the lattices, as for each output of their model"})
    max_failed_share: float = field(default=0.5, metadata={"help": "share of speakers that may lack posteriors"})

    def __post_init__(self):
        super().__post_init__()
        check_at_least(0, self, "epochs", "min_frames")
        check_at_least(1, self, "subsampling")
        check_positive(self, "learning_rate")
        check_choice(METHODS, self, "method")
        check_share(self, "max_failed_share")
        check_between(0, 1, self, "kl_weight", "silence_weight")


class Utterance(NamedTuple):
    """features: ``[T, F]`` as the network sees them; targets, weights: ``[T', C]`` and ``[T']`` of its outputs."""

    features: Tensor
    targets: Tensor
    weights: Tensor


def make_utterance(network, features: Tensor, posteriors: Posteriors, kl_weight: float) -> Utterance:
    """Targets of an utterance; posteriors: at the rate of the features."""
    with torch.no_grad():
        own = _log_posteriors(network, features).exp()
    rows = posteriors.frames // network.subsampling_factor
    sums = torch.zeros(own.shape, dtype=torch.float64)
    sums.index_put_((rows, posteriors.pdf_ids), posteriors.weights, accumulate=True)
    weights = sums.sum(dim=1)
    targets = (sums / weights.clamp_min(1e-10)[:, None]).to(own)
    return Utterance(features, (1 - kl_weight) * targets + kl_weight * own, weights.to(own))


def _log_posteriors(network, features: Tensor) -> Tensor:
    device = next(network.parameters()).device
    logits, _ = network(features[None].to(device), torch.tensor([len(features)], device=device))
    return logits[0].float().log_softmax(dim=1)


def cross_entropy(network, utterance: Utterance) -> Tuple[Tensor, float]:
    """Sum over frames, and their weight."""
    losses = -(utterance.targets * _log_posteriors(network, utterance.features)).sum(dim=1)
    return (losses * utterance.weights).sum(), float(utterance.weights.sum())


def adapt(adaptable: AdaptableNetwork, utterances: List[Utterance], options: AdaptOptions,
          ) -> Tuple[Dict[str, Tensor], List[float]]:
    """A speaker's parameters, and the loss per frame before each epoch and after the last."""
    network = adaptable.network.eval()
    parameters = {name: value.requires_grad_() for name, value in
                  adaptable.first_parameters(options.method).items()}
    trained = {name: value.requires_grad for name, value in network.named_parameters()}
    optimizer = torch.optim.Adam(parameters.values(), options.learning_rate)
    network.requires_grad_(False)
    losses = []
    # cuDNN's recurrent layers know no gradients in eval mode
    with torch.backends.cudnn.flags(enabled=False), adaptable.with_parameters(parameters):
        try:
            for _ in range(options.epochs):
                losses.append(_loss(network, utterances))
                for utterance in utterances:
                    loss, weight = cross_entropy(network, utterance)
                    if weight > 0:
                        optimizer.zero_grad()
                        (loss / weight).backward()
                        optimizer.step()
            losses.append(_loss(network, utterances))
        finally:
            for name, value in network.named_parameters():
                value.requires_grad_(trained[name])
    return {name: value.detach() for name, value in parameters.items()}, losses


@torch.no_grad()
def _loss(network, utterances: List[Utterance]) -> float:
    sums = [cross_entropy(network, utterance) for utterance in utterances]
    return float(sum(loss for loss, _ in sums)) / max(sum(weight for _, weight in sums), 1e-10)


def adapt_speakers(model, transform, features, posteriors: Mapping[str, Posteriors], lacking: Mapping[str, str],
                   options: AdaptOptions, log) -> Tuple[SpeakerTable, Outcomes, dict]:
    """The table of all speakers; one of few frames or none has the parameters that change nothing.

    Args:
      model: hybrid.am.acoustic_model.AcousticModel; transform: SpeakerTransforms of its features, or None.
      features: FeatureReader; posteriors: of its utterances; lacking: utterances without, and why.
    """
    adaptable, outcomes = AdaptableNetwork(model.network, model.feature_dim), Outcomes(log)
    values, before, after = {}, {}, {}
    for speaker, utterance_ids in utterances_of_speakers(features).items():
        known = [utterance_id for utterance_id in utterance_ids if utterance_id in posteriors]
        frames = sum(float(posteriors[utterance_id].weights.sum()) for utterance_id in known)
        reason = [f"{utterance_id}: {lacking[utterance_id]}" for utterance_id in utterance_ids
                  if utterance_id in lacking]
        values[speaker] = adaptable.first_parameters(options.method)
        if frames >= max(options.min_frames, 1.0):
            utterances = [make_utterance(model.network, transform(features[i], 0, i) if transform else features[i],
                                         posteriors[i], options.kl_weight) for i in known]
            values[speaker], losses = adapt(adaptable, utterances, options)
            before[speaker], after[speaker] = losses[0], losses[-1]
        else:
            reason.insert(0, f"not adapted, of {frames:.0f} frames")
        outcomes.add(speaker, ("partial" if frames else "failed") if reason else "done", "; ".join(reason))
    table = SpeakerTable.of(Space(options.method, adaptable.fits), values)
    facts = {"outcomes": outcomes.counts, "loss_before": _mean(before), "loss_after": _mean(after)}
    log.info("%s; cross-entropy %.4f, before %.4f", outcomes.summary(), facts["loss_after"], facts["loss_before"])
    return table, outcomes, facts


def _mean(losses: Mapping[str, float]) -> float:
    return sum(losses.values()) / len(losses) if losses else math.nan
