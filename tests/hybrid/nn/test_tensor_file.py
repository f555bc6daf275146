"""Tensor files: what is written comes back, and no changed byte goes unnoticed."""

import hashlib
import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save

from graphs.errors import DamagedInput, InputError
from hybrid.nn.tensor_file import read_tensors, write_tensors

TENSORS = {"a.weight": torch.tensor([[1.5, float("nan")]]), "b": torch.tensor(3), "half": torch.ones(2).bfloat16(),
           "none": torch.zeros(0, 4, dtype=torch.float64), "turned": torch.arange(6).reshape(2, 3).T}


def test_round_trip_for_us_and_for_any_reader_of_safetensors(tmp_path):
    write_tensors(tmp_path / "t", TENSORS, {"epoch": 3, "x": [0.1, None, "ü"]})
    tensors, facts = read_tensors(tmp_path / "t")
    assert facts == {"epoch": 3, "x": [0.1, None, "ü"]} and tensors.keys() == TENSORS.keys()
    for name, value in tensors.items():
        assert value.dtype == TENSORS[name].dtype and torch.equal(value.nan_to_num(), TENSORS[name].nan_to_num())
    with safe_open(tmp_path / "t", "pt") as stored:
        assert set(stored.keys()) == set(TENSORS) and stored.get_tensor("b") == 3
    before = (tmp_path / "t").read_bytes()
    write_tensors(tmp_path / "t", TENSORS, {"epoch": 3, "x": [0.1, None, "ü"]})
    assert (tmp_path / "t").read_bytes() == before and not list(tmp_path.glob("*.tmp"))


def test_every_changed_byte_and_every_cut_is_noticed(tmp_path):
    path = tmp_path / "t"
    write_tensors(path, {"w": torch.arange(4.0)}, {"epoch": 3})
    good = path.read_bytes()
    for i in range(len(good)):
        for changed in (good[:i] + bytes([good[i] ^ 1 << i % 8]) + good[i + 1:], good[:i]):
            path.write_bytes(changed)
            with pytest.raises(DamagedInput, match=str(path)):
                read_tensors(path)
    path.write_bytes(good + b"\0")
    with pytest.raises(DamagedInput):
        read_tensors(path)


def test_files_of_others_and_missing_ones_are_named(tmp_path):
    (tmp_path / "other").write_bytes(save({"w": torch.zeros(2)}))
    for path in (tmp_path / "other", tmp_path / "none", tmp_path):
        with pytest.raises(InputError, match=str(path)):
            read_tensors(path)


def test_facts_that_look_like_a_digest_do_no_harm(tmp_path):
    facts = {"sha256": "0" * 64, "text": json.dumps({"sha256": "1" * 64})}
    write_tensors(tmp_path / "t", {"0" * 64: torch.zeros(1)}, facts)
    assert read_tensors(tmp_path / "t")[1] == facts


@pytest.mark.parametrize("content", [b"no JSON ", b'{"a": 1}', b'{"__metadata__": {"hybrid": "[]"}}'])
def test_other_content_with_a_right_digest_is_named(tmp_path, content):
    data = len(content).to_bytes(8, "little") + content + b'"sha256\\": \\"' + 64 * b"0"
    (tmp_path / "t").write_bytes(data.replace(64 * b"0", hashlib.sha256(data).hexdigest().encode()))
    with pytest.raises(InputError, match=f"{tmp_path}/t: expected tensors and facts, found [A-Z][A-Za-z]+: "):
        read_tensors(tmp_path / "t")
