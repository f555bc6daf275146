"""Tiny transducers at random, a language model of token pairs, and all that can be said with them."""

import itertools
import math
from types import SimpleNamespace

import numpy as np
import torch

from hybrid.e2e.decoders.transducer import TransducerOptions
from tests.hybrid.e2e.decoders.alignments import all_scores

ENCODER_DIM = 5


def network_of(seed=0, num_tokens=4, scale=2.0, **options):
    """As far as searches look at it: a decoder, in float64 and far from uniform."""
    torch.manual_seed(seed)
    options = {"predictor_dim": 6, "joiner_dim": 7, "transducer_loss": "plain", **options}
    decoder = TransducerOptions(**options).build(ENCODER_DIM, num_tokens).double().eval()
    with torch.no_grad():
        for parameter in decoder.parameters():
            parameter.mul_(scale)
    return SimpleNamespace(decoder=decoder, num_tokens=num_tokens)


def encoded_of(lengths, seed=3, padding=0.0):
    generator = torch.Generator().manual_seed(seed)
    encoded = torch.full((len(lengths), max(lengths) + 2, ENCODER_DIM), padding, dtype=torch.float64)
    for row, length in enumerate(lengths):
        encoded[row, :length] = 2.0 * torch.randn(length, ENCODER_DIM, generator=generator, dtype=torch.float64)
    return encoded, torch.tensor(lengths)


class PairLm:
    """A TokenLm whose state is the last token and `start`."""

    start = 9  # searches may not take it for 0

    def __init__(self, num_tokens, seed=5, endings=None):
        """endings: tokens that a sentence may end with; None: any, and none."""
        scores = np.random.default_rng(seed).normal(size=(num_tokens, num_tokens)) * 2.0
        self.table = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
        self.starts_word, self.num_resets = np.arange(num_tokens) == 1, 0
        if endings is not None:
            self.table[[token for token in range(num_tokens) if token not in endings], 0] = -math.inf

    def scores(self, states):
        return self.table[states - self.start]

    def advance(self, states, token_ids):
        return np.asarray(token_ids, np.int64) + self.start

    def reset(self):
        self.num_resets += 1

    def of(self, tokens, ended=True):
        path = (0, *tokens, *[0] * ended)
        return float(sum(self.table[a, b] for a, b in zip(path, path[1:])))


def tables_of(decoder, frames, tokens):
    """``[T, S + 1]`` and ``[T, S]`` of one utterance, from the whole network at once."""
    with torch.no_grad():
        blank, emit, *_ = decoder._lattice(frames[None], torch.tensor([len(frames)]), [list(tokens)])
    return blank[0], emit[0]


def everything(decoder, frames, most, monotonic, most_on_a_frame=None):
    """tokens -> (log of the sum over its alignments, frames of the best one), of all up to `most` tokens.

    monotonic: are the alignments of one token or a blank on a frame?
    """
    found = {}
    for number in range(most + 1):
        for tokens in itertools.product(range(1, decoder.num_tokens), repeat=number):
            scores, alignments = all_scores(*tables_of(decoder, frames, tokens), monotonic)
            kept = [i for i, at in enumerate(alignments) if most_on_a_frame is None
                    or all(at.count(frame) <= most_on_a_frame for frame in set(at))]
            if kept:
                best = max(kept, key=lambda i: float(scores[i]))
                found[tokens] = float(scores[kept].logsumexp(dim=0)), tuple(alignments[best])
    return found
