"""Speaker-adaptive training on planted speakers."""

import logging
import math

import pytest
import torch

from graphs.errors import InputError, TooManyFailures
from hybrid.speakers.adaptive import Evidence, Found, log_likelihood, train, transforms, write_transforms
from hybrid.speakers.affine import apply, compose, identity, inverse
from hybrid.speakers.fmllr import FmllrOptions, FmllrStats, best_transform, block_transform
from hybrid.speakers.gaussians import Gaussians
from hybrid.speakers.posteriors import Posteriors
from hybrid.speakers.table import SpeakerTable
from tests.hybrid.speakers.material import Features, distorted, random_gaussians, random_transform, sample

LOG = logging.getLogger("test")
DIM = 4


def planted(speakers, frames=1500, utterances=2, first_seed=0, components=1):
    """Evidence of speakers who distort what the same Gaussians made, and the Gaussians."""
    gaussians = random_gaussians(9, components=components)
    features, posteriors = Features(), {}
    for number, speaker in enumerate(speakers):
        for utterance in range(utterances):
            x, one = sample(gaussians, frames, first_seed + 10 * number + utterance)
            name = f"{speaker}-{utterance}"
            features[name] = distorted(x, random_transform(DIM, first_seed + number)).float()
            posteriors[name] = one
    return Evidence(features, posteriors, posteriors), gaussians


def frame_error(evidence, gaussians, found):
    wrong = count = 0
    for name, x in evidence.features.items():
        y = apply(found[name.split("-")[0]].transform, apply(gaussians.common, x.double()))
        wrong += int((gaussians.log_likelihoods(y).argmax(dim=1) != evidence.posteriors[name].pdf_ids).sum())
        count += len(x)
    return wrong / count


@pytest.mark.parametrize("components", [1, 2])
def test_training_takes_speakers_apart_from_what_they_say_and_new_ones_follow(components, caplog):
    evidence, _ = planted(["anna", "bert", "carl", "dora"], components=components)
    options = FmllrOptions(rounds=4, components=components)
    with caplog.at_level(logging.INFO):
        gaussians, found = train(evidence, 12, options, LOG)
    likelihoods = [float(r.getMessage().split()[-1]) for r in caplog.records if r.getMessage().startswith("round")]
    assert len(likelihoods) == 4 and likelihoods == sorted(likelihoods)
    plain, nothing = train(evidence, 12, FmllrOptions(rounds=0, min_frames=1e9, min_frames_diagonal=1e9,
                                                      min_frames_offset=1e9, components=components), LOG)
    assert all(one.form == "none" and torch.equal(one.transform, identity(DIM)) for one in nothing.values())
    assert log_likelihood(evidence, gaussians, found) > log_likelihood(evidence, plain, nothing) + 0.2
    assert frame_error(evidence, gaussians, found) < 0.7 * frame_error(evidence, plain, nothing)

    others, _ = planted(["emil", "fred"], frames=400, first_seed=500, components=components)
    followed = transforms(others, gaussians, options)
    untouched = {speaker: Found(identity(DIM), "none", 0.0) for speaker in followed}
    assert log_likelihood(others, gaussians, followed) > log_likelihood(others, gaussians, untouched) + 0.2
    assert frame_error(others, gaussians, followed) < 0.8 * frame_error(others, plain, untouched)


def test_transforms_are_told_in_the_space_of_the_features(tmp_path):
    """Where the mean speaker's is the identity, whatever the Gaussians' space."""
    evidence, _ = planted(["anna", "bert", "carl", "dora"])
    options = FmllrOptions(rounds=3)
    gaussians, found = train(evidence, 12, options, LOG)
    assert not torch.allclose(gaussians.common, identity(DIM), atol=0.02)
    write_transforms(tmp_path, gaussians, found, evidence, {}, options, LOG)
    table = SpeakerTable.read(tmp_path)
    mean = torch.stack([table[speaker]["matrix"].double() for speaker in table.speakers]).mean(dim=0)
    assert torch.allclose(mean, identity(DIM), atol=0.05)
    for speaker in table.speakers:
        # into the Gaussians' space: the common transform of what the table gives
        whole = compose(gaussians.common, table[speaker]["matrix"].double())
        assert torch.allclose(whole, compose(found[speaker].transform, gaussians.common), atol=1e-4)
    assert torch.allclose(compose(inverse(whole), whole), identity(DIM), atol=1e-9)
    free = {speaker: Found(identity(DIM), "none", 0.0) for speaker in table.speakers}
    assert log_likelihood(evidence, gaussians, found) > log_likelihood(evidence, gaussians, free) + 0.1


