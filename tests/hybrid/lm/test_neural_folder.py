"""The folder of a neural LM: round trips, and what is said of damage."""

import json

import numpy as np
import pytest

from graphs.errors import DamagedInput, InputError
from graphs.lang.symbols import SymbolTable
from hybrid.lm.network import LmOptions
from hybrid.lm.neural_folder import is_neural_lm, load_neural_lm, read_counts, write_neural_lm
from hybrid.lm.neural_lm import NeuralLm
from hybrid.nn.described_folder import write_described
from hybrid.nn.tensor_file import write_tensors
from tests.hybrid.lm.material import EVENTS, NETS, OUTPUTS, WORDS, make_network

KINDS = [*((net, "full", "word") for net in NETS), *(("gru_2", output, "word") for output in OUTPUTS),
         ("lstm", "tied", "character"), ("feed_forward", "full", "piece")]


def write(folder, net="lstm", output="full", units="word"):
    network, vocabulary = make_network(net, output, units)
    network = network.float()
    write_tensors(folder / "best.safetensors", network.state_dict())
    write_neural_lm(folder, LmOptions(arch=NETS[net], units=units, embedding_dim=8, **OUTPUTS[output]), vocabulary,
                    checkpoint="best", dev_perplexity=2.5)
    return network, vocabulary


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: "-".join(kind))
def test_round_trip(tmp_path, kind):
    lm = NeuralLm(*write(tmp_path, *kind))
    again = NeuralLm.read(tmp_path)
    assert is_neural_lm(tmp_path) and again.vocabulary.units == lm.vocabulary.units
    states, words = np.zeros(len(EVENTS), np.int64), np.array(EVENTS)
    for _ in range(2):
        one, two = lm.advance(states, words), again.advance(states, words)
        assert np.array_equal(one[0], two[0]) and np.array_equal(one[1], two[1])
        states = one[1]


def test_other_word_ids(tmp_path):
    write(tmp_path)
    lm = NeuralLm.read(tmp_path)
    words = SymbolTable(["b", "zebra", "a", "</s>"])
    other = NeuralLm.read(tmp_path, words)
    assert other.missing == ["zebra"] and lm.missing == lm.lines() == []
    assert other.lines() == ["1 words of words.txt are not in the LM and are scored as <unk>: zebra"]
    own = np.array([WORDS.id_of(word) for word in ("b", "<unk>", "a")])
    expected, after = lm.advance(np.zeros(3, np.int64), own)
    found, _ = other.advance(np.zeros(4, np.int64), np.arange(1, 5))
    assert found[:3].tolist() == expected.tolist() and found[3] == -np.inf


def test_nothing_and_damage(tmp_path):
    with pytest.raises(InputError, match="a folder of a neural language model with lm.json"):
        load_neural_lm(tmp_path)
    write(tmp_path)
    for name in ("best.safetensors", "words.txt", "counts.txt", "lm.json"):
        whole = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(whole.replace(b"a", b"b", 1))
        with pytest.raises(DamagedInput):
            load_neural_lm(tmp_path)
        (tmp_path / name).unlink()
        with pytest.raises(InputError):
            load_neural_lm(tmp_path)
        (tmp_path / name).write_bytes(whole)
    load_neural_lm(tmp_path)


def _again(folder, **changes):
    """lm.json with other facts, and its files as they are now."""
    description = json.loads((folder / "lm.json").read_text())
    files = list(description.pop("files"))
    del description["sha256"]
    description["network"].update(changes)
    write_described(folder / "lm.json", description, files)


@pytest.mark.parametrize("changes, message", [
    ({"hidden_dim": 5}, "weights of the network in lm.json"), ({"arch": "brain"}, "the options of a network"),
    ({"hidden_dim": 0}, "the options of a network"), ({"units": "phrase"}, "the options of a network"),
    ({"min_count": 1}, "weights of the network in lm.json")])
def test_a_description_that_does_not_fit(tmp_path, changes, message):
    write(tmp_path)
    _again(tmp_path, **changes)
    with pytest.raises(InputError, match=message):
        load_neural_lm(tmp_path)


@pytest.mark.parametrize("line", ["b 3", "a", "a x", "a -1", "a 1 1"])
def test_counts_that_do_not_fit(tmp_path, line):
    write(tmp_path)
    lines = (tmp_path / "counts.txt").read_text().splitlines()
    assert lines[0] == "<eps> 0" and lines[2].startswith("a ")
    (tmp_path / "counts.txt").write_text("\n".join([*lines[:2], line, *lines[3:]]))
    _again(tmp_path)
    with pytest.raises(InputError, match="counts.txt:3: expected `a COUNT`"):
        load_neural_lm(tmp_path)


def test_of_a_line_that_does_not_fit_the_beginning_is_told(tmp_path):
    words = SymbolTable(["a"])
    (tmp_path / "counts.txt").write_text("<eps> 0\na 0\n")
    assert read_counts(tmp_path / "counts.txt", words).tolist() == [0, 0]
    (tmp_path / "counts.txt").write_text("<eps> 0\n" + "x" * 70)
    with pytest.raises(InputError) as error:
        read_counts(tmp_path / "counts.txt", words)
    assert str(error.value) == f"{tmp_path}/counts.txt:2: expected `a COUNT`, found '{'x' * 60}'"


def test_a_line_that_lacks(tmp_path):
    write(tmp_path)
    lines = (tmp_path / "counts.txt").read_text().splitlines()
    (tmp_path / "counts.txt").write_text("\n".join(lines[:-1]))
    _again(tmp_path)
    with pytest.raises(InputError, match="13, one for each word of words.txt, found 12"):
        load_neural_lm(tmp_path)
