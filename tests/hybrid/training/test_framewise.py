"""Frame-wise training as a whole, on planted phones, and the acoustic model that comes out."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from graphs.errors import InputError, TooManyFailures
from graphs.hmm.hmm_folder import read_hmm
from graphs.hmm.transitions import TransitionModel
from graphs.options import flat
from hybrid.align.alignment import Alignment, read_alignments
from hybrid.am.acoustic_model import AcousticModel
from hybrid.data.batches import FeatureBatches
from hybrid.data.features import FeatureReader
from hybrid.nn.cnn_tdnn import CnnTdnnOptions
from hybrid.nn.dnn import DnnOptions
from hybrid.nn.model_folder import num_parameters, read_description
from hybrid.nn.recurrent import BlstmOptions
from hybrid.nn.tdnn import TdnnOptions
from hybrid.nn.tdnnf import TdnnfOptions
from hybrid.outcomes import Outcomes
from hybrid.speakers.table import Space, SpeakerTable
from hybrid.speakers.transforms import SpeakerTransforms
from hybrid.training.chunks import ChunkBatches
from hybrid.training.framewise import AmOptions, train_am, training_batches, transformed_features, usable_pdf_ids
from tests.hybrid.training.material import LOG, make_corpus, make_hmm, make_small_lang

OPTIONS = dict(arch=TdnnOptions(hidden_dim=16, dilations=(1, 1)), epochs=6, learning_rate=0.02, max_duration=2.0,
               tensorboard=False, device="cpu", spec_augment=False, average_last=2)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return make_corpus(tmp_path_factory.mktemp("corpus"))


def _train(corpus, out, alignments=None, **options):
    hmm = read_hmm(corpus / "ali_train")
    if alignments is None:
        alignments = read_alignments(corpus / "ali_train")
    options = AmOptions(**{**OPTIONS, **options})
    return train_am(FeatureReader(corpus / "train"), FeatureReader(corpus / "dev"), alignments,
                    read_alignments(corpus / "ali_dev"), *hmm, options, out, LOG)


def test_planted_states_are_learnt_and_the_folder_loads(corpus, tmp_path):
    facts = _train(corpus, tmp_path, prior_scale=0.8)
    assert facts["dev_frame_error"] < 0.15
    model = AcousticModel.load(tmp_path)
    dev, alignments = FeatureReader(corpus / "dev"), read_alignments(corpus / "ali_dev")
    features = dev[dev.ids[0]]
    scores = model.log_likelihoods(features)
    assert scores.shape == (len(features), model.num_pdfs) and scores.dtype == torch.float32
    pdf_ids = alignments[dev.ids[0]].pdf_ids(model.transitions)
    assert (scores.argmax(1).numpy() == pdf_ids).mean() > 0.8
    counts = np.zeros(model.num_pdfs)
    for alignment in read_alignments(corpus / "ali_train").values():
        np.add.at(counts, alignment.pdf_ids(model.transitions), 1)
    seen = counts > 0
    assert np.allclose(model.log_priors.exp()[seen], counts[seen] / counts.sum(), atol=1e-4)
    posteriors = scores + 0.8 * model.log_priors
    assert torch.allclose(posteriors.exp().sum(1), torch.ones(len(features)), atol=1e-5)
    half = AcousticModel.load(tmp_path, prior_scale=0.4)
    assert torch.allclose(half.log_likelihoods(features), scores + 0.4 * model.log_priors, atol=1e-5)
    assert model.transitions.states == TransitionModel.read(corpus / "ali_train" / "transitions").states
    assert model.tree.fingerprint() == read_hmm(corpus / "ali_train")[0].fingerprint()
    with pytest.raises(InputError, match="6 coefficients"):
        model.log_likelihoods(torch.zeros(5, 3))


def test_batches_of_the_acoustic_model_give_the_scores_of_single_utterances(corpus, tmp_path):
    _train(corpus, tmp_path, epochs=1)
    model, dev = AcousticModel.load(tmp_path, "best"), FeatureReader(corpus / "dev")
    features = [dev[u] for u in dev.ids[:4]]
    lengths = torch.tensor([len(f) for f in features])
    padded = torch.nn.utils.rnn.pad_sequence(features, batch_first=True)
    together, _ = model.batch_log_likelihoods(padded, lengths)
    for i, one in enumerate(features):
        assert torch.allclose(together[i, :len(one)], model.log_likelihoods(one), atol=1e-4)


def thirds(corpus, split):
    """The alignments at a third of the frame rate: every third transition_id, that of the middle one."""
    def third(ids):
        return np.append(ids, ids[-1])[1::3]
    return {utterance_id: Alignment(utterance_id, third(one.transition_ids), -1.0, frame_shift=0.03)
            for utterance_id, one in read_alignments(corpus / f"ali_{split}").items()}


@pytest.mark.parametrize("options", [{"chunk_frames": 14}, {"chunk_frames": 14, "tempo": 0.1},
                                     {"arch": TdnnfOptions(16, 8, (1, 1))}])
def test_one_output_for_three_frames(corpus, tmp_path, options):
    tree, transitions = read_hmm(corpus / "ali_train")
    options = AmOptions(**{**OPTIONS, "subsampling": 3, **options})
    features, dev = FeatureReader(corpus / "train"), FeatureReader(corpus / "dev")
    alignments = thirds(corpus, "dev")
    facts = train_am(features, dev, thirds(corpus, "train"), alignments, tree, transitions, options, tmp_path, LOG)
    assert facts["dev_frame_error"] < 0.35 and facts["outcomes"] == {"done": 48}
    model = AcousticModel.load(tmp_path, prior_scale=0.0)
    assert (model.subsampling_factor, model.frame_shift, model.output_shift) == (3, 0.01, 0.03)
    right = total = 0
    for utterance_id in dev.ids:
        scores = model.log_likelihoods(dev[utterance_id])
        assert len(scores) == -(-dev.num_frames(utterance_id) // 3) == alignments[utterance_id].num_frames
        right += int((scores.argmax(1).numpy() == alignments[utterance_id].pdf_ids(transitions)).sum())
        total += len(scores)
    assert right / total > 0.65


def test_alignments_of_another_frame_rate_are_named(corpus, tmp_path):
    with pytest.raises(TooManyFailures, match="other_length"):
        _train(corpus, tmp_path, subsampling=3)
    assert "output frames, alignment of" in (tmp_path / "outcomes.tsv").read_text()


@pytest.mark.parametrize("options", [{"chunk_frames": 15, "every": 2},
                                     {"arch": DnnOptions(hidden_dim=16, splice=2, num_layers=2), "every": 3},
                                     {"arch": BlstmOptions(16, 1), "chunk_frames": 20, "epochs": 4},
                                     {"tempo": 0.15, "noise": 0.1, "channel": 0.1},
                                     {"tempo": 0.15, "chunk_frames": 15, "every": 2},
                                     {"priors": "posteriors", "spec_augment": True, "schedule": "newbob"}])
def test_other_ways_to_train(corpus, tmp_path, options):
    facts = _train(corpus, tmp_path, **options)
    assert facts["dev_frame_error"] < 0.3
    assert AcousticModel.load(tmp_path).log_priors.exp().sum() == pytest.approx(1, abs=1e-4)


def test_utterances_whose_alignment_does_not_fit_are_named(corpus):
    features = FeatureReader(corpus / "train")
    transitions = TransitionModel.read(corpus / "ali_train" / "transitions")
    alignments = read_alignments(corpus / "ali_train")
    first, second, third, *_ = features.ids
    del alignments[first]
    for utterance_id, change in ((second, 2), (third, 1)):
        ids = alignments[utterance_id].transition_ids
        alignments[utterance_id] = Alignment(utterance_id, ids[:-change], 0.0)
    outcomes = Outcomes(LOG)
    found = usable_pdf_ids(features, alignments, transitions, outcomes)
    assert outcomes.counts == {"done": 38, "no_alignment": 1, "other_length": 1}
    assert first not in found and second not in found and len(found[third]) == features.num_frames(third) - 1
    alignments[third] = Alignment(third, np.full(features.num_frames(third), 9999, np.int32), 0.0)
    with pytest.raises(InputError, match=f"alignment of {third}"):
        usable_pdf_ids(features, alignments, transitions, outcomes)


@pytest.mark.parametrize("subsampling, frames, length, reason", [
    (None, 11, 10, None), (1, 11, 11, None), (1, 11, 12, None), (1, 11, 13, "11 frames, alignment of 13"),
    (1, 11, 9, "11 frames, alignment of 9"), (2, 11, 5, None), (2, 11, 7, None),
    (2, 11, 8, "6 output frames, alignment of 8"), (2, 11, 4, "6 output frames, alignment of 4"), (3, 12, 3, None),
    (3, 12, 2, "4 output frames, alignment of 2")])
def test_an_alignment_may_be_one_output_frame_longer_or_shorter(subsampling, frames, length, reason):
    transitions, outcomes = make_hmm(make_small_lang())[1], Outcomes(LOG)
    features = SimpleNamespace(ids=["one", "two"], num_frames={"one": frames}.get)
    alignments = {"one": Alignment("one", np.full(length, 3, np.int32), 0.0)}
    more = {} if subsampling is None else {"subsampling": subsampling}
    found = usable_pdf_ids(features, alignments, transitions, outcomes, ["one"], **more)
    assert outcomes.notable == ({} if reason is None else {"one": ("other_length", reason)})
    if reason is None:
        assert found.keys() == {"one"} and found["one"].tolist() == [transitions.pdf_id[3]] * length


def test_transition_ids_are_those_of_the_model():
    transitions = make_hmm(make_small_lang())[1]
    last = transitions.num_transition_ids
    features = SimpleNamespace(ids=["one"], num_frames=lambda utterance_id: 2)

    def find(*ids):
        alignments = {"one": Alignment("one", np.array(ids, np.int32), 0.0)}
        return usable_pdf_ids(features, alignments, transitions, Outcomes(LOG))["one"].tolist()

    for ids in ((1, 1), (1, last), (2, 2), (last, last)):
        assert find(*ids) == [transitions.pdf_id[one] for one in ids]
    for ids in ((0, 5), (0, 0), (5, last + 1), (last + 1, last + 1)):
        with pytest.raises(InputError) as error:
            find(*ids)
        assert str(error.value) == f"alignment of one: expected transition_ids 1 to {last}, found {ids[0]} to {ids[1]}"


def test_copies_are_trained_on_the_alignment_of_their_original(corpus):
    transitions, outcomes = TransitionModel.read(corpus / "ali_train" / "transitions"), Outcomes(LOG)
    alignments = read_alignments(corpus / "ali_train")
    one, two, *_ = alignments
    frames = {name: alignments[original].num_frames for name, original in (
        (f"{one}-aug1", one), (f"{one}-aug2", two), (f"{two}-sp0.9", two), (f"{two}-aug1", two))}
    frames[f"{one}-aug2"] += 2
    alignments[f"{two}-aug1"] = replace(alignments[two], transition_ids=alignments[two].transition_ids[::-1])
    features = SimpleNamespace(ids=list(frames), num_frames=frames.get)
    found = usable_pdf_ids(features, alignments, transitions, outcomes)
    assert outcomes.counts == {"done": 2, "other_length": 1, "no_alignment": 1}
    assert np.array_equal(found[f"{one}-aug1"], alignments[one].pdf_ids(transitions))
    assert np.array_equal(found[f"{two}-aug1"], alignments[two].pdf_ids(transitions)[::-1])  # its own comes first


def test_too_few_alignments_end_the_training(corpus, tmp_path):
    few = dict(list(read_alignments(corpus / "ali_train").items())[:20])
    with pytest.raises(TooManyFailures, match="20 no_alignment"):
        _train(corpus, tmp_path, few)
    assert len((tmp_path / "outcomes.tsv").read_text().splitlines()) == 21


def test_a_damaged_model_folder_is_named(corpus, tmp_path):
    _train(corpus, tmp_path, epochs=1)
    with pytest.raises(InputError, match="a model with final.safetensors"):
        AcousticModel.load(tmp_path, "final")
    (tmp_path / "priors.safetensors").unlink()
    with pytest.raises(InputError, match="priors.safetensors"):
        AcousticModel.load(tmp_path)
    with pytest.raises(InputError, match="model.json"):
        AcousticModel.load(corpus)


@pytest.mark.parametrize("bad", [{"max_duration": 0.0}, {"chunk_frames": -1},
                                 {"label_smoothing": 1.0}, {"subsampling": 0}, {"every": 2, "subsampling": 3},
                                 {"every": 0}, {"every": 3, "arch": BlstmOptions()}, {"prior_scale": -0.5},
                                 {"prior_floor": 0.0}, {"prior_floor": 1.0}, {"prior_floor": -0.5},
                                 {"priors": "uniform"}, {"max_failed_share": 1.0}, {"seed": -1}, {"time_masks": -1},
                                 {"tempo": 0.6}, {"arch": "tdnn"}])
def test_options_out_of_range(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        AmOptions(**bad)


@pytest.mark.parametrize("good", [{"chunk_frames": 1}, {"every": 2}, {"subsampling": 2}, {"arch": BlstmOptions()},
                                  {"arch": BlstmOptions(), "subsampling": 3}, {"prior_scale": 0.0},
                                  {"prior_scale": 0.5}, {"prior_floor": 0.999}])
def test_options_at_the_edge_of_their_range(good):
    options = AmOptions(**good)
    assert {name: getattr(options, name) for name in good} == good


def test_what_frames_cannot_be_left_out_of_is_said():
    with pytest.raises(ValueError) as error:
        AmOptions(arch=BlstmOptions(), every=2)
    assert str(error.value) == "every: expected 1 for a network that cannot leave frames out, found 2"
    with pytest.raises(ValueError) as error:
        AmOptions(every=2, subsampling=2)
    assert str(error.value) == "every: expected 1 with subsampling = 2, found 2"


def test_a_network_behind_transforms_of_speakers(corpus, tmp_path):
    """The features of training are spoilt by a rotation that the transforms undo; what they fit is in model.json."""
    dev = FeatureReader(corpus / "dev")
    rotation = torch.linalg.qr(torch.randn(dev.dim, dev.dim, generator=torch.Generator().manual_seed(0)))[0]
    both = []
    for split in ("train", "dev"):
        reader = FeatureReader(corpus / split)
        values = {"matrix": torch.cat([rotation, torch.zeros(dev.dim, 1)], dim=1), "vector": torch.ones(2)}
        table = SpeakerTable.of(Space("fmllr", "g1"), {"anna": values})
        both.append((reader, SpeakerTransforms([table], reader), read_alignments(corpus / f"ali_{split}")))
    (train, speakers, alignments), (dev, dev_speakers, dev_alignments) = both
    tree, transitions = read_hmm(corpus / "ali_train")
    options = AmOptions(**{**OPTIONS, "priors": "posteriors"})
    facts = train_am(train, dev, alignments, dev_alignments, tree, transitions, options, tmp_path, LOG, speakers,
                     dev_speakers)
    assert facts["dev_frame_error"] < 0.2
    model = AcousticModel.load(tmp_path)
    assert model.spaces == [("fmllr", "g1")] and model.feature_dim == dev.dim + 2
    utterance_id = dev.ids[0]
    seen = model.log_likelihoods(dev_speakers(dev[utterance_id], 0, utterance_id)).argmax(1).numpy()
    assert (seen == dev_alignments[utterance_id].pdf_ids(transitions)).mean() > 0.7
    with pytest.raises(InputError, match="speaker transforms of the development set: expected of"):
        train_am(train, dev, alignments, dev_alignments, tree, transitions, options, tmp_path / "x", LOG, speakers)


def test_without_transforms_of_speakers_the_network_sees_the_features(corpus):
    dev = FeatureReader(corpus / "dev")
    assert transformed_features(dev, None, None) == (dev.dim, [])
    table = SpeakerTable.of(Space("ivector", "g1"), {"anna": {"vector": torch.ones(2)}})
    speakers = SpeakerTransforms([table], dev)
    assert transformed_features(dev, speakers, speakers) == (dev.dim + 2, [["ivector", "g1"]])
    with pytest.raises(InputError) as error:
        transformed_features(dev, None, speakers)
    assert str(error.value) == "speaker transforms of the development set: expected of none, as in training, " \
        "found [['ivector', 'g1']]"


@pytest.mark.parametrize("left, right, context", [
    (2, 7, 7), (9, 3, 9), (float("inf"), 5, 20), (float("inf"), 25, 25), (float("inf"), float("inf"), 20)])
def test_chunks_have_the_context_of_the_network_and_all_that_the_options_say(corpus, left, right, context):
    dev, ids = FeatureReader(corpus / "dev"), FeatureReader(corpus / "dev").ids[:3]
    model = SimpleNamespace(left_context=left, right_context=right)
    speakers = SpeakerTransforms([], dev)
    options = AmOptions(**{**OPTIONS, "max_duration": 1.5, "chunk_frames": 14, "tempo": 0.2, "noise": 0.1, "seed": 3})
    batches = training_batches(dev, ids, model, options, speakers)
    assert isinstance(batches, ChunkBatches) and batches.ids == ids and batches.features is dev
    assert (batches.chunk_frames, batches.context_frames, batches.max_frames, batches.seed, batches.subsampling) == (
        14, context, 150, 3, 1)
    assert batches.tempo.largest == 0.2 and len(batches.transforms) == 2 and batches.transforms[-1] is speakers
    thirds = training_batches(dev, ids, model, replace(options, subsampling=3))
    assert (thirds.chunk_frames, thirds.subsampling, len(thirds.transforms)) == (15, 3, 1)
    whole = training_batches(dev, ids, model, replace(options, chunk_frames=0, tempo=0.0), speakers)
    assert isinstance(whole, FeatureBatches) and sorted(sum(whole.plan(0), [])) == sorted(ids) and whole.shuffle
    assert (whole.max_duration, whole.seed, whole.tempo, whole.transforms[-1]) == (1.5, 3, None, speakers)


@pytest.mark.usefixtures("no_picture")
def test_facts_and_priors_are_those_of_the_weights_and_the_seed_is_all_of_the_chance(corpus, tmp_path):
    """Utterance by utterance: loss and errors of the development set, posteriors by frames."""
    hmm, dev = read_hmm(corpus / "ali_dev"), FeatureReader(corpus / "dev")
    alignments = read_alignments(corpus / "ali_dev")
    options = AmOptions(**{**OPTIONS, "epochs": 1, "prior_scale": 0.5, "priors": "posteriors", "seed": 4})
    for number, out in enumerate((tmp_path / "new" / "one", tmp_path)):
        torch.manual_seed(number)
        facts = train_am(dev, dev, alignments, alignments, *hmm, options, out, LOG)
    model, description = AcousticModel.load(tmp_path, prior_scale=0.0), read_description(tmp_path)
    name = f"{facts['checkpoint']}.safetensors"
    assert (tmp_path / name).read_bytes() == (tmp_path / "new" / "one" / name).read_bytes()
    posteriors = torch.cat([model.log_likelihoods(dev[utterance_id]) for utterance_id in dev.ids])
    pdf_ids = torch.cat([torch.as_tensor(alignments[utterance_id].pdf_ids(hmm[1])).long() for utterance_id in dev.ids])
    loss = torch.nn.functional.nll_loss(posteriors, pdf_ids).item()
    errors = (posteriors.argmax(1) != pdf_ids).float().mean().item()
    assert facts == {"dev_loss": pytest.approx(loss, rel=1e-4), "dev_frame_error": pytest.approx(errors),
                     "checkpoint": facts["checkpoint"], "training_seed": 4, "outcomes": {"done": 16},
                     "parameters": num_parameters(options.arch.build(dev.dim, hmm[1].num_pdfs))}
    assert torch.allclose(model.log_priors.exp(), posteriors.exp().mean(0), atol=1e-4)
    assert {name: description[name] for name in ("speakers", "frame_shift", "checkpoint", "prior_scale", "dev_loss",
                                                 "training", "in_dim", "out_dim")} == {
        "speakers": [], "frame_shift": 0.01, "checkpoint": facts["checkpoint"], "prior_scale": 0.5,
        "dev_loss": facts["dev_loss"], "training": flat(options), "in_dim": dev.dim, "out_dim": hmm[1].num_pdfs}
    assert {path.name for path in tmp_path.iterdir()} == {
        "new", "model.json", "best.safetensors", "averaged.safetensors", "priors.safetensors", "tree", "transitions",
        "train.jsonl", "outcomes.tsv"}


def test_features_that_are_not_what_the_network_is_for_are_refused(corpus, tmp_path):
    with pytest.raises(InputError, match="delta_blocks: expected 1, as in the features, found 2"):
        _train(corpus, tmp_path, arch=CnnTdnnOptions(hidden_dim=4, dilations=(1,), delta_blocks=2))
    dev, other = FeatureReader(corpus / "dev"), FeatureReader(corpus / "dev")
    other.frame_shift = 0.02
    with pytest.raises(InputError, match="frame_shift of the development features: expected 0.01 as in training"):
        train_am(dev, other, {}, {}, *read_hmm(corpus / "ali_dev"), AmOptions(**OPTIONS), tmp_path, LOG)
