"""A folder of features as stages read it: what is checked, what is kept in memory; and options at their limits."""

import gzip
import json

import numpy as np
import pytest
import torch

from graphs.errors import DamagedInput, InputError
from hybrid.data.compute import compute_features
from hybrid.data.features import FeatureOptions, FeatureReader, cmvn_key
from hybrid.outcomes import Outcomes
from tests.hybrid.data.material import ready_cut

MATRICES = {"a": [[1.0, 2.0], [3.0, 6.0]], "b": [[5.0, 4.0]], "c": [[0.0, 8.0], [0.0, 0.0]]}
SPEAKERS = {"a": "anna", "b": "anna", "c": None}


@pytest.fixture
def folder(tmp_path):
    """Makes a folder of three utterances: two of anna's, one of somebody unknown; few frames are not filled up."""
    def make(name="f", **options):
        cuts = [ready_cut(tmp_path / "made", i, np.array(matrix, np.float32), text=f"text {i}", speaker=SPEAKERS[i])
                for i, matrix in MATRICES.items()]
        (tmp_path / name).mkdir()
        options = FeatureOptions(**{"storage": "numpy_files", "cmvn_frames": 0, **options})
        compute_features(cuts, options, tmp_path / name, Outcomes(), training=True)
        return tmp_path / name
    return make


def change(path, **values):
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, **values}))


@pytest.mark.parametrize("options, expected", [
    ({"cmvn": "none"}, MATRICES),
    # anna's means are 3 and 4, her variances 8/3 and 8/3; the feature of c that never changes stays as it is
    ({"cmvn": "speaker"}, {"a": [[-1.2247, -1.2247], [0, 1.2247]], "b": [[1.2247, 0]], "c": [[0, 1], [0, -1]]}),
    ({"cmvn": "speaker", "cmvn_variance": False}, {"a": [[-2, -2], [0, 2]], "b": [[2, 0]], "c": [[0, 4], [0, -4]]}),
    ({"cmvn": "utterance", "cmvn_variance": False}, {"a": [[-1, -2], [1, 2]], "b": [[0, 0]], "c": [[0, 4], [0, -4]]}),
    ({"cmvn": "utterance"}, {"a": [[-1, -1], [1, 1]], "b": [[0, 0]], "c": [[0, 1], [0, -1]]}),
    ({"cmvn": "global", "cmvn_variance": False}, {  # means of 9/5 and 20/5
        "a": [[-0.8, -2], [1.2, 2]], "b": [[3.2, 0]], "c": [[-1.8, 4], [-1.8, -4]]})])
def test_numbers_by_hand(folder, options, expected):
    reader = FeatureReader(folder(**options))
    for name, matrix in expected.items():
        assert reader[name].dtype == torch.float32
        assert torch.allclose(reader[name], torch.tensor(matrix, dtype=torch.float32), atol=1e-4)
        assert reader.raw(name).tolist() == MATRICES[name]


def test_what_is_known_of_an_utterance(folder):
    reader = FeatureReader(folder(deltas=1))
    assert reader.ids == list(reader) == ["a", "b", "c"] and "b" in reader and "d" not in reader and len(reader) == 3
    assert (reader.base_dim, reader.dim, reader.frame_shift, reader.sampling_rate) == (2, 4, 0.01, 16000)
    assert [reader[i].shape for i in reader.ids] == [(2, 4), (1, 4), (2, 4)]
    assert [(reader.text(i), reader.speaker(i)) for i in reader.ids] == [
        ("text a", "anna"), ("text b", "anna"), ("text c", "")]
    assert [reader.num_frames(i) for i in reader.ids] == [2, 1, 2] and reader.duration("a") == pytest.approx(0.02)
    assert reader.cut("c").load_features().tolist() == MATRICES["c"]
    assert [cmvn_key(reader.cut(i), mode) for mode in ("global", "speaker", "utterance") for i in ("a", "c")] == [
        "*", "*", "anna", "c", "anna", "c"]


