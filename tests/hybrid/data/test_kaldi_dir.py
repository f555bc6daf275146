import hashlib
from pathlib import Path

import numpy as np
import pytest
import soundfile
from lhotse.kaldi import load_kaldi_data_dir

from graphs.errors import InputError
from hybrid.data.kaldi_dir import Segment, file_name, read_kaldi_dir, read_segments, read_table
from hybrid.data.manifest import speaker_of, text_of
from hybrid.data.validate import DataOptions, validate_corpus
from hybrid.outcomes import Outcomes
from tests.hybrid.data.material import write_noise


def write_dir(folder, **files):
    """wav_scp=... writes wav.scp, others the file of that name."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in files.items():
        name = {"wav_scp": "wav.scp"}.get(name, name)
        (folder / name).write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return folder


def read(folder, **more):
    outcomes = Outcomes()
    cuts = read_kaldi_dir(folder, folder / "audio", outcomes, **more)
    return {cut.id: cut for cut in cuts}, outcomes


@pytest.fixture
def plain(tmp_path):
    for name in ("a", "b"):
        write_noise(tmp_path / f"{name}.wav", seconds=2.0, seed=ord(name))
    return write_dir(
        tmp_path / "train", wav_scp=[f"rec-a {tmp_path}/a.wav", f"rec-b {tmp_path}/b.wav"],
        segments=["utt1 rec-a 0.25 1.00", "utt2 rec-a 1.0 1.5", "utt3 rec-b 0.0 -1"],
        text=["utt1 HELLO WORLD", "utt2 HELLO", "utt3"], utt2spk=["utt1 anna", "utt2 ben", "utt3 anna"],
        spk2gender=["anna f", "ben m"], utt2lang=["utt1 en", "utt2 en", "utt3 en"])


def test_same_as_lhotse(plain):
    cuts, outcomes = read(plain)
    recordings, supervisions, _ = load_kaldi_data_dir(plain, sampling_rate=16000)
    assert len(cuts) == len(supervisions) == 3
    for expected in supervisions:
        cut, found = cuts[expected.id], cuts[expected.id].supervisions[0]
        assert (cut.start, cut.duration, cut.recording_id) == (
            expected.start, expected.duration, expected.recording_id)
        for name in ("id", "text", "speaker", "gender", "language", "channel"):
            assert getattr(found, name) == getattr(expected, name)
        stated = recordings[cut.recording_id]
        assert cut.recording.num_samples == stated.num_samples
        assert np.array_equal(cut.recording.load_audio(), stated.load_audio())
    assert outcomes.counts == {"done": 3}


def test_segments_cut_the_audio(plain, tmp_path):
    cuts, _ = read(plain)
    samples = soundfile.read(str(tmp_path / "a.wav"))[0]
    assert np.allclose(cuts["utt1"].load_audio()[0], samples[4000:16000], atol=1e-6)
    assert cuts["utt3"].duration == 2.0 and cuts["utt3"].supervisions[0].text == ""


def test_whole_recordings_without_segments(plain, tmp_path):
    (plain / "segments").unlink()
    write_dir(plain, text=["rec-a ONE", "rec-b TWO"], utt2spk=["rec-a x", "rec-b y"])
    cuts, _ = read(plain)
    assert {i: (cut.duration, cut.supervisions[0].text) for i, cut in cuts.items()} == {
        "rec-a": (2.0, "ONE"), "rec-b": (2.0, "TWO")}


def test_pipes_run_once_and_are_kept(plain, tmp_path):
    write_dir(plain, wav_scp=[f"rec-a echo run >> {tmp_path}/count; cat {tmp_path}/a.wav |",
                              f"rec-b {tmp_path}/b.wav"])
    cuts, outcomes = read(plain, nj=2)
    samples = soundfile.read(str(tmp_path / "a.wav"))[0]
    assert np.allclose(cuts["utt2"].load_audio()[0], samples[16000:24000], atol=1e-6)
    assert Path(cuts["utt2"].recording.sources[0].source) == plain / "audio" / "rec-a.wav"
    assert (tmp_path / "count").read_text() == "run\n" and outcomes.counts == {"done": 3}


def test_each_pipe_has_a_file_of_its_own(plain, tmp_path):
    """A slash is in no file name; nor are 300 bytes."""
    names = ["x/y", "x_y", "u" * 300, "é" * 149 + "uu"]
    for number, name in enumerate(names):
        write_noise(tmp_path / f"{number}.wav", seconds=0.5, seed=number)
    (plain / "segments").unlink()
    write_dir(plain, wav_scp=[f"{name} cat {tmp_path}/{number}.wav |" for number, name in enumerate(names)],
              text=[f"{name} YES" for name in names], utt2spk=[])
    cuts, outcomes = read(plain)
    assert outcomes.counts == {"done": 4}
    for number, name in enumerate(names):
        assert np.array_equal(cuts[name].load_audio()[0], soundfile.read(str(tmp_path / f"{number}.wav"))[0])


def test_each_utterance_of_a_broken_pipe_has_failed(plain, tmp_path):
    write_dir(plain, wav_scp=["rec-a echo no such tool >&2; false |", f"rec-b {tmp_path}/b.wav"])
    cuts, outcomes = read(plain)
    assert list(cuts) == ["utt3"] and outcomes.counts == {"done": 1, "failed": 2}
    assert outcomes.notable == dict.fromkeys(("utt1", "utt2"), ("failed", (
        "its recording rec-a: `echo no such tool >&2; false` gave status 1: no such tool")))


def test_missing_audio_is_rejected_later(plain, tmp_path):
    (tmp_path / "a.wav").unlink()
    cuts, outcomes = read(plain)
    assert len(cuts) == 3
    result = validate_corpus({"test": list(cuts.values())}, DataOptions())[0]["test"]
    assert {(one.reason, one.detail) for one in result.rejected} == {("missing", f"no file {tmp_path}/a.wav")}


def test_utterances_that_do_not_fit_are_named(plain, tmp_path):
    write_dir(plain, segments=["utt1 rec-a 0.25 1", "lost rec-z 0 1", "mute rec-a 0 1", "back rec-a 1 0.5",
                               "nan rec-a 0 nan", "inf rec-a inf 1", "below rec-a -0.5 1"],
              text=["utt1 HELLO", "lost X", "back X", "extra X", "nan X", "inf X", "below X"])
    cuts, outcomes = read(plain)
    assert list(cuts) == ["utt1"]
    assert {item: reason for item, (_, reason) in outcomes.notable.items()} == {
        "lost": "its recording rec-z is not in wav.scp", "mute": "no line in text",
        "back": "its segment runs from 1 to 0.5 s", "nan": "its segment runs from 0 to nan s",
        "inf": "its segment runs from inf to 1 s", "below": "its segment runs from -0.5 to 1 s",
        "extra": f"in {plain}/text but not in segments"}


def test_speaker_and_gender_are_optional(plain):
    for name in ("utt2spk", "spk2gender", "utt2lang"):
        (plain / name).unlink()
    cuts, _ = read(plain)
    assert cuts["utt1"].supervisions[0].speaker is None


def test_reco2dur_tells_of_a_file_that_was_cut_off(plain, tmp_path):
    write_dir(plain, reco2dur=["rec-a 2.004", "rec-b 3.5"])
    cuts, _ = read(plain)
    assert cuts["utt1"].recording.duration == 2.0
    result = validate_corpus({"test": list(cuts.values())}, DataOptions())[0]["test"]
    assert [(one.utterance_id, one.reason) for one in result.rejected] == [("utt3", "truncated")]


def test_relative_paths(plain, tmp_path):
    write_dir(plain, wav_scp=["rec-a a.wav", "rec-b b.wav"])
    cuts, _ = read(plain, roots=[tmp_path / "nowhere", tmp_path])
    assert cuts["utt1"].recording.sources[0].source == str(tmp_path / "a.wav")


def test_stereo_leaves_the_channel_open(plain, tmp_path):
    write_noise(tmp_path / "a.wav", seconds=2.0, channels=2)
    cuts, _ = read(plain)
    good = validate_corpus({"train": [cuts["utt1"]]}, DataOptions(channel=1))[0]["train"].cuts[0]
    assert good.channel == 1 and good.load_audio().shape == (1, 12000)


def test_segments_may_choose_the_channel(plain, tmp_path):
    write_noise(tmp_path / "a.wav", seconds=2.0, channels=2)
    write_dir(plain, segments=["utt1 rec-a 0 1 1", "utt2 rec-a 0 1 -1", "utt3 rec-a 0 1 2"])
    cuts, outcomes = read(plain)
    assert outcomes.notable["utt3"] == ("failed", "its segment is of channel 2, its recording has 2 (from 0)")
    good = validate_corpus({"train": [cuts["utt1"], cuts["utt2"]]}, DataOptions(channel=0))[0]["train"].cuts
    samples = soundfile.read(str(tmp_path / "a.wav"))[0][:16000]
    for cut, channel in zip(good, (1, 0)):
        assert np.allclose(cut.load_audio()[0], samples[:, channel], atol=1e-6)


@pytest.mark.parametrize("name", ["wav.scp", "text"])
def test_needed_files(plain, name):
    (plain / name).unlink()
    with pytest.raises(InputError, match=f"{name}: expected a file of a Kaldi data directory, found none"):
        read(plain)
    write_dir(plain, **{name.replace(".", "_"): [""]})
    with pytest.raises(InputError, match=f"{name}: expected at least one line, found none"):
        read(plain)


@pytest.mark.parametrize("name, line, message", [
    ("utt2spk", "utt1 anna b", "utt2spk, utt1: expected one speaker, found 'anna b'"),
    ("utt2spk", "utt1", "utt2spk, utt1: expected one speaker, found none"),
    ("reco2dur", "rec-a abc", "reco2dur, rec-a: expected a duration in seconds above 0, found 'abc'"),
    ("reco2dur", "rec-a nan", "found 'nan'"), ("reco2dur", "rec-a -1", "found '-1'"),
    ("reco2dur", "rec-a 0", "found '0'"), ("reco2dur", "rec-a " + 50 * "x", "found '" + 40 * "x" + "'"),
    ("reco2dur", "rec-a 1_0", "found '1_0'"),
    ("segments", "utt1 rec-a 0 \u0663", "segments:1: expected `UTTERANCE RECORDING START END "),
    ("segments", "utt1 rec-a 0 1 A", "segments:1: expected `UTTERANCE RECORDING START END "),
    ("segments", "utt1 rec-a 0 1 0 1", "segments:1: expected `UTTERANCE RECORDING START END "),
    ("spk2gender", "anna f f", "one gender"), ("utt2lang", "utt1 en de", "one language")])
def test_tables_of_other_things_are_named(plain, name, line, message):
    write_dir(plain, **{name: [line]})
    with pytest.raises(InputError, match=message):
        read(plain)


def test_bad_lines_are_named(tmp_path):
    (tmp_path / "segments").write_text("u1 r 0 1\nu2 r 0 one\n")
    with pytest.raises(InputError, match="segments:2.*UTTERANCE RECORDING START END"):
        read_segments(tmp_path / "segments")
    (tmp_path / "text").write_text("u1 A\n\nu1 B\n")
    with pytest.raises(InputError, match="text:3.*'u1' again"):
        read_table(tmp_path / "text")


def test_tables_keep_what_is_in_the_value(tmp_path):
    (tmp_path / "t").write_text("u1\tA  B\nu2   cat 'x\ty' |\nu3\n")
    assert read_table(tmp_path / "t") == {"u1": "A  B", "u2": "cat 'x\ty' |", "u3": ""}
    assert read_table(tmp_path / "none") == {}


def test_segments_of_four_or_five_fields(tmp_path):
    (tmp_path / "segments").write_text("a r 0 1.5\nb r 0.5 -1\nc\tr  1 2 -1\nd s 1 -1 1\ne r -inf +Infinity\n"
                                       "f r 0 1 0\n")
    assert read_segments(tmp_path / "segments") == {
        "a": Segment("r", 0.0, 1.5), "b": Segment("r", 0.5, None), "c": Segment("r", 1.0, 2.0),
        "d": Segment("s", 1.0, None, 1), "e": Segment("r", -np.inf, np.inf), "f": Segment("r", 0.0, 1.0, 0)}
    for line, message in (("a r 1", "`UTTERANCE RECORDING START END "), ("a r 0 1", "every utterance once, found 'a'")):
        (tmp_path / "segments").write_text(f"a r 0 1\n{line}\n")
        with pytest.raises(InputError, match=f"segments:2: expected {message}"):
            read_segments(tmp_path / "segments")


def test_places_of_segments(plain):
    """To 10,000,000 seconds; what lies behind the audio is validation's."""
    write_dir(plain, segments=["long rec-a 0 1e7", "longer rec-a 0 10000001", "late rec-a 5 -1", "never rec-a 1e7 -1",
                               "none rec-a 1 1", "odd rec-a 0.1 0.3000014", "back rec-b -1e-9 1"],
              text=[f"{name} X" for name in ("long", "longer", "late", "never", "none", "odd", "back")])
    cuts, outcomes = read(plain)
    assert {name: (cut.start, cut.duration) for name, cut in cuts.items()} == {
        "long": (0.0, 1e7), "late": (5.0, 0.0), "odd": (0.1, 0.200001)}
    assert {name: reason for name, (_, reason) in outcomes.notable.items()} == {
        "longer": "its segment runs from 0 to 1e+07 s", "never": "its segment runs from 1e+07 to 1e+07 s",
        "none": "its segment runs from 1 to 1 s", "back": "its segment runs from -1e-09 to 1 s"}
    assert outcomes.counts == {"done": 3, "failed": 4}


