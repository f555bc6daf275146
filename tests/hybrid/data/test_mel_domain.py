"""Cepstra and the mel energies that they stand for: transforms written out, warps by interpolation."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from hybrid.data.mel_domain import MelDomain
from hybrid.data.transforms import SpecAugment, SpecAugmentOptions
from tests.reference import kaldi_features


@pytest.mark.parametrize("cepstra_of, lifter", [(0, 0.0), (40, 0.0), (23, 22.0)])
def test_there_and_back_changes_nothing(cepstra_of, lifter):
    std = torch.rand(13) + 0.5
    domain = MelDomain(13, cepstra_of, lifter, std)
    features = torch.randn(7, 3, 13)
    assert torch.allclose(domain.from_mel(domain.to_mel(features)), features, atol=1e-4)


def test_cepstra_of_sphinx_are_the_cosine_transform_of_mel_energies():
    """Against scipy's DCT, divided by the filters as in fe_spec2cep of sphinxbase (which counts the first one half);
    13 of 13 bins lose nothing."""
    from scipy.fft import dct
    energies = np.random.default_rng(0).normal(size=(5, 13))
    sphinx = torch.tensor(dct(energies, type=2, norm=None) / 2 / 13, dtype=torch.float32)
    assert torch.allclose(MelDomain(13, 13).to_mel(sphinx), torch.tensor(energies, dtype=torch.float32), atol=1e-4)
    assert torch.allclose(MelDomain(13, 13).from_mel(torch.ones(13)), torch.eye(13)[0], atol=1e-6)


def test_mfcc_are_made_of_mel_energies():
    samples = 1000 * np.random.default_rng(0).normal(size=640)
    energies, _ = kaldi_features.fbank(samples, 8000, 15)
    mfcc = kaldi_features.mfcc(samples, 8000, 15, 6)
    std = torch.arange(1, 7) / 2.0
    reader = SimpleNamespace(info={"kind": "mfcc"}, base_dim=6, typical_std=lambda: std, sampling_rate=8000)
    domain = MelDomain.of(reader, 15)
    assert domain.num_bins == 15
    np.testing.assert_allclose(domain.from_mel(torch.tensor(energies).float()) * std, mfcc, atol=1e-3)
    reader.info["kind"] = "ready"  # no liftering
    basis = np.cos(math.pi / 15 * np.arange(6)[:, None] * (np.arange(15) + 0.5)) / 15
    np.testing.assert_allclose(MelDomain.of(reader, 15).from_mel(torch.eye(15)) * std, basis.T, atol=1e-6)
    energies = torch.rand(2, 6)  # fbank: only the deviation counts
    reader.info["kind"] = "fbank"
    assert torch.allclose(MelDomain.of(reader).from_mel(energies), energies / std)


@pytest.mark.parametrize("rate, bins", [(16000, 40), (8000, 23), (8000, 2)])
@pytest.mark.parametrize("factor", [0.5, 0.9, 1.0, 1.1, 1.5])
def test_warps_by_interpolation(rate, bins, factor):
    """Filters are 100 Hz to 0.43 of the sampling rate, evenly on the mel scale."""
    mels = np.linspace(kaldi_features.mel(100.0), kaldi_features.mel(0.43 * rate), bins)
    warped = [kaldi_features.mel(700 * (math.exp(m / 1127) - 1) * factor) for m in mels]
    energies = np.stack([np.arange(bins), np.random.default_rng(0).normal(size=bins)])
    expected = [np.interp(warped, mels, row) for row in energies]
    reader = SimpleNamespace(info={"kind": "fbank"}, base_dim=bins, typical_std=lambda: None, sampling_rate=rate)
    made = MelDomain.of(reader).warp(torch.tensor(energies, dtype=torch.float32)[None], factor)
    np.testing.assert_allclose(made[0], expected, atol=3e-4)


def test_audio_is_of_16_kilohertz_where_nothing_else_is_said():
    energies = torch.arange(40.0) ** 2
    assert MelDomain(40).warp(energies, 1.1).equal(MelDomain(40, sampling_rate=16000).warp(energies, 1.1))


def test_one_bin_has_no_other_frequency():
    for factor in (0.8, 1.0, 1.2):
        assert MelDomain(1).warp(torch.tensor([[3.0], [5.0]]), factor).tolist() == [[3.0], [5.0]]


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
