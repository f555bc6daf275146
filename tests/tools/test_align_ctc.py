"""Whose delay a first alignment takes; tests of the bootstrap look at the alignments."""

import pytest

from graphs.errors import InputError
from tools.align_ctc import delay_of
from tools.frame.records import write_record


def test_the_delay_of_another_alignment(tmp_path):
    """A whole number of frames, which may be 0 or below it, in the record of a folder of this program."""
    for frames in (3, 0, -2):
        write_record(tmp_path, {"facts": {"delay_frames": frames}})
        assert delay_of(tmp_path) == frames
    for facts in ({"delay_frames": True}, {"delay_frames": 1.0}, {"delay_frames": None}, {}):
        write_record(tmp_path, {"facts": facts})
        with pytest.raises(InputError, match=f"{tmp_path}: expected a folder of tools.align_ctc, found another"):
            delay_of(tmp_path)
    (tmp_path / ".stage.json").unlink()
    with pytest.raises(InputError, match="found another one"):
        delay_of(tmp_path)