def test_the_likelihood_is_that_of_the_features_as_they_are():
    evidence, gaussians = planted(["anna"], utterances=1)
    transform = random_transform(DIM, 3)
    features, posteriors = evidence.features["anna-0"].double(), evidence.posteriors["anna-0"]
    y = features @ transform[:, :-1].T + transform[:, -1]
    scores = gaussians.log_likelihoods(y)[torch.arange(len(y)), posteriors.pdf_ids]
    expected = scores.mean() + transform[:, :-1].det().abs().log()
    found = log_likelihood(evidence, gaussians, {"anna": Found(transform, "full", 0.0)})
    assert found == pytest.approx(float(expected))


def test_expected_frames_keep_a_speaker_of_few_frames_near_the_identity():
    evidence, gaussians = planted(["anna"], frames=30, utterances=1)
    few = dict(min_frames=0.0, min_frames_diagonal=0.0, min_frames_offset=0.0)
    free = transforms(evidence, gaussians, FmllrOptions(**few))["anna"].transform
    held = transforms(evidence, gaussians, FmllrOptions(**few, prior_frames=1e5))["anna"].transform
    assert (held - identity(DIM)).norm() < 0.05 < (free - identity(DIM)).norm()


def test_nothing_is_lost_silently(tmp_path):
    evidence, gaussians = planted(["anna", "bert", "carl"], frames=300)
    few = {name: one for name, one in evidence.posteriors.items() if name not in ("bert-1", "carl-0", "carl-1")}
    evidence = Evidence(evidence.features, few, few)
    lacking = {name: "no lattice" for name in ("bert-1", "carl-0", "carl-1")}
    options = FmllrOptions(min_frames=400.0)
    found = transforms(evidence, gaussians, options)
    facts = write_transforms(tmp_path, gaussians, found, evidence, lacking, options, LOG)
    assert facts["outcomes"] == {"done": 1, "partial": 1, "failed": 1}
    assert (tmp_path / "outcomes.tsv").read_text().splitlines()[1:] == [
        "bert\tpartial\ttransform: diagonal, of 300 frames; bert-1: no lattice",
        "carl\tfailed\ttransform: none, of 0 frames; carl-0: no lattice; carl-1: no lattice"]
    assert facts["log_likelihood_per_frame"] > facts["without_transforms"]
    table = SpeakerTable.read(tmp_path)
    assert table.space == ("fmllr", gaussians.fingerprint()) and table.speakers == ["anna", "bert", "carl"]
    assert torch.allclose(table["carl"]["matrix"], torch.eye(DIM, DIM + 1), atol=1e-6)
    assert torch.allclose(table["anna"]["matrix"].double(), found["anna"].transform, atol=1e-6)
    with pytest.raises(TooManyFailures, match="1 of 3"):
        write_transforms(tmp_path, gaussians, found, evidence, lacking, FmllrOptions(max_failed_share=0.3), LOG)


def test_gaussians_of_other_features_are_refused():
    evidence, _ = planted(["anna"])
    with pytest.raises(InputError, match="Gaussians: expected 4 features, found 6"):
        transforms(evidence, random_gaussians(dim=6), FmllrOptions())


class WithDeltas(Features):
    """Two coefficients, and as many of their deltas."""

    base_dim = 2


@pytest.mark.parametrize("kind, mix, blocks", [(Features, False, 1), (WithDeltas, False, 2), (WithDeltas, True, 1)])
def test_statics_and_deltas_are_mixed_where_that_is_asked_for(kind, mix, blocks):
    evidence, gaussians = planted(["anna"], frames=600, utterances=1)
    features = kind(evidence.features)
    found = transforms(evidence._replace(features=features), gaussians, FmllrOptions(mix_deltas=mix))["anna"]
    stats = FmllrStats(DIM)
    stats.add(features["anna-0"], gaussians, evidence.posteriors["anna-0"], identity(DIM))
    assert torch.equal(found.transform, block_transform(stats, identity(DIM), 40, blocks)) and found.form == "full"
    apart = torch.block_diag(torch.ones(2, 2), torch.ones(2, 2)) == 0
    assert bool((found.transform[:, :-1][apart] == 0).all()) == (blocks == 2)


