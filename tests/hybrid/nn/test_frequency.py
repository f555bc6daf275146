"""Maps of time and frequency: cepstra become mel energies, blocks of deltas channels."""

from types import SimpleNamespace

import pytest
import torch

from graphs.errors import InputError
from hybrid.data.mel_domain import MelDomain
from hybrid.nn.cnn_tdnn import CnnTdnnOptions
from hybrid.nn.frequency import FilterOptions, FrequencyFrontEnd, MapOptions, MelMaps, fit_to_features


def features_of(kind="ready", base_dim=4, blocks=2, std=None):
    return SimpleNamespace(base_dim=base_dim, dim=base_dim * blocks, info={"kind": kind}, sampling_rate=16000,
                           typical_std=lambda: std)


@pytest.mark.parametrize("kind, lifter", [("ready", 0.0), ("mfcc", 22.0)])
def test_maps_are_the_mel_energies_that_the_cepstra_came_from(kind, lifter):
    std = torch.tensor([1.0, 0.5, 2.0, 3.0])
    maps = MelMaps(8, 6, 2).eval()
    maps.fit(features_of(kind, std=std))
    domain = MelDomain(4, 6, lifter, std)
    cepstra = torch.randn(3, 5, 2, 4)
    energies = maps(cepstra.flatten(2), torch.tensor([5, 5, 2]))
    assert energies.shape == (3, 2, 5, 6)
    expected = domain.to_mel(cepstra).transpose(1, 2)
    assert torch.allclose(energies, expected / (1 + 1e-5) ** 0.5, atol=1e-4)
    assert torch.allclose(domain.from_mel(energies.transpose(1, 2)), cepstra, atol=1e-3)


def test_mixed_precision_does_not_reach_the_way_back_from_cepstra():
    """Terms of both signs that nearly cancel each other."""
    maps, x, lengths = MelMaps(8, 6, 2).eval(), 1000 + torch.randn(1, 5, 8), torch.tensor([5])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = maps(x, lengths)
    assert torch.allclose(mixed.float(), maps(x, lengths), rtol=1e-5)


def test_mel_energies_stay_as_they_are():
    x = torch.randn(2, 5, 8)
    energies = MelMaps(8, 0, 2).eval()(x, torch.tensor([5, 4]))
    assert energies.shape == (2, 2, 5, 4)
    assert torch.allclose(energies[:, 1, :, 2], x[:, :, 6], atol=1e-4)


def test_training_normalizes_every_frequency_of_every_channel_over_real_frames():
    x, lengths = 3 * torch.randn(2, 50, 8) + 1, torch.tensor([50, 20])
    energies = MelMaps(8, 0, 2).train()(x, lengths)
    real = torch.cat([energies[0], energies[1, :, :20]], dim=1)
    assert torch.allclose(real.mean(1), torch.zeros(2, 4), atol=1e-4)
    assert torch.allclose(real.std(1, unbiased=False), torch.ones(2, 4), atol=1e-3)


def test_how_the_features_were_made_is_kept_with_the_weights():
    options = CnnTdnnOptions(hidden_dim=6, dilations=(1,), cepstra_of=6, delta_blocks=2)
    model, other = options.build(8, 3), options.build(8, 3)
    before = model.front_end.maps.to_mel.clone()
    fit_to_features(model, features_of(std=torch.tensor([1.0, 0.5, 2.0, 3.0])))
    assert not torch.equal(model.front_end.maps.to_mel, before)
    other.load_state_dict(model.state_dict())
    assert torch.equal(other.front_end.maps.to_mel, model.front_end.maps.to_mel)
    assert "front_end.maps.to_mel" not in dict(model.named_parameters())


def test_other_blocks_than_those_of_the_features_are_refused():
    with pytest.raises(InputError, match="delta_blocks: expected a divisor of the 8 features, found 3"):
        MelMaps(8, 6, 3)
    with pytest.raises(InputError, match="delta_blocks: expected 2, as in the features, found 1"):
        fit_to_features(MelMaps(8, 6, 1), features_of())


def test_what_is_appended_to_the_features_is_no_block_of_deltas():
    """10 columns are two blocks of 4 features and 2 more of the speaker."""
    with pytest.raises(InputError) as error:
        fit_to_features(MelMaps(10, 0, 2), features_of())
    assert str(error.value) == "delta_blocks: expected 4 features in each, and nothing appended, found 5"


