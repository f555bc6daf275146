"""Connectionist temporal classification (Graves et al., ICML 2006): the loss, and what the best frames say."""

from typing import List, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from graphs.ids import BLANK
from hybrid.nn.inputs import check_targets
from hybrid.nn.padding import frame_mask


def ctc_loss(log_scores: Tensor, lengths: Tensor, targets: Sequence[Sequence[int]]) -> Tensor:
    """Minus the log of the sum, over all CTC paths of the targets, of the exponentiated scores of the path.

    The scores need not be normalized. torch's own loss takes them for log-softmax values and its gradient is
    wrong for others; so they are normalized, q_t = exp(s_t) / Z_t, and the normalizers taken out again:

        -log sum_paths prod_t exp(s_t) = ctc(log q) - sum_t log Z_t

    Args:
      log_scores: ``[B, T, C]`` float32; column 0 is blank.
      lengths: ``[B]`` int64.
      targets: token_ids of each utterance, without blanks.
    Returns: ``[B]``; inf where no path fits into the frames.
    Raises: InputError as check_targets.
    """
    check_targets(log_scores, lengths, targets, log_scores.shape[2])
    normalizers = log_scores.logsumexp(dim=2)
    log_q = log_scores - normalizers[:, :, None]
    target_lengths = torch.tensor([len(tokens) for tokens in targets])
    flat = torch.tensor([token for tokens in targets for token in tokens], dtype=torch.int64)
    loss = F.ctc_loss(log_q.transpose(0, 1), flat.to(log_scores.device), lengths.cpu(), target_lengths,
                      blank=BLANK, reduction="none")
    return loss - (normalizers * frame_mask(lengths, log_scores.shape[1])).sum(dim=1)


def min_frames(tokens: Sequence[int]) -> int:
    """The fewest frames that a CTC path of the tokens needs: one each, and a blank between equal ones."""
    return len(tokens) + sum(a == b for a, b in zip(tokens, tokens[1:]))


def greedy_tokens(log_scores: Tensor) -> List[int]:
    """Best token of each frame, repetitions and blanks taken out; log_scores: ``[T, C]``."""
    best = log_scores.argmax(dim=1).tolist()
    return [token for i, token in enumerate(best) if token != BLANK and (i == 0 or token != best[i - 1])]
