import numpy as np
import pytest
import soundfile

from egs.yesno import corpus as yesno
from egs.yesno.prepare import PROGRAM, work
from graphs.errors import InputError
from graphs.lang.lexicon import Lexicon
from hybrid.data.manifest import read_cuts, text_of


@pytest.fixture
def recordings(tmp_path):
    """40 files in the corpus' naming, and one that is none of it."""
    folder = tmp_path / "waves_yesno"
    folder.mkdir()
    for number in range(40):
        name = "_".join(f"{number:08b}")
        soundfile.write(str(folder / f"{name}.wav"), np.zeros(800, np.int16), 8000)
    soundfile.write(str(folder / "README.wav"), np.zeros(800, np.int16), 8000)
    return folder


@pytest.mark.parametrize("above", [False, True])
def test_the_split_is_kaldis(tmp_path, recordings, above):
    out = tmp_path / "corpus"
    given = recordings.parent if above else recordings
    assert PROGRAM.run(work, ["--corpus", str(given), "--out", str(out)]) == 0
    cuts = {split: read_cuts(out / f"{split}.jsonl.gz") for split in ("train", "dev", "test")}
    assert {split: len(found) for split, found in cuts.items()} == {"train": 26, "dev": 5, "test": 9}
    names = [path.stem for path in yesno.recordings(recordings)]
    texts = [text_of(cut) for split in ("train", "dev", "test") for cut in cuts[split]]
    assert texts == [" ".join("YES" if digit == "1" else "NO" for digit in name.split("_")) for name in names]
    assert set(Lexicon.read(out / "lexicon.txt").words) == {"YES", "NO"}
    assert "\\1-grams:" in (out / "lm.arpa").read_text()


def test_a_downloaded_recording_that_is_replaced_counts(tmp_path, recordings, monkeypatch, capsys):
    """Without --corpus no folder is named, and the recordings still are."""
    monkeypatch.setattr(yesno, "download", lambda folder: recordings)
    again = ["--out", str(tmp_path / "corpus"), "--download", str(tmp_path)]
    assert PROGRAM.run(work, again) == PROGRAM.run(work, again) == 0
    assert "up to date" in capsys.readouterr().out
    soundfile.write(str(recordings / "0_0_0_0_0_0_0_0.wav"), np.zeros(900, np.int16), 8000)
    assert PROGRAM.run(work, again) == 0
    assert "0_0_0_0_0_0_0_0.wav changed, is gone or is back" in capsys.readouterr().err
    assert read_cuts(tmp_path / "corpus/train.jsonl.gz")[0].recording.num_samples == 900


def test_a_folder_without_recordings_says_how_to_get_them(tmp_path):
    with pytest.raises(InputError, match="openslr.org"):
        yesno.find_corpus(tmp_path)


def test_too_few_files_and_too_many_held_out(recordings):
    paths = yesno.recordings(recordings)
    with pytest.raises(InputError, match="more than 31 files"):
        yesno.split(paths[:31], 5)
    with pytest.raises(InputError, match="num_dev"):
        yesno.split(paths, 31)
    assert "here are 40" in yesno.check_count(paths)
