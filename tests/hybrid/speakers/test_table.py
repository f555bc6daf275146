"""Tables of speakers: what is written is read, and what cannot be is named."""

import hashlib

import pytest
import torch

from graphs.errors import DamagedInput, InputError
from hybrid.nn.tensor_file import write_tensors
from hybrid.speakers.table import FILE, Space, SpeakerTable, fingerprint, speaker_key, utterances_of_speakers
from tests.hybrid.speakers.material import Features

SPACE = Space("fmllr", "abc")


def make_table(dim=3):
    return SpeakerTable.of(SPACE, {"anna": {"matrix": torch.eye(dim, dim + 1)},
                                   "bert": {"matrix": 2 * torch.eye(dim, dim + 1)}})


def test_a_table_comes_back(tmp_path):
    make_table().write(tmp_path)
    table = SpeakerTable.read(tmp_path)
    assert table.space == SPACE and table.speakers == ["anna", "bert"]
    assert torch.equal(table["bert"]["matrix"], 2 * torch.eye(3, 4)) and table["anna"]["matrix"].dtype == torch.float32
    assert "anna" in table and "carl" not in table


def test_a_speaker_that_is_lacking_is_named(tmp_path):
    make_table().write(tmp_path)
    with pytest.raises(InputError, match=f"{tmp_path}, speaker carl: expected its fmllr, found none"):
        SpeakerTable.read(tmp_path)["carl"]


@pytest.mark.parametrize("speakers, tensor, message", [
    (["a", "b"], torch.zeros(3, 2), "floats of 2 speakers"), (["a"], torch.zeros(1), "floats of 1 speakers"),
    (["a"], torch.zeros(1, 2, dtype=torch.int64), "floats"),
    (["a", "b"], torch.zeros(1, 2), "floats of 2 speakers"),
    (["a", "b", "c"], torch.tensor([[0.0], [float("inf")], [float("nan")]]), "matrix of speaker b: expected finite"),
    (["a", "a"], torch.zeros(2, 2), "each id once"),
    (["a", "b"], torch.tensor([[0.0, 0.0], [0.0, float("nan")]]), "matrix of speaker b: expected finite"),
    ([], torch.zeros(0, 2), "at least one speaker"),
])
def test_tensors_that_are_not_the_speakers(speakers, tensor, message):
    with pytest.raises(InputError, match=message):
        SpeakerTable(SPACE, speakers, {"matrix": tensor})


@pytest.mark.parametrize("facts", [{}, {"kind": "fmllr", "fits": "x", "speakers": "anna"},
                                   {"kind": 1, "fits": "x", "speakers": ["anna"]},
                                   {"kind": "fmllr", "fits": "x", "speakers": [1]}])
def test_files_of_other_content(tmp_path, facts):
    write_tensors(tmp_path / FILE, {"matrix": torch.zeros(1, 2)}, facts)
    with pytest.raises(InputError, match="kind, what it fits and speakers"):
        SpeakerTable.read(tmp_path)


def test_damage_and_absence(tmp_path):
    with pytest.raises(InputError, match="a folder of speakers"):
        SpeakerTable.read(tmp_path)
    with pytest.raises(InputError, match="at least one"):
        SpeakerTable.of(SPACE, {})
    make_table().write(tmp_path)
    data = bytearray((tmp_path / FILE).read_bytes())
    data[-3] ^= 1
    (tmp_path / FILE).write_bytes(data)
    with pytest.raises(DamagedInput):
        SpeakerTable.read(tmp_path)


def test_fingerprints_tell_values_names_and_shapes_apart():
    one = {"a": torch.arange(6.0).view(2, 3), "b": torch.zeros(1)}
    others = [{**one, "a": torch.arange(6.0).view(3, 2)}, {**one, "a": torch.arange(1.0, 7.0).view(2, 3)},
              {"a": one["a"], "c": one["b"]}, {**one, "b": torch.zeros(1, dtype=torch.float64)}]
    assert fingerprint(one) == fingerprint({"b": torch.zeros(1), "a": one["a"].clone()})
    assert len({fingerprint(one), *map(fingerprint, others)}) == 5


def test_values_are_stacked_in_the_order_of_speakers_as_floats(tmp_path):
    table = SpeakerTable.of(SPACE, {name: {"vector": torch.full((2,), value).double(), "gain": torch.tensor([value])}
                                    for name, value in (("bert", 2.0), ("anna", 1.0))})
    assert table.speakers == ["bert", "anna"] and table.item == "speakers"
    dtypes = {name: value.dtype for name, value in table.tensors.items()}
    assert dtypes == dict.fromkeys(["vector", "gain"], torch.float32)
    table.write(tmp_path)
    for one in (table, SpeakerTable.read(tmp_path)):
        assert one["bert"]["vector"].tolist() == [2.0, 2.0] and one["anna"]["gain"].tolist() == [1.0]
    assert SpeakerTable.read(tmp_path).item == str(tmp_path)
    with pytest.raises(InputError, match="speakers: expected values of at least one speaker, found none"):
        SpeakerTable(SPACE, ["a"], {})


def test_fingerprints_are_sixteen_digits():
    """Of sha256 over `NAME DTYPE SHAPE` and the bytes, name by name."""
    one = {"b": torch.tensor([2.0]), "a": torch.tensor([[1.0]])}
    text = b"a torch.float32 [1, 1]\n" + b"\0\0\x80?" + b"b torch.float32 [1]\n" + b"\0\0\0@"
    assert fingerprint(one) == hashlib.sha256(text).hexdigest()[:16]
    assert fingerprint({"a": torch.arange(6.0).view(2, 3).T}) == fingerprint({
        "a": torch.tensor([[0.0, 3.0], [1.0, 4.0], [2.0, 5.0]])})


def test_an_utterance_without_a_speaker_is_its_own():
    features = Features({name: torch.zeros(2, 3) for name in ("anna-1", "alone", "anna-2")})
    assert speaker_key(features, "alone") == "alone" and speaker_key(features, "anna-2") == "anna"
    assert utterances_of_speakers(features) == {"anna": ["anna-1", "anna-2"], "alone": ["alone"]}
