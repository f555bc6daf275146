"""A folder of features: how it was made, and how every stage reads it.

    features/train/
      cuts.jsonl.gz   cuts with their features attached; storage paths are relative to the folder
      storage/        the matrices, before any normalisation, each with its CRC-32 in its key
      cmvn.json       sums for the normalisation
      features.json   what the features are and how a reader normalises and extends them
      outcomes.tsv    utterances that did not simply succeed
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Tuple, Union

import torch
from torch import Tensor

from graphs.checks import check_each_once
from graphs.errors import DamagedInput, InputError, first_line
from graphs.options import check_at_least, check_between, check_choice, check_positive
from graphs.text_file import read_json_object
from hybrid.data.cmvn import GLOBAL, MODES, CmvnStats, normalise, normalise_utterance
from hybrid.data.enhance import METHODS
from hybrid.data.lhotse_json import COUNT, POSITIVE, STEP, check
from hybrid.data.manifest import read_cuts, speaker_of, text_of
from hybrid.data.storage import FORMATS, check_matrix
from hybrid.data.transforms import add_deltas

KINDS = ("fbank", "mfcc", "ready")
DESCRIPTION = "features.json"
_INFO = {
    "kind": (f"one of {', '.join(KINDS)}", lambda value: value in KINDS), "dim": POSITIVE, "sampling_rate": POSITIVE,
    "frame_shift": STEP, "cmvn": (f"one of {', '.join(MODES)}", lambda value: value in MODES),
    "cmvn_variance": ("true or false", lambda value: isinstance(value, bool)),
    "deltas": ("0, 1 or 2", lambda value: COUNT[1](value) and value <= 2)}


@dataclass(frozen=True)
class FeatureOptions:
    """What to compute. The window is Kaldi's: povey, preemphasis 0.97, snip-edges=false."""

    kind: str = field(default="fbank", metadata={"help": "fbank, mfcc, or ready: those the cuts carry"})
    num_mel_bins: int = field(default=40, metadata={"help": "mel filters"})
    num_ceps: int = field(default=13, metadata={"help": "cepstra kept, with C0 (mfcc)"})
    low_freq: float = field(default=20.0, metadata={"help": "lower edge of the filters, Hz"})
    high_freq: float = field(default=-200.0, metadata={"help": "upper edge, Hz; 0 or less: below Nyquist"})
    frame_shift: float = field(default=0.01, metadata={"help": "seconds from frame to frame"})
    frame_length: float = field(default=0.025, metadata={"help": "seconds in a frame"})
    dither: float = field(default=0.0, metadata={"help": "noise added to 16-bit samples"})
    use_energy: bool = field(default=False, metadata={"help": "log energy in front (fbank) or for C0 (mfcc)"})
    enhance: str = field(default="none", metadata={
        "help": f"noise taken off the audio before, of every split: {', '.join(METHODS)}"})
    cmvn: str = field(default="speaker", metadata={"help": "none, utterance, speaker or global"})
    cmvn_variance: bool = field(default=True, metadata={"help": "normalise the variance, too"})
    cmvn_frames: int = field(default=300, metadata={
        "help": "speakers of fewer frames are filled up with what those of training are like; 0: not"})
    deltas: int = field(default=0, metadata={"help": "order of time derivatives, 0 to 2"})
    speed: Tuple[float, ...] = field(default=(), metadata={"help": "speeds of training copies: 0.9,1.0,1.1"})
    volume: Tuple[float, ...] = field(default=(), metadata={"help": "range of random training volume: 0.1,2"})
    storage: str = field(default="auto", metadata={"help": f"Lhotse storage: {', '.join(FORMATS)}"})
    device: str = field(default="auto", metadata={"help": "auto, cpu or cuda"})
    batch_seconds: float = field(default=100.0, metadata={"help": "seconds of audio in one batch of work"})
    max_failed_share: float = field(default=0.02, metadata={"help": "share of utterances that may fail"})
    seed: int = field(default=0, metadata={"help": "of random volume and dither"})

    def __post_init__(self):
        for name, choices in (("kind", KINDS), ("cmvn", MODES), ("storage", FORMATS), ("enhance", METHODS),
                              ("device", ("auto", "cpu", "cuda"))):
            check_choice(choices, self, name)
        check_positive(self, "frame_shift", "frame_length", "batch_seconds")
        if self.frame_length < 2 * self.frame_shift:  # kaldifeat's padding breaks below that
            raise ValueError(f"frame_length: expected at least twice frame_shift, found {self.frame_length}")
        check_at_least(3, self, "num_mel_bins")
        if self.kind == "mfcc" and not 1 <= self.num_ceps <= self.num_mel_bins:
            raise ValueError(f"num_ceps: expected 1 to num_mel_bins, found {self.num_ceps}")
        check_choice((0, 1, 2), self, "deltas")
        if any(not 0.1 <= speed <= 10 for speed in self.speed) or len(set(self.speed)) < len(self.speed):
            raise ValueError(f"speed: expected different factors of 0.1 to 10, found {self.speed}")
        if self.volume and not (len(self.volume) == 2 and 0 < self.volume[0] <= self.volume[1]):
            raise ValueError(f"volume: expected lowest and highest factor, above 0, found {self.volume}")
        check_at_least(0, self, "dither", "low_freq", "cmvn_frames")
        check_between(0, 1, self, "max_failed_share")


