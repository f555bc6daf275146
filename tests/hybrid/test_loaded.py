import os
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Tuple

import pytest

from hybrid.loaded import kept_while_unchanged, paths_in


@dataclass(frozen=True)
class Work:
    folder: Path
    others: Tuple[Path, ...] = ()
    lm: Optional[Path] = None
    scale: float = 1.0


def reader(*size):
    """(function that reads the files of a Work, list of what was read)."""
    read = []

    @kept_while_unchanged(*size)
    def texts(work, more=""):
        """Says so."""
        read.append(work)
        return [path.read_text() for place in (work.folder, *work.others) for path in
                ([place] if place.is_file() else sorted(place.iterdir()) if place.exists() else [])]

    return texts, read


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model/a").write_text("one")
    return tmp_path / "model"


def test_what_was_read_is_kept_for_equal_arguments(folder):
    texts, read = reader()
    first = texts(Work(folder))
    assert first == ["one"] and texts(Work(Path(str(folder)))) is first and len(read) == 1
    assert texts(Work(folder, scale=2.0)) is not first and len(read) == 2
    assert texts(Work(folder)) is not first and len(read) == 3  # only the last one was kept
    texts.cache_clear()
    texts(Work(folder))
    assert len(read) == 4 and texts.__doc__ == "Says so."


def test_as_many_are_kept_as_was_said(folder):
    texts, read = reader(2)
    for scale in (1.0, 2.0, 1.0, 2.0):
        texts(Work(folder, scale=scale))
    assert len(read) == 2
    texts(Work(folder), "other")
    assert len(read) == 3


@pytest.mark.parametrize("place", ["folder", "others", "lm"])
@pytest.mark.parametrize("change", ["written", "same size", "new", "gone", "replaced"])
def test_a_file_that_is_another_is_read_again(folder, tmp_path, place, change):
    (tmp_path / "other").mkdir()
    given = {"folder": Work(folder), "others": Work(tmp_path / "other", (folder,)),
             "lm": Work(tmp_path / "other", lm=folder)}[place]
    texts, read = reader()
    texts(given)
    path = folder / "a"
    if change in ("written", "same size"):
        path.write_text("another" if change == "written" else "two")
        os.utime(path, ns=(1, 1))
    elif change == "new":
        (folder / "b").write_text("two")
    elif change == "gone":
        path.unlink()
    else:
        before = path.stat()
        (tmp_path / "new").write_text("two")
        os.replace(tmp_path / "new", path)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    found = texts(given)
    assert len(read) == 2
    if place != "lm":
        assert found == {"written": ["another"], "new": ["one", "two"], "gone": []}.get(change, ["two"])
    texts(given)
    assert len(read) == 2


def test_single_files_and_such_as_are_not_there(tmp_path):
    texts, read = reader()
    path = tmp_path / "lm.arpa"
    assert texts(Work(path)) == texts(Work(path)) == [] and len(read) == 1
    path.write_text("one")
    assert texts(Work(path)) == ["one"]
    path.write_text("three")
    assert texts(Work(path)) == ["three"] and len(read) == 3


def test_a_link_to_nothing_hides_no_other_file(folder):
    (folder / ".#a").symlink_to("someone@somewhere.1234")  # an editor's lock
    read = []

    @kept_while_unchanged()
    def text(path):
        read.append(path)
        return (path / "a").read_text()

    assert text(folder) == text(folder) == "one" and len(read) == 1
    (folder / "a").write_text("another")
    assert text(folder) == "another" and len(read) == 2


@pytest.mark.parametrize("change", ["target", "subfolder"])
def test_what_a_link_leads_to_counts_and_what_comes_and_goes_in_a_subfolder(folder, tmp_path, change):
    (tmp_path / "target").write_text("one")
    (folder / "link").symlink_to(tmp_path / "target")
    (folder / "inside").mkdir()
    read = []

    @kept_while_unchanged()
    def texts(path):
        read.append(path)
        return (path / "link").read_text(), [inside.name for inside in (path / "inside").iterdir()]
    assert texts(folder) == texts(folder) == ("one", []) and len(read) == 1
    if change == "target":
        (tmp_path / "target").write_text("another")
    else:
        (folder / "inside/new").write_text("")
        os.utime(folder / "inside", ns=(1, 1))  # two changes of one moment have one time
    expected = ("another", []) if change == "target" else ("one", ["new"])
    assert texts(folder) == texts(folder) == expected and len(read) == 2


def test_paths_are_found_in_what_holds_them(tmp_path):
    work = Work(tmp_path, (tmp_path / "a", tmp_path / "b"), tmp_path / "c")
    assert list(paths_in((work, "x", 3, None, (tmp_path / "d",)))) == [
        tmp_path, *(tmp_path / name for name in "abcd")]
