from types import SimpleNamespace

import numpy as np
import pytest
import torch

from hybrid.data.cmvn import GLOBAL, CmvnStats, normalise, normalise_utterance
from hybrid.data.mel_domain import MelDomain
from hybrid.data.transforms import SpecAugment, SpecAugmentOptions, add_deltas, delta_windows, seed_of, splice
from tests.reference import kaldi_features


@pytest.mark.parametrize("num_frames", [1, 2, 3, 7, 30])
@pytest.mark.parametrize("order", [0, 1, 2])
def test_deltas_are_kaldis(num_frames, order):
    features = torch.randn(num_frames, 4, generator=torch.Generator().manual_seed(num_frames))
    expected = kaldi_features.deltas(features.double().numpy(), order)
    assert torch.allclose(add_deltas(features, order).double(), torch.from_numpy(expected), atol=1e-5)


def test_deltas_of_a_ramp():
    ramp = 3.0 * torch.arange(20.0)[:, None]
    with_deltas = add_deltas(ramp, 2)
    assert torch.allclose(with_deltas[4:-4], torch.cat([ramp, 3 + 0 * ramp, 0 * ramp], 1)[4:-4], atol=1e-5)


def test_filters_of_deltas_by_hand():
    first = (-0.2, -0.1, 0.0, 0.1, 0.2)
    second = (0.04, 0.04, 0.01, -0.04, -0.1, -0.04, 0.01, 0.04, 0.04)
    for order in (0, 1, 2):
        for made, expected in zip(delta_windows(order), ((1.0,), first, second)):
            assert made == pytest.approx(expected, abs=1e-12)
        assert len(delta_windows(order)) == order + 1
    assert delta_windows(1, window=1) == ((1.0,), (-0.5, 0.0, 0.5))


def test_deltas_of_a_window_of_one_and_of_nothing():
    squares = (torch.arange(5.0) ** 2)[:, None].double()
    assert add_deltas(squares, 2, window=1).T.tolist() == [
        [0, 1, 4, 9, 16], [0.5, 2, 4, 6, 3.5], [1, 1.75, 2, -0.25, -3]]
    assert add_deltas(squares).equal(add_deltas(squares, 2, window=2))
    assert add_deltas(squares, 2).dtype == torch.float64 and add_deltas(squares, 0).equal(squares)
    assert add_deltas(torch.zeros(0, 3), 2).shape == splice(torch.zeros(0, 3), 1, 1).shape == (0, 9)


def test_splice_repeats_the_edges():
    frames = torch.arange(4.0)[:, None]
    assert splice(frames, 1, 2).tolist() == [[0, 0, 1, 2], [0, 1, 2, 3], [1, 2, 3, 3], [2, 3, 3, 3]]
    assert splice(torch.arange(4.0).view(2, 2), 1, 0).tolist() == [[0, 1, 0, 1], [0, 1, 2, 3]]


def test_cmvn_sums_and_their_file(tmp_path):
    generator = torch.Generator().manual_seed(0)
    parts = [torch.randn(n, 3, generator=generator) * 4 + 2 for n in (10, 25)]
    stats = CmvnStats(3)
    for part in parts:
        stats.add("anna", part)
    stats.add("ben", torch.zeros(5, 3))
    stats.write(tmp_path / "cmvn.json")
    read = CmvnStats.read(tmp_path / "cmvn.json")
    normal = normalise(torch.cat(parts), *read.shift_and_scale("anna"), variance=True)
    assert normal.mean(0).abs().max() < 1e-6
    assert (normal.std(0, unbiased=False) - 1).abs().max() < 1e-5
    centred = normalise(torch.cat(parts), *read.shift_and_scale("anna"), variance=False)
    assert torch.allclose(centred, torch.cat(parts) - torch.cat(parts).mean(0), atol=1e-5)
    everything = torch.cat([*parts, torch.zeros(5, 3)])
    assert torch.allclose(read.shift_and_scale(GLOBAL)[0], everything.mean(0), atol=1e-6)


def test_a_constant_feature_becomes_zero_and_no_nan():
    features = torch.cat([torch.full((50, 1), 1000.0), torch.randn(50, 1)], dim=1)
    assert normalise_utterance(features, variance=True)[:, 0].abs().max() == 0
    assert torch.isfinite(normalise_utterance(features[:1], variance=True)).all()


def test_specaugment_blanks_spans_with_the_mean():
    options = SpecAugmentOptions(time_masks=1, max_time_frames=20, max_time_share=1.0, frequency_masks=0)
    features = torch.randn(200, 10, generator=torch.Generator().manual_seed(0))
    blanked = SpecAugment(options, seed=3)(features, 0, "u7")
    changed = (blanked != features).any(dim=1).nonzero().flatten()
    assert 0 < len(changed) <= 20 and changed[-1] - changed[0] == len(changed) - 1
    assert torch.allclose(blanked[changed], features.mean(0).expand(len(changed), -1))
    assert features.equal(torch.randn(200, 10, generator=torch.Generator().manual_seed(0)))  # left alone


