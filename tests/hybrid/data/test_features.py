import gzip
import json
import os
import pickle

import numpy as np
import pytest
import soundfile
import torch
from lhotse import CutSet
from lhotse.features.io import close_cached_file_handles
from lhotse.supervision import AlignmentItem
from lhotse.utils import fastcopy

from graphs.errors import DamagedInput, InputError, TooManyFailures
from hybrid.data.compute import batches_of_work, compute_features, perturbed
from hybrid.data.corpus import recording_of, utterance
from hybrid.data.extract import Portion, load_ready
from hybrid.data.features import FeatureOptions, FeatureReader
from hybrid.outcomes import Outcomes
from tests.hybrid.data.material import noise_cut, ready_corpus, ready_cut, write_noise
from tests.reference import kaldi_features


@pytest.fixture(scope="module")
def kaldifeat():
    return pytest.importorskip("kaldifeat", reason="kaldifeat is not built (./run.sh doctor)")


def make(folder, cuts, outcomes=None, training=False, nj=1, stats=None, **options):
    """Computes a features folder and opens it."""
    folder.mkdir()
    outcomes = Outcomes() if outcomes is None else outcomes
    options = FeatureOptions(**{"device": "cpu", **options})
    compute_features(cuts, options, folder, outcomes, training, nj, stats)
    return FeatureReader(folder)


@pytest.mark.parametrize("rate", [8000, 16000])
@pytest.mark.parametrize("options", [
    {"kind": "fbank"}, {"kind": "fbank", "use_energy": True}, {"kind": "fbank", "high_freq": 3500.0},
    {"kind": "mfcc", "num_mel_bins": 23}, {"kind": "mfcc", "use_energy": True, "num_ceps": 20}])
def test_features_are_kaldis(tmp_path, kaldifeat, rate, options):
    path = write_noise(tmp_path / "a.wav", seconds=0.2147, rate=rate)
    reader = make(tmp_path / "f", [utterance("a", recording_of(path), "yes")], cmvn="none", **options)
    full = FeatureOptions(**options)
    samples, _ = soundfile.read(str(path), dtype="int16")
    limits = {"low": full.low_freq, "high": full.high_freq}
    if full.kind == "mfcc":
        expected = kaldi_features.mfcc(
            samples, rate, full.num_mel_bins, full.num_ceps, full.use_energy, **limits)
    else:
        expected, energy = kaldi_features.fbank(samples, rate, full.num_mel_bins, **limits)
        expected = np.c_[energy, expected] if full.use_energy else expected
    assert reader["a"].shape == expected.shape == (21, reader.dim)
    assert np.abs(reader["a"].numpy() - expected).max() < 1e-3


def test_batches_and_processes_do_not_change_the_features(tmp_path, kaldifeat):
    cuts = [noise_cut(tmp_path, f"u{i}", seconds=0.1 + 0.13 * i, seed=i) for i in range(9)]
    together = make(tmp_path / "a", cuts)
    alone = make(tmp_path / "b", cuts, batch_seconds=0.01)
    many = make(tmp_path / "c", cuts, nj=3, batch_seconds=0.5)
    same = make(tmp_path / "d", cuts, nj=1, batch_seconds=0.5)
    for utterance_id in together.ids:
        assert torch.allclose(together.raw(utterance_id), alone.raw(utterance_id), atol=1e-4)
        assert same.raw(utterance_id).equal(many.raw(utterance_id))
    for name in ("cuts.jsonl.gz", "cmvn.json", "features.json", "storage/000.h5"):
        assert (tmp_path / "c" / name).read_bytes() == (tmp_path / "d" / name).read_bytes()


def test_dither_is_reproducible(tmp_path, kaldifeat):
    cuts = [noise_cut(tmp_path, f"u{i}", seconds=0.3, seed=i) for i in range(4)]
    one = make(tmp_path / "a", cuts, dither=1.0, batch_seconds=0.3, nj=2)
    two = make(tmp_path / "b", cuts, dither=1.0)
    other = make(tmp_path / "c", cuts, dither=1.0, seed=5)
    for utterance_id in one.ids:
        assert torch.allclose(one.raw(utterance_id), two.raw(utterance_id), atol=1e-5)
        assert not torch.allclose(one.raw(utterance_id), other.raw(utterance_id), atol=1e-5)


