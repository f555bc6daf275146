import numpy as np
import pytest
from lhotse import AudioSource, MonoCut, Recording, SupervisionSegment
from lhotse.supervision import AlignmentItem
from lhotse.utils import fastcopy

from graphs.errors import InputError
from hybrid.data.audio import load_audio
from hybrid.data.compute import compute_features
from hybrid.data.features import FeatureOptions
from hybrid.data.manifest import write_cuts
from hybrid.outcomes import Outcomes
from tests.hybrid.data.material import noise_cut, ready_cut
from tests.tools.artefacts.shown import lines_of
from tools.artefacts.data import (
    KINDS, _spread, _statistics, cuts_problems, describe_cut, describe_cuts, describe_features, describe_folder,
    draw_cuts, draw_features, features_problems, folder_problems)


def cut_of(name, seconds=1.0, text="yes no", speaker="a", rate=16000, start=0.0, **more):
    """Of a recording that is not there, which is longer by what lies before."""
    total = seconds + start
    recording = Recording(f"r{name}", [AudioSource("file", [0], f"{name}.wav")], rate, round(total * rate), total)
    segment = SupervisionSegment(name, f"r{name}", 0.0, seconds, text=text, speaker=speaker, **more)
    return MonoCut(name, start, seconds, 0, recording=recording, supervisions=[segment])


def test_a_manifest_in_short(tmp_path):
    path = tmp_path / "train.jsonl.gz"
    phones = {name: [AlignmentItem("n", 0.1, 0.2)] for name in ("phone", "word")}
    write_cuts(path, [cut_of("c00", 900_000.0, "yes", "", rate=8000, alignment=phones),
                      *(cut_of(f"c{n:02d}", 270_000.0, speaker="b") for n in range(1, 10)),
                      cut_of("c10", 270_000.0, alignment={"phone": phones["phone"]})])
    assert lines_of(describe_cuts(path)) == [
        "cuts: 11", "hours: 1000.000", "seconds: 270000.00 to 900000.00, mean 327272.73", "speakers: ?, a, b",
        "sampling rate: 8000, 16000", "words: 21, 2 different", "with features: 0", "with alignments: 2 phone, 1 word",
        "first cuts", "id speaker seconds text", "c00 900000.00 yes",
        *(f"c{n:02d} b 270000.00 yes no" for n in range(1, 10))]
    write_cuts(path, [])
    assert lines_of(describe_cuts(path)) == ["cuts: 0", "hours: 0.000", "seconds: 0.00 to 0.00, mean 0.00",
                                             "words: 0, 0 different", "with features: 0", "with alignments: none"]
    assert list(cuts_problems(path)) == [f"{path}: expected cuts, found none"]


def test_all_about_a_cut(tmp_path):
    phones = {"phone": [AlignmentItem("n", 0.125, 0.25), AlignmentItem("ow", 0.375, 0.5)], "word": []}
    cut = cut_of("u", 1.25, start=0.5, alignment=phones)
    cut.custom = {"augmentation": {"noise": "rain", "snr": 10}}
    shown = ["utterance: u", "speaker: a", "seconds: 1.250", "text: yes no", "channel: 0", "sampling rate: 16000",
             "recording: ru, 1.750 s, cut at 0.500 s", "source: u.wav", "features: False"]
    aligned = ["phone alignment", "phone start end", "n 0.125 0.375", "ow 0.375 0.875"]
    assert lines_of(describe_cut(cut)) == [*shown, "acoustics: noise rain, snr 10", *aligned]
    write_cuts(tmp_path / "a.jsonl.gz", [cut_of("t"), cut_of("u", 1.25, start=0.5)])
    assert lines_of(describe_cuts(tmp_path / "a.jsonl.gz", "u")) == shown
    ready = ready_cut(tmp_path, "v", np.zeros((150, 3), np.float32))
    assert lines_of(describe_cut(ready))[6:] == ["features: 150 frames of 3, 0.01 s apart"]
    for describe in (describe_cuts, lambda path, item: draw_cuts(path, item, tmp_path / "x.png")):
        with pytest.raises(InputError, match="expected an utterance such as t, u, found w"):
            describe(tmp_path / "a.jsonl.gz", "w")


