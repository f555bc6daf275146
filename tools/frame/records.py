"""Stage records: what a folder was made from, by which program, in what time, and what was written into it.

`.stage.json` holds a digest of every file of its folder and one of itself, so that damage is noticed: when a
stage looks whether its output is up to date (by size and time, then by content), and, always by content, before
another stage computes anything from it.
"""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Dict, Iterable, Iterator, List, Optional, Set, Tuple

from graphs.errors import InputError
from tools.frame.fingerprint import Digests, digest, files_of, fingerprint, is_content, same_stat
from tools.frame.moved import PLACE, as_it_lies

RECORD = ".stage.json"
LOG = "log.txt"
SECONDS = ".seconds"  # of an unfinished stage so far
# stores whose reader checks each item: where they are large their size and time are enough here
SELF_CHECKING = "storage"
LARGE = 1 << 28  # bytes

_KINDS = {"program": str, "state": str, "config": dict, "arguments": dict, "inputs": dict, "outputs": dict,
          "facts": dict, "command": str, "runs": list, "corpora": list, PLACE: str}


def write_text_atomically(path: Path, text: str) -> None:
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)


def write_record(folder: Path, record: dict) -> None:
    record = {name: value for name, value in record.items() if name != "check"}
    record["check"] = fingerprint(**record)
    write_text_atomically(folder / RECORD, json.dumps(record, indent=1, ensure_ascii=False))


def load_record(folder: Path) -> Tuple[dict, str]:
    """The record of a folder ({} without one that is whole), and what is wrong with it ("" for nothing). If the work
    folder was moved, its paths are those of today."""
    try:
        record = json.loads((folder / RECORD).read_bytes().decode("utf-8"))
    except FileNotFoundError:
        return {}, "none"
    except (OSError, ValueError, RecursionError) as error:
        return {}, f"one that cannot be read ({error})"
    if not isinstance(record, dict) or not all(isinstance(record.get(name, kind()), kind)
                                               for name, kind in _KINDS.items()):
        return {}, "other JSON"
    if record.pop("check", None) != fingerprint(**record):
        return {}, "one that is damaged or of an earlier version"
    return as_it_lies(record, folder), ""


def read_record(folder: Path) -> dict:
    """The stage record of a folder; empty when there is none or it is damaged."""
    return load_record(folder)[0]


def output_digests(folder: Path) -> Digests:
    """Name inside the folder -> [size, mtime_ns, sha256] of every file but record, log and time."""
    beside = (RECORD, LOG, SECONDS, f"{SECONDS}.tmp")  # the time is written down while this looks: it comes and goes
    files = (p for p in sorted(folder.rglob("*")) if p.is_file() and p.name not in beside)
    return {str(path.relative_to(folder)): digest(path) for path in files}


def changed_outputs(folder: Path, record: dict, content_only: bool = True, by_content: bool = False) -> List[str]:
    """`NAME is missing` and `NAME is damaged`, of the files that the stage wrote.

    Args:
      content_only: leave pictures and the like out, which nothing is computed from.
      by_content: read files even where size and time are the same.
    """
    problems = []
    for name, known in record.get("outputs", {}).items():
        path = folder / name
        if content_only and not is_content(Path(name)):
            continue
        if not path.is_file():
            problems.append(f"{name} is missing")
        elif (by_content or not same_stat(path, known)) and digest(path)[2] != known[2]:
            problems.append(f"{name} is damaged")
    return problems + record.get("damaged", [])


def how_to_repair(record: dict, by_content: bool = False) -> str:
    """Which stage makes the output anew. by_content: only the content tells, size and time do not."""
    stage, option = record.get("stage"), "--by-content " if by_content else ""
    again = f"run the recipe again {option}from --stage {stage}"
    if not stage:
        again = f"run {record.get('program')} again {option}".rstrip()
    return f"{again} to make it anew (keep files of your own elsewhere)"


