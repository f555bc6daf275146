"""Checkpoints come back as they were; weights are averaged."""

import pytest
import torch

from graphs.errors import InputError
from hybrid.nn.tensor_file import write_tensors
from hybrid.training.checkpoint import average_weights, load_state, save_state


def test_state_round_trip(tmp_path):
    state = {"tensors": [torch.tensor([1.5, float("nan")]), torch.tensor(3)], "none": None, "text": "ü",
             "floats": [0.1, float("inf"), 1e-320], "nested": {"a": {"b": torch.zeros(0, dtype=torch.float64)}}}
    save_state(state, tmp_path / "state")
    back = load_state(tmp_path / "state")
    assert str(back) == str(state) and back["nested"]["a"]["b"].dtype == torch.float64


def test_names_with_points_are_kept_apart_and_tuples_come_back_as_lists(tmp_path):
    state = {"a.b": torch.tensor(1), "a": {"b": torch.tensor([2.0])}, "c": ({"d": (True, 3)}, []), "e": {}}
    save_state({**state, "only": [torch.zeros(2, 3)]}, tmp_path / "state")
    back = load_state(tmp_path / "state")
    assert back.pop("only")[0].tolist() == [[0, 0, 0], [0, 0, 0]]
    assert back == {"a.b": torch.tensor(1), "a": {"b": torch.tensor([2.0])}, "c": [{"d": [True, 3]}, []], "e": {}}


def test_no_checkpoint_is_said(tmp_path):
    with pytest.raises(InputError, match="state: expected a file that can be read, found No such file"):
        load_state(tmp_path / "state")


def test_average_weights(tmp_path):
    paths = [tmp_path / f"{i}.safetensors" for i in range(3)]
    for i, path in enumerate(paths):
        write_tensors(path, {"w": torch.tensor([1.0 * i, 3.0]), "n": torch.tensor(i)})
    average = average_weights(paths)
    assert average["w"].tolist() == [1.0, 3.0] and average["w"].dtype == torch.float32 and average["n"] == 2


def test_averages_are_summed_in_double_precision_and_keep_their_types(tmp_path):
    paths = [tmp_path / f"{i}.safetensors" for i in range(3)]
    for path, large in zip(paths, (2.0 ** 24, 1.0, 1.0)):  # in float32, 2 ** 24 + 1 is 2 ** 24
        write_tensors(path, {"w": torch.tensor([large]), "h": torch.tensor([0.5], dtype=torch.bfloat16),
                             "d": torch.tensor([large], dtype=torch.float64), "mask": torch.tensor([large > 1])})
    average = average_weights(paths)
    assert average["w"].item() == 5592406 and average["d"].item() == (2 ** 24 + 2) / 3
    assert [average[name].dtype for name in ("w", "h", "d")] == [torch.float32, torch.bfloat16, torch.float64]
    assert average["h"].item() == 0.5 and average["mask"].tolist() == [False]  # of the last
    assert average_weights(paths[:1])["w"].item() == 2 ** 24
