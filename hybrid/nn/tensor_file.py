"""Tensors in files: safetensors, which execute nothing as they are read, with a sha256 that every byte goes into.

Digest and JSON-able facts stand in the metadata, so that any reader of safetensors opens the file.
"""

import hashlib
import json
import os
import re
from pathlib import Path
from typing import Dict, Mapping, Optional, Tuple

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from graphs.errors import DamagedInput, InputError

SUFFIX = ".safetensors"
_ENTRY = "hybrid"  # one alone: the order of several is not fixed
_NO_DIGEST = 64 * b"0"
_DIGEST = re.compile(rb'"sha256\\": \\"([0-9a-f]{64})')  # the entry's JSON, as a JSON string
_DIGEST_WITHIN = 4096  # bytes from the start of the file; metadata come first


def write_tensors(path: Path, tensors: Mapping[str, Tensor], facts: Optional[dict] = None) -> None:
    """Writes whole or not at all, flushed to the disk.

    Args:
      tensors: by name, of any dtype, shape and device; no two share memory.
      facts: JSON-able.
    """
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    data = save(plain, {_ENTRY: json.dumps({"sha256": _NO_DIGEST.decode(), "facts": facts or {}})})
    data = data.replace(_NO_DIGEST, hashlib.sha256(data).hexdigest().encode(), 1)
    write_atomically(path, data)


def read_tensors(path: Path) -> Tuple[Dict[str, Tensor], dict]:
    """The tensors, on the CPU, and the facts.

    Raises: InputError when there is no such file or when a byte of it is not what was written.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise InputError(str(path), "a file that can be read", error.strerror or "none") from None
    found = _DIGEST.search(data, 0, _DIGEST_WITHIN)
    if not found or _sha256_without(data, *found.span(1)) != found.group(1):
        raise DamagedInput(str(path), "tensors as they were written, with the sha256 of all bytes",
                           "other bytes: the file is damaged, cut off or not of this project", str(path))
    try:
        header = json.loads(data[8:8 + int.from_bytes(data[:8], "little")])
        return load(data), json.loads(header["__metadata__"][_ENTRY])["facts"]
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(str(path), "tensors and facts", f"{type(error).__name__}: {error}") from None


def write_atomically(path: Path, data: bytes) -> None:
    """To a temporary name, flushed to the disk, then renamed."""
    temporary = path.with_name(path.name + ".tmp")
    with open(temporary, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(temporary, path)


def _sha256_without(data: bytes, start: int, end: int) -> bytes:
    """In hex, with zeros in place of the digest."""
    sha = hashlib.sha256(data[:start] + _NO_DIGEST)
    sha.update(memoryview(data)[end:])
    return sha.hexdigest().encode()