def test_failures_are_named_and_the_rest_goes_on(tmp_path, kaldifeat):
    cuts = [noise_cut(tmp_path, f"u{i}", seconds=0.5, seed=i) for i in range(4)]
    cuts.append(noise_cut(tmp_path, "tiny", seconds=0.01))
    (tmp_path / "u2.wav").unlink()
    outcomes = Outcomes()
    reader = make(tmp_path / "f", cuts, outcomes, max_failed_share=0.5)
    assert reader.ids == ["u0", "u1", "u3"]
    lines = (tmp_path / "f" / "outcomes.tsv").read_text(encoding="utf-8").splitlines()
    assert [line.split("\t")[:2] for line in lines[1:]] == [["tiny", "failed"], ["u2", "failed"]]
    assert "shorter than one frame" in lines[1]
    with pytest.raises(TooManyFailures):
        make(tmp_path / "g", cuts)


def test_speed_and_volume(tmp_path, kaldifeat):
    cut = noise_cut(tmp_path, "a", seconds=1.0)
    supervision = fastcopy(cut.supervisions[0], alignment={"word": [AlignmentItem("yes", 0.0, 0.9)]})
    cut = fastcopy(cut, supervisions=[supervision])
    reader = make(tmp_path / "f", [cut], training=True, speed=(0.9, 1.0, 1.25))
    assert reader.ids == ["a-sp0.9", "a", "a-sp1.25"]
    assert [reader.num_frames(i) for i in reader.ids] == [111, 100, 80]
    assert [reader.speaker(i) for i in reader.ids] == ["anna-sp0.9", "anna", "anna-sp1.25"]
    word = reader.cut("a-sp1.25").supervisions[0].alignment["word"][0]
    assert word.duration == pytest.approx(0.72, abs=1e-3)
    plain = make(tmp_path / "g", [cut], speed=(0.9, 1.0))  # not training
    assert plain.ids == ["a"]

    louder = make(tmp_path / "h", [cut], training=True, volume=(2.0, 2.0), cmvn="none")
    difference = louder["a"] - make(tmp_path / "i", [cut], cmvn="none")["a"]
    assert torch.allclose(difference, torch.full_like(difference, 2 * np.log(2)), atol=1e-3)


def test_random_volume_is_reproducible_and_in_range(tmp_path):
    cuts = [noise_cut(tmp_path, f"u{i}", seconds=0.2) for i in range(5)]
    factors = [[cut.recording.transforms[-1].factor for cut in perturbed(cuts, FeatureOptions(
        volume=(0.5, 2.0), seed=seed))] for seed in (0, 0, 1)]
    assert factors[0] == factors[1] != factors[2]
    assert len(set(factors[0])) == 5 and all(0.5 <= factor <= 2 for factor in factors[0])


def test_segments_of_a_recording(tmp_path, kaldifeat):
    recording = recording_of(write_noise(tmp_path / "a.wav", seconds=3.0))
    cuts = [utterance("all", recording, "x"), utterance("part", recording, "x", start=1.0, duration=1.0)]
    reader = make(tmp_path / "f", cuts, cmvn="none")
    inside = slice(2, -2)  # the mirrored edges differ
    assert torch.allclose(reader["part"][inside], reader["all"][100:200][inside], atol=1e-3)
    assert reader.cut("part").load_features().shape == (100, 40)


def test_mel_filters_that_cannot_be(tmp_path):
    cut = noise_cut(tmp_path, "a", rate=8000)
    for options, message in (({"num_mel_bins": 120}, "num_mel_bins = 120"),
                             ({"high_freq": 5000.0}, "below 4000 Hz")):
        with pytest.raises(InputError, match=message):
            make(tmp_path / message.replace(" ", "_"), [cut], **options)
    with pytest.raises(InputError, match="220.5 at 22050 Hz"):
        make(tmp_path / "c", [noise_cut(tmp_path, "b", rate=22050)])


