"""What validation makes of rates, ends and channels, to the sample; and which of many cuts it means."""

import numpy as np
import pytest
import soundfile
from lhotse import AudioSource
from lhotse.utils import fastcopy

from graphs.errors import DamagedInput
from graphs.lang.lexicon import Lexicon, Pronunciation
from hybrid.data.corpus import recording_of, utterance, utterance_of_features
from hybrid.data.storage import FeatureStore
from hybrid.data.validate import DataOptions, is_test, validate_corpus
from tests.hybrid.data.material import noise_cut, ready_cut, write_noise
from tests.hybrid.data.test_validate import cut_off, kept, only_reason, validated


def commonest_rate(folder, **rates):
    splits = {split: [noise_cut(folder, f"{split}-{i}", rate=rate, seconds=0.05) for i, rate in enumerate(some)]
              for split, some in rates.items()}
    return validate_corpus(splits, DataOptions())[2]


@pytest.mark.parametrize("rates, expected", [
    ({"train": [8000, 16000, 8000], "test": [16000] * 4}, 8000),
    ({"train_a": [8000], "train_b": [16000, 8000], "dev": [16000] * 4}, 8000),
    ({"train": [8000, 16000]}, 16000),  # of two as common the higher
    ({"dev": [16000, 8000], "test": [8000]}, 8000), ({"train": [], "dev": [8000]}, 8000), ({"train": []}, None)])
def test_the_rate_is_the_commonest_of_training_and_without_training_of_all(tmp_path, rates, expected):
    assert commonest_rate(tmp_path, **rates) == expected


def test_files_that_cannot_be_read_have_no_say_in_the_rate(tmp_path):
    cuts = [noise_cut(tmp_path, f"u{i}", seconds=0.05, rate=8000 if i == 2 else 16000) for i in range(3)]
    for i in range(2):
        (tmp_path / f"u{i}.wav").unlink()
    assert validate_corpus({"train": cuts}, DataOptions())[2] == 8000
    assert validate_corpus({"dev": cuts}, DataOptions())[2] == 8000
    assert validate_corpus({"train": cuts[:2]}, DataOptions())[2] is None


def test_recordings_of_one_id_are_told_apart_by_file_and_change(tmp_path):
    here = recording_of(write_noise(tmp_path / "here.wav"), "r")
    cuts = [utterance("a", here, "yes"), utterance("b", recording_of(tmp_path / "gone.wav", "r"), "yes"),
            utterance("c", here.perturb_speed(2.0, affix_id=False), "yes")]
    result = validated(cuts)
    assert [one[:2] for one in result.rejected] == [("b", "missing")]
    assert [(cut.id, cut.duration) for cut in result.cuts] == [("a", 1.0), ("c", 0.5)] and not result.notes


def test_of_cuts_with_one_id_the_features_of_the_first_are_looked_at(tmp_path):
    good = ready_cut(tmp_path / "good", "a", np.ones((100, 3), np.float32))
    bad = ready_cut(tmp_path / "bad", "a", np.full((100, 3), np.nan, np.float32))
    assert [one.reason for one in validated([good, bad]).rejected] == ["duplicate_id"]
    assert [one.reason for one in validated([bad, good]).rejected] == ["bad_features", "duplicate_id"]


def test_the_features_of_every_cut_are_looked_at(tmp_path):
    """They are read in groups of fifty."""
    bad = {0, 48, 49, 50, 51, 99, 100}
    cuts = [ready_cut(tmp_path, f"u{i}", np.full((10, 1), np.nan if i in bad else i, np.float32)) for i in range(101)]
    result = validated(cuts)
    assert [one[:2] for one in result.rejected] == [(f"u{i}", "bad_features") for i in sorted(bad)]
    assert result.rejected[0].detail == "expected shape (10, 1) of finite numbers, got (10, 1)"


@pytest.mark.parametrize("start, extra_samples, options, expected", [
    (0.0, 0, {}, ([], 16000)), (0.0, 0.4, {}, ([], 16000)), (0.0, 0.6, {}, (["trimmed"], 16000)),
    (0.5, 1, {}, (["trimmed"], 8000)), (0.5, 1599, {}, (["trimmed"], 8000)),
    (0.5, 1601, {}, ("beyond_audio", "ends 0.100 s after the audio")),
    (0.3, 0, {"trim_seconds": 0.0}, ([], 11200)),
    (0.3, 0.6, {"trim_seconds": 0.0}, ("beyond_audio", "ends 0.000 s after the audio")),
    (0.0, 799, {"trim_seconds": 0.05}, (["trimmed"], 16000)),
    (0.0, 801, {"trim_seconds": 0.05}, ("beyond_audio", "ends 0.050 s after the audio"))])