def test_the_typical_deviation_is_the_mean_of_the_speakers(folder):
    found = FeatureReader(folder(cmvn="speaker")).typical_std()
    assert torch.allclose(found, torch.tensor([(1 + (8 / 3) ** 0.5) / 2, (4 + (8 / 3) ** 0.5) / 2]))
    for name, options in (("x", {"cmvn": "speaker", "cmvn_variance": False}), ("y", {"cmvn": "utterance"}),
                          ("z", {"cmvn": "none"})):
        assert FeatureReader(folder(name, **options)).typical_std() is None


@pytest.mark.parametrize("numbers, kept", [(0, ""), (3, "b"), (4, "a"), (5, "a"), (6, "ab"), (9, "ab"), (10, "abc")])
def test_as_many_megabytes_are_kept_in_memory_as_allowed(folder, numbers, kept):
    """a and c are of four numbers of four bytes, b of two."""
    reader = FeatureReader(folder(), cache_mb=4e-6 * numbers)
    first = {name: reader[name] for name in reader}
    assert "".join(name for name in reader if reader[name] is first[name]) == kept
    assert all(reader[name].equal(first[name]) for name in reader)


@pytest.mark.parametrize("field, value, expected", [
    ("kind", "plp", "one of fbank, mfcc, ready, found 'plp'"), ("dim", 0, "a whole number of at least 1, found 0"),
    ("sampling_rate", 0, "a whole number of at least 1, found 0"), ("frame_shift", 0, "seconds above 0, found 0"),
    ("cmvn", "sliding", "one of none, utterance, speaker, global, found 'sliding'"),
    ("cmvn_variance", 1, "true or false, found 1"), ("deltas", 3, "0, 1 or 2, found 3"),
    ("deltas", -1, "0, 1 or 2, found -1"), ("deltas", True, "0, 1 or 2, found True")])
def test_a_description_of_something_else_is_told(folder, field, value, expected):
    path = folder() / "features.json"
    change(path, **{field: value})
    with pytest.raises(InputError, match=f"f/features.json, {field}: expected {expected}"):
        FeatureReader(path.parent)


@pytest.mark.parametrize("cmvn", ["speaker", "global"])
def test_sums_must_fit_the_features(folder, cmvn):
    path = folder(cmvn=cmvn) / "cmvn.json"
    content = json.loads(path.read_text())
    change(path, speakers={})
    with pytest.raises(InputError, match=r"cmvn.json: expected sums of (anna|\*), found none"):
        FeatureReader(path.parent)
    rows = {key: {"frames": 1, "sum": [0.0] * 3, "square_sum": [1.0] * 3} for key in content["speakers"]}
    change(path, dim=3, speakers=rows)
    with pytest.raises(InputError, match="cmvn.json: expected sums of 2 features, found 3"):
        FeatureReader(path.parent)


@pytest.mark.parametrize("cmvn", ["none", "utterance"])
def test_where_no_sums_are_used_none_are_needed(folder, cmvn):
    path = folder(cmvn=cmvn)
    (path / "cmvn.json").unlink()
    assert len(FeatureReader(path)["a"]) == 2


def rewritten(folder, edit):
    """The folder, with each cut of its manifest edited."""
    path = folder / "cuts.jsonl.gz"
    cuts = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    for cut in cuts:
        edit(cut)
    path.write_bytes(gzip.compress("".join(json.dumps(cut) + "\n" for cut in cuts).encode()))
    return folder


def test_a_cut_without_features_is_named(folder):
    path = rewritten(folder(), lambda cut: cut["id"] == "b" and cut.pop("features"))
    with pytest.raises(InputError, match="f, cut b: expected features, found none"):
        FeatureReader(path)


@pytest.mark.parametrize("dim, frames, message", [
    (2, 3, r"features of a in .*f: expected shape \(3, 2\), found \(2, 2\)"),
    (3, 2, r"features of a in .*f: expected shape \(2, 3\), found \(2, 2\)")])
