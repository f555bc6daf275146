import os

import numpy as np
import pytest
from lhotse import AudioSource, MonoCut, MultiCut, Recording
from lhotse.supervision import AlignmentItem

from graphs.errors import InputError
from hybrid.data.corpus import parse_splits, recording_of, utterance, utterance_of_features
from hybrid.data.storage import FeatureStore
from tests.hybrid.data.material import write_noise


def facts(recording):
    (source,) = recording.sources
    return (recording.id, recording.sampling_rate, recording.num_samples, recording.duration, source.type,
            source.channels, source.source)


def test_a_recording_is_what_the_header_says(tmp_path):
    path = write_noise(tmp_path / "a.b.wav", seconds=0.5, rate=8000, channels=3)
    assert facts(recording_of(path)) == ("a.b", 8000, 4000, 0.5, "file", [0, 1, 2], str(path))
    assert recording_of(str(path), "x/y").id == "x/y" and recording_of(path, "").id == "a.b"
    path.write_bytes(path.read_bytes()[:-6000])  # cut off, but for its header
    assert facts(recording_of(path))[1:4] == (8000, 4000, 0.5)


def test_what_is_no_file_has_no_samples(tmp_path):
    os.mkfifo(tmp_path / "a.wav")  # opening it would wait for somebody who writes
    (tmp_path / "b.wav").mkdir()
    (tmp_path / "d.wav").write_bytes(b"no audio")
    (tmp_path / "e.m4a").write_bytes(b"no audio")
    for name in ("a.wav", "b.wav", "none.wav", "c" * 5000, "d.wav", "e.m4a"):
        path = tmp_path / name
        assert facts(recording_of(path, "r")) == ("r", 16000, 0, 0.0, "file", [0], str(path))
    assert facts(recording_of(write_noise(tmp_path / "f.wav", seconds=0, rate=8000)))[1:4] == (8000, 0, 0.0)


def test_formats_that_another_reader_of_lhotse_knows(tmp_path, monkeypatch):
    """libsndfile's own formats are not asked for there."""
    def from_file(path):
        return Recording("other", [AudioSource("file", [0, 1], str(path))], 22050, 44100, 2.0)
    monkeypatch.setattr(Recording, "from_file", from_file)
    for name, expected in (("a.m4a", (22050, 44100, 2.0, "file", [0, 1])), ("a.wav", (16000, 0, 0.0, "file", [0]))):
        (tmp_path / name).write_bytes(b"no audio")
        assert facts(recording_of(tmp_path / name))[1:-1] == expected


def test_an_utterance_is_a_cut_with_one_supervision_over_all_of_it(tmp_path):
    mono = recording_of(write_noise(tmp_path / "m.wav"))
    stereo = recording_of(write_noise(tmp_path / "s.wav", channels=2))
    alignment = {"word": [AlignmentItem("yes", 0.0, 0.2)]}
    cut = utterance("u", mono, "yes", "anna", 0.25, 0.5, gender="f", language="en", alignment=alignment)
    (said,) = cut.supervisions
    assert (type(cut), cut.id, cut.start, cut.duration, cut.channel, cut.recording) == (
        MonoCut, "u", 0.25, 0.5, 0, mono)
    assert (said.id, said.recording_id, said.start, said.duration, said.channel, said.text, said.speaker, said.gender,
            said.language, said.alignment) == ("u", "m", 0.0, 0.5, 0, "yes", "anna", "f", "en", alignment)
    assert utterance("u", mono, "").duration == 1.0 and utterance("u", mono, "", start=0.25).duration == 0.75
    assert utterance("u", mono, "", duration=0.0).duration == 0.0
    for channel, kind, chosen in ((None, MultiCut, [0, 1]), (0, MonoCut, 0), (1, MonoCut, 1)):
        cut = utterance("u", stereo, "", channel=channel)
        assert (type(cut), cut.channel, cut.supervisions[0].channel) == (kind, chosen, chosen)


def test_an_utterance_of_features_has_no_audio(tmp_path):
    matrix = np.arange(12, dtype=np.float32).reshape(4, 3)
    with FeatureStore(tmp_path, "numpy_files") as store:
        cut = utterance_of_features("u", matrix, store, "yes", "anna", 0.0125, 8000, "cepstra")
    (said,) = cut.supervisions
    assert np.array_equal(cut.load_features(), matrix) and not cut.has_recording
    assert (cut.id, cut.start, cut.duration, cut.channel, cut.num_frames) == ("u", 0.0, 0.05, 0, 4)
    assert (said.id, said.recording_id, said.start, said.duration, said.channel, said.text, said.speaker) == (
        "u", "u", 0.0, 0.05, 0, "yes", "anna")
    features = cut.features
    assert (features.type, features.num_frames, features.num_features, features.frame_shift, features.sampling_rate,
            features.start, features.duration, features.recording_id, features.channels) == (
        "cepstra", 4, 3, 0.0125, 8000, 0.0, 0.05, "u", 0)


def test_durations_of_features_are_rounded_to_microseconds(tmp_path):
    with FeatureStore(tmp_path, "numpy_files") as store:
        cut = utterance_of_features("u", np.zeros((1, 1), np.float32), store, "", None, 0.01000144, 16000, "x")
    assert cut.duration == cut.supervisions[0].duration == cut.features.duration == 0.010001


def test_splits_argument():
    assert parse_splits("train, dev=dev_clean") == {"train": "train", "dev": "dev_clean"}
    assert parse_splits("test=") == {"test": "test"} and parse_splits("a=b=c") == {"a": "b=c"}
    assert parse_splits(None) == parse_splits("") == {}
    for bad in ("a,a", "a,,b", "=x", ",", " ", "a=b,a=c"):
        with pytest.raises(InputError, match="--splits: expected different names, `NAME` or `NAME=SOURCE`, found '"):
            parse_splits(bad)