def test_cuts_that_do_not_fit_together(tmp_path):
    low, high = noise_cut(tmp_path, "a", rate=8000), noise_cut(tmp_path, "b", rate=16000)
    ready = ready_cut(tmp_path, "c", np.ones((50, 3), np.float32))
    for number, cuts in enumerate(([low, high], [high, ready], [])):
        with pytest.raises(InputError, match="one sampling rate|cut c: expected a recording|at least one"):
            make(tmp_path / f"f{number}", cuts)
    with pytest.raises(InputError, match="recordings to perturb"):
        make(tmp_path / "g", [ready], training=True, speed=(0.9,))


@pytest.mark.parametrize("storage", ["numpy_files", "numpy_hdf5"])
def test_ready_features_are_taken_as_they_are(tmp_path, storage):
    if storage == "numpy_hdf5":
        pytest.importorskip("h5py")
    cuts = ready_corpus(tmp_path / "made", number=5)
    reader = make(tmp_path / "f", cuts, cmvn="none", storage=storage)
    for cut in cuts:
        assert np.array_equal(reader[cut.id].numpy(), cut.load_features())
        assert np.array_equal(reader.cut(cut.id).load_features(), cut.load_features())
    assert reader.info["kind"] == "ready" and reader.dim == 5 and reader.frame_shift == 0.01
    assert CutSet.from_file(tmp_path / "f" / "cuts.jsonl.gz")[0].features.storage_path.startswith("storage")


def test_features_of_another_width_fail(tmp_path):
    cuts = [*ready_corpus(tmp_path, number=20), ready_cut(tmp_path, "odd", np.ones((50, 7), np.float32))]
    outcomes = Outcomes()
    reader = make(tmp_path / "f", cuts, outcomes, max_failed_share=0.1)
    assert "odd" not in reader and outcomes.notable["odd"] == ("failed", "expected 5 features a frame, got 7")


def stacked(reader, speaker=None):
    return torch.cat([reader[i] for i in reader.ids if speaker in (None, reader.speaker(i))])


@pytest.mark.parametrize("variance", [True, False])
def test_cmvn(tmp_path, variance):
    cuts = ready_corpus(tmp_path / "made", number=12)
    options = {"cmvn_variance": variance, "storage": "numpy_files"}

    def is_normal(features, spread=1e-4):
        assert features.mean(0).abs().max() < 1e-4
        deviation = features.std(0, unbiased=False)
        assert ((deviation - 1).abs().max() < spread) == variance
        return True

    by_speaker = make(tmp_path / "s", cuts, cmvn="speaker", **options)
    assert all(is_normal(stacked(by_speaker, f"s{i}")) for i in (1, 2))
    by_utterance = make(tmp_path / "u", cuts, cmvn="utterance", **options)
    assert all(is_normal(by_utterance[i]) for i in ("u001", "u002"))
    overall = make(tmp_path / "g", cuts, cmvn="global", training=True, **options)
    assert is_normal(stacked(overall)) and stacked(overall, "s0").mean() < -0.5


def test_global_cmvn_of_a_test_set_is_that_of_training(tmp_path):
    training = make(tmp_path / "train", ready_corpus(tmp_path / "a", seed=1), cmvn="speaker")
    test_cuts = ready_corpus(tmp_path / "b", seed=2, number=5)
    with pytest.raises(InputError, match="--stats"):
        make(tmp_path / "x", test_cuts, cmvn="global")
    reader = make(tmp_path / "test", test_cuts, cmvn="global", stats=tmp_path / "train", cmvn_variance=False)
    mean = torch.cat([training.raw(i) for i in training.ids]).mean(0)
    assert torch.allclose(reader["u000"], reader.raw("u000") - mean, atol=1e-4)


