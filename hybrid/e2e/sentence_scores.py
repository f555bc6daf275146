"""What an end-to-end model gives to sentences: the log probability of their tokens, whole, not by a search."""

from typing import Iterator, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import torch
from torch import Tensor

from graphs.errors import InputError
from hybrid.e2e.model import E2eModel
from hybrid.nn.ctc import ctc_loss

MOST_FRAMES = 6000  # of a batch for the encoder, padding counted
MOST_CELLS = 100_000  # output frames times tokens of a batch for the rest, padding counted


class _Pair(NamedTuple):
    """row: of the encoded batch; place: of the sentence among those of its utterance."""

    row: int
    place: int
    tokens: List[int]


class E2eScorer:
    def __init__(self, model: E2eModel, ctc_weight: Optional[float] = None):
        """
        Args:
          ctc_weight: share of the CTC log probability, the rest is the decoder's; default: that of the training.
        Raises: InputError for a share of what the network lacks.
        """
        self._model, network = model, model.network
        self._ctc_weight = network.ctc_weight if ctc_weight is None else ctc_weight
        if not 0 <= self._ctc_weight <= 1:
            raise InputError("ctc_weight", "a number from 0 to 1", str(ctc_weight))
        for lacking, share, name in ((network.ctc is None, self._ctc_weight, "CTC output"),
                                     (network.decoder is None, 1 - self._ctc_weight, "decoder")):
            if lacking and share > 0:
                raise InputError(f"ctc_weight {self._ctc_weight:g}", f"a network with a {name}", "one without")

    def __call__(self, features: Sequence[Tensor], sentences: Sequence[Sequence[Sequence[str]]]) -> List[np.ndarray]:
        """Natural log probabilities of the sentences of each utterance, -inf for those that cannot be spelled or need
        more frames.

        Args:
          features: ``[T, feature_dim]`` of each utterance.
          sentences: of each utterance, as words.
        Raises: InputError as E2eModel.encode.
        """
        found = [np.full(len(own), -np.inf) for own in sentences]
        for rows in packs([(len(one),) for one in features], MOST_FRAMES):
            batch = torch.nn.utils.rnn.pad_sequence([torch.as_tensor(features[row]) for row in rows], batch_first=True)
            encoded, lengths = self._model.encode(batch, torch.tensor([len(features[row]) for row in rows]))
            pairs = [_Pair(row, place, tokens) for row, utterance in enumerate(rows)
                     for place, words in enumerate(sentences[utterance])
                     for tokens in [self._model.tokens.encode(words)] if tokens is not None]
            for (row, place, _), score in self._of_pairs(encoded, lengths, pairs):
                found[rows[row]][place] = score
        return found

    @torch.no_grad()
    def _of_pairs(self, encoded: Tensor, lengths: Tensor, pairs: Sequence[_Pair]) -> Iterator[Tuple[_Pair, float]]:
        network, weight = self._model.network, self._ctc_weight
        log_probs = network.ctc_log_probs(encoded) if weight > 0 else None
        for places in packs([(int(lengths[pair.row]), len(pair.tokens) + 1) for pair in pairs], MOST_CELLS):
            chosen = [pairs[place] for place in places]
            rows = torch.tensor([pair.row for pair in chosen], device=encoded.device)
            own, tokens = lengths[rows], [pair.tokens for pair in chosen]
            longest, score = int(own.max()), torch.zeros(len(chosen), dtype=torch.float64)
            if weight > 0:
                score -= weight * ctc_loss(log_probs[rows, :longest], own, tokens).double().cpu()
            if weight < 1:
                score += (1 - weight) * network.decoder.score(encoded[rows, :longest], own, tokens).double().cpu()
            yield from zip(chosen, score.tolist())


def packs(sizes: Sequence[Tuple[int, ...]], most: int) -> List[List[int]]:
    """Places of things that are padded together: of like size, the largest first, as many as `most` holds, or one.

    sizes: of each thing, in one dimension or several, in which it is padded to the largest.
    """
    found: List[List[int]] = []
    largest: Tuple[int, ...] = ()
    for place in sorted(range(len(sizes)), key=lambda place: sizes[place], reverse=True):
        joined = tuple(map(max, sizes[place], largest)) if found else sizes[place]
        if found and (len(found[-1]) + 1) * int(np.prod(joined)) <= most:
            found[-1].append(place)
            largest = joined
        else:
            found.append([place])
            largest = sizes[place]
    return found
