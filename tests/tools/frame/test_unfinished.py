"""Where a stage works until it is whole: names, locks, clocks, and the exchange at the end."""

import os
import re
import socket
import threading
import time

import pytest

from graphs.errors import InputError
from tools.frame import unfinished
from tools.frame.records import write_record
from tools.frame.unfinished import Unfinished, holder, is_foreign, is_unfinished, whole_scores


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_scores_that_are_being_written_are_no_scores(tmp_path):
    for name in ("exp/score_test", "score_dev", "score_dev.unfinished", "exp/score_test.replaced", "decode_dev"):
        (tmp_path / name).mkdir(parents=True)
    assert whole_scores(tmp_path) == [tmp_path / "exp/score_test", tmp_path / "score_dev"]
    assert [is_unfinished(tmp_path / name) for name in ("a.unfinished", "a.replaced", "a", "unfinished")] == [
        True, True, False, False]


def test_the_second_program_is_told_who_works(tmp_path):
    first, second = Unfinished(tmp_path / "deep/out"), Unfinished(tmp_path / "deep/out")
    first.open()
    assert first.folder == tmp_path / "deep/out.unfinished" and first.folder.is_dir()
    for known in ("another process", "toy: process 7"):
        with pytest.raises(InputError) as error:
            second.open()
        assert str(error.value) == f"--out {tmp_path}/deep/out: expected no other program at work on it, found {known}"
        second.close()
        write_record(first.folder, {"program": "toy", "holder": "toy: process 7"})
    first.close()
    first.close()
    second.open()
    second.close()


def test_what_was_never_opened_can_be_closed(tmp_path):
    Unfinished(tmp_path / "out").close()
    assert names(tmp_path) == []


def test_a_name_of_its_own_is_needed():
    with pytest.raises(InputError, match=r"--out \.: expected a folder with a name of its own, found none"):
        Unfinished(unfinished.Path("."))


def test_what_is_cleared_is_gone_but_not_what_links_lead_to(tmp_path):
    place = Unfinished(tmp_path / "out")
    place.open()
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/file").write_text("kept")
    (place.folder / "file").write_text("x")
    (place.folder / "folder/deep").mkdir(parents=True)
    (place.folder / "link").symlink_to(tmp_path / "kept")
    (place.folder / "nowhere").symlink_to(tmp_path / "none")
    place.clear()
    assert names(place.folder) == [] and (tmp_path / "kept/file").exists()
    place.close()


@pytest.mark.parametrize("before", ["nothing", "folder", "link", "link to nowhere"])
def test_what_is_whole_takes_the_place_of_what_was_there(tmp_path, before):
    out = tmp_path / "out"
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/old").write_text("old")
    if before == "folder":
        (tmp_path / "elsewhere").rename(out)
    elif before.startswith("link"):
        out.symlink_to(tmp_path / ("elsewhere" if before == "link" else "none"))
    place = Unfinished(out)
    place.open()
    place.start_clock()
    for name in ["new"] + [".seconds"] * (before == "folder"):  # which a short run has none of
        (place.folder / name).write_text("5")
    place.finish()
    assert names(out) == ["new"] and not out.is_symlink()
    assert names(tmp_path) == (["out"] if before == "folder" else ["elsewhere", "out"])
    assert before == "folder" or names(tmp_path / "elsewhere") == ["old"]
    place.close()
    again = Unfinished(out)  # the lock is free again
    again.open()
    again.close()


@pytest.mark.parametrize("there, left", [
    ({"out": "new", "out.replaced": "old"}, "new"), ({"out.replaced": "old", "out.unfinished": "new"}, "old"),
    ({"out": "new"}, "new"), ({}, None)])
def test_an_exchange_that_was_cut_off_is_ended(tmp_path, there, left):
    for name, text in there.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(text)
    Unfinished(tmp_path / "out").recover()
    assert names(tmp_path) == sorted([*(["out"] if left else []), *(set(there) & {"out.unfinished"})])
    assert left is None or (tmp_path / "out/file").read_text() == left


def test_a_link_that_was_being_replaced_comes_back(tmp_path):
    (tmp_path / "out.replaced").symlink_to(tmp_path / "nowhere")
    Unfinished(tmp_path / "out").recover()
    assert names(tmp_path) == ["out"] and (tmp_path / "out").is_symlink()


@pytest.mark.parametrize("text, earlier", [
    ("100.5", 100.5), ("0", 0), ("-7", 0), ("nan", 0), ("half", 0), ("", 0), (None, 0)])
def test_seconds_of_earlier_runs_are_added(tmp_path, text, earlier):
    place = Unfinished(tmp_path / "out")
    place.open()
    if text is not None:
        (place.folder / ".seconds").write_text(text)
    started = time.monotonic()
    place.start_clock()
    seconds = place.seconds()
    assert earlier <= seconds <= earlier + time.monotonic() - started
    place.close()


def test_the_time_is_kept_while_it_works_and_no_longer(tmp_path, monkeypatch):
    monkeypatch.setattr(unfinished, "CLOCK_SECONDS", 0.01)
    place = Unfinished(tmp_path / "out")
    place.open()
    (place.folder / ".seconds").write_text("50")
    place.start_clock()
    file, deadline = place.folder / ".seconds", time.monotonic() + 20
    while file.read_text() == "50" and time.monotonic() < deadline:
        time.sleep(0.01)
    assert re.fullmatch(r"[5-7]\d\.\d", file.read_text())
    place.folder.rename(tmp_path / "away")  # what cannot be written is no end of it
    time.sleep(0.05)
    (tmp_path / "away").rename(place.folder)
    file.unlink()
    while not file.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert file.exists()
    place.close()
    time.sleep(0.05)
    file.write_text("kept")
    time.sleep(0.05)
    assert file.read_text() == "kept"


def test_what_is_whole_holds_no_time_that_was_being_written(tmp_path, monkeypatch):
    """On a slow disk; and a program that ends does not wait for its clock."""
    monkeypatch.setattr(unfinished, "CLOCK_SECONDS", 0.001)
    writing, replace, others = threading.Event(), os.replace, set(threading.enumerate())

    def slowly(source, target):
        writing.set()
        time.sleep(0.2)
        replace(source, target)
    monkeypatch.setattr(os, "replace", slowly)
    place = Unfinished(tmp_path / "out")
    place.open()
    place.start_clock()
    clock, = set(threading.enumerate()) - others
    assert clock.daemon and writing.wait(20)
    place.finish()
    assert names(tmp_path / "out") == [] and not clock.is_alive()
    place.close()


def test_the_holder_can_be_found():
    assert re.fullmatch(rf"process {os.getpid()} on {re.escape(socket.gethostname())}, "
                        r"started \d{4}-\d\d-\d\d \d\d:\d\d:\d\d", holder())


@pytest.mark.parametrize("files, foreign", [
    (None, False), ([], False), (["mine"], True), (["mine", ".stage.json"], False), (["log.txt"], False),
    ([".stage.json.tmp"], False), (["stage.json"], True)])
def test_folders_of_others(tmp_path, files, foreign):
    folder = tmp_path / "out"
    if files is not None:
        folder.mkdir()
        for name in files:
            (folder / name).write_text("")
    assert is_foreign(folder) is foreign
