"""fMLLR transforms for the speakers of a features folder, and the Gaussians that they fit (speaker-adaptive training).

On the training set transforms and Gaussians are estimated in turn: the Gaussians come to describe speech of which the
speakers' differences are taken off, and transforms of other speakers lead there (Anastasakos et al., "A compact model
for speaker-adaptive training", ICSLP 1996).

In this the Gaussians' space drifts from that of the features, in a direction common to all speakers: the mean of the
transforms. It stays with the Gaussians (`common`), and the speakers' transforms are told in the features' own space,
where the mean speaker's is the identity: what a network is to see keeps the look of features, and a speaker of whom
nothing is known is taken as the mean one.
"""

from pathlib import Path
from typing import Dict, Iterator, List, Mapping, NamedTuple, Tuple

import torch
from torch import Tensor

from graphs.errors import InputError
from hybrid.outcomes import Outcomes
from hybrid.speakers.affine import apply, compose, identity, inverse, log_volume
from hybrid.speakers.fmllr import FmllrOptions, FmllrStats, Found, best_transform
from hybrid.speakers.gaussians import Gaussians, estimate, grown
from hybrid.speakers.posteriors import Posteriors
from hybrid.speakers.table import Space, SpeakerTable, utterances_of_speakers
from hybrid.speakers.transforms import MATRIX

KIND = "fmllr"


class Evidence(NamedTuple):
    """What is known of a set of utterances.

    features: FeatureReader; posteriors: of all frames, for Gaussians; counted: with frames of silence weighted, for
    transforms. Utterances that lack them are left out.
    """

    features: object
    posteriors: Mapping[str, Posteriors]
    counted: Mapping[str, Posteriors]


def train(evidence: Evidence, num_pdfs: int, options: FmllrOptions, log) -> Tuple[Gaussians, Dict[str, Found]]:
    """Gaussians, and the transform of every speaker of the training set."""
    speakers = utterances_of_speakers(evidence.features)
    dim = evidence.features.dim
    found = {speaker: Found(identity(dim), "none", 0.0) for speaker in speakers}
    gaussians = grown(options.components, lambda previous: _gaussians(
        evidence, speakers, found, previous, num_pdfs, options))
    for number in range(1, options.rounds + 1):
        found = transforms(evidence, gaussians, options, {speaker: one.transform for speaker, one in found.items()})
        gaussians = _gaussians(evidence, speakers, found, gaussians, num_pdfs, options)
        log.info("round %d: log-likelihood per frame %.4f", number, log_likelihood(evidence, gaussians, found))
    common = torch.stack([one.transform for one in found.values()]).mean(dim=0)
    gaussians = Gaussians(gaussians.means, gaussians.variances, gaussians.log_weights, common)
    starts = {speaker: compose(one.transform, inverse(common)) for speaker, one in found.items()}
    return gaussians, transforms(evidence, gaussians, options, starts)


def _gaussians(evidence: Evidence, speakers: Mapping[str, List[str]], found: Mapping[str, Found], previous,
               num_pdfs: int, options: FmllrOptions) -> Gaussians:
    data = _transformed(evidence, speakers, found, identity(evidence.features.dim))
    return estimate(data, previous, num_pdfs, evidence.features.dim, options.variance_floor)[0]


def _transformed(evidence: Evidence, speakers: Mapping[str, List[str]], found: Mapping[str, Found],
                 common: Tensor) -> Iterator[Tuple[Tensor, Posteriors]]:
    for speaker, utterance_ids in speakers.items():
        transform = compose(found[speaker].transform, common)
        for utterance_id in utterance_ids:
            if utterance_id in evidence.posteriors:
                yield apply(transform, evidence.features[utterance_id].double()), evidence.posteriors[utterance_id]


