"""What is said of features that no network can take, and what becomes of those that one can."""

import math

import numpy as np
import pytest
import torch

from graphs.errors import InputError
from hybrid.nn.inputs import check_encoded, check_targets, checked_batch, utterance_batch

NAN, INF = float("nan"), float("inf")
EACH = "lengths: expected 2 integers, one for each utterance, found "


def ones(*shape, **changed):
    values = torch.ones(*shape)
    for place, value in changed.get("at", {}).items():
        values[place] = value
    return values


def test_arrays_of_other_types_become_float32_and_int64():
    features, lengths = utterance_batch(np.arange(6.0).reshape(3, 2), 2)
    assert features.shape == (1, 3, 2) and features.dtype == torch.float32 and lengths.tolist() == [3]
    values = torch.rand(2, 3, 2, dtype=torch.float64, requires_grad=True)
    for given in ([3, 1], np.array([3, 1], np.int16), torch.tensor([3, 1], dtype=torch.uint8)):
        features, lengths = checked_batch(values, given, 2)
        assert torch.equal(features, values.detach().float()) and not features.requires_grad
        assert lengths.tolist() == [3, 1] and lengths.dtype == torch.int64


def test_beyond_the_length_of_an_utterance_may_be_anything():
    values = ones(2, 3, 2, at={(0, 2, 1): NAN, (1, 1, 0): INF})
    assert torch.equal(checked_batch(values, [2, 1], 2)[0].isfinite(), values.isfinite())


@pytest.mark.parametrize("features, message", [
    (ones(3), "features: expected [T, 2] floats, found torch.float32 of shape [3]"),
    (ones(1, 3, 2), "features: expected [T, 2] floats, found torch.float32 of shape [1, 3, 2]"),
    (ones(3, 2).long(), "features: expected [T, 2] floats, found torch.int64 of shape [3, 2]"),
    (ones(0, 2), "features: expected at least one frame, found shape [0, 2]"),
    ("speech", "features: expected [T, 2] floats, found a str that makes no tensor"),
    ([[1.0], [1.0, 2.0]], "features: expected [T, 2] floats, found a list that makes no tensor")])
def test_no_utterance(features, message):
    with pytest.raises(InputError) as error:
        utterance_batch(features, 2)
    assert str(error.value) == message


@pytest.mark.parametrize("features, lengths, message", [
    (ones(3, 2), [3], "features: expected [B, T, 2] floats, found torch.float32 of shape [3, 2]"),
    (ones(2, 3, 2).int(), [3, 3], "features: expected [B, T, 2] floats, found torch.int32 of shape [2, 3, 2]"),
    (ones(0, 3, 2), [], "features: expected at least one frame, found shape [0, 3, 2]"),
    (ones(1, 0, 2), [0], "features: expected at least one frame, found shape [1, 0, 2]"),
    (ones(2, 3, 3), [3, 3], "features: expected 2 coefficients a frame, found 3"),
    (ones(2, 3, 1), [3, 3], "features: expected 2 coefficients a frame, found 1"),
    (ones(2, 3, 2), [3.0, 3.0], EACH + "torch.float32 of shape [2]"),
    (ones(2, 3, 2), [True, True], EACH + "torch.bool of shape [2]"),
    (ones(2, 3, 2), [3], EACH + "torch.int64 of shape [1]"),
    (ones(2, 3, 2), [[3], [3]], EACH + "torch.int64 of shape [2, 1]"),
    (ones(2, 3, 2), None, "lengths: expected integers, found a NoneType that makes no tensor"),
    (ones(2, 3, 2), [3, 0], "lengths: expected 1 to 3 frames, found 0 to 3"),
    (ones(2, 3, 2), [4, 1], "lengths: expected 1 to 3 frames, found 1 to 4"),
    (ones(2, 3, 2), [5, 4], "lengths: expected 1 to 3 frames, found 4 to 5"),
    (ones(2, 3, 2, at={(1, 2, 0): NAN}), [3, 3],
     "features, utterance 1 of the batch, frame 2: expected finite numbers, found others"),
    (ones(2, 3, 2, at={(0, 1, 1): -INF, (1, 0, 0): NAN}), [2, 1],
     "features, utterance 0 of the batch, frame 1: expected finite numbers, found others")])
def test_no_batch(features, lengths, message):
    with pytest.raises(InputError) as error:
        checked_batch(features, lengths, 2)
    assert str(error.value) == message


FRAMES, LENGTHS = torch.zeros(2, 5, 3), torch.tensor([5, 4])


@pytest.mark.parametrize("frames, lengths, message", [
    (FRAMES, torch.tensor([0, 4]), "lengths: expected 1 to 5 frames, found 0 to 4"),
    (FRAMES, torch.tensor([6, 4]), "lengths: expected 1 to 5 frames, found 4 to 6"),
    (FRAMES, torch.tensor([5]), "lengths: expected 2 integers"),
    (FRAMES, torch.tensor([5.0, 4.0]), "lengths: expected 2"),
    (FRAMES, [5, 4], "frames and lengths: expected tensors, found Tensor and list"),
    (FRAMES.numpy(), LENGTHS, "frames and lengths: expected tensors, found ndarray"),
    (FRAMES[0], LENGTHS, "frames: expected .B, T, D. floats"),
    (FRAMES.long(), LENGTHS, "frames: expected .B, T, D. floats"),
    (FRAMES[:0], LENGTHS[:0], "frames: expected at least one frame")])
def test_frames_and_lengths_that_do_not_belong_together(frames, lengths, message):
    for ask in (lambda: check_encoded(frames, lengths), lambda: check_targets(frames, lengths, [[1], [2]], 3)):
        with pytest.raises(InputError, match=message):
            ask()


def test_encoded_frames_are_finite_up_to_the_length():
    encoded = FRAMES.clone()
    encoded[1, 4] = math.nan
    check_encoded(encoded, LENGTHS)
    encoded[1, 3, 2] = math.inf
    with pytest.raises(InputError, match="encoded frames, utterance 1 of the batch, frame 3: expected finite"):
        check_encoded(encoded, LENGTHS)


@pytest.mark.parametrize("targets, message", [
    ([[1]], "targets: expected those of 2 utterances, found of 1"), ([[1], [0]], "expected 1 to 2, found .0."),
    ([[1], [2, 3]], r"token_ids of a sentence: expected 1 to 2, found \[2, 3\]"), ([[-1], []], "found .-1."),
    ([[1.0], []], "found .1.0."), ([["1"], []], "expected 1 to 2")])
def test_targets_that_are_none(targets, message):
    check_targets(FRAMES, LENGTHS, [[], [1, np.int64(2)]], 3)
    with pytest.raises(InputError, match=message):
        check_targets(FRAMES, LENGTHS, targets, 3)
