"""Files of lattices that hold what no lattice is; that what is written is read again stands in tests of the classes."""

import numpy as np
import pytest

from graphs.archive import Array, write_archive
from graphs.errors import InputError
from graphs.lattices.lattice import Lattice
from graphs.lattices.lattice_io import lattice_part, read_lattices, write_lattices
from tests.graphs.lattices.test_compact_lattice import by_hand as of_words
from tests.graphs.lattices.test_lattice import by_hand as of_frames


def forge(folder, lattices, **change):
    """Writes a part whose arrays are changed, whole by its sha256."""
    write_lattices(folder, 0, lattices)
    with np.load(lattice_part(folder, 0)) as stored:
        arrays = {**stored, **{name: np.array(values, stored[name].dtype) for name, values in change.items()}}
    layout = {name: Array(array.dtype.type, array.shape) for name, array in arrays.items()}
    write_archive(lattice_part(folder, 0), layout, arrays)


@pytest.mark.parametrize("change, message", [
    (dict(num_arcs=[3, 2]), "num_arcs: expected ends in order, the last at 6"),
    (dict(num_arcs=[7, -1]), "num_arcs: expected numbers from 0 "),
    (dict(num_frames=[2, -1]), "num_frames: expected numbers from 0 "),
    (dict(src=[0, 1, 2, 0, 1, 3]), "dst: expected states after those that the arcs leave"),
    (dict(dst=[1, 2, 4, 1, 2, 3]), "lattices.00000.npz: lattice u, dst: expected numbers from 1 to below 4"),
])
def test_arcs_and_frames_that_are_no_lattices(change, message, tmp_path):
    forge(tmp_path, [of_frames(), of_frames()], **change)
    with pytest.raises(InputError, match=message):
        list(read_lattices(tmp_path))


@pytest.mark.parametrize("frames, message", [
    ([2, 0, 2], "arc_frames: expected ends in order, the last at 3"),
    ([3, -1, 1], "arc_frames: expected numbers from 0 "),
])
def test_strings_that_are_none(frames, message, tmp_path):
    forge(tmp_path, [of_words()], arc_frames=frames)
    with pytest.raises(InputError, match=message):
        list(read_lattices(tmp_path))


def test_lattices_without_frames_are_read_again(tmp_path):
    write_lattices(tmp_path, 0, [Lattice("u", 0, [0], [1], [0], [5], [-1.0], [-2.0])])
    (found,) = read_lattices(tmp_path)
    assert (found.num_frames, found.word_id.tolist(), found.best_path().score) == (0, [5], -3.0)
