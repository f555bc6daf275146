"""The CTC output of an end-to-end model behind the interface of acoustic models."""

from types import SimpleNamespace

import pytest
import torch

from graphs.errors import InputError
from hybrid.am.ensemble import EnsembleFolders
from hybrid.e2e.ctc_acoustic import ctc_acoustic_model
from hybrid.e2e.model import E2eModel, read_tokens
from hybrid.nn.model_folder import read_priors
from tests.hybrid.e2e.material import character_tokens, write_model


@pytest.fixture
def folder(tmp_path):
    return write_model(tmp_path / "ctc", character_tokens())


def log_probs(folder, features):
    model = E2eModel.load(folder)
    encoded, _ = model.encode(features[None], torch.tensor([len(features)]))
    with torch.no_grad():
        return model.network.ctc_log_probs(encoded)[0]


def test_scores_are_log_probabilities_less_scaled_priors(folder):
    features = torch.randn(7, 6)
    model = ctc_acoustic_model(folder)
    assert torch.equal(model.log_likelihoods(features), log_probs(folder, features))
    assert (model.output_shift, model.num_pdfs, model.transitions.num_pdfs) == (0.02, 4, 4)
    priors = read_priors(folder, E2eModel.load(folder).description | {"out_dim": 4}, "e2e.json")
    scaled = ctc_acoustic_model(folder, 0.3).log_likelihoods(features)
    assert torch.allclose(scaled, log_probs(folder, features) - 0.3 * priors)


def test_an_ensemble_opens_it(folder):
    reader, features = SimpleNamespace(speaker=lambda utterance_id: "x"), torch.randn(7, 6)
    for scale in (0.0, 0.5):
        scores = EnsembleFolders((folder,), ctc_prior_scale=scale).load(reader).log_likelihoods(features, "a")
        assert torch.equal(scores, ctc_acoustic_model(folder, scale).log_likelihoods(features))


def test_what_the_model_lacks_is_named(tmp_path, folder):
    without = write_model(tmp_path / "without", character_tokens(), priors=False)
    assert ctc_acoustic_model(without).num_pdfs == 4
    with pytest.raises(InputError, match="priors.safetensors, for a prior scale of 0.5"):
        ctc_acoustic_model(without, 0.5)
    from hybrid.e2e.decoders.lstm import LstmDecoderOptions
    decoder = write_model(tmp_path / "decoder", character_tokens(), decoder=LstmDecoderOptions(), ctc_weight=0.0)
    with pytest.raises(InputError, match="ctc_weight above 0"):
        ctc_acoustic_model(decoder)
    assert read_tokens(decoder)[1] is False


def test_tokens_are_read_without_the_network(folder):
    tokens, has_ctc = read_tokens(folder)
    assert tokens.symbols == character_tokens().symbols and tokens.kind == "character" and has_ctc
    (folder / "tokens.txt").write_text("other")
    with pytest.raises(InputError, match="the bytes that e2e.json knows"):
        read_tokens(folder)
