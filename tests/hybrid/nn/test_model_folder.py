"""Folders of trained networks: what is written comes back, and what is missing, changed or of another is named."""

import hashlib
import json

import pytest
import torch
from torch import nn

from graphs.errors import DamagedInput, InputError
from hybrid.nn.described_folder import write_described
from hybrid.nn.model_folder import (
    load_model, model_file, num_parameters, read_description, read_priors, write_description, write_priors)
from hybrid.nn.tdnn import TdnnOptions
from hybrid.nn.tensor_file import read_tensors, write_tensors

OPTIONS = TdnnOptions(hidden_dim=3, dilations=(1, 0), dropout=0.25)
NETWORK = {"arch": "tdnn", "hidden_dim": 3, "dilations": [1, 0], "dropout": 0.25, "residual": True, "subsampling": 2}


def sha256(data):
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def folder(tmp_path):
    """Other weights in `best` than in `averaged`, which is the one to use."""
    for number, name in enumerate(("best", "averaged")):
        torch.manual_seed(number)
        write_tensors(tmp_path / f"{name}.safetensors", OPTIONS.build(4, 2, 2).state_dict())
    write_priors(tmp_path, torch.tensor([0.25, 0.75], dtype=torch.float64).log())
    (tmp_path / "tree").write_text("a tree\n")
    (tmp_path / "notes.txt").write_text("what the model does not need\n")
    write_description(tmp_path, OPTIONS, 4, 2, 2, checkpoint="averaged", frame_shift=0.01)
    return tmp_path


def test_the_description_is_what_it_says(folder):
    """Its own sha256 is that of all the rest on one line."""
    said = json.loads((folder / "model.json").read_text())
    files = {name: sha256((folder / name).read_bytes())
             for name in ("best.safetensors", "averaged.safetensors", "priors.safetensors", "tree")}
    expected = {"network": NETWORK, "in_dim": 4, "out_dim": 2, "checkpoint": "averaged", "frame_shift": 0.01,
                "files": files}
    assert said == {**expected, "sha256": sha256(json.dumps(expected).encode())}
    assert read_description(folder) == expected
    assert list(said) == [*expected, "sha256"]
    assert (folder / "model.json").read_text() == json.dumps(said, indent=1) + "\n"  # or models of old are refused
    write_description(folder, OPTIONS, 4, 2, checkpoint="best")
    assert read_description(folder)["network"]["subsampling"] == 1


def test_weights_are_those_of_the_description_or_those_asked_for(folder):
    batch = torch.randn(1, 6, 4), torch.tensor([6])
    for asked, name in ((None, "averaged"), ("best", "best"), ("averaged", "averaged")):
        model, description = load_model(folder, asked)
        expected = OPTIONS.build(4, 2, 2).eval()
        expected.load_state_dict(read_tensors(folder / f"{name}.safetensors")[0])
        assert torch.equal(model(*batch)[0], expected(*batch)[0]) and not model.training
        assert description == read_description(folder)
    assert num_parameters(model) == (4 * 3 * 3 + 3) + (3 * 3 + 3) + 2 * 2 * 3 + (3 * 2 + 2)


def test_priors_come_back(folder):
    priors = read_priors(folder, read_description(folder))
    assert priors.dtype == torch.float32 and torch.allclose(priors.exp(), torch.tensor([0.25, 0.75]))


@pytest.mark.parametrize("priors, found", [
    ({"log_priors": torch.zeros(3)}, r"shape \[3\]"), ({"log_priors": torch.zeros(1, 2)}, r"shape \[1, 2\]"),
    ({"log_priors": torch.tensor([0.0, -float("inf")])}, "or some not finite"),
    ({"log_priors": torch.tensor([0.0, float("nan")])}, "or some not finite"),
    ({"priors": torch.zeros(2)}, r"shape \[0\]")])
def test_priors_of_another_model_are_refused(folder, priors, found):
    write_tensors(folder / "priors.safetensors", priors)
    write_description(folder, OPTIONS, 4, 2, checkpoint="best")
    with pytest.raises(InputError, match=f"priors.safetensors: expected 2 finite log priors, found .*{found}"):
        read_priors(folder, read_description(folder))


