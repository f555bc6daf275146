import math

import pytest

from hybrid.nn.model_folder import write_description
from hybrid.nn.recurrent import BlstmOptions
from hybrid.nn.tdnn import TdnnOptions
from hybrid.nn.tensor_file import write_tensors
from tests.hybrid.e2e.material import character_tokens, write_model
from tests.tools.comparison.scored_work import stage
from tools.comparison import look_ahead as module
from tools.comparison.lineage import Lineage
from tools.comparison.look_ahead import look_ahead


def lineage(*folders, config=None):
    record = {"program": "tools.train_am", "config": config or {"am": {}}, "facts": {}}
    return Lineage([], [(folder, record) for folder in folders], {})


@pytest.mark.parametrize("seconds, expected", [
    ([0.13], (0.13, False)), ([0.13, 0.2], (0.2, False)), ([0.13, math.inf], (None, True)),
    ([0.13, None], (None, False)), ([0.123456], (0.1235, False)), ([], (None, False))])
def test_the_longest_of_several_networks_counts(monkeypatch, tmp_path, seconds, expected):
    known = {tmp_path / str(number): value for number, value in enumerate(seconds)}
    monkeypatch.setattr(module, "_of_network", known.get)
    assert look_ahead(lineage(*known)) == expected


@pytest.mark.parametrize("weight", [0.0, 0.5])
def test_attention_waits_for_the_end(tmp_path, weight):
    config = {"e2e": {"decoder": "lstm", "ctc_weight": weight}}
    assert look_ahead(lineage(tmp_path, config=config)) == (None, True)


def test_networks_wait_for_the_frames_that_they_see(tmp_path):
    """Three frames each way: steps of 1 and 2 frames between those that a layer sees."""
    for name, arch, shift in (("tdnn", TdnnOptions(hidden_dim=4, dilations=(1, 2)), 0.02),
                              ("blstm", BlstmOptions(hidden_dim=4, num_layers=1), 0.01)):
        (tmp_path / name).mkdir()
        write_tensors(tmp_path / name / "best.safetensors", arch.build(3, 2).state_dict())
        write_description(tmp_path / name, arch, 3, 2, checkpoint="best", frame_shift=shift)
    ctc = write_model(tmp_path / "ctc", character_tokens())  # one frame each way
    assert look_ahead(lineage(tmp_path / "tdnn")) == (0.06, False)
    assert look_ahead(lineage(ctc)) == (0.01, False)
    assert look_ahead(lineage(ctc, tmp_path / "tdnn")) == (0.06, False)
    assert look_ahead(lineage(tmp_path / "tdnn", tmp_path / "blstm")) == (None, True)


def test_frames_are_of_ten_milliseconds_where_no_model_tells(tmp_path):
    arch = TdnnOptions(hidden_dim=4, dilations=(1, 2))
    write_tensors(tmp_path / "best.safetensors", arch.build(3, 2).state_dict())
    write_description(tmp_path, arch, 3, 2, checkpoint="best")
    assert look_ahead(lineage(tmp_path)) == (0.03, False)


def test_a_network_that_cannot_be_read_tells_nothing(tmp_path):
    assert look_ahead(lineage(stage(tmp_path / "x", "tools.train_am", files=("model.json",)))) == (None, False)
    assert look_ahead(lineage(stage(tmp_path / "y", "tools.train_e2e", files=("e2e.json",)))) == (None, False)
