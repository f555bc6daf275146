"""Training of neural LMs as a whole: what is learnt, what the figures are, resumption to the bit, programs."""

import json
import math
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from graphs.errors import InputError
from graphs.lang.lang_folder import read_lang, write_lang
from graphs.lang.symbols import SymbolTable
from graphs.options import flat
from hybrid.lm.nets.feed_forward import FeedForwardOptions
from hybrid.lm.nets.recurrent import LstmOptions
from hybrid.lm.nets.transformer import TransformerOptions
from hybrid.lm.network import LmNetwork
from hybrid.lm.neural_lm import NeuralLm
from hybrid.training.checkpoint import load_state
from hybrid.training.lm import (
    LmTrainingOptions, UnitCrossEntropy, batches_of, make_vocabulary, read_text, train_lm)
from hybrid.training.loop import Trainer
from tests.graphs.langs import small_lang
from tests.hybrid.lm.material import make_network, make_text
from tests.hybrid.training.material import LOG

ROOT = Path(__file__).parents[3]
BASE = dict(epochs=20, batch_units=100, embedding_dim=12, learning_rate=0.03, tensorboard=False, device="cpu",
            average_last=2)
NETS = {"lstm": LstmOptions(hidden_dim=16, dropout=0.0), "feed_forward": FeedForwardOptions(hidden_dim=16, dropout=0.0),
        "transformer": TransformerOptions(hidden_dim=16, num_layers=1, heads=2, dropout=0.0)}


def write_text(path, seed, number=100):
    """A sentence says the same word first and last, which no trigram knows."""
    rng = random.Random(seed)
    frames = [rng.choice(["red", "blue"]) for _ in range(number)]
    lines = [f"{frame} {rng.choice(['so', 'very'])} so end {frame}" for frame in frames]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("texts")
    return read_text([write_text(folder / "train.txt", 1)]), read_text([write_text(folder / "dev.txt", 2, 30)])


def _scores(lm, text):
    """Natural log of each sentence, words one after another."""
    for _, words in text:
        state, total = np.array([lm.start]), 0.0
        for word_id in lm.vocabulary.word_ids(words):
            score, state = lm.advance(state, np.array([word_id]))
            total += score[0]
        yield total + lm.final(state)[0]


@pytest.mark.parametrize("most, more", [  # for a trigram, which forgets, half of a sentence's 6 events are chance
    (2 ** (2.5 / 6), dict(arch=NETS["lstm"], softmax="classes", cutoffs=(3, 5))),
    (6.5, dict(arch=NETS["transformer"], tied=True, softmax="sampled", num_samples=20, epochs=2)),
    (9.0, dict(arch=NETS["lstm"], units="character", epochs=2))], ids=["lstm", "transformer", "characters"])
def test_the_text_is_learnt_and_the_perplexity_is_that_of_the_scorer(texts, tmp_path, most, more):
    facts = train_lm(*texts, None, LmTrainingOptions(**{**BASE, **more}), tmp_path, LOG)
    lm = NeuralLm.read(tmp_path)
    events = sum(len(words) + 1 for _, words in texts[1])
    perplexity = math.exp(-sum(_scores(lm, texts[1])) / events)
    assert facts["dev_events"] == events and facts["dev_unknown_words"] == 0
    if more.get("units"):  # spellings of no word had a share
        assert perplexity < 0.99 * facts["dev_perplexity"]
    else:
        assert facts["dev_perplexity"] == pytest.approx(perplexity, rel=1e-4)
    assert 2 ** (2 / 6) < perplexity < most
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"lm.json", "best.safetensors", "averaged.safetensors", "words.txt", "counts.txt", "train.jsonl",
                    "curves.png"}


@pytest.mark.parametrize("more", [
    dict(arch=NETS["lstm"], tied=True), dict(arch=NETS["transformer"], softmax="sampled"),
    dict(arch=NETS["feed_forward"], softmax="classes")], ids=["lstm", "transformer", "feed_forward"])