def test_an_utterance_may_end_a_little_after_its_audio(tmp_path, start, extra_samples, options, expected):
    recording = recording_of(write_noise(tmp_path / "a.wav"))
    cut = utterance("a", recording, "yes", start=start, duration=1.0 - start + extra_samples / 16000)
    if isinstance(expected[0], str):
        assert only_reason(cut, **options) == expected
    else:
        good, notes = kept(cut, **options)
        assert (notes, good.num_samples) == expected
        assert good.supervisions[0].duration == pytest.approx(good.duration, abs=1e-4)


@pytest.mark.parametrize("samples, end, expected", [
    (14402, 0.95, "trimmed"), (14398, 0.5, "as it is"), (14398, 0.79, "as it is"), (14398, 0.81, "truncated"),
    (14398, 1.0, "truncated")])
def test_what_a_truncated_file_still_holds_is_kept(tmp_path, samples, end, expected):
    """But for the last 0.1 s before the damage; 1600 of 16000 samples may be lost."""
    path = write_noise(tmp_path / "a.wav")
    recording = recording_of(path)
    cut_off(path, (44 + 2 * samples) / (44 + 2 * 16000))
    cut = utterance("a", recording, "yes", duration=end)
    if expected == "truncated":
        assert only_reason(cut) == ("truncated", f"expected 16000 samples, got {samples}")
    else:
        good, notes = kept(cut)
        assert notes == ["length_corrected"] + ["trimmed"] * (expected == "trimmed")
        assert good.recording.num_samples == samples and good.recording.duration == samples / 16000
        assert good.load_audio().shape == (1, good.num_samples)


def test_exactly_as_much_as_may_be_is_good(tmp_path):
    """At 16,384 Hz half a sample and an eighth of a second are exact."""
    path = write_noise(tmp_path / "a.wav", rate=16384)
    recording, rate = recording_of(path), {"sampling_rate": 16384}
    eighth = {"trim_seconds": 0.125, **rate}
    for duration, options, notes in ((1 + 2 ** -15, rate, []), (1 + 2 ** -15, {"trim_seconds": 0.0, **rate}, []),
                                     (1.125, eighth, ["trimmed"])):
        assert kept(utterance("a", recording, "yes", duration=duration), **options)[1] == notes
    cut = utterance("a", recording, "yes")
    assert kept(fastcopy(cut, supervisions=[fastcopy(cut.supervisions[0], duration=1.125)]), **eighth)[1] == ["trimmed"]
    cut_off(path, (44 + 2 * 14336) / (44 + 2 * 16384))  # an eighth is lost
    assert kept(cut, **eighth)[1] == ["length_corrected", "trimmed"]
    cut_off(path, (44 + 2 * 14334) / (44 + 2 * 14336))
    assert only_reason(cut, **eighth)[0] == "truncated"
    assert kept(utterance("a", recording, "yes", duration=14334 / 16384 - 0.125), **eighth)[1] == ["length_corrected"]


def test_sums_of_decimals_do_no_harm(tmp_path):
    """0.1 + 0.2 is more than 0.3."""
    recording = recording_of(write_noise(tmp_path / "a.wav", seconds=0.3))
    assert kept(utterance("a", recording, "yes", start=0.1, duration=0.2), trim_seconds=0.0)[1] == []


def test_matrices_of_a_stage_are_looked_at_for_damage(tmp_path):
    with FeatureStore(tmp_path, "numpy_files") as store:
        cut = utterance_of_features("a", np.ones((20, 2), np.float32), store, "yes", "anna", 0.01, 16000, "made-up")
    assert validated([cut]).cuts == [cut]
    np.save(next((tmp_path / "storage").rglob("*.npy")), np.zeros((20, 2), np.float32))
    with pytest.raises(DamagedInput, match=r"features of a: expected the matrix that was written \(CRC-32 "):
        validated([cut])


@pytest.mark.parametrize("late, notes", [(0.0009, []), (0.0011, ["trimmed"]), (0.0999, ["trimmed"]), (0.1001, None)])
def test_a_supervision_may_end_a_little_after_its_cut(tmp_path, late, notes):
    cut = noise_cut(tmp_path, "a")
    cut = fastcopy(cut, supervisions=[fastcopy(cut.supervisions[0], id="s", duration=1 + late)])
    if notes is None:
        assert only_reason(cut) == ("beyond_audio", "supervision ends 0.100 s after its cut")
    else:
        good, found = kept(cut)
        assert found == notes and good.supervisions[0].id == "a"
        assert good.supervisions[0].duration == (1.0 if notes else 1 + late)
    short = utterance("a", cut.recording, "yes", duration=0.001)
    short = fastcopy(short, supervisions=[fastcopy(short.supervisions[0], duration=0.002)])
    assert kept(short, lexicon=None)[1] == []  # by a millisecond


def test_a_cut_without_length_is_told(tmp_path):
    recording = recording_of(write_noise(tmp_path / "a.wav"))
    assert only_reason(utterance("a", recording, "yes", duration=0.0)) == (
        "empty_audio", "a duration of 0 in the manifest: make the corpus again")
    kept(utterance("b", recording, "yes", duration=0.5), lexicon=None)


