"""CTC training as a whole, on planted phones."""

import pytest
import torch

from graphs.errors import TooManyFailures
from graphs.lang.lang_folder import read_lang
from hybrid.align.ctc_model import CtcModel
from hybrid.data.features import FeatureReader
from hybrid.nn.ctc import greedy_tokens, min_frames
from hybrid.nn.tdnn import TdnnOptions
from hybrid.outcomes import Outcomes
from hybrid.training.ctc import CtcOptions, target_tokens, train_ctc, training_batches, usable_targets
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


def test_augmented_training_learns_and_no_utterance_gets_too_fast(corpus, tmp_path):
    features, lang = FeatureReader(corpus / "train"), read_lang(corpus / "lang")
    options = CtcOptions(**{**OPTIONS, "tempo": 0.5, "noise": 0.1, "channel": 0.1, "epochs": 12})
    facts = train_ctc(features, FeatureReader(corpus / "dev"), lang, options, tmp_path, LOG)
    assert facts["phone_error"] < 0.3 and len((tmp_path / "outcomes.tsv").read_text().splitlines()) == 1
    first = features.ids[0]
    frames = features.num_frames(first)
    tokens = [1] * ((frames + 3) // 4)  # as many as fit
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


class _Features(dict):
    @property
    def ids(self):
        return list(self)

    def text(self, utterance_id):
        return self[utterance_id][0]

    def num_frames(self, utterance_id):
        return self[utterance_id][1]


def test_utterances_that_ctc_cannot_learn_from_are_named(caplog):
    features = _Features(good=("sun no", 12), short=("sun no", 10), silent=("", 20))  # n n needs a blank
    outcomes = Outcomes(LOG)
    options = CtcOptions(**OPTIONS)
    assert list(usable_targets(features, make_small_lang(), options, outcomes)) == ["good"]
    assert outcomes.counts == {"done": 1, "too_short": 1, "empty": 1}
    assert "5 frames after subsampling for 5 phones" in outcomes.notable["short"][1]
    with pytest.raises(TooManyFailures):
        outcomes.check(options.max_failed_share, "CTC training")


@pytest.mark.parametrize("bad", [{"max_duration": 0.0}, {"label_prior_scale": 2.0}, {"silence_target": "all"},
                                 {"epochs": 0}, {"subsampling": 0}, {"time_masks": -1}])
def test_options_out_of_range(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        CtcOptions(**bad)
