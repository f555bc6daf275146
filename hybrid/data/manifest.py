"""Lhotse cut manifests on disk: written whole or not at all, the same bytes for the same cuts."""

import gzip
import json
import os
from pathlib import Path
from typing import Iterable, List, Optional, Set, Tuple, Union

from lhotse.cut import Cut

from hybrid.data.lhotse_json import read_entries, to_cut


def write_cuts(path: Union[str, Path], cuts: Iterable[Cut], moving: Optional[Tuple[Path, Path]] = None) -> int:
    """Writes `NAME.jsonl.gz` atomically and returns the number of cuts.

    Args:
      moving: (folder, where it will be): audio and features below the folder are written as lying there.

    Lhotse's own writer puts the time of day into the gzip header; stages compare their inputs by
    content, so the same cuts must give the same bytes.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    count = 0
    with open(temporary, "wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as stream:
        for cut in cuts:
            fields = cut.to_dict()
            if moving is not None:
                _move(fields, *moving)
            stream.write((json.dumps(fields, ensure_ascii=False) + "\n").encode("utf-8"))
            count += 1
    os.replace(temporary, path)
    return count


def _move(fields: dict, folder: Path, place: Path) -> None:
    """Changes the paths of a cut's audio and features, where they lie below `folder`."""
    sources = [(source, "source") for source in (fields.get("recording") or {}).get("sources") or ()
               if source["type"] == "file"]
    for holder, key in sources + [(fields.get("features") or {}, "storage_path")]:
        path = Path(holder.get(key) or "").absolute()
        if folder.absolute() in path.parents:
            holder[key] = str(place / path.relative_to(folder.absolute()))


def read_cuts(path: Union[str, Path]) -> List[Cut]:
    """Every cut of a manifest. Raises InputError that names the line when it is none."""
    return [to_cut(item, value) for item, value in read_entries(Path(path))]


def splits_of(folder: Union[str, Path]) -> List[str]:
    """Names of the splits in a corpus or cuts folder: `train` for `train.jsonl.gz`, sorted."""
    suffix = ".jsonl.gz"
    return sorted(path.name[:-len(suffix)] for path in Path(folder).glob("*" + suffix))


def source_files(cuts: Iterable[Cut]) -> Set[Path]:
    """The files that the audio and the ready features of the cuts are read from; commands and links have none."""
    files = set()
    for cut in cuts:
        recording, features = getattr(cut, "recording", None), getattr(cut, "features", None)
        if recording is not None:
            files.update(Path(source.source) for source in recording.sources if source.type == "file")
        if features is not None and features.storage_type.startswith("numpy"):
            path = Path(features.storage_path)
            files.add(path / features.storage_key if features.storage_type == "numpy_files" else path)
    return files


def speaker_of(cut: Cut) -> str:
    """The speaker of the cut's supervision, or "" where it is not known."""
    return (cut.supervisions[0].speaker or "") if cut.supervisions else ""


def text_of(cut: Cut) -> str:
    """The transcript of the cut's supervision, "" when it has none."""
    return (cut.supervisions[0].text or "") if cut.supervisions else ""
