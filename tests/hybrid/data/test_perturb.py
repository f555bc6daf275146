"""Perturbations of features: planted ramps and runs, and what each leaves alone."""

import math
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.fft import dct

from hybrid.data.mel_domain import MelDomain
from hybrid.data.perturb import ChannelOffset, FeatureNoise, PerturbOptions, Tempo, augmentation
from hybrid.data.transforms import SpecAugment, SpecAugmentOptions, add_deltas, seed_of
from hybrid.training.chunks import ChunkBatches
from hybrid.training.losses import IGNORED, FrameCrossEntropy
from tests.hybrid.training.test_chunks import Features


def _noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_a_ramp_stays_a_ramp_of_another_slope():
    tempo = Tempo(0.3)
    ramp = torch.arange(100.0)[:, None]
    for epoch in range(20):
        faster = tempo(ramp, epoch, "u")
        factor = 100 / len(faster)
        expected = (torch.arange(len(faster)) + 0.5) * factor - 0.5
        assert torch.allclose(faster[:, 0], expected.clamp(0, 99), atol=1e-4)


@pytest.mark.parametrize("frames", [0, 1, 2, 3, 10, 77, 1000])
def test_features_and_sources_go_together(frames):
    tempo = Tempo(0.5, seed=4)
    for epoch in range(30):
        sources = tempo.sources(frames, epoch, "u")
        count = tempo.num_frames(frames, epoch, "u")
        values = tempo(torch.arange(float(frames))[:, None], epoch, "u")
        assert len(sources) == len(values) == count and sources.dtype == torch.int64
        assert (values[:, 0] - sources).abs().max() <= 0.5 if frames else count == 0
        assert not frames or 0 <= sources.min() <= sources.max() <= frames - 1
        assert frames / 1.5 - 0.5 <= count <= frames / 0.5 + 0.5


def test_runs_keep_their_order_and_their_share():
    runs = np.repeat([5, 2, 5, 7], [20, 40, 10, 30])
    for epoch in range(20):
        stretched = runs[Tempo(0.2).sources(100, epoch, "u").numpy()]
        starts = np.flatnonzero(np.diff(stretched)) + 1
        assert stretched[[0, *starts]].tolist() == [5, 2, 5, 7]
        assert np.abs(starts * 100 / len(stretched) - [20, 60, 70]).max() <= 1


def test_factors_fill_the_range_evenly():
    counts = torch.tensor([Tempo(0.1).num_frames(10000, epoch, "u") for epoch in range(2000)], dtype=torch.float64)
    factors = 10000 / counts
    assert 0.9 <= factors.min() < 0.905 and 1.095 < factors.max() <= 1.1001
    assert abs(factors.mean() - 1) < 0.005 and abs(factors.std() - 0.2 / math.sqrt(12)) < 0.003


def test_tempo_depends_on_seed_epoch_and_utterance_alone():
    counts = [Tempo(0.1, seed).num_frames(10**6, epoch, u)
              for seed, epoch, u in ((1, 0, "a"), (1, 0, "a"), (1, 1, "a"), (2, 0, "a"), (1, 0, "b"))]
    assert counts[0] == counts[1] and len(set(counts)) == 4
    assert Tempo(0.1).num_frames(10**6, 0, "a") == Tempo(0.1, 0).num_frames(10**6, 0, "a")


def test_no_change_of_tempo_changes_nothing():
    features = _noise(50, 3)
    assert Tempo(0.0)(features, 0, "u").equal(features)
    assert Tempo(0.0).sources(50, 0, "u").tolist() == list(range(50))


def test_frames_by_hand():
    tempo = Tempo(0.5)
    slower, faster = (next(e for e in range(200) if tempo.num_frames(4, e, "u") == count) for count in (6, 3))
    features = torch.tensor([[0.0, 1.0], [6.0, 1.0], [12.0, 1.0], [0.0, 7.0]], dtype=torch.float64)
    assert torch.allclose(tempo.positions(4, slower, "u"), torch.tensor([0, 3, 7, 11, 15, 18]).double() / 6)
    assert torch.allclose(tempo(features, slower, "u"), torch.tensor(
        [[0, 1], [3, 1], [7, 1], [11, 1], [6, 4], [0, 7]], dtype=torch.float64))
    assert tempo.sources(4, slower, "u").tolist() == [0, 1, 1, 2, 3, 3]  # of two as near the later one
    assert torch.allclose(tempo.positions(4, faster, "u"), torch.tensor([1, 9, 17]).double() / 6)
    assert tempo.sources(4, faster, "u").tolist() == [0, 2, 3]
    for deltas in (0, 2):
        assert Tempo(0.5, base_dim=3, deltas=deltas)(torch.zeros(0, 9), 0, "u").shape == (0, 9)


