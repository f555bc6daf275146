import json
import math

import pytest
import torch

from graphs.errors import InputError
from hybrid.nn.dnn import DnnOptions
from hybrid.nn.model_folder import write_description, write_priors
from hybrid.nn.summary import Summary
from hybrid.nn.tensor_file import write_tensors
from hybrid.speakers.table import Space, SpeakerTable
from tests.tools.artefacts.shown import lines_of
from tools.artefacts.models import (
    KINDS, describe_model, describe_speakers, describe_tensor_file, draw_model, flat_facts, history_table,
    model_problems, parameters_table, sizes_of, speakers_problems, tensor_file_problems)


def test_facts_of_a_description():
    """The options of network and training beside the rest, lists as text, of files their names."""
    described = {"arch": "dnn", "seconds": 1.5, "network": {"dims": [1, 2], "seed": 3},
                 "files": {"b": "sha", "a": "sha"}, "other": {"not": "told"}, "many": list(range(41))}
    expected = {"arch": "dnn", "seconds": 1.5, "many": ", ".join(map(str, range(40))) + ", ... (41 in all)",
                "dims": "1, 2", "seed": 3, "files": "b, a"}
    assert flat_facts(described) == expected
    assert flat_facts({**described, "training": {"epochs": 2, "seed": 4}}) == {**expected, "epochs": 2}


def test_what_a_network_sees_and_costs():
    assert sizes_of(Summary(1, math.inf, math.inf, 7, 2_540_000.0), 0.01) == {
        "sees before a frame": "1 frame, 10 ms", "looks ahead": "unbounded", "can stream": "no", "parameters": 7,
        "multiply-adds": "2.5 million for a second of speech"}
    shown = sizes_of(Summary(2, 0, 0.0, 7, 1.0), 0.0125)
    assert list(shown.values())[:3] == ["2 frames, 25 ms", "0 frames, 0 ms", "yes"]


def test_tables_of_weights():
    tensors = {"a": torch.tensor([[1.0, -2.0, 3.0], [0.0, 0.0, 0.0]]), "b": torch.tensor(-4), "none": torch.zeros(0, 2)}
    assert lines_of(parameters_table(tensors)) == [
        "weights", "name shape numbers mean size", "a 2x3 6 1.0000", "b scalar 1 4.0000", "none 0x2 0 nan"]
    assert parameters_table({}) == ""