class FeatureReader:
    """Reads a features folder: `reader[utterance_id]` is ``[T, dim]`` float32 after CMVN and deltas.

    Attributes:
      ids: utterance ids in the order of the manifest.
      dim: columns of what is read.
      base_dim: columns before the deltas.
      frame_shift: seconds from frame to frame.
      sampling_rate: of the audio, Hz.
      info: the content of features.json.
    """

    def __init__(self, folder: Union[str, Path], cache_mb: float = 2000.0):
        """cache_mb: features are kept in memory once read, up to this many MB."""
        self.folder = Path(folder)
        if not (self.folder / DESCRIPTION).is_file():
            raise InputError(str(self.folder), "a folder of tools.compute_features", f"no {DESCRIPTION}")
        self.info = read_json_object(self.folder / DESCRIPTION)
        check(str(self.folder / DESCRIPTION), self.info, _INFO)
        cuts = read_cuts(self.folder / "cuts.jsonl.gz")
        check_each_once(str(self.folder / "cuts.jsonl.gz"), (cut.id for cut in cuts))
        self._cuts = {cut.id: cut for cut in cuts}
        self.ids: List[str] = list(self._cuts)
        self.base_dim: int = self.info["dim"]
        self.dim: int = self.base_dim * (1 + self.info["deltas"])
        self.frame_shift: float = self.info["frame_shift"]
        self.sampling_rate: int = self.info["sampling_rate"]
        self._moments: Dict[str, Tuple[Tensor, Tensor]] = {}
        if self.info["cmvn"] in ("speaker", "global"):
            stats = CmvnStats.read(self.folder / "cmvn.json")
            self._moments = {key: stats.shift_and_scale(key) for key in stats.sums}
            if stats.dim != self.base_dim:
                raise InputError(f"{self.folder}/cmvn.json", f"sums of {self.base_dim} features", str(stats.dim))
        self._check_cuts()
        self._cache: Dict[str, Tensor] = {}
        self._cache_bytes_left = cache_mb * 1e6

    def _check_cuts(self) -> None:
        mode = self.info["cmvn"]
        for utterance_id, cut in self._cuts.items():
            if getattr(cut, "features", None) is None:
                raise InputError(f"{self.folder}, cut {utterance_id}", "features", "none")
            if mode in ("speaker", "global") and cmvn_key(cut, mode) not in self._moments:
                raise InputError(f"{self.folder}/cmvn.json", f"sums of {cmvn_key(cut, mode)}", "none")

    def __len__(self) -> int:
        return len(self.ids)

    def __contains__(self, utterance_id: str) -> bool:
        return utterance_id in self._cuts

    def __iter__(self) -> Iterator[str]:
        return iter(self.ids)

    def __getitem__(self, utterance_id: str) -> Tensor:
        """``[T, dim]`` float32. It may be shared with the cache: copy it before changing it in place.

        Raises InputError for an unknown utterance, DamagedInput when the storage is damaged.
        """
        cached = self._cache.get(utterance_id)
        if cached is not None:
            return cached
        features = add_deltas(self._normalised(utterance_id, self.raw(utterance_id)), self.info["deltas"])
        size = features.numel() * features.element_size()
        if size <= self._cache_bytes_left:
            self._cache[utterance_id] = features
            self._cache_bytes_left -= size
        return features

    def raw(self, utterance_id: str) -> Tensor:
        """``[T, base_dim]`` float32 as stored."""
        manifest = self._cut(utterance_id).features.with_path_prefix(self.folder)
        item = f"features of {utterance_id} in {self.folder}"
        try:
            matrix = manifest.load()
        except Exception as error:  # h5py and numpy raise OSError, KeyError, ValueError ...
            raise DamagedInput(item, "a readable matrix", first_line(error), manifest.storage_path) from error
        expected = (manifest.num_frames, self.base_dim)
        if matrix.shape != expected:
            raise DamagedInput(item, f"shape {expected}", f"{matrix.shape}", manifest.storage_path)
        check_matrix(item, manifest, matrix)
        return torch.from_numpy(matrix).float()

    def _cut(self, utterance_id: str):
        try:
            return self._cuts[utterance_id]
        except KeyError:
            raise InputError(f"utterance {utterance_id}", f"one of the {len(self)} in {self.folder}", "none") from None

    def _normalised(self, utterance_id: str, features: Tensor) -> Tensor:
        mode, variance = self.info["cmvn"], self.info["cmvn_variance"]
        if mode == "none":
            return features
        if mode == "utterance":
            return normalise_utterance(features, variance)
        return normalise(features, *self._moments[cmvn_key(self._cuts[utterance_id], mode)], variance)

    def typical_std(self) -> Optional[Tensor]:
        """``[base_dim]``: what variance normalization divides by, averaged over speakers; None without it."""
        if not self.info["cmvn_variance"] or not self._moments:
            return None
        return torch.stack([1.0 / scale for _, scale in self._moments.values()]).mean(dim=0)

    def cut(self, utterance_id: str):
        """The Lhotse cut, features attached with a path that can be loaded from anywhere."""
        return self._cut(utterance_id).with_features_path_prefix(self.folder)

    def text(self, utterance_id: str) -> str:
        return text_of(self._cut(utterance_id))

    def speaker(self, utterance_id: str) -> str:
        return speaker_of(self._cut(utterance_id))

    def num_frames(self, utterance_id: str) -> int:
        return self._cut(utterance_id).features.num_frames

    def duration(self, utterance_id: str) -> float:
        """Seconds of the utterance's frames."""
        return self.num_frames(utterance_id) * self.frame_shift


def cmvn_key(cut, mode: str) -> str:
    """Whose sums a cut's frames go into: its speaker's, or its own where no speaker is known."""
    return GLOBAL if mode == "global" else speaker_of(cut) or cut.id
