"""Content fingerprints of a stage's inputs: an input has changed when its bytes have, not its date.

Raw recordings, which are large and lie outside the work folder, are told apart by size and time instead, and by
content on request.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Dict, Iterable, List

# records, logs and times of a run, which do not count as content
NOT_CONTENT = (".stage.json", ".seconds", "log.txt", "train.jsonl", "*.tmp", "*.png", "*.svg", "*.html", "tensorboard",
               "events.out.tfevents.*")

GONE = [-1, -1, ""]  # digest of a raw file that is not there: the work is done again when it is

Digests = Dict[str, List]  # path -> [size, mtime_ns, sha256 of the content]


def is_content(name: Path) -> bool:
    """name: a path inside its folder."""
    return not any(Path(part).match(pattern) for part in name.parts for pattern in NOT_CONTENT)


def files_of(path: Path) -> List[Path]:
    """The file itself, or the content files below a folder, sorted."""
    if path.is_dir():
        return sorted(p for p in path.rglob("*") if p.is_file() and is_content(p.relative_to(path)))
    return [path]


def digest(path: Path) -> List:
    stat = path.stat()
    return [stat.st_size, stat.st_mtime_ns, sha256(path)]


def sha256(path: Path) -> str:
    sha = hashlib.sha256()
    with open(path, "rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            sha.update(block)
    return sha.hexdigest()


def same_stat(path: Path, known: List) -> bool:
    """Has the file the size and the time of the digest?"""
    stat = path.stat()
    return known[:2] == [stat.st_size, stat.st_mtime_ns]


def digest_files(paths: Iterable[Path], known: Digests) -> Digests:
    """Digest of each content file of the files and folders; one of the same size and time as in `known` is not
    read again."""
    digests: Digests = {}
    for path in (file for root in paths for file in files_of(Path(root))):
        key = str(path.resolve())
        before = known.get(key)
        digests[key] = before if before is not None and same_stat(path, before) else digest(path)
    return digests


def digest_raw(paths: Iterable[Path], by_content: bool = False) -> Digests:
    """Size and time of each raw file, with its sha256 on request, else "". What is no file counts as gone: a folder
    that a corpus names by mistake may be a whole disk."""
    return {os.path.realpath(path): _digest_raw(path, by_content) for path in paths}


def _digest_raw(path: Path, by_content: bool) -> List:
    try:
        if os.path.isfile(path):  # Path.is_file raises for a name that is too long
            stat = path.stat()
            return [stat.st_size, stat.st_mtime_ns, sha256(path) if by_content else ""]
    except OSError:  # the program names it as a failure
        pass
    return GONE


def changed_raw(before: Digests, by_content: bool = False) -> List[str]:
    """Which raw files are gone, are there again or are not what they were. Where `before` knows the content a new time
    alone is no change; with by_content the content is compared even at the same time."""
    changed = []
    for name, known in before.items():
        path = Path(name)
        try:
            if not os.path.isfile(path):
                same = known == GONE
            elif known[2] and (by_content or not same_stat(path, known)):
                same = sha256(path) == known[2]
            else:
                same = same_stat(path, known)
        except OSError:
            same = known == GONE
        if not same:
            changed.append(name)
    return changed


def fingerprint(**facts) -> str:
    """One hex digest of JSON-able facts."""
    text = json.dumps(facts, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def contents(digests: Digests) -> Dict[str, List]:
    """Path -> [size, sha256]: what counts of the digests (the time does not)."""
    return {path: [size, sha] for path, (size, _, sha) in digests.items()}
