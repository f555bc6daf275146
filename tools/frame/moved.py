"""Work folders that were moved or copied: what a stage's record tells of files that came along, by where they lie now.

A record holds absolute paths, that of its own folder among them. Where it is found in another one, what differs at the
beginning of the two has moved: `/home/me/work/exp/ctc` found in `/disk/work/exp/ctc` came from `/home/me` to `/disk`.
Files that did not come along, such as a corpus beside the work folder, are where they were.
"""

import os
import shlex
from pathlib import Path
from typing import Dict, Tuple

PLACE = "place"  # the key of a stage's folder in its record


def as_it_lies(record: Dict, folder: Path) -> Dict:
    """
    Args:
      record: of a stage; `inputs` and `raw` have the paths of files as keys; words of `command` may be paths, from the
        folder of the last of `runs`.
      folder: the one in which it was found.
    Returns: the record of the folder as it lies, with its own place and those of files that came along.
    """
    now = folder.resolve()
    if record.get(PLACE, str(now)) == str(now):
        return record
    old, new = _roots(Path(record[PLACE]), now)
    files = {part: {_now_at(Path(path), old, new): known for path, known in record.get(part, {}).items()}
             for part in ("inputs", "raw") if part in record}
    runs = [{**run, "folder": _now_at(Path(run["folder"]), old, new)} if "folder" in run else run
            for run in record.get("runs", [])]
    where = Path(record["runs"][-1].get("folder", "")) if runs else Path()
    command = shlex.join(_word_now(word, where, old, new) for word in shlex.split(record.get("command", "")))
    return {**record, **files, **({"runs": runs} if runs else {}), "command": command, PLACE: str(now)}


def _roots(before: Path, now: Path) -> Tuple[Path, Path]:
    """Both without the names at the end that they have in common."""
    while before.name and before.name == now.name:
        before, now = before.parent, now.parent
    return before, now


def _word_now(word: str, where: Path, old: Path, new: Path) -> str:
    """A word of a command that ran in the folder `where`. One without a slash may be no path."""
    found = _now_at(Path(os.path.normpath(where / word)), old, new)
    return found if "/" in word and os.path.exists(found) else word


def _now_at(path: Path, old: Path, new: Path) -> str:
    moved = new / path.relative_to(old) if old in path.parents else path
    return str(moved if os.path.exists(moved) else path)  # for a name that is too long, Path.exists raises
