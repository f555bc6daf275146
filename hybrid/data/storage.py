"""Feature matrices on disk in one of Lhotse's lossless storage formats, each with a checksum in its key."""

import errno
import os
import re
import shutil
import zlib
from pathlib import Path
from typing import Dict

import numpy as np
from lhotse.features import Features

from graphs.errors import DamagedInput, InputError

FORMATS = ("auto", "numpy_hdf5", "numpy_files")
RESERVE = 1 << 20  # bytes to leave free on the disk
FOLDER = "storage"  # tools.frame.records.SELF_CHECKING, too
_KEY = re.compile(r"(?:.*/)?\d{3}-\d+-crc([0-9a-f]{8})(?:\.npy)?")


class FeatureStore:
    """Writes matrices below `folder/storage`; a new archive is begun whenever one has grown large.

    The keys are running numbers, so an utterance id may hold any character, and CRC-32s of the matrices.
    """

    def __init__(self, folder: Path, format: str = "auto", archive_bytes: int = 1 << 30):
        """format: auto takes numpy_hdf5 (few large files) where h5py is installed, else numpy_files."""
        from lhotse.features.io import available_storage_backends, get_writer
        if format == "auto":
            format = "numpy_hdf5" if "numpy_hdf5" in available_storage_backends() else "numpy_files"
        if format not in available_storage_backends():
            raise InputError(f"features.storage = {format}", "the package h5py", "none (numpy_files needs no package)")
        self.folder, self.format, self._archive_bytes = Path(folder), format, archive_bytes
        self._open_writer = get_writer(format)
        self._writer, self._archives, self._count = None, 0, 0
        (self.folder / FOLDER).mkdir(parents=True, exist_ok=True)

    def write(self, matrix: np.ndarray) -> Dict[str, str]:
        """Stores ``[T, F]`` float32 and gives the storage_* fields of lhotse.Features.

        The path is relative to the folder.

        Raises: OSError on a full disk.
        """
        if self._writer is None or self._written >= self._archive_bytes:
            self._next_archive()
        if shutil.disk_usage(self.folder).free < matrix.nbytes + RESERVE:  # HDF5 notices it late, and crashes
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.folder))
        key = self._writer.write(f"{self._count % 1000:03d}-{self._count}-crc{_checksum(matrix)}", matrix)
        self._count += 1
        self._written += matrix.nbytes
        path = str(Path(self._writer.storage_path).relative_to(self.folder))
        return {"storage_type": self.format, "storage_path": path, "storage_key": key}

    def _next_archive(self) -> None:
        self.close()
        name = FOLDER if self.format == "numpy_files" else f"{FOLDER}/{self._archives:03d}"
        self._writer = self._open_writer(self.folder / name)
        self._archives, self._written = self._archives + 1, 0

    def close(self) -> None:
        from lhotse.features.io import close_cached_file_handles
        if hasattr(self._writer, "close"):
            self._writer.close()
        self._writer = None
        close_cached_file_handles()  # lhotse may hold a handle on an earlier file of the same name

    def __enter__(self) -> "FeatureStore":
        return self

    def __exit__(self, *error) -> None:
        self.close()


def _checksum(matrix: np.ndarray) -> str:
    """Of dtype (in which byte order is a letter of the file), shape and content."""
    kind = zlib.crc32(f"{matrix.dtype.str} {matrix.shape}".encode())
    return f"{zlib.crc32(np.ascontiguousarray(matrix), kind):08x}"


def check_matrix(item: str, features: Features, matrix: np.ndarray) -> None:
    """Raises DamagedInput when a matrix is not the one that a FeatureStore wrote; others have no checksum.

    Args:
      item: whose features, for the message.
      features: the manifest that the matrix was loaded by.
      matrix: all of it; a part is not checked.
    """
    written = _KEY.fullmatch(features.storage_key)
    if written and len(matrix) == features.num_frames and _checksum(matrix) != written[1]:
        raise DamagedInput(item, f"the matrix that was written (CRC-32 {written[1]})",
                           f"{_checksum(matrix)} in {features.storage_path}", features.storage_path)
