"""Networks that start from the weights of trained ones."""

from types import SimpleNamespace

import pytest
import torch

from graphs.errors import InputError
from graphs.hmm.hmm_folder import read_hmm, write_hmm
from graphs.lang.lang_folder import read_lang
from hybrid.align.alignment import read_alignments
from hybrid.data.features import FeatureReader
from hybrid.e2e.model import E2eModel
from hybrid.e2e.network import E2eNetwork, E2eOptions
from hybrid.nn.model_folder import load_model, write_description
from hybrid.nn.tdnn import TdnnOptions
from hybrid.nn.tensor_file import write_tensors
from hybrid.training.e2e import E2eTrainingOptions, train_e2e
from hybrid.training.framewise import AmOptions, train_am
from hybrid.training.start import start_e2e, start_network, take
from tests.graphs.trees import random_tree
from tests.hybrid.training.material import LOG, make_corpus

ARCH = TdnnOptions(hidden_dim=16, dilations=(1, 1))
SHARED = dict(arch=ARCH, subsampling=2, max_duration=2.0, tensorboard=False, device="cpu", spec_augment=False)
E2E = dict(SHARED, encoder_dim=16, units="phone", learning_rate=0.02, epochs=2)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return make_corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="module")
def trained(corpus, tmp_path_factory):
    """An end-to-end model of phones."""
    folder = tmp_path_factory.mktemp("e2e")
    train_e2e(FeatureReader(corpus / "train"), FeatureReader(corpus / "dev"), read_lang(corpus / "lang"),
              E2eTrainingOptions(**E2E), folder, LOG)
    return folder


def acoustic_model(folder, classes=9, arch=ARCH, hmm=()):
    """A model folder with random weights; the network."""
    network = arch.build(6, classes, 2)
    write_tensors(folder / "best.safetensors", network.state_dict())
    if hmm:
        write_hmm(folder, *hmm)
    write_description(folder, arch, 6, classes, 2, checkpoint="best")
    return network


def equal_to(network, theirs, names):
    """Are the tensors of the names theirs, and none of the others?"""
    theirs = theirs.state_dict()
    return all(torch.equal(value, theirs[name]) == (name in names) for name, value in network.state_dict().items()
               if name in theirs and value.shape == theirs[name].shape and value.dim())


def test_the_last_layer_is_taken_for_the_same_states_alone(corpus, tmp_path):
    tree, transitions = read_hmm(corpus / "ali_dev")
    theirs = acoustic_model(tmp_path, transitions.num_pdfs, hmm=(tree, transitions))
    names = set(theirs.state_dict())
    own = ARCH.build(6, transitions.num_pdfs, 2)
    said = start_network(own, tmp_path, tree, transitions)
    assert said == f"the network starts with {len(names)} of its {len(names)} tensors from {tmp_path}"
    assert equal_to(own, theirs, names)
    other = random_tree(transitions.topology, 3, 1, seed=5)
    own = ARCH.build(6, transitions.num_pdfs, 2)
    start_network(own, tmp_path, other, transitions)
    assert equal_to(own, theirs, {name for name in names if not name.startswith("output.")})


def test_without_states_the_last_layer_stays_as_it_is(corpus, tmp_path):
    """As of a CTC model, with as many classes."""
    tree, transitions = read_hmm(corpus / "ali_dev")
    theirs, own = acoustic_model(tmp_path, transitions.num_pdfs), ARCH.build(6, transitions.num_pdfs, 2)
    names = {name for name in theirs.state_dict() if not name.startswith("output.")}
    assert f"{len(names)} of its {len(names) + 2} tensors" in start_network(own, tmp_path, tree, transitions)
    assert equal_to(own, theirs, names)


def test_a_network_of_another_shape_is_refused(corpus, tmp_path):
    acoustic_model(tmp_path, arch=TdnnOptions(hidden_dim=5, dilations=(1, 1)))
    with pytest.raises(InputError, match=rf"{tmp_path} \(arch=tdnn, hidden_dim=5, .*\): expected a network"):
        start_network(ARCH.build(6, 9, 2), tmp_path, *read_hmm(corpus / "ali_dev"))


def test_half_of_the_tensors_have_to_agree():
    theirs, taken = {name: torch.zeros(2) for name in "abcd"}, {}

    def network(agreeing):
        own = {name: torch.zeros(2 if name in "abcd"[:agreeing] else 3) for name in "abcd"}
        return SimpleNamespace(state_dict=lambda: own, load_state_dict=taken.update)

    trained = SimpleNamespace(state_dict=lambda: theirs)
    assert take(network(2), trained, "f") == (2, 4)
    assert {name: value is theirs[name] for name, value in taken.items()} == dict(a=True, b=True, c=False, d=False)
    with pytest.raises(InputError, match="f: expected .* most of the 4 tensors, .* found 1 of them"):
        take(network(1), trained, "f")