def test_long_is_what_is_longer(tmp_path):
    assert kept(noise_cut(tmp_path, "a"), long_seconds=1.0)[1] == []
    assert kept(noise_cut(tmp_path, "b"), long_seconds=0.99)[1] == ["long"]


def test_channels_go_by_the_numbers_of_the_manifest(tmp_path):
    path = write_noise(tmp_path / "a.wav", channels=2)
    samples = soundfile.read(str(path))[0] * [1, 0]
    soundfile.write(str(path), samples, 16000)
    plain = recording_of(path)
    numbered = fastcopy(plain, channel_ids=[4, 7], sources=[AudioSource("file", [4, 7], str(path))])
    for channel, notes in ((4, ["other_channels"]), (7, ["other_channels", "silent_channel"])):
        good, found = kept(utterance("a", numbered, "yes"), channel=channel)
        assert (good.channel, good.supervisions[0].channel, found) == (channel, channel, notes)
        assert np.allclose(good.load_audio()[0], samples[:, [4, 7].index(channel)], atol=1e-6)
    assert only_reason(utterance("a", numbered, "yes"), channel=0) == ("no_channel", "channel 0 of 2")
    soundfile.write(str(path), samples[:, 0], 16000)
    alone = fastcopy(plain, channel_ids=[1], sources=[AudioSource("file", [1], str(path))])
    assert kept(utterance("a", alone, "yes"))[0].channel == 1


def test_ready_features_stay_with_their_channel(tmp_path):
    matrix = np.ones((100, 3), np.float32)
    cut = fastcopy(noise_cut(tmp_path, "a"), features=ready_cut(tmp_path, "a", matrix).features, custom={"take": 2})
    good, notes = kept(cut)
    assert notes == [] and np.array_equal(good.load_features(), matrix) and good.custom == {"take": 2}
    write_noise(tmp_path / "a.wav", channels=2)
    assert kept(cut, channel=0)[0].has_features and not kept(cut, channel=1)[0].has_features


def test_frames_of_ready_features_count_for_too_short(tmp_path):
    lexicon = Lexicon([Pronunciation("yes", ("Y",) * 20)])
    cut = noise_cut(tmp_path, "a", seconds=0.2, text="yes")
    assert kept(cut, lexicon=lexicon)[1] == []
    assert only_reason(cut, lexicon=lexicon, frame_shift=0.02) == ("too_short", "20 phones in 10 frames")
    for frames, good in ((20, True), (19, False)):
        ready = ready_cut(tmp_path, f"r{frames}", np.ones((frames, 3), np.float32), text="yes")
        assert bool(validated([ready], lexicon=lexicon, frame_shift=0.02).cuts) == good


def test_only_words_of_training_are_counted(tmp_path):
    cuts = [noise_cut(tmp_path, "a", seconds=0.1, text="yes ja")]
    lexicon = Lexicon([Pronunciation("yes", ("Y",))])
    counted = {"yes": 1, "ja": 1}
    for split, words in (("train", counted), ("train_clean", counted), ("dev", {}), ("test", {})):
        transcripts = validate_corpus({split: cuts}, DataOptions(), lexicon)[1]
        assert transcripts.words == words and set(transcripts.oov) == set(words) - {"yes"}


def test_which_splits_are_only_scored():
    assert [name for name in ("test", "test_clean", "eval92", "dev", "train", "my_test") if is_test(name)] == [
        "test", "test_clean", "eval92"]


def test_an_id_of_several_splits_is_noted_in_the_later_ones(tmp_path):
    cut, other = noise_cut(tmp_path, "a", seconds=0.1), noise_cut(tmp_path, "b", seconds=0.1)
    results = validate_corpus({"train": [cut], "dev": [cut, other], "test": [other, cut]}, DataOptions())[0]
    assert [results[split].notes.get("in_other_split") for split in results] == [None, ["a"], ["b", "a"]]


@pytest.mark.parametrize("rate, chosen", [(8000, 8000), (11025, 8000), (12000, 12000), (16000, 16000), (22050, 16000),
                                          (44100, 16000), (48000, 16000), (4410, 4410)])
def test_the_rate_of_speech_is_chosen_where_the_data_has_more_or_no_whole_frames(tmp_path, rate, chosen):
    cut = noise_cut(tmp_path, "a", rate=rate)
    results, _, found = validate_corpus({"train": [cut]}, DataOptions())
    assert found == results["train"].cuts[0].sampling_rate == chosen
    assert validate_corpus({"train": [cut]}, DataOptions(sampling_rate=rate))[2] == rate


def test_the_rate_of_ready_features_stays(tmp_path):
    cuts = [ready_cut(tmp_path, "a", np.zeros((9, 3))), noise_cut(tmp_path, "b", rate=44100)]
    assert validate_corpus({"train": cuts}, DataOptions())[2] == 44100
