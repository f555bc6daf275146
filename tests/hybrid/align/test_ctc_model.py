"""The CTC model: what it takes as features, what it gives, and damaged folders."""

import numpy as np
import pytest
import torch

from graphs.errors import InputError
from hybrid.align.ctc_model import CtcModel
from hybrid.nn.model_folder import write_description, write_priors
from hybrid.nn.tdnn import TdnnOptions
from hybrid.nn.tensor_file import write_tensors

DIM, TOKENS, SUBSAMPLING = 5, 4, 3


@pytest.fixture
def folder(tmp_path):
    """An untrained model and, as averaged weights, another one."""
    options = TdnnOptions(hidden_dim=6, dilations=(1, 1))
    for seed, name in enumerate(("best", "averaged")):
        torch.manual_seed(seed)
        write_tensors(tmp_path / f"{name}.safetensors", options.build(DIM, TOKENS, SUBSAMPLING).state_dict())
    write_priors(tmp_path, torch.tensor([0.4, 0.3, 0.2, 0.1]).log())
    write_description(tmp_path, options, DIM, TOKENS, SUBSAMPLING, frame_shift=0.02, checkpoint="best")
    return tmp_path


def test_a_model_is_what_its_folder_says(folder):
    model = CtcModel.load(folder)
    assert (model.num_tokens, model.subsampling_factor, model.feature_dim, model.frame_shift) == (4, 3, 5, 0.02)
    assert torch.allclose(model.log_priors.exp(), torch.tensor([0.4, 0.3, 0.2, 0.1]))
    features = torch.randn(7, DIM)
    found = model.log_posteriors(features)
    assert found.shape == (3, TOKENS) and found.dtype == torch.float32 and not found.requires_grad
    assert torch.allclose(found.exp().sum(1), torch.ones(3), atol=1e-5)
    logits, _ = model.network(features[None], torch.tensor([7]))
    assert torch.equal(found, logits[0].log_softmax(1))
    assert torch.equal(model.log_posteriors(features.numpy()), found)
    assert CtcModel(model.network, model.log_priors, DIM).frame_shift == 0.01
    assert not torch.equal(CtcModel.load(folder, "averaged").log_posteriors(features), found)


@pytest.mark.parametrize("features, message", [
    (torch.zeros(7, DIM + 1), "expected 5 coefficients a frame, found 6"), (torch.zeros(7, DIM - 1), "found 4"),
    (torch.zeros(DIM), "floats"), (torch.zeros(1, 7, DIM), "floats"), (torch.zeros(0, DIM), "at least one frame"),
    (np.zeros((7, DIM), int), "floats"), (torch.full((7, DIM), float("nan")), "finite"),
])
def test_other_features_are_refused(folder, features, message):
    with pytest.raises(InputError, match=message):
        CtcModel.load(folder).log_posteriors(features)


def test_priors_that_do_not_fit_are_refused(folder):
    (folder / "priors.safetensors").unlink()
    with pytest.raises(InputError, match="a model with priors.safetensors"):
        CtcModel.load(folder)
    for bad, message in ((torch.zeros(3), r"4 finite log priors, found shape \[3\]"),
                         (torch.full((4,), float("nan")), "some not finite")):
        write_priors(folder, bad)
        write_description(folder, TdnnOptions(hidden_dim=6, dilations=(1, 1)), DIM, TOKENS, SUBSAMPLING,
                          frame_shift=0.02, checkpoint="best")
        with pytest.raises(InputError, match=message):
            CtcModel.load(folder)
