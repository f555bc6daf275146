import numpy as np
import pytest
import soundfile
from lhotse import AudioSource, CutSet, MonoCut, Recording
from lhotse.supervision import AlignmentItem
from lhotse.utils import fastcopy

from graphs.errors import TooManyFailures
from graphs.lang.lexicon import Lexicon, Pronunciation
from hybrid.data.corpus import recording_of, utterance
from hybrid.data.manifest import read_cuts, write_cuts
from hybrid.data.probe import announced_samples
from hybrid.data.report import check_share, report_lines
from hybrid.data.validate import NOTES, REASONS, DataOptions, validate_corpus
from tests.hybrid.data.material import noise_cut, ready_cut, write_noise

LEXICON = Lexicon([Pronunciation("yes", ("Y", "EH", "S")), Pronunciation("no", ("N", "OW")),
                   Pronunciation("no", ("N", "AH", "OW"))])


def validated(cuts, split="train", lexicon=LEXICON, nj=1, **options):
    return validate_corpus({split: cuts}, DataOptions(**options), lexicon, nj)[0][split]


def only_reason(cut, **more):
    result = validated([cut], **more)
    assert not result.cuts and len(result.rejected) == 1
    assert result.rejected[0].utterance_id == cut.id
    assert result.rejected[0].reason in REASONS
    return result.rejected[0].reason, result.rejected[0].detail


def kept(cut, **more):
    result = validated([cut], **more)
    assert not result.rejected, result.rejected
    assert set(result.notes) <= set(NOTES)
    return result.cuts[0], sorted(result.notes)


def test_good_cut_is_kept_as_it_is(tmp_path):
    cut = noise_cut(tmp_path, "a")
    good, notes = kept(cut)
    assert good == cut and notes == []


def test_missing_file(tmp_path):
    cut = noise_cut(tmp_path, "a")
    (tmp_path / "a.wav").unlink()
    reason, detail = only_reason(cut)
    assert reason == "missing" and "a.wav" in detail


def test_file_missing_already_when_the_corpus_was_made(tmp_path):
    assert only_reason(utterance("a", recording_of(tmp_path / "gone.wav"), "yes"))[0] == "missing"


@pytest.mark.parametrize("rate, good", [(1, False), (999, False), (1000, True), (200_000, True), (200_001, False)])
def test_sampling_rates_that_no_speech_has(tmp_path, rate, good):
    soundfile.write(str(tmp_path / "a.wav"), np.full(1000, 0.1), rate)
    cut = utterance("a", recording_of(tmp_path / "a.wav"), "yes")
    if good:
        kept(cut, lexicon=None)
    else:
        assert only_reason(cut) == ("odd_rate", f"expected 1000 to 200000 Hz, got {rate}")


def test_empty_file(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"")
    assert only_reason(utterance("a", recording_of(tmp_path / "a.wav"), "yes"))[0] == "empty_file"


def test_header_without_samples(tmp_path):
    write_noise(tmp_path / "a.wav", seconds=0)
    assert only_reason(utterance("a", recording_of(tmp_path / "a.wav"), "yes"))[0] == "empty_audio"


def test_not_audio(tmp_path):
    (tmp_path / "a.wav").write_text("this is no audio " * 100)
    assert only_reason(utterance("a", recording_of(tmp_path / "a.wav"), "yes"))[0] == "unreadable"


def test_samples_that_are_not_numbers(tmp_path):
    soundfile.write(str(tmp_path / "a.wav"), np.full(16000, np.nan, np.float32), 16000, subtype="FLOAT")
    assert only_reason(utterance("a", recording_of(tmp_path / "a.wav"), "yes"))[0] == "unreadable"


@pytest.mark.parametrize("suffix, coding, shown", [
    ("wav", "GSM610", "GSM 6.10"), ("aiff", "GSM610", "GSM 6.10"), ("au", "G721_32", "32kbs G721 ADPCM")])
def test_audio_that_can_only_be_read_from_its_start(tmp_path, suffix, coding, shown):
    """libsndfile reads it, and cannot seek in it, as the features must."""
    path = tmp_path / f"a.{suffix}"
    soundfile.write(str(path), np.full(16000, 0.1), 8000, subtype=coding)
    assert only_reason(utterance("a", recording_of(path), "yes")) == (
        "unreadable", f"expected audio that can be read from any sample on, such as PCM, got {shown}")


