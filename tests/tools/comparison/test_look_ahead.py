import math

import pytest

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


def test_a_network_that_cannot_be_read_tells_nothing(tmp_path):
    assert look_ahead(lineage(stage(tmp_path / "x", "tools.train_am", files=("model.json",)))) == (None, False)
    assert look_ahead(lineage(stage(tmp_path / "y", "tools.train_e2e", files=("e2e.json",)))) == (None, False)
