"""Every byte of an archive counts, and nothing but the arrays of the layout is read."""

import hashlib
import io
import zipfile

import numpy as np
import pytest

from graphs.archive import Array, _sha256, check_ends, read_archive, write_archive
from graphs.errors import DamagedInput, InputError

LAYOUT = {"names": Array(np.str_, ("items",)), "counts": Array(np.int64, ("items",)),
          "rows": Array(np.float32, ("rows", 2)), "facts": Array(np.str_)}
ARRAYS = {"names": ["a", "\u00e9\u4f60"], "counts": [1, 2], "rows": np.arange(6.0).reshape(3, 2), "facts": "{}"}


def test_round_trip_and_numpy_reads_it_too(tmp_path):
    path = tmp_path / "new" / "x.npz"
    write_archive(path, LAYOUT, ARRAYS)
    found = read_archive(path, LAYOUT)
    assert found["names"].tolist() == ARRAYS["names"] and found["counts"].tolist() == [1, 2]
    assert np.array_equal(found["rows"], ARRAYS["rows"]) and str(found["facts"]) == "{}"
    assert np.load(path)["counts"].tolist() == [1, 2] and found["rows"].flags.writeable and found["rows"].flags.aligned
    assert [p.name for p in path.parent.iterdir()] == ["x.npz"]
    first = path.read_bytes()
    write_archive(path, LAYOUT, ARRAYS)
    assert path.read_bytes() == first


def test_every_flipped_byte_and_every_cut_is_noticed(tmp_path):
    path = tmp_path / "x.npz"
    write_archive(path, LAYOUT, ARRAYS)
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << place % 8]) + whole[place + 1:])
        with pytest.raises(DamagedInput, match="x.npz: expected what was written"):
            read_archive(path, LAYOUT)
    for size in range(0, len(whole), 7):
        path.write_bytes(whole[:size])
        with pytest.raises(DamagedInput, match="x.npz: expected what was written"):
            read_archive(path, LAYOUT)


@pytest.mark.parametrize("change, message", [
    ({"counts": Array(np.int32, ("items",))}, "x.npz, counts: expected int32, found int64"),
    ({"counts": Array(np.int64)}, r"x.npz, counts: expected shape \[\]"),
    ({"counts": Array(np.int64, ("rows",))}, r"x.npz, rows: expected shape \[rows, 2\], rows = 2, found \(3, 2\)"),
    ({"rows": Array(np.float32, ("rows", 3))}, r"x.npz, rows: expected shape \[rows, 3\]"),
    ({"more": Array(np.int64)}, "x.npz: expected the arrays counts, facts, more, names, rows"),
])
def test_other_arrays_than_expected(tmp_path, change, message):
    write_archive(tmp_path / "x.npz", LAYOUT, ARRAYS)
    with pytest.raises(InputError, match=message):
        read_archive(tmp_path / "x.npz", {**LAYOUT, **change})


def test_no_file_and_no_object(tmp_path):
    with pytest.raises(InputError, match="x.npz: expected an existing file"):
        read_archive(tmp_path / "x.npz", LAYOUT)
    objects = {"x": Array(np.object_, ("items",))}
    write_archive(tmp_path / "x.npz", objects, {"x": np.array([{}, None], object)})
    with pytest.raises(InputError, match="an array of Python's objects"):
        read_archive(tmp_path / "x.npz", objects)


@pytest.mark.parametrize("rows", [np.arange(6.0).reshape(2, 3).T, np.zeros((0, 2)), np.arange(1e5).reshape(-1, 2)])
def test_arrays_of_any_order_and_size(tmp_path, rows):
    write_archive(tmp_path / "x.npz", LAYOUT, {**ARRAYS, "rows": rows, "facts": "x" * 10 ** 5})
    found = read_archive(tmp_path / "x.npz", LAYOUT)
    assert np.array_equal(found["rows"], rows) and found["rows"].shape == rows.shape
    assert len(str(found["facts"])) == 10 ** 5


@pytest.mark.parametrize("compressed, name", [(True, "counts.npy"), (False, "counts.txt")])
def test_members_that_we_do_not_write(tmp_path, compressed, name):
    way = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    with zipfile.ZipFile(tmp_path / "x.npz", "w", way) as archive:
        archive.writestr(name, 100 * b"0")
        archive.comment = 64 * b"0"
    content = (tmp_path / "x.npz").read_bytes()[:-64]
    (tmp_path / "x.npz").write_bytes(content + hashlib.sha256(content).hexdigest().encode())
    with pytest.raises(InputError, match=f"found ValueError: member '{name}', other than a stored .npy"):
        read_archive(tmp_path / "x.npz", LAYOUT)


@pytest.mark.parametrize("ends, total", [([2, 1, 3], 3), ([1, 2], 3), ([-1, 3], 3), ([], 1)])
def test_ends_out_of_order(ends, total):
    check_ends("x", np.array([0, 2, 2, 3]), 3)
    check_ends("x", np.zeros(0, int), 0)
    with pytest.raises(InputError, match="x: expected ends in order"):
        check_ends("x", np.array(ends, int), total)


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1])
def test_the_digest_is_that_of_all_bytes_before_it(size):
    content = bytes(range(256)) * (size // 256 + 1)
    stream = io.BytesIO(content[:size] + 64 * b"x")
    assert _sha256(stream) == hashlib.sha256(content[:size]).hexdigest().encode() and stream.read() == 64 * b"x"
