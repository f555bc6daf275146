"""tools.transcribe on a network of a few seconds, for which letters are tones; from audio to text and times."""

import json

import numpy as np
import pytest
import soundfile

from hybrid.align.times.ctm import read_scored_ctm
from hybrid.data.cmvn import CmvnStats
from hybrid.recognize.texts import read_text

kaldifeat = pytest.importorskip("kaldifeat")
from tests.tools.test_e2e_programs import run  # noqa: E402
from tests.tools.tones import RATE, WORDS, add_split, said  # noqa: E402
from tools import compute_features, decode_e2e, import_kaldi, score, train_e2e, validate_data  # noqa: E402
from tools.frame.records import read_record, write_record  # noqa: E402
from tools.transcribe import main  # noqa: E402

TRAINING = ["e2e.arch=tdnn", "e2e.hidden_dim=24", "e2e.dilations=1,1,2", "e2e.subsampling=2", "e2e.encoder_dim=16",
            "e2e.epochs=15", "e2e.learning_rate=0.01", "e2e.max_duration=20", "e2e.tensorboard=no", "e2e.device=cpu",
            "e2e.spec_augment=no"]


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """The work folder of a system that was trained and scored."""
    data, work = (tmp_path_factory.mktemp(name) for name in ("data", "work"))
    add_split(data, "train", 80, ["ann", "bob"])
    add_split(data, "dev", 4, ["cat"], 100)
    add_split(data, "test", 6, ["dan", "eve"], 200)
    assert run(import_kaldi, work / "corpus", "--data", data) == 0
    assert run(validate_data, work / "cuts", "--corpus", work / "corpus", "--nj", 1) == 0
    for split in ("train", "dev", "test"):
        assert run(compute_features, work / "features" / split, "--cuts", work / "cuts", "--split", split, "--nj", 1,
                   "features.num_mel_bins=20") == 0
    assert run(train_e2e, work / "ctc", "--features", work / "features/train", "--dev-features",
               work / "features/dev", *TRAINING) == 0
    for split in ("dev", "test"):
        assert run(decode_e2e, work / f"decode_{split}", "--features", work / "features" / split, "--model",
                   work / "ctc", "--nj", 1) == 0
    assert run(score, work / "score", "--dev", work / "decode_dev", "--dev-cuts", work / "cuts/dev.jsonl.gz", "--test",
               work / "decode_test", "--test-cuts", work / "cuts/test.jsonl.gz", "--nj", 1) == 0
    assert json.loads((work / "score/result.json").read_text())[1]["wer"] < 10
    (work / "blind").mkdir()
    for name in ("wav.scp", "utt2spk"):
        (work / "blind" / name).write_text((data / "test" / name).read_text())
    return work


def transcribe(work, out, *audio):
    return main(["--scores", str(work / "score"), "--audio", *map(str, audio), "--out", str(out), "--nj", "1"])


def test_the_test_set_without_its_text_comes_out_as_it_was_scored(work, tmp_path, capsys):
    assert transcribe(work, tmp_path / "out", work / "blind") == 0
    assert (tmp_path / "out/transcripts.txt").read_text() == (work / "score/test/hyp.txt").read_text()
    stage = tmp_path / "out/stages/test"  # features, with the options and by the speakers of then
    assert json.loads((stage / "features.json").read_text()) == json.loads(
        (work / "features/test/features.json").read_text())
    assert set(CmvnStats.read(stage / "cmvn.json").sums) == {"dan", "eve"}
    assert "transcripts.txt: 6 items: 6 done" in capsys.readouterr().out
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert transcribe(work, tmp_path / "out", work / "blind") == 0
    assert capsys.readouterr().out.count("is up to date") == 5
    assert before == {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}


