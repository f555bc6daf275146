"""What the names of the Free Spoken Digit Dataset say, and its split, lexicon and grammar."""

from pathlib import Path

import pytest

from egs.fsdd import corpus as fsdd
from egs.fsdd.prepare import PROGRAM, CorpusOptions, work
from graphs.errors import InputError
from hybrid.data.manifest import read_cuts
from tests.hybrid.data.material import write_noise


def paths(count, name="3_ann"):
    return [Path(f"{name}_{number}.wav") for number in range(count)]


@pytest.mark.parametrize("name, said", [
    ("0_george_0", ("ZERO", "george", 0)), ("9_yweweler_49", ("NINE", "yweweler", 49)),
    ("5_a-b c_007", ("FIVE", "a-b c", 7))])
def test_a_name_says_digit_speaker_and_number(name, said):
    path = Path(f"/x_y_z/{name}.wav")
    assert (fsdd.transcript(path), fsdd.speaker(path), fsdd.index(path)) == said


def test_only_files_that_are_named_so_are_recordings_of_the_folder_or_the_one_in_it(tmp_path):
    with pytest.raises(InputError) as caught:
        fsdd.find_corpus(None)
    assert str(caught.value) == ("--corpus: expected the folder of the Free Spoken Digit Dataset, found none given. "
                                 + fsdd.HOW_TO_GET)
    inner = tmp_path / "recordings"
    inner.mkdir()
    for name in ("10_ann_1.wav", "1_ann_x.wav", "1__2.wav", "1_a_b_2.wav", "1_ann_2.mp3", "1_ann_2.wav.bak"):
        (inner / name).touch()
    with pytest.raises(InputError) as caught:
        fsdd.find_corpus(tmp_path)
    assert str(caught.value) == (f"--corpus {tmp_path}: expected recordings such as 7_jackson_32.wav, found none. "
                                 + fsdd.HOW_TO_GET)
    for name in ("2_ann_1.wav", "1_bob_10.wav", "1_ann_2.wav"):
        (inner / name).touch()
    assert fsdd.find_corpus(tmp_path) == fsdd.find_corpus(inner) == inner
    assert [path.name for path in fsdd.recordings(inner)] == ["1_ann_2.wav", "1_bob_10.wav", "2_ann_1.wav"]
    (tmp_path / "0_ann_0.wav").touch()
    assert fsdd.find_corpus(tmp_path) == tmp_path


def test_the_first_five_are_for_the_test_the_next_for_dev_the_others_to_train_on():
    found = fsdd.split(paths(8)[::-1] + paths(7, "4_bob"), 2)
    assert {name: [path.stem for path in some] for name, some in found.items()} == {
        "train": ["3_ann_7"], "dev": ["3_ann_6", "3_ann_5", "4_bob_5", "4_bob_6"],
        "test": [f"3_ann_{number}" for number in (4, 3, 2, 1, 0)] + [f"4_bob_{number}" for number in range(5)]}
    assert list(found) == ["train", "dev", "test"]


@pytest.mark.parametrize("some, name", [(paths(7), "train"), (paths(5) + paths(9)[7:], "dev"), (paths(9)[5:], "test")])
def test_a_split_without_recordings_is_an_error(some, name):
    with pytest.raises(InputError) as caught:
        fsdd.split(some, 2)
    assert str(caught.value) == (f"fsdd, {name}: expected recordings (test: 0 to 4, dev: the next 2, train: all "
                                 f"others), found none among {len(some)}")


@pytest.mark.parametrize("count", [0, 2999, 3001])
def test_results_of_other_numbers_of_recordings_do_not_compare(count):
    assert fsdd.check_count(paths(3000)) is None
    assert fsdd.check_count(paths(count)) == (
        f"the distribution has 3000 recordings, here are {count}: results do not compare")


def test_every_digit_has_its_word_and_its_sounds():
    words = "ZERO ONE TWO THREE FOUR FIVE SIX SEVEN EIGHT NINE".split()
    assert [fsdd.transcript(Path(f"{digit}_a_0.wav")) for digit in range(10)] == words
    lines = fsdd.lexicon().splitlines()
    assert list(dict.fromkeys(line.split()[0] for line in lines)) == words
    assert lines[:3] == ["ZERO Z IH R OW", "ZERO Z IY R OW", "ONE W AH N"] and len(lines) == 11
    assert fsdd.lexicon().endswith("NINE N AY N\n")


def test_recordings_are_read_from_where_they_lie_though_they_are_links(tmp_path, monkeypatch, capsys):
    """As in a copy that shares its files with a store, whose names say nothing."""
    (tmp_path / "data").mkdir()
    for number in range(7):
        write_noise(tmp_path / f"store/{number:02d}.wav", seconds=0.05)
        (tmp_path / f"data/3_ann_{number}.wav").symlink_to(tmp_path / f"store/{number:02d}.wav")
    monkeypatch.chdir(tmp_path)
    assert PROGRAM.run(work, ["--corpus", "data", "--out", "out", "corpus.num_dev=1"]) == 0
    assert "WARNING the distribution has 3000 recordings, here are 7: results" in capsys.readouterr().err
    [cut] = read_cuts(tmp_path / "out/train.jsonl.gz")
    assert (cut.id, cut.recording.id, cut.recording.sources[0].source) == (
        "3_ann_6", "3_ann_6", str(tmp_path / "data/3_ann_6.wav"))
    assert (tmp_path / "out/lexicon.txt").read_text() == fsdd.lexicon()
    assert (tmp_path / "out/lm.arpa").read_text() == fsdd.one_word_arpa()


def test_a_folder_that_is_not_there_has_no_recordings(tmp_path, capsys):
    assert PROGRAM.run(work, ["--corpus", str(tmp_path / "none"), "--out", str(tmp_path / "out")]) == 2
    assert f"--corpus {tmp_path}/none: expected recordings such as" in capsys.readouterr().err


def test_at_least_one_recording_is_for_dev():
    assert CorpusOptions(num_dev=1).num_dev == 1
    with pytest.raises(ValueError, match="^num_dev: expected at least 1, found 0$"):
        CorpusOptions(num_dev=0)