@pytest.mark.parametrize("coding", ["ULAW", "IMA_ADPCM", "MS_ADPCM"])
def test_codings_of_a_wav_that_are_read(tmp_path, coding):
    soundfile.write(str(tmp_path / "a.wav"), np.full(16000, 0.1), 8000, subtype=coding)
    assert kept(utterance("a", recording_of(tmp_path / "a.wav"), "yes"))[0].load_audio().shape[1] >= 16000


def cut_off(path, share):
    content = path.read_bytes()
    path.write_bytes(content[:int(share * len(content))])


def test_wav_truncated_after_the_corpus_was_made(tmp_path):
    cut = noise_cut(tmp_path, "a")
    cut_off(tmp_path / "a.wav", 0.5)
    reason, detail = only_reason(cut)
    assert reason == "truncated" and "expected 16000 samples, got 79" in detail


def test_wav_truncated_before_the_corpus_was_made(tmp_path):
    path = write_noise(tmp_path / "a.wav")
    cut_off(path, 0.5)
    # libsndfile takes what is there for the whole
    assert soundfile.info(str(path)).frames < 8000
    assert recording_of(path).num_samples == 16000
    assert only_reason(utterance("a", recording_of(path), "yes")) == (
        "truncated", "expected 16000 samples, got 7989")
    believed = Recording.from_file(path)
    assert only_reason(utterance("a", believed, "yes"))[0] == "truncated"
    before_the_damage = utterance("a", recording_of(path), "yes", start=0.1, duration=0.2)
    assert kept(before_the_damage)[1] == ["length_corrected"]


@pytest.mark.parametrize("suffix", ["flac", "sph", "ogg"])
def test_other_formats_truncated(tmp_path, suffix):
    samples = np.random.default_rng(0).normal(scale=0.1, size=16000)
    path = tmp_path / f"a.{suffix}"
    soundfile.write(str(path), samples, 16000, format={"sph": "NIST"}.get(suffix, suffix.upper()))
    assert kept(utterance("a", recording_of(path), "yes"))[1] == []
    cut = utterance("a", recording_of(path), "yes")
    cut_off(path, 0.5)
    assert only_reason(cut)[0] == "truncated"


def test_a_few_missing_samples_are_trimmed(tmp_path):
    cut = noise_cut(tmp_path, "a")
    cut_off(tmp_path / "a.wav", 0.97)
    good, notes = kept(cut)
    assert notes == ["length_corrected", "trimmed"]
    assert good.duration == pytest.approx(0.97, abs=0.01) == good.supervisions[0].duration
    assert good.load_audio().shape == (1, good.num_samples)


@pytest.mark.parametrize("size, expected", [
    (0, None), (0xFFFFFFFF, None), (0x7FFFFFFF, None), (64000, 32000)])
def test_announced_samples_of_a_wav(tmp_path, size, expected):
    path = write_noise(tmp_path / "a.wav")
    content = path.read_bytes()
    at = content.index(b"data") + 4
    path.write_bytes(content[:at] + size.to_bytes(4, "little") + content[at + 4:])
    assert announced_samples(path) == expected


def test_wrong_sampling_rates_are_resampled_to_the_commonest(tmp_path):
    cuts = [noise_cut(tmp_path, f"u{rate}-{i}", rate=rate, text="yes") for rate, count in
            ((8000, 1), (16000, 3), (44100, 1)) for i in range(count)]
    results, _, rate = validate_corpus({"train": cuts}, DataOptions())
    assert rate == 16000
    assert {cut.sampling_rate for cut in results["train"].cuts} == {16000}
    assert results["train"].notes == {"resampled": ["u8000-0", "u44100-0"]}
    for cut in results["train"].cuts:
        assert cut.load_audio().shape == (1, 16000)
    lines = report_lines(results, validate_corpus({}, DataOptions())[1], rate)
    assert sum("resampled to 16000 Hz" in line for line in lines) == 1


def test_sampling_rate_of_choice_and_a_manifest_that_is_wrong_about_it(tmp_path):
    cut = noise_cut(tmp_path, "a", rate=8000)
    wrong = fastcopy(cut, recording=fastcopy(cut.recording, sampling_rate=16000, num_samples=16000))
    good, notes = kept(wrong, sampling_rate=16000)
    assert notes == ["length_corrected", "resampled"]
    assert np.abs(good.load_audio() - cut.resample(16000).load_audio()).max() == 0


