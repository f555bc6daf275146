"""What the names of yesno's recordings say, Kaldi's split, and the lexicon and model of two words."""

import tarfile
from pathlib import Path

import pytest

from egs.yesno import corpus as yesno
from egs.yesno.prepare import PROGRAM, CorpusOptions, work
from graphs.errors import InputError
from graphs.grammar.arpa import read_arpa
from graphs.lang.lexicon import SENTENCE_END, SENTENCE_START, Lexicon
from hybrid.data.manifest import read_cuts, speaker_of, text_of
from tests.hybrid.data.material import write_noise


def names(count):
    return ["_".join(f"{number:08b}") for number in range(count)]


@pytest.fixture
def waves(tmp_path):
    """34 recordings, the last of which are for the test."""
    for number, name in enumerate(names(34)):
        write_noise(tmp_path / "server/waves_yesno" / f"{name}.wav", seconds=0.01 + 0.001 * number, rate=8000)
    return tmp_path / "server/waves_yesno"


def test_only_files_whose_names_are_transcripts_are_recordings(tmp_path):
    inner = tmp_path / "waves_yesno"
    inner.mkdir()
    for name in ("0_1_0_1_0_1_0.wav", "0_1_0_1_0_1_0_1_0.wav", "2_0_0_0_0_0_0_0.wav", "0_0_0_0_0_0_0_0.txt"):
        (inner / name).touch()
    with pytest.raises(InputError) as caught:
        yesno.find_corpus(tmp_path)
    assert str(caught.value) == (f"--corpus {tmp_path}: expected recordings such as 1_0_0_1_1_0_0_1.wav, found none. "
                                 + yesno.HOW_TO_GET)
    for name in ("1_0_0_1_1_0_0_1", "0_1_1_0_0_1_1_0"):
        (inner / f"{name}.wav").touch()
    assert yesno.find_corpus(tmp_path) == yesno.find_corpus(inner) == inner
    assert [path.stem for path in yesno.recordings(inner)] == ["0_1_1_0_0_1_1_0", "1_0_0_1_1_0_0_1"]
    assert yesno.transcript(inner / "0_1_1_0_0_1_1_0.wav") == "NO YES YES NO NO YES YES NO"
    (tmp_path / "1_1_1_1_1_1_1_1.wav").touch()
    assert yesno.find_corpus(tmp_path) == tmp_path


def test_the_first_31_are_to_train_on_the_last_of_them_for_dev_and_the_others_for_the_test():
    paths = [Path(name) for name in names(60)]
    for num_dev in (1, 5, 30):
        assert yesno.split(paths, num_dev) == {
            "train": paths[:31 - num_dev], "dev": paths[31 - num_dev:31], "test": paths[31:]}
    assert len(yesno.split(paths[:32], 5)["test"]) == 1


@pytest.mark.parametrize("count, num_dev", [(31, 5), (0, 5), (60, 31), (60, 40)])
def test_something_is_left_to_train_on_and_to_test(count, num_dev):
    with pytest.raises(InputError) as caught:
        yesno.split([Path(name) for name in names(count)], num_dev)
    assert str(caught.value) == ("yesno: expected more than 31 files, and fewer than that for corpus.num_dev, found "
                                 f"{count} files, corpus.num_dev = {num_dev}")


@pytest.mark.parametrize("count", [59, 61])
def test_results_of_other_numbers_of_files_do_not_compare(count):
    assert yesno.check_count([Path("a")] * 60) is None
    assert yesno.check_count([Path("a")] * count) == (
        f"the distribution has 60 files, here are {count}: the split is not Kaldi's and results do not compare")