def test_mixed_precision_is_near_full_precision_and_padding_counts_nothing(texts, more):
    options = LmTrainingOptions(**{**BASE, **more})
    vocabulary = make_vocabulary(texts[0], None, options)
    torch.manual_seed(1)
    model = LmNetwork(options, vocabulary.unit_counts).eval()
    batch = next(batches_of([*texts[1][:5], ("d:x", ["red"])], vocabulary, 1000).batches(0))
    total, events = UnitCrossEntropy()(model, batch, torch.device("cpu"))["loss"]
    alone = [next(batches_of([one], vocabulary, 1).batches(0)) for one in [*texts[1][:5], ("d:x", ["red"])]]
    parts = [UnitCrossEntropy()(model, one, torch.device("cpu"))["loss"] for one in alone]
    assert events == sum(part[1] for part in parts) == 5 * 6 + 2
    assert float(total) == pytest.approx(float(sum(part[0] for part in parts)), rel=1e-5)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed, _ = UnitCrossEntropy()(model, batch, torch.device("cpu"))["loss"]
    mixed.backward()
    assert float(mixed) == pytest.approx(float(total), rel=0.01) and all(
        torch.isfinite(parameter.grad).all() for parameter in model.parameters() if parameter.grad is not None)


def test_the_loss_is_minus_what_the_scorer_gives_the_sentences():
    """Rare words among them: they share the probability of one unit."""
    network, vocabulary = make_network()
    text = [(f"t:{number}", words) for number, words in enumerate([*make_text(4, 12), [], ["never", "x"]])]
    batch = next(batches_of(text, vocabulary, 10 ** 6).batches(0))
    loss, events = UnitCrossEntropy()(network, batch, torch.device("cpu"))["loss"]
    assert events == sum(len(words) + 1 for _, words in text) and batch.log_share < -1
    assert float(loss) == pytest.approx(-sum(_scores(NeuralLm(network, vocabulary), text)))


def test_pieces_and_a_lang_folder(texts, tmp_path):
    lang = small_lang()
    text = [("t:1", "bad add bad".split()), ("t:2", ["bee", "zebra"])] * 20
    options = LmTrainingOptions(**{**BASE, "arch": NETS["feed_forward"], "units": "piece", "num_pieces": 14,
                                   "epochs": 2})
    out = tmp_path / "new" / "lm"
    facts = train_lm(text, [("d:1", ["bad", "cow"]), ("d:2", ["bee"])], lang, options, out, LOG)
    lm = NeuralLm.read(out)
    assert lm.vocabulary.words == lang.words and facts["dev_unknown_words"] == 1 and facts["dev_events"] == 5
    assert lm.vocabulary.counts[lang.words.id_of("<unk>")] == 20 and (out / "pieces.model").exists()
    words = np.flatnonzero(lm.vocabulary.events)
    scores, _ = lm.advance(np.zeros(len(words), np.int64), words)
    assert np.exp(scores).sum() + np.exp(lm.final(np.zeros(1, np.int64)))[0] == pytest.approx(1, abs=1e-5)


class Killed(Exception):
    pass


