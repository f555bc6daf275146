"""Audio files with transcripts beside them."""

import pytest

from graphs.errors import InputError
from hybrid.data.beside import folders_with_pairs, holds_pairs, read_pairs, splits_in, text_beside, texts_of
from hybrid.data.manifest import speaker_of, text_of
from hybrid.outcomes import Outcomes
from tests.hybrid.data.material import write_noise


def add(folder, name, text=None, kind=".txt", audio=".wav"):
    path = folder / f"{name}{audio}"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_noise(path, seconds=0.2)
    if text is not None:
        path.with_suffix(kind).write_text(text, encoding="utf-8")
    return path


def test_an_utterance_for_each_pair(tmp_path):
    add(tmp_path, "b", "one  two\n")
    add(tmp_path, "anna/1/a", "\ufeffdrei\r\n\r\nvier \n", ".lab", ".flac")
    add(tmp_path, "ben/c d", "")
    outcomes = Outcomes()
    cuts = read_pairs(tmp_path, outcomes)
    assert [(cut.id, text_of(cut), speaker_of(cut)) for cut in cuts] == [
        ("a", "drei vier", "anna"), ("b", "one  two", ""), ("c_d", "", "ben")]
    assert all(cut.duration == pytest.approx(0.2) for cut in cuts) and outcomes.counts == {"done": 3}


def test_what_has_no_other_half_is_named(tmp_path):
    add(tmp_path, "a", "one")
    add(tmp_path, "b")
    add(tmp_path, "c", None).with_suffix(".txt").write_bytes(b"\xff\xfe\x00")
    for name in ("gone.lab", "lexicon.txt", "README.txt", "notes.md"):
        (tmp_path / name).write_text("x")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/more.txt").write_text("no audio lies in this folder")
    outcomes = Outcomes()
    assert [cut.id for cut in read_pairs(tmp_path, outcomes)] == ["a"]
    assert outcomes.notable["b"] == ("failed", f"no b.txt or b.lab beside {tmp_path}/b.wav")
    assert outcomes.notable["gone"] == ("failed", f"no audio beside {tmp_path}/gone.lab")
    assert outcomes.notable["c"][1].startswith(f"{tmp_path}/c.txt:1: expected utf-8") and len(outcomes.notable) == 3


def test_recordings_of_the_same_name(tmp_path):
    add(tmp_path, "anna/1", "one")
    add(tmp_path, "ben/1", "two")
    assert [cut.id for cut in read_pairs(tmp_path, Outcomes())] == ["anna-1.wav", "ben-1.wav"]


def test_txt_before_lab(tmp_path):
    audio = add(tmp_path, "a", "one")
    audio.with_suffix(".lab").write_text("two")
    assert text_beside(audio) == tmp_path / "a.txt" and texts_of(tmp_path) == [tmp_path / "a.txt"]


def test_splits_are_the_folders_of_their_names(tmp_path):
    for name in ("train/a", "dev/b", "others/c"):
        add(tmp_path, name, "one")
    add(tmp_path, "test/d")  # nobody has transcribed it
    folders = folders_with_pairs(tmp_path)
    assert splits_in(tmp_path, folders) == {name: tmp_path / name for name in ("dev", "others", "train")}
    assert holds_pairs(tmp_path / "dev") and not holds_pairs(tmp_path / "test")
    add(tmp_path, "dev/e")
    assert holds_pairs(tmp_path / "dev")


@pytest.mark.parametrize("name", ["test_far", "eval", "dev", "train"])
def test_a_folder_with_one_of_them_is_no_speaker(tmp_path, name):
    """Else what tests would train, too."""
    for folder in (name, "mine"):
        add(tmp_path, f"{folder}/a", "one")
    assert sorted(splits_in(tmp_path, folders_with_pairs(tmp_path))) == sorted([name, "mine"])


def test_other_folders_are_speakers_unless_they_are_asked_for(tmp_path):
    for folder in ("anna", "ben"):
        add(tmp_path, f"{folder}/a", "one")
    assert splits_in(tmp_path, folders_with_pairs(tmp_path)) == {"train": tmp_path}
    assert folders_with_pairs(tmp_path) == {"anna": tmp_path / "anna", "ben": tmp_path / "ben"}


@pytest.mark.parametrize("name, found", [("gone", "none"), ("a.txt", "a file")])
def test_what_is_no_folder_is_told(tmp_path, name, found):
    (tmp_path / "a.txt").write_text("one")
    with pytest.raises(InputError, match=f"--data .*{name}: expected a folder, found {found}"):
        folders_with_pairs(tmp_path / name)


def test_a_folder_without_pairs_has_none(tmp_path):
    (tmp_path / "a.txt").write_text("one")
    add(tmp_path, "b")
    assert splits_in(tmp_path, folders_with_pairs(tmp_path)) == folders_with_pairs(tmp_path) == {}


def test_files_of_another_system_are_in_capitals(tmp_path):
    add(tmp_path, "anna/A", "one\r\n", ".TXT", ".WAV")
    add(tmp_path, "anna/B", "two", ".LAB", ".WAV")
    (tmp_path / "anna/GONE.TXT").write_text("three")
    (tmp_path / "anna/README.TXT").write_text("x")
    outcomes = Outcomes()
    assert [(cut.id, text_of(cut)) for cut in read_pairs(tmp_path, outcomes)] == [("A", "one"), ("B", "two")]
    assert outcomes.notable == {"GONE": ("failed", f"no audio beside {tmp_path}/anna/GONE.TXT")}
