"""Trains an end-to-end network in the loop of the acoustic models: CTC, a decoder, or both (Watanabe et al., 2017)."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Optional, Sequence

from graphs.errors import InputError
from graphs.lang.lang import Lang
from graphs.options import check_positive, check_share, flat
from graphs.text_file import split_blanks
from hybrid.data.batches import FeatureBatches
from hybrid.data.features import FeatureReader
from hybrid.data.perturb import PerturbOptions
from hybrid.data.transforms import SpecAugmentOptions
from hybrid.data.units import PieceModel
from hybrid.e2e.model import write_e2e_model
from hybrid.e2e.network import E2eNetwork, E2eOptions
from hybrid.e2e.tokens import TokenTable
from hybrid.nn.ctc import ctc_loss, greedy_tokens, min_frames
from hybrid.nn.frequency import fit_to_features
from hybrid.nn.model_folder import num_parameters, write_priors
from hybrid.outcomes import Outcomes
from hybrid.recognize.edit_distance import edit_distance
from hybrid.training.ctc import average_posteriors, check_same_features, training_batches
from hybrid.training.device import seed_everything
from hybrid.training.loop import Trainer, TrainerOptions
from hybrid.training.losses import StatelessObjective
from hybrid.training.start import start_e2e


@dataclass(frozen=True)
class E2eTrainingOptions(TrainerOptions, SpecAugmentOptions, PerturbOptions, E2eOptions):
    """The section [e2e]: network, training, augmentation."""

    epochs: int = field(default=40, metadata={"help": "passes over the training data"})
    max_duration: float = field(default=40.0, metadata={"help": "seconds of speech in a batch"})
    spec_augment: bool = field(default=True, metadata={"help": "blank spans of time and frequency bands"})
    max_failed_share: float = field(default=0.05, metadata={"help": "share of utterances that may be unusable"})

    def __post_init__(self):
        for part in (TrainerOptions, SpecAugmentOptions, PerturbOptions, E2eOptions):
            part.__post_init__(self)
        check_positive(self, "max_duration")
        check_share(self, "max_failed_share")


class E2eLoss(StatelessObjective):
    """``ctc_weight * CTC + (1 - ctc_weight) * decoder``, each -log p of the transcripts by tokens and sentences.

    Figures: `loss`; `ctc` and `token_error` (of the best token of each frame) where there is CTC; `decoder` and what
    else the decoder measures.
    """

    figure = "loss"

    def __init__(self, tokens: Dict[str, Sequence[int]]):
        """tokens: utterance_id -> token_ids without blanks."""
        self.tokens = tokens

    def __call__(self, model: E2eNetwork, batch, device) -> dict:
        encoded, lengths = model.encode(batch.features.to(device), batch.lengths.to(device))
        targets = [list(self.tokens[utterance_id]) for utterance_id in batch.utterance_ids]
        weight = sum(len(tokens) + 1 for tokens in targets)
        figures, total = {}, 0.0
        if model.ctc is not None:
            log_probs = model.ctc_log_probs(encoded)
            ctc = ctc_loss(log_probs, lengths, targets).sum()
            figures["ctc"], total = (ctc.detach(), weight), model.ctc_weight * ctc
            if not model.training:
                figures["token_error"] = _errors(log_probs.cpu(), lengths.tolist(), targets)
        if model.decoder is not None:
            found = model.decoder.loss(encoded, lengths, targets)
            loss, counted = found.pop("loss")
            figures.update(found, decoder=(loss.detach(), counted))
            total = total + (1 - model.ctc_weight) * loss
        return {"loss": (total, weight), **figures}


def _errors(log_probs, lengths: List[int], targets: List[List[int]]):
    errors = sum(edit_distance(tokens, greedy_tokens(log_probs[row, :lengths[row]]))
                 for row, tokens in enumerate(targets))
    return errors, sum(map(len, targets))


def make_tokens(features: FeatureReader, lang: Optional[Lang], options: E2eOptions) -> TokenTable:
    """Those of the training transcripts, or the phones of the lang folder. InputError when that is not given."""
    if options.units == "phone":
        if lang is None:
            raise InputError("--lang", "a lang folder, for units = phone", "none")
        return TokenTable.phones(lang)
    sentences = [split_blanks(features.text(utterance_id)) for utterance_id in features.ids]
    if options.units == "character":
        return TokenTable.characters(sentences)
    texts = [" ".join(words) for words in sentences if words]
    return TokenTable.of_pieces(PieceModel.train(texts, options.num_pieces, options.piece_model))


def usable_tokens(features: FeatureReader, tokens: TokenTable, options: E2eOptions, outcomes: Outcomes,
                  ) -> Dict[str, List[int]]:
    """Targets of the utterances that can be learnt from; the others are named in `outcomes`."""
    targets = {}
    for utterance_id in features.ids:
        found = tokens.encode(split_blanks(features.text(utterance_id)))
        frames = -(-features.num_frames(utterance_id) // options.subsampling)
        if found is None:
            outcomes.add(utterance_id, "unknown_tokens", "a transcript that the tokens cannot spell")
        elif not found:
            outcomes.add(utterance_id, "empty", "a transcript without words")
        elif min_frames(found) > frames:
            outcomes.add(utterance_id, "too_short", f"{frames} frames after subsampling for {len(found)} tokens")
        else:
            outcomes.add(utterance_id)
            targets[utterance_id] = found
    return targets


def train_e2e(features: FeatureReader, dev: FeatureReader, lang: Optional[Lang], options: E2eTrainingOptions,
              out: Path, log, start: Optional[Path] = None) -> dict:
    """Trains, and writes a folder that hybrid.e2e.model.E2eModel loads, and outcomes.tsv.

    Args:
      features, dev: features of the training and the development set, made in the same way.
      lang: for units = phone.
      start: folder of a trained network from whose weights it starts.
    Returns: facts for the stage record.
    Raises: InputError when the two sets, or `start`, do not fit; TooManyFailures when too many utterances are unusable.
    """
    check_same_features(features, dev)
    out.mkdir(parents=True, exist_ok=True)
    tokens, outcomes = make_tokens(features, lang, options), Outcomes(log)
    targets = usable_tokens(features, tokens, options, outcomes)
    dev_targets = usable_tokens(dev, tokens, options, outcomes)
    outcomes.write(out / "outcomes.tsv")
    outcomes.check(options.max_failed_share, "end-to-end training")
    seed_everything(options.seed)
    model = options.build(features.dim, tokens.num_tokens)
    if start is not None:
        log.info("%s", start_e2e(model, start, tokens))
    fit_to_features(model.encoder, features)
    log.info("%s with %d parameters, %d tokens; %s", flat(options)["arch"], num_parameters(model), tokens.num_tokens,
             outcomes.summary())
    trainer = Trainer(
        model, E2eLoss({**targets, **dev_targets}), training_batches(features, targets, options),
        FeatureBatches(dev, options.max_duration, shuffle=False, ids=list(dev_targets)), options, out, log)
    result = trainer.run()
    facts = {"dev_loss": result.dev["loss"], "checkpoint": result.checkpoint, "parameters": num_parameters(model),
             "tokens": tokens.num_tokens, "training_seed": options.seed, "outcomes": outcomes.counts}
    if "token_error" in result.dev:
        facts["dev_token_error"] = result.dev["token_error"]
    if model.ctc is not None:
        plain = FeatureBatches(features, options.max_duration, shuffle=False, ids=list(targets))
        write_priors(out, average_posteriors(model, plain, trainer.device).clamp(min=1e-8).log())
    write_e2e_model(out, options, tokens, features.dim, frame_shift=features.frame_shift,
                    checkpoint=result.checkpoint, dev_loss=facts["dev_loss"], training=flat(options))
    trainer.clean_up()
    return facts