def transforms(evidence: Evidence, gaussians: Gaussians, options: FmllrOptions,
               starts: Mapping[str, Tensor] = {}) -> Dict[str, Found]:
    """The transform of every speaker, after the Gaussians' common one; starts: to go on from, by default the identity.
    """
    if gaussians.dim != evidence.features.dim:
        raise InputError("Gaussians", f"{evidence.features.dim} features", str(gaussians.dim))
    shares = _shares(evidence, gaussians.num_pdfs) if options.prior_frames else None
    found = {}
    for speaker, utterance_ids in utterances_of_speakers(evidence.features).items():
        start = starts.get(speaker, identity(gaussians.dim))
        stats = FmllrStats(gaussians.dim)
        for utterance_id in utterance_ids:
            if utterance_id in evidence.counted:
                features = apply(gaussians.common, evidence.features[utterance_id].double())
                stats.add(features, gaussians, evidence.counted[utterance_id], start)
        frames = stats.beta
        if shares is not None:
            stats.add_expected(gaussians, shares, options.prior_frames)
        blocks = 1 if options.mix_deltas else evidence.features.dim // evidence.features.base_dim
        found[speaker] = best_transform(stats, frames, start, options, blocks)
    return found


def _shares(evidence: Evidence, num_pdfs: int) -> Tensor:
    """``[num_pdfs]``: of the weight of all frames."""
    counts = torch.zeros(num_pdfs, dtype=torch.float64)
    for one in evidence.counted.values():
        counts.index_add_(0, one.pdf_ids, one.weights)
    return counts / counts.sum()


def log_likelihood(evidence: Evidence, gaussians: Gaussians, found: Mapping[str, Found]) -> float:
    """Per frame, of the features as they are: log |det A| counts."""
    total = count = 0.0
    speakers = utterances_of_speakers(evidence.features)
    for speaker, utterance_ids in speakers.items():
        volume = log_volume(found[speaker].transform) + log_volume(gaussians.common)
        for features, posteriors in _transformed(evidence, {speaker: utterance_ids}, found, gaussians.common):
            weight = float(posteriors.weights.sum())
            total += gaussians.occupancies(features, posteriors)[1] + weight * volume
            count += weight
    return total / max(count, 1.0)


def write_transforms(out: Path, gaussians: Gaussians, found: Mapping[str, Found], evidence: Evidence,
                     lacking: Mapping[str, str], options: FmllrOptions, log) -> dict:
    """speakers.safetensors and outcomes.tsv; returns facts for the stage record.

    A speaker whose frames allow less than a full transform is `partial`, one without any posteriors `failed` (and gets
    the identity, the mean speaker's).

    lacking: utterances without posteriors, and why.
    Raises: TooManyFailures.
    """
    outcomes = Outcomes(log)
    for speaker, utterance_ids in utterances_of_speakers(evidence.features).items():
        without = [f"{utterance_id}: {lacking[utterance_id]}" for utterance_id in utterance_ids
                   if utterance_id in lacking]
        frames = sum(float(evidence.counted[i].weights.sum()) for i in utterance_ids if i in evidence.counted)
        form = found[speaker].form
        reason = "; ".join([f"transform: {form}, of {frames:.0f} frames", *without])
        good = form == "full" and not without
        outcomes.add(speaker, "done" if good else "partial" if frames else "failed", "" if good else reason)
    outcomes.write(out / "outcomes.tsv")
    outcomes.check(options.max_failed_share, "fMLLR")
    back = inverse(gaussians.common)
    table = SpeakerTable.of(Space(KIND, gaussians.fingerprint()), {
        speaker: {MATRIX: compose(back, compose(one.transform, gaussians.common))} for speaker, one in found.items()})
    table.write(out)
    counted = evidence._replace(posteriors=evidence.counted)
    likelihood = log_likelihood(counted, gaussians, found)
    plain = log_likelihood(counted, gaussians,
                           {speaker: Found(identity(gaussians.dim), "none", 0.0) for speaker in found})
    log.info("%s; log-likelihood per frame %.3f, without transforms %.3f", outcomes.summary(), likelihood, plain)
    return {"outcomes": outcomes.counts, "log_likelihood_per_frame": likelihood, "without_transforms": plain,
            "gain": {speaker: round(one.gain, 4) for speaker, one in found.items()}}
