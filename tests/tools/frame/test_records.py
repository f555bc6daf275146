"""Stage records: what they say of damage and loss, of repair, and of what a folder was made from."""

import json
import os

import pytest

from graphs.errors import InputError
from tools.frame import records
from tools.frame.fingerprint import digest
from tools.frame.records import (
    changed_outputs, how_to_repair, load_record, made_from, mark_damaged, output_digests, read_record, stage_records,
    training_seed, verified_digests, write_record, write_text_atomically, written_by_stages)
from tools.frame.unfinished import whole_scores

AGAIN = "run toy again to make it anew (keep files of your own elsewhere)"


def stage(folder, files=("a",), inputs=(), **more):
    """A finished stage that wrote the files."""
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    folder.mkdir(parents=True, exist_ok=True)
    write_record(folder, {"program": "toy", "state": "done", "outputs": output_digests(folder),
                          "inputs": {str(path): digest(path) for path in inputs}, **more})
    return folder


def damage(path):
    """Another byte at the same size and time, as a bad disk does."""
    stat = path.stat()
    path.write_text("?" * stat.st_size)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def test_text_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    write_text_atomically(tmp_path / "a.json", "é")
    assert (tmp_path / "a.json").read_bytes() == b"\xc3\xa9"
    with monkeypatch.context() as patched:
        patched.setattr(records.os, "replace", lambda *paths: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            write_text_atomically(tmp_path / "a.json", "half")
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == "é"
    write_text_atomically(tmp_path / "a.json", "next")
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_a_record_comes_back_and_knows_its_own_bytes(tmp_path):
    record = {"program": "toy", "state": "done", "facts": {"word": "é", "share": 0.25}}
    write_record(tmp_path, record)
    assert load_record(tmp_path) == (record, "") and "é" in (tmp_path / ".stage.json").read_text(encoding="utf-8")
    write_record(tmp_path, {**record, "check": "of another"})
    assert load_record(tmp_path) == (record, "")
    text = (tmp_path / ".stage.json").read_text(encoding="utf-8")
    (tmp_path / ".stage.json").write_text(text.replace("0.25", "0.35"), encoding="utf-8")
    assert load_record(tmp_path) == ({}, "one that is damaged or of an earlier version")
    (tmp_path / ".stage.json").write_text(json.dumps(record))
    assert load_record(tmp_path) == ({}, "one that is damaged or of an earlier version")
    assert load_record(tmp_path / "none") == ({}, "none") and read_record(tmp_path / "none") == {}
    (tmp_path / ".stage.json").unlink()
    (tmp_path / ".stage.json").mkdir()
    assert load_record(tmp_path)[1].startswith("one that cannot be read (")


@pytest.mark.parametrize("name, value", [
    ("program", 1), ("state", None), ("config", []), ("arguments", "x"), ("inputs", [["a", 1]]), ("outputs", 0),
    ("facts", []), ("command", ["python"]), ("runs", {}), ("place", 7)])
def test_fields_of_another_kind_are_other_json(tmp_path, name, value):
    write_record(tmp_path, {"program": "toy", "facts": {}, "outputs": {}, name: value})
    assert load_record(tmp_path) == ({}, "other JSON")


def test_what_a_stage_wrote_are_files_but_record_log_and_time(tmp_path):
    stage(tmp_path, ["b", "deep/a", "deep/picture.png", "log.txt", ".seconds", ".seconds.tmp"])
    written = output_digests(tmp_path)
    assert list(written) == ["b", "deep/a", "deep/picture.png"]
    assert written["deep/a"] == digest(tmp_path / "deep/a")


def test_changes_of_what_was_written_are_named(tmp_path):
    record = read_record(stage(tmp_path, ["a", "b", "c", "d.png", "e.png"]))
    assert changed_outputs(tmp_path, record) == changed_outputs(tmp_path, record, False, True) == []
    damage(tmp_path / "a")
    (tmp_path / "b").unlink()
    os.utime(tmp_path / "c", ns=(0, 0))  # another time is no damage
    (tmp_path / "d.png").unlink()
    damage(tmp_path / "e.png")
    assert changed_outputs(tmp_path, record) == ["b is missing"]
    assert changed_outputs(tmp_path, record, by_content=True) == ["a is damaged", "b is missing"]
    assert changed_outputs(tmp_path, record, content_only=False) == ["b is missing", "d.png is missing"]
    assert changed_outputs(tmp_path, {**record, "damaged": ["c is damaged"]}) == ["b is missing", "c is damaged"]
    assert changed_outputs(tmp_path, {}) == []


@pytest.mark.parametrize("record, by_content, how", [
    ({"program": "toy"}, False, "run toy again to make it anew"),
    ({"program": "toy", "stage": None}, True, "run toy again --by-content to make it anew"),
    ({"program": "toy", "stage": "7"}, False, "run the recipe again from --stage 7 to make it anew"),
    ({"program": "toy", "stage": "7"}, True, "run the recipe again --by-content from --stage 7 to make it anew")])
def test_how_a_folder_is_mended(record, by_content, how):
    assert how_to_repair(record, by_content) == f"{how} (keep files of your own elsewhere)"


def test_inputs_are_told_by_their_content(tmp_path):
    one = stage(tmp_path / "one", ["a", "deep/b", "picture.png"])
    (tmp_path / "own").write_text("of nobody")
    damage(one / "picture.png")
    (tmp_path / "link").symlink_to(one)
    expected = {str(path): digest(path) for path in (one / "a", one / "deep/b", tmp_path / "own")}
    for paths in ([one, tmp_path / "own"], [one / "a", str(one / "deep"), tmp_path / "own"], [tmp_path / "link"],
                  [tmp_path]):
        found = verified_digests(paths)
        assert found == {path: known for path, known in expected.items() if path in found}
        assert len(found) == (2 if paths == [tmp_path / "link"] else 3)
    assert "damaged" not in read_record(one)
    os.utime(one / "a", ns=(0, 0))
    assert verified_digests([one])[str(one / "a")] == digest(one / "a")  # a new time is no damage


@pytest.mark.parametrize("part", ["", "a", "deep", "deep/b"])
def test_damage_of_an_input_is_named_and_kept_in_mind(tmp_path, part):
    one = stage(tmp_path / "one", ["a", "deep/b"])
    damage(one / "a")
    damage(one / "deep/b")
    found = {"": "a is damaged, deep/b is damaged", "a": "a is damaged"}.get(part, "deep/b is damaged")
    for _ in range(2):
        with pytest.raises(InputError) as error:
            verified_digests([one / part])
        assert str(error.value) == f"{one}: expected the files that toy wrote, found others: {found}; {AGAIN}"
    assert read_record(one)["damaged"] == found.split(", ")
    (one / "a").write_text("a")
    (one / "deep/b").write_text("deep/b")
    with pytest.raises(InputError, match=found):  # until its stage has run again
        verified_digests([one])
    assert verified_digests([one / "a"])


def test_what_an_input_folder_lacks_is_named(tmp_path):
    one = stage(tmp_path / "one", [*"abcdef", "picture.png"])
    for name in [*"bcdef", "picture.png"]:
        (one / name).unlink()
    with pytest.raises(InputError, match="found others: b is missing, c is missing, d is missing, e is missing, "
                                         "f is missing; run toy"):
        verified_digests([one])
    (one / "a").unlink()
    with pytest.raises(InputError, match="found others: a is missing; run toy again"):
        verified_digests([one / "a"])
    assert len(read_record(one)["damaged"]) == 6
    with pytest.raises(InputError) as error:
        verified_digests([one])
    assert str(error.value).count("missing") == 5  # more would be no line


@pytest.mark.parametrize("part", ["", "a"])
def test_an_input_whose_record_is_damaged(tmp_path, part):
    """Of the folder nothing is sure any more; a file that is asked for counts as of nobody."""
    one = stage(tmp_path / "one")
    (one / ".stage.json").write_text("{}")
    if part:
        assert verified_digests([one / part]) == {str(one / "a"): digest(one / "a")}
        return
    with pytest.raises(InputError) as error:
        verified_digests([one])
    assert str(error.value) == (f"{one}/.stage.json: expected a whole stage record, found one that is damaged; "
                                f"run the stage that makes {one} again")


def test_stores_are_read_below_256_mib(tmp_path, monkeypatch):
    """Their readers check each item, and reading all of a large one takes long. A disk may be called as they are."""
    folder = tmp_path / "storage/one"
    monkeypatch.setattr(records, "digest", lambda path: [path.stat().st_size, path.stat().st_mtime_ns, "read"])
    sizes = {"storage/0": 2 ** 28 - 1, "storage/1": 2 ** 28, "other/2": 2 ** 28, "storage/3": 2 ** 29}
    for name, size in sizes.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        with open(folder / name, "wb") as stream:
            stream.truncate(size)  # takes no room
    known = {name: [*records.digest(folder / name)[:2], "known"] for name in sizes}
    known["storage/3"][1] -= 1  # of another time
    write_record(folder, {"program": "toy", "outputs": known})
    with pytest.raises(InputError, match="found others: other/2 is damaged, storage/0 is damaged, storage/3 is "
                                         "damaged; run toy"):
        verified_digests([folder])
    assert verified_digests([folder / "storage/1"]) == {str(folder / "storage/1"): known["storage/1"]}


def test_a_file_belongs_to_the_nearest_stage(tmp_path):
    outer = stage(tmp_path / "outer", ["a"])
    inner = stage(outer / "inner", ["b"], stage="4")
    (outer / "own").write_text("of nobody")
    (inner / "own").write_text("of nobody")
    files = [outer / "a", inner / "b", outer / "own", inner / "own", outer / "none"]
    assert written_by_stages(map(str, files)) == {outer / "a", inner / "b"}
    how = "run the recipe again from --stage 4 to make it anew (keep files of your own elsewhere)"
    assert mark_damaged(inner / "b") == how
    assert mark_damaged(inner / "b") == how
    assert read_record(inner)["damaged"] == ["b is damaged"] and "damaged" not in read_record(outer)
    assert mark_damaged(tmp_path / "own") == ""
    (inner / ".stage.json").write_text("{}")
    assert mark_damaged(inner / "b") == ""


def test_stages_stand_in_the_order_in_which_they_ended(tmp_path):
    for name, seconds in (("c", 1), ("a", 3), ("deep/b", 2), ("deep/d", 2)):
        stage(tmp_path / name, facts={"name": name})
        os.utime(tmp_path / name / ".stage.json", (seconds, seconds))
    assert [(folder, record["facts"]["name"]) for folder, record in stage_records(tmp_path)] == [
        (tmp_path / name, name) for name in ("c", "deep/b", "deep/d", "a")]


def test_stages_that_end_while_they_are_looked_for_are_passed_over(tmp_path, monkeypatch):
    """Their folders are renamed."""
    work, scandir = tmp_path / "work", os.scandir
    for name in ("exp/score_a", "exp/going/score_b", "exp/z"):
        stage(work / name)
    (work / "exp/lost").mkdir()
    (work / "exp/lost/.stage.json").symlink_to(tmp_path / "nowhere")

    def renaming(path):
        if str(path) == str(work / "exp/going"):
            (work / "exp/going").rename(tmp_path / f"gone{len(list(tmp_path.iterdir()))}")
        return scandir(path)
    monkeypatch.setattr(os, "scandir", renaming)
    assert [folder for folder, _ in stage_records(work)] == [work / "exp/score_a", work / "exp/z"]
    stage(work / "exp/going/score_b")
    assert whole_scores(work) == [work / "exp/score_a"]


def test_what_a_folder_was_made_from(tmp_path):
    """From the nearest stage to the farthest, each once."""
    data = stage(tmp_path / "data", ["deep/x"])
    lang = stage(tmp_path / "lang", ["x"], [data / "deep/x"])
    model = stage(tmp_path / "model", ["x"], [lang / "x", data / "deep/x"], facts={"training_seed": 3})
    (tmp_path / "own").write_text("of nobody")
    align = stage(tmp_path / "align", ["x"], [tmp_path / "own", model / "x"], facts={})
    other = stage(tmp_path / "other", ["x"], [align / "x"], facts={"training_seed": 0})
    (tmp_path / "link").symlink_to(align)
    assert [folder for folder, _ in made_from(tmp_path / "link")] == [align, model, lang, data]
    assert [record for _, record in made_from(data)] == [read_record(data)]
    assert [training_seed(folder) for folder in (other, align, model, lang, tmp_path)] == [0, 3, 3, None, None]
    assert list(made_from(tmp_path)) == []
