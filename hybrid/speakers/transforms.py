"""What a speaker's table does to features: an affine transform, and a vector appended to every frame.

It comes last, after normalization, deltas and SpecAugment, which works on the features as they were computed.
"""

from pathlib import Path
from typing import List, Sequence

import torch
from torch import Tensor

from graphs.errors import InputError
from hybrid.speakers.affine import apply
from hybrid.speakers.table import Space, SpeakerTable, speaker_key

MATRIX = "matrix"  # [F, F + 1]: y = matrix [x; 1] (Kaldi transform-feats)
VECTOR = "vector"  # [V], appended


class SpeakerTransforms:
    """Tables applied one after the other, in the form of hybrid.data.batches.Transform.

    Attributes:
      dim: columns of what comes out.
      spaces: of the tables, in order.
    """

    def __init__(self, tables: Sequence[SpeakerTable], features):
        """features: the FeatureReader whose utterances will be transformed.

        Raises: InputError for a table of other values or dimensions, and for a speaker that one of them lacks.
        """
        self._tables, self._features = list(tables), features
        self.spaces: List[Space] = [table.space for table in tables]
        self.dim = features.dim
        for table in self._tables:
            self.dim = _dim_after(table, self.dim)
            for utterance_id in features.ids:
                table[speaker_key(features, utterance_id)]

    @classmethod
    def read(cls, folders: Sequence[Path], features) -> "SpeakerTransforms":
        return cls([SpeakerTable.read(folder) for folder in folders], features)

    def __call__(self, features: Tensor, epoch: int, utterance_id: str) -> Tensor:
        """``[T, F]`` in, ``[T, dim]`` out; the epoch plays no part."""
        speaker = speaker_key(self._features, utterance_id)
        for table in self._tables:
            values = table[speaker]
            if MATRIX in values:
                features = apply(values[MATRIX], features)
            if VECTOR in values:
                features = torch.cat([features, values[VECTOR].expand(len(features), -1)], dim=1)
        return features


def _dim_after(table: SpeakerTable, dim: int) -> int:
    if not table.tensors.keys() <= {MATRIX, VECTOR}:
        raise InputError(table.item, "transforms of features", f"{table.space.kind}: {', '.join(table.tensors)}")
    matrix = table.tensors.get(MATRIX)
    if matrix is not None and matrix.shape[1:] != (dim, dim + 1):
        raise InputError(f"{table.item}, {MATRIX}", f"[{dim}, {dim + 1}] for features of {dim} coefficients",
                         str(list(matrix.shape[1:])))
    vector = table.tensors.get(VECTOR)
    if vector is not None and vector.dim() != 2:
        raise InputError(f"{table.item}, {VECTOR}", "one dimension", str(vector.dim() - 1))
    return dim + (vector.shape[1] if vector is not None else 0)


def tables_for(model_item: str, spaces: Sequence[Space], tables: Sequence[SpeakerTable]) -> List[SpeakerTable]:
    """Of the tables those that a model was trained with, in its order.

    Raises: InputError when one is lacking: what the network has learnt to see would not be there.
    """
    by_space = {table.space: table for table in tables}
    for space in spaces:
        if space not in by_space:
            found = ", ".join(f"{table.item} ({table.space.kind} {table.space.fits})" for table in tables) or "none"
            raise InputError(model_item, f"--speaker-transforms of kind {space.kind} that fit {space.fits}", found)
    return [by_space[space] for space in spaces]