@pytest.mark.parametrize("agreeing, number", [(0, 1), (1, 2), (1, 3), (2, 4), (2, 5), (3, 5), (5, 5)])
@pytest.mark.parametrize("layer", ["hidden.", "output.", "outputs."])
@pytest.mark.parametrize("other_classes", [False, True, None])
def test_half_is_enough_and_the_last_layer_counts_unless_classes_are_others(agreeing, number, layer, other_classes):
    class Network:
        def __init__(self, sizes):
            self.tensors = {f"{layer}{n}": torch.full((size,), float(size)) for n, size in enumerate(sizes)}

        def state_dict(self):
            return self.tensors

        def load_state_dict(self, tensors):
            self.tensors = tensors
    trained, own = Network([2] * number), Network([2 if n < agreeing else 3 for n in range(number)])
    for tensor in trained.tensors.values():
        tensor.zero_()
    expected = 0 if other_classes and layer == "output." else agreeing
    more = () if other_classes is None else (other_classes,)
    if expected < number / 2:
        with pytest.raises(InputError, match=rf"^f: .*{number} tensors.* found {expected} of them$"):
            take(own, trained, "f", *more)
        assert all(tensor.any() for tensor in own.tensors.values())
    else:
        assert take(own, trained, "f", *more) == (expected, number)
        assert [bool(tensor.any()) for tensor in own.tensors.values()] == [n >= expected for n in range(number)]


def test_an_end_to_end_network_of_the_same_tokens_is_taken_whole(corpus, trained):
    theirs = E2eModel.load(trained)
    network = E2eNetwork(E2eTrainingOptions(**E2E), theirs.description["in_dim"], theirs.tokens.num_tokens)
    names = set(theirs.network.state_dict())
    assert start_e2e(network, trained, theirs.tokens) == (
        f"the network starts with {len(names)} of its {len(names)} tensors from {trained}")
    assert equal_to(network, theirs.network, names)


def test_of_other_tokens_or_another_kind_of_model_the_encoder_is_taken(corpus, trained, tmp_path):
    theirs = E2eModel.load(trained)
    other = type(theirs.tokens).characters([["ab"]])
    network = E2eNetwork(E2eOptions(arch=ARCH, subsampling=2, encoder_dim=8), theirs.description["in_dim"], 4)
    own = network.encoder.state_dict()
    fits = {name for name, value in theirs.network.encoder.state_dict().items() if own[name].shape == value.shape}
    before = network.ctc.weight.clone()
    assert start_e2e(network, trained, other) == (
        f"the encoder starts with {len(fits)} of its {len(own)} tensors from {trained}")
    assert len(fits) == len(own) - 2 and equal_to(network.encoder, theirs.network.encoder, fits)
    assert torch.equal(network.ctc.weight, before)
    acoustic = acoustic_model(tmp_path)
    network = E2eNetwork(E2eOptions(arch=ARCH, subsampling=2, encoder_dim=8), 6, 4)
    start_e2e(network, tmp_path, other)
    assert equal_to(network.encoder, acoustic, {name for name in acoustic.state_dict() if "output" not in name})


def test_a_training_starts_there(corpus, trained, tmp_path):
    """And stays there with a learning rate of next to nothing."""
    dev, lang = FeatureReader(corpus / "dev"), read_lang(corpus / "lang")
    options = {"epochs": 1, "learning_rate": 1e-9}
    train_e2e(dev, dev, lang, E2eTrainingOptions(**{**E2E, **options}), tmp_path / "e2e", LOG, trained)
    first = E2eModel.load(trained).network
    second = E2eModel.load(tmp_path / "e2e").network
    alignments, hmm = read_alignments(corpus / "ali_dev"), read_hmm(corpus / "ali_dev")
    am = AmOptions(**{**SHARED, "subsampling": 1, **options})
    train_am(dev, dev, alignments, alignments, *hmm, am, tmp_path / "am", LOG, start=trained)
    third = load_model(tmp_path / "am")[0]
    for name, value in first.named_parameters():
        assert torch.allclose(value, dict(second.named_parameters())[name], atol=1e-6), name
    theirs = dict(first.encoder.named_parameters())
    taken = {name: value for name, value in third.named_parameters() if not name.startswith("output.")}
    assert taken and all(torch.allclose(theirs[name], value, atol=1e-6) for name, value in taken.items())
