"""Networks whose encoder gives what it gets, a language model over tokens, and all sentences up to a length."""

import itertools

import numpy as np
import torch
from torch import nn

from hybrid.e2e.decoders.attention import AttentionDecoder
from tests.hybrid.e2e.decoders.material import ENCODER_DIM, SMALL, decoder_of


class TinyNetwork(nn.Module):
    """What a search sees of an E2eNetwork, in float64."""

    def __init__(self, decoder, num_tokens, with_ctc=True, seed=1):
        super().__init__()
        torch.manual_seed(seed)
        self.decoder, self.num_tokens = decoder, num_tokens
        self.ctc = nn.Linear(ENCODER_DIM, num_tokens).double() if with_ctc else None

    def ctc_log_probs(self, encoded):
        return self.ctc(encoded).log_softmax(dim=2)


def tiny_network(name, num_tokens, with_ctc=True, seed=2, scale=0.6):
    return TinyNetwork(decoder_of(SMALL[name], seed, num_tokens, scale=scale), num_tokens, with_ctc, seed)


class TableDecoder(AttentionDecoder):
    """Says of each prefix what a function says.

    Attributes:
      num_steps: how many steps were made.
    """

    def __init__(self, num_tokens, probabilities, weights=None):
        """
        Args:
          probabilities: prefix -> of each token after it, all of which sum to 1.
          weights: by the number of tokens before, ``[T]``; else the same for all frames.
        """
        super().__init__(num_tokens, SMALL["lstm"])
        self.probabilities, self.given, self.num_steps = probabilities, weights, 0

    def start(self, encoded):
        return Prefixes([()], len(encoded))

    def step(self, state, tokens):
        self.num_steps += 1
        prefixes = [(*prefix, token) for prefix, token in zip(state.prefixes, tokens.tolist())]
        rows = torch.tensor([self.probabilities(prefix[1:]) for prefix in prefixes], dtype=torch.float64)
        weights = self.given[len(prefixes[0]) - 1] if self.given else [1 / state.num_frames] * state.num_frames
        return rows.log(), Prefixes(prefixes, state.num_frames), torch.tensor([weights] * len(prefixes))


class Prefixes:
    def __init__(self, prefixes, num_frames):
        self.prefixes, self.num_frames = prefixes, num_frames

    def select(self, rows):
        return Prefixes([self.prefixes[row] for row in rows.tolist()], self.num_frames)


class BigramLm:
    """A TokenLm; its state is the last token and `start`."""

    start = 7  # searches may not take it for 0

    def __init__(self, num_tokens, seed=0):
        rows = np.random.default_rng(seed).normal(size=(num_tokens, num_tokens), scale=2.0)
        self.log_probs = rows - np.log(np.exp(rows).sum(axis=1, keepdims=True))
        self.starts_word = np.arange(num_tokens) % 2 == 1
        self.num_resets = 0

    def scores(self, states):
        return self.log_probs[states - self.start]

    def advance(self, states, token_ids):
        return np.asarray(token_ids, np.int64) + self.start

    def reset(self):
        self.num_resets += 1

    def score(self, tokens, ended=True):
        path = (0, *tokens, *[0] * ended)
        return float(sum(self.log_probs[a, b] for a, b in zip(path, path[1:])))


def sentences(num_tokens, longest):
    """All token sequences up to a length."""
    for length in range(longest + 1):
        yield from itertools.product(range(1, num_tokens), repeat=length)
