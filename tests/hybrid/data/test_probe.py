"""The facts of an audio file: what is decoded, what was announced, which channels are silent."""

import struct

import numpy as np
import pytest
import soundfile
from lhotse import AudioSource, Recording
from lhotse.utils import fastcopy

from hybrid.data.corpus import recording_of
from hybrid.data.probe import AudioFacts, announced_samples, probe, probe_all
from tests.hybrid.data.material import write_noise


def written(path, samples, rate=16000, **how):
    soundfile.write(str(path), np.asarray(samples), rate, **how)
    return recording_of(path)


def test_facts_of_good_files(tmp_path):
    """The second is longer than what is decoded at a time."""
    one = written(tmp_path / "a.wav", np.full(1000, 0.1), 8000)
    two = written(tmp_path / "b.flac", np.full((40_000, 2), 0.1))
    expected = [AudioFacts("", "", 8000, 1, 1000, 1000, ()), AudioFacts("", "", 16000, 2, 40_000, 40_000, ())]
    for decode in (True, False):
        assert [probe(one, decode), probe(two, decode)] == probe_all([one, two], decode) == expected


def test_a_channel_is_silent_whose_samples_are_all_zero(tmp_path):
    samples = np.zeros((40_000, 4))
    samples[0, 0] = samples[20_000, 1] = samples[-1, 3] = 0.1
    recording = written(tmp_path / "a.wav", samples)
    assert probe(recording).silent == (2,) and probe(recording, decode=False).silent == ()
    assert probe(written(tmp_path / "b.wav", np.zeros((100, 3)))).silent == (0, 1, 2)
    assert probe(fastcopy(recording, transforms=[{"name": "Volume", "kwargs": {"factor": 2.0}}])).silent == (2,)


@pytest.mark.parametrize("place", [0, 16_383, 16_384, 39_999])
def test_one_sample_that_is_no_number_is_found(tmp_path, place):
    samples = np.full((40_000, 2), 0.1, np.float32)
    samples[place, 1] = np.nan
    recording = written(tmp_path / "a.wav", samples, subtype="FLOAT")
    assert probe(recording) == AudioFacts("unreadable", "samples that are not finite numbers")
    assert probe(recording, decode=False).reason == ""


def test_files_that_are_not_there_or_hold_nothing(tmp_path):
    (tmp_path / "empty.wav").write_bytes(b"")
    write_noise(tmp_path / "none.wav", seconds=0)
    (tmp_path / "junk.wav").write_bytes(b"junk" * 100)
    (tmp_path / "junk.m4x").write_bytes(b"junk" * 100)
    for name, expected in (
            ("gone.wav", ("missing", "no file {}")), ("empty.wav", ("empty_file", "0 bytes in {}")),
            ("none.wav", ("empty_audio", "no samples in {}")), ("c" * 5000, ("missing", "no file {}"))):
        path = tmp_path / name
        assert probe(recording_of(path))[:2] == (expected[0], expected[1].format(path))
    for name, error in (("junk.wav", "LibsndfileError: "), ("junk.m4x", "AudioLoadingError: ")):
        facts = probe(recording_of(tmp_path / name))
        assert facts.reason == "unreadable" and facts.detail.startswith(error) and "\n" not in facts.detail
        assert facts[2:] == (0, 1, 0, 0, ())  # nothing is known of it


def test_the_larger_of_what_header_and_manifest_announce_counts(tmp_path):
    recording = written(tmp_path / "a.wav", np.full(1000, 0.1))
    for stated, rate, announced in ((900, 16000, 1000), (1200, 16000, 1200), (1200, 8000, 1000)):
        stated = fastcopy(recording, num_samples=stated, sampling_rate=rate, duration=stated / rate)
        assert probe(stated) == AudioFacts("", "", 16000, 1, 1000, announced, ())
    content = (tmp_path / "a.wav").read_bytes()
    (tmp_path / "a.wav").write_bytes(content[:-500])
    assert probe(fastcopy(recording, num_samples=1)) == AudioFacts("", "", 16000, 1, 750, 1000, ())
    (tmp_path / "a.wav").write_bytes(content[:44])
    assert probe(recording)[:2] == ("truncated", "expected 1000 samples, got none")