def test_files_that_are_missing_unknown_or_changed_are_named(folder):
    description = read_description(folder)
    assert model_file(folder, "tree", description) == folder / "tree"
    for name in ("transitions", "notes.txt"):  # not there; there, but nothing is known of it
        with pytest.raises(InputError) as error:
            model_file(folder, name, description)
        assert str(error.value) == f"{folder}: expected a model with {name}, found none"
    (folder / "tree").write_text("another\n")
    with pytest.raises(DamagedInput, match="tree: expected the bytes that model.json knows, found others"):
        model_file(folder, "tree", description)
    (folder / "tree").unlink()
    with pytest.raises(InputError, match="expected a model with tree, found none"):
        model_file(folder, "tree", description)
    with pytest.raises(InputError, match="expected a model with final.safetensors, found none"):
        load_model(folder, "final")


def test_a_folder_without_a_description_is_no_model(tmp_path):
    with pytest.raises(InputError) as error:
        read_description(tmp_path / "none")
    assert str(error.value) == f"{tmp_path}/none: expected a model folder with model.json, found none"
    (tmp_path / "model.json").mkdir()
    with pytest.raises(InputError, match="model.json: expected a file that can be read, found Is a directory"):
        read_description(tmp_path)


@pytest.mark.parametrize("change", [
    lambda text: text.replace("0.25", "0.26"), lambda text: text.replace("\n", ""), lambda text: text[:-1],
    lambda text: "", lambda text: "[1]\n", lambda text: "[" * 100_000, lambda text: text.replace("sha256", "sha1"),
    lambda text: json.dumps(json.loads(text)) + "\n", lambda text: text + " "])
def test_a_changed_description_is_noticed(folder, change):
    path = folder / "model.json"
    path.write_text(change(path.read_text()))
    with pytest.raises(DamagedInput, match="model.json: expected what a training wrote, with its sha256, found other"):
        read_description(folder)


@pytest.mark.parametrize("files", [["best.safetensors"], None, "tree"])
def test_files_that_are_no_table_are_noticed(folder, files):
    """In a description with the sha256 of what it says."""
    path = folder / "model.json"
    description = {**json.loads(path.read_text()), "files": files}
    del description["sha256"]
    sha256 = hashlib.sha256(json.dumps(description).encode()).hexdigest()
    path.write_text(json.dumps({**description, "sha256": sha256}, indent=1) + "\n")
    with pytest.raises(DamagedInput, match="model.json: expected what a training wrote, with its sha256, found other"):
        read_description(folder)


def test_a_description_that_is_no_text_is_noticed(folder):
    (folder / "model.json").write_bytes(b'{"\xff": 1}')
    with pytest.raises(DamagedInput, match="model.json"):
        read_description(folder)


@pytest.mark.parametrize("change", [{"arch": "rnn"}, {"hidden_dim": 0}, {"hidden_dim": None}, {"dilations": "x"}])
def test_options_of_no_network_are_named(folder, change):
    """In a description that is whole."""
    description = {"network": {**NETWORK, **change}, "in_dim": 4, "out_dim": 2, "checkpoint": "best"}
    write_described(folder / "model.json", description, ["best.safetensors"])
    with pytest.raises(InputError, match="model.json: expected the options of a network, found [A-Z][a-zA-Z]+: "):
        load_model(folder)


def test_a_description_without_the_name_of_its_weights_is_named(folder):
    write_description(folder, OPTIONS, 4, 2, 2)
    with pytest.raises(InputError, match="model.json: expected the options of a network, found KeyError: 'checkpoint'"):
        load_model(folder)


def test_weights_of_another_network_are_named(folder):
    write_tensors(folder / "best.safetensors", nn.Linear(2, 2).state_dict())
    write_description(folder, OPTIONS, 4, 2, 2, checkpoint="best")
    with pytest.raises(InputError, match="best.safetensors: expected weights of the network in model.json, found "):
        load_model(folder)
