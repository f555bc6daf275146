import pytest

from graphs.errors import InputError
from hybrid.data.corpus import parse_splits


def test_splits_argument():
    assert parse_splits("train, dev=dev_clean") == {"train": "train", "dev": "dev_clean"}
    assert parse_splits(None) == {}
    for bad in ("a,a", "a,,b", "=x"):
        with pytest.raises(InputError, match="--splits"):
            parse_splits(bad)
