"""Reads Lhotse manifests (cuts, or recordings with supervisions) as one cut per supervision."""

import os
from pathlib import Path
from typing import Dict, List, Sequence

from lhotse.cut import Cut, MonoCut, MultiCut
from lhotse.utils import fastcopy

from graphs.errors import InputError
from hybrid.data.lhotse_json import SUFFIXES, read_entries, to_recording, to_supervision
from hybrid.data.manifest import read_cuts
from hybrid.outcomes import Outcomes


def find_manifests(folder: Path) -> Dict[str, List[Path]]:
    """Split -> [cuts], or [recordings, supervisions], from the names in the folder.

    Known names, with or without something in front as `librispeech_`: `cuts_SPLIT`, `recordings_SPLIT` with
    `supervisions_SPLIT`, and a plain `SPLIT`, which holds cuts.
    """
    if not folder.is_dir():
        raise InputError(str(folder), "a folder of Lhotse manifests", "a file" if folder.exists() else "none")
    named: Dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        suffix = next((s for s in SUFFIXES if path.name.endswith(s)), None)
        if suffix and path.is_file():
            named[path.name[:-len(suffix)]] = path
    found: Dict[str, List[Path]] = {}
    for name, path in named.items():
        for kind in ("cuts_", "recordings_", "supervisions_"):
            before, mark, split = name.rpartition(kind)
            if mark and (not before or before.endswith(("_", "-", "."))):
                break
        else:
            kind = ""
        if not kind:
            found.setdefault(name, [path])
        elif kind == "cuts_":
            found[split] = [path]
        elif kind == "recordings_" and f"{before}supervisions_{split}" in named:
            found.setdefault(split, [path, named[f"{before}supervisions_{split}"]])
    return found


def read_manifests(paths: Sequence[Path], outcomes: Outcomes, roots: Sequence[Path] = ()) -> List[Cut]:
    """One cut per supervision, with the supervision's id where a cut holds several.

    Args:
      paths: [cuts] or [recordings, supervisions].
      outcomes: takes cuts without a supervision and supervisions without a recording.
      roots: relative audio paths are looked for in these folders.
    """
    cuts = read_cuts(paths[0]) if len(paths) == 1 else _join(paths, outcomes)
    result: List[Cut] = []
    for cut in cuts:
        for one in _one_per_supervision(cut, outcomes):
            result.append(_with_found_files(one, roots))
            outcomes.add(one.id)
    return result


def has_text(paths: Sequence[Path]) -> bool:
    """Is there a transcript with a word? paths: as for read_manifests."""
    if len(paths) == 1:
        supervisions = (one for cut in read_cuts(paths[0]) for one in cut.supervisions)
    else:
        supervisions = (to_supervision(item, value) for item, value in read_entries(paths[1]))
    return any((one.text or "").strip() for one in supervisions)


def _join(paths: Sequence[Path], outcomes: Outcomes) -> List[Cut]:
    recordings = [to_recording(item, value) for item, value in read_entries(paths[0])]
    supervisions = [to_supervision(item, value) for item, value in read_entries(paths[1])]
    by_id = {recording.id: recording for recording in recordings}
    cuts = []
    for supervision in supervisions:
        recording = by_id.get(supervision.recording_id)
        if recording is None:
            outcomes.add(supervision.id, "failed", f"no recording {supervision.recording_id} in {paths[0]}")
            continue
        cuts.append(_cut(
            _channels(supervision), id=supervision.id, start=supervision.start, duration=supervision.duration,
            recording=recording, supervisions=[_moved(supervision, -supervision.start)]))
    return cuts


def _channels(supervision) -> List[int]:
    return supervision.channel if isinstance(supervision.channel, list) else [supervision.channel]


def _cut(channels: List[int], **parts) -> Cut:
    return MultiCut(channel=channels, **parts) if len(channels) > 1 else MonoCut(channel=channels[0], **parts)


def _moved(supervision, seconds: float):
    """The supervision, times shifted. Lhotse's with_offset would clip it at 0."""
    alignment = supervision.alignment and {
        kind: [item.with_offset(seconds) for item in items] for kind, items in supervision.alignment.items()}
    return fastcopy(supervision, start=supervision.start + seconds, alignment=alignment)


def _one_per_supervision(cut: Cut, outcomes: Outcomes) -> List[Cut]:
    if not cut.supervisions:
        outcomes.add(cut.id, "failed", "no supervision")
        return []
    if not isinstance(cut, (MonoCut, MultiCut)):
        return [cut]
    first = cut.supervisions[0]
    # what is said before a cut that was made too short is taken with it
    if len(cut.supervisions) == 1 and first.duration >= 0.98 * cut.duration and first.start >= -0.02 * cut.duration:
        return [_of_its_channels(cut)]
    return [_of_its_channels(fastcopy(cut, id=one.id, start=round(cut.start + one.start, 8), duration=one.duration,
                                      supervisions=[_moved(one, -one.start)]))
            for one in cut.supervisions]


def _of_its_channels(cut: Cut) -> Cut:
    """Of a cut of several channels those that its one supervision is of."""
    (one,) = cut.supervisions
    channels = _channels(one)
    if not isinstance(cut, MultiCut) or not set(channels) < set(cut.channel):
        return cut
    said = one if len(channels) > 1 else fastcopy(one, channel=channels[0])
    return _cut(channels, id=cut.id, start=cut.start, duration=cut.duration, recording=cut.recording,
                supervisions=[said], custom=cut.custom)


def _with_found_files(cut: Cut, roots: Sequence[Path]) -> Cut:
    """The cut with absolute paths to its audio and features."""
    if not isinstance(cut, (MonoCut, MultiCut)):
        return cut
    recording, features = cut.recording, cut.features
    if recording is not None:
        recording = fastcopy(recording, sources=[
            fastcopy(source, source=_found(source.source, roots)) if source.type == "file" else source
            for source in recording.sources])
    if features is not None and features.storage_path and "url" not in features.storage_type:
        features = fastcopy(features, storage_path=_found(features.storage_path, roots))
    return fastcopy(cut, recording=recording, features=features)


def _found(path: str, roots: Sequence[Path]) -> str:
    candidates = [root / path for root in roots]
    return str(next((one for one in candidates if os.path.exists(one)), Path(path)).resolve())
