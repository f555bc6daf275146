"""i-vectors: against a dense implementation, and on planted speakers."""

import logging
import math
from dataclasses import replace

import pytest
import torch

from graphs.errors import InputError
from hybrid.data.transforms import add_deltas
from hybrid.nn.tensor_file import write_tensors
from hybrid.speakers.ivectors import FILE, Extractor, IvectorOptions, Stats, extract, train
from tests.hybrid.speakers.material import Features, random_gaussians, sample

LOG = logging.getLogger("test")
C, F, D = 3, 4, 2


class Reader(Features):
    """Features that are stored as they are read."""

    info = {"deltas": 0}

    def raw(self, utterance_id):
        return self[utterance_id] + 1.0


def random_extractor(seed=0, weight=1.0):
    generator = torch.Generator().manual_seed(seed)
    return Extractor(random_gaussians(seed, num_pdfs=1, dim=F, components=C),
                     torch.randn(C, F, D, generator=generator, dtype=torch.float64), weight, False)


def test_stats_are_centred_sums():
    extractor, features = random_extractor(weight=0.5), torch.randn(20, F)
    stats = extractor.stats([features[:7], features[7:]])
    mixture = extractor.mixture
    scores = mixture.component_log_likelihoods(features, torch.zeros(20, dtype=torch.int64)).softmax(dim=1)
    assert torch.allclose(stats.counts, 0.5 * scores.sum(0)) and float(stats.counts.sum()) == pytest.approx(10.0)
    for c in range(C):
        expected = 0.5 * (scores[:, c, None] * (features - mixture.means[0, c])).sum(0)
        assert torch.allclose(stats.sums[c], expected)


def test_the_posterior_is_that_of_the_stacked_gaussian():
    """Naive: sums over frames are Gaussian given w, with everything stacked to vectors of C * F."""
    extractor = random_extractor(1)
    stats = extractor.stats([torch.randn(30, F)])
    T = extractor.directions.reshape(C * F, D)
    inverse = torch.diag(1 / extractor.mixture.variances[0].flatten())
    N = torch.diag(stats.counts.repeat_interleave(F))
    f = stats.sums.flatten()
    covariance = torch.linalg.inv(torch.eye(D).double() + T.T @ inverse @ N @ T)
    mean, found, gain = extractor.posterior(stats)
    assert torch.allclose(found, covariance) and torch.allclose(mean, covariance @ T.T @ inverse @ f)
    # the integral over w of exp(w' T' S^-1 f - w' T' S^-1 N T w / 2) N(w; 0, 1), on a grid
    grid = torch.cartesian_prod(*[torch.linspace(-8, 8, 801).double()] * D)
    A, b = T.T @ inverse @ N @ T, T.T @ inverse @ f
    inner = grid @ b - 0.5 * ((grid @ A) * grid).sum(1) - 0.5 * grid.square().sum(1) - D / 2 * math.log(2 * math.pi)
    assert gain == pytest.approx(float(inner.logsumexp(0) + 2 * math.log(16 / 800)), abs=1e-4)


def planted(speakers, seed=0, utterances=3, frames=150):
    """Each speaker's frames are moved along two directions, by amounts of the speaker."""
    gaussians = random_gaussians(seed, num_pdfs=5, dim=F)
    directions = torch.randn(2, F, generator=torch.Generator().manual_seed(seed)).double()
    amounts = 0.4 * torch.randn(len(speakers), 2, generator=torch.Generator().manual_seed(seed + 1)).double()
    reader = Reader()
    for number, speaker in enumerate(speakers):
        for utterance in range(utterances):
            x, _ = sample(gaussians, frames, 100 * number + utterance)
            reader[f"{speaker}-{utterance}"] = (x + amounts[number] @ directions).float()
    return reader, amounts


def test_em_raises_the_likelihood_and_separates_planted_speakers(caplog):
    names = [f"s{n}" for n in range(12)]
    reader, amounts = planted(names)
    options = IvectorOptions(dim=D, components=8, rounds=6, raw=False, frame_weight=1.0)
    with caplog.at_level(logging.INFO):
        extractor = train(reader, options, LOG)
    totals = [float(record.getMessage().split()[-1]) for record in caplog.records]
    assert len(totals) == 6 and totals == sorted(totals) and totals[-1] > totals[0]
    table = extract(reader, extractor)
    assert table.space == extractor.space() and table.speakers == names
    vectors = torch.stack([table[name]["vector"] for name in names]).double()
    # linear in the amounts that were planted
    with_one = torch.cat([vectors, torch.ones(12, 1)], dim=1)
    rest = amounts - with_one @ torch.linalg.lstsq(with_one, amounts).solution
    assert rest.square().sum() < 0.05 * amounts.square().sum()
    # halves of a speaker are nearer to each other than to other speakers
    halves = [torch.stack([extractor.posterior(extractor.stats([reader[f"{name}-{part}"]]))[0] for name in names])
              for part in (0, 1)]
    assert torch.cdist(*halves).argmin(dim=1).tolist() == list(range(12))


def test_features_are_raw_or_as_read_and_few_frames_say_little():
    reader, _ = planted(["a", "b"])
    raw = train(reader, IvectorOptions(dim=D, components=1, rounds=0), LOG)
    read = train(reader, IvectorOptions(dim=D, components=1, rounds=0, raw=False), LOG)
    assert torch.allclose(raw.mixture.means, read.mixture.means + 1.0, atol=1e-5)
    assert torch.allclose(extract(reader, raw)["a"]["vector"], extract(reader, read)["a"]["vector"], atol=1e-4)
    extractor = random_extractor(2)
    one = torch.randn(1, F)
    sizes = [float(Extractor(extractor.mixture, extractor.directions, weight, False).posterior(
        Extractor(extractor.mixture, extractor.directions, weight, False).stats([one] * 3))[0].norm())
        for weight in (1e-6, 0.01, 0.1)]
    assert sizes[0] < 1e-3 and sizes == sorted(sizes)


