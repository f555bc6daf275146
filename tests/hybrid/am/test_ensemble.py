"""Averages of models, and models behind their speakers' transforms."""

import math
from types import SimpleNamespace

import pytest
import torch

from graphs.errors import InputError
from graphs.hmm.hmm_folder import write_hmm
from hybrid.am.acoustic_model import AcousticModel
from hybrid.am.ensemble import Ensemble, EnsembleFolders, Member
from hybrid.nn.dnn import DnnOptions
from hybrid.nn.model_folder import write_description, write_priors
from hybrid.nn.tensor_file import write_tensors
from hybrid.speakers.network import AdaptableNetwork
from hybrid.speakers.table import Space, SpeakerTable
from tests.hybrid.speakers.material import Features
from tests.hybrid.training.material import make_hmm, make_small_lang

DIM = 3
FITS = Space("fmllr", "g1")


def write_model(folder, seed, spaces=(), prior_scale=0.7):
    folder.mkdir()
    tree, transitions = make_hmm(make_small_lang())
    torch.manual_seed(seed)
    options = DnnOptions(hidden_dim=4, num_layers=1, splice=0)
    write_tensors(folder / "best.safetensors", options.build(DIM, transitions.num_pdfs).state_dict())
    write_priors(folder, torch.randn(transitions.num_pdfs).log_softmax(0))
    write_hmm(folder, tree, transitions)
    write_description(folder, options, DIM, transitions.num_pdfs, frame_shift=0.01, checkpoint="best",
                      prior_scale=prior_scale, speakers=[list(space) for space in spaces])
    return folder


@pytest.fixture
def folders(tmp_path):
    """Two plain models, one behind transforms, and the transforms."""
    table = tmp_path / "fmllr"
    table.mkdir()
    SpeakerTable.of(FITS, {"anna": {"matrix": 2 * torch.eye(DIM, DIM + 1)}}).write(table)
    return SimpleNamespace(a=write_model(tmp_path / "a", 1), b=write_model(tmp_path / "b", 2, prior_scale=0.3),
                           adapted=write_model(tmp_path / "adapted", 3, [FITS]), table=table)


@pytest.fixture
def features():
    torch.manual_seed(5)
    return Features({"anna-1": torch.randn(6, DIM)})


def scores(features, *models, **more):
    return EnsembleFolders(models, **more).load(features).log_likelihoods(features["anna-1"], "anna-1")


def test_one_model_is_itself(folders, features):
    expected = AcousticModel.load(folders.a).log_likelihoods(features["anna-1"])
    assert torch.equal(scores(features, folders.a), expected)
    for average in ("log", "linear"):
        assert torch.equal(scores(features, folders.a, folders.b, weights=(1.0, 0.0), average=average), expected)
        together = scores(features, folders.a, folders.a, average=average)
        assert torch.allclose(together, expected, atol=1e-5)


@pytest.mark.parametrize("weights", [(), (3.0, 1.0)])
def test_averages(folders, features, weights):
    a, b = AcousticModel.load(folders.a), AcousticModel.load(folders.b)
    share = 0.75 if weights else 0.5
    one, other = a.log_likelihoods(features["anna-1"]), b.log_likelihoods(features["anna-1"])
    found = scores(features, folders.a, folders.b, weights=weights)
    assert torch.allclose(found, share * one + (1 - share) * other, atol=1e-5)
    posteriors = (share * (one + 0.7 * a.log_priors).exp() + (1 - share) * (other + 0.3 * b.log_priors).exp())
    assert torch.allclose(posteriors.sum(1), torch.ones(6), atol=1e-5)
    priors = share * 0.7 * a.log_priors + (1 - share) * 0.3 * b.log_priors
    found = scores(features, folders.a, folders.b, weights=weights, average="linear")
    assert torch.allclose(found, posteriors.log() - priors, atol=1e-5)


def test_a_model_trained_behind_transforms_gets_them_and_the_other_does_not(folders, features):
    adapted = AcousticModel.load(folders.adapted).log_likelihoods(2 * features["anna-1"])
    plain = AcousticModel.load(folders.a).log_likelihoods(features["anna-1"])
    assert torch.allclose(scores(features, folders.adapted, speakers=(folders.table,)), adapted)
    both = scores(features, folders.adapted, folders.a, speakers=(folders.table,))
    assert torch.allclose(both, (adapted + plain) / 2, atol=1e-5)


def test_a_prior_scale_of_ctc_is_not_for_models_of_states(folders, features):
    with pytest.raises(InputError, match="--ctc-prior-scale: expected an end-to-end model"):
        EnsembleFolders((folders.a,), ctc_prior_scale=0.3).load(features)


