"""tools.import_texts and tools.import_audio: what of the files becomes a corpus, and what is told of the others."""

from pathlib import Path

import pytest

from hybrid.data.kaldi_dir import read_segments
from hybrid.data.manifest import read_cuts, text_of
from tests.hybrid.data.material import write_noise
from tools import import_audio, import_texts
from tools.frame.records import read_record


def run(module, out, *arguments):
    return module.PROGRAM.run(module.work, ["--out", str(out), "--nj", "1", *map(str, arguments)])


def facts(out):
    return read_record(out)["facts"]


def told(out):
    return [line.split("\t") for line in (out / "outcomes.tsv").read_text().splitlines()[1:]]


# --- audio with transcripts beside it

@pytest.fixture
def data(tmp_path):
    """Two utterances of train by a speaker, one of test by nobody known, and a folder of another name."""
    for name, text in (("train/ann/a", "yes no"), ("train/ann/b", "no"), ("test/c", "yes"), ("more/d", "no no")):
        write_noise(tmp_path / f"data/{name}.wav", 0.2, rate=8000)
        (tmp_path / f"data/{name}.txt").write_text(f"{text}\n")
    return tmp_path / "data"


def texts_in(out, split):
    return {cut.id: (text_of(cut), cut.supervisions[0].speaker) for cut in read_cuts(out / f"{split}.jsonl.gz")}


def test_folders_are_the_splits_or_those_that_are_asked_for(data, tmp_path):
    assert run(import_texts, tmp_path / "all", "--data", data) == 0
    assert facts(tmp_path / "all") == {"train": 2, "test": 1, "more": 1}
    assert texts_in(tmp_path / "all", "train") == {"a": ("yes no", "ann"), "b": ("no", "ann")}
    assert run(import_texts, tmp_path / "some", "--data", data, "--splits", "dev=more,test") == 0
    assert facts(tmp_path / "some") == {"dev": 1, "test": 1} and not (tmp_path / "some/train.jsonl.gz").exists()
    assert [text for text, _ in texts_in(tmp_path / "some", "dev").values()] == ["no no"]
    assert told(tmp_path / "all") == []


def test_a_folder_of_pairs_is_the_training_set(data, tmp_path):
    """And may be called otherwise; a split that is not there is named, with those that are."""
    assert run(import_texts, tmp_path / "one", "--data", data / "train") == 0
    assert facts(tmp_path / "one") == {"train": 2}
    assert run(import_texts, tmp_path / "dev", "--data", data / "train", "--splits", "dev=train") == 0
    assert facts(tmp_path / "dev") == {"dev": 2}


@pytest.mark.parametrize("where, more, message", [
    ("data", ["--splits", "train,dev"],
     "as 001.wav and 001.txt, of dev, found more, test, train"),
    ("data", ["--splits", "dev,eval"], "of dev, eval, found more, test, train"),
    ("empty", [], "empty: expected audio with transcripts beside it, as 001.wav and 001.txt, of a split, found none"),
    ("none", [], "none: expected a folder, found none")])
def test_texts_that_are_not_there(data, tmp_path, capsys, where, more, message):
    (tmp_path / "empty").mkdir()
    assert run(import_texts, tmp_path / "out", "--data", tmp_path / where, *more) == 2
    assert message in capsys.readouterr().err


def test_halves_of_pairs_are_named_and_only_few_may_be(data, tmp_path, capsys):
    (data / "train/ann/b.txt").unlink()
    arguments = ("--data", data, "--splits", "train")
    assert run(import_texts, tmp_path / "out", *arguments) == 2
    assert "import: 1 of 2 items failed, more than the allowed share of 5%" in capsys.readouterr().err
    assert run(import_texts, tmp_path / "out", *arguments, "--max-failed-share", "0.5") == 0
    ((item, outcome, why),) = told(tmp_path / "out")
    assert (item, outcome) == ("b", "failed") and why.startswith("no b.txt or b.lab beside ")
    assert facts(tmp_path / "out") == {"train": 1}


@pytest.mark.parametrize("name", ["b", "log"])
def test_a_corrected_transcript_and_another_recording_count(data, tmp_path, capsys, name):
    """Be it called as the logs that do not count."""
    for kind in ("wav", "txt"):
        (data / f"train/ann/b.{kind}").rename(data / f"train/ann/{name}.{kind}")

    def again():
        assert run(import_texts, tmp_path / "out", "--data", data, "--splits", "train") == 0
        return "is up to date" not in capsys.readouterr().out
    assert again() and not again()
    (data / f"train/ann/{name}.txt").write_text("yes yes\n")
    assert again() and texts_in(tmp_path / "out", "train")[name] == ("yes yes", "ann") and not again()
    write_noise(data / "train/ann/a.wav", 0.3, rate=8000)
    assert again() and [cut.duration for cut in read_cuts(tmp_path / "out/train.jsonl.gz")] == [0.3, 0.2]


# --- audio alone