def test_an_extractor_comes_back_and_others_are_refused(tmp_path):
    extractor = random_extractor(3, weight=0.25)
    extractor.write(tmp_path)
    found = Extractor.read(tmp_path)
    assert found.space() == extractor.space() != random_extractor(4).space()
    assert (found.frame_weight, found.raw) == (0.25, False)
    stats = extractor.stats([torch.randn(9, F)])
    assert torch.equal(found.posterior(stats)[0], extractor.posterior(stats)[0])
    write_tensors(tmp_path / FILE, {"means": torch.zeros(1, 2, 3)})
    with pytest.raises(InputError, match="a mixture and directions"):
        Extractor.read(tmp_path)
    with pytest.raises(InputError, match="a folder of tools.estimate_ivectors"):
        Extractor.read(tmp_path / "none")


@pytest.mark.parametrize("bad", [{"dim": 0}, {"components": 0}, {"components": 12}, {"rounds": -1},
                                 {"frame_weight": 0.0}, {"variance_floor": -1.0}])
def test_options_out_of_range(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        IvectorOptions(**bad)


@pytest.mark.parametrize("weight", [0.5, 0.01])
def test_a_round_of_em_solves_for_the_directions_component_by_component(weight):
    """T_c = (sum of f_c E[w]') (sum of N_c E[w w'])^-1 over the items; one that no frame is near stays."""
    extractor = random_extractor(5)
    extractor.mixture.means[0, 2] = 1e3
    extractor = Extractor(extractor.mixture, extractor.directions, weight, True)
    items = [extractor.stats([torch.randn(20, F, generator=torch.Generator().manual_seed(n))]) for n in range(4)]
    improved, total = extractor.improved(items)
    posteriors = [extractor.posterior(stats) for stats in items]
    assert total == pytest.approx(sum(gain for *_, gain in posteriors))
    assert (sum(stats.counts[:2] for stats in items) > 0.01).all()  # a frame's, of the smaller weight
    for c in range(2):
        pulls = sum(torch.outer(stats.sums[c], mean) for stats, (mean, *_) in zip(items, posteriors))
        moments = sum(stats.counts[c] * (covariance + torch.outer(mean, mean))
                      for stats, (mean, covariance, _) in zip(items, posteriors))
        assert torch.allclose(improved.directions[c], pulls @ torch.linalg.inv(moments), atol=1e-6)
    assert torch.equal(improved.directions[2], extractor.directions[2])
    assert (improved.frame_weight, improved.raw) == (weight, True) and improved.mixture is extractor.mixture


def test_a_thousandth_of_a_frame_is_none():
    extractor = random_extractor(7)
    counts = torch.tensor([1e-3, 1.001e-3, 0.5], dtype=torch.float64)
    sums = torch.ones(C, F, dtype=torch.float64)
    improved, _ = extractor.improved([Stats(counts, sums)])
    assert [torch.equal(*pair) for pair in zip(improved.directions, extractor.directions)] == [True, False, False]


def test_first_directions_are_a_tenth_of_standard_deviations_and_the_log_tells_what_they_gain(caplog):
    reader, _ = planted(["a", "b"])
    options = IvectorOptions(dim=50, components=2, rounds=0, raw=False, frame_weight=0.3, seed=7)
    first = train(reader, options, LOG)
    scaled = first.directions / first.mixture.variances[0].sqrt()[:, :, None]
    assert first.mixture.num_pdfs == 1 and scaled.shape == (2, F, 50)
    assert float(scaled.std()) == pytest.approx(0.1, rel=0.1)
    assert abs(float(scaled.mean())) < 0.02 and (first.frame_weight, first.raw) == (0.3, False)
    assert torch.equal(train(reader, options, LOG).directions, first.directions)
    assert not torch.equal(train(reader, replace(options, seed=8), LOG).directions, first.directions)
    with caplog.at_level(logging.INFO):
        train(reader, replace(options, rounds=1), LOG)
    gain = sum(first.posterior(first.stats([x]))[2] for x in reader.values()) / len(reader)
    assert [one.getMessage() for one in caplog.records] == [
        f"round 1: log-likelihood gained by w, per utterance: {gain:.3f}"]


def test_a_speaker_s_vector_is_of_all_utterances_with_deltas_of_raw_features():
    class WithDeltas(Reader):
        info = {"deltas": 1}
    reader = WithDeltas({name: torch.randn(9, 2) for name in ("anna-1", "bert-1", "anna-2")})
    extractor = random_extractor(6)
    extractor = Extractor(extractor.mixture, extractor.directions, 1.0, True)
    table = extract(reader, extractor)
    wide = [add_deltas(reader[name] + 1.0, 1) for name in ("anna-1", "anna-2")]
    assert torch.allclose(table["anna"]["vector"], extractor.posterior(extractor.stats(wide))[0].float(), atol=1e-6)
    assert table.speakers == ["anna", "bert"]
    assert not extractor.posterior(extractor.stats([]))[0].any()


@pytest.mark.parametrize("dim", [1, 3, 5])
def test_features_of_another_dimension_are_refused(dim):
    reader = Reader({"anna-1": torch.randn(9, dim)})
    with pytest.raises(InputError, match=f"extractor: expected 4 features, found {dim}"):
        extract(reader, random_extractor())


@pytest.mark.parametrize("good", [{"dim": 1}, {"components": 1}, {"components": 128}, {"rounds": 0}])
def test_options_at_their_limits(good):
    assert all(getattr(IvectorOptions(**good), name) == value for name, value in good.items())
