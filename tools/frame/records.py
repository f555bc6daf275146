"""Stage records of a work folder: what was made how, by which program, in what time."""

import json
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Tuple

from tools.frame.program import RECORD, read_record

MODEL = "model.json"  # hybrid.nn.models.DESCRIPTION, without importing torch


def stage_records(work: Path) -> List[Tuple[Path, Dict]]:
    """(output folder, record) of each stage below the work folder, in the order in which they ended."""
    files = sorted(work.rglob(RECORD), key=lambda path: (path.stat().st_mtime, str(path)))
    return [(path.parent, read_record(path.parent)) for path in files]


def made_from(folder: Path) -> Iterator[Tuple[Path, Dict]]:
    """(folder, record) of the stage that wrote the folder, of those that wrote its inputs, and so on."""
    waiting, seen = [folder.resolve()], set()
    while waiting:
        current = waiting.pop(0)
        record = read_record(current)
        if current in seen or not record:
            continue
        seen.add(current)
        yield current, record
        for path in record.get("inputs", {}):
            # an input file may lie below its stage's folder
            waiting += [parent for parent in Path(path).parents if (parent / RECORD).is_file()]


def training_seed(folder: Path) -> Optional[int]:
    """The seed of the nearest training stage that the folder was made from, by its model.json; else None."""
    for made, _ in made_from(folder):
        if (made / MODEL).is_file():
            description = json.loads((made / MODEL).read_text(encoding="utf-8"))
            return description.get("training", {}).get("seed")
    return None