def test_a_resumed_training_ends_with_the_same_bits(texts, tmp_path, monkeypatch):
    options = LmTrainingOptions(**{**BASE, "epochs": 3, "arch": LstmOptions(hidden_dim=8, num_layers=2),
                                   "softmax": "sampled", "num_samples": 4, "checkpoint_seconds": 0.0})
    whole = train_lm(*texts, None, options, tmp_path / "whole", LOG)
    step = Trainer._step

    def die(self, *rest):
        if (self.at.epoch, self.at.batch) == (1, 2):
            raise Killed
        return step(self, *rest)

    monkeypatch.setattr(Trainer, "_step", die)
    with pytest.raises(Killed):
        train_lm(*texts, None, options, tmp_path / "cut", LOG)
    assert load_state(tmp_path / "cut" / "checkpoint.safetensors")["at"]["batch"] == 2
    monkeypatch.setattr(Trainer, "_step", step)
    assert train_lm(*texts, None, options, tmp_path / "cut", LOG) == whole
    for name in ("best.safetensors", "averaged.safetensors", "lm.json", "words.txt", "counts.txt"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    other = train_lm(*texts, None, LmTrainingOptions(**{**vars(options), "seed": 2}), tmp_path / "other", LOG)
    assert other["dev_perplexity"] != whole["dev_perplexity"]


def _program(out, folder, *more, before=""):
    code = f"import sys\n{before}import tools.train_lm as program\nsys.exit(program.PROGRAM.run(program.work))"
    argv = ["--text", folder / "train.txt", "--dev-text", folder / "dev.txt", "--out", out, "--nj", 1,
            *(f"neural_lm.{name}={value}" for name, value in {**BASE, "epochs": 2, "arch": "gru"}.items()), *more]
    return subprocess.run([sys.executable, "-c", code, *map(str, argv)], cwd=ROOT, text=True, timeout=300,
                          env={**os.environ, "OMP_NUM_THREADS": "1"}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


DIE = """
import os, signal
from hybrid.training.loop import Trainer
step = Trainer._step
def die(self, *rest):
    if (self.at.epoch, self.at.batch) == (1, 2):
        os.kill(os.getpid(), signal.SIGKILL)
    return step(self, *rest)
Trainer._step = die
"""


def test_the_program_killed_and_started_again(tmp_path):
    write_text(tmp_path / "train.txt", 1)
    write_text(tmp_path / "dev.txt", 2, 20)
    lang = small_lang([*((word, "B", 1.0) for word in ("red", "blue", "so", "end"))])
    write_lang(lang, tmp_path / "lang")
    more = ["--lang", tmp_path / "lang", "neural_lm.checkpoint_seconds=0"]
    assert _program(tmp_path / "lm", tmp_path, *more, before=DIE).returncode == -signal.SIGKILL
    again = _program(tmp_path / "lm", tmp_path, *more)
    assert again.returncode == 0 and "going on from epoch 2, batch 3" in again.stdout, again.stdout
    record = json.loads((tmp_path / "lm" / ".stage.json").read_text())
    assert record["facts"]["dev_unknown_words"] == sum(
        line.split().count("very") for line in (tmp_path / "dev.txt").read_text().splitlines())
    lm = NeuralLm.read(tmp_path / "lm")
    assert lm.vocabulary.words == read_lang(tmp_path / "lang").words == SymbolTable.read(tmp_path / "lm/words.txt")


def test_texts_and_their_vocabularies(tmp_path, texts):
    (tmp_path / "empty.txt").write_text("\n \n")
    with pytest.raises(InputError, match="at least one sentence"):
        read_text([tmp_path / "empty.txt"])
    vocabulary = make_vocabulary(texts[0], None, LmTrainingOptions())
    assert set(vocabulary.words.symbols) - {"<eps>", "#0", "<s>", "</s>"} == {
        "<unk>", "red", "blue", "so", "very", "end"}
    batches = batches_of(texts[1], vocabulary, 10 ** 6)
    assert batches.num_batches(0) == 1 and next(batches.batches(0)).num_events == sum(
        len(words) + 1 for _, words in texts[1])


def test_defaults():
    options = flat(LmTrainingOptions())
    expected = dict(arch="lstm", hidden_dim=512, num_layers=1, dropout=0.3, embedding_dim=256, units="word",
                    min_count=2, softmax="full", tied=False, cutoffs=[1000, 4000], shrink=2.0,
                    num_samples=1000, num_pieces=1000,
                    batch_units=2000, epochs=15, learning_rate=3e-3, average_last=3, schedule="one_cycle")
    assert {name: options[name] for name in expected} == expected
    assert flat(FeedForwardOptions()) == dict(order=5, hidden_dim=512, num_layers=1, dropout=0.2)
    assert flat(TransformerOptions()) == dict(hidden_dim=256, num_layers=4, heads=4, feed_forward=4, left=-1,
                                              dropout=0.2)


@pytest.mark.parametrize("bad", [{"batch_units": 0}, {"epochs": 0}, {"softmax": "hard"}, {"seed": -1},
                                 {"arch": "lstm"}])
def test_options_out_of_range(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        LmTrainingOptions(**bad)


@pytest.mark.usefixtures("no_picture")
def test_a_perplexity_beyond_all_numbers_is_written_all_the_same(texts, tmp_path):
    options = LmTrainingOptions(**{**BASE, "epochs": 1, "learning_rate": 1e6, "arch": NETS["lstm"]})
    facts = train_lm(*texts, None, options, tmp_path, LOG)
    assert facts["dev_perplexity"] == math.inf
    assert json.loads((tmp_path / "lm.json").read_text())["dev_perplexity"] == math.inf


def test_a_batch_may_be_of_one_unit():
    assert LmTrainingOptions(batch_units=1).batch_units == 1
