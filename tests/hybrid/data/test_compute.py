"""What a folder of features is filled with: copies, batches, manifests, sums, counts. Mostly of ready features."""

import json
import sys

import numpy as np
import pytest
from lhotse.supervision import AlignmentItem
from lhotse.utils import fastcopy

from graphs.errors import InputError, TooManyFailures
from hybrid.data.augment import AugmentOptions
from hybrid.data.compute import batches_of_work, compute_features, perturbed
from hybrid.data.corpus import recording_of, utterance
from hybrid.data.features import FeatureOptions, FeatureReader
from hybrid.data.manifest import read_cuts
from hybrid.outcomes import Outcomes
from tests.hybrid.data.material import noise_cut, ready_cut, write_noise


def filled(folder, cuts, training=False, stats=None, augment=AugmentOptions(), outcomes=None, **options):
    """The facts of a folder that was filled."""
    folder.mkdir()
    options = FeatureOptions(**{"device": "cpu", "storage": "numpy_files", **options})
    return compute_features(cuts, options, folder, Outcomes() if outcomes is None else outcomes, training,
                            training_stats=stats, augment=augment)


def ready(folder, utterance_id, frames=10, dim=2, value=1.0, **more):
    return ready_cut(folder, utterance_id, np.full((frames, dim), value, np.float32), **more)


def test_copies_at_other_speeds(tmp_path):
    recording = recording_of(write_noise(tmp_path / "a.wav"))
    words = {"word": [AlignmentItem("yes", 0.1, 0.5)]}
    cuts = [utterance("a", recording, "yes", "anna", alignment=words), utterance("b", recording, "no", duration=0.5)]
    assert perturbed(cuts, FeatureOptions()) == cuts
    copies = perturbed(cuts, FeatureOptions(speed=(0.8, 1.0, 1.25)))
    said = [cut.supervisions[0] for cut in copies]
    assert [(cut.id, cut.duration) for cut in copies] == [
        ("a-sp0.8", 1.25), ("b-sp0.8", 0.625), ("a", 1.0), ("b", 0.5), ("a-sp1.25", 0.8), ("b-sp1.25", 0.4)]
    assert [one.id for one in said] == [cut.id for cut in copies]
    assert [one.speaker for one in said] == ["anna-sp0.8", None, "anna", None, "anna-sp1.25", None]
    assert [one.text for one in said] == ["yes", "no"] * 3 and {cut.recording.id for cut in copies} == {"a"}
    assert [said[i].alignment["word"][0][1:3] for i in (0, 2, 4)] == [(0.125, 0.625), (0.1, 0.5), (0.08, 0.4)]
    assert copies[2:4] == cuts and copies[0].load_audio().shape == (1, 20000)


def test_random_volumes_are_even_on_a_scale_of_decibels(tmp_path):
    recording = recording_of(write_noise(tmp_path / "a.wav", seconds=0.1))
    cuts = [utterance(f"u{i}", recording, "yes") for i in range(200)]
    louder = perturbed(cuts, FeatureOptions(volume=(0.25, 4.0)))
    powers = np.log2([cut.recording.transforms[-1].factor for cut in louder])  # from -2 to 2
    assert [cut.id for cut in louder] == [cut.id for cut in cuts]
    assert np.allclose(np.histogram(powers, bins=4, range=(-2, 2))[0], 50, atol=20)
    assert -2 <= powers.min() < -1.9 and 1.9 < powers.max() <= 2
    (fixed,) = perturbed(cuts[:1], FeatureOptions(volume=(3.0, 3.0)))
    assert fixed.recording.transforms[-1].factor == pytest.approx(3.0)


@pytest.mark.parametrize("durations, expected", [
    ([], []), ([5.0], [[5.0]]), ([1.0, 0.5, 0.5], [[1.0, 0.5, 0.5]]), ([1.0, 0.5, 0.75], [[1.0, 0.5], [0.75]]),
    ([0.5, 3.0, 0.5, 1.5, 0.25], [[0.5], [3.0], [0.5, 1.5], [0.25]])])
def test_batches_hold_at_most_their_seconds_or_one_cut(tmp_path, durations, expected):
    recording = recording_of(write_noise(tmp_path / "a.wav", seconds=5.0))
    cuts = [utterance(f"u{i}", recording, "", duration=seconds) for i, seconds in enumerate(durations)]
    batches = batches_of_work(cuts, 2.0)
    assert [[cut.duration for cut in batch] for batch in batches] == expected and sum(batches, []) == cuts