def test_deltas_are_derived_anew_and_other_columns_resampled():
    features = torch.cat([add_deltas(_noise(60, 4), 2), torch.full((60, 2), 3.0)], dim=1)
    tempo = Tempo(0.2, base_dim=4, deltas=2)
    result = tempo(features, 1, "u")
    assert len(result) != 60 and result.shape[1] == 14
    assert torch.allclose(result[:, :12], add_deltas(Tempo(0.2)(features, 1, "u")[:, :4], 2))
    assert result[:, 12:].eq(3).all()
    plain = Tempo(0.2)(features, 1, "u")
    assert Tempo(0.2, base_dim=4)(features, 1, "u").equal(plain)  # no deltas, or not known which
    assert Tempo(0.2, deltas=2)(features, 1, "u").equal(plain)


def test_an_utterance_keeps_the_frames_it_needs():
    for least, expected in ((98, 98), (500, 100)):
        tempo = Tempo(0.5, least_frames={"u": least})
        counts = [tempo.num_frames(100, epoch, "u") for epoch in range(50)]
        assert min(counts) == expected and max(counts) > 120
    assert min(Tempo(0.5, least_frames={"u": 98}).num_frames(100, epoch, "v") for epoch in range(50)) < 90


def test_the_tempo_of_an_utterance_is_drawn_from_its_seed():
    tempo, share = Tempo(0.3, seed=7), seed_of(7, "tempo", 2, "u") / 2**63
    assert tempo.num_frames(100000, 2, "u") == round(100000 / (0.7 + 0.6 * share))


@pytest.mark.parametrize("options", [{"tempo": 0.5}, {"channel": 40.0}, {"noise": 0.999}, {}])
def test_options_at_their_bounds(options):
    made = PerturbOptions(**options)
    assert Tempo(made.tempo).largest == made.tempo


@pytest.mark.parametrize("largest", [-0.1, 0.6, float("nan")])
def test_tempo_out_of_range(largest):
    with pytest.raises(ValueError, match="largest"):
        Tempo(largest)
    with pytest.raises(ValueError, match="tempo"):
        PerturbOptions(tempo=largest)


