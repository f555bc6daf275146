"""Stage records of several work folders, and which stage wrote what another one read."""

import os
from pathlib import Path
from typing import Dict, Iterable, Iterator, List, Optional, Tuple

from graphs.errors import InputError
from tools.frame.records import RECORD, read_record, stage_records


class Records:
    """
    Attributes:
      of: folder (resolved) -> record of each stage below the work folders, damaged ones left out.
      work: folder -> the work folder, as it was given, in which the stage was found.
    """

    def __init__(self, works: Iterable[Path]):
        self.of: Dict[Path, dict] = {}
        self.work: Dict[Path, Path] = {}
        self._named: Dict[str, List[Path]] = {}
        for work in map(Path, works):
            if not work.is_dir():
                raise InputError(f"work folder {work}", "an existing folder", "a file" if work.exists() else "none")
            for folder, record in stage_records(work):
                self._add(folder.resolve(), record, work)

    def _add(self, folder: Path, record: dict, work: Path) -> None:
        if record and folder not in self.of:
            self.of[folder], self.work[folder] = record, work
            self._named.setdefault(folder.name, []).append(folder)

    def producer(self, path: str, digest: List) -> Optional[Path]:
        """The folder of the stage that wrote a file, which may have moved with its work folder since.

        Args:
          path, digest: of the file, as the record of a stage that read it has them.
        """
        known = next((parent for parent in Path(path).parents if parent in self.of), None)
        known = known or self._moved(path, digest)
        if known is None:
            known = next((parent for parent in Path(path).parents if (parent / RECORD).is_file()), None)
            if known is not None:
                self._add(known, read_record(known), known.parent)
        return known if known in self.of else None

    def _moved(self, path: str, digest: List) -> Optional[Path]:
        """A folder of the same name that holds the same file with the same content."""
        parts = Path(path).parts
        for end in range(len(parts) - 1, 0, -1):
            name = os.path.join(*parts[end:])
            for folder in self._named.get(parts[end - 1], ()):
                if self.of[folder].get("outputs", {}).get(name, [None] * 3)[2] == digest[2]:
                    return folder
        return None

    def made_from(self, folder: Path) -> List[Path]:
        """The stages whose files the stage of the folder read, each once."""
        inputs = self.of[folder].get("inputs", {})
        found = (self.producer(path, digest) for path, digest in inputs.items())
        return [one for one in dict.fromkeys(found) if one is not None and one != folder]

    def ancestors(self, folder: Path) -> Iterator[Tuple[Path, dict]]:
        """(folder, record) of the stage itself, of those that it was made from, and so on, the nearest first."""
        waiting, seen = [folder], {folder}
        for current in waiting:
            yield current, self.of[current]
            new = [one for one in self.made_from(current) if one not in seen]
            seen.update(new)
            waiting += new
