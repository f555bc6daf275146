"""CMVN: sums by hand, their file, and what cannot be a file of sums."""

import json
import math

import pytest
import torch

from graphs.errors import InputError
from hybrid.data.cmvn import GLOBAL, CmvnStats, Typical, normalise, normalise_utterance, shift_and_scale

FRAMES = torch.tensor([[1.0, 10.0], [3.0, 10.0], [5.0, 40.0]])


def stats_of(**speakers):
    stats = CmvnStats(2)
    for name, features in speakers.items():
        stats.add(name, features)
    return stats


def test_sums_by_hand():
    stats = stats_of(anna=FRAMES[:2])
    stats.add("anna", FRAMES[2:])
    stats.add("ben", torch.tensor([[7.0, 0.0]]))
    assert stats.sums["anna"].tolist() == [[3, 3], [9, 60], [35, 1800]] and stats.sums["anna"].dtype == torch.float64
    assert stats.total().tolist() == [[4, 4], [16, 60], [84, 1800]]
    for key, mean, variance in (("anna", [3, 20], [35 / 3 - 9, 600 - 400]), ("ben", [7, 0], [1, 1]),
                                (GLOBAL, [4, 15], [21 - 16, 450 - 225])):
        shift, scale = stats.shift_and_scale(key)
        assert (shift.dtype, scale.dtype) == (torch.float32, torch.float32) and shift.tolist() == mean
        assert torch.allclose(scale, torch.tensor(variance, dtype=torch.float32).rsqrt())


def test_sums_are_kept_in_double_precision():
    near = torch.tensor([[4096.0], [4097.0]]).repeat(1000, 1)  # squares of 24 bits and more
    assert normalise_utterance(near, variance=True).flatten()[:2].tolist() == pytest.approx([-1, 1], abs=1e-3)


@pytest.mark.parametrize("variance, scale", [(0.0, 1.0), (0.9e-8, 1.0), (1.1e-8, 1.1e-8 ** -0.5), (4.0, 0.5)])
def test_what_hardly_varies_is_not_blown_up(variance, scale):
    sums = torch.tensor([[2.0], [0.0], [2.0 * variance]], dtype=torch.float64)
    assert shift_and_scale(sums)[1].item() == pytest.approx(scale, rel=1e-6)


def test_what_speakers_are_like():
    """The mean by frames; the variance around the mean of each."""
    typical = stats_of(anna=FRAMES[:2], ben=FRAMES[2:], chris=torch.tensor([[2.0, 0.0], [2.0, 4.0]])).typical_of(7)
    assert typical.frames == 7 and typical.mean.tolist() == pytest.approx([13 / 5, 64 / 5])
    assert typical.variance.tolist() == pytest.approx([2 / 5, 8 / 5]) and typical.mean.dtype == torch.float64


@pytest.mark.parametrize("own", [1, 3, 4, 5, 9, 10, 100])
def test_few_frames_are_filled_up_with_what_speakers_are_like(own):
    """Up to five frames with the mean, up to ten with the variance: as if these had been there."""
    features = torch.arange(own * 2, dtype=torch.float64).reshape(own, 2).square() / own
    typical = Typical(5, torch.tensor([3.0, -1.0]).double(), torch.tensor([2.0, 0.5]).double())
    stats = stats_of(anna=features)
    stats.typical = typical
    for_mean, for_variance = max(0, 5 - own), max(0, 10 - own)
    mean = torch.cat([features, typical.mean.expand(for_mean, 2)]).mean(0)
    variance = torch.cat([(features - mean).square(), typical.variance.expand(for_variance, 2)]).mean(0)
    shift, scale = stats.shift_and_scale("anna")
    assert torch.allclose(shift, mean.float()) and torch.allclose(scale, variance.clamp_min(1e-8).rsqrt().float())
    alone = stats_of(anna=features).shift_and_scale("anna")
    assert (shift.equal(alone[0]), scale.equal(alone[1])) == (own >= 5, own >= 10)


def test_what_they_are_filled_up_with_is_in_the_file(tmp_path):
    stats = stats_of(anna=FRAMES)
    stats.typical = Typical(9, torch.tensor([1 / 3, 2.0]).double(), torch.tensor([0.1, 4.0]).double())
    stats.write(tmp_path / "cmvn.json")
    read = CmvnStats.read(tmp_path / "cmvn.json").typical
    assert read.frames == 9 and read.mean.equal(stats.typical.mean) and read.variance.equal(stats.typical.variance)
    stats.typical = None
    stats.write(tmp_path / "cmvn.json")
    assert CmvnStats.read(tmp_path / "cmvn.json").typical is None


@pytest.mark.parametrize("changes, message", [
    ({"frames": 0}, "typical, frames: expected a whole number of at least 1, found 0"),
    ({"mean": [1.0]}, "typical, mean: expected 2 finite numbers, found a list"),
    ({"variance": None}, "typical, variance: expected 2 finite numbers, found none")])
