"""End-to-end training as a whole, on planted phones; the loss of a network with CTC and a decoder."""

import dataclasses
import shutil

import pytest
import torch
from torch import nn

from graphs.errors import InputError, TooManyFailures
from graphs.lang.lang_folder import read_lang
from hybrid.data.batches import FeatureBatches
from hybrid.data.features import FeatureReader
from hybrid.e2e.decoders.kinds import DECODERS
from hybrid.e2e.model import E2eModel, check_files
from hybrid.e2e.network import E2eNetwork, E2eOptions
from hybrid.e2e.tokens import TokenTable
from hybrid.nn.architectures import ARCHITECTURES
from hybrid.nn.cnn_tdnn import CnnTdnnOptions
from hybrid.nn.ctc import ctc_loss, greedy_tokens
from hybrid.nn.model_folder import read_priors
from hybrid.nn.tdnn import TdnnOptions
from hybrid.outcomes import Outcomes
from hybrid.recognize.edit_distance import edit_distance
from hybrid.training.e2e import E2eLoss, E2eTrainingOptions, make_tokens, train_e2e, usable_tokens
from tests.hybrid.training.material import LOG, make_corpus

ARCH = TdnnOptions(hidden_dim=16, dilations=(1, 1))
OPTIONS = dict(arch=ARCH, subsampling=2, encoder_dim=16, epochs=8, learning_rate=0.02, max_duration=2.0,
               tensorboard=False, device="cpu", spec_augment=False, units="phone")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return make_corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="module")
def trained(corpus, tmp_path_factory):
    folder = tmp_path_factory.mktemp("e2e")
    facts = train_e2e(FeatureReader(corpus / "train"), FeatureReader(corpus / "dev"), read_lang(corpus / "lang"),
                      E2eTrainingOptions(**OPTIONS), folder, LOG)
    return folder, facts