def test_convolutions_halve_the_frequencies_where_told():
    front_end = FrequencyFrontEnd(MelMaps(40), (3, 4, 5), (2, 1, 2)).eval()
    y, lengths = front_end(torch.randn(1, 40, 11), torch.tensor([11]))
    assert y.shape == (1, 5 * 10, 5) == (1, front_end.out_dim, 11 - 2 * front_end.context) and lengths.tolist() == [5]


def test_training_normalizes_each_filter_over_real_frames():
    torch.manual_seed(0)
    front_end, lengths = FrequencyFrontEnd(MelMaps(6), (2, 3), (2, 1)).train(), torch.tensor([19, 8])
    results = []
    for padding in (0, 5):
        x = torch.randn(2, 6, 19, generator=torch.Generator().manual_seed(1))
        y, left = front_end(torch.nn.functional.pad(x, (0, padding), value=7.0), lengths)
        real = torch.cat([y[row, :, :n].unflatten(0, (3, 3)) for row, n in enumerate(left)], dim=2)
        results.append(real)
        assert left.tolist() == [15, 4] and real.shape == (3, 3, 19)
        assert torch.allclose(real.mean((1, 2)), torch.zeros(3), atol=1e-5)
        assert torch.allclose(real.var((1, 2), unbiased=False), torch.ones(3), atol=1e-3)
    assert torch.allclose(*results, atol=1e-5)


def test_the_first_convolution_is_written_plainly():
    torch.manual_seed(0)
    front_end = FrequencyFrontEnd(MelMaps(6), (2,), (2,)).eval()
    x = torch.randn(1, 6, 5)
    y, _ = front_end(x, torch.tensor([5]))
    convolution, scale = front_end.convolutions[0], (1 + 1e-5) ** -0.5
    padded = torch.nn.functional.pad(x[0] * scale, (0, 0, 1, 1))  # of frequencies
    for channel in range(2):
        for i in range(3):
            for t in range(3):
                window = padded[2 * i:2 * i + 3, t:t + 3].T
                expected = (window * convolution.weight[channel, 0]).sum() + convolution.bias[channel]
                assert torch.allclose(y[0, 3 * channel + i, t], expected.relu() * scale, atol=1e-5)


@pytest.mark.parametrize("options, bad, message", [
    (FilterOptions, {"filters": ()}, "filters: expected numbers from 1 up, found ()"),
    (FilterOptions, {"filters": (4, 0)}, "filters: expected numbers from 1 up, found (4, 0)"),
    (FilterOptions, {"halve": (1,)}, "halve: expected 0 or 1 for each of 2 filters, found (1,)"),
    (FilterOptions, {"halve": (0, 2)}, "halve: expected 0 or 1 for each of 2 filters, found (0, 2)"),
    (FilterOptions, {"halve": (-1, 1)}, "halve: expected 0 or 1 for each of 2 filters, found (-1, 1)"),
    (FilterOptions, {"cepstra_of": -1}, "cepstra_of: expected at least 0, found -1"),
    (MapOptions, {"delta_blocks": 0}, "delta_blocks: expected at least 1, found 0")])
def test_options_that_make_no_maps_or_filters_are_named(options, bad, message):
    with pytest.raises(ValueError) as error:
        options(**bad)
    assert str(error.value) == message


def test_front_ends_are_those_of_the_options():
    front_end = FilterOptions(filters=(1, 4, 2), halve=(1, 0, 1), delta_blocks=2).front_end(14)  # of 7 frequencies
    assert (front_end.maps.channels, front_end.maps.num_bins, front_end.context, front_end.out_dim) == (2, 7, 3, 2 * 2)
    assert [(one.in_channels, one.out_channels, one.stride) for one in front_end.convolutions] == [
        (2, 1, (1, 2)), (1, 4, (1, 1)), (4, 2, (1, 2))]
    maps = MapOptions(cepstra_of=9, delta_blocks=2).maps(8)
    assert (maps.channels, maps.base_dim, maps.num_bins, maps.cepstra_of) == (2, 4, 9, 9)
