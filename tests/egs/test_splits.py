"""The end of every prepare program: manifests that lie where the stage will, and what they hold, counted."""

import numpy as np

from egs.splits import write_splits
from hybrid.data.corpus import recording_of, utterance
from hybrid.data.manifest import read_cuts
from tests.hybrid.data.material import noise_cut, write_noise
from tools.frame.program import Job, Program
from tools.frame.records import read_record


def prepare(out, splits, *arguments):
    """write_splits of a stage; splits: Job -> cuts of each."""
    return Program("tests.egs.prepare", "A corpus.").run(
        lambda job: write_splits(job, splits(job)), ["--out", str(out), *arguments])


def test_words_speakers_and_minutes_are_counted_and_said(tmp_path, capsys):
    train = [noise_cut(tmp_path, "a1", "yes  no yes", "anna", seconds=400.0, rate=10),
             noise_cut(tmp_path, "b1", "no", "ben", seconds=450.0, rate=10),
             noise_cut(tmp_path, "a2", "", "anna", seconds=51.0, rate=10)]
    test = [noise_cut(tmp_path, f"c{n}", "go", f"s{n}", seconds=2.5, rate=10) for n in range(2)]
    out = tmp_path / "out"
    assert prepare(out, lambda job: {"train": train, "test": test, "dev": []}) == 0
    facts = {"train": {"utterances": 3, "words": 4, "speakers": 2, "minutes": 15.0},  # 901 seconds
             "test": {"utterances": 2, "words": 2, "speakers": 2, "minutes": 0.1},
             "dev": {"utterances": 0, "words": 0, "speakers": 0, "minutes": 0}}
    assert read_record(out)["facts"] == facts
    said = [line.removeprefix("INFO ") for line in capsys.readouterr().err.splitlines()]
    assert said[:-1] == ["train: 3 utterances, 4 words, 2 speakers, 15.0 minutes",
                         "test: 2 utterances, 2 words, 2 speakers, 0.1 minutes",
                         "dev: 0 utterances, 0 words, 0 speakers, 0.0 minutes"]
    assert {name: [cut.id for cut in read_cuts(out / f"{name}.jsonl.gz")] for name in facts} == {
        "train": ["a1", "b1", "a2"], "test": ["c0", "c1"], "dev": []}


def test_audio_of_the_stage_lies_where_it_will_and_that_of_others_is_watched(tmp_path, capsys):
    theirs = noise_cut(tmp_path / "theirs", "a1", seconds=0.1)

    def splits(job: Job) -> dict:
        own = recording_of(write_noise(job.out / "wav" / "b1.wav", seconds=0.1, seed=1))
        return {"train": [theirs, utterance("b1", own, "yes", "ben")]}

    out = tmp_path / "out"
    assert prepare(out, splits) == 0
    first, second = read_cuts(out / "train.jsonl.gz")
    assert first.recording.sources[0].source == str(tmp_path / "theirs/a1.wav")
    assert second.recording.sources[0].source == str(out / "wav/b1.wav")
    assert np.abs(second.load_audio()).max() > 0
    assert list(read_record(out)["raw"]) == [str(tmp_path / "theirs/a1.wav")]
    assert prepare(out, splits) == 0 and "is up to date" in capsys.readouterr().out
    write_noise(tmp_path / "theirs/a1.wav", seconds=0.2)
    assert prepare(out, splits) == 0
    assert "a1.wav changed, is gone or is back" in capsys.readouterr().err
