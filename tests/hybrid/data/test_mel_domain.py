import numpy as np
import pytest
import torch

from hybrid.data.mel_domain import MelDomain
from hybrid.data.transforms import SpecAugment, SpecAugmentOptions


@pytest.mark.parametrize("cepstra_of, lifter", [(0, 0.0), (40, 0.0), (23, 22.0)])
def test_there_and_back_changes_nothing(cepstra_of, lifter):
    std = torch.rand(13) + 0.5
    domain = MelDomain(13, cepstra_of, lifter, std)
    features = torch.randn(7, 3, 13)
    assert torch.allclose(domain.from_mel(domain.to_mel(features)), features, atol=1e-4)


def test_cepstra_are_the_cosine_transform_of_mel_energies():
    """Against scipy's DCT, up to the scale of Sphinx' transform; 13 of 13 bins lose nothing."""
    from scipy.fft import dct
    energies = np.random.default_rng(0).normal(size=(5, 13))
    sphinx = torch.tensor(dct(energies, type=2, norm=None) / 2, dtype=torch.float32)
    assert torch.allclose(MelDomain(13, 13).to_mel(sphinx), torch.tensor(energies, dtype=torch.float32), atol=1e-4)


def test_warping_moves_a_peak_up_or_down_and_one_is_no_warp():
    domain = MelDomain(40)
    energies = torch.exp(-(torch.arange(40.0) - 20) ** 2 / 8)[None]
    assert torch.allclose(domain.warp(energies, 1.0), energies, atol=1e-4)
    # output f takes its value from f * factor: a factor above one moves peaks down
    assert int(domain.warp(energies, 1.2).argmax()) < 20 < int(domain.warp(energies, 0.8).argmax())


def test_augmented_cepstra_keep_mean_and_shape_and_vary_with_the_epoch():
    options = SpecAugmentOptions(warp=0.1, cepstra_of=40, time_masks=0, frequency_masks=0)
    augment = SpecAugment(options, seed=1, num_blocks=3, domain=MelDomain(13, 40))
    features = torch.randn(50, 39)
    once, again, other = augment(features, 0, "u"), augment(features, 0, "u"), augment(features, 1, "u")
    assert torch.equal(once, again) and not torch.allclose(once, other)
    assert once.shape == features.shape and torch.allclose(once.mean(0), features.mean(0), atol=1e-4)
    # warping the deltas is the deltas of the warped
    assert torch.allclose(augment(torch.cat([features[:, :13]] * 3, 1), 0, "u")[:, :13], once[:, :13], atol=1e-4)


@pytest.mark.parametrize("bad", [{"warp": -0.1}, {"warp": 0.9}, {"cepstra_of": -1}])
def test_bad_options(bad):
    with pytest.raises(ValueError):
        SpecAugmentOptions(**bad)
