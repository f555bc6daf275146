"""What counts of files: their names and bytes, and of raw recordings their sizes and times."""

import hashlib
import os
from pathlib import Path

import pytest

from tools.frame.fingerprint import (
    changed_raw, contents, digest, digest_files, digest_raw, files_of, fingerprint, is_content, same_stat, sha256)

GONE = [-1, -1, ""]  # as records have it
OLD = 1_500_000_000_000_000_000  # nanoseconds


def write(path: Path, text: str, time: int = OLD) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, ns=(time, time))
    return path


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("name, counts", [
    ("a", True), ("deep/model.pt", True), ("log.txt.gz", True), ("my_log.txt", True), ("stage.json", True),
    (".stage.json", False), ("deep/.stage.json", False), (".seconds", False), ("log.txt", False),
    ("train.jsonl", False), ("a.tmp", False), ("a.png", False), ("deep/a.svg", False), ("a.html", False),
    ("tensorboard/anything", False), ("runs/events.out.tfevents.17", False)])
def test_records_logs_and_pictures_are_no_content(name, counts):
    assert is_content(Path(name)) is counts


def test_the_files_of_a_folder_are_those_that_count_in_order(tmp_path):
    for name in ("b", "a/z", "a/log.txt", "c.png", "a/b/c"):
        write(tmp_path / name, name)
    assert files_of(tmp_path) == [tmp_path / name for name in ("a/b/c", "a/z", "b")]
    assert files_of(tmp_path / "c.png") == [tmp_path / "c.png"]  # asked for by its name
    assert files_of(tmp_path / "none") == [tmp_path / "none"]


def test_a_digest_is_size_time_and_sha256(tmp_path):
    assert digest(write(tmp_path / "a", "abc")) == [3, OLD, sha(b"abc")]
    assert sha256(write(tmp_path / "empty", "")) == sha(b"")
    large = bytes(range(251)) * 10_000  # more than is read at once
    (tmp_path / "large").write_bytes(large)
    assert sha256(tmp_path / "large") == sha(large)


def test_size_and_time_tell_files_apart(tmp_path):
    path = write(tmp_path / "a", "abc")
    for known, same in (([3, OLD, ""], True), ([4, OLD, ""], False), ([3, OLD + 1, ""], False)):
        assert same_stat(path, known) is same


def test_a_file_of_known_size_and_time_is_not_read_again(tmp_path):
    path = write(tmp_path / "folder/a", "abc")
    write(tmp_path / "folder/b.png", "x")
    (tmp_path / "link").symlink_to(path)
    for known, found in (([3, OLD, "known"], "known"), ([3, OLD - 1, "known"], sha(b"abc")),
                         ([2, OLD, "known"], sha(b"abc"))):
        assert digest_files([tmp_path / "folder"], {str(path): known}) == {str(path): [3, OLD, found]}
    assert digest_files([str(tmp_path / "link")], {}) == {str(path): [3, OLD, sha(b"abc")]}
    assert digest_files([], {str(path): [3, OLD, "known"]}) == {}


def test_raw_files_are_read_on_request_alone(tmp_path):
    path = write(tmp_path / "a.wav", "abc")
    missing = tmp_path / "missing.wav"
    (tmp_path / "link").symlink_to(path)
    assert digest_raw([path, missing, tmp_path]) == {
        str(path): [3, OLD, ""], str(missing): GONE, str(tmp_path): GONE}
    assert digest_raw([tmp_path / "link"], by_content=True) == {str(path): [3, OLD, sha(b"abc")]}


@pytest.mark.parametrize("known, by_time, by_content", [
    ([3, OLD, ""], True, True), ([3, OLD + 1, ""], False, False), ([2, OLD, ""], False, False),
    ([3, OLD + 1, sha(b"abc")], True, True), ([3, OLD, sha(b"abd")], True, False),
    ([3, OLD + 1, sha(b"abd")], False, False), (GONE, False, False)])
def test_which_raw_files_are_as_they_were(tmp_path, known, by_time, by_content):
    """Where the content is known a new time is no change; on request it counts at the same time, too."""
    name = str(write(tmp_path / "a.wav", "abc"))
    assert changed_raw({name: known}) == ([] if by_time else [name])
    assert changed_raw({name: known}, by_content=True) == ([] if by_content else [name])


def test_which_raw_files_came_and_went(tmp_path):
    missing, too_long = str(tmp_path / "missing"), str(tmp_path / ("x" * 5000))
    known = [3, OLD, ""]
    assert changed_raw({missing: GONE, too_long: GONE, str(tmp_path): GONE}) == []
    assert changed_raw({missing: known, str(tmp_path): known, too_long: known}) == [missing, str(tmp_path), too_long]


def test_a_raw_file_that_cannot_be_read_is_another_than_before():
    """Of /proc/self/mem the first bytes are no memory."""
    assert digest_raw([Path("/proc/self/mem")], by_content=True)[os.path.realpath("/proc/self/mem")] == GONE
    assert changed_raw({"/proc/self/mem": [0, OLD, sha(b"")]}) == ["/proc/self/mem"]


def test_a_fingerprint_stays_what_it_is(tmp_path):
    """With another all that was ever made would be made anew."""
    expected = sha('{"a": [1, null], "b": {"c": "é", "d": 0.5}}'.encode())[:16]
    assert fingerprint(a=[1, None], b={"c": "é", "d": 0.5}) == expected
    assert fingerprint(b={"d": 0.5, "c": "é"}, a=[1, None]) == expected
    assert fingerprint(name="\udce9") != fingerprint(name="\udcea")  # bytes that are no UTF-8


def test_of_digests_the_time_does_not_count():
    assert contents({"a": [3, OLD, "x"], "b": [4, 1, "y"]}) == {"a": [3, "x"], "b": [4, "y"]}
