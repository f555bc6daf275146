"""Batches of utterances by duration, in an order that (seed, epoch) alone decides."""

import random
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Callable, Iterator, List, Optional, Sequence, Tuple

import torch
from lhotse import CutSet
from lhotse.dataset import SimpleCutSampler
from torch import Tensor
from torch.utils.data import Sampler

from hybrid.data.features import FeatureReader
from hybrid.data.perturb import Tempo
from hybrid.data.transforms import seed_of

Transform = Callable[[Tensor, int, str], Tensor]  # ([T, F], epoch, utterance_id) -> [T, F]
NUM_BUCKETS = 10


class _AnyTorchSampler(Sampler):
    """Up to torch 2.0, Sampler wants an argument that Lhotse 1.33 does not give."""

    def __init__(self, data_source=None):
        pass


class _DurationSampler(SimpleCutSampler, _AnyTorchSampler):
    """Lhotse's sampler; in the method resolution order its `super().__init__()` meets the class above."""


@dataclass
class Batch:
    """Some utterances.

    Attributes:
      utterance_ids: B ids.
      features: ``[B, T, F]`` float32; 0 beyond the length of each utterance.
      lengths: ``[B]`` int64, the frames of each utterance; T is the largest.
      cuts: B Lhotse cuts (transcript, speaker, alignment).
      sources: for each utterance ``[length]`` int64, the frame of the features folder that each frame was made
        from, where they are not the same (another tempo).
    """

    utterance_ids: List[str]
    features: Tensor
    lengths: Tensor
    cuts: list
    sources: Optional[List[Tensor]] = None

    def to(self, device) -> "Batch":
        """The same batch with features and lengths on another device."""
        return replace(self, features=self.features.to(device), lengths=self.lengths.to(device))


def collate(utterance_ids: Sequence[str], features: Sequence[Tensor], cuts: Sequence) -> Batch:
    """Pads ``[T_i, F]`` tensors with zeros into one batch."""
    lengths = torch.tensor([len(one) for one in features], dtype=torch.int64)
    padded = torch.nn.utils.rnn.pad_sequence(list(features), batch_first=True)
    return Batch(list(utterance_ids), padded, lengths, list(cuts))


class FeatureBatches:
    """Batches over a features folder, the same ones in the same order for the same (seed, epoch).

    Utterances of like duration share a batch (Lhotse's SimpleCutSampler in each of some buckets); the
    batches are then shuffled. The next batch is read while the caller works on the present one.
    """

    def __init__(self, features: FeatureReader, max_duration: float = 100.0, shuffle: bool = True,
                 seed: int = 0, ids: Optional[Sequence[str]] = None, transforms: Sequence[Transform] = (),
                 tempo: Optional[Tempo] = None):
        """
        Args:
          features: an opened features folder.
          max_duration: seconds in a batch, padding counted; a longer utterance is a batch of its own.
          shuffle: False gives the longest utterances first.
          ids: these utterances only.
          transforms: applied to each utterance as ``transform(features, epoch, utterance_id)``.
          tempo: applied before them; durations in `max_duration` are those before.
        """
        if max_duration <= 0:
            raise ValueError(f"max_duration: expected above 0 seconds, found {max_duration}")
        self.features, self.max_duration, self.shuffle, self.seed = features, max_duration, shuffle, seed
        self.transforms, self.tempo = list(transforms), tempo
        self._last_plan: Tuple[Optional[int], List[List[str]]] = (None, [])
        self._cuts = sorted((features.cut(i) for i in (features.ids if ids is None else ids)),
                            key=lambda cut: (-cut.duration, cut.id))

    def plan(self, epoch: int) -> List[List[str]]:
        """Utterance ids of each batch of the epoch."""
        if self._last_plan[0] != epoch:
            self._last_plan = (epoch, self._new_plan(epoch))
        return self._last_plan[1]

    def _new_plan(self, epoch: int) -> List[List[str]]:
        if not self.shuffle:
            return self._sample(self._cuts, None)
        seed = seed_of(self.seed, epoch)
        batches = [batch for number, bucket in enumerate(self._buckets())
                   for batch in self._sample(bucket, seed + number)]
        random.Random(seed).shuffle(batches)
        return batches

    def _buckets(self) -> List[list]:
        """The cuts, longest first, in groups of about equal duration of at least some batches each."""
        total = sum(cut.duration for cut in self._cuts)
        count = max(1, min(NUM_BUCKETS, int(total / (3 * self.max_duration))))
        buckets: List[list] = [[] for _ in range(count)]
        seen = 0.0
        for cut in self._cuts:
            buckets[min(int(count * seen / total), count - 1)].append(cut)
            seen += cut.duration
        return [bucket for bucket in buckets if bucket]

    def _sample(self, cuts: list, seed: Optional[int]) -> List[List[str]]:
        if not cuts:
            return []
        sampler = _DurationSampler(CutSet.from_cuts(cuts), max_duration=self.max_duration,
                                   shuffle=seed is not None, seed=seed or 0, world_size=1, rank=0)
        with warnings.catch_warnings():  # one cut above max_duration: said in our docstring
            warnings.filterwarnings("ignore", message="The first cut drawn")
            return [[cut.id for cut in batch] for batch in sampler]

    def num_batches(self, epoch: int) -> int:
        return len(self.plan(epoch))

    def batches(self, epoch: int, start_batch: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, from number `start_batch` (0-based) on."""
        plan = self.plan(epoch)[start_batch:]
        with ThreadPoolExecutor(1) as reader:
            waiting = None
            for ids in plan:
                following = reader.submit(self._read, ids, epoch)
                if waiting is not None:
                    yield waiting.result()
                waiting = following
            if waiting is not None:
                yield waiting.result()

    def _read(self, ids: List[str], epoch: int) -> Batch:
        features, sources = [], []
        for utterance_id in ids:
            one = self.features[utterance_id]
            if self.tempo is not None:
                sources.append(self.tempo.sources(len(one), epoch, utterance_id))
                one = self.tempo(one, epoch, utterance_id)
            for transform in self.transforms:
                one = transform(one, epoch, utterance_id)
            features.append(one)
        batch = collate(ids, features, [self.features.cut(i) for i in ids])
        return replace(batch, sources=sources) if sources else batch