def test_facts_and_failures_of_a_folder(tmp_path):
    cuts = [ready(tmp_path / "made", "long", frames=180_000, dim=1, speaker="anna"),
            ready(tmp_path / "made", "short", frames=1000, dim=1, speaker="ben"),
            ready(tmp_path / "made", "bad", dim=1, value=np.nan, speaker="carl"),
            ready(tmp_path / "made", "wide", dim=3, speaker="carl"), ready(tmp_path / "made", "last", dim=1)]
    info = {"kind": "ready", "dim": 1, "frame_shift": 0.01, "sampling_rate": 16000, "cmvn": "speaker",
            "cmvn_variance": False, "deltas": 2}
    outcomes = Outcomes()
    facts = filled(tmp_path / "f", cuts, outcomes=outcomes, max_failed_share=0.4, cmvn_variance=False, deltas=2)
    assert facts == {**info, "utterances": 3, "frames": 181_010, "hours": 0.503, "speakers": 2}
    assert json.loads((tmp_path / "f/features.json").read_text()) == info
    assert outcomes.counts == {"done": 3, "failed": 2}
    assert (tmp_path / "f/outcomes.tsv").read_text().splitlines()[1:] == [
        "bad\tfailed\tno finite [T, F] matrix, but shape (10, 1)",
        "wide\tfailed\texpected 1 features a frame, got 3"]
    with pytest.raises(TooManyFailures, match="^features: 2 of 5 items failed"):
        filled(tmp_path / "g", cuts, max_failed_share=0.3)
    assert (tmp_path / "g/outcomes.tsv").exists() and not (tmp_path / "g/features.json").exists()


def test_a_manifest_keeps_what_the_cut_was(tmp_path):
    sound = utterance("a", recording_of(write_noise(tmp_path / "r.wav", channels=2), "r"), "yes", "anna", start=0.5,
                      duration=0.3, channel=1)
    cut = fastcopy(sound, features=fastcopy(ready(tmp_path / "made", "x", frames=30).features, start=0.5))
    filled(tmp_path / "f", [cut, ready(tmp_path / "made", "b", frames=20, dim=2)], kind="ready")
    first, second = (one.features for one in read_cuts(tmp_path / "f/cuts.jsonl.gz"))
    assert (first.type, first.num_frames, first.num_features, first.frame_shift, first.sampling_rate, first.start,
            first.duration, first.recording_id, first.channels) == ("made-up", 30, 2, 0.01, 16000, 0.5, 0.3, "r", 1)
    assert (second.num_frames, second.start, second.duration, second.recording_id) == (20, 0.0, 0.2, "b")
    assert first.storage_type == "numpy_files" and first.storage_key != second.storage_key


def test_each_mode_has_its_sums(tmp_path):
    cuts = [ready(tmp_path / "made", "a", frames=2, value=3.0, speaker="anna"),
            ready(tmp_path / "made", "b", frames=1, value=5.0, speaker="anna"),
            ready(tmp_path / "made", "c", frames=4, value=1.0, speaker=None)]
    anna, alone = ({"frames": 3, "sum": [11.0] * 2, "square_sum": [43.0] * 2},
                   {"frames": 4, "sum": [4.0] * 2, "square_sum": [4.0] * 2})
    everyone = {"frames": 7, "sum": [15.0] * 2, "square_sum": [47.0] * 2}
    means = 11 ** 2 / 3 + 4 ** 2 / 4
    typical = {"frames": 300, "mean": [15 / 7] * 2, "variance": [pytest.approx((47 - means) / 7)] * 2}
    for mode, expected in (("speaker", {"anna": anna, "c": alone}), ("utterance", {"anna": anna, "c": alone}),
                           ("none", {"anna": anna, "c": alone}), ("global", {"*": everyone})):
        filled(tmp_path / mode, cuts, training=True, cmvn=mode)
        assert json.loads((tmp_path / mode / "cmvn.json").read_text()) == {
            "dim": 2, "speakers": expected, **({"typical": typical} if mode == "speaker" else {})}
    other = [ready(tmp_path / "made", "d", value=9.0)]
    filled(tmp_path / "test", other, cmvn="global", stats=tmp_path / "speaker")  # the sum of all of its speakers
    assert json.loads((tmp_path / "test/cmvn.json").read_text())["speakers"] == {"*": everyone}
    for name, options, expected in (("own", {}, typical), ("twenty", {"cmvn_frames": 20}, {**typical, "frames": 20}),
                                    ("not", {"cmvn_frames": 0}, None), ("utterances", {"cmvn": "utterance"}, None)):
        filled(tmp_path / name, other, stats=tmp_path / "speaker", **{"cmvn": "speaker", **options})
        written = json.loads((tmp_path / name / "cmvn.json").read_text())
        assert list(written["speakers"]) == ["anna"] and written.get("typical") == expected, name
    for mode in ("global", "speaker"):
        with pytest.raises(InputError, match=f"/{mode}: expected CMVN sums of 3 features, found 2"):
            filled(tmp_path / f"wide_{mode}", [ready(tmp_path / "made", "e", dim=3)], cmvn=mode, stats=tmp_path / mode)


