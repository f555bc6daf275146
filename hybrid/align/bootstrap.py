"""From a CTC model over phones to a first HMM alignment.

CTC posteriors are peaky: between spikes blank takes all the mass. Divided by a power of its prior
(Zeyer et al., Interspeech 2017; Huang et al., arXiv 2406.02560) blank shrinks and the phones' own order
shows through. All HMM states of a phone share the phone's score, silence takes blank's, and inside a phone
a frame may lean on blank as well, at a price. The Viterbi path through the HMM graph of the transcript then
gives the phones' times, and each phone's frames are cut into equal parts for its states. By how much the network
answers late or early is estimated and taken off. Realignment with a frame-wise HMM model
(hybrid/align/forced.py) does the rest.
"""

import math
from dataclasses import dataclass, field
from typing import Optional

import numpy as np
import torch
from torch import Tensor

from graphs.checks import check_matrix
from graphs.errors import InputError
from graphs.hmm.transitions import TransitionModel
from graphs.ids import BLANK
from graphs.lang.lang import Lang
from graphs.options import check_between


@dataclass(frozen=True)
class BootstrapOptions:
    prior_scale: float = field(default=0.5, metadata={"help": "power of the label prior that is divided out"})
    blank_penalty: float = field(default=3.0, metadata={
        "help": "log-likelihood lost by a frame of a phone that leans on blank"})
    delay: Optional[int] = field(default=None, metadata={
        "help": "frames by which the CTC model answers late; none: estimated (hybrid/align/delay.py)"})
    blank_is_silence: bool = field(default=True, metadata={
        "help": "silence takes blank's score; else that of its own token, when the model was trained with one"})

    def __post_init__(self):
        check_between(0, 2, self, "prior_scale")
        if not math.isfinite(self.blank_penalty):
            raise ValueError(f"blank_penalty: expected a finite number, found {self.blank_penalty}")
        if self.delay is not None and abs(self.delay) > 50:
            raise ValueError(f"delay: expected -50 to 50 frames, found {self.delay}")


def ctc_log_likelihoods(log_posteriors: Tensor, log_priors: Tensor, num_frames: int, lang: Lang,
                        transitions: TransitionModel, options: BootstrapOptions) -> Tensor:
    """Scores of the pdf_ids from CTC posteriors.

    Args:
      log_posteriors: ``[T', 1 + num_phones]``, column = token_id; ``T' * subsampling >= num_frames``.
      log_priors: ``[1 + num_phones]``.
      num_frames: T, frames of the features.
    Returns: ``[T, num_pdfs]`` float32.
    Raises: InputError for posteriors or priors that are not those of the lang's phones, or without frames.
    """
    check_matrix("log-posteriors", log_posteriors, lang.num_phones + 1, "token_id")
    if log_priors.shape != log_posteriors.shape[1:]:
        raise InputError("log-priors", f"[{lang.num_phones + 1}]", str(tuple(log_priors.shape)))
    if not 0 < len(log_posteriors) <= num_frames:
        raise InputError("log-posteriors", f"1 to {num_frames} frames, as the features have", str(len(log_posteriors)))
    scaled = log_posteriors - options.prior_scale * log_priors
    blank = scaled[:, BLANK]
    scores = torch.logaddexp(scaled, (blank - options.blank_penalty)[:, None])
    if options.blank_is_silence:
        scores[:, sorted(lang.silence_ids)] = blank[:, None]
    factor = -(-num_frames // len(scores))
    scores = scores.repeat_interleave(factor, dim=0)[:num_frames]
    if options.delay:
        scores = scores[(torch.arange(num_frames) + options.delay).clamp(0, num_frames - 1)]
    phone_of_pdf = np.zeros(transitions.num_pdfs, np.int64)
    phone_of_pdf[transitions.pdf_id[1:]] = transitions.phone_id[1:]
    return scores[:, torch.from_numpy(phone_of_pdf)].contiguous()


def even_states(transition_ids: np.ndarray, transitions: TransitionModel) -> np.ndarray:
    """The path with each phone's frames cut into equal parts for its states.

    Only phones with a left-to-right topology without skips change; the others keep their path.
    """
    starts = np.flatnonzero(transitions.is_phone_start[transition_ids])
    result = transition_ids.copy()
    for start, end in zip(starts, np.append(starts[1:], len(transition_ids))):
        segment = transition_ids[start:end]
        forward = segment[~transitions.is_self_loop[segment]]
        states = transitions.hmm_state[forward]
        if not np.array_equal(transitions.next_state[forward], states + 1):
            continue
        loops = transitions.self_loops()[transitions.transition_state[forward]]
        if not loops.all():
            continue
        bounds = np.round(np.linspace(0, end - start, len(forward) + 1)).astype(int)
        for i, (begin, stop) in enumerate(zip(bounds, bounds[1:])):
            result[start + begin] = forward[i]
            result[start + begin + 1:start + stop] = loops[i]
    return result