def test_specaugment_blanks_a_band_in_every_delta_block():
    options = SpecAugmentOptions(time_masks=0, frequency_masks=1, max_frequency_share=0.5)
    features = torch.randn(50, 30, generator=torch.Generator().manual_seed(0))
    augment = SpecAugment(options, num_blocks=3)
    for epoch in range(5):
        changed = (augment(features, epoch, "u") != features).any(dim=0).view(3, 10)
        assert changed[0].equal(changed[1]) and changed[0].equal(changed[2]) and changed[0].sum() <= 5


def test_specaugment_depends_on_seed_epoch_and_utterance_alone():
    features = torch.randn(100, 20, generator=torch.Generator().manual_seed(0))
    augment = SpecAugment(SpecAugmentOptions(), seed=1)
    first = augment(features, 0, "a")
    torch.manual_seed(99)
    assert first.equal(augment(features, 0, "a"))
    others = [augment(features, 1, "a"), augment(features, 0, "b"),
              SpecAugment(SpecAugmentOptions(), seed=2)(features, 0, "a")]
    assert not any(first.equal(other) for other in others)


def test_specaugment_bounds_of_spans():
    options = SpecAugmentOptions(time_masks=1, max_time_frames=1000, max_time_share=0.1, frequency_masks=0)
    features = torch.randn(100, 2, generator=torch.Generator().manual_seed(0))
    blanked = [int((SpecAugment(options)(features, e, "u") != features).any(1).sum()) for e in range(100)]
    assert max(blanked) == 10 and min(blanked) == 0


def test_seeds_are_the_same_everywhere():
    assert seed_of(1, 2, "ü") == seed_of(1, 2, "ü") == 2713448487754915735
    assert seed_of(1, 23) != seed_of(12, 3)


@pytest.mark.parametrize("bad", [
    {"time_masks": -1}, {"max_time_share": 1.5}, {"max_time_share": -0.1}, {"max_frequency_share": -0.1},
    {"max_frequency_share": 1.1}, {"max_time_frames": -1}, {"frequency_masks": -1}, {"cepstra_of": -1},
    {"warp": -0.1}, {"warp": 0.51}])