@pytest.mark.parametrize("bad", [{"channel": -1.0}, {"channel": 41.0}, {"noise": -0.1}, {"noise": 1.0}])
def test_options_out_of_range(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        PerturbOptions(**bad)


def test_targets_follow_the_tempo():
    tempo = Tempo(0.5, seed=1)
    epoch = next(e for e in range(100) if tempo.num_frames(4, e, "a") == 6)
    batch = SimpleNamespace(utterance_ids=["a", "b"], lengths=torch.tensor([6, 2]),
                            sources=[tempo.sources(4, epoch, "a"), torch.tensor([0, 3])])
    targets = FrameCrossEntropy({"a": np.array([7, 8, 9]), "b": np.array([1, 2, 3, 4])}).targets(batch, 6)
    x = IGNORED  # the alignment is one frame short
    assert targets.tolist() == [[7, 8, 8, 9, x, x], [1, 4, x, x, x, x]]


def test_chunks_of_another_tempo_cover_it_once():
    features = Features({"a": torch.arange(50.0)[:, None], "b": torch.arange(23.0)[:, None]})
    tempo = Tempo(0.3, seed=2)
    batches = ChunkBatches(features, list(features), 10, 3, 40, tempo=tempo)
    objective = FrameCrossEntropy({u: np.arange(len(f)) for u, f in features.items()})
    for epoch in range(3):
        seen = {u: [] for u in features}
        for batch in batches.batches(epoch):
            targets = objective.targets(batch, batch.features.shape[1])
            counted = targets != IGNORED
            assert (batch.features[:, :, 0] - targets)[counted].abs().max() <= 0.5
            for row, utterance_id in enumerate(batch.utterance_ids):
                seen[utterance_id] += targets[row][counted[row]].tolist()
        for utterance_id, frames in features.items():
            assert sorted(seen[utterance_id]) == tempo.sources(len(frames), epoch, utterance_id).tolist()


@pytest.mark.parametrize("transform", [ChannelOffset(3.0, 1, MelDomain(20)), FeatureNoise(0.2, 1)])
def test_transforms_depend_on_epoch_and_utterance_and_leave_the_original(transform):
    features = _noise(30, 20)
    first = transform(features, 0, "a")
    torch.manual_seed(99)
    assert first.equal(transform(features, 0, "a")) and features.equal(_noise(30, 20))
    others = [transform(features, 1, "a"), transform(features, 0, "b"), features]
    assert not any(first.equal(other) for other in others)


def test_seeds_of_transforms():
    features = _noise(30, 20)
    assert not FeatureNoise(0.2, 1)(features, 0, "a").equal(FeatureNoise(0.2, 2)(features, 0, "a"))
    channels = [ChannelOffset(3.0, seed, MelDomain(20))(features, 0, "a") for seed in (1, 2)]
    assert not channels[0].equal(channels[1])


def test_a_channel_is_one_smooth_offset_of_the_size_asked_for():
    channel = ChannelOffset(6.0, 1, MelDomain(40))
    features = _noise(30, 40 * 2)
    offsets = torch.stack([channel(features, epoch, "u") - features for epoch in range(2000)])
    assert torch.allclose(offsets, offsets[:, :1].expand_as(offsets), atol=1e-5)  # the same in every frame
    assert offsets[:, :, 40:].eq(0).all()  # none on the deltas
    decibels = offsets[:, 0, :40] * 10 / math.log(10)
    assert decibels.square().mean().sqrt() == pytest.approx(6.0, rel=0.05)
    assert decibels.mean().abs() < 0.3
    assert decibels.diff(dim=1).square().mean().sqrt() < 1.0  # neighbours are alike


def test_a_channel_is_a_sum_of_four_cosines_of_equal_variance():
    channel = ChannelOffset(5.0, 1, MelDomain(30))
    offsets = np.concatenate([channel(torch.zeros(1, 30), epoch, "u").numpy() for epoch in range(2000)])
    heights = dct(offsets.astype(np.float64), type=2, axis=1) / [60, *[30] * 29]  # b(x) = sum of height k * cos(pi k x)
    assert np.abs(heights[:, 4:]).max() < 1e-5
    decibels = heights[:, :4] * 10 / math.log(10)
    assert np.allclose(decibels.std(axis=0), 5.0 / math.sqrt(1 + 3 / 2), rtol=0.06)
    assert np.sqrt(np.mean(decibels ** 2) * 2.5) == pytest.approx(5.0, rel=0.025)
    assert np.abs(np.corrcoef(decibels.T) - np.eye(4)).max() < 0.1


def test_a_channel_on_cepstra_is_that_of_their_mel_energies():
    energies, mels, cepstra = _noise(10, 13), MelDomain(13), MelDomain(13, 13)
    by_energies = ChannelOffset(6.0, 1, mels)(energies, 0, "u")
    by_cepstra = ChannelOffset(6.0, 1, cepstra)(cepstra.from_mel(energies), 0, "u")
    assert torch.allclose(cepstra.to_mel(by_cepstra), by_energies, atol=1e-4)


def test_noise_is_in_proportion_to_each_feature():
    features = _noise(20000, 2) * torch.tensor([1.0, 50.0])
    added = FeatureNoise(0.1, 0)(features, 0, "u") - features
    assert torch.allclose(added.std(0), torch.tensor([0.1, 5.0]), rtol=0.05)
    assert FeatureNoise(0.1, 0)(features[:1], 0, "u").equal(features[:1])


def test_blanks_come_last_and_nothing_by_default():
    reader = SimpleNamespace(info={"kind": "fbank", "deltas": 0}, base_dim=20, dim=20, sampling_rate=16000,
                             typical_std=lambda: None)

    class Options(SpecAugmentOptions, PerturbOptions):
        spec_augment = True

    options = Options()
    assert [type(t) for t in augmentation(options, 0, reader)] == [SpecAugment]
    assert Tempo.for_features(options, 0, reader) is None
    object.__setattr__(options, "channel", 2.0)
    object.__setattr__(options, "noise", 0.1)
    object.__setattr__(options, "tempo", 0.1)
    made = augmentation(options, 5, reader)
    assert [type(t) for t in made] == [ChannelOffset, FeatureNoise, SpecAugment]
    assert {t.seed for t in made} == {5} and Tempo.for_features(options, 5, reader).seed == 5
    Options.spec_augment = False
    assert len(augmentation(options, 5, reader)) == 2


def test_transforms_and_tempo_are_made_for_the_features_read():
    reader = SimpleNamespace(info={"kind": "mfcc", "deltas": 2}, base_dim=13, dim=39, sampling_rate=8000,
                             typical_std=lambda: torch.full((13,), 2.0))

    @dataclass(frozen=True)
    class Options(SpecAugmentOptions, PerturbOptions):
        spec_augment: bool = False

    features, least = _noise(40, 39), {"u": 40}
    [channel] = augmentation(Options(channel=0.3, cepstra_of=23), 5, reader)
    expected = ChannelOffset(0.3, 5, MelDomain(13, 23, 22.0, torch.full((13,), 2.0), 8000))
    assert channel(features, 1, "u").equal(expected(features, 1, "u"))
    [noisy] = augmentation(Options(noise=0.3), 5, reader)
    assert noisy(features, 1, "u").equal(FeatureNoise(0.3, 5)(features, 1, "u"))
    tempo = Tempo.for_features(Options(tempo=0.4), 5, reader, least)
    for epoch in range(10):
        assert tempo(features, epoch, "u").equal(Tempo(0.4, 5, 13, 2, least)(features, epoch, "u"))
