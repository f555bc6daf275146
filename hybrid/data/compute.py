"""Makes a features folder from cuts: perturbed copies, extraction, storage, CMVN sums."""

import json
import math
from functools import partial
from pathlib import Path
from typing import Dict, List, Optional, Sequence

import numpy as np
import torch
from lhotse.cut import Cut
from lhotse.features import Features
from lhotse.utils import fastcopy

from graphs.errors import InputError
from hybrid.data.augment import AugmentOptions, Recipe, with_copies
from hybrid.data.cmvn import GLOBAL, CmvnStats
from hybrid.data.extract import (
    Extracted, Portion, check_filters, choose_device, extract, import_kaldifeat, load_ready)
from hybrid.data.features import FeatureOptions, cmvn_key
from hybrid.data.manifest import write_cuts
from hybrid.data.parallel import ordered_map
from hybrid.data.storage import FeatureStore
from hybrid.data.transforms import seed_of
from hybrid.outcomes import Outcomes


def perturbed(cuts: Sequence[Cut], options: FeatureOptions) -> List[Cut]:
    """The copies at each speed (`ID-sp0.9`, of a speaker `NAME-sp0.9`), with random volume if asked for.

    As Kaldi's perturb_data_dir_speed.sh; times and alignments are stretched with the audio.
    """
    copies = []
    for speed in options.speed or (1.0,):
        for cut in cuts:
            if speed != 1.0:
                cut = _at_speed(cut, speed)
            if options.volume:
                low, high = map(math.log, options.volume)
                share = seed_of(options.seed, "volume", cut.id) / 2**63
                cut = cut.perturb_volume(math.exp(low + share * (high - low)), affix_id=False)
            copies.append(cut)
    return copies


def _at_speed(cut: Cut, speed: float) -> Cut:
    suffix = f"-sp{speed:g}"
    faster = cut.perturb_speed(speed, affix_id=False)
    faster.id = cut.id + suffix
    faster.supervisions = [
        fastcopy(s, id=s.id + suffix, speaker=s.speaker + suffix if s.speaker else s.speaker)
        for s in faster.supervisions]
    return faster


def batches_of_work(cuts: Sequence[Cut], seconds: float) -> List[List[Cut]]:
    """Consecutive cuts in groups of about that many seconds."""
    groups: List[List[Cut]] = []
    filled = math.inf
    for cut in cuts:
        if filled + cut.duration > seconds:
            groups.append([])
            filled = 0.0
        groups[-1].append(cut)
        filled += cut.duration
    return groups


def compute_features(cuts: Sequence[Cut], options: FeatureOptions, out: Path, outcomes: Outcomes,
                     training: bool = False, nj: int = 1, training_stats: Optional[Path] = None,
                     augment: AugmentOptions = AugmentOptions()) -> Dict:
    """Fills the folder `out` (see hybrid/data/features.py) and returns facts about it.

    Args:
      training: perturb speed and volume and add copies as the options say.
      training_stats: features folder of the training set, whose sums serve for cmvn = global, and for speakers with few
        frames.
      augment: which copies to add to a training set.
    Raises:
      InputError for options that do not fit the cuts; failures of single cuts go to `outcomes`.
    """
    if not cuts:
        raise InputError("cuts", "at least one", "none")
    if options.cmvn == "global" and not training and training_stats is None:
        raise InputError("features.cmvn = global", "--stats FOLDER (features of the training split)", "none")
    recipes: Dict[str, Recipe] = {}
    if options.kind == "ready" or not any(cut.has_recording for cut in cuts):
        if training and augment.copies:
            raise InputError("augment.copies", "recordings to make copies of", "ready features")
        if options.enhance != "none":
            raise InputError(f"features.enhance = {options.enhance}", "recordings to enhance", "ready features")
        work, sampling_rate, shift = _plan_ready(cuts, options, training)
        kind, nj = "ready", min(nj, 4)
    else:
        if training:
            cuts, recipes = with_copies(perturbed(cuts, options), augment)
        work, sampling_rate, device = _plan_extraction(cuts, options)
        kind, shift = options.kind, options.frame_shift
        nj = 1 if device == "cuda" else nj  # the batch is the parallelism there
    portions = [Portion(group, {cut.id: recipes[cut.id] for cut in group if cut.id in recipes})
                for group in batches_of_work(cuts, options.batch_seconds)]
    results = ordered_map(work, portions, nj, "features", size=_seconds, unit="s")
    with FeatureStore(out, options.storage) as store:
        writer = _FolderWriter(store, kind, shift, options, outcomes)
        for portion, extracted in zip(portions, results):
            for cut, one in zip(portion.cuts, extracted):
                writer.add(cut, one)
    outcomes.write(out / "outcomes.tsv")
    outcomes.check(options.max_failed_share, "features")
    _complete_stats(writer.stats, options, training, training_stats)
    return writer.finish(out, sampling_rate)


