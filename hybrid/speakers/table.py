"""What was estimated for each speaker, in a file: speakers.safetensors, tensors stacked over the speakers.

A table fits one thing: transforms of features fit the Gaussians that they were estimated with, vectors their extractor,
adapted parameters their network. `fits` is that thing's fingerprint, and nobody uses a table with another.
"""

import hashlib
from pathlib import Path
from typing import Dict, List, Mapping, NamedTuple

import torch
from torch import Tensor

from graphs.checks import check_each_once
from graphs.errors import InputError
from hybrid.nn.tensor_file import SUFFIX, read_tensors, write_tensors

FILE = "speakers" + SUFFIX


class Space(NamedTuple):
    """What a table holds and what it fits."""

    kind: str
    fits: str


class SpeakerTable:
    """
    Attributes:
      space: kind of the values, and the fingerprint of what they fit.
      speakers: names; an utterance without a speaker is a speaker of its own, named by its id.
      tensors: name -> ``[number of speakers, ...]`` float32.
    """

    def __init__(self, space: Space, speakers: List[str], tensors: Mapping[str, Tensor], item: str = "speakers"):
        """item: for messages, e.g. the folder. Raises: InputError for tensors that are not of the speakers."""
        check_each_once(item, speakers)
        for name, tensor in tensors.items():
            if tensor.dim() < 2 or len(tensor) != len(speakers) or not tensor.is_floating_point():
                raise InputError(f"{item}, {name}", f"floats of {len(speakers)} speakers",
                                 f"{tensor.dtype} of shape {list(tensor.shape)}")
            finite = torch.isfinite(tensor.flatten(1)).all(dim=1)
            if not finite.all():
                raise InputError(f"{item}, {name} of speaker {speakers[int((~finite).nonzero()[0])]}",
                                 "finite numbers", "others")
        if not (tensors and speakers):
            raise InputError(item, "values of at least one speaker", "none")
        self.space, self.speakers, self.item = space, list(speakers), item
        self.tensors: Dict[str, Tensor] = {name: tensor.float() for name, tensor in tensors.items()}
        self._row = {speaker: row for row, speaker in enumerate(self.speakers)}

    @classmethod
    def of(cls, space: Space, values: Mapping[str, Mapping[str, Tensor]]) -> "SpeakerTable":
        """values: speaker -> name -> tensor, the same names and shapes for all."""
        if not values:
            raise InputError("speakers", "at least one", "none")
        names = list(next(iter(values.values())))
        stacked = {name: torch.stack([one[name] for one in values.values()]) for name in names}
        return cls(space, list(values), stacked)

    def __contains__(self, speaker: str) -> bool:
        return speaker in self._row

    def __getitem__(self, speaker: str) -> Dict[str, Tensor]:
        """Name -> tensor. Raises: InputError for a speaker that the table lacks."""
        row = self._row.get(speaker)
        if row is None:
            raise InputError(f"{self.item}, speaker {speaker}", f"its {self.space.kind}", "none")
        return {name: tensor[row] for name, tensor in self.tensors.items()}

    def write(self, folder: Path) -> None:
        facts = {**self.space._asdict(), "speakers": self.speakers}
        write_tensors(Path(folder) / FILE, self.tensors, facts)

    @classmethod
    def read(cls, folder: Path) -> "SpeakerTable":
        """Raises InputError when there is no table or when it is not what was written."""
        path = Path(folder) / FILE
        if not path.is_file():
            raise InputError(str(folder), f"a folder of speakers with {FILE}", "none")
        tensors, facts = read_tensors(path)
        texts = [facts.get(name) for name in Space._fields]
        speakers = facts.get("speakers")
        if not isinstance(speakers, list) or not all(isinstance(text, str) for text in [*texts, *speakers]):
            raise InputError(str(path), "kind, what it fits and speakers", str(sorted(facts)))
        return cls(Space(*texts), speakers, tensors, str(folder))


def fingerprint(tensors: Mapping[str, Tensor]) -> str:
    """Of names, shapes and values."""
    sha = hashlib.sha256()
    for name in sorted(tensors):
        values = tensors[name].detach().cpu().contiguous()
        sha.update(f"{name} {values.dtype} {list(values.shape)}\n".encode("utf-8"))
        sha.update(values.numpy().tobytes())
    return sha.hexdigest()[:16]


def speaker_key(features, utterance_id: str) -> str:
    """The speaker of an utterance, or the utterance where none is known; features: FeatureReader."""
    return features.speaker(utterance_id) or utterance_id


def utterances_of_speakers(features) -> Dict[str, List[str]]:
    """Speaker -> utterance ids, in the order of the features."""
    found: Dict[str, List[str]] = {}
    for utterance_id in features.ids:
        found.setdefault(speaker_key(features, utterance_id), []).append(utterance_id)
    return found
