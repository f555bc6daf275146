"""Content fingerprints of a stage's inputs: an input has changed when its bytes have, not its date."""

import hashlib
import json
from pathlib import Path
from typing import Dict, Iterable, List

# records and logs of a run, which do not count as content
NOT_CONTENT = (".stage.json", "log.txt", "*.tmp", "*.png", "*.svg", "*.html", "tensorboard")

Digests = Dict[str, List]  # path -> [size, mtime_ns, sha256 of the content]


def _is_content(path: Path, root: Path) -> bool:
    parts = path.relative_to(root).parts
    return not any(Path(part).match(pattern) for part in parts for pattern in NOT_CONTENT)


def files_of(path: Path) -> List[Path]:
    """The file itself, or the content files below a folder, sorted."""
    if path.is_dir():
        return sorted(p for p in path.rglob("*") if p.is_file() and _is_content(p, path))
    return [path]


def digest_files(paths: Iterable[Path], known: Digests, content: bool = True) -> Digests:
    """Digest of each file.

    Args:
      paths: files and folders.
      known: digests of an earlier run; a file of the same size and time is not read again.
      content: False for raw corpora: their names and sizes stand for them.
    """
    digests: Digests = {}
    for root in paths:
        for path in files_of(Path(root)):
            stat = path.stat()
            key = str(path.resolve())
            before = known.get(key)
            if not content:
                digests[key] = [stat.st_size, 0, "by name and size"]
            elif before is not None and before[:2] == [stat.st_size, stat.st_mtime_ns]:
                digests[key] = before
            else:
                digests[key] = [stat.st_size, stat.st_mtime_ns, _sha256(path)]
    return digests


def _sha256(path: Path) -> str:
    sha = hashlib.sha256()
    with open(path, "rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            sha.update(block)
    return sha.hexdigest()


def fingerprint(**facts) -> str:
    """One hex digest of JSON-able facts."""
    text = json.dumps(facts, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]


def contents(digests: Digests) -> Dict[str, List]:
    """Path -> [size, sha256]: what counts of the digests (the time does not)."""
    return {path: [size, sha] for path, (size, _, sha) in digests.items()}
