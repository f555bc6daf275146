"""Acoustic models: what they take as features, and damaged folders."""

import json

import numpy as np
import pytest
import torch

from graphs.errors import DamagedInput, InputError
from graphs.hmm.hmm_folder import write_hmm
from hybrid.am.acoustic_model import AcousticModel
from hybrid.nn.dnn import DnnOptions
from hybrid.nn.model_folder import load_model, write_description, write_priors
from hybrid.nn.tensor_file import write_tensors
from hybrid.speakers.table import Space
from tests.hybrid.training.material import make_hmm, make_small_lang

DIM = 5
FILES = ("model.json", "best.safetensors", "priors.safetensors", "transitions", "tree")


OPTIONS = DnnOptions(hidden_dim=4, num_layers=2, splice=1)


def write_model(folder):
    """An untrained acoustic model."""
    tree, transitions = make_hmm(make_small_lang())
    torch.manual_seed(0)
    write_tensors(folder / "best.safetensors", OPTIONS.build(DIM, transitions.num_pdfs).state_dict())
    write_priors(folder, torch.full((transitions.num_pdfs,), 1 / transitions.num_pdfs).log())
    write_hmm(folder, tree, transitions)
    describe(folder, transitions.num_pdfs)


def describe(folder, num_pdfs):
    write_description(folder, OPTIONS, DIM, num_pdfs, frame_shift=0.01, checkpoint="best", prior_scale=1.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("am")
    write_model(folder)
    return folder


@pytest.fixture
def scores(folder):
    """Features of one utterance -> scores."""
    return AcousticModel.load(folder).log_likelihoods


class Fixed(torch.nn.Module):
    """A network of half the rate: every other frame times weights."""

    subsampling_factor = 2

    def __init__(self, weights):
        super().__init__()
        self.weights = torch.nn.Parameter(weights)

    def forward(self, features, lengths):
        assert not self.training
        return features[:, ::2] @ self.weights, (lengths + 1) // 2


@pytest.mark.parametrize("scale", [0.0, 0.5, 1.0])
def test_scores_are_log_posteriors_less_the_share_of_the_priors(scale):
    weights, priors = torch.randn(DIM, 3), torch.tensor([0.2, 0.3, 0.5]).double()
    model = AcousticModel(Fixed(weights), priors.log(), "tree", "transitions", DIM, scale, 0.02,
                          [("fmllr", "g1"), ["ivectors", "e1"]])
    features = torch.randn(2, 7, DIM)
    expected = (features[:, ::2].double() @ weights.double()).softmax(2) / priors ** scale
    found, lengths = model.batch_log_likelihoods(features, torch.tensor([7, 4]))
    assert lengths.tolist() == [4, 2] and torch.allclose(found, expected.log().float(), atol=1e-5)
    assert found.dtype == model.log_priors.dtype == torch.float32 and not found.requires_grad
    assert torch.allclose(model.log_likelihoods(features[1, :4]), found[1, :2], atol=1e-6)
    posteriors, lengths = model.batch_log_posteriors(features, torch.tensor([7, 4]))
    assert lengths.tolist() == [4, 2] and torch.allclose(posteriors.exp().sum(2), torch.ones(2, 4))
    assert torch.allclose(posteriors - scale * priors.log().float(), found)
    assert (model.num_pdfs, model.feature_dim, model.prior_scale) == (3, DIM, scale)
    assert (model.frame_shift, model.subsampling_factor, model.output_shift) == (0.02, 2, 0.04)
    assert (model.tree, model.transitions) == ("tree", "transitions")
    plain = AcousticModel(Fixed(weights), priors, None, None, DIM)
    assert (plain.prior_scale, plain.frame_shift, plain.spaces) == (1.0, 0.01, [])
    assert model.spaces == [Space("fmllr", "g1"), Space("ivectors", "e1")] and model.spaces[0].kind == "fmllr"


def test_the_checkpoint_and_the_scale_of_a_folder_are_defaults(tmp_path):
    write_model(tmp_path)
    num_pdfs = AcousticModel.load(tmp_path).num_pdfs
    write_tensors(tmp_path / "averaged.safetensors", OPTIONS.build(DIM, num_pdfs).state_dict())
    write_description(tmp_path, OPTIONS, DIM, num_pdfs, frame_shift=0.02, checkpoint="averaged", prior_scale=0.25,
                      speakers=[["fmllr", "g1"]])
    model, best = AcousticModel.load(tmp_path), AcousticModel.load(tmp_path, "best", prior_scale=0.0)
    assert (model.prior_scale, best.prior_scale, model.frame_shift) == (0.25, 0.0, 0.02)
    assert model.spaces == [("fmllr", "g1")] and model.feature_dim == DIM
    features = torch.randn(1, 4, DIM), torch.tensor([4])
    one, other = (each.batch_log_posteriors(*features)[0] for each in (model, best))
    assert not torch.allclose(one, other)
    assert torch.equal(AcousticModel.load(tmp_path, "averaged").batch_log_posteriors(*features)[0], one)


def test_transitions_of_another_number_of_pdf_ids_are_refused(tmp_path):
    write_model(tmp_path)
    number = AcousticModel.load(tmp_path).num_pdfs
    write_tensors(tmp_path / "best.safetensors", OPTIONS.build(DIM, number + 1).state_dict())
    write_priors(tmp_path, torch.zeros(number + 1))
    describe(tmp_path, number + 1)
    with pytest.raises(InputError, match=f"transitions: expected {number + 1} pdf_ids, found {number}"):
        AcousticModel.load(tmp_path)


def test_floats_of_any_kind_are_taken(scores):
    features = torch.randn(7, DIM).half().float()
    expected = scores(features)
    assert expected.dtype == torch.float32 and expected.shape[0] == 7
    for other in (features.double(), features.half(), features.numpy(), features.double().numpy(),
                  features.clone().requires_grad_(), features.T.contiguous().T):
        assert torch.equal(scores(other), expected)
    assert scores(features[:1]).shape[0] == 1


@pytest.mark.parametrize("features, message", [
    (torch.zeros(7, DIM + 1), "expected 5 coefficients a frame, found 6"),
    (torch.zeros(DIM), r"expected \[T, 5\] floats, found torch.float32 of shape \[5\]"),
    (torch.zeros(1, 7, DIM), r"shape \[1, 7, 5\]"), (torch.zeros(0, DIM), "at least one frame"),
    (torch.zeros(7, DIM, dtype=torch.int64), "found torch.int64"), (np.zeros((7, DIM), int), "found torch.int64"),
    (torch.full((7, DIM), float("nan")), "frame 0: expected finite numbers"),
    (torch.tensor([[0.0] * DIM, [0.0] * 4 + [float("inf")]]), "frame 1: expected finite numbers"),
    (torch.zeros(7, DIM, dtype=torch.complex64), "complex"), ("text", "a str"), (None, "features"),
])
def test_other_features_are_refused(scores, features, message):
    with pytest.raises(InputError, match=message):
        scores(features)


@pytest.mark.parametrize("lengths, message", [
    ([4], r"2 integers, one for each utterance, found torch.int64 of shape \[1\]"), ([4, 4, 4], "2 integers"),
    ([[4, 4]], "2 integers"), ([4, 8], "1 to 7 frames, found 4 to 8"), ([0, 4], "1 to 7 frames, found 0 to 4"),
    ([4.0, 4.0], "2 integers"), ([True, True], "2 integers"), ("ab", "lengths"),
])
def test_lengths_that_do_not_fit_are_refused(folder, lengths, message):
    model = AcousticModel.load(folder)
    with pytest.raises(InputError, match=message):
        model.batch_log_likelihoods(torch.zeros(2, 7, DIM), lengths)


def test_padding_may_hold_anything(folder):
    model = AcousticModel.load(folder)
    features = torch.randn(2, 7, DIM)
    features[0, 4:] = float("nan")
    found, _ = model.batch_log_likelihoods(features.numpy(), np.array([4, 7], np.int32))
    assert torch.allclose(found[0, :4], model.log_likelihoods(features[0, :4]), atol=1e-5)
    features[0, 3] = float("nan")
    with pytest.raises(InputError, match="utterance 0 of the batch, frame 3"):
        model.batch_log_likelihoods(features, [4, 7])


@pytest.mark.parametrize("scale", [float("nan"), float("inf"), -0.1])
def test_prior_scales_are_checked(folder, scale):
    with pytest.raises(InputError, match="prior_scale"):
        AcousticModel.load(folder, prior_scale=scale)


@pytest.mark.parametrize("name", FILES)
def test_changed_bytes_are_noticed_as_a_model_is_loaded(folder, name):
    path = folder / name
    good = path.read_bytes()
    try:
        for i in range(0, len(good), max(1, len(good) // 40)):
            path.write_bytes(good[:i] + bytes([good[i] ^ 1 << i % 8]) + good[i + 1:])
            with pytest.raises(DamagedInput, match=str(path)):
                AcousticModel.load(folder)
        path.unlink()
        with pytest.raises(InputError, match=name):
            AcousticModel.load(folder)
    finally:
        path.write_bytes(good)
    AcousticModel.load(folder)


def test_models_of_monophones_may_lack_their_tree(tmp_path):
    write_model(tmp_path)
    model = AcousticModel.load(tmp_path)
    expected = model.tree.to_text()
    (tmp_path / "tree").unlink()
    describe(tmp_path, model.num_pdfs)
    assert AcousticModel.load(tmp_path).tree.to_text() == expected
    (tmp_path / "tree").write_text(expected)  # one that no training wrote
    with pytest.raises(InputError, match="a model with tree, found none"):
        AcousticModel.load(tmp_path)


def test_weights_of_another_training_are_noticed(folder, tmp_path):
    write_model(tmp_path)
    weights = OPTIONS.build(DIM, load_model(folder)[1]["out_dim"])
    write_tensors(tmp_path / "best.safetensors", weights.state_dict())
    with pytest.raises(DamagedInput, match="best.safetensors: expected the bytes that model.json knows"):
        AcousticModel.load(tmp_path)


@pytest.mark.parametrize("text", [b"", b"[]", b"null", b'{"sha256": 1}', b"\xff", b"[" * 100000])
def test_descriptions_that_are_none(tmp_path, text):
    (tmp_path / "model.json").write_bytes(text)
    with pytest.raises(InputError, match="model.json"):
        load_model(tmp_path)


def test_a_description_edited_by_hand_is_refused(folder, tmp_path):
    write_model(tmp_path)
    path = tmp_path / "model.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "prior_scale": 0.5}, indent=1) + "\n")
    with pytest.raises(DamagedInput, match="model.json: expected what a training wrote"):
        AcousticModel.load(tmp_path)