def verified_digests(paths: Iterable[Path]) -> Digests:
    """Digests of all content files of the inputs, read anew and compared with what their stages wrote.

    Raises: InputError that names the damaged or missing files and the stage that makes them; the stage's record
      then says so, too, and it will not count as up to date.
    """
    digests: Digests = {}
    records: Dict[Path, dict] = {}
    for root in map(Path, paths):
        problems: Dict[Path, List[str]] = {}
        for path in files_of(root):
            folder = _producer(path)
            known = _known(path, folder, records)
            if known and not path.is_file():
                problems.setdefault(folder, []).append(f"{path.relative_to(folder)} is missing")
                continue
            checked = known and known[0] >= LARGE and SELF_CHECKING in path.relative_to(folder).parts
            if checked and same_stat(path, known):
                found = known
            else:
                found = digest(path)
                if known and found[2] != known[2]:
                    problems.setdefault(folder, []).append(f"{path.relative_to(folder)} is damaged")
            digests[str(path.resolve())] = found
        if (root / RECORD).exists():
            record = _read_once(root, records)
            gone = [name for name in record.get("outputs", {}) if is_content(Path(name)) and not (root / name).exists()]
            if gone or not record or record.get("damaged"):
                problems.setdefault(root, []).extend(
                    [f"{name} is missing" for name in gone] + record.get("damaged", []))
        for folder, found in problems.items():
            raise _damaged(folder, records[folder], found)
    return digests


def _known(path: Path, folder: Optional[Path], records: Dict[Path, dict]) -> Optional[List]:
    """The digest of a file by the record of its stage's folder, None without one; records: those read so far."""
    if folder is None:
        return None
    return _read_once(folder, records).get("outputs", {}).get(str(path.relative_to(folder)))


def _read_once(folder: Path, records: Dict[Path, dict]) -> dict:
    if folder not in records:
        records[folder] = read_record(folder)
    return records[folder]


def written_by_stages(paths: Iterable[Path]) -> Set[Path]:
    """Those of the files that have their digest in a stage record."""
    records: Dict[Path, dict] = {}
    return {path for path in map(Path, paths) if _known(path, _producer(path), records) is not None}


def mark_damaged(path: Path) -> str:
    """A reader has found the file damaged: the record of the stage that wrote it says so from now on, and it will not
    count as up to date. Returns how to make it anew, "" where no stage is known."""
    folder = _producer(path)
    record = read_record(folder) if folder else {}
    if not record:
        return ""
    _mark(folder, record, [f"{path.relative_to(folder)} is damaged"])
    return how_to_repair(record)


def _mark(folder: Path, record: dict, found: List[str]) -> None:
    damaged = [*record.get("damaged", []), *found]
    write_record(folder, {**record, "damaged": list(dict.fromkeys(damaged))})


def _damaged(folder: Path, record: dict, found: List[str]) -> InputError:
    if not record:
        return InputError(str(folder / RECORD), "a whole stage record", "one that is damaged; run the stage that makes "
                          f"{folder} again")
    found = list(dict.fromkeys(found))
    _mark(folder, record, found)
    return InputError(str(folder), f"the files that {record['program']} wrote",
                      f"others: {', '.join(found[:5])}; {how_to_repair(record)}")


def _producer(path: Path) -> Optional[Path]:
    """The nearest folder with a stage record."""
    return next((parent for parent in path.parents if (parent / RECORD).is_file()), None)


def stage_records(work: Path) -> List[Tuple[Path, Dict]]:
    """(output folder, record) of each stage below the work folder, in the order in which they ended."""
    ended = []
    for folder in folders_with(work, RECORD):
        with suppress(FileNotFoundError):
            ended.append(((folder / RECORD).stat().st_mtime, str(folder)))
    return [(Path(folder), read_record(Path(folder))) for _, folder in sorted(ended)]


def folders_with(work: Path, name: str) -> Iterator[Path]:
    """Those at any depth that hold the file. What a running stage renames or removes meanwhile is passed over."""
    return (Path(folder) for folder, _, names in os.walk(work) if name in names)


def made_from(folder: Path) -> Iterator[Tuple[Path, Dict]]:
    """(folder, record) of the stage that wrote the folder, of those that wrote its inputs, and so on."""
    waiting, seen = [folder.resolve()], set()
    while waiting:
        current = waiting.pop(0)
        if current in seen:
            continue
        seen.add(current)
        record = read_record(current)
        if not record:
            continue
        yield current, record
        for path in record.get("inputs", {}):
            # an input file may lie below its stage's folder
            waiting += [parent for parent in Path(path).parents if (parent / RECORD).is_file()]


def training_seed(folder: Path) -> Optional[int]:
    """The seed of the nearest training stage that the folder was made from; else None."""
    return next((record["facts"]["training_seed"] for _, record in made_from(folder)
                 if "training_seed" in record.get("facts", {})), None)