def test_channel_of_choice(tmp_path):
    cut = noise_cut(tmp_path, "a", channels=2)
    expected = soundfile.read(str(tmp_path / "a.wav"))[0]
    for channel in (0, 1):
        good, notes = kept(cut, channel=channel)
        assert isinstance(good, MonoCut) and good.channel == channel and notes == ["other_channels"]
        assert np.abs(good.load_audio()[0] - expected[:, channel]).max() < 1e-4
    assert only_reason(cut, channel=2)[0] == "no_channel"


def test_channel_that_the_corpus_has_chosen_stays(tmp_path):
    recording = recording_of(write_noise(tmp_path / "a.wav", channels=2))
    good, _ = kept(utterance("a", recording, "yes", channel=1), channel=0)
    assert good.channel == 1


def test_stereo_file_in_a_mono_manifest(tmp_path):
    cut = noise_cut(tmp_path, "a", channels=1)
    write_noise(tmp_path / "a.wav", channels=2)
    good, notes = kept(cut, channel=1)
    assert notes == ["other_channels"]
    assert np.abs(good.load_audio()[0] - soundfile.read(str(tmp_path / "a.wav"))[0][:, 1]).max() < 1e-4


def test_supervision_beyond_the_audio(tmp_path):
    recording = recording_of(write_noise(tmp_path / "a.wav"))
    assert only_reason(utterance("a", recording, "yes", duration=1.5)) == (
        "beyond_audio", "ends 0.500 s after the audio")
    good, notes = kept(utterance("a", recording, "yes", duration=1.05))
    assert notes == ["trimmed"] and good.duration == 1.0
    cut = utterance("a", recording, "yes")
    longer = fastcopy(cut, supervisions=[fastcopy(cut.supervisions[0], duration=2.0)])
    assert only_reason(longer)[0] == "beyond_audio"


def test_trimming_trims_the_alignment(tmp_path):
    recording = recording_of(write_noise(tmp_path / "a.wav"))
    alignment = {"phone": [AlignmentItem("Y", 0.0, 0.5), AlignmentItem("S", 0.5, 0.55)]}
    good, _ = kept(utterance("a", recording, "yes", duration=1.05, alignment=alignment))
    assert good.supervisions[0].alignment["phone"][-1].end == pytest.approx(1.0)


def test_audio_that_lhotse_must_read(tmp_path):
    write_noise(tmp_path / "a.wav")
    pipe = Recording("p", [AudioSource("command", [0], f"cat {tmp_path}/a.wav")], 16000, 16000, 1.0)
    assert kept(utterance("p", pipe, "yes"))[1] == []
    broken = Recording("q", [AudioSource("command", [0], "true")], 16000, 16000, 1.0)
    assert only_reason(utterance("q", broken, "yes"))[0] == "unreadable"
    faster = noise_cut(tmp_path, "b").perturb_speed(2.0)
    good, notes = kept(faster)
    assert notes == [] and good.load_audio().shape == (1, 8000)


def test_headers_may_be_believed(tmp_path):
    cut = noise_cut(tmp_path, "a")
    assert kept(cut, decode=False)[1] == []
    cut_off(tmp_path / "a.wav", 0.5)
    assert only_reason(cut, decode=False)[0] == "truncated"


def test_transcripts(tmp_path):
    assert only_reason(noise_cut(tmp_path, "a", text=" \t "))[0] == "empty_transcript"
    assert only_reason(noise_cut(tmp_path, "b", text="oui non"))[0] == "all_oov"
    assert kept(noise_cut(tmp_path, "c", text="oui no"))[1] == []
    assert kept(noise_cut(tmp_path, "d", text="oui non"), lexicon=None)[1] == []


def test_too_few_frames_for_the_shortest_pronunciation(tmp_path):
    text = " ".join(["no"] * 10)  # 20 phones at least
    assert kept(noise_cut(tmp_path, "a", seconds=0.20, text=text))[1] == []
    assert only_reason(noise_cut(tmp_path, "b", seconds=0.19, text=text)) == (
        "too_short", "20 phones in 19 frames")
    cut = noise_cut(tmp_path, "c", seconds=0.5, text=text)
    assert only_reason(cut, min_frames_per_phone=3)[0] == "too_short"


