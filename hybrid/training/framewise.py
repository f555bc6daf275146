"""Trains an acoustic model on alignments, frame by frame.

For aligning again take a narrow window (arch=dnn, splice=1). A network that sees far learns the systematic
shifts of the alignment it is trained on; one that sees three frames learns less of them (and what is common
to all phones is taken off before, hybrid/align/delay.py). On synthesized speech one round from a CTC alignment
off by 19.0 ms on average came out at 15.1 ms with splice=1 and at 17.8 ms with splice=3; a second round at
12.6 ms.
"""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, Iterable, Mapping, Optional, Tuple

import numpy as np
import torch

from graphs.errors import InputError
from graphs.hmm.context_tree import ContextTree
from graphs.hmm.hmm_folder import write_hmm
from graphs.hmm.transitions import TransitionModel
from graphs.options import check_at_least, check_choice, check_chosen, check_positive, check_share, flat
from hybrid.align.alignment import Alignment
from hybrid.align.priors import log_priors_from_counts, pdf_counts
from hybrid.data.batches import FeatureBatches
from hybrid.data.copies import of_original
from hybrid.data.features import FeatureReader
from hybrid.data.perturb import PerturbOptions, Tempo, augmentation
from hybrid.data.transforms import SpecAugmentOptions
from hybrid.nn.architectures import arch_field
from hybrid.nn.frequency import fit_to_features
from hybrid.nn.model_folder import num_parameters, write_description, write_priors
from hybrid.outcomes import Outcomes
from hybrid.speakers.transforms import SpeakerTransforms
from hybrid.training.chunks import ChunkBatches
from hybrid.training.ctc import average_posteriors, check_same_features
from hybrid.training.device import seed_everything
from hybrid.training.loop import Trainer, TrainerOptions
from hybrid.training.losses import FrameCrossEntropy
from hybrid.training.start import start_network

PRIOR_SOURCES = ("alignments", "posteriors")
UNBOUNDED_CONTEXT = 20  # frames around a chunk of a network that sees all frames
FRAME_TOLERANCE = 1  # frames by which an alignment may differ from its features


@dataclass(frozen=True)
class AmOptions(TrainerOptions, SpecAugmentOptions, PerturbOptions):
    """The section [am]: network, training, augmentation, and what only frame-wise training has."""

    arch: object = arch_field()
    max_duration: float = field(default=40.0, metadata={"help": "seconds of speech in a batch"})
    chunk_frames: int = field(default=0, metadata={
        "help": "train on chunks of so many frames, cut anew in each epoch; 0 trains on whole utterances"})
    subsampling: int = field(default=1, metadata={
        "help": "input frames for each output frame; the alignments must have that frame rate"})
    every: int = field(default=1, metadata={
        "help": "a step looks at every so many-th frame, from a random one on; 3 with upper dilations that "
                "are multiples of 3 takes half the time"})
    spec_augment: bool = field(default=True, metadata={"help": "blank spans of time and frequency bands"})
    label_smoothing: float = field(default=0.0, metadata={
        "help": "share of a target's probability that is spread over all pdf_ids"})
    prior_scale: float = field(default=1.0, metadata={
        "help": "power of the priors that decoding divides out"})
    prior_floor: float = field(default=1e-5, metadata={"help": "smallest prior of a pdf_id"})
    priors: str = field(default="alignments", metadata={
        "help": "where priors come from: frame counts of the alignments, or the average posteriors"})
    max_failed_share: float = field(default=0.1, metadata={
        "help": "share of utterances that may lack an alignment that fits"})

    def __post_init__(self):
        for part in (TrainerOptions, SpecAugmentOptions, PerturbOptions):
            part.__post_init__(self)
        check_chosen(self)
        check_positive(self, "max_duration")
        check_at_least(0, self, "chunk_frames")
        check_at_least(1, self, "every", "subsampling")
        if self.every > 1 and not self.arch.thins:
            raise ValueError(f"every: expected 1 for a network that cannot leave frames out, found {self.every}")
        if self.every > 1 and self.subsampling > 1:
            raise ValueError(f"every: expected 1 with subsampling = {self.subsampling}, found {self.every}")
        check_share(self, "label_smoothing", "max_failed_share")
        check_at_least(0, self, "prior_scale")
        if not 0 < self.prior_floor < 1:
            raise ValueError(f"prior_floor: expected between 0 and 1, found {self.prior_floor}")
        check_choice(PRIOR_SOURCES, self, "priors")