def test_both_sides_of_what_a_cut_may_be(tmp_path):
    """A supervision may begin a millisecond early and end a hundredth of a second late."""
    def problems(*cuts):
        write_cuts(tmp_path / "a.jsonl.gz", cuts)
        found = [problem.replace(f"{tmp_path}/a.jsonl.gz: cut u: ", "") for problem in cuts_problems(
            tmp_path / "a.jsonl.gz")]
        return [problem for problem in found if "Lhotse" not in problem]

    def with_segment(start, duration, **more):
        cut = cut_of("u")
        return fastcopy(cut, supervisions=[fastcopy(cut.supervisions[0], start=start, duration=duration, **more)])
    within = "expected the supervision within 1.000 s, found {} s"
    assert problems(with_segment(-0.001, 1.0)) == problems(with_segment(0.0, 1.01)) == problems(cut_of("u")) == []
    assert problems(with_segment(-0.0015, 1.0)) == [within.format("-0.002 to 0.999")]
    assert problems(with_segment(0.0, 1.0125)) == [within.format("0.000 to 1.012")]
    assert problems(with_segment(0.0, 1.0, text=" ")) == problems(with_segment(0.0, 1.0, text=None)) == [
        "expected a transcript, found none"]
    two = fastcopy(cut_of("u"), supervisions=2 * cut_of("u").supervisions)
    for cut, number in ((two, 2), (fastcopy(cut_of("u"), supervisions=[]), 0)):
        assert problems(cut) == [f"expected one supervision, found {number}"]
    bare = fastcopy(cut_of("u"), recording=None)
    assert problems(bare) == ["expected a recording or features, found neither"]
    assert lines_of(describe_cuts(tmp_path / "a.jsonl.gz"))[2:5] == [
        "seconds: 1.00 to 1.00, mean 1.00", "speakers: a", "words: 2, 2 different"]  # no sampling rate
    assert lines_of(describe_cut(bare))[4:] == ["channel: 0", "features: False"]
    assert problems(*[cut_of("u")] * 3) == ["expected once, found 3 times"]


def test_a_folder_of_manifests(tmp_path):
    write_cuts(tmp_path / "train.jsonl.gz", [cut_of("a", 900_000.0), cut_of("b", 900_000.0, speaker="c")])
    write_cuts(tmp_path / "dev.jsonl.gz", [cut_of("d", 3.6)])
    (tmp_path / "rejected_train.tsv").write_text("utterance\treason\tdetail\nx\tmissing\t\n")
    (tmp_path / "rejected_dev.tsv").write_text("utterance\treason\tdetail\n")
    rows = ["splits", "split cuts hours speakers rejected", "dev 1 0.001 1 0", "train 2 500.000 2 1"]
    assert lines_of(describe_folder(tmp_path)) == rows
    (tmp_path / "rejected_dev.tsv").unlink()
    (tmp_path / "report.txt").write_text("all is good\n")
    assert lines_of(describe_folder(tmp_path)) == [*rows[:2], "dev 1 0.001 1", rows[3], "all is good"]
    assert describe_folder(tmp_path, "dev") == describe_cuts(tmp_path / "dev.jsonl.gz")
    with pytest.raises(InputError, match="expected a split such as dev, train, found test"):
        describe_folder(tmp_path, "test")
    assert list(folder_problems(tmp_path)) == []
    for split in ("dev", "test", "eval_far"):  # what is said in a test set may be unknown, or nothing
        write_cuts(tmp_path / f"{split}.jsonl.gz", [
            cut_of("a" if split == "test" else split), cut_of(f"{split}-e", text="")])
    assert list(folder_problems(tmp_path)) == [
        f"{tmp_path}/dev.jsonl.gz: cut dev-e: expected a transcript, found none",
        f"{tmp_path}: cut a: expected in one split, found in test and train"]


