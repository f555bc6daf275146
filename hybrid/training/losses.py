"""Objectives for the training loop: frame-wise cross-entropy on pdf_ids, and CTC with a label prior."""

from typing import Dict, Optional, Sequence, Tuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from graphs.ids import BLANK
from hybrid.nn.ctc import ctc_loss, greedy_tokens
from hybrid.nn.padding import frame_mask
from hybrid.recognize.edit_distance import edit_distance

IGNORED = -100  # target of a frame that does not count


class StatelessObjective:
    """What the training loop asks of an objective that learns nothing itself."""

    def end_epoch(self, sums) -> None:
        """Nothing is learnt from an epoch."""

    def state(self) -> dict:
        return {}

    def restore(self, state: dict) -> None:
        """There is no state."""


class FrameCrossEntropy(StatelessObjective):
    """Cross-entropy of each frame against the pdf_id of its alignment; figures `loss` and `frame_error`.

    Batches are of whole utterances, or of chunks (hybrid/training/chunks.py), whose frames of mere context
    do not count. Targets are of output frames: where the network gives one for several input frames
    (`model.subsampling_factor`), so must the alignments be.
    """

    figure = "loss"

    def __init__(self, pdf_ids: Dict[str, np.ndarray], label_smoothing: float = 0.0, every: int = 1):
        """
        Args:
          pdf_ids: utterance_id -> integers, one for each output frame.
          label_smoothing: share of the target's probability that is spread over all pdf_ids, in training.
          every: in training, a step looks at every so many-th frame only, from a random one on. Neighbours
            say much the same, and networks of hybrid.nn.convolution compute little else.
        """
        self.pdf_ids, self.label_smoothing, self.every = pdf_ids, label_smoothing, every

    def __call__(self, model, batch, device) -> dict:
        features, lengths = batch.features.to(device), batch.lengths.to(device)
        targets = self.targets(batch, features.shape[1], model.subsampling_factor).to(device)
        if model.training and self.every > 1:
            phase = int(torch.randint(min(self.every, features.shape[1]), (1,)))
            logits, _ = model(features, lengths, self.every, phase)
            targets = targets[:, phase::self.every]
        else:
            logits, _ = model(features, lengths)
        logits = logits.float().flatten(0, 1)
        smoothing = self.label_smoothing if model.training else 0.0
        loss = F.cross_entropy(logits, targets.flatten(), ignore_index=IGNORED, reduction="sum",
                               label_smoothing=smoothing)
        counted = targets.flatten() != IGNORED
        wrong = (logits.detach().argmax(dim=1) != targets.flatten()) & counted
        count = int(counted.sum())
        return {"loss": (loss, count), "frame_error": (wrong.sum(), count)}

    def targets(self, batch, num_frames: int, subsampling: int = 1) -> Tensor:
        """``[B, ceil(num_frames / subsampling)]`` int64: pdf_ids, IGNORED where a frame does not count."""
        targets = torch.full((len(batch.utterance_ids), -(-num_frames // subsampling)), IGNORED, dtype=torch.int64)
        chunks, sources = getattr(batch, "chunks", None), getattr(batch, "sources", None)
        for row, utterance_id in enumerate(batch.utterance_ids):
            pdf_ids = torch.as_tensor(np.asarray(self.pdf_ids[utterance_id]), dtype=torch.int64)
            length = int(batch.lengths[row])
            first, start, end = 0, 0, length
            if chunks is not None:
                first, start, end = chunks[row].first, chunks[row].start, chunks[row].end
            frames = torch.arange(first, first + length) if sources is None else sources[row]
            begin, beyond = (start - first) // subsampling, -(-(end - first) // subsampling)
            # an output frame has the target of the frame in the middle of those that it stands for
            middle = torch.arange(begin, beyond) * subsampling + (subsampling - 1) // 2
            outputs = frames[middle.clamp(max=length - 1)] // subsampling
            outputs = outputs[outputs < len(pdf_ids)]  # an alignment may be shorter by FRAME_TOLERANCE
            targets[row, begin:begin + len(outputs)] = pdf_ids[outputs]
        return targets


class CtcWithPrior:
    """CTC on posteriors divided by a power of the labels' priors; figures `loss` and `phone_error`.

    CTC alone learns spikes: blank is cheap nearly everywhere. Dividing by the prior of each label makes the
    frequent blank dear, so that labels last as long as their sounds (Zeyer et al., Interspeech 2017; Huang et
    al., "Less peaky and more accurate CTC forced alignment by label priors", ICASSP 2024, arXiv 2406.02560).
    The priors are the average posteriors of the epoch before; the first epoch has none.
    """

    figure = "phone_error"

    def __init__(self, tokens: Dict[str, Sequence[int]], num_tokens: int, prior_scale: float = 0.0):
        """
        Args:
          tokens: utterance_id -> token_ids without blanks.
          num_tokens: columns of the network's output.
          prior_scale: exponent of the priors; 0 is plain CTC.
        """
        self.tokens, self.num_tokens, self.prior_scale = tokens, num_tokens, prior_scale
        self.log_priors: Optional[Tensor] = None

    def __call__(self, model, batch, device) -> dict:
        logits, lengths = model(batch.features.to(device), batch.lengths.to(device))
        log_posteriors = logits.float().log_softmax(dim=2)
        targets = [self.tokens[utterance_id] for utterance_id in batch.utterance_ids]
        loss = ctc_loss(self.scores(log_posteriors), lengths, targets).sum()
        figures = {"loss": (loss, sum(map(len, targets)))}
        if model.training:
            real = log_posteriors.detach().exp()[frame_mask(lengths, logits.shape[1])]
            figures["posteriors"] = (real.sum(dim=0), len(real))
        else:
            figures["phone_error"] = self._errors(log_posteriors, lengths, targets)
            blank = log_posteriors[:, :, BLANK].exp() * frame_mask(lengths, logits.shape[1])
            figures["blank_share"] = (blank.sum(), int(lengths.sum()))
        return figures

    def scores(self, log_posteriors: Tensor) -> Tensor:
        """``[..., C]`` log posteriors with the scaled priors taken off."""
        if self.log_priors is None:
            return log_posteriors
        return log_posteriors - self.prior_scale * self.log_priors.to(log_posteriors.device)

    def _errors(self, log_posteriors: Tensor, lengths: Tensor, targets) -> Tuple[int, int]:
        scores = self.scores(log_posteriors).cpu()
        errors = sum(edit_distance(reference, greedy_tokens(scores[row, :lengths[row]]))
                     for row, reference in enumerate(targets))
        return errors, sum(map(len, targets))

    def end_epoch(self, sums) -> None:
        self.log_priors = sums.mean("posteriors").clamp(min=1e-8).log().float()

    def state(self) -> dict:
        return {"log_priors": self.log_priors}

    def restore(self, state: dict) -> None:
        self.log_priors = state["log_priors"]