def test_test_utterances_stay_for_scoring_unless_their_audio_is_bad(tmp_path):
    cuts = [noise_cut(tmp_path, "empty", text=""), noise_cut(tmp_path, "oov", text="oui"),
            noise_cut(tmp_path, "short", text="no " * 50, seconds=0.3), noise_cut(tmp_path, "gone")]
    (tmp_path / "gone.wav").unlink()
    result = validated(cuts, split="test")
    assert [cut.id for cut in result.cuts] == ["empty", "oov", "short"] == result.notes["kept_for_scoring"]
    assert [one.utterance_id for one in result.rejected] == ["gone"]
    assert len(validated(cuts, split="test", keep_test_transcripts=False).rejected) == 4
    assert len(validated(cuts, split="dev").rejected) == 4


def test_duplicate_ids(tmp_path):
    first, second = noise_cut(tmp_path, "a", text="yes"), noise_cut(tmp_path, "a", text="no")
    result = validated([first, second])
    assert [cut.supervisions[0].text for cut in result.cuts] == ["yes"]
    assert result.rejected == [("a", "duplicate_id", "used before in this split")]
    results, _, _ = validate_corpus({"train": [first], "test": [second]}, DataOptions())
    assert results["test"].notes == {"in_other_split": ["a"]}


def test_supervisions_of_a_cut(tmp_path):
    cut = noise_cut(tmp_path, "a")
    assert only_reason(fastcopy(cut, supervisions=[]))[0] == "no_supervision"
    assert only_reason(fastcopy(cut, supervisions=cut.supervisions * 2))[0] == "several_supervisions"
    assert only_reason(fastcopy(cut, recording=None))[0] == "missing"
    assert only_reason(cut.mix(noise_cut(tmp_path, "b")).with_id("m"))[0] == "unsupported"


def test_silence_and_long_recordings_are_noted(tmp_path):
    soundfile.write(str(tmp_path / "a.wav"), np.zeros(16000), 16000)
    cut = utterance("a", recording_of(tmp_path / "a.wav"), "yes")
    assert kept(cut, long_seconds=0.5)[1] == ["long", "silent"]


def test_a_chosen_channel_of_zeros_is_noted(tmp_path):
    samples = np.zeros((16000, 3))
    samples[:, 1] = 0.1 * np.random.default_rng(0).normal(size=16000)
    soundfile.write(str(tmp_path / "a.wav"), samples, 16000)
    cut = utterance("a", recording_of(tmp_path / "a.wav"), "yes")
    for channel, notes in ((0, ["other_channels", "silent_channel"]), (1, ["other_channels"])):
        assert kept(cut, channel=channel)[1] == notes
    assert kept(cut, channel=0, decode=False)[1] == ["other_channels"]


def test_text_is_normalised(tmp_path):
    good, _ = kept(noise_cut(tmp_path, "a", text="  Cafe\u0301\u00a0\u200bNO "), lexicon=None, case="lower")
    assert good.supervisions[0].text == "caf\u00e9 no"


def test_case_of_the_lexicon_is_hinted_at(tmp_path):
    results, transcripts, rate = validate_corpus(
        {"train": [noise_cut(tmp_path, "a", text="YES NO")]}, DataOptions(), LEXICON)
    assert results["train"].rejected[0].reason == "all_oov"
    assert "data.case=lower" in report_lines(results, transcripts, rate)[-1]


def test_words_in_two_cases_are_hinted_at(tmp_path):
    """Two of 101 words are written otherwise than where they are said more often; with one of 100, names, no word."""
    cuts = [noise_cut(tmp_path, "a", text="Der Hund und der Vogel und der Hund HUND " + "ja " * 92)]
    results, transcripts, rate = validate_corpus({"train": cuts}, DataOptions(), None)
    assert report_lines(results, transcripts, rate)[-1] == (
        "2 of 101 words of the training transcripts differ from others by case alone (Hund/HUND, der/Der): "
        "data.case=lower makes them one word")
    cuts = [noise_cut(tmp_path, "a", text="Der Hund und der Vogel und der Hund " + "ja " * 92)]
    results, transcripts, rate = validate_corpus({"train": cuts}, DataOptions(), None)
    assert "case" not in report_lines(results, transcripts, rate)[-1]


def test_a_lexicon_with_accents_apart_is_told(tmp_path):
    """Transcripts come in NFC."""
    lexicon = Lexicon([Pronunciation("cafe\u0301", ("K",)), Pronunciation("no", ("N",))])
    cuts = [noise_cut(tmp_path, "a", text="no cafe\u0301 caf\u00e9 yes")]
    results, transcripts, rate = validate_corpus({"train": cuts}, DataOptions(), lexicon)
    assert report_lines(results, transcripts, rate)[-1].startswith(
        "2 unknown words (caf\u00e9) are in the lexicon with letters and accents apart")