def test_a_short_test_speaker_is_filled_up_with_what_those_of_training_are_like(tmp_path):
    training = make(tmp_path / "train", ready_corpus(tmp_path / "a", seed=1), cmvn="speaker", training=True)
    cuts = ready_corpus(tmp_path / "b", seed=2, number=1)
    alone = make(tmp_path / "alone", cuts, cmvn="speaker")
    reader = make(tmp_path / "test", cuts, cmvn="speaker", stats=tmp_path / "train", cmvn_variance=False,
                  cmvn_frames=1000)
    frames = alone.num_frames("u000")
    mean = torch.cat([training.raw(i) for i in training.ids]).mean(0)
    expected = (frames * alone.raw("u000").mean(0) + (1000 - frames) * mean) / 1000
    assert torch.allclose(reader["u000"], reader.raw("u000") - expected, atol=1e-4)
    assert alone["u000"].mean(0).abs().max() < 1e-4 < reader["u000"].mean(0).abs().max()


def test_utterances_without_a_speaker_are_normalised_alone(tmp_path):
    cuts = [fastcopy(cut, supervisions=[fastcopy(cut.supervisions[0], speaker=None)])
            for cut in ready_corpus(tmp_path / "made", number=3)]
    reader = make(tmp_path / "f", cuts, cmvn="speaker")
    assert all(reader[i].mean(0).abs().max() < 1e-4 for i in reader.ids)
    assert reader.speaker("u000") == ""


def test_deltas_come_after_cmvn(tmp_path):
    cuts = ready_corpus(tmp_path / "made", number=3)
    plain, extended = make(tmp_path / "a", cuts), make(tmp_path / "b", cuts, deltas=2)
    assert (extended.dim, extended.base_dim) == (15, 5)
    expected = kaldi_features.deltas(plain["u001"].double().numpy(), 2)
    assert np.abs(extended["u001"].numpy() - expected).max() < 1e-4


def test_reader(tmp_path):
    make(tmp_path / "f", ready_corpus(tmp_path / "made", number=3))
    (tmp_path / "f").rename(tmp_path / "moved")
    reader = FeatureReader(tmp_path / "moved")
    assert list(reader) == reader.ids == ["u000", "u001", "u002"] and len(reader) == 3
    assert reader.text("u001") == "yes no" and reader.speaker("u001") == "s1"
    assert reader.duration("u001") == pytest.approx(0.01 * len(reader["u001"]))
    assert reader["u001"] is reader["u001"]  # kept in memory
    uncached = FeatureReader(tmp_path / "moved", cache_mb=0)
    assert uncached["u001"] is not uncached["u001"] and uncached["u001"].equal(reader["u001"])
    for read in (reader.__getitem__, reader.raw, reader.cut, reader.text, reader.speaker, reader.num_frames):
        with pytest.raises(InputError, match="utterance nobody: expected one of the 3 in .*moved"):
            read("nobody")
    with pytest.raises(InputError, match="no features.json"):
        FeatureReader(tmp_path)


def test_an_utterance_that_comes_twice_is_named(tmp_path):
    make(tmp_path / "f", ready_corpus(tmp_path / "made", number=2))
    path = tmp_path / "f" / "cuts.jsonl.gz"
    lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    path.write_bytes(gzip.compress(b"".join([*lines, lines[0]])))
    with pytest.raises(InputError, match="cuts.jsonl.gz: u000: expected each id once, found it again"):
        FeatureReader(tmp_path / "f")


def test_damaged_storage_is_named(tmp_path):
    make(tmp_path / "f", ready_corpus(tmp_path / "made", number=3), storage="numpy_files")
    reader = FeatureReader(tmp_path / "f")
    next((tmp_path / "f" / "storage").rglob("*-1-crc*.npy")).write_bytes(b"")
    assert len(reader["u000"]) > 0
    with pytest.raises(InputError, match="features of u001"):
        reader["u001"]