def test_files_folders_and_kaldi_directories(tmp_path, capsys, monkeypatch):
    """Speakers are those of the directories, or the recordings; relative paths start here, in it, or above it."""
    write_noise(tmp_path / "audio/long.wav", 2.5, rate=8000)
    write_noise(tmp_path / "short.wav", 0.5, rate=8000)
    places = [tmp_path / name for name in ("here", "a/b/kaldi", "a/b", "a")]
    for number, place in enumerate(places):
        write_noise(place / f"{number}.wav", 0.25, rate=8000)
    (tmp_path / "a/b/kaldi/wav.scp").write_text("".join(f"k{number} {number}.wav\n" for number in range(4)))
    (tmp_path / "a/b/kaldi/utt2spk").write_text("".join(f"k{number} kim\n" for number in range(4)))
    monkeypatch.chdir(tmp_path / "here")
    out = tmp_path / "out"
    assert run(import_audio, out, "--audio", tmp_path / "short.wav", tmp_path / "a/b/kaldi", tmp_path / "audio",
               "pieces.longest=1.5") == 0
    cuts = read_cuts(out / "test.jsonl.gz")
    pieces = [cut.id for cut in cuts if cut.id.startswith("long-")]
    assert [cut.id for cut in cuts] == ["short", *pieces, "k0", "k1", "k2", "k3"] and len(pieces) == 2
    assert [cut.supervisions[0].speaker for cut in cuts] == ["short", "long", "long", *["kim"] * 4]
    assert [Path(cut.recording.sources[0].source).parent for cut in cuts[-4:]] == places
    assert [text_of(cut) for cut in cuts] == [""] * 7
    assert facts(out) == {"recordings": 6, "pieces": 7} and told(out) == []
    assert sum(cut.duration for cut in cuts) == pytest.approx(4.0)
    assert "6 recordings, 0.00 hours, in 7 pieces\n" in capsys.readouterr().err
    segments = read_segments(out / "segments")
    assert list(segments) == [cut.id for cut in cuts]


def test_hours_of_recordings(tmp_path, capsys):
    write_noise(tmp_path / "audio/one.wav", 36.0, rate=2000)
    write_noise(tmp_path / "audio/two.wav", 36.0, rate=2000)
    assert run(import_audio, tmp_path / "out", "--audio", tmp_path / "audio", "pieces.longest=60") == 0
    assert "2 recordings, 0.02 hours, in 2 pieces\n" in capsys.readouterr().err


def test_each_recording_has_a_name_of_its_own(tmp_path, capsys):
    write_noise(tmp_path / "audio/u.wav", 0.25)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "wav.scp").write_text(f"u {tmp_path / 'audio/u.wav'}\n")
    for where in (("audio", "one"), ("one", "two")):
        assert run(import_audio, tmp_path / "out", "--audio", *(tmp_path / name for name in where)) == 2
        assert "--audio: u: expected each id once, found it again" in capsys.readouterr().err


def test_audio_that_is_not_there(tmp_path, capsys):
    """It is told as what it should be, as of all raw data."""
    assert run(import_audio, tmp_path / "out", "--audio", tmp_path / "none") == 2
    assert "none: expected an audio file or a folder of them, found none" in capsys.readouterr().err


def test_what_pipes_give_is_kept_apart_for_each_directory(tmp_path):
    for number, name in enumerate(("one", "two")):
        wav = write_noise(tmp_path / f"{number}.wav", 0.25 + 0.25 * number, rate=8000)
        (tmp_path / name).mkdir()
        (tmp_path / name / "wav.scp").write_text(f"{name} cat {wav} |\n{name}-bad false |\n")
    out = tmp_path / "out"
    assert run(import_audio, out, "--audio", tmp_path / "one", tmp_path / "two") == 0
    cuts = read_cuts(out / "test.jsonl.gz")
    assert [(cut.id, cut.duration) for cut in cuts] == [("one", 0.25), ("two", 0.5)]
    assert [cut.recording.sources[0].source for cut in cuts] == [
        str(out / f"audio/{number}/{name}.wav") for number, name in enumerate(("one", "two"))]
    assert [row[:2] for row in told(out)] == [["one-bad", "failed"], ["two-bad", "failed"]]


def test_nothing_but_failures_is_an_error(tmp_path, capsys):
    wav = write_noise(tmp_path / "audio/one.wav", 0.25)
    (tmp_path / "kaldi").mkdir()
    (tmp_path / "kaldi/wav.scp").write_text(f"u {wav}\n")
    (tmp_path / "kaldi/segments").write_text("late gone 0.0 0.1\n")
    out = tmp_path / "out"
    assert run(import_audio, out, "--audio", tmp_path / "kaldi") == 2
    assert "import: 1 of 1 items failed" in capsys.readouterr().err
    assert run(import_audio, out, "--audio", tmp_path / "audio", tmp_path / "kaldi") == 0
    assert [row[:2] for row in told(out)] == [["late", "failed"]] and facts(out) == {"recordings": 1, "pieces": 1}


@pytest.mark.parametrize("where", ["audio", "kaldi"])
def test_another_recording_counts(tmp_path, capsys, where):
    """One that a Kaldi data directory names, too, wherever it lies."""
    (tmp_path / "kaldi").mkdir()
    (tmp_path / "kaldi/wav.scp").write_text(f"u {tmp_path / 'audio/u.wav'}\n")
    for seconds in (0.25, 0.5):
        write_noise(tmp_path / "audio/u.wav", seconds)
        assert run(import_audio, tmp_path / "out", "--audio", tmp_path / where) == 0
        assert [cut.duration for cut in read_cuts(tmp_path / "out/test.jsonl.gz")] == [seconds]
    assert "is up to date" not in capsys.readouterr().out
