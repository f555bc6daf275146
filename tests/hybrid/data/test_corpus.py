import os

import pytest

from graphs.errors import InputError
from hybrid.data.corpus import UNKNOWN_RATE, parse_splits, recording_of


def test_what_is_no_file_has_no_samples(tmp_path):
    os.mkfifo(tmp_path / "a.wav")  # opening it would wait for somebody who writes
    (tmp_path / "b.wav").mkdir()
    for name in ("a.wav", "b.wav", "none.wav", "c" * 5000):
        recording = recording_of(tmp_path / name)
        assert (recording.num_samples, recording.sampling_rate) == (0, UNKNOWN_RATE)


def test_splits_argument():
    assert parse_splits("train, dev=dev_clean") == {"train": "train", "dev": "dev_clean"}
    assert parse_splits(None) == {}
    for bad in ("a,a", "a,,b", "=x"):
        with pytest.raises(InputError, match="--splits"):
            parse_splits(bad)