@pytest.mark.parametrize("written, damaged", [(b"'<f4'", b"'>f4'"), (b"'<f4'", b"'<i4'"), (b": False", b":  True")])
def test_damage_to_how_a_matrix_is_read_is_noticed(tmp_path, written, damaged):
    reader = make(tmp_path / "f", ready_corpus(tmp_path / "made", number=1), storage="numpy_files")
    [path] = (tmp_path / "f/storage").rglob("*.npy")
    path.write_bytes(path.read_bytes().replace(written, damaged, 1))
    with pytest.raises(DamagedInput, match="features of u000"):
        reader["u000"]


def flip(path, offset, keep_time=True):
    stat = path.stat()
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    path.write_bytes(bytes(data))
    if keep_time:  # as a bad disk does
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


@pytest.mark.parametrize("storage", ["numpy_files", "numpy_hdf5"])
def test_a_flipped_bit_of_a_matrix_is_noticed(tmp_path, storage):
    cuts = ready_corpus(tmp_path / "made", number=3)
    reader = make(tmp_path / "f", cuts, storage=storage)
    stored = reader.raw("u001").numpy().tobytes()
    archive = next(path for path in (tmp_path / "f/storage").rglob("*") if path.is_file()
                   and stored in path.read_bytes())
    flip(archive, archive.read_bytes().index(stored) + 1001)
    close_cached_file_handles()
    reader = FeatureReader(tmp_path / "f")
    assert len(reader["u000"]) and len(reader["u002"])
    with pytest.raises(DamagedInput, match=r"features of u001 in .*f: expected .* written \(CRC-32 .*storage"):
        reader["u001"]
    with pytest.raises(DamagedInput, match="features of u001"):
        load_ready(Portion([reader.cut(i) for i in reader.ids], {}))
    again = pickle.loads(pickle.dumps(pytest.raises(DamagedInput, reader.raw, "u001").value))
    assert again.path.startswith(str(tmp_path / "f/storage"))  # it comes home from a process


def test_archives_are_kept_to_a_size(tmp_path):
    from hybrid.data.storage import FeatureStore
    pytest.importorskip("h5py")
    with FeatureStore(tmp_path, archive_bytes=1000) as store:
        paths = [store.write(np.ones((20, 5), np.float32))["storage_path"] for _ in range(7)]
    assert paths == ["storage/000.h5"] * 3 + ["storage/001.h5"] * 3 + ["storage/002.h5"]


def test_batches_of_work(tmp_path):
    cuts = ready_corpus(tmp_path, number=20)
    groups = batches_of_work(cuts, 4.0)
    assert [cut for group in groups for cut in group] == cuts
    assert all(len(group) == 1 or sum(cut.duration for cut in group) <= 4.0 for group in groups)


def test_description_of_the_folder(tmp_path):
    make(tmp_path / "f", ready_corpus(tmp_path / "made", number=3), deltas=1, cmvn="utterance")
    assert json.loads((tmp_path / "f" / "features.json").read_text()) == {
        "kind": "ready", "dim": 5, "frame_shift": 0.01, "sampling_rate": 16000, "cmvn": "utterance",
        "cmvn_variance": True, "deltas": 1}


@pytest.mark.parametrize("bad", [
    {"kind": "plp"}, {"num_mel_bins": 2}, {"num_ceps": 50, "kind": "mfcc"}, {"cmvn": "sliding"}, {"deltas": 3},
    {"speed": (0.0,)}, {"speed": (0.9, 0.9)}, {"volume": (2.0, 1.0)}, {"frame_length": 0.015},
    {"storage": "tape"}, {"device": "tpu"}, {"dither": -1.0}, {"max_failed_share": 2.0}])
def test_options_out_of_range(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        FeatureOptions(**bad)


def test_storage_without_h5py(tmp_path, monkeypatch):
    monkeypatch.setattr("lhotse.features.io.is_module_available", lambda *names: "h5py" not in names)
    reader = make(tmp_path / "f", ready_corpus(tmp_path / "made", number=3))
    assert {reader.cut(i).features.storage_type for i in reader.ids} == {"numpy_files"}
    assert len(reader["u001"]) == reader.num_frames("u001")
    with pytest.raises(InputError, match="h5py"):
        make(tmp_path / "g", ready_corpus(tmp_path / "made", number=3), storage="numpy_hdf5")
