import numpy as np
import pytest
import soundfile
from lhotse import AudioSource, CutSet, MonoCut, MultiCut, Recording, RecordingSet, SupervisionSegment, SupervisionSet
from lhotse.cut import MixedCut
from lhotse.supervision import AlignmentItem

from graphs.errors import InputError
from hybrid.data.lhotse_manifests import find_manifests, read_manifests
from hybrid.outcomes import Outcomes
from tests.hybrid.data.material import ready_cut, write_noise


@pytest.fixture
def manifests(tmp_path):
    recording = Recording.from_file(write_noise(tmp_path / "audio" / "a.wav", seconds=3.0))
    recordings = RecordingSet.from_recordings([recording])
    word = AlignmentItem("yes", 0.6, 0.2)
    supervisions = SupervisionSet.from_segments([
        SupervisionSegment("u1", "a", 0.5, 1.0, text="yes", speaker="anna", alignment={"word": [word]}),
        SupervisionSegment("u2", "a", 2.0, 0.5, text="no", speaker="ben"),
        SupervisionSegment("u3", "gone", 0.0, 1.0, text="no")])
    recordings.to_file(tmp_path / "my_recordings_train-a.jsonl.gz")
    supervisions.to_file(tmp_path / "my_supervisions_train-a.jsonl.gz")
    cuts = CutSet.from_manifests(recordings, supervisions.filter(lambda s: s.recording_id == "a"))
    cuts.to_file(tmp_path / "my_cuts_dev.jsonl.gz")
    return tmp_path


@pytest.mark.parametrize("split", ["train-a", "dev"])
def test_one_cut_for_each_supervision(manifests, split):
    outcomes = Outcomes()
    cuts = read_manifests(find_manifests(manifests)[split], outcomes)
    assert [(cut.id, cut.start, cut.duration) for cut in cuts] == [("u1", 0.5, 1.0), ("u2", 2.0, 0.5)]
    samples = soundfile.read(str(manifests / "audio" / "a.wav"))[0]
    assert np.allclose(cuts[1].load_audio()[0], samples[32000:40000], atol=1e-6)
    supervision = cuts[0].supervisions[0]
    assert (supervision.start, supervision.text, supervision.speaker) == (0.0, "yes", "anna")
    assert supervision.alignment["word"][0].start == pytest.approx(0.1)
    if split == "train-a":
        assert outcomes.notable["u3"][1].startswith("no recording gone in")


def test_names_of_manifests(tmp_path):
    for name in ("cuts_train.jsonl.gz", "x_recordings_a-b.jsonl.gz", "x_supervisions_a-b.jsonl.gz",
                 "test.jsonl", "recordings_alone.jsonl", "shortcuts_x.txt", "shortcuts_y.jsonl"):
        (tmp_path / name).write_text("")
    found = {split: [path.name for path in paths] for split, paths in find_manifests(tmp_path).items()}
    assert found == {
        "train": ["cuts_train.jsonl.gz"], "a-b": ["x_recordings_a-b.jsonl.gz", "x_supervisions_a-b.jsonl.gz"],
        "test": ["test.jsonl"], "shortcuts_y": ["shortcuts_y.jsonl"]}


@pytest.mark.parametrize("names, expected", [
    (["cuts_a.jsonl.gz", "recordings_a.jsonl.gz", "supervisions_a.jsonl.gz"], {"a": ["cuts_a.jsonl.gz"]}),
    (["x_cuts_a.json", "recordings_a.json", "supervisions_a.json"], {"a": ["x_cuts_a.json"]}),  # before or after
    (["a.json", "cuts_a.yaml"], {"a": ["cuts_a.yaml"]}), (["cuts_z.json", "z.json"], {"z": ["cuts_z.json"]}),
    (["a.jsonl", "recordings_a.jsonl", "supervisions_a.jsonl"], {"a": ["a.jsonl"]}),
    (["recordings_z.json", "supervisions_z.json", "z.jsonl"], {"z": ["recordings_z.json", "supervisions_z.json"]}),
    (["x-recordings_a.json", "x-supervisions_a.jsonl"], {"a": ["x-recordings_a.json", "x-supervisions_a.jsonl"]}),
    (["x.recordings_a.json", "y.supervisions_a.json", "supervisions_b.json"], {}),
    (["my_cuts_of_cuts_b.json"], {"b": ["my_cuts_of_cuts_b.json"]}), (["a.txt", "a.jsonl.bz2", "README"], {}),
    ([], {})])
