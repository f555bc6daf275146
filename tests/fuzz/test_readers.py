"""Readers and hostile bytes, some of each; `python -m tests.fuzz` tries many more."""

import warnings

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphs.errors import InputError
from tests.fuzz.readers import READERS

TESTED = [pytest.param(reader, id=name) for name, reader in READERS.items() if not reader.pending]


@pytest.mark.parametrize("reader", TESTED)
def test_the_example_is_good(reader, tmp_path):
    reader.write(tmp_path)
    reader.read(tmp_path)


@pytest.mark.parametrize("reader", TESTED)
@settings(max_examples=60, derandomize=True, database=None, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(random=st.randoms(use_true_random=True))
def test_any_bytes_are_read_or_refused(reader, tmp_path, random):
    path = tmp_path / reader.file
    if not (tmp_path / "valid").exists():
        reader.write(tmp_path)
        (tmp_path / "valid").write_bytes(path.read_bytes())
    path.write_bytes(reader.mutate((tmp_path / "valid").read_bytes(), random))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            reader.read(tmp_path)
    except InputError:
        pass
