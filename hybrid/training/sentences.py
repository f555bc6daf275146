"""Batches of sentences for language models, in an order that (seed, epoch) alone decides."""

import random
from dataclasses import dataclass
from typing import Iterator, List, Optional, Sequence, Tuple

import numpy as np
import torch
from torch import Tensor

from hybrid.data.transforms import seed_of
from hybrid.lm.vocabulary import Vocabulary

PADDING = -1


@dataclass
class SentenceBatch:
    """
    Attributes:
      utterance_ids: names of the B sentences, as FILE:LINE.
      units: ``[B, T]`` int64 of each sentence, its end included; PADDING after it.
      num_events: words and sentence ends.
      log_share: natural log of what the words have of the probability of their units, all together.
    """

    utterance_ids: List[str]
    units: Tensor
    num_events: int
    log_share: float


class SentenceBatches:
    """Sentences of like length share a batch, so that there is little padding; the batches are then shuffled."""

    def __init__(self, names: Sequence[str], sentences: Sequence[Sequence[int]], vocabulary: Vocabulary,
                 batch_units: int, seed: Optional[int] = None):
        """
        Args:
          names: of each sentence; sentences: word_ids of each.
          batch_units: at most so many units in a batch, padding counted; a longer sentence is a batch of its own.
          seed: None leaves the order as it is, the shortest first.
        """
        self.names, self.sentences, self.seed, self.batch_units = names, sentences, seed, batch_units
        self.units = [vocabulary.encode(word_ids) for word_ids in sentences]
        self.log_share = [float(vocabulary.log_share[list(word_ids)].sum()) for word_ids in sentences]
        self._last_plan: Tuple[Optional[int], List[List[int]]] = (None, [])

    def plan(self, epoch: int) -> List[List[int]]:
        """Places of the sentences of each batch of the epoch."""
        if self._last_plan[0] != epoch:
            self._last_plan = (epoch, self._new_plan(epoch))
        return self._last_plan[1]

    def _new_plan(self, epoch: int) -> List[List[int]]:
        order = list(range(len(self.units)))
        shuffler = None if self.seed is None else random.Random(seed_of(self.seed, epoch))
        if shuffler:
            shuffler.shuffle(order)  # among those of one length
        batches: List[List[int]] = []
        for place in sorted(order, key=lambda place: len(self.units[place])):
            if not batches or (len(batches[-1]) + 1) * len(self.units[place]) > self.batch_units:
                batches.append([])
            batches[-1].append(place)
        if shuffler:
            shuffler.shuffle(batches)
        return batches

    def num_batches(self, epoch: int) -> int:
        return len(self.plan(epoch))

    def batches(self, epoch: int, start_batch: int = 0) -> Iterator[SentenceBatch]:
        """The batches of an epoch, from number `start_batch` (0-based) on."""
        for places in self.plan(epoch)[start_batch:]:
            units = np.full((len(places), max(len(self.units[place]) for place in places)), PADDING, dtype=np.int64)
            for row, place in enumerate(places):
                units[row, :len(self.units[place])] = self.units[place]
            yield SentenceBatch([self.names[place] for place in places], torch.from_numpy(units),
                                sum(len(self.sentences[place]) + 1 for place in places),
                                sum(self.log_share[place] for place in places))
