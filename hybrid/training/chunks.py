"""Batches of chunks of utterances: better mixed than whole utterances, and of nearly one length."""

import random
from dataclasses import dataclass
from typing import Callable, Iterator, List, NamedTuple, Optional, Sequence

import torch
from torch import Tensor

from hybrid.data.perturb import Tempo
from hybrid.data.transforms import seed_of

POOL = 20  # batches among which chunks are sorted by length, so that little is padded


class Chunk(NamedTuple):
    """Frames first .. last - 1 of an utterance; start .. end - 1 of them count, the others are context."""

    utterance_id: str
    first: int
    start: int
    end: int
    last: int


@dataclass
class ChunkBatch:
    """utterance_ids: B ids; features: ``[B, T, F]``, padded with zeros; lengths: ``[B]`` int64; chunks: B;
    sources: as in hybrid.data.batches.Batch."""

    utterance_ids: List[str]
    features: Tensor
    lengths: Tensor
    chunks: List[Chunk]
    sources: Optional[List[Tensor]] = None


class ChunkBatches:
    """Cuts utterances anew in each epoch: every frame counts once an epoch, whatever the cuts.

    With at least the network's context on both sides, the output of a chunk is the same as that of the whole
    utterance (tested so).
    """

    def __init__(self, features, ids: Sequence[str], chunk_frames: int, context_frames: int, max_frames: int,
                 seed: int = 0, transforms: Sequence[Callable] = (), tempo: Optional[Tempo] = None,
                 subsampling: int = 1):
        """
        Args:
          features: hybrid.data.features.FeatureReader, or the like: ``features[utterance_id]`` is ``[T, F]``
            and ``features.num_frames(utterance_id)`` its T.
          ids: utterances to use.
          chunk_frames: frames of a chunk that count, but for the first and the last of an utterance.
          context_frames: frames added on both sides, where the utterance has them.
          max_frames: frames in a batch, padding and context counted.
          transforms: applied to whole utterances: ``transform(features, epoch, utterance_id)``.
          tempo: applied before them; the frames of a chunk are those after it.
          subsampling: input frames for each output frame; no output frame is cut, so chunk_frames and
            context_frames are rounded up to multiples of it.
        """
        if chunk_frames < 1 or context_frames < 0:
            raise ValueError("chunk_frames: at least 1; context_frames: at least 0")
        self.features, self.ids = features, list(ids)
        self.subsampling, self.max_frames = subsampling, max_frames
        self.chunk_frames, self.context_frames = (
            -(-frames // subsampling) * subsampling for frames in (chunk_frames, context_frames))
        self.seed, self.transforms, self.tempo = seed, list(transforms), tempo
        self._last_plan = (None, [])

    def num_batches(self, epoch: int) -> int:
        return len(self.plan(epoch))

    def plan(self, epoch: int) -> List[List[Chunk]]:
        """The chunks of each batch of the epoch."""
        if self._last_plan[0] != epoch:
            self._last_plan = (epoch, self._new_plan(epoch))
        return self._last_plan[1]

    def batches(self, epoch: int, start_batch: int = 0) -> Iterator[ChunkBatch]:
        """The batches of an epoch, from number `start_batch` (0-based) on."""
        for chunks in self.plan(epoch)[start_batch:]:
            parts = [self._frames(chunk, epoch) for chunk in chunks]
            yield ChunkBatch([chunk.utterance_id for chunk in chunks],
                             torch.nn.utils.rnn.pad_sequence(parts, batch_first=True),
                             torch.tensor([len(part) for part in parts]), chunks, self._sources(chunks, epoch))

    def _frames(self, chunk: Chunk, epoch: int) -> Tensor:
        features = self.features[chunk.utterance_id]
        if self.tempo is not None:
            features = self.tempo(features, epoch, chunk.utterance_id)
        for transform in self.transforms:
            features = transform(features, epoch, chunk.utterance_id)
        return features[chunk.first:chunk.last]

    def _sources(self, chunks: List[Chunk], epoch: int) -> Optional[List[Tensor]]:
        if self.tempo is None:
            return None
        return [self.tempo.sources(self.features.num_frames(chunk.utterance_id), epoch,
                                   chunk.utterance_id)[chunk.first:chunk.last] for chunk in chunks]

    def _new_plan(self, epoch: int) -> List[List[Chunk]]:
        shuffler = random.Random(seed_of(self.seed, "chunks", epoch))
        chunks = [chunk for utterance_id in self.ids for chunk in self._cut(utterance_id, epoch, shuffler)]
        shuffler.shuffle(chunks)
        per_batch = max(1, self.max_frames // (self.chunk_frames + 2 * self.context_frames))
        batches = []
        for begin in range(0, len(chunks), POOL * per_batch):
            pool = sorted(chunks[begin:begin + POOL * per_batch], key=lambda chunk: chunk.last - chunk.first)
            batches += [pool[i:i + per_batch] for i in range(0, len(pool), per_batch)]
        shuffler.shuffle(batches)
        return batches

    def _cut(self, utterance_id: str, epoch: int, shuffler: random.Random) -> List[Chunk]:
        num_frames = self.features.num_frames(utterance_id)
        if self.tempo is not None:
            num_frames = self.tempo.num_frames(num_frames, epoch, utterance_id)
        phase = shuffler.randrange(self.chunk_frames // self.subsampling) * self.subsampling
        cuts = [0, *range(phase, num_frames, self.chunk_frames), num_frames]
        return [Chunk(utterance_id, max(0, start - self.context_frames), start, end,
                      min(num_frames, end + self.context_frames))
                for start, end in zip(cuts, cuts[1:]) if end > start]
