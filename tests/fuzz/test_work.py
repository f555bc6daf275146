"""The fuzzer itself: it tells what is documented from what is not, and its mutations differ from the original."""

import gzip
import json
import random
import subprocess
import sys

import pytest

from graphs.errors import InputError
from tests.fuzz import work
from tests.fuzz.mutations import archive_arrays, gzipped, json_values, mutate
from tests.fuzz.reader import Reader
from tests.fuzz.readers import READERS


def raising(error):
    def read(folder):
        raise error
    return read


def endless(folder):
    while True:
        pass


@pytest.mark.parametrize("read, expected", [
    (lambda folder: None, "read"), (raising(InputError("a", "b", "c")), "refused"), (raising(ValueError()), "failed"),
    (raising(MemoryError()), "failed"), (endless, "failed")])
def test_outcomes(read, expected, tmp_path, monkeypatch):
    monkeypatch.setattr(work, "CASE_SECONDS", 0.1)
    work.catch_alarms()
    found, place, trace = work.outcome(Reader("x", "x", lambda folder: None, read), tmp_path)
    assert found == expected and bool(place) == bool(trace) == (expected == "failed")


@pytest.mark.parametrize("change, data", [
    (mutate, b"a 1\nb 2\n"), (gzipped(), gzip.compress(b"a 1\nb 2\n", mtime=0)),
    (json_values, b'{"a": [1, {"b": null}]}'),
    (json_values, b'{"a": 1}\n{"b": 2}\n')], ids=["text", "gzip", "json", "json lines"])
def test_mutations_are_many_and_the_same_for_a_seed(change, data):
    found = [change(data, random.Random(seed)) for seed in range(200)]
    assert len({*found, data}) > 100
    assert found[:20] == [change(data, random.Random(seed)) for seed in range(20)]


def test_json_mutations_are_mostly_json():
    found = [json_values(b'{"a": [1, {"b": null}]}', random.Random(seed)) for seed in range(100)]
    assert sum(_is_json(data) for data in found) > 50


def _is_json(data):
    try:
        json.loads(data)
    except ValueError:
        return False
    return True


def test_archive_mutations_pass_the_digest(tmp_path):
    reader = READERS["alignments"]
    reader.write(tmp_path)
    valid = (tmp_path / reader.file).read_bytes()
    refused = []
    for seed in range(50):
        (tmp_path / reader.file).write_bytes(archive_arrays(valid, random.Random(seed)))
        try:
            reader.read(tmp_path)
        except InputError as error:
            refused.append(error.expected)
    assert len(refused) > 20 and sum("sha256" in expected for expected in refused) < 20


def test_the_command_prints_a_table(tmp_path):
    done = subprocess.run([sys.executable, "-m", "tests.fuzz", "--reader", "symbols", "--minutes", "0.005",
                           "--failures", str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0 and list(tmp_path.iterdir()) == []
    rows = [line.split(" | ") for line in done.stdout.splitlines()]
    assert [row[0] for row in rows[2:]] == ["| symbols"] and int(rows[2][1]) > 10 and rows[2][4] == "0"