def test_cuts_lexicon_and_unigram_model(waves, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert PROGRAM.run(work, ["--corpus", "server", "--out", "out", "corpus.num_dev=30"]) == 0
    assert "WARNING the distribution has 60 files, here are 34: the split" in capsys.readouterr().err
    cuts = {split: read_cuts(tmp_path / f"out/{split}.jsonl.gz") for split in ("train", "dev", "test")}
    assert [cut.id for some in cuts.values() for cut in some] == names(34)
    for number, cut in enumerate(cut for some in cuts.values() for cut in some):
        assert cut.recording.num_samples == 80 + 8 * number and speaker_of(cut) == "yesno"
        assert cut.recording.sources[0].source == str(waves / f"{cut.id}.wav")
    assert [entry[:2] for entry in Lexicon.read(tmp_path / "out/lexicon.txt")] == [
        ("NO", ("L", "O")), ("YES", ("K", "E", "N"))]
    # trained on eight times NO and an end: Witten-Bell leaves 2 of 11, for the two words, to be divided
    assert [text_of(cut) for cut in cuts["train"]] == [" ".join(["NO"] * 8)]
    model = read_arpa(tmp_path / "out/lm.arpa")[0]
    assert len(model.tables) == 1 and {"NO", SENTENCE_END, SENTENCE_START} <= set(model.words)
    for word, count in (("NO", 8), (SENTENCE_END, 1)):
        assert count / 11 - 1e-6 <= 10 ** model.log10_prob(word, []) <= (count + 2) / 11 + 1e-6


def test_what_is_downloaded_lies_in_the_output_where_no_other_folder_is_named(waves, tmp_path, monkeypatch):
    """And is read from where the output is, though its folder is reached by a link."""
    from lhotse.recipes import yesno as lhotse_yesno
    with tarfile.open(tmp_path / "server/waves_yesno.tar.gz", "w:gz") as tar:
        tar.add(waves, arcname="waves_yesno")
    fetched = lhotse_yesno.resumable_download
    monkeypatch.setattr(lhotse_yesno, "resumable_download", lambda url, **more: fetched(
        (tmp_path / "server" / Path(url).name).as_uri(), **more))
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    for out, more, folder in ((tmp_path / "link/out", [], tmp_path / "link/out/download"),
                              (tmp_path / "other", ["--download", str(tmp_path / "mine")], tmp_path / "mine")):
        assert PROGRAM.run(work, ["--out", str(out), *more]) == 0
        for cut in read_cuts(out / "test.jsonl.gz"):
            assert cut.recording.sources[0].source == str(folder / f"waves_yesno/{cut.id}.wav")
            assert cut.load_audio().shape[1] == cut.num_samples


def test_where_a_download_would_go_does_not_count_and_a_folder_that_is_not_there_has_no_recordings(
        waves, tmp_path, capsys):
    for folder in ("one", "other"):
        assert PROGRAM.run(work, ["--corpus", str(waves), "--out", str(tmp_path / "out"), "--download", folder]) == 0
    assert f"{tmp_path}/out is up to date" in capsys.readouterr().out
    assert PROGRAM.run(work, ["--corpus", str(tmp_path / "none"), "--out", str(tmp_path / "more")]) == 2
    assert f"--corpus {tmp_path}/none: expected recordings such as" in capsys.readouterr().err


def test_a_download_that_fails_says_how_to_get_the_recordings(tmp_path, monkeypatch, capsys):
    from lhotse.recipes import yesno as lhotse_yesno

    def fail(*_, **__):
        raise ConnectionError("no way")

    monkeypatch.setattr(lhotse_yesno, "resumable_download", fail)
    assert PROGRAM.run(work, ["--out", str(tmp_path / "out")]) == 2
    assert ("yesno without --corpus: expected a download from openslr.org to succeed, found ConnectionError: no way. "
            f"{yesno.HOW_TO_GET}\n") in capsys.readouterr().err


def test_at_least_one_file_is_for_dev():
    assert CorpusOptions(num_dev=1).num_dev == 1
    with pytest.raises(ValueError, match="^num_dev: expected at least 1, found 0$"):
        CorpusOptions(num_dev=0)