def test_channels_of_a_recording_that_cannot_be_read_are_validations(plain, tmp_path):
    write_dir(plain, segments=["utt1 rec-a 0 1 1", "utt2 rec-b 0 1 1"])
    (tmp_path / "a.wav").write_bytes(b"no audio")
    cuts, outcomes = read(plain)
    assert list(cuts) == ["utt1"] and cuts["utt1"].channel == 1
    assert outcomes.notable["utt2"][1] == "its segment is of channel 1, its recording has 1 (from 0)"


def test_a_transcript_without_a_recording_is_named(plain):
    (plain / "segments").unlink()
    write_dir(plain, text=["rec-a ONE", "lost TWO"])
    cuts, outcomes = read(plain)
    assert list(cuts) == ["rec-a"] and {name: reason for name, (_, reason) in outcomes.notable.items()} == {
        "rec-b": "no line in text", "lost": f"in {plain}/text but not in wav.scp"}


@pytest.mark.parametrize("stated, announced", [("1.0", 32000), ("2.09", 32000), ("2.11", 33760), ("2.50003", 40000)])
def test_a_file_shorter_than_reco2dur_by_a_tenth_of_a_second(plain, stated, announced):
    write_dir(plain, reco2dur=[f"rec-a {stated}"])
    recording = read(plain)[0]["utt1"].recording
    assert recording.num_samples == announced
    assert recording.duration == (2.0 if announced == 32000 else float(stated))


