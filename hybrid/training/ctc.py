"""Trains the CTC model over phones that starts the bootstrap."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List

import torch
from torch import Tensor

from graphs.errors import InputError
from graphs.lang.lang import Lang
from graphs.options import check_at_least, check_between, check_choice, check_chosen, check_positive, flat
from graphs.text_file import split_blanks
from hybrid.data.batches import FeatureBatches
from hybrid.data.features import FeatureReader
from hybrid.data.perturb import PerturbOptions, Tempo, augmentation
from hybrid.data.transforms import SpecAugmentOptions
from hybrid.nn.architectures import arch_field
from hybrid.nn.ctc import min_frames
from hybrid.nn.frequency import fit_to_features
from hybrid.nn.model_folder import num_parameters, write_description, write_priors
from hybrid.nn.padding import frame_mask
from hybrid.outcomes import Outcomes
from hybrid.training.device import seed_everything
from hybrid.training.loop import Trainer, TrainerOptions
from hybrid.training.losses import CtcWithPrior

SILENCE_TARGETS = ("none", "edges", "words")
# Phone error of a model whose alignment no later training mends: with 0.57 and 0.55 egs/an4's and egs/custom's systems
# came to 23 and 28 % WER, with 0.75 those of egs/synth (four minutes of speech) to 98 %.
LITTLE_LEARNT = 0.65


@dataclass(frozen=True)
class CtcOptions(TrainerOptions, SpecAugmentOptions, PerturbOptions):
    """The section [ctc]: network, training, augmentation, and what only CTC has."""

    arch: object = arch_field()
    subsampling: int = field(default=3, metadata={"help": "input frames for each output frame"})
    epochs: int = field(default=20, metadata={"help": "passes over the training data"})
    max_duration: float = field(default=40.0, metadata={"help": "seconds of speech in a batch"})
    spec_augment: bool = field(default=True, metadata={"help": "blank spans of time and frequency bands"})
    label_prior_scale: float = field(default=0.3, metadata={
        "help": "power of the label priors that training divides out, against peaks; 0 is plain CTC"})
    silence_target: str = field(default="none", metadata={
        "help": "where the targets have silence: none (blank stands for it), edges of the utterance, or words "
                "(there and between all words, for speech with a pause after each word)"})
    max_failed_share: float = field(default=0.05, metadata={
        "help": "share of utterances that may be unusable"})

    def __post_init__(self):
        for part in (TrainerOptions, SpecAugmentOptions, PerturbOptions):
            part.__post_init__(self)
        check_chosen(self)
        check_at_least(1, self, "subsampling")
        check_positive(self, "max_duration")
        check_choice(SILENCE_TARGETS, self, "silence_target")
        check_between(0, 1, self, "label_prior_scale", "max_failed_share")


def target_tokens(lang: Lang, text: str, silence_target: str = "none") -> List[int]:
    """token_ids of a transcript: those of the first pronunciation of each word (token_id p is phone_id p)."""
    tokens = lang.phone_ids(text)
    if silence_target == "none" or not lang.optional_silence or not tokens:
        return tokens
    silence = lang.phones.id_of(lang.optional_silence)
    if silence_target == "edges":
        return [silence, *tokens, silence]
    return [silence] + [token for word in split_blanks(text) for token in (*lang.phone_ids(word), silence)]


def usable_targets(features: FeatureReader, lang: Lang, options: CtcOptions, outcomes: Outcomes,
                   ) -> Dict[str, List[int]]:
    """Targets of the utterances that CTC can learn from; the others are named in `outcomes`."""
    targets = {}
    for utterance_id in features.ids:
        tokens = target_tokens(lang, features.text(utterance_id), options.silence_target)
        frames = -(-features.num_frames(utterance_id) // options.subsampling)
        if not tokens:
            outcomes.add(utterance_id, "empty", "a transcript without phones")
        elif min_frames(tokens) > frames:
            reason = f"{frames} frames after subsampling for {len(tokens)} phones"
            outcomes.add(utterance_id, "too_short", reason)
        else:
            outcomes.add(utterance_id)
            targets[utterance_id] = tokens
    return targets


def train_ctc(features: FeatureReader, dev: FeatureReader, lang: Lang, options: CtcOptions, out: Path, log,
              ) -> dict:
    """Trains, and writes a folder that hybrid.align.ctc_model.CtcModel loads, and outcomes.tsv.

    Args:
      features, dev: features of the training and the development set, made in the same way.
    Returns: facts for the stage record.
    Raises: InputError when the two sets do not fit; TooManyFailures when too many utterances are unusable.
    """
    check_same_features(features, dev)
    out.mkdir(parents=True, exist_ok=True)
    outcomes = Outcomes(log)
    targets = usable_targets(features, lang, options, outcomes)
    dev_targets = usable_targets(dev, lang, options, outcomes)
    outcomes.write(out / "outcomes.tsv")
    outcomes.check(options.max_failed_share, "CTC training")
    seed_everything(options.seed)
    num_tokens = 1 + lang.num_phones
    model = options.arch.build(features.dim, num_tokens, options.subsampling)
    fit_to_features(model, features)
    log.info("%s with %d parameters, %d tokens; %s", flat(options)["arch"], num_parameters(model), num_tokens,
             outcomes.summary())
    trainer = Trainer(
        model, CtcWithPrior({**targets, **dev_targets}, num_tokens, options.label_prior_scale),
        training_batches(features, targets, options),
        FeatureBatches(dev, options.max_duration, shuffle=False, ids=list(dev_targets)), options, out, log)
    result = trainer.run()
    plain = FeatureBatches(features, options.max_duration, shuffle=False, ids=list(targets))
    write_priors(out, average_posteriors(model, plain, trainer.device).clamp(min=1e-8).log())
    if result.dev["phone_error"] > LITTLE_LEARNT:
        log.warning("phone error %.0f %% on the development set: after %d updates the model knows so little that its "
                    "alignment is of no use; more epochs (ctc.epochs=%d) or smaller batches (ctc.max_duration=%g) "
                    "make more updates", 100 * result.dev["phone_error"], trainer.at.step, 3 * options.epochs,
                    options.max_duration / 2)
    facts = {"phone_error": result.dev["phone_error"], "checkpoint": result.checkpoint,
             "parameters": num_parameters(model), "training_seed": options.seed, "outcomes": outcomes.counts}
    write_description(out, options.arch, features.dim, num_tokens, options.subsampling,
                      frame_shift=features.frame_shift, checkpoint=result.checkpoint, phone_error=facts["phone_error"],
                      phones=lang.phones.symbols[1:num_tokens], training=flat(options))
    trainer.clean_up()
    return facts


def training_batches(features: FeatureReader, targets: Dict[str, List[int]], options: CtcOptions) -> FeatureBatches:
    """Augmented as the options say; no utterance gets so fast that its targets do not fit any more."""
    least = {utterance_id: options.subsampling * (min_frames(tokens) - 1) + 1
             for utterance_id, tokens in targets.items()}
    return FeatureBatches(features, options.max_duration, seed=options.seed, ids=list(targets),
                          transforms=augmentation(options, options.seed, features),
                          tempo=Tempo.for_features(options, options.seed, features, least))


def check_same_features(features: FeatureReader, dev: FeatureReader) -> None:
    """Raises InputError when the dimensions or the frame shifts of two features folders differ."""
    for name in ("dim", "frame_shift"):
        if getattr(features, name) != getattr(dev, name):
            raise InputError(f"{name} of the development features",
                             f"{getattr(features, name)} as in training", str(getattr(dev, name)))


@torch.no_grad()
def average_posteriors(model, batches, device) -> Tensor:
    """``[C]`` float64: mean posterior of each class over all frames of the batches of epoch 0."""
    model.eval()
    total, count = 0, 0
    for batch in batches.batches(0, 0):
        logits, lengths = model(batch.features.to(device), batch.lengths.to(device))
        posteriors = logits.float().softmax(dim=2)[frame_mask(lengths, logits.shape[1])]
        total = total + posteriors.double().sum(dim=0).cpu()
        count += len(posteriors)
    return total / count
