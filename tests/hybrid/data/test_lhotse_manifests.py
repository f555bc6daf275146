import numpy as np
import pytest
import soundfile
from lhotse import CutSet, Recording, RecordingSet, SupervisionSegment, SupervisionSet
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