def test_options_out_of_range(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        SpecAugmentOptions(**bad)


@pytest.mark.parametrize("options", [
    {"warp": 0.5}, {"cepstra_of": 0}, {"time_masks": 0, "frequency_masks": 0}, {"max_time_frames": 0},
    {"max_time_share": 0.0, "max_frequency_share": 0.0}, {"max_time_share": 1.0, "max_frequency_share": 1.0}])
def test_options_at_their_bounds(options):
    SpecAugmentOptions(**options)


def blanked(options, features, number, num_blocks=1, domain=None):
    """For each of a number of epochs, where features were changed, which is where they are the mean."""
    augment, mean = SpecAugment(SpecAugmentOptions(**options), 0, num_blocks, domain), features.mean(dim=0)
    for epoch in range(number):
        changed = augment(features, epoch, "u")
        where = (changed - features).abs() > 1e-4
        assert torch.allclose(changed, torch.where(where, mean, features), atol=1e-4)
        yield where


def plain(*shape):
    """Roots of whole numbers, none of which is the mean of its column."""
    return torch.arange(float(shape[0])).sqrt()[:, None] + torch.arange(float(shape[1]))


def spans_of(where):
    """(first, last + 1) of every run of True."""
    edges = torch.cat([torch.zeros(1), where.float(), torch.zeros(1)]).diff()
    return tuple(zip(edges.eq(1).nonzero().flatten().tolist(), edges.eq(-1).nonzero().flatten().tolist()))


@pytest.mark.parametrize("domain", [None, MelDomain(7)])
@pytest.mark.parametrize("num_blocks", [1, 2])
def test_every_span_up_to_the_longest_and_every_band_up_to_the_widest(domain, num_blocks):
    features, no_band, no_span = plain(7, 7 * num_blocks), {"frequency_masks": 0}, {"time_masks": 0}
    expected = {(), *(((first, end),) for first in range(7) for end in range(first + 1, min(first + 3, 7) + 1))}
    times = {**no_band, "max_time_frames": 3, "max_time_share": 0.99}
    shares = {**no_band, "max_time_frames": 30, "max_time_share": 0.43}  # 3.01 of 7
    for options in (times, shares):
        found = list(blanked(options, features, 300, num_blocks, domain))
        assert all(where.all(dim=1).equal(where.any(dim=1)) for where in found)
        assert {spans_of(where[:, 0]) for where in found} == expected
    found = list(blanked({**no_span, "max_frequency_share": 0.43}, features, 300, num_blocks, domain))
    assert {spans_of(where[0, :7]) for where in found} == expected
    assert all(where.equal(where[:1, :7].repeat(7, num_blocks)) for where in found)


def test_all_lengths_are_as_likely():
    for options, features, number in (({"time_masks": 0, "max_frequency_share": 1.0}, plain(2, 1), 2),
                                      ({"frequency_masks": 0, "max_time_share": 1.0, "max_time_frames": 3},
                                       plain(3, 1)[[0, 2, 2]], 4)):
        found = [int(where.any(dim=1).sum()) for where in blanked(options, features, 600)]
        assert np.bincount(found)[0] == pytest.approx(600 / number, abs=60)


def test_so_many_spans_and_bands():
    spans = [spans_of(where[:, 0]) for where in blanked(
        {"time_masks": 3, "max_time_frames": 1, "max_time_share": 1.0, "frequency_masks": 0}, plain(30, 2), 200)]
    bands = [spans_of(where[0]) for where in blanked(
        {"time_masks": 0, "max_frequency_share": 0.04, "frequency_masks": 2}, plain(2, 30), 200)]
    for found, most in ((spans, 3), (bands, 2)):
        assert {len(one) for one in found} == set(range(most + 1))
    both = list(blanked({"max_time_frames": 2, "max_time_share": 1.0, "max_frequency_share": 0.5}, plain(9, 8), 50))
    assert any(where.any(0).all() and where.any(1).all() and not where.all() for where in both)


def test_nothing_is_blanked_where_a_share_is_no_frame_or_no_bin():
    little = {"max_time_share": 0.04, "max_frequency_share": 0.04}  # of 25: one
    assert not any(where.any() for where in blanked(little, plain(24, 24), 50))
    assert any(where.any() for where in blanked({**little, "frequency_masks": 0}, plain(25, 24), 50))
    assert any(where.any() for where in blanked({**little, "time_masks": 0}, plain(24, 25), 50))
    for domain in (None, MelDomain(6)):
        assert SpecAugment(SpecAugmentOptions(), 0, 2, domain)(torch.zeros(0, 12), 0, "u").shape == (0, 12)


def test_warps_are_drawn_evenly_up_to_the_largest():
    """The factor is read from features that are frequencies in hertz, and their negatives: the mean is 0."""
    domain = MelDomain(300)
    hertz = 700 * (torch.exp(torch.linspace(*(1127 * torch.tensor([100.0, 6880.0]).div(700).log1p()), 300) / 1127) - 1)
    augment = SpecAugment(SpecAugmentOptions(warp=0.2, time_masks=0, frequency_masks=0), 0, 1, domain)
    factors = torch.stack([augment(torch.stack([hertz, -hertz]), epoch, "u")[0] / hertz for epoch in range(600)])
    middle = factors[:, 100:200]
    assert (middle - middle[:, :1]).abs().max() < 1e-3
    assert 0.7999 <= middle.min() < 0.81 and 1.19 < middle.max() <= 1.2001
    assert abs(middle.mean() - 1) < 0.015 and abs(middle.std() - 0.4 / 12 ** 0.5) < 0.01


def test_seed_0_and_one_block_by_default():
    options, features = SpecAugmentOptions(max_frequency_share=0.5), plain(30, 12)
    for epoch in range(5):
        assert SpecAugment(options)(features, epoch, "u").equal(SpecAugment(options, 0, 1)(features, epoch, "u"))


def test_specaugment_is_made_for_the_features_read():
    reader = SimpleNamespace(info={"kind": "mfcc"}, base_dim=13, dim=39, sampling_rate=8000,
                             typical_std=lambda: torch.full((13,), 2.0))
    features = torch.randn(30, 39, generator=torch.Generator().manual_seed(0))
    cepstra, energies = MelDomain(13, 23, 22.0, torch.full((13,), 2.0), 8000), MelDomain(13, 0, 0.0, None, 8000)
    for options, domain in (({}, None), ({"warp": 0.1}, energies), ({"cepstra_of": 23}, cepstra),
                            ({"warp": 0.1, "cepstra_of": 23}, cepstra)):
        options = SpecAugmentOptions(**options, max_frequency_share=0.5)
        made = SpecAugment.for_features(options, 4, reader)
        expected = SpecAugment(options, 4, 3, domain)
        for epoch in range(3):
            assert torch.allclose(made(features, epoch, "u"), expected(features, epoch, "u"), atol=1e-4)