def test_transforms_are_neither_forgotten_nor_in_vain(folders, features):
    message = "adapted: expected --speaker-transforms of kind fmllr that fit g1, found none"
    with pytest.raises(InputError, match=message):
        EnsembleFolders((folders.adapted,)).load(features)
    with pytest.raises(InputError, match="--speaker-transforms .*fmllr: expected what fits one of the models"):
        EnsembleFolders((folders.a,), (folders.table,)).load(features)
    with pytest.raises(InputError, match="speaker bert"):
        EnsembleFolders((folders.adapted,), (folders.table,)).load(Features({"bert-1": torch.zeros(4, DIM)}))


@pytest.mark.parametrize("more, message", [
    ({"weights": (1.0,)}, "2 numbers"), ({"weights": (0.0, 0.0)}, "one above"), ({"weights": (-1.0, 2.0)}, "from 0 up"),
    ({"weights": (float("nan"), 1.0)}, "from 0 up"), ({"average": "mean"}, "one of log, linear")])
def test_averages_that_cannot_be(folders, features, more, message):
    with pytest.raises(InputError, match=message):
        EnsembleFolders((folders.a, folders.b), **more).load(features)


@pytest.mark.parametrize("change, message", [
    ({"transitions": SimpleNamespace(states=[2])}, "models: expected one tree and its transition_ids, found others"),
    ({"tree": SimpleNamespace(fingerprint=lambda: "b")}, "one tree"),
    ({"output_shift": 0.03}, "models: expected rows of 0.01 s, found 0.03")])
def test_models_of_different_trees_or_rates_are_refused(change, message):
    same = {"tree": SimpleNamespace(fingerprint=lambda: "a"), "output_shift": 0.01,
            "transitions": SimpleNamespace(states=[1])}
    models = [SimpleNamespace(**same), SimpleNamespace(**same), SimpleNamespace(**{**same, **change})]
    assert Ensemble([Member(model) for model in models[:2]], None).output_shift == 0.01
    with pytest.raises(InputError, match=message):
        Ensemble([Member(model) for model in models], None)


def test_a_model_of_weight_zero_is_not_among_the_members(folders, features):
    models = [AcousticModel.load(folder) for folder in (folders.a, folders.b, folders.a)]
    ensemble = Ensemble([Member(model) for model in models], features, [0.0, 3.0, 5.0])
    assert ensemble.member(0).model is models[1] and ensemble.member(1).model is models[2]
    assert ensemble.tree is models[0].tree and ensemble.transitions is models[0].transitions
    one, other = (model.log_likelihoods(features["anna-1"]) for model in models[:2])
    found = ensemble.log_likelihoods(features["anna-1"], "anna-1")
    assert torch.allclose(found, 0.375 * other + 0.625 * one, atol=1e-5)


def test_what_no_model_allows_is_unlikely_but_finite(folders, features):
    models = [AcousticModel.load(folder) for folder in (folders.a, folders.b)]
    for model in models:
        with torch.no_grad():
            model.network.output.bias[0] = -1e4
    ensemble = Ensemble([Member(model) for model in models], features, average="linear")
    priors = 0.5 * 0.7 * models[0].log_priors + 0.5 * 0.3 * models[1].log_priors
    found = ensemble.log_likelihoods(features["anna-1"], "anna-1")
    assert torch.allclose(found[:, 0], math.log(torch.finfo(torch.float32).tiny) - priors[0].expand(6), atol=1e-3)


@pytest.mark.parametrize("speakers", [(), ("table",)])
def test_parameters_of_speakers_go_into_their_network_alone(folders, features, tmp_path, speakers):
    speakers = tuple(getattr(folders, name) for name in speakers)
    one = folders.adapted if speakers else folders.a
    network = AcousticModel.load(one).network
    table = SpeakerTable.of(Space("lin", AdaptableNetwork(network, DIM).fits), {
        "anna": {"input": torch.cat([torch.eye(DIM), torch.ones(DIM, 1)], dim=1)}})
    table.write(tmp_path)
    x = features["anna-1"]
    expected = AcousticModel.load(one).log_likelihoods((2 * x if speakers else x) + 1)
    assert torch.allclose(scores(features, one, speakers=speakers, adaptations=(tmp_path,)), expected, atol=1e-6)
    plain = AcousticModel.load(folders.b).log_likelihoods(x)
    both = scores(features, one, folders.b, speakers=speakers, adaptations=(tmp_path,))
    assert torch.allclose(both, (expected + plain) / 2, atol=1e-5)
    with pytest.raises(InputError, match="--adaptation .*: expected what fits one of the models"):
        EnsembleFolders((folders.b,), adaptations=(tmp_path,)).load(features)
    with pytest.raises(InputError, match="speaker bert: expected its "):
        EnsembleFolders((one,), speakers, adaptations=(tmp_path,)).load(Features({"anna-1": x, "bert-1": x}))
