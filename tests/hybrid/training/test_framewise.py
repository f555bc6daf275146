"""Frame-wise training as a whole, on planted phones, and the acoustic model that comes out."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from graphs.errors import InputError, TooManyFailures
from graphs.hmm.hmm_folder import read_hmm
from graphs.hmm.transitions import TransitionModel
from hybrid.align.alignment import Alignment, read_alignments
from hybrid.am.acoustic_model import AcousticModel
from hybrid.data.features import FeatureReader
from hybrid.nn.recurrent import BlstmOptions
from hybrid.nn.dnn import DnnOptions
from hybrid.nn.tdnn import TdnnOptions
from hybrid.nn.tdnnf import TdnnfOptions
from hybrid.outcomes import Outcomes
from hybrid.speakers.table import Space, SpeakerTable
from hybrid.speakers.transforms import SpeakerTransforms
from hybrid.training.framewise import AmOptions, train_am, usable_pdf_ids
from tests.hybrid.training.material import LOG, make_corpus

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
                                 {"every": 0}, {"every": 3, "arch": BlstmOptions()},
                                 {"prior_floor": 0.0}, {"priors": "uniform"}])
def test_options_out_of_range(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        AmOptions(**bad)


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