def test_what_is_wrong_with_it_is_named(tmp_path, changes, message):
    row = {"frames": 3, "mean": [0.0, 0.0], "variance": [1.0, 1.0], **changes}
    (tmp_path / "cmvn.json").write_text(json.dumps({"dim": 2, "speakers": {}, "typical": row}))
    with pytest.raises(InputError) as error:
        CmvnStats.read(tmp_path / "cmvn.json")
    assert str(error.value) == f"{tmp_path / 'cmvn.json'}, {message}"


def test_mean_alone_or_variance_too():
    shift, scale = torch.tensor([1.0, 10.0]), torch.tensor([0.5, 0.1])
    assert normalise(FRAMES, shift, scale, variance=False).tolist() == [[0, 0], [2, 0], [4, 30]]
    assert torch.allclose(normalise(FRAMES, shift, scale, variance=True), torch.tensor([[0, 0], [1, 0], [2, 3.0]]))
    deviation = torch.tensor([math.sqrt(8 / 3), math.sqrt(200)])
    centred = torch.tensor([[-2.0, -10.0], [0.0, -10.0], [2.0, 20.0]])
    assert torch.allclose(normalise_utterance(FRAMES, variance=False), centred)
    assert torch.allclose(normalise_utterance(FRAMES, variance=True), centred / deviation)
    assert normalise_utterance(FRAMES[:0], variance=True).shape == (0, 2)


def test_the_file_is_sorted_readable_and_exact(tmp_path):
    path, stats = tmp_path / "cmvn.json", stats_of(zoë=FRAMES / 3, anna=FRAMES)
    stats.write(path)
    text = path.read_text(encoding="utf-8")
    assert text.startswith('{\n "dim": 2,\n "speakers": {\n  "anna": {\n   "frames": 3,\n')
    content = json.loads(text)
    assert content["dim"] == 2 and list(content["speakers"]) == ["anna", "zoë"] and '"zoë"' in text
    assert content["speakers"]["anna"] == {"frames": 3, "sum": [9.0, 60.0], "square_sum": [35.0, 1800.0]}
    read = CmvnStats.read(path)
    assert read.dim == 2 and sorted(read.sums) == ["anna", "zoë"]
    assert all(read.sums[key].equal(stats.sums[key]) for key in read.sums)  # to the last bit


def test_the_file_of_one_feature(tmp_path):
    stats = CmvnStats(1)
    stats.add("anna", FRAMES[:, :1])
    stats.write(tmp_path / "cmvn.json")
    assert CmvnStats.read(tmp_path / "cmvn.json").sums["anna"].tolist() == [[3], [9], [35]]


def test_whole_and_very_large_numbers_can_be_read(tmp_path):
    (tmp_path / "c").write_text('{"dim": 1, "speakers": {"a": {"frames": 1, "sum": [2], "square_sum": [1e300]}}}')
    assert CmvnStats.read(tmp_path / "c").sums["a"].tolist() == [[1], [2], [1e300]]
    (tmp_path / "c").write_text('{"dim": 1, "speakers": {}}')
    assert CmvnStats.read(tmp_path / "c").sums == {}


@pytest.mark.parametrize("changes, message", [
    ({"dim": 0}, "dim: expected a whole number of at least 1, found 0"),
    ({"speakers": []}, "speakers: expected an object, found a list"),
    ({"speakers": {"ben": 3}}, "speaker ben: expected an object, found 3"),
    ({"frames": 0}, "speaker ben, frames: expected a whole number of at least 1, found 0"),
    ({"sum": 3.0}, "speaker ben, sum: expected 2 finite numbers, found 3.0"),
    ({"sum": [1.0]}, "speaker ben, sum: expected 2 finite numbers, found a list"),
    ({"sum": [1.0, 2.0, 3.0]}, "speaker ben, sum: expected 2 finite numbers, found a list"),
    ({"sum": [1.0, math.nan]}, "speaker ben, sum: expected 2 finite numbers, found a list"),
    ({"sum": [1.0, -math.inf]}, "speaker ben, sum: expected 2 finite numbers, found a list"),
    ({"square_sum": [1.0, 2e300]}, "speaker ben, square_sum: expected 2 finite numbers, found a list"),
    ({"square_sum": [True, 1.0]}, "speaker ben, square_sum: expected 2 finite numbers, found a list"),
    ({"square_sum": None}, "speaker ben, square_sum: expected 2 finite numbers, found none")])
def test_what_is_wrong_with_a_file_of_sums_is_named(tmp_path, changes, message):
    path = tmp_path / "cmvn.json"
    row = {"frames": 3, "sum": [0.0, 0.0], "square_sum": [1.0, 1.0]}
    content = {"dim": 2, "speakers": {"anna": row, "ben": {
        **row, **{name: value for name, value in changes.items() if name in row}}}}
    content.update({name: value for name, value in changes.items() if name in content})
    path.write_text(json.dumps(content))
    with pytest.raises(InputError) as error:
        CmvnStats.read(path)
    assert str(error.value) == f"{path}, {message}"
