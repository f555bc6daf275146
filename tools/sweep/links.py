"""Work folders that share the stages of another one, by links.

A stage looks by options and content whether what is linked is up to date: then it is shared; if not it makes its
output anew in the place of the link, and what the link leads to stays as it was (tools/frame/unfinished.py).
"""

from pathlib import Path
from typing import Iterator

from tools.frame.records import RECORD
from tools.frame.unfinished import is_unfinished

SWEEPS = "sweeps"


def link_stages(source: Path, work: Path) -> None:
    """Links the folder of each stage of the source into the work folder, where nothing is in its place."""
    work.mkdir(parents=True, exist_ok=True)
    for folder in stage_folders(source):
        place = work / folder.relative_to(source)
        if not (place.exists() or place.is_symlink()):
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(folder.resolve())


def stage_folders(work: Path) -> Iterator[Path]:
    """Folders with a stage record, links to such ones included; not those that are being written, nor of sweeps."""
    for entry in sorted(work.iterdir()) if work.is_dir() else ():
        if entry.name == SWEEPS or is_unfinished(entry):
            continue
        if (entry / RECORD).is_file():
            yield entry
        elif not entry.is_symlink():
            yield from stage_folders(entry)