def test_planted_phones_are_learnt_and_the_folder_loads(corpus, trained):
    folder, facts = trained
    lang, dev = read_lang(corpus / "lang"), FeatureReader(corpus / "dev")
    assert facts["dev_token_error"] < 0.1 and facts["outcomes"] == {"done": 48}
    model = E2eModel.load(folder)
    assert (model.tokens.num_tokens, model.output_shift) == (1 + lang.num_phones, 2 * dev.frame_shift)
    features = dev[dev.ids[0]]
    encoded, lengths = model.encode(torch.as_tensor(features)[None], torch.tensor([len(features)]))
    assert encoded.shape == (1, -(-len(features) // 2), 16) and lengths.tolist() == [encoded.shape[1]]
    log_probs = model.network.ctc_log_probs(encoded)
    tokens = lang.phone_ids(dev.text(dev.ids[0]))
    assert greedy_tokens(log_probs[0]) == tokens
    with torch.no_grad():
        scores = model.network.ctc_scores(encoded.expand(2, -1, -1), lengths.repeat(2), [tokens, tokens[:-1]])
    assert 0 > scores[0] > scores[1]
    assert float(scores[0]) == pytest.approx(-float(ctc_loss(log_probs, lengths, [tokens])))
    left = {path.name for path in folder.iterdir()}
    assert left == {"e2e.json", "best.safetensors", "averaged.safetensors", "priors.safetensors", "tokens.txt",
                    "spellings.txt", "train.jsonl", "curves.png", "outcomes.tsv"}


def test_facts_and_priors_are_those_of_the_weights(corpus, trained):
    """Utterance by utterance: loss and errors of the development set, posteriors by frames."""
    (folder, facts), lang = trained, read_lang(corpus / "lang")
    model = E2eModel.load(folder)

    def of_each(reader):
        for utterance_id in reader.ids:
            features, tokens = torch.as_tensor(reader[utterance_id])[None], lang.phone_ids(reader.text(utterance_id))
            encoded, lengths = model.encode(features, torch.tensor([features.shape[1]]))
            with torch.no_grad():
                yield model.network.ctc_log_probs(encoded), lengths, tokens

    dev = [(float(ctc_loss(log_probs, lengths, [tokens])), edit_distance(tokens, greedy_tokens(log_probs[0])),
            len(tokens)) for log_probs, lengths, tokens in of_each(FeatureReader(corpus / "dev"))]
    loss, errors, count = map(sum, zip(*dev))
    assert facts["dev_loss"] == pytest.approx(loss / (count + len(dev)), rel=1e-4)
    assert facts["dev_token_error"] == pytest.approx(errors / count)
    frames = torch.cat([log_probs[0] for log_probs, _, _ in of_each(FeatureReader(corpus / "train"))])
    priors = read_priors(folder, {**model.description, "out_dim": model.tokens.num_tokens}, "e2e.json")
    assert torch.allclose(priors.exp(), frames.exp().mean(dim=0), atol=1e-5)
    assert (facts["tokens"], facts["training_seed"]) == (model.tokens.num_tokens, E2eTrainingOptions(**OPTIONS).seed)
    assert facts["parameters"] == sum(parameter.numel() for parameter in model.network.parameters())
    assert (model.description["checkpoint"], model.description["dev_loss"]) == (facts["checkpoint"], facts["dev_loss"])
    assert not (folder / "epochs").exists()


def test_weights_that_are_not_used_need_not_be_there(trained, tmp_path):
    """tools.validate looks at all of them."""
    shutil.copytree(trained[0], tmp_path, dirs_exist_ok=True)
    chosen = E2eModel.load(tmp_path).description["checkpoint"]
    other, = {"best", "averaged"} - {chosen}
    (tmp_path / f"{other}.safetensors").unlink()
    assert E2eModel.load(tmp_path).description["checkpoint"] == chosen
    for ask in (lambda: E2eModel.load(tmp_path, other), lambda: check_files(tmp_path)):
        with pytest.raises(InputError, match=f"a model with {other}.safetensors, found none"):
            ask()


@pytest.mark.parametrize("name", ["best.safetensors", "averaged.safetensors", "tokens.txt", "spellings.txt"])
def test_a_changed_byte_is_noticed(trained, name, tmp_path):
    for path in trained[0].iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    data = bytearray((tmp_path / name).read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / name).write_bytes(bytes(data))
    with pytest.raises(InputError, match=name):
        E2eModel.load(tmp_path, name.split(".")[0] if name.endswith(".safetensors") else None)
    with pytest.raises(InputError, match=name):
        check_files(tmp_path)


def test_the_seed_is_all_of_the_chance(corpus, tmp_path):
    dev, lang = FeatureReader(corpus / "dev"), read_lang(corpus / "lang")
    weights = []
    for number in range(2):
        torch.manual_seed(number)
        train_e2e(dev, dev, lang, E2eTrainingOptions(**{**OPTIONS, "epochs": 1}), tmp_path / str(number), LOG)
        weights.append(E2eModel.load(tmp_path / str(number)).network.ctc.weight)
    assert torch.equal(*weights)


class FakeDecoder(nn.Module):
    """Of each utterance the loss is 2 for each token, 1 for the sentence."""

    def loss(self, encoded, lengths, tokens):
        count = sum(len(one) + 1 for one in tokens)
        return {"loss": (2.0 * encoded.mean() * 0 + 2 * count - len(tokens), count), "known": (torch.tensor(3.0), 4)}


def test_the_loss_is_the_weighted_sum_by_tokens_and_sentences(corpus):
    dev = FeatureReader(corpus / "dev")
    tokens = {utterance_id: [1, 2, 3] for utterance_id in dev.ids}
    network = E2eNetwork(E2eOptions(arch=ARCH, subsampling=2, encoder_dim=8), dev.dim, 5).eval()
    network.decoder, network.ctc_weight = FakeDecoder(), 0.25
    batch = next(FeatureBatches(dev, 2.0, shuffle=False).batches(0, 0))
    with torch.no_grad():
        figures = E2eLoss(tokens)(network, batch, torch.device("cpu"))
        encoded, lengths = network.encode(batch.features, batch.lengths)
        size = len(batch.utterance_ids)
        log_probs = network.ctc_log_probs(encoded)
        ctc = ctc_loss(log_probs, lengths, [[1, 2, 3]] * size).sum()
    assert figures["ctc"] == (pytest.approx(float(ctc)), 4 * size)
    assert figures["decoder"] == (pytest.approx(7.0 * size), 4 * size) and figures["known"] == (3.0, 4)
    assert figures["loss"][0] == pytest.approx(float(0.25 * ctc + 0.75 * 7 * size)) and figures["loss"][1] == 4 * size
    said = [greedy_tokens(log_probs[row, :length]) for row, length in enumerate(lengths.tolist())]
    assert figures["token_error"] == (sum(edit_distance([1, 2, 3], tokens) for tokens in said), 3 * size)
    assert E2eLoss(tokens)(network.train(), batch, torch.device("cpu")).keys() == figures.keys() - {"token_error"}


def test_without_ctc_the_decoder_is_all(corpus):
    dev = FeatureReader(corpus / "dev")
    network = E2eNetwork(E2eOptions(arch=ARCH, subsampling=2, encoder_dim=8), dev.dim, 5).eval()
    network.ctc, network.decoder, network.ctc_weight = None, FakeDecoder(), 0.0
    batch = next(FeatureBatches(dev, 2.0, shuffle=False).batches(0, 0))
    figures = E2eLoss({utterance_id: [1] for utterance_id in dev.ids})(network, batch, torch.device("cpu"))
    assert float(figures["loss"][0]) == 3.0 * len(batch.utterance_ids) and "ctc" not in figures


class Texts:
    """A FeatureReader's texts and lengths."""

    def __init__(self, texts, num_frames=20):
        self.texts, self.frames, self.ids = texts, num_frames, list(texts)

    def text(self, utterance_id):
        return self.texts[utterance_id]

    def num_frames(self, utterance_id):
        return self.frames


def test_every_utterance_is_a_target_or_named():
    texts = Texts({"a": "ab b", "b": "", "c": "abcabc", "d": "abba", "e": "ax"}, 11)
    outcomes = Outcomes()
    options = E2eOptions(subsampling=2)  # 6 frames
    found = usable_tokens(texts, TokenTable.characters([["abc"]]), options, outcomes)
    assert found == {"a": [2, 3, 1, 3], "c": [2, 3, 4, 2, 3, 4], "d": [2, 3, 3, 2]}
    assert outcomes.notable == {"b": ("empty", "a transcript without words"),
                                "e": ("unknown_tokens", "a transcript that the tokens cannot spell")}
    outcomes = Outcomes()
    usable_tokens(Texts({"c": "abcabc"}, 10), TokenTable.characters([["abc"]]), options, outcomes)
    assert outcomes.notable["c"] == ("too_short", "5 frames after subsampling for 6 tokens")


def test_tokens_come_from_the_training_text():
    texts = Texts({"a": "on no", "b": "", "c": "none"})
    assert make_tokens(texts, None, E2eOptions()).symbols == ["<blk>", "\u2581", "e", "n", "o"]
    pieces = make_tokens(texts, None, E2eOptions(units="piece", num_pieces=8, piece_model="bpe"))
    assert pieces.kind == "piece" and pieces.num_tokens <= 9 and pieces.encode(["none", "on"])
    with pytest.raises(InputError, match="--lang"):
        make_tokens(texts, None, E2eOptions(units="phone"))


def test_too_many_unusable_utterances_end_the_training(corpus, tmp_path):
    options = E2eTrainingOptions(**{**OPTIONS, "subsampling": 40})
    with pytest.raises(TooManyFailures, match="end-to-end training"):
        train_e2e(FeatureReader(corpus / "train"), FeatureReader(corpus / "dev"), read_lang(corpus / "lang"), options,
                  tmp_path, LOG)
    assert "too_short" in (tmp_path / "outcomes.tsv").read_text()


def test_features_that_are_not_what_the_network_is_for_are_refused(corpus, tmp_path):
    dev, lang, options = FeatureReader(corpus / "dev"), read_lang(corpus / "lang"), E2eTrainingOptions(**OPTIONS)
    with pytest.raises(InputError, match="delta_blocks: expected 1, as in the features, found 2"):
        arch = CnnTdnnOptions(hidden_dim=4, dilations=(1,), delta_blocks=2)
        train_e2e(dev, dev, lang, dataclasses.replace(options, arch=arch), tmp_path, LOG)
    other = FeatureReader(corpus / "dev")
    other.frame_shift = 0.02
    with pytest.raises(InputError, match="frame_shift of the development features: expected 0.01 as in training"):
        train_e2e(dev, other, lang, options, tmp_path, LOG)


@pytest.mark.usefixtures("no_picture")
def test_what_a_network_is_quite_sure_to_be_absent_has_a_prior_all_the_same(corpus, tmp_path):
    dev, out = FeatureReader(corpus / "dev"), tmp_path / "new" / "one"
    options = E2eTrainingOptions(**{**OPTIONS, "epochs": 1, "learning_rate": 1e3, "encoder_dim": 1})
    train_e2e(dev, dev, read_lang(corpus / "lang"), options, out, LOG)
    model = E2eModel.load(out)
    priors = read_priors(out, {**model.description, "out_dim": model.tokens.num_tokens}, "e2e.json")
    assert priors.exp().min().item() == pytest.approx(1e-8)


@pytest.mark.parametrize("bad", [{"ctc_weight": 0.5}, {"ctc_weight": -0.1}, {"ctc_weight": 1.1}, {"units": "word"},
                                 {"piece_model": "wordpiece"}, {"encoder_dim": 0}, {"subsampling": 0},
                                 {"num_pieces": 0}, {"max_duration": 0.0}, {"max_failed_share": 1.0},
                                 {"seed": -1}, {"time_masks": -1}, {"tempo": 0.6}, {"arch": "tdnn"},
                                 {"decoder": "lstm"}])
def test_options_out_of_range(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        E2eTrainingOptions(**bad)


@pytest.mark.parametrize("name", DECODERS)
def test_names_of_options_are_unique(name):
    """They stand flat beside those of every encoder and of training."""
    own = {option.name for option in dataclasses.fields(DECODERS[name])}
    others = {option.name for cls in (E2eTrainingOptions, *ARCHITECTURES.values())
              for option in dataclasses.fields(cls)}
    assert own & others == set()