def test_reco2dur_of_a_file_that_cannot_be_read_changes_nothing(plain, tmp_path):
    write_dir(plain, reco2dur=["rec-a 5"])
    (tmp_path / "a.wav").write_bytes(b"")
    recording = read(plain)[0]["utt1"].recording
    assert (recording.num_samples, recording.duration) == (0, 0.0)


def test_what_a_pipe_gives_tells_its_suffix_and_a_failure_its_last_words(plain, tmp_path):
    """Commands run in the first root, with nothing to read."""
    samples = soundfile.read(str(tmp_path / "a.wav"), dtype="int16")[0]
    for name, kind in (("f.flac", "FLAC"), ("o.ogg", "OGG"), ("s.sph", "NIST"), ("c.caf", "CAF")):
        soundfile.write(str(tmp_path / name), samples, 16000, format=kind)
    (plain / "segments").unlink()
    pipes = {"f": "cat f.flac|", "o": "cat o.ogg |", "s": "cat s.sph  |", "w": "cat a.wav |", "c": "cat c.caf |",
             "reads": "cat |", "fails": "cat a.wav; echo first >&2; echo last >&2; false |", "quiet": "exit 3 |"}
    write_dir(plain, wav_scp=[f"{name} {pipe}" for name, pipe in pipes.items()], text=[f"{name} X" for name in pipes],
              utt2spk=[])
    outcomes, audio = Outcomes(), plain / "new/audio"
    cuts = {cut.id: cut for cut in read_kaldi_dir(plain, audio, outcomes, roots=[tmp_path, plain])}
    names = {name: Path(cut.recording.sources[0].source).relative_to(audio) for name, cut in cuts.items()}
    assert {name: str(path) for name, path in names.items()} == {
        "f": "f.flac", "o": "o.ogg", "s": "s.sph", "w": "w.wav", "c": "c.wav"}
    assert {name: cut.recording.num_samples for name, cut in cuts.items()} == dict.fromkeys("fswco", 32000)
    assert outcomes.notable == {name: ("failed", f"its recording {name}: {problem}") for name, problem in (
        ("reads", "`cat` gave status 0: no output"), ("quiet", "`exit 3` gave status 3: no output"),
        ("fails", "`cat a.wav; echo first >&2; echo last >&2; false` gave status 1: last"))}
    assert sorted(path.name for path in audio.iterdir()) == ["c.wav", "f.flac", "o.ogg", "s.sph", "w.wav"]


