import pytest
import torch

from hybrid.data.cmvn import GLOBAL, CmvnStats, normalise, normalise_utterance
from hybrid.data.transforms import SpecAugment, SpecAugmentOptions, add_deltas, seed_of, splice
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


@pytest.mark.parametrize("bad", [{"time_masks": -1}, {"max_time_share": 1.5}, {"max_frequency_share": -0.1}])
def test_options_out_of_range(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        SpecAugmentOptions(**bad)