@pytest.fixture
def features(tmp_path):
    """Writes a features folder of the cuts, as they are."""
    folder = tmp_path / "features"
    folder.mkdir()
    first = ready_cut(tmp_path / "first", "a", np.zeros((20, 2), np.float32))
    compute_features([first], FeatureOptions(kind="ready", cmvn="none"), folder, Outcomes())

    def write(*cuts):
        write_cuts(folder / "cuts.jsonl.gz", cuts)
        return folder
    return write


def test_features_in_short(features, tmp_path):
    rising = np.arange(200, dtype=np.float32).reshape(100, 2)
    names = ("a", "b", "c", "d")
    folder = features(*(ready_cut(tmp_path / "made", name, rising + 100 * n, speaker=f"s{n % 3}")
                        for n, name in enumerate(names)))
    shown = lines_of(describe_features(folder))
    assert [line for line in shown if line.split(":")[0] in ("utterances", "frames", "hours", "speakers", "first")] == [
        "utterances: 4", "frames: 400", "hours: 0.001", "speakers: 3", "first: a, b, c, ... (4 in all)"]
    assert "dim: 2" in shown and "cmvn: none" in shown
    assert shown[-4:-2] == ["as networks see them (400 frames)", "coefficient mean deviation least most"]
    every = np.concatenate([rising[:, 1] + 100 * n for n in range(4)])
    assert shown[-1] == f"1 {every.mean():.2f} {every.std():.2f} 1.00 499.00"
    shown = lines_of(describe_features(folder, "b"))
    assert shown[0] == "utterance: b" and shown[-4] == "as networks see them (100 frames)"
    for describe in (describe_features, lambda path, item: draw_features(path, item, tmp_path / "x.png")):
        with pytest.raises(InputError, match="expected an utterance such as a, b, c, .* found e"):
            describe(folder, "e")
    with pytest.raises(InputError, match="expected features of utterances, found none"):
        describe_features(features())


def test_many_coefficients_are_cut_short():
    for number, kept in ((12, range(12)), (13, [*range(6), "...", *range(7, 13)])):
        matrix = np.tile(np.arange(number, dtype=np.float32), (2, 1)) + [[-1.0], [1.0]]
        assert lines_of(_statistics(matrix))[2:] == [
            f"{n} {n}.00 1.00 {n - 1}.00 {n + 1}.00" if n != "..." else n for n in kept]


def test_a_sample_from_all_over_a_list():
    assert _spread(list("abcdefghij"), 4) == list("aceg") and _spread([], 4) == []
    assert _spread(list("abc"), 4) == _spread(list("abc"), 3) == list("abc")
    assert _spread(list("abcdefgh"), 4) == list("aceg")


def test_a_hundred_utterances_tell_of_all(tmp_path):
    cuts = [ready_cut(tmp_path / "made", f"u{n:03d}", np.zeros((2, 1), np.float32)) for n in range(202)]
    (tmp_path / "one").mkdir()
    compute_features(cuts[:1], FeatureOptions(kind="ready", cmvn="none"), tmp_path / "one", Outcomes())
    write_cuts(tmp_path / "one/cuts.jsonl.gz", cuts)
    assert "as networks see them (200 frames)" in lines_of(describe_features(tmp_path / "one"))


@pytest.fixture
def drawn(monkeypatch):
    """Figures as they would be saved, with the paths."""
    found = []
    monkeypatch.setattr("hybrid.report.figures.save_figure", lambda figure, path: found.append((figure, path)))
    return found


