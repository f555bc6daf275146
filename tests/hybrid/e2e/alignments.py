"""All alignments of CTC on tiny tables, one by one: the oracle of its searches."""

import itertools
from collections import defaultdict

import numpy as np
import torch


def random_log_probs(num_frames, num_tokens, seed=0, sharpness=1.5):
    """``[T, num_tokens]`` float64 tensor."""
    generator = torch.Generator().manual_seed(seed)
    return (sharpness * torch.randn(num_frames, num_tokens, generator=generator, dtype=torch.float64)).log_softmax(1)


def collapsed(alignment):
    """Tokens of an alignment, by the definition: repetitions go, then blanks."""
    return tuple(token for token, _ in itertools.groupby(alignment) if token)


def all_alignments(log_probs):
    """(alignment, its log probability)."""
    rows = np.asarray(log_probs)
    for alignment in itertools.product(range(rows.shape[1]), repeat=len(rows)):
        yield alignment, sum(rows[frame, token] for frame, token in enumerate(alignment))


def sequence_scores(log_probs):
    """tokens -> log probability over all alignments."""
    scores = defaultdict(lambda: -np.inf)
    for alignment, score in all_alignments(log_probs):
        scores[collapsed(alignment)] = np.logaddexp(scores[collapsed(alignment)], score)
    return dict(scores)


def best_alignments(log_probs):
    """tokens -> (log probability, alignment) of the best alignment."""
    best = {}
    for alignment, score in all_alignments(log_probs):
        tokens = collapsed(alignment)
        if tokens not in best or score > best[tokens][0]:
            best[tokens] = score, alignment
    return best