def test_the_first_folder_that_has_a_file_counts(plain, tmp_path):
    write_dir(plain, wav_scp=["rec-a a.wav", "rec-b gone.wav"])
    write_noise(plain / "a.wav", seconds=0.5)
    for roots, seconds in (([tmp_path, plain], 2.0), ([plain, tmp_path], 0.5)):
        cuts, _ = read(plain, roots=roots)
        assert cuts["utt1"].recording.duration == seconds
        assert cuts["utt3"].recording.sources[0].source == str(roots[0] / "gone.wav")


def test_file_names_of_ids():
    """At most 200 bytes; a digest tells apart those that were changed."""
    for name in ("u" * 200, "\u00e9" * 100, "a b", "-x"):
        assert file_name(name) == name
    for name, start in (("u" * 201, "u" * 183), ("\u00e9" * 101, "\u00e9" * 91), ("a/b", "a_b"), ("a//b", "a__b")):
        assert file_name(name) == f"{start}-{hashlib.sha256(name.encode()).hexdigest()[:16]}"
        assert len(file_name(name).encode()) <= 200


def test_without_transcripts_every_segment_is_an_utterance(tmp_path):
    write_noise(tmp_path / "a.wav", seconds=3.0)
    write_dir(tmp_path / "data", wav_scp=[f"rec {tmp_path}/a.wav"], segments=["one rec 0.5 1.5", "two rec 1.5 9"],
              utt2spk=["one anna"])
    outcomes = Outcomes()
    cuts = read_kaldi_dir(tmp_path / "data", tmp_path / "audio", outcomes, transcribed=False)
    assert [(cut.id, text_of(cut), speaker_of(cut), cut.start, cut.duration) for cut in cuts] == [
        ("one", "", "anna", 0.5, 1.0), ("two", "", "", 1.5, 7.5)]
    assert outcomes.counts == {"done": 2}


def test_ids_of_file_names_and_typed_ones_are_the_same(plain, tmp_path):
    """Accents that are characters of their own, as some file systems make them, and whole ones."""
    write_dir(plain, wav_scp=[f"rec-e\u0301 {tmp_path}/e\u0301.wav"], segments=["e\u0301 rec-\u00e9 0.0 -1"],
              text=["\u00e9 YES"], utt2spk=["\u00e9 ze\u0301"], spk2gender=["z\u00e9 f"], utt2lang=["e\u0301 fr"])
    write_noise(tmp_path / "e\u0301.wav", seconds=0.5)
    cuts, outcomes = read(plain)
    said = cuts["\u00e9"].supervisions[0]
    assert (said.text, said.speaker, said.gender, said.language) == ("YES", "z\u00e9", "f", "fr")
    assert cuts["\u00e9"].duration == 0.5 and outcomes.counts == {"done": 1}
    with pytest.raises(InputError, match="every key once"):
        read_table(write_dir(plain, text=["e\u0301 A", "\u00e9 B"]) / "text")