def test_which_of_several_manifests_is_a_split(tmp_path, names, expected):
    for name in names:
        (tmp_path / name).write_text("")
    (tmp_path / "folder.jsonl").mkdir()
    assert {split: [path.name for path in paths] for split, paths in find_manifests(tmp_path).items()} == expected


def test_what_is_no_folder_of_manifests(tmp_path):
    (tmp_path / "file").write_text("")
    for name, found in (("file", "a file"), ("gone", "none")):
        with pytest.raises(InputError, match=f"{name}: expected a folder of Lhotse manifests, found {found}"):
            find_manifests(tmp_path / name)


def joined(folder, *supervisions, channels=1):
    """Cuts and outcomes of supervisions of a recording of ten seconds."""
    recording = Recording("a", [AudioSource("file", list(range(channels)), "a.wav")], 16000, 160_000, 10.0)
    RecordingSet.from_recordings([recording]).to_file(folder / "recordings_x.jsonl")
    SupervisionSet.from_segments(supervisions).to_file(folder / "supervisions_x.jsonl")
    outcomes = Outcomes()
    return read_manifests(find_manifests(folder)["x"], outcomes), outcomes


def test_channels_of_supervisions(tmp_path):
    cuts, outcomes = joined(tmp_path, *(SupervisionSegment(name, "a", 1.0, 2.0, channel=channel) for name, channel in (
        ("one", 1), ("list", [1]), ("both", [0, 1]))), SupervisionSegment("lost", "b", 0.0, 1.0), channels=2)
    assert [(cut.id, type(cut), cut.channel) for cut in cuts] == [
        ("one", MonoCut, 1), ("list", MonoCut, 1), ("both", MultiCut, [0, 1])]
    assert outcomes.counts == {"done": 3, "failed": 1}
    assert outcomes.notable == {"lost": ("failed", f"no recording b in {tmp_path}/recordings_x.jsonl")}


def test_times_are_counted_from_the_start_of_the_supervision(tmp_path):
    """What is said before it keeps its time, and sums of decimals are rounded."""
    words = {"word": [AlignmentItem("a", 0.2, 0.2), AlignmentItem("b", 0.4, 0.5)], "phone": []}
    (cut,), _ = joined(tmp_path, SupervisionSegment("u", "a", 0.3, 0.6, text="b", alignment=words))
    (said,) = cut.supervisions
    assert (cut.start, cut.duration, said.start, said.duration) == (0.3, 0.6, 0.0, 0.6)
    assert [item.start for item in said.alignment["word"]] == pytest.approx([-0.1, 0.1]) and not said.alignment["phone"]
    (plain,), _ = joined(tmp_path, SupervisionSegment("u", "a", 0.3, 0.6))
    assert plain.supervisions[0].alignment is None


@pytest.mark.parametrize("spans, expected", [
    ([(0.0, 9.8)], [("cut", 10.0, 10.0)]), ([(0.0, 9.79)], [("s0", 10.0, 9.79)]), ([(0.2, 9.8)], [("cut", 10.0, 10.0)]),
    ([(0.123456784, 4.0)], [("s0", 10.12345678, 4.0)]),
    ([(0.0, 10.0), (0.1, 2.0)], [("s0", 10.0, 10.0), ("s1", 10.1, 2.0)])])