def test_ready_features(tmp_path):
    matrix = np.ones((100, 13), np.float32)
    assert kept(ready_cut(tmp_path, "a", matrix))[1] == []
    stated = ready_cut(tmp_path, "b", matrix)
    np.save(tmp_path / "b.npy", matrix[:50])
    assert only_reason(stated)[0] == "bad_features"
    (tmp_path / "b.npy").unlink()
    assert only_reason(stated)[0] == "bad_features"
    matrix[3, 4] = np.inf
    assert only_reason(ready_cut(tmp_path, "c", matrix))[0] == "bad_features"
    assert only_reason(ready_cut(tmp_path, "e", np.ones((2, 13), np.float32)))[0] == "too_short"


def test_the_number_of_processes_does_not_matter(tmp_path):
    cuts = [noise_cut(tmp_path, f"u{i}", seed=i, seconds=0.2) for i in range(8)]
    (tmp_path / "u3.wav").unlink()
    assert validated(cuts, nj=3) == validated(cuts, nj=1)


def test_share_of_rejected(tmp_path):
    cuts = [noise_cut(tmp_path, f"u{i}", seconds=0.2) for i in range(10)]
    (tmp_path / "u3.wav").unlink()
    result = validated(cuts)
    check_share("train", result, 0.1, tmp_path)
    with pytest.raises(TooManyFailures, match="1 of 10.*rejected_train|rejected_train.*1 of 10"):
        check_share("train", result, 0.05, tmp_path)


def test_manifest_bytes_do_not_depend_on_the_time(tmp_path, monkeypatch):
    cuts = [noise_cut(tmp_path, "a")]
    write_cuts(tmp_path / "one.jsonl.gz", cuts)
    monkeypatch.setattr("time.time", lambda: 1e9)
    write_cuts(tmp_path / "two.jsonl.gz", cuts)
    assert (tmp_path / "one.jsonl.gz").read_bytes() == (tmp_path / "two.jsonl.gz").read_bytes()
    assert read_cuts(tmp_path / "one.jsonl.gz") == cuts == list(CutSet.from_file(tmp_path / "one.jsonl.gz"))


@pytest.mark.parametrize("bad, expected", [
    ({"case": "title"}, "keep, upper, lower"), ({"sampling_rate": 999}, "1000 to 200000 Hz, found 999"),
    ({"sampling_rate": 200_001}, "1000 to 200000 Hz, found 200001"),
    ({"max_rejected_share": -0.1}, "0 to 1, found -0.1"), ({"max_rejected_share": 1.1}, "0 to 1, found 1.1"),
    ({"train_share": 0.0}, "above 0 and at most 1, found 0.0"),
    ({"train_share": 1.1}, "above 0 and at most 1, found 1.1"), ({"channel": -1}, "at least 0, found -1"),
    ({"trim_seconds": -0.1}, "at least 0, found -0.1"), ({"min_frames_per_phone": -1}, "at least 0, found -1"),
    ({"frame_shift": 0.0}, "a finite number above 0, found 0.0"),
    ({"long_seconds": 0.0}, "a finite number above 0, found 0.0")])
def test_options_out_of_range(bad, expected):
    (name,) = bad
    with pytest.raises(ValueError, match=f"^{name}: expected.* {expected}"):
        DataOptions(**bad)


def test_options_at_their_limits():
    DataOptions(sampling_rate=1000, max_rejected_share=0.0, train_share=1e-6, trim_seconds=0.0,
                min_frames_per_phone=0.0)
    DataOptions(sampling_rate=200_000, max_rejected_share=1.0, train_share=1.0)


def test_what_begins_before_its_audio(tmp_path):
    cut = utterance("a", recording_of(write_noise(tmp_path / "a.wav")), "yes")
    assert only_reason(fastcopy(cut, start=-0.3)) == ("beyond_audio", "starts 0.300 s before the audio")
    early = [fastcopy(cut, supervisions=[fastcopy(cut.supervisions[0], start=-start)]) for start in (0.3, 0.05)]
    assert only_reason(early[0]) == ("beyond_audio", "supervision starts 0.300 s before its cut")
    assert kept(early[1])[1] == []
