"""Matrices on disk: where each lies, its checksum, and disks and archives that are full."""

import errno
import shutil
import zlib
from types import SimpleNamespace

import numpy as np
import pytest
from lhotse import Features
from lhotse.features.io import available_storage_backends

from graphs.errors import DamagedInput, InputError
from hybrid.data.storage import FeatureStore, check_matrix

FORMATS = [name for name in ("numpy_files", "numpy_hdf5") if name in available_storage_backends()]
MATRIX = np.arange(6, dtype=np.float32).reshape(2, 3)
CRC = f"{zlib.crc32(MATRIX.tobytes(), zlib.crc32(b'<f4 (2, 3)')):08x}"


def features_of(where, folder, frames):
    return Features(type="x", num_frames=frames, num_features=3, frame_shift=0.01, sampling_rate=16000, start=0.0,
                    duration=0.01 * frames, **where).with_path_prefix(folder)


@pytest.mark.parametrize("format", FORMATS)
def test_what_is_written_can_be_read(tmp_path, format):
    folder = tmp_path / "in" / "f"
    matrices = [MATRIX, MATRIX.T.copy().T, 2 * MATRIX[:1], MATRIX]
    with FeatureStore(folder, format) as store:
        places = [store.write(matrix) for matrix in matrices]
    assert (store.format, store.folder) == (format, folder)
    for number, (where, matrix) in enumerate(zip(places, matrices)):
        features = features_of(where, folder, len(matrix))
        assert where["storage_type"] == format and np.array_equal(features.load(), matrix)
        assert f"{number:03d}-{number}-crc" in where["storage_key"]
        check_matrix("x", features, matrix)
    assert [CRC in where["storage_key"] for where in places] == [True, True, False, True]
    assert {where["storage_path"] for where in places} == {
        "numpy_files": {"storage"}, "numpy_hdf5": {"storage/000.h5"}}[format]


@pytest.mark.parametrize("archive_bytes, sizes", [(1, [1] * 5), (24, [1] * 5), (25, [2, 2, 1]), (48, [2, 2, 1]),
                                                  (49, [3, 2])])
def test_an_archive_is_closed_when_it_holds_so_many_bytes(tmp_path, archive_bytes, sizes):
    pytest.importorskip("h5py")
    with FeatureStore(tmp_path, archive_bytes=archive_bytes) as store:
        paths = [store.write(MATRIX)["storage_path"] for _ in range(5)]  # 24 bytes each
    assert paths == [f"storage/{number:03d}.h5" for number, size in enumerate(sizes) for _ in range(size)]


def test_files_lie_in_up_to_a_thousand_folders(tmp_path):
    with FeatureStore(tmp_path, "numpy_files") as store:
        keys = [store.write(np.zeros((1, 1), np.float32))["storage_key"] for _ in range(1002)]
    assert [key.split("-crc")[0] for key in (keys[0], keys[999], keys[1000], keys[1001])] == [
        "000/000-0", "999/999-999", "000/000-1000", "001/001-1001"]
    assert len(list((tmp_path / "storage").iterdir())) == 1000


def test_another_archive_after_closing_and_nothing_to_close_at_first(tmp_path):
    pytest.importorskip("h5py")
    store = FeatureStore(tmp_path, "numpy_hdf5")
    store.close()
    first = store.write(MATRIX)
    store.close()
    store.close()
    second = store.write(2 * MATRIX)
    store.close()
    assert (first["storage_path"], second["storage_path"]) == ("storage/000.h5", "storage/001.h5")
    assert np.array_equal(features_of(first, tmp_path, 2).load(), MATRIX)
    assert np.array_equal(features_of(second, tmp_path, 2).load(), 2 * MATRIX)


def test_an_archive_is_whole_on_the_disk_when_the_next_is_begun_or_the_store_is_left(tmp_path):
    pytest.importorskip("h5py")
    with FeatureStore(tmp_path / "f", "numpy_hdf5", archive_bytes=1) as store:
        places = [store.write(factor * MATRIX) for factor in (1, 2)]
        shutil.copytree(tmp_path / "f", tmp_path / "before")  # as another process finds it
    shutil.copytree(tmp_path / "f", tmp_path / "after")
    assert np.array_equal(features_of(places[0], tmp_path / "before", 2).load(), MATRIX)
    assert np.array_equal(features_of(places[1], tmp_path / "after", 2).load(), 2 * MATRIX)