def test_a_supervision_over_nearly_all_of_a_cut_leaves_it_whole(tmp_path, spans, expected):
    """98 percent; each other one is a cut of its own, of the supervision's name."""
    recording = Recording("a", [AudioSource("file", [0], "a.wav")], 16000, 480_000, 30.0)
    cut = MonoCut("cut", 10.0, 10.0, 0, recording=recording, supervisions=[
        SupervisionSegment(f"s{i}", "a", start, duration) for i, (start, duration) in enumerate(spans)])
    CutSet.from_cuts([cut]).to_file(tmp_path / "x.jsonl")
    outcomes = Outcomes()
    cuts = read_manifests([tmp_path / "x.jsonl"], outcomes)
    assert [(one.id, one.start, one.duration) for one in cuts] == expected and outcomes.counts == {"done": len(spans)}
    assert all(len(one.supervisions) == 1 for one in cuts)
    starts = [one.supervisions[0].start for one in cuts]
    assert starts == [spans[0][0] if expected[0][0] == "cut" else 0.0] + [0.0] * (len(spans) - 1)


def test_mixed_and_padded_cuts_stay_for_validation_to_tell(tmp_path):
    recording = Recording("a", [AudioSource("file", [0], "a.wav")], 16000, 16000, 1.0)
    cut = MonoCut("cut", 0.0, 1.0, 0, recording=recording, supervisions=[
        SupervisionSegment("s0", "a", 0.0, 0.5), SupervisionSegment("s1", "a", 0.5, 0.5)])
    CutSet.from_cuts([cut.pad(duration=2.0)]).to_file(tmp_path / "x.jsonl")
    (one,) = read_manifests([tmp_path / "x.jsonl"], Outcomes(), roots=[tmp_path])
    assert isinstance(one, MixedCut) and len(one.supervisions) == 2


def test_places_of_files_and_of_what_is_none(manifests, tmp_path, monkeypatch):
    """The first folder that has a file counts; commands and links stay; what is nowhere is told below where one is."""
    monkeypatch.chdir(tmp_path / "audio")
    for name in ("one", "two"):
        write_noise(tmp_path / name / "b.wav", seconds=0.1)
    write_noise(tmp_path / "two" / "c.wav", seconds=0.1)
    sources = [AudioSource(kind, [i], name) for i, (kind, name) in enumerate((
        ("file", "b.wav"), ("file", "c.wav"), ("file", "d.wav"), ("file", str(tmp_path / "audio/a.wav")),
        ("command", "cat b.wav"), ("url", "b.wav")))]
    cut = MonoCut("u", 0.0, 0.1, 0, recording=Recording("r", sources, 16000, 1600, 0.1), supervisions=[
        SupervisionSegment("u", "r", 0.0, 0.1)])
    made = ready_cut(tmp_path / "two" / "made", "v", np.ones((10, 3), np.float32))
    made.features.storage_path = "made"
    linked = ready_cut(tmp_path / "two" / "made", "w", np.ones((10, 3), np.float32))
    linked.features.storage_path, linked.features.storage_type = "made", "numpy_url"
    CutSet.from_cuts([cut, made, linked]).to_file(tmp_path / "x.jsonl")
    sound, *features = read_manifests([tmp_path / "x.jsonl"], Outcomes(), roots=[tmp_path / "one", tmp_path / "two"])
    assert [source.source for source in sound.recording.sources] == [
        str(tmp_path / place) for place in ("one/b.wav", "two/c.wav", "audio/d.wav", "audio/a.wav")] + [
        "cat b.wav", "b.wav"]
    assert [one.features.storage_path for one in features] == [str(tmp_path / "two/made"), "made"]


def test_relative_audio_is_found(manifests):
    recording = Recording.from_file(manifests / "audio" / "a.wav").with_path_prefix("")
    recording.sources[0].source = "audio/a.wav"
    cut = recording.to_cut()
    cut.supervisions = [SupervisionSegment("u", "a", 0, 3.0, text="x")]
    CutSet.from_cuts([cut]).to_file(manifests / "cuts_rel.jsonl.gz")
    (one,) = read_manifests([manifests / "cuts_rel.jsonl.gz"], Outcomes(), roots=[manifests])
    assert one.recording.sources[0].source == str(manifests / "audio" / "a.wav")


