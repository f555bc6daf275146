"""Manifests of cuts on disk: where their files will lie, which splits there are, what a cut is of."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from lhotse.utils import fastcopy

from graphs.errors import InputError
from hybrid.data.manifest import read_cuts, source_files, speaker_of, splits_of, text_of, write_cuts
from tests.hybrid.data.material import noise_cut, ready_cut


def ready(folder, utterance_id, **more):
    return ready_cut(folder, utterance_id, np.ones((10, 2), np.float32), **more)


def written(path, cuts, **more):
    """The number of cuts that write_cuts tells, and the objects that it wrote."""
    number = write_cuts(path, cuts, **more)
    return number, [json.loads(line) for line in gzip.decompress(Path(path).read_bytes()).decode().splitlines()]


def test_a_manifest_is_written_whole(tmp_path):
    path = tmp_path / "new/folder/train.jsonl.gz"
    for cuts in ([], [noise_cut(tmp_path, "\u00e9", text="\u0416")], [ready(tmp_path, "a"), ready(tmp_path, "b")]):
        assert written(str(path), iter(cuts)) == (len(cuts), [cut.to_dict() for cut in cuts])
        assert [one.name for one in path.parent.iterdir()] == ["train.jsonl.gz"]
        assert read_cuts(str(path)) == cuts

    def broken():
        yield ready(tmp_path, "c")
        raise ValueError
    before = path.read_bytes()
    assert before[4:8] == bytes(4)  # no time of day
    with pytest.raises(ValueError):
        write_cuts(path, broken())
    assert path.read_bytes() == before
    write_cuts(path, [noise_cut(tmp_path, "\u00e9", text="\u0416")])
    assert "\u0416".encode() in gzip.decompress(path.read_bytes())  # to be read by people, too


def test_files_that_move_are_written_where_they_will_be(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    inside, outside = noise_cut(tmp_path / "work/audio", "a"), noise_cut(tmp_path / "work_b", "b")
    inside.recording.sources[0].source = "work/audio/a.wav"  # relative to where we are
    piped = noise_cut(tmp_path / "work", "c")
    piped.recording.sources[0].type = "command"
    made, other = ready(tmp_path / "work/made", "d"), ready(tmp_path / "made", "e")
    both = fastcopy(outside, id="f", features=made.features)
    cuts = [inside, outside, piped, made, other, both, inside.pad(duration=2.0)]
    _, fields = written("x.jsonl.gz", cuts, moving=(Path("work"), Path("/new/home")))
    assert [[source["source"] for source in one["recording"]["sources"]] if "recording" in one else None
            for one in fields] == [
        ["/new/home/audio/a.wav"], [f"{tmp_path}/work_b/b.wav"], [f"{tmp_path}/work/c.wav"], None, None,
        [f"{tmp_path}/work_b/b.wav"], None]
    assert [one.get("features") and one["features"]["storage_path"] for one in fields] == [
        None, None, None, "/new/home/made", f"{tmp_path}/made", "/new/home/made", None]
    assert inside.recording.sources[0].source == "work/audio/a.wav"  # the cut itself stays
    assert written("y.jsonl.gz", cuts[:1]) == (1, [inside.to_dict()])


def test_splits_of_a_folder(tmp_path):
    for name in ("train.jsonl.gz", "dev.jsonl.gz", "a.b.jsonl.gz", "test.jsonl", "x.gz", "train.jsonl.gz.tmp"):
        (tmp_path / name).write_text("")
    assert splits_of(str(tmp_path)) == ["a.b", "dev", "train"] and splits_of(tmp_path / "none") == []


def test_files_that_cuts_are_read_from(tmp_path):
    sound, made = noise_cut(tmp_path / "a", "u1"), ready(tmp_path / "b", "u2")
    archive = fastcopy(made, features=fastcopy(made.features, storage_type="numpy_hdf5", storage_path="x.h5"))
    linked = fastcopy(made, features=fastcopy(made.features, storage_type="lilcom_url"))
    both = fastcopy(sound, features=made.features)
    assert source_files([]) == set() == source_files([linked])
    assert source_files([sound]) == {tmp_path / "a/u1.wav"} and source_files([made]) == {tmp_path / "b/u2.npy"}
    assert source_files([archive]) == {Path("x.h5")}
    assert source_files([both, both]) == {tmp_path / "a/u1.wav", tmp_path / "b/u2.npy"}


def test_speaker_and_text_are_empty_where_unknown(tmp_path):
    cut = ready(tmp_path, "a", text="yes", speaker="anna")
    assert (speaker_of(cut), text_of(cut)) == ("anna", "yes")
    for supervisions in ([], [fastcopy(cut.supervisions[0], speaker=None, text=None)]):
        assert (speaker_of(fastcopy(cut, supervisions=supervisions)), text_of(fastcopy(cut, supervisions=supervisions))
                ) == ("", "")


def test_a_line_that_is_no_cut_is_named(tmp_path):
    write_cuts(tmp_path / "a.jsonl.gz", [ready(tmp_path, "a")])
    line = gzip.decompress((tmp_path / "a.jsonl.gz").read_bytes())
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(line + b"{}\n"))
    with pytest.raises(InputError, match="a.jsonl.gz:2, type: expected a kind of cut"):
        read_cuts(tmp_path / "a.jsonl.gz")
