"""CTC training as a whole, on planted phones."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from graphs.errors import InputError, TooManyFailures
from graphs.lang.lang_folder import read_lang
from graphs.options import flat
from hybrid.align.ctc_model import CtcModel
from hybrid.data.features import FeatureReader
from hybrid.nn.cnn_tdnn import CnnTdnnOptions
from hybrid.nn.ctc import greedy_tokens, min_frames
from hybrid.nn.model_folder import num_parameters, read_description
from hybrid.nn.tdnn import TdnnOptions
from hybrid.outcomes import Outcomes
from hybrid.recognize.edit_distance import edit_distance
from hybrid.training import ctc
from hybrid.training.ctc import (
    CtcOptions, average_posteriors, check_same_features, target_tokens, train_ctc, training_batches, usable_targets)
from tests.hybrid.training.material import LOG, make_corpus, make_small_lang

OPTIONS = dict(arch=TdnnOptions(hidden_dim=16, dilations=(1, 1)), subsampling=2, epochs=8, learning_rate=0.02,
               max_duration=2.0, tensorboard=False, device="cpu", spec_augment=False)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return make_corpus(tmp_path_factory.mktemp("corpus"))


def test_planted_phones_are_learnt_and_the_folder_loads(corpus, tmp_path, caplog):
    features, dev = FeatureReader(corpus / "train"), FeatureReader(corpus / "dev")
    lang = read_lang(corpus / "lang")
    facts = train_ctc(features, dev, lang, CtcOptions(**OPTIONS), tmp_path, LOG)
    assert facts["phone_error"] < 0.1 and facts["outcomes"] == {"done": 48} and "of no use" not in caplog.text
    model = CtcModel.load(tmp_path)
    assert (model.subsampling_factor, model.num_tokens) == (2, 1 + lang.num_phones)
    assert model.log_priors.exp().sum() == pytest.approx(1, abs=1e-3)
    utterance = dev.ids[0]
    log_posteriors = model.log_posteriors(dev[utterance])
    assert log_posteriors.shape == (-(-dev.num_frames(utterance) // 2), model.num_tokens)
    assert torch.allclose(log_posteriors.exp().sum(1), torch.ones(len(log_posteriors)), atol=1e-5)
    assert greedy_tokens(log_posteriors - 0.3 * model.log_priors) == lang.phone_ids(dev.text(utterance))
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"model.json", "best.safetensors", "averaged.safetensors", "priors.safetensors", "train.jsonl",
                    "curves.png", "outcomes.tsv"}


def test_a_model_that_learnt_too_little_is_told(corpus, tmp_path, caplog):
    """An epoch in which nothing moves: as many updates as there are batches."""
    features = FeatureReader(corpus / "train")
    options = CtcOptions(**{**OPTIONS, "epochs": 1, "learning_rate": 1e-9})
    facts = train_ctc(features, FeatureReader(corpus / "dev"), read_lang(corpus / "lang"), options, tmp_path, LOG)
    batches = training_batches(features, dict.fromkeys(features.ids, [1]), options).num_batches(0)
    percent = 100 * facts["phone_error"]
    assert percent > 65
    assert f"phone error {percent:.0f} % on the development set: after {batches} updates" in caplog.text
    assert "(ctc.epochs=3) or smaller batches (ctc.max_duration=1)" in caplog.text


def test_what_is_little_learnt_lies_between_what_led_to_good_systems_and_to_none():
    assert 0.57 < ctc.LITTLE_LEARNT < 0.75


def test_augmented_training_learns(corpus, tmp_path):
    features, lang = FeatureReader(corpus / "train"), read_lang(corpus / "lang")
    options = CtcOptions(**{**OPTIONS, "tempo": 0.5, "noise": 0.1, "channel": 0.1, "epochs": 12})
    facts = train_ctc(features, FeatureReader(corpus / "dev"), lang, options, tmp_path, LOG)
    assert facts["phone_error"] < 0.3 and len((tmp_path / "outcomes.tsv").read_text().splitlines()) == 1


@pytest.mark.parametrize("fewer", [0, 1, 2])
def test_no_utterance_gets_too_fast_for_its_targets(corpus, fewer):
    features, options = FeatureReader(corpus / "train"), CtcOptions(**{**OPTIONS, "tempo": 0.5})
    first = features.ids[0]
    frames = features.num_frames(first)
    tokens = [1] * ((frames + 3) // 4 - fewer)  # as many as fit, or fewer
    tempo = training_batches(features, {first: tokens}, options).tempo
    counts = {tempo.num_frames(frames, epoch, first) for epoch in range(50)}
    assert min(counts) == 4 * len(tokens) - 3 and -(-min(counts) // 2) == min_frames(tokens)


def test_targets():
    lang = make_small_lang()
    for where, expected in (("edges", "SIL s ah n n ow SIL"), ("words", "SIL s ah n SIL n ow SIL")):
        names = [lang.phones.symbol_of(i) for i in target_tokens(lang, "sun no", where)]
        assert names == expected.split()
        assert target_tokens(lang, "", where) == []
    assert target_tokens(lang, "sun no") == lang.phone_ids("sun no")
    without = replace(lang, optional_silence=None)
    assert all(target_tokens(without, "sun no", where) == lang.phone_ids("sun no") for where in ("edges", "words"))


class _Features(dict):
    @property
    def ids(self):
        return list(self)

    def text(self, utterance_id):
        return self[utterance_id][0]

    def num_frames(self, utterance_id):
        return self[utterance_id][1]


def test_utterances_that_ctc_cannot_learn_from_are_named(caplog):
    features = _Features(good=("sun no", 11), short=("sun no", 10), silent=("", 20))  # n n needs a blank
    outcomes = Outcomes(LOG)
    options = CtcOptions(**OPTIONS)
    assert list(usable_targets(features, make_small_lang(), options, outcomes)) == ["good"]
    assert outcomes.counts == {"done": 1, "too_short": 1, "empty": 1}
    assert "5 frames after subsampling for 5 phones" in outcomes.notable["short"][1]
    with pytest.raises(TooManyFailures):
        outcomes.check(options.max_failed_share, "CTC training")


@pytest.mark.parametrize("bad", [{"max_duration": 0.0}, {"label_prior_scale": 2.0}, {"silence_target": "all"},
                                 {"epochs": 0}, {"subsampling": 0}, {"time_masks": -1}, {"label_prior_scale": -0.1},
                                 {"max_failed_share": 1.1}, {"max_failed_share": -0.1}, {"tempo": 0.6},
                                 {"arch": "tdnn"}])
def test_options_out_of_range(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        CtcOptions(**bad)


@pytest.mark.parametrize("good", [{"label_prior_scale": 0.0}, {"label_prior_scale": 1.0}, {"max_failed_share": 0.0},
                                  {"max_failed_share": 1.0}, {"subsampling": 1}])
def test_options_at_the_edge_of_their_range(good):
    options = CtcOptions(**good)
    assert {name: getattr(options, name) for name in good} == good


@pytest.mark.parametrize("name, value, message", [
    ("dim", 13, "dim of the development features: expected 40 as in training, found 13"),
    ("frame_shift", 0.02, "frame_shift of the development features: expected 0.01 as in training, found 0.02")])
def test_features_of_both_sets_are_made_in_the_same_way(name, value, message):
    features = SimpleNamespace(dim=40, frame_shift=0.01)
    check_same_features(features, SimpleNamespace(**vars(features)))
    with pytest.raises(InputError) as error:
        check_same_features(features, SimpleNamespace(**{**vars(features), name: value}))
    assert str(error.value) == message


class _Dropped(torch.nn.Module):
    """Its logits are the features, of which training drops half."""

    def forward(self, features, lengths):
        return torch.nn.functional.dropout(features, training=self.training), lengths


def test_average_posteriors_are_those_of_real_frames_of_the_first_epoch_without_dropout():
    random = torch.Generator().manual_seed(0)
    features, lengths = torch.randn(2, 2, 5, 3, generator=random), torch.tensor([[5, 2], [4, 5]])

    class Batches:
        def batches(self, epoch, start_batch):
            for number in range(start_batch, 2):
                yield SimpleNamespace(features=features[number] * (1 + epoch), lengths=lengths[number])

    real = torch.cat([features[number, row, :lengths[number, row]] for number in range(2) for row in range(2)])
    average = average_posteriors(_Dropped().train(), Batches(), "cpu")
    assert torch.allclose(average, real.softmax(1).double().mean(0), atol=1e-7) and average.dtype == torch.float64


@pytest.mark.usefixtures("no_picture")
def test_facts_are_those_of_the_weights_and_the_seed_is_all_of_the_chance(corpus, tmp_path, monkeypatch, caplog):
    """An error as high as the limit, which the second training meets, is not too high."""
    dev, lang = FeatureReader(corpus / "dev"), read_lang(corpus / "lang")
    options = CtcOptions(**{**OPTIONS, "epochs": 1, "seed": 4, "label_prior_scale": 0.0})
    for number, out in enumerate((tmp_path / "new" / "one", tmp_path)):
        torch.manual_seed(number)
        caplog.clear()
        facts = train_ctc(dev, dev, lang, options, out, LOG)
        assert ("of no use" in caplog.text) == (facts["phone_error"] > ctc.LITTLE_LEARNT)
        monkeypatch.setattr(ctc, "LITTLE_LEARNT", facts["phone_error"])
    assert {path.name for path in tmp_path.iterdir()} == {
        "new", "model.json", "best.safetensors", "averaged.safetensors", "priors.safetensors", "train.jsonl",
        "outcomes.tsv"}
    model, description = CtcModel.load(tmp_path), read_description(tmp_path)
    name = f"{facts['checkpoint']}.safetensors"
    assert (tmp_path / name).read_bytes() == (tmp_path / "new" / "one" / name).read_bytes()
    posteriors = [model.log_posteriors(dev[utterance_id]) for utterance_id in dev.ids]
    targets = [lang.phone_ids(dev.text(utterance_id)) for utterance_id in dev.ids]
    errors = sum(edit_distance(target, greedy_tokens(one)) for target, one in zip(targets, posteriors))
    assert facts == {"phone_error": errors / sum(map(len, targets)), "checkpoint": facts["checkpoint"],
                     "training_seed": 4, "outcomes": {"done": 16},
                     "parameters": num_parameters(options.arch.build(dev.dim, 1 + lang.num_phones))}
    assert torch.allclose(model.log_priors.exp(), torch.cat(posteriors).exp().mean(0), atol=1e-5)
    assert {name: description[name] for name in ("phones", "frame_shift", "checkpoint", "phone_error", "training",
                                                 "in_dim", "out_dim")} == {
        "phones": lang.phones.symbols[1:1 + lang.num_phones], "frame_shift": 0.01, "checkpoint": facts["checkpoint"],
        "phone_error": facts["phone_error"], "training": flat(options), "in_dim": dev.dim, "out_dim": model.num_tokens}


@pytest.mark.usefixtures("no_picture")
def test_what_a_network_is_quite_sure_to_be_absent_has_a_prior_all_the_same(corpus, tmp_path):
    dev = FeatureReader(corpus / "dev")
    options = CtcOptions(**{**OPTIONS, "epochs": 1, "learning_rate": 1e3, "arch": TdnnOptions(1, (1,))})
    train_ctc(dev, dev, read_lang(corpus / "lang"), options, tmp_path, LOG)
    assert CtcModel.load(tmp_path).log_priors.exp().min().item() == pytest.approx(1e-8)


def test_features_that_are_not_what_the_network_is_for_are_refused(corpus, tmp_path):
    dev, options = FeatureReader(corpus / "dev"), CtcOptions(**OPTIONS)
    with pytest.raises(InputError, match="delta_blocks: expected 1, as in the features, found 2"):
        train_ctc(dev, dev, read_lang(corpus / "lang"), replace(
            options, arch=CnnTdnnOptions(hidden_dim=4, dilations=(1,), delta_blocks=2)), tmp_path, LOG)
    other = FeatureReader(corpus / "dev")
    other.frame_shift = 0.02
    with pytest.raises(InputError, match="frame_shift of the development features: expected 0.01 as in training"):
        train_ctc(dev, other, read_lang(corpus / "lang"), options, tmp_path, LOG)


def test_too_many_unusable_utterances_end_the_training(corpus, tmp_path):
    dev, options = FeatureReader(corpus / "dev"), CtcOptions(**{**OPTIONS, "subsampling": 40})
    with pytest.raises(TooManyFailures, match="CTC training"):
        train_ctc(dev, dev, read_lang(corpus / "lang"), options, tmp_path, LOG)
    assert "too_short" in (tmp_path / "outcomes.tsv").read_text()