def test_a_matrix_of_another_shape_is_told(folder, dim, frames, message):
    path = rewritten(folder(cmvn="none"), lambda cut: cut["features"].update(num_frames=frames))
    change(path / "features.json", dim=dim)
    with pytest.raises(DamagedInput, match=message) as told:
        FeatureReader(path).raw("a")
    assert told.value.path.startswith(str(path / "storage"))


def test_a_matrix_that_is_gone_is_told(folder):
    path = folder()
    reader = FeatureReader(path)
    next((path / "storage").rglob("*-1-crc*.npy")).unlink()
    with pytest.raises(DamagedInput, match="features of b in .*f: expected a readable matrix, found FileNotFoundError"):
        reader["b"]


@pytest.mark.parametrize("bad, expected", [
    ({"frame_shift": 0.0}, "a finite number above 0, found 0"), ({"batch_seconds": 0.0}, "a finite number above 0"),
    ({"frame_length": float("inf")}, "a finite number above 0, found inf"),
    ({"frame_length": 0.0199}, "at least twice frame_shift, found 0.0199"),
    ({"num_mel_bins": 2}, "at least 3, found 2"),
    ({"num_ceps": 0, "kind": "mfcc"}, "1 to num_mel_bins, found 0"),
    ({"num_ceps": 41, "kind": "mfcc"}, "1 to num_mel_bins, found 41"),
    ({"deltas": 3}, "0, 1, 2"), ({"speed": (1.0, 0.09)}, r"different factors of 0.1 to 10, found \(1.0, 0.09\)"),
    ({"speed": (10.1,)}, "different factors of 0.1 to 10"), ({"speed": (0.9, 1.0, 0.9)}, "different factors"),
    ({"volume": (1.0,)}, r"lowest and highest factor, above 0, found \(1.0,\)"), ({"volume": (0.0, 1.0)}, "lowest and"),
    ({"volume": (1.0, 2.0, 3.0)}, "lowest and highest"), ({"volume": (2.0, 1.9)}, "lowest and highest"),
    ({"cmvn_frames": -1}, "at least 0, found -1"),
    ({"dither": -0.1}, "at least 0, found -0.1"), ({"low_freq": -1.0}, "at least 0, found -1.0"),
    ({"max_failed_share": -0.1}, "0 to 1, found -0.1"), ({"max_failed_share": 1.1}, "0 to 1, found 1.1"),
    ({"kind": "plp"}, "fbank, mfcc, ready"), ({"cmvn": "x"}, "none, utterance, speaker, global"),
    ({"storage": "tape"}, "auto, numpy_hdf5, numpy_files"), ({"enhance": "x"}, "none, subtraction, wiener"),
    ({"device": "tpu"}, "auto, cpu, cuda")])
def test_options_out_of_range(bad, expected):
    with pytest.raises(ValueError, match=f"^{next(iter(bad))}: expected.* {expected}"):
        FeatureOptions(**bad)


def test_options_at_their_limits():
    FeatureOptions(frame_length=0.02, kind="mfcc", num_mel_bins=3, num_ceps=3, deltas=0, speed=(0.1, 10.0),
                   volume=(0.5, 0.5), dither=0.0, low_freq=0.0, max_failed_share=0.0)
    FeatureOptions(num_mel_bins=12)  # fewer than num_ceps, which fbank has no use for
    FeatureOptions(kind="mfcc", num_ceps=1, deltas=2, volume=(1e-3, 1.0), max_failed_share=1.0, cmvn="none",
                   device="cuda")


def test_a_folder_may_lie_elsewhere_later(folder):
    path = folder(cmvn="none")
    moved = path.rename(path.with_name("moved"))
    assert FeatureReader(str(moved))["a"].tolist() == MATRICES["a"]
    with pytest.raises(InputError, match="f: expected a folder of tools.compute_features, found no features.json"):
        FeatureReader(path)
