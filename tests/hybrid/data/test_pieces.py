"""Audio without transcripts: what recordings are called, and where long ones are cut."""

import numpy as np
import pytest
import soundfile

from graphs.errors import InputError
from hybrid.data.corpus import recording_of, utterance
from hybrid.data.kaldi_dir import read_segments
from hybrid.data.pieces import (
    PAUSE, STEP, PieceOptions, find_audio, loudness, pieces_of, quietest_places, whole_cuts, write_segments)
from tests.hybrid.data.material import write_noise


def named(found):
    return [one.recording_id for one in found]


def test_recordings_are_called_after_their_files(tmp_path):
    for name in ("b.wav", "a talk.FLAC", "deep/er/c.mp3", "notes.txt", "features.raw"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "folder.wav").mkdir()
    found = find_audio([tmp_path, tmp_path / "notes.txt"])
    assert named(found) == ["a_talk", "b", "c", "notes"]  # a file that is named itself may be called as it likes
    assert [one.path.name for one in found] == ["a talk.FLAC", "b.wav", "c.mp3", "notes.txt"]


def test_files_of_the_same_name_are_called_after_their_folders_too(tmp_path):
    for name in ("one/a.wav", "two/a.wav", "two/a.flac", "b.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert named(find_audio([tmp_path])) == ["b", "one-a.wav", "two-a.flac", "two-a.wav"]
    with pytest.raises(InputError, match=r"two/a\.wav: .*different names, found .*one/a\.wav is called a\.wav, too"):
        find_audio([tmp_path / "one/a.wav", tmp_path / "two/a.wav"])


def test_paths_that_hold_no_audio_are_named(tmp_path):
    (tmp_path / "text").write_bytes(b"x")
    with pytest.raises(InputError, match="gone: expected an audio file or a folder of them, found none"):
        find_audio([tmp_path / "gone"])
    with pytest.raises(InputError, match="a folder with audio files, found none in it"):
        find_audio([tmp_path])


@pytest.mark.parametrize("longest", [1.2, 20.0])
def test_longest(longest):
    assert PieceOptions(longest=longest).longest == longest


@pytest.mark.parametrize("longest", [0.0, 1.19, -1.0])
def test_a_piece_holds_some_pauses(longest):
    with pytest.raises(ValueError, match="longest"):
        PieceOptions(longest=longest)


def levels_with_pauses(seconds, pauses, length=0.4):
    """Loud but for the pauses, which begin at the given seconds."""
    levels = np.zeros(round(seconds / STEP))
    for start in pauses:
        levels[round(start / STEP):round((start + length) / STEP)] = -10.0
    return levels


def test_cuts_lie_in_the_quietest_pause_of_each_second_half():
    places = quietest_places(levels_with_pauses(10.0, [0.5, 3.0, 5.5, 8.8]), 4.0)
    # 0.5 is too early for the first piece (2 to 4 s); 8.8 is not needed: 4.3 s are left, of 4, after 5.7
    assert len(places) == 3
    for place, start in zip(places, (3.0, 5.5, 8.8)):
        assert start + PAUSE / 2 <= place + 1e-9 and place - 1e-9 <= start + 0.4 - PAUSE / 2 + 1e-9


def test_a_longer_pause_is_cut_half_a_pause_before_its_end():
    assert quietest_places(levels_with_pauses(6.0, [2.5], 0.6), 4.0) == [pytest.approx(2.5 + 0.6 - PAUSE / 2)]


def test_of_two_pauses_the_quieter():
    levels = levels_with_pauses(6.0, [2.2, 3.4])
    levels[round(2.2 / STEP):round(2.6 / STEP)] -= 1.0
    assert 2.2 <= quietest_places(levels, 4.0)[0] <= 2.6


def test_equally_loud_audio_is_cut_as_late_as_may_be():
    assert quietest_places(np.zeros(1000), 4.0) == [4.0, 8.0]
    assert quietest_places(np.zeros(401), 4.0) == [4.0]
    assert quietest_places(np.zeros(400), 4.0) == []


def test_no_piece_is_longer_whatever_the_levels():
    levels = np.random.RandomState(0).randn(12345)
    ends = [0.0, *quietest_places(levels, 5.0), 123.45]
    lengths = np.diff(ends)
    assert lengths.max() <= 5.0 + 1e-9 and lengths[:-1].min() >= 2.5 - 1e-9


def test_loudness_is_the_mean_energy_of_each_hundredth_in_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr("hybrid.data.pieces.BLOCK", 0.7)
    samples = np.random.RandomState(1).uniform(-0.5, 0.5, (16_100, 2)).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", samples, 8000, "FLOAT")
    cut = utterance("a", recording_of(tmp_path / "a.wav"), "")
    padded = np.concatenate([samples, np.zeros((60, 2))]).astype(np.float64)
    energies = (padded.reshape(-1, 80, 2) ** 2).sum(axis=1) / 80
    assert np.allclose(loudness(cut), np.log(energies.sum(axis=1)), atol=1e-5)
    assert np.allclose(loudness(cut, 1), np.log(energies[:, 1]), atol=1e-5)
    later = utterance("b", recording_of(tmp_path / "a.wav"), "", start=0.5, duration=1.0)
    assert np.allclose(loudness(later), np.log(energies.sum(axis=1))[50:150], atol=1e-5)


def test_digital_silence_has_a_loudness(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(800), 8000)
    assert np.allclose(loudness(utterance("a", recording_of(tmp_path / "a.wav"), "")), np.log(1e-10))


def test_pieces_follow_each_other_and_nothing_is_left_out(tmp_path):
    write_noise(tmp_path / "a.wav", seconds=7.0, rate=8000)
    (cut,) = whole_cuts(find_audio([tmp_path / "a.wav"]))
    pieces = pieces_of(cut, PieceOptions(longest=2.0))
    starts = [piece.start for piece in pieces]
    ends = [piece.start + piece.cut.duration for piece in pieces]
    assert starts[0] == 0 and ends[-1] == 7.0 and np.allclose(starts[1:], ends[:-1])
    assert len(pieces) >= 4 and max(piece.cut.duration for piece in pieces) <= 2.0 + 1e-9
    for piece in pieces:
        assert piece.whole == "a" and piece.cut.start == piece.start
        assert piece.cut.id == f"a-{round(piece.start * 100):07d}-{round((piece.start + piece.cut.duration) * 100):07d}"
        assert piece.cut.supervisions[0].speaker == "a" and piece.cut.supervisions[0].text == ""


def test_short_ones_stay_whole(tmp_path):
    write_noise(tmp_path / "a.wav", seconds=2.0, rate=8000)
    (cut,) = whole_cuts(find_audio([tmp_path / "a.wav"]))
    (piece,) = pieces_of(cut, PieceOptions(longest=2.0))
    assert (piece.cut.id, piece.whole, piece.start, piece.cut.duration) == ("a", "a", 0.0, 2.0)


def test_pieces_of_a_segment_start_where_it_does(tmp_path):
    write_noise(tmp_path / "a.wav", seconds=7.0, rate=8000)
    cut = utterance("anna-1", recording_of(tmp_path / "a.wav"), "", "anna", start=3.0, duration=3.0)
    first, second = pieces_of(cut, PieceOptions(longest=2.0))
    assert (first.cut.start, first.start, first.whole) == (3.0, 0.0, "anna-1")
    assert second.cut.start == pytest.approx(3.0 + second.start)
    assert second.start + second.cut.duration == pytest.approx(3.0)
    assert first.cut.supervisions[0].speaker == "anna"


def test_channels_are_one_recording_or_one_each(tmp_path):
    write_noise(tmp_path / "call.wav", seconds=1.0, rate=8000, channels=2)
    (cut,) = whole_cuts(find_audio([tmp_path / "call.wav"]))
    (piece,) = pieces_of(cut, PieceOptions())
    assert piece.cut.id == "call" and piece.cut.channel == [0, 1]  # data.channel will say which
    left, right = pieces_of(cut, PieceOptions(each_channel=True))
    assert [left.cut.id, right.cut.id] == [left.whole, right.whole] == ["call.0", "call.1"]
    assert [left.cut.channel, right.cut.channel] == [0, 1]
    assert right.cut.supervisions[0].speaker == "call.1"


def test_audio_that_cannot_be_read_stays_whole(tmp_path):
    (tmp_path / "bad.wav").write_bytes(b"RIFF")
    cut = utterance("bad", recording_of(tmp_path / "bad.wav"), "", duration=50.0)
    (piece,) = pieces_of(cut, PieceOptions())
    assert piece.cut.id == "bad" and piece.cut.duration == 50.0


def test_segments_are_kaldis(tmp_path):
    write_noise(tmp_path / "a.wav", seconds=3.0, rate=8000)
    (cut,) = whole_cuts(find_audio([tmp_path / "a.wav"]))
    pieces = pieces_of(cut, PieceOptions(longest=2.0))
    write_segments(tmp_path / "segments", pieces)
    read = read_segments(tmp_path / "segments")
    assert list(read) == [piece.cut.id for piece in pieces]
    for piece in pieces:
        found = read[piece.cut.id]
        assert found.recording_id == "a" and found.channel is None
        assert (found.start, found.end) == pytest.approx((piece.start, piece.start + piece.cut.duration), abs=1e-4)