def test_what_comes_after_a_damaged_place_is_lost(tmp_path):
    recording = written(tmp_path / "a.flac", np.random.default_rng(0).normal(scale=0.1, size=(60_000, 2)))
    content = (tmp_path / "a.flac").read_bytes()
    (tmp_path / "a.flac").write_bytes(content[:len(content) // 2])
    facts = probe(recording)
    assert (facts.reason, facts.channels, facts.announced) == ("", 2, 60_000) and 0 < facts.num_samples < 31_000


def test_a_coding_that_can_only_be_read_from_its_start_is_told(tmp_path):
    recording = written(tmp_path / "a.wav", np.full(16_000, 0.1), 8000, subtype="GSM610")
    assert probe(recording)[:2] == (
        "unreadable", "expected audio that can be read from any sample on, such as PCM, got GSM 6.10")


def test_audio_that_lhotse_reads(tmp_path):
    path = tmp_path / "a.wav"
    written(path, np.c_[np.full(1000, 0.1), np.zeros(1000)])
    piped = Recording("p", [AudioSource("command", [0, 1], f"cat {path}")], 16000, 1000, 1000 / 16000)
    assert probe(piped) == AudioFacts("", "", 16000, 2, 1000, 1000, (1,))
    written(tmp_path / "b.wav", np.zeros(1000))
    written(tmp_path / "c.wav", np.full(1000, 0.1))
    apart = fastcopy(piped, sources=[AudioSource("file", [i], str(tmp_path / "bc"[i]) + ".wav") for i in (0, 1)])
    assert probe(apart) == AudioFacts("", "", 16000, 2, 1000, 1000, (0,))
    odd = written(tmp_path / "d.wav", np.full(1000, np.inf, np.float32), subtype="FLOAT")
    louder = [{"name": "Volume", "kwargs": {"factor": 2.0}}]
    assert probe(fastcopy(odd, transforms=louder)) == AudioFacts("unreadable", "samples that are not finite numbers")
    none = written(tmp_path / "e.wav", np.zeros(0))
    assert probe(fastcopy(none, transforms=louder)) == AudioFacts("empty_audio", "no samples")
    gone = probe(fastcopy(recording_of(tmp_path / "gone.wav"), transforms=louder))
    assert gone.reason == "unreadable" and gone.detail


def form(code, align, length=16):
    return chunk(b"fmt ", struct.pack("<HHIIHH", code, 1, 16000, 32000, align, 16)[:length])


def chunk(name, body, size=None):
    return name + struct.pack("<I", len(body) if size is None else size) + body + b"\0" * (len(body) % 2)


def wav(*chunks, kind=b"WAVE", name=b"RIFF"):
    return name + struct.pack("<I", 4 + sum(map(len, chunks))) + kind + b"".join(chunks)


DATA = chunk(b"data", b"\0" * 12)


HEADERS = [
    (wav(form(1, 2), DATA), 6), (wav(form(1, 4), DATA), 3), (wav(form(1, 5), DATA), 2), (wav(form(3, 4), DATA), 3),
    (wav(form(6, 1), DATA), 12), (wav(form(7, 1), DATA), 12), (wav(form(0xFFFE, 2), DATA), 6),
    (wav(form(2, 2), DATA), None), (wav(form(0x11, 2), DATA), None), (wav(form(1, 0), DATA), None),
    (wav(form(1, 2, 14), DATA), 6), (wav(form(1, 2, 12), DATA), None), (wav(DATA, form(1, 2)), None),
    (wav(chunk(b"LIST", b"odd"), form(1, 2), chunk(b"fact", b"even"), DATA), 6),  # an odd chunk is filled up
    (wav(form(1, 2), chunk(b"LIST", b"x")), None), (wav(form(1, 2)) + b"data\0\0\0", None),
    (wav(form(1, 2), chunk(b"data", b"", 1)), 0), (wav(form(1, 2), chunk(b"data", b"", 0)), None),
    (wav(form(1, 2), chunk(b"data", b"", 0x7FFFEFFE)), 0x3FFFF7FF), (wav(form(1, 2)[:-3]), None),
    (wav(form(7, 1), chunk(b"data", b"", 0x7FFFEFFF)), 0x7FFFEFFF),
    (wav(form(1, 2), chunk(b"data", b"", 0x7FFFF000)), None),
    (wav(form(1, 2), DATA, kind=b"AVI "), None), (wav(form(1, 2), DATA, name=b"RIFX"), None), (b"", None),
    (b"NIST_1A\n   1024\nchannel_count -i 1\nsample_count -i 4711\nend_head\n", 4711),
    (b"NIST_1A\n   1024\nend_head\n".ljust(1024) + b"sample_count -i 4711\n", None),  # in the samples
    (b"NIST_1A\n   1024\n".ljust(1004) + b"sample_count -i 4711" + b"0", 4711),  # the header has 1024 bytes
    (b"NIST_1A\n   1024\nchannel_count -i 1\nend_head\n", None)]


@pytest.mark.parametrize("content, expected", HEADERS, ids=range(len(HEADERS)))
def test_what_headers_announce(tmp_path, content, expected):
    (tmp_path / "a").write_bytes(content)
    assert announced_samples(tmp_path / "a") == expected