def test_what_the_cuts_cannot_give_is_told(tmp_path):
    sound, made = noise_cut(tmp_path, "sound"), ready(tmp_path / "made", "made")
    slow = noise_cut(tmp_path, "slow", rate=8000)
    other_rate = ready(tmp_path / "made", "other", rate=8000)
    other_shift = fastcopy(made, id="x", features=fastcopy(made.features, frame_shift=0.02))
    other_shift.features.num_frames = 5
    copies, training = AugmentOptions(copies=1, noises=("white",)), {"training": True}
    for number, (cuts, options, message) in enumerate([
            ([], {}, "cuts: expected at least one, found none"),
            ([made], {"cmvn": "global"}, r"features.cmvn = global: expected --stats FOLDER \(features of the training"),
            ([made], {**training, "augment": copies}, "augment.copies: expected recordings to make copies of, found"),
            ([made], {"enhance": "wiener"}, "features.enhance = wiener: expected recordings to enhance, found ready"),
            ([made], {**training, "speed": (0.9,)}, "features.speed and features.volume: expected recordings to"),
            ([made], {**training, "volume": (1.0, 2.0)}, "features.speed and features.volume: expected recordings to"),
            ([made, sound], {"kind": "ready"}, r"cut sound: expected features \(others have them, or kind = ready\)"),
            ([sound, made], {}, "cut made: expected a recording, as other cuts have, found none"),
            ([sound, slow], {}, r"cuts: expected one sampling rate \(tools.validate_data resamples\), found "
                                r"\[8000, 16000\]"),
            ([made, other_rate], {}, r"ready features: expected one frame shift and sampling rate, found "
                                     r"\[\(0.01, 8000\), \(0.01, 16000\)\]"),
            ([made, other_shift], {}, r"found \[\(0.01, 16000\), \(0.02, 16000\)\]")]):
        with pytest.raises(InputError, match=message):
            filled(tmp_path / f"{number}", cuts, **options)


def test_what_is_for_training_is_left_out_of_tests(tmp_path):
    made = ready(tmp_path / "made", "a")
    facts = filled(tmp_path / "f", [made], augment=AugmentOptions(copies=1, noises=("white",)), speed=(0.9,),
                   volume=(1.0, 2.0))
    assert facts["utterances"] == 1 and facts["kind"] == "ready"


def test_ready_features_are_taken_where_they_are_asked_for(tmp_path):
    cut = fastcopy(noise_cut(tmp_path, "a", seconds=0.3), features=ready(tmp_path / "made", "a", frames=30).features)
    assert filled(tmp_path / "f", [cut], kind="ready", cmvn="none")["dim"] == 2
    assert np.array_equal(FeatureReader(tmp_path / "f")["a"].numpy(), np.ones((30, 2)))


def test_hours_are_those_of_the_frames(tmp_path):
    cut = ready(tmp_path / "made", "a", frames=3600)
    features = fastcopy(cut.features, frame_shift=10.0, duration=36_000.0)
    facts = filled(tmp_path / "f", [fastcopy(cut, duration=36_000.0, features=features)])
    assert (facts["hours"], facts["frames"], facts["frame_shift"]) == (10.0, 3600, 10.0)


def test_extracted_features_are_described(tmp_path):
    pytest.importorskip("kaldifeat", reason="kaldifeat is not built (./run.sh doctor)")
    stereo = recording_of(write_noise(tmp_path / "r.wav", rate=8000, channels=2), "r")
    cuts = [utterance("a", stereo, "yes", "anna", start=0.5, duration=0.4, channel=1),
            noise_cut(tmp_path, "b", rate=8000, seconds=0.2)]
    options = {"kind": "mfcc", "num_ceps": 5, "num_mel_bins": 23, "frame_shift": 0.02, "frame_length": 0.04}
    facts = filled(tmp_path / "f", cuts, training=True, speed=(1.0, 2.0), **options)
    assert (facts["kind"], facts["dim"], facts["frame_shift"], facts["sampling_rate"], facts["utterances"],
            facts["frames"], facts["speakers"]) == ("mfcc", 5, 0.02, 8000, 4, 20 + 10 + 10 + 5, 2)
    found = [one.features for one in read_cuts(tmp_path / "f/cuts.jsonl.gz")]
    assert {(one.type, one.num_features, one.frame_shift, one.sampling_rate) for one in found} == {
        ("kaldifeat-mfcc", 5, 0.02, 8000)}
    assert [(one.num_frames, one.start, one.duration, one.recording_id, one.channels) for one in found] == [
        (20, 0.5, 0.4, "r", 1), (10, 0.0, 0.2, "b", 0), (10, 0.25, 0.2, "r", 1), (5, 0.0, 0.1, "b", 0)]
    with pytest.raises(InputError, match="features.num_mel_bins = 23: expected filters that each hold a tone"):
        filled(tmp_path / "g", cuts, **{**options, "low_freq": 3700.0})


def test_without_kaldifeat_nothing_is_begun(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "kaldifeat", None)
    with pytest.raises(InputError, match="package kaldifeat: expected a build for this torch .*found ModuleNotFo"):
        filled(tmp_path / "f", [noise_cut(tmp_path, "a")])
    assert not list((tmp_path / "f").iterdir())