def _seconds(portion: Portion) -> float:
    return sum(cut.duration for cut in portion.cuts)


def _plan_ready(cuts: Sequence[Cut], options: FeatureOptions, training: bool):
    missing = next((cut.id for cut in cuts if not cut.has_features), None)
    if missing is not None:
        raise InputError(f"cut {missing}", "features (others have them, or kind = ready)", "none")
    if training and (options.speed or options.volume):
        raise InputError("features.speed and features.volume", "recordings to perturb", "ready features")
    shifts = {(cut.features.frame_shift, cut.sampling_rate) for cut in cuts}
    if len(shifts) > 1:
        raise InputError("ready features", "one frame shift and sampling rate", f"{sorted(shifts)}")
    (shift, sampling_rate), = shifts
    return load_ready, sampling_rate, shift


def _plan_extraction(cuts: Sequence[Cut], options: FeatureOptions):
    missing = next((cut.id for cut in cuts if not cut.has_recording), None)
    if missing is not None:
        raise InputError(f"cut {missing}", "a recording, as other cuts have", "none")
    rates = sorted({cut.recording.sampling_rate for cut in cuts})
    if len(rates) > 1:
        raise InputError("cuts", "one sampling rate (tools.validate_data resamples)", f"{rates}")
    (rate,) = rates
    check_filters(options, rate)
    import_kaldifeat()
    device = choose_device(options.device).type
    return partial(extract, options=options, sampling_rate=rate, device=device), rate, device


class _FolderWriter:
    """Collects what becomes of each cut, then writes manifest, sums and description."""

    def __init__(self, store: FeatureStore, kind: str, shift: float, options: FeatureOptions,
                 outcomes: Outcomes):
        self.store, self.kind, self.shift, self.options = store, kind, shift, options
        self.outcomes = outcomes
        self.cuts: List[Cut] = []
        self.stats: Optional[CmvnStats] = None

    def add(self, cut: Cut, extracted: Extracted) -> None:
        features, reason = extracted
        if features is not None and self.stats is not None and features.shape[1] != self.stats.dim:
            features, reason = None, f"expected {self.stats.dim} features a frame, got {features.shape[1]}"
        if features is None:
            self.outcomes.add(cut.id, "failed", reason)
            return
        if self.stats is None:
            self.stats = CmvnStats(features.shape[1])
        self.stats.add(cmvn_key(cut, self.options.cmvn), torch.from_numpy(features))
        self.cuts.append(fastcopy(cut, features=self._manifest(cut, features)))
        self.outcomes.add(cut.id)

    def _manifest(self, cut: Cut, features: np.ndarray) -> Features:
        recording_id = cut.recording.id if cut.has_recording else cut.features.recording_id
        return Features(
            type=f"kaldifeat-{self.kind}" if self.kind != "ready" else cut.features.type,
            num_frames=len(features), num_features=features.shape[1], frame_shift=self.shift,
            sampling_rate=cut.sampling_rate, start=cut.start, duration=cut.duration,
            recording_id=recording_id, channels=cut.channel, **self.store.write(features))

    def finish(self, out: Path, sampling_rate: int) -> Dict:
        self.stats.write(out / "cmvn.json")
        write_cuts(out / "cuts.jsonl.gz", self.cuts)
        info = {"kind": self.kind, "dim": self.stats.dim, "frame_shift": self.shift,
                "sampling_rate": sampling_rate, "cmvn": self.options.cmvn,
                "cmvn_variance": self.options.cmvn_variance, "deltas": self.options.deltas}
        (out / "features.json").write_text(json.dumps(info, indent=1) + "\n", encoding="utf-8")
        frames = sum(cut.features.num_frames for cut in self.cuts)
        return {**info, "utterances": len(self.cuts), "frames": frames,
                "hours": round(frames * self.shift / 3600, 3),
                "speakers": len({s.speaker for cut in self.cuts for s in cut.supervisions})}


def _complete_stats(stats: CmvnStats, options: FeatureOptions, training: bool, training_stats: Optional[Path]) -> None:
    """What the training set tells: all sums for cmvn = global, what few frames of a speaker are filled up with."""
    filling = options.cmvn == "speaker" and options.cmvn_frames and (training or training_stats)
    if not filling and options.cmvn != "global":
        return
    known = CmvnStats.read(Path(training_stats) / "cmvn.json") if training_stats else stats
    if known.dim != stats.dim:
        raise InputError(f"{training_stats}", f"CMVN sums of {stats.dim} features", f"{known.dim}")
    if filling:
        stats.typical = known.typical_of(options.cmvn_frames)
    elif training_stats:
        stats.sums = {GLOBAL: known.total()}