def test_a_long_recording_is_parted_and_put_together(work, tmp_path, capsys):
    words = [word for n in range(10) for word in np.random.RandomState(n).permutation(WORDS)]
    audio = tmp_path / "audio"
    audio.mkdir()
    samples = said(words, 7)  # 15 s
    soundfile.write(audio / "a long one.flac", np.stack([samples, np.zeros(len(samples))], axis=1), RATE)
    (audio / "broken.wav").write_bytes(b"RIFF")
    assert transcribe(work, tmp_path / "out", audio, "pieces.longest=4") == 1  # since one failed
    assert read_text(tmp_path / "out/transcripts.txt") == {"a_long_one": words}
    assert "out/transcripts.txt: " in capsys.readouterr().out
    (_, outcome), = [line.split("\t", 1) for line in (tmp_path / "out/outcomes.tsv").read_text().splitlines()[1:]]
    assert outcome.startswith("failed\tunreadable: ")
    times = read_scored_ctm(tmp_path / "out/words.ctm")["a_long_one"]
    assert [word.symbol for word in times] == words
    for n, word in enumerate(times):  # CTC's labels come somewhere in the word, or soon after
        assert 0.2 + 0.5 * n - 0.1 <= word.start <= 0.3 + 0.5 * n + 0.2
    assert len((tmp_path / "out/corpus/segments").read_text().splitlines()) >= 5


def test_what_cannot_be_read_is_named(work, tmp_path, capsys):
    """It never becomes a piece, and is a failure nonetheless."""
    (tmp_path / "audio").mkdir()
    good, *_ = (work / "blind/wav.scp").read_text().splitlines()
    (tmp_path / "audio/wav.scp").write_text(f"{good}\nbroken false |\n")
    assert transcribe(work, tmp_path / "out", tmp_path / "audio") == 1
    assert list(read_text(tmp_path / "out/transcripts.txt")) == [good.split()[0]]
    assert (tmp_path / "out/outcomes.tsv").read_text().splitlines()[1:] == [
        "broken\tfailed\tits recording broken: `false` gave status 1: no output"]
    assert "transcripts.txt: 2 items: 1 done, 1 failed" in capsys.readouterr().out


def test_what_cannot_be_done_is_said_before_anything_is(work, tmp_path, capsys):
    with pytest.raises(SystemExit):
        transcribe(work, tmp_path / "out", work / "blind", "search.beam=3")
    assert "search.beam=3: expected options of pieces and data; others are those of then" in capsys.readouterr().err
    assert main(["--scores", str(work / "decode_test"), "--audio", "x", "--out", str(tmp_path / "out")]) == 2
    assert "expected a folder of tools.score, found tools.decode_e2e" in capsys.readouterr().err
    assert main(["--scores", str(tmp_path), "--audio", "x", "--out", str(tmp_path / "out")]) == 2
    assert "expected a folder of tools.score, found none" in capsys.readouterr().err
    for flag, kind in (("--lexicon", "a lexicon"), ("--lm", "a language model")):
        assert main(["--scores", str(work / "score"), "--audio", "x", "--out", str(tmp_path / "out"), flag, "y"]) == 2
        assert (f"{flag} y: expected a system that has {kind}, found {work / 'decode_test'}, which was made without one"
                in capsys.readouterr().err)
    assert not (tmp_path / "out").exists()


def test_a_stage_that_fails_ends_it(work, tmp_path, capsys):
    assert transcribe(work, tmp_path / "out", tmp_path / "none") == 2
    err = capsys.readouterr().err
    assert "none: expected an audio file or a folder of them, found none" in err
    assert "tools.import_audio: expected that it ends well, found exit status 2" in err


def test_features_that_came_with_the_cuts_cannot_be_made_of_audio(work, tmp_path, capsys):
    description = work / "features/test/features.json"
    before = description.read_text()
    description.write_text(before.replace('"fbank"', '"ready"'))
    try:
        assert transcribe(work, tmp_path / "out", work / "blind") == 2
    finally:
        description.write_text(before)
    assert "features that were computed from audio, found features that came with the cuts" in capsys.readouterr().err


def test_hypotheses_of_another_program_cannot_be_repeated(work, tmp_path, capsys):
    record = read_record(work / "decode_test")
    write_record(work / "decode_test", {**record, "command": ""})
    try:
        assert transcribe(work, tmp_path / "out", work / "blind") == 2
    finally:
        write_record(work / "decode_test", record)
    assert "expected a folder that was made from" in capsys.readouterr().err