def test_pictures_of_cuts(drawn, tmp_path):
    """Of one its waveform above its spectrogram, of all how many are how long."""
    path, cut = tmp_path / "a.jsonl.gz", noise_cut(tmp_path / "wav", "u", seconds=0.5, rate=8000)
    write_cuts(path, [cut, fastcopy(cut_of("v", 2.5), supervisions=[])])
    draw_cuts(path, None, tmp_path / "all.png")
    draw_cuts(path, "u", tmp_path / "u.png")
    assert [place for _, place in drawn] == [tmp_path / "all.png", tmp_path / "u.png"]
    (axes,) = drawn[0][0].axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("seconds", "cuts")
    heights = [bar.get_height() for bar in axes.patches]
    assert len(heights) == 40 and heights[0] == heights[-1] == 1 and sum(heights) == 2
    wave, spectrum = drawn[1][0].axes
    assert wave.get_title() == "u: yes no" and (spectrum.get_xlabel(), spectrum.get_ylabel()) == ("seconds", "Hz")
    seconds, samples = wave.lines[0].get_data()
    assert np.allclose(seconds, np.arange(4000) / 8000) and np.allclose(samples, load_audio(cut)[0])
    left, right, low, high = spectrum.images[0].get_extent()
    assert (low, high) == (0, 4000) and 0 <= left < 0.05 and 0.45 < right <= 0.5


def test_pictures_of_features(drawn, features, tmp_path):
    """The first coefficient lies lowest, over the seconds."""
    matrices = {"a": np.arange(60, dtype=np.float32).reshape(30, 2), "b": np.ones((20, 2), np.float32)}
    folder = features(*(ready_cut(tmp_path / "made", name, matrix) for name, matrix in matrices.items()))
    for item, name, seconds in ((None, "a", 0.3), ("b", "b", 0.2)):
        draw_features(folder, item, tmp_path / "x.png")
        axes, _ = drawn[-1][0].axes
        (image,) = axes.images
        assert np.allclose(image.get_array(), matrices[name].T) and image.origin == "lower"
        assert np.allclose(image.get_extent(), (0, seconds, 0, 2)) and axes.get_title() == f"{name}: yes no"
        assert (axes.get_xlabel(), axes.get_ylabel(), drawn[-1][1]) == ("seconds", "coefficient", tmp_path / "x.png")


def test_features_that_do_not_fit_their_cuts(features, tmp_path):
    """By more than five frames, or two in a hundred; or that are no numbers."""
    def problems(frames, seconds, value=0.0):
        matrix = np.zeros((frames, 2), np.float32)
        matrix[0, 1] = value
        cut = fastcopy(ready_cut(tmp_path / "made", "u", matrix), duration=seconds)
        found = (problem.rpartition(": u: ")[2] for problem in features_problems(features(cut)))
        return [problem for problem in found if "frames" in problem or "finite" in problem]
    assert problems(100, 1.05) == problems(100, 0.95) == problems(400, 4.08) == problems(400, 3.93) == []
    assert problems(100, 1.06) == ["expected about 106 frames, found 100"]
    assert problems(100, 0.94) == ["expected about 94 frames, found 100"]
    assert problems(400, 4.09) == ["expected about 409 frames, found 400"]
    assert problems(20, 0.2, np.inf) == ["expected finite features, found others"]


def test_features_of_test_sets_need_no_transcripts(features, tmp_path):
    cut = ready_cut(tmp_path / "made", "u", np.zeros((20, 2), np.float32))
    folder = features(fastcopy(cut, supervisions=[fastcopy(cut.supervisions[0], text="")]))
    missing = f"{folder}/cuts.jsonl.gz: cut u: expected a transcript, found none"
    assert missing in features_problems(folder)
    renamed = folder.rename(tmp_path / "eval_far")
    assert not any("transcript" in problem for problem in features_problems(renamed))


def test_manifests_are_known_by_their_names(tmp_path):
    of_features, cuts, folder = (kind.matches for kind in KINDS)
    assert not folder(tmp_path)
    (tmp_path / "b.jsonl.gz").mkdir()
    assert not folder(tmp_path) and not cuts(tmp_path / "b.jsonl.gz")
    names = ("a.jsonl.gz", "a.jsonl", "a.json")
    for name in names:
        (tmp_path / name).write_text("")
    assert [cuts(tmp_path / name) for name in (*names, "c.jsonl")] == [True, True, False, False]
    assert folder(tmp_path) and not folder(tmp_path / "a.jsonl.gz") and not of_features(tmp_path)