def test_transforms_see_what_counts_and_gaussians_all_frames():
    """Frames of pdf_ids below 6 are silence of weight 0, and one utterance has no posteriors."""
    evidence, gaussians = planted(["anna", "bert"], frames=300)
    counted = {}
    for name, one in evidence.posteriors.items():
        kept = one.pdf_ids >= 6
        counted[name] = Posteriors(one.frames[kept], one.pdf_ids[kept], one.weights[kept], one.num_frames)
    lost = {name: one for name, one in counted.items() if name != "bert-1"}
    evidence = Evidence(evidence.features, {name: evidence.posteriors[name] for name in lost}, lost)
    options = FmllrOptions(min_frames=0.0, min_frames_diagonal=0.0, min_frames_offset=0.0, prior_frames=50.0, rounds=0)
    shares = sum(torch.bincount(one.pdf_ids, minlength=12) for one in lost.values()).double()
    found = transforms(evidence, gaussians, options, {"bert": random_transform(DIM, 1)})
    for speaker, start in (("anna", identity(DIM)), ("bert", random_transform(DIM, 1))):
        stats, names = FmllrStats(DIM), [name for name in lost if name.startswith(speaker)]
        for name in names:
            stats.add(evidence.features[name], gaussians, lost[name], start)
        frames = stats.beta
        stats.add_expected(gaussians, shares / shares.sum(), 50.0)
        expected = best_transform(stats, frames, start, options)
        assert torch.allclose(found[speaker].transform, expected.transform, atol=1e-9)
        assert found[speaker].gain == pytest.approx(expected.gain) and stats.beta == frames + 50.0
    # with limits as they are by default, expected frames do not count as the speaker's
    few = transforms(evidence, gaussians, FmllrOptions(prior_frames=1e6))
    assert [one.form for one in few.values()] == ["diagonal", "diagonal"]  # of about 300 and 150 frames
    # Gaussians of single components: means of all frames that have posteriors
    trained, _ = train(evidence, 12, options, LOG)
    x = torch.cat([evidence.features[name] for name in lost]).double()
    pdf_ids = torch.cat([evidence.posteriors[name].pdf_ids for name in lost])
    for pdf_id in (0, 11):
        assert torch.allclose(trained.means[pdf_id, 0], x[pdf_ids == pdf_id].mean(0))


def test_expected_frames_alone_change_nothing():
    evidence, gaussians = planted(["anna"], frames=30, utterances=1)
    found = transforms(Evidence(evidence.features, {}, {}), gaussians, FmllrOptions(
        min_frames=0.0, min_frames_diagonal=0.0, min_frames_offset=0.0, prior_frames=50.0))["anna"]
    assert torch.equal(found.transform, identity(DIM)) and found[1:] == ("none", 0.0)


def test_the_likelihood_weighs_frames_and_counts_volumes_of_both_transforms():
    evidence, gaussians = planted(["anna", "bert"], frames=40, utterances=1)
    parts = {name: one._replace(weights=one.weights * 1.5 / 80) for name, one in evidence.posteriors.items()}
    common, own = 2.0 * identity(DIM), random_transform(DIM, 4)
    moved = Gaussians(gaussians.means, gaussians.variances, gaussians.log_weights, common)
    found = {"anna": Found(own, "full", 0.0), "bert": Found(identity(DIM), "none", 0.0)}
    total = 0.0
    for speaker in found:
        y = apply(found[speaker].transform, 2.0 * evidence.features[f"{speaker}-0"].double())
        pdf_ids = evidence.posteriors[f"{speaker}-0"].pdf_ids
        total += float(gaussians.log_likelihoods(y)[torch.arange(40), pdf_ids].sum())
    volume = 40 * float(own[:, :-1].det().abs().log()) + 80 * DIM * math.log(2.0)
    assert log_likelihood(Evidence(evidence.features, parts, parts), moved, found) == pytest.approx(
        (total + volume) / 80)
    assert log_likelihood(Evidence(evidence.features, {}, {}), moved, found) == 0.0


def test_a_speaker_of_a_full_transform_that_lacks_an_utterance_is_partial(tmp_path, caplog):
    evidence, gaussians = planted(["anna"], frames=600)
    few = {"anna-0": evidence.posteriors["anna-0"]}
    found = transforms(Evidence(evidence.features, few, few), gaussians, FmllrOptions())
    with caplog.at_level(logging.INFO):
        facts = write_transforms(tmp_path, gaussians, found, Evidence(evidence.features, few, few),
                                 {"anna-1": "no lattice"}, FmllrOptions(), LOG)
    assert (tmp_path / "outcomes.tsv").read_text().splitlines()[1:] == [
        "anna\tpartial\ttransform: full, of 600 frames; anna-1: no lattice"]
    assert facts["gain"] == {"anna": round(found["anna"].gain, 4)}
    assert facts["log_likelihood_per_frame"] - facts["without_transforms"] == pytest.approx(found["anna"].gain)
    assert caplog.records[-1].getMessage() == (
        f"1 items: 1 partial; log-likelihood per frame {facts['log_likelihood_per_frame']:.3f}, without transforms "
        f"{facts['without_transforms']:.3f}")