def history(folder, number, dev="loss"):
    rows = [{"epoch": n, "train": {"loss": 1.0 / n}, "dev": {dev if n > 1 else "error": 0.5}, "learning_rate": 0.00125,
             "seconds": 2.25 + n} for n in range(1, number + 1)]
    (folder / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_the_last_fifteen_epochs(tmp_path):
    """Of the figures that the last one has; one that an epoch lacks is no number."""
    history(tmp_path, 15)
    head = ["training", "epoch train loss dev loss rate s"]
    rows = [f"{n} {1 / n:.4f} {'nan' if n == 1 else '0.5000'} 0.0013 {2.25 + n:.1f}" for n in range(1, 17)]
    assert lines_of(history_table(tmp_path)) == head + rows[:15]
    history(tmp_path, 16)
    assert lines_of(history_table(tmp_path)) == head + rows[1:]
    (tmp_path / "train.jsonl").write_text("")
    assert history_table(tmp_path) == ""


def model(folder, priors=None, weights=None, **facts):
    """Of two checkpoints."""
    options = DnnOptions(hidden_dim=2, num_layers=1, splice=1)
    network = options.build(3, 4)
    for name, value in (("best", 0.5), ("averaged", 0.25)):
        state = {key: torch.full_like(one, value) if one.is_floating_point() else one
                 for key, one in network.state_dict().items()}
        write_tensors(folder / f"{name}.safetensors", {**state, **(weights or {})})
    if priors is not None:
        write_priors(folder, torch.tensor(priors).log())
    write_description(folder, options, 3, 4, checkpoint="best", **facts)
    return folder


def test_a_model_and_its_checkpoints(tmp_path):
    shown = lines_of(describe_model(model(tmp_path, frame_shift=0.02)))
    assert {"sees before a frame: 1 frame, 20 ms", "looks ahead: 1 frame, 20 ms", "in_dim: 3"} <= set(shown)
    assert "training" not in shown and {line.split()[-1] for line in shown[shown.index("weights") + 2:]} == {"0.5000"}
    history(tmp_path, 2)
    shown = lines_of(describe_model(tmp_path, "averaged"))
    assert "training" in shown and shown[-1].startswith("2 0.5000 0.5000")
    assert {line.split()[-1] for line in shown[shown.index("weights") + 2:shown.index("training")]} == {"0.2500"}
    draw_model(tmp_path, None, tmp_path / "x.png")
    assert (tmp_path / "x.png").read_bytes()[:4] == b"\x89PNG"
    assert "looks ahead: 1 frame, 10 ms" in lines_of(describe_model(model(tmp_path)))  # where no shift is told


@pytest.mark.parametrize("last, found", [(0.2525, None), (0.2425, None), (0.2625, "1.0125"), (0.2375, "0.9875")])
def test_priors_sum_to_one_within_a_hundredth(tmp_path, last, found):
    (*problems,) = model_problems(model(tmp_path, [0.25, 0.25, 0.25, last]))
    assert problems == ([f"{tmp_path}/priors.safetensors: expected priors of sum 1, found {found}"] if found else [])


def test_weights_of_all_checkpoints_are_finite_and_the_history_is_whole(tmp_path):
    name, state = next(iter(DnnOptions(hidden_dim=2, num_layers=1, splice=1).build(3, 4).state_dict().items()))
    model(tmp_path, weights={name: torch.full_like(state, math.nan)})
    assert sorted(model_problems(tmp_path)) == [
        f"{tmp_path}/{file}.safetensors: weights {name}: expected finite numbers, found others"
        for file in ("averaged", "best")]
    model(tmp_path)
    write_tensors(tmp_path / "averaged.safetensors", {name: state})
    with pytest.raises(InputError, match="averaged.safetensors: expected the bytes that model.json knows"):
        list(model_problems(tmp_path))
    model(tmp_path)
    (tmp_path / "train.jsonl").write_text("x")
    with pytest.raises(InputError, match="train.jsonl: expected a line end"):
        list(model_problems(tmp_path))


def test_files_of_tensors(tmp_path):
    """Facts that are no number or text are named alone; whole numbers are always finite."""
    path = tmp_path / "x.safetensors"
    write_tensors(path, {"a": torch.ones(2, 3), "b": torch.tensor([1, 2])}, {
        "epoch": 3, "loss": 0.25, "name": "x", "more": [1], "rest": {}})
    shown = lines_of(describe_tensor_file(path))
    assert shown[:5] == ["epoch: 3", "loss: 0.25", "name: x", "other facts: more, rest", "numbers: 8"]
    assert shown[5] == "weights" and list(tensor_file_problems(path)) == []
    write_tensors(path, {"a": torch.tensor([1.0, math.inf]), "b": torch.tensor([1])})
    assert list(tensor_file_problems(path)) == [f"{path}: weights a: expected finite numbers, found others"]
    matches = KINDS[-1].matches
    assert matches(path) and not matches(tmp_path) and not matches(tmp_path / "y.safetensors")
    (tmp_path / "z.txt").write_text("")
    assert not matches(tmp_path / "z.txt")


def test_speakers(tmp_path):
    """The constant that a transform adds does not matter for its inverse."""
    matrices = {f"s{n}": {"matrix": torch.cat([torch.eye(2) * (n + 1), torch.zeros(2, 1)], dim=1)} for n in range(6)}
    SpeakerTable.of(Space("fmllr", "abc"), matrices).write(tmp_path)
    facts = ["kind: fmllr", "fits: abc", "speakers: 6", "first: s0, s1, s2, s3, s4, ... (6 in all)", "weights",
             "name shape numbers mean size"]
    assert lines_of(describe_speakers(tmp_path)) == [*facts, "matrix 6x2x3 36 1.1667"]
    assert lines_of(describe_speakers(tmp_path, "s2")) == [*facts, "matrix 2x3 6 1.0000"]
    with pytest.raises(InputError, match="expected a speaker such as s0, s1, s2, .* found s6"):
        describe_speakers(tmp_path, "s6")
    assert list(speakers_problems(tmp_path)) == []
    matrices["s3"]["matrix"] = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    SpeakerTable.of(Space("fmllr", "abc"), matrices).write(tmp_path)
    assert list(speakers_problems(tmp_path)) == [
        f"{tmp_path}: s3: expected a transform that can be undone, found one without an inverse"]
    SpeakerTable.of(Space("ivectors", "abc"), {"s": {"vector": torch.zeros(2)}}).write(tmp_path)
    assert list(speakers_problems(tmp_path)) == []