def test_cuts_without_supervision_are_named(manifests):
    cut = Recording.from_file(manifests / "audio" / "a.wav").to_cut()
    CutSet.from_cuts([cut]).to_file(manifests / "x.jsonl")
    outcomes = Outcomes()
    assert read_manifests([manifests / "x.jsonl"], outcomes) == [] and outcomes.failures == 1


def test_ready_features_stay(tmp_path):
    cut = ready_cut(tmp_path / "made", "u", np.ones((100, 3), np.float32))
    CutSet.from_cuts([cut]).to_file(tmp_path / "cuts_train.jsonl.gz")
    (one,) = read_manifests([tmp_path / "cuts_train.jsonl.gz"], Outcomes())
    assert one.load_features().shape == (100, 3)


def test_no_manifest(tmp_path):
    (tmp_path / "train.jsonl").write_text("{not json\n")
    with pytest.raises(InputError, match="train.jsonl:1: expected JSON"):
        read_manifests([tmp_path / "train.jsonl"], Outcomes())
    (tmp_path / "r.jsonl").write_text("{}\n")
    with pytest.raises(InputError, match="r.jsonl:1, id: expected a name, found none"):
        read_manifests([tmp_path / "r.jsonl", tmp_path / "r.jsonl"], Outcomes())


def test_channels_of_supervisions_of_a_cut_of_several(tmp_path):
    """As Lhotse makes cuts of a recording of a conversation: one of both channels with the supervisions of each."""
    recording = Recording("a", [AudioSource("file", [0, 1, 2], "a.wav")], 16000, 160_000, 10.0)
    channels = {"one": 1, "list": [2], "two": [0, 2], "all": [0, 1, 2]}
    supervisions = [SupervisionSegment(name, "a", 1.0, 2.0, channel=channel) for name, channel in channels.items()]
    CutSet.from_cuts([
        MultiCut("cut", 0.0, 10.0, [0, 1, 2], recording=recording, supervisions=supervisions, custom={"x": 1}),
        MultiCut("whole", 0.0, 10.0, [0, 1, 2], recording=recording, supervisions=[
            SupervisionSegment("s", "a", 0.0, 10.0, channel=2)])]).to_file(tmp_path / "x.jsonl")
    cuts = read_manifests([tmp_path / "x.jsonl"], Outcomes())
    assert [(cut.id, type(cut), cut.channel) for cut in cuts] == [
        ("one", MonoCut, 1), ("list", MonoCut, 2), ("two", MultiCut, [0, 2]), ("all", MultiCut, [0, 1, 2]),
        ("whole", MonoCut, 2)]
    assert [cut.supervisions[0].channel for cut in cuts] == [1, 2, [0, 2], [0, 1, 2], 2]
    assert [(cut.start, cut.duration, cut.custom) for cut in cuts[:2]] == [(1.0, 2.0, {"x": 1})] * 2


def test_what_is_said_before_the_cut_is_taken_with_it(tmp_path):
    recording = Recording("a", [AudioSource("file", [0], "a.wav")], 16000, 160_000, 10.0)
    CutSet.from_cuts([MonoCut(f"cut{start}", 2.0, 5.0, 0, recording=recording, supervisions=[
        SupervisionSegment(f"s{start}", "a", start, 5.5)]) for start in (-0.5, -0.1)]).to_file(tmp_path / "x.jsonl")
    cuts = read_manifests([tmp_path / "x.jsonl"], Outcomes())
    assert [(cut.id, cut.start, cut.duration, cut.supervisions[0].start) for cut in cuts] == [
        ("s-0.5", 1.5, 5.5, 0.0), ("cut-0.1", 2.0, 5.0, -0.1)]
