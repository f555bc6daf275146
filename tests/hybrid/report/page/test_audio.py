import base64
import io
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from hybrid.report.page.audio import embed, encoded
from hybrid.report.page.utterances import interest
from tests.hybrid.report.page.material import utterances

RATE = 8000


@pytest.fixture
def recording(tmp_path):
    """A second of steps, two channels: sample n of the first is n."""
    path = tmp_path / "a.wav"
    steps = np.arange(RATE, dtype=np.int16)
    soundfile.write(str(path), np.stack([steps, -steps], axis=1), RATE, subtype="PCM_16")
    return path


def with_audio(recording, number=6):
    return [replace(one, audio=str(recording), offset=0.25, seconds=0.5) for one in utterances(("a", "b"), number)]


def test_the_stretch_of_the_utterance_comes_back_sample_by_sample(recording):
    def read():
        samples, rate = soundfile.read(io.BytesIO(encoded(with_audio(recording)[0])), dtype="int16")
        assert rate == RATE
        return samples
    assert np.array_equal(read(), np.arange(2000, 6000))
    soundfile.write(str(recording), np.arange(1, RATE, dtype=np.int16), RATE, subtype="PCM_16")  # one channel
    assert np.array_equal(read(), np.arange(2001, 6001))


def test_utterances_with_errors_have_it_as_data(recording):
    some = with_audio(recording)
    data, failed = embed(some, 1.0)
    assert failed == []
    assert set(data) == {f"test/{one.utterance_id}" for one in some if any(h.errors for h in one.hypotheses)} != set()
    uri = next(iter(data.values()))
    assert uri.startswith("data:audio/flac;base64,")
    assert base64.b64decode(uri.partition(",")[2]) == encoded(some[0])


def test_the_limit_holds_for_the_data_and_the_most_telling_come_first(recording):
    some = with_audio(recording, 20)
    data, _ = embed(some, 0.0035, encode=lambda one: b"x" * 600)
    assert 0 < sum(map(len, data.values())) <= 3500 and len(data) == 4
    order = sorted(some, key=interest, reverse=True)
    assert set(data) == {f"test/{one.utterance_id}" for one in order[:4]}
    assert embed(some, 0.0, encode=lambda one: pytest.fail("nothing has room")) == ({}, [])


def test_what_fits_the_limit_just_so_is_taken(recording):
    """600 bytes are 800 letters of base64, 23 letters before them."""
    some = with_audio(recording, 20)
    for limit, number in ((822e-6, 0), (823e-6, 1), (1645e-6, 1), (1646e-6, 2)):
        assert len(embed(some, limit, encode=lambda one: b"x" * 600).data) == number


def test_what_cannot_be_read_is_named(recording):
    good, bad = with_audio(recording, 1)[0], replace(with_audio(recording, 1)[0], utterance_id="bad", audio="no/such")
    data, failed = embed([bad, good], 1.0)
    assert list(data) == [f"test/{good.utterance_id}"] and len(failed) == 1 and failed[0].startswith("bad: ")


def test_without_audio_there_is_none():
    assert embed(utterances(("a",), 5), 1.0) == ({}, [])
