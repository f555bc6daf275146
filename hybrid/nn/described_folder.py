"""Folders of several files, of which a JSON file knows the sha256 of each other, and its own.

A changed byte anywhere is noticed when the folder is read.
"""

import hashlib
import json
from contextlib import contextmanager
from pathlib import Path
from typing import Iterable, Optional

from torch import nn

from graphs.errors import DamagedInput, InputError
from hybrid.nn.tensor_file import SUFFIX, read_tensors, write_atomically


def write_described(path: Path, description: dict, files: Iterable[str]) -> None:
    """Writes the JSON file, after all others.

    Args:
      path: of the JSON file.
      description: JSON-able.
      files: names of files beside it; those that are there go into it.
    """
    digests = {name: _sha256((path.parent / name).read_bytes()) for name in files if (path.parent / name).is_file()}
    write_atomically(path, _text({**description, "files": digests}))


def read_described(path: Path, what: str) -> dict:
    """The description. Raises InputError when the file is missing or not what was written.

    what: what the folder is, such as `a model folder`.
    """
    try:
        data = path.read_bytes()
        description = json.loads(data.decode("utf-8"))
        del description["sha256"]
        whole = _text(description) == data and isinstance(description["files"], dict)
    except FileNotFoundError:
        raise InputError(str(path.parent), f"{what} with {path.name}", "none") from None
    except OSError as error:
        raise InputError(str(path), "a file that can be read", str(error.strerror)) from None
    except (ValueError, KeyError, TypeError, RecursionError):
        whole = False
    if not whole:
        raise DamagedInput(str(path), "what a training wrote, with its sha256", "other bytes", str(path))
    return description


def described_file(described_by: Path, name: str, description: dict) -> Path:
    """A file of the folder, after a look at its bytes. Raises InputError when it is missing or not what was written."""
    path = described_by.parent / name
    known = description["files"].get(name)
    if known is None or not path.is_file():
        raise InputError(str(described_by.parent), f"a model with {name}", "none")
    if _sha256(path.read_bytes()) != known:
        raise DamagedInput(str(path), f"the bytes that {described_by.name} knows", "others", str(path))
    return path


@contextmanager
def naming_options(described_by: Path):
    """InputError that names the file where options are made of what it holds, and cannot be."""
    try:
        yield
    except (KeyError, TypeError, ValueError, RuntimeError) as error:  # RuntimeError: torch makes no such matrices
        raise InputError(str(described_by), "the options of a network", f"{type(error).__name__}: {error}") from None


def load_weights(model: nn.Module, described_by: Path, description: dict, checkpoint: Optional[str] = None) -> None:
    """Fills a network with weights of its folder.

    Args:
      checkpoint: `best`, `averaged`, ...; by default the one that the description names.
    Raises: InputError when the file is missing, damaged or of another network.
    """
    with naming_options(described_by):
        name = (checkpoint or description["checkpoint"]) + SUFFIX
    path = described_file(described_by, name, description)
    try:
        model.load_state_dict(read_tensors(path)[0])
    except RuntimeError as error:
        raise InputError(str(path), f"weights of the network in {described_by.name}", str(error)) from None


def _text(description: dict) -> bytes:
    sha256 = _sha256(json.dumps(description).encode("utf-8"))
    return (json.dumps({**description, "sha256": sha256}, indent=1) + "\n").encode("utf-8")


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