def usable_pdf_ids(features, alignments: Mapping[str, Alignment], transitions: TransitionModel,
                   outcomes: Outcomes, ids: Optional[Iterable[str]] = None, subsampling: int = 1,
                   ) -> Dict[str, np.ndarray]:
    """utterance_id -> pdf_ids of its output frames, where an alignment fits; others are named in `outcomes`.

    A copy without an alignment of its own has that of its original.

    Args:
      features: ``features.ids`` and ``features.num_frames(utterance_id)``.
      ids: these utterances only.
      subsampling: input frames for each output frame, and so for each of an alignment.
    Raises: InputError when an alignment holds transition_ids that the model lacks.
    """
    found = {}
    for utterance_id in features.ids if ids is None else ids:
        alignment = of_original(alignments, utterance_id)
        frames = -(-features.num_frames(utterance_id) // subsampling)
        if alignment is None:
            outcomes.add(utterance_id, "no_alignment", "features without an alignment")
        elif abs(alignment.num_frames - frames) > FRAME_TOLERANCE:
            reason = f"{frames} {'output ' * (subsampling > 1)}frames, alignment of {alignment.num_frames}"
            outcomes.add(utterance_id, "other_length", reason)
        else:
            if not 1 <= alignment.transition_ids.min() <= alignment.transition_ids.max() \
                    <= transitions.num_transition_ids:
                raise InputError(f"alignment of {utterance_id}",
                                 f"transition_ids 1 to {transitions.num_transition_ids}",
                                 f"{alignment.transition_ids.min()} to {alignment.transition_ids.max()}")
            outcomes.add(utterance_id)
            found[utterance_id] = alignment.pdf_ids(transitions)
    return found


def train_am(features: FeatureReader, dev: FeatureReader, alignments: Mapping[str, Alignment],
             dev_alignments: Mapping[str, Alignment], tree: ContextTree, transitions: TransitionModel,
             options: AmOptions, out: Path, log, speakers: Optional[SpeakerTransforms] = None,
             dev_speakers: Optional[SpeakerTransforms] = None, start: Optional[Path] = None) -> dict:
    """Trains, and writes a folder that hybrid.am.acoustic_model.AcousticModel loads, and outcomes.tsv.

    Args:
      features, dev: features of the training and the development set, made in the same way.
      alignments, dev_alignments: by utterance_id; both with transition_ids of `transitions`.
      tree: the one that `transitions` was made with; it goes into the folder.
      speakers, dev_speakers: transforms of their features, of the same spaces.
      start: folder of a trained network from whose weights it starts.
    Returns: facts for the stage record.
    Raises: InputError when things do not fit; TooManyFailures when too many utterances are unusable.
    """
    check_same_features(features, dev)
    dim, spaces = transformed_features(features, speakers, dev_speakers)
    out.mkdir(parents=True, exist_ok=True)
    outcomes = Outcomes(log)
    pdf_ids = usable_pdf_ids(features, alignments, transitions, outcomes, subsampling=options.subsampling)
    dev_pdf_ids = usable_pdf_ids(dev, dev_alignments, transitions, outcomes, subsampling=options.subsampling)
    outcomes.write(out / "outcomes.tsv")
    outcomes.check(options.max_failed_share, "acoustic model training")
    seed_everything(options.seed)
    model = options.arch.build(dim, transitions.num_pdfs, options.subsampling)
    if start is not None:
        log.info("%s", start_network(model, start, tree, transitions))
    fit_to_features(model, features)
    log.info("%s with %d parameters, %d pdf_ids; %s", flat(options)["arch"], num_parameters(model),
             transitions.num_pdfs, outcomes.summary())
    trainer = Trainer(
        model, FrameCrossEntropy({**pdf_ids, **dev_pdf_ids}, options.label_smoothing, options.every),
        training_batches(features, list(pdf_ids), model, options, speakers),
        FeatureBatches(dev, options.max_duration, shuffle=False, ids=list(dev_pdf_ids),
                       transforms=[dev_speakers] if dev_speakers else []), options, out, log)
    result = trainer.run()
    counts = pdf_counts((of_original(alignments, utterance_id) for utterance_id in pdf_ids), transitions)
    if options.priors == "posteriors":
        plain = FeatureBatches(features, options.max_duration, shuffle=False, ids=list(pdf_ids),
                               transforms=[speakers] if speakers else [])
        counts = average_posteriors(model, plain, trainer.device).numpy()
    write_priors(out, torch.from_numpy(log_priors_from_counts(counts, options.prior_floor)))
    write_hmm(out, tree, transitions)
    facts = {"dev_loss": result.dev["loss"], "dev_frame_error": result.dev["frame_error"],
             "checkpoint": result.checkpoint, "parameters": num_parameters(model),
             "training_seed": options.seed, "outcomes": outcomes.counts}
    write_description(out, options.arch, dim, transitions.num_pdfs, options.subsampling, speakers=spaces,
                      frame_shift=features.frame_shift, checkpoint=result.checkpoint, prior_scale=options.prior_scale,
                      dev_loss=facts["dev_loss"], training=flat(options))
    trainer.clean_up()
    return facts


def transformed_features(features: FeatureReader, speakers: Optional[SpeakerTransforms],
                         dev_speakers: Optional[SpeakerTransforms]) -> Tuple[int, list]:
    """Columns of what the network sees, and the spaces that its speakers' transforms lead to, for model.json."""
    spaces, dev_spaces = ([list(space) for space in one.spaces] if one else [] for one in (speakers, dev_speakers))
    if spaces != dev_spaces:
        raise InputError("speaker transforms of the development set", f"of {spaces or 'none'}, as in training",
                         f"{dev_spaces or 'none'}")
    return speakers.dim if speakers else features.dim, spaces


def training_batches(features: FeatureReader, ids, model, options: AmOptions,
                     speakers: Optional[SpeakerTransforms] = None):
    """Batches of whole utterances, or of chunks with the network's context around them."""
    transforms = augmentation(options, options.seed, features)
    if speakers:
        transforms.append(speakers)
    tempo = Tempo.for_features(options, options.seed, features)
    if not options.chunk_frames:
        return FeatureBatches(features, options.max_duration, seed=options.seed, ids=ids,
                              transforms=transforms, tempo=tempo)
    # where there is no bound, some frames for a recurrent network to get under way
    context = max(side if math.isfinite(side) else UNBOUNDED_CONTEXT
                  for side in (model.left_context, model.right_context))
    return ChunkBatches(features, ids, options.chunk_frames, int(context),
                        int(options.max_duration / features.frame_shift), options.seed, transforms, tempo,
                        options.subsampling)
