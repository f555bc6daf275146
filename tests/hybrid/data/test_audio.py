"""NIST sphere files, read by libsndfile where it can, by sph2pipe where it must."""

import numpy as np
import pytest
import soundfile
from lhotse import AudioSource, MonoCut, Recording
from lhotse.audio.backend import LibsndfileBackend, audio_backend, get_current_audio_backend

from hybrid.data.audio import load_audio


def sphere(path, rate=8000, samples=8000, channels=1):
    source = AudioSource("file", list(range(channels)), str(path))
    return Recording("r", [source], rate, samples, samples / rate)


def test_sphere_files_of_plain_samples(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))  # no sph2pipe
    samples = np.random.default_rng(0).integers(-9999, 9999, (8000, 2)).astype(np.int16)
    soundfile.write(str(tmp_path / "a.sph"), samples, 8000, format="NIST")
    recording = sphere(tmp_path / "a.sph", channels=2)
    part = MonoCut("c", 0.25, 0.5, 1, recording=recording)
    expected = samples.T / np.float32(32768)
    for _ in range(2):  # the second time, too, when Lhotse has been told
        assert load_audio(recording).dtype == np.float32 and np.array_equal(load_audio(recording), expected)
        assert np.array_equal(load_audio(part), expected[1:, 2000:6000])


def test_compressed_sphere_files_are_left_to_sph2pipe(tmp_path, monkeypatch):
    """Of a given place: what is asked for stands in the command."""
    (tmp_path / "a.sph").write_bytes(b"NIST_1A\n   1024\nsample_coding -s26 pcm,embedded-shorten-v2.00\nend_head\n")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Exception, match="sph2pipe"):
        load_audio(sphere(tmp_path / "a.sph"))
    samples = np.random.default_rng(0).integers(-9999, 9999, 4000).astype(np.int16)
    soundfile.write(str(tmp_path / "said.wav"), samples, 8000)
    (tmp_path / "sph2pipe").write_text(f"#!/bin/sh\necho $* > {tmp_path}/asked\ncat {tmp_path}/said.wav\n")
    (tmp_path / "sph2pipe").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    part = MonoCut("c", 0.25, 0.5, 0, recording=sphere(tmp_path / "a.sph"))
    assert np.array_equal(load_audio(part)[0], samples / np.float32(32768))
    assert (tmp_path / "asked").read_text().split() == ["-f", "wav", "-p", "-t", "0.25:0.75", f"{tmp_path}/a.sph"]


def test_a_backend_that_the_user_has_chosen_stays(tmp_path):
    soundfile.write(str(tmp_path / "a.wav"), np.full(100, 0.5), 8000)
    with audio_backend(LibsndfileBackend()):
        assert np.array_equal(load_audio(sphere(tmp_path / "a.wav", samples=100)), np.full((1, 100), 0.5))
        assert isinstance(get_current_audio_backend(), LibsndfileBackend)