@pytest.mark.parametrize("format", FORMATS)
def test_a_folder_that_is_there_is_filled_again(tmp_path, format):
    for factor in (1, 2):
        with FeatureStore(tmp_path, format) as store:
            where = store.write(factor * MATRIX)
        assert np.array_equal(features_of(where, tmp_path, 2).load(), factor * MATRIX)


def test_features_made_anew_are_not_read_from_a_file_that_is_gone(tmp_path):
    pytest.importorskip("h5py")
    for factor in (1, 2):
        with FeatureStore(tmp_path, "numpy_hdf5") as store:
            where = store.write(factor * MATRIX)
        assert np.array_equal(features_of(where, tmp_path, 2).load(), factor * MATRIX)
        shutil.rmtree(tmp_path / "storage")


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("left, fits", [(24 + 2 ** 20, True), (23 + 2 ** 20, False), (0, False)])
def test_a_mebibyte_is_left_free_on_the_disk(tmp_path, monkeypatch, format, left, fits):
    with FeatureStore(tmp_path, format) as store:
        store.write(MATRIX)
        monkeypatch.setattr("hybrid.data.storage.shutil", SimpleNamespace(
            disk_usage=lambda folder: SimpleNamespace(free=left if folder == tmp_path else 0)))
        if fits:
            store.write(MATRIX)
        else:
            with pytest.raises(OSError, match="No space left on device") as error:
                store.write(MATRIX)
            assert (error.value.errno, error.value.filename) == (errno.ENOSPC, str(tmp_path))
            monkeypatch.undo()
        assert f"{1 + fits:03d}-{1 + fits}-crc" in store.write(MATRIX)["storage_key"]  # no number is left out


@pytest.mark.parametrize("changed", [
    MATRIX + np.array([0, 0, 1], np.float32), MATRIX.astype(">f4"), MATRIX.astype(np.float64), MATRIX[:, :2],
    MATRIX[::-1]])
@pytest.mark.parametrize("folder", ["", "000/", "a/b/"])
def test_another_matrix_is_noticed(changed, folder):
    where = SimpleNamespace(storage_key=f"{folder}007-7-crc{CRC}.npy"[:None if folder else -4], num_frames=2,
                            storage_path="far/storage")
    check_matrix("features of u", where, MATRIX)
    with pytest.raises(DamagedInput) as error:
        check_matrix("features of u", where, changed)
    kind = f"{changed.dtype.str} {changed.shape}".encode()
    found = f"{zlib.crc32(np.ascontiguousarray(changed).tobytes(), zlib.crc32(kind)):08x}"
    assert str(error.value) == (f"features of u: expected the matrix that was written (CRC-32 {CRC}), "
                                f"found {found} in far/storage")
    assert error.value.path == "far/storage"


def test_parts_of_a_matrix_and_matrices_of_others_are_not_checked():
    where = SimpleNamespace(storage_key=f"007-7-crc{CRC}", num_frames=3, storage_path="p")
    check_matrix("u", where, MATRIX)
    for key in ("u1.npy", "", f"7-7-crc{CRC}", f"007-7-crc{CRC}0", f"007-7-crc{CRC}.npz", f"x007-7-crc{CRC}"):
        check_matrix("u", SimpleNamespace(storage_key=key, num_frames=2, storage_path="p"), 2 * MATRIX)


@pytest.mark.parametrize("format", ["tape", "numpy_files ", ""])
def test_formats_that_there_are_not(tmp_path, format):
    with pytest.raises(InputError) as error:
        FeatureStore(tmp_path / "f", format)
    assert str(error.value) == (
        f"features.storage = {format}: expected the package h5py, found none (numpy_files needs no package)")
    assert not (tmp_path / "f").exists()
