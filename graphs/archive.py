"""Binary artefacts: arrays in numpy's .npz, and a sha256 that every byte before it goes into.

The digest is the comment of the zip archive, the last 64 bytes of the file: numpy opens it like any other .npz. (zip's
own checksums leave the headers out.)
"""

import hashlib
import io
import os
import struct
import zipfile
from pathlib import Path
from typing import BinaryIO, Dict, Mapping, NamedTuple, Tuple, Union

import numpy as np

from graphs.errors import DamagedInput, InputError

_DIGEST_BYTES = 64
_LONGEST_HEADER = 1 << 12


class Array(NamedTuple):
    """What an array of an archive is: shape holds a number or a name for each dimension; dimensions of one name are
    of one length."""

    dtype: type
    shape: Tuple[Union[str, int], ...] = ()


Layout = Mapping[str, Array]


def write_archive(path: Path, layout: Layout, arrays: Mapping[str, object]) -> None:
    """Writes the arrays, converted to the layout's dtypes. The file appears whole or not at all."""
    converted = {name: np.asarray(arrays[name], dtype=kind.dtype) for name, kind in layout.items()}
    _check(str(path), layout, converted)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    with open(temporary, "w+b") as stream:
        np.savez(stream, **converted)
        with zipfile.ZipFile(stream, "a") as archive:
            archive.comment = _DIGEST_BYTES * b"0"
        digest = _sha256(stream)
        stream.seek(-_DIGEST_BYTES, os.SEEK_END)
        stream.write(digest)
    os.replace(temporary, path)


def read_archive(path: Path, layout: Layout, *others: Layout) -> Dict[str, np.ndarray]:
    """The arrays of the layout, or of that one of the others whose arrays are there. No code in the file is run.

    Raises: InputError when there is no such file, when a byte of it is not what was written, or when it holds other
      arrays than those of the layout.
    """
    try:
        content = np.fromfile(path, np.uint8).data
        if hashlib.sha256(content[:-_DIGEST_BYTES]).hexdigest().encode("ascii") != content[-_DIGEST_BYTES:]:
            raise DamagedInput(str(path), "what was written, whose sha256 ends the file",
                               "other bytes: the file is damaged, cut off or not of this project", str(path))
        members = _members(path, content)
        found = [one for one in (layout, *others) if sorted(one) == sorted(members)]
        if not found:
            wanted = " or ".join(", ".join(sorted(one)) for one in (layout, *others))
            raise InputError(str(path), f"the arrays {wanted}", ", ".join(sorted(members)))
        layout = found[0]
        arrays = {name: _array(members[name]) for name in layout}
    except FileNotFoundError:
        raise InputError(str(path), "an existing file", "none") from None
    except InputError:
        raise
    except Exception as error:  # zipfile and numpy raise whatever the bytes lead to
        raise InputError(str(path), "an archive of arrays", f"{type(error).__name__}: {error}") from None
    _check(str(path), layout, arrays)
    return arrays


def _members(path: Path, content: memoryview) -> Dict[str, memoryview]:
    """The .npy files in it, by their names without the ending. What numpy.load does takes twice as long: it reads the
    file in small pieces, and sums each of them up for zip's own checksum."""
    found = {}
    with zipfile.ZipFile(path) as archive:
        for one in archive.infolist():
            name, ending = os.path.splitext(one.filename)
            if ending != ".npy" or one.compress_type != zipfile.ZIP_STORED:
                raise ValueError(f"member {one.filename!r}, other than a stored .npy")
            lengths = struct.unpack("<HH", content[one.header_offset + 26:one.header_offset + 30])
            start = one.header_offset + 30 + sum(lengths)  # of its name and of what zip keeps beside
            found[name] = content[start:start + one.file_size]
    return found


def _array(member: memoryview) -> np.ndarray:
    """Of a .npy file."""
    head = io.BytesIO(member[:_LONGEST_HEADER])
    version = np.lib.format.read_magic(head)
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
    shape, by_columns, dtype = read(head)
    if dtype.hasobject:
        raise ValueError("an array of Python's objects")
    stored = np.ndarray(shape, dtype, member, head.tell(), order="F" if by_columns else "C")
    return stored.copy()  # since it may begin at any byte


def check_ends(item: str, ends: np.ndarray, total: int) -> None:
    """InputError unless pieces that end there, laid end to end, make up `total`."""
    if (ends[-1] if len(ends) else 0) != total or (np.diff(ends, prepend=0) < 0).any():
        raise InputError(item, f"ends in order, the last at {total}", str(ends)[:80])


def _sha256(stream: BinaryIO) -> bytes:
    """In hex, of all but the last 64 bytes, before which the stream then stands."""
    left = stream.seek(0, os.SEEK_END) - _DIGEST_BYTES
    sha = hashlib.sha256()
    stream.seek(0)
    while left > 0:
        block = stream.read(min(left, 1 << 20))
        sha.update(block)
        left -= len(block)
    return sha.hexdigest().encode("ascii")


def _check(path: str, layout: Layout, arrays: Mapping[str, np.ndarray]) -> None:
    lengths: Dict[str, int] = {}
    for name, (dtype, shape) in layout.items():
        found = arrays[name]
        text = dtype is np.str_ and found.dtype.kind == "U"
        if not text and found.dtype != np.dtype(dtype):
            raise InputError(f"{path}, {name}", np.dtype(dtype).name, found.dtype.name)
        wanted = tuple(lengths.setdefault(d, n) if isinstance(d, str) else d for d, n in zip(shape, found.shape))
        if found.ndim != len(shape) or found.shape != wanted:
            raise InputError(f"{path}, {name}", f"shape [{', '.join(map(str, shape))}]"
                             + "".join(f", {d} = {n}" for d, n in lengths.items() if d in shape), str(found.shape))
