"""Programs of language models: they train, prune, mix and measure."""

import gzip
import json

import numpy as np
import pytest
import torch

from graphs.grammar.arpa import read_arpa
from graphs.grammar.ngram_lm import NgramLm
from graphs.lang.symbols import SymbolTable
from hybrid.lm.language_models import open_lm
from hybrid.lm.perplexity import log_probs, measure, read_text_ids, unknown_ids
from tests.hybrid.lm.test_ngram_train import random_text
from tools import interpolate_ngrams, perplexity, prune_ngram, train_class_lm, train_lm, train_ngram


def run(module, tmp_path, out, *arguments):
    return module.PROGRAM.run(module.work, ["--out", str(tmp_path / out), *map(str, arguments)])


def facts(tmp_path, out):
    return json.loads((tmp_path / out / ".stage.json").read_text())["facts"]


@pytest.fixture
def texts(tmp_path):
    """Two texts of unlike words, and one of all of them."""
    paths = [tmp_path / name for name in ("a.txt", "b.txt", "dev.txt")]
    for seed, (path, words) in enumerate(zip(paths, ("abcdx", "dcbay", "abcdxyz"))):
        path.write_text("".join(" ".join(sentence) + "\n" for sentence in random_text(seed, 60, words=tuple(words))))
    return paths


@pytest.fixture
def models(tmp_path, texts):
    for name, text in zip("ab", texts):
        assert run(train_ngram, tmp_path, name, "--text", text, "lm.order=3", "lm.method=witten-bell") == 0
    return [tmp_path / name / "lm.arpa" for name in "ab"]


def test_training_with_limits(tmp_path, texts):
    assert run(train_ngram, tmp_path, "lm", "--text", texts[0], "--dev", texts[2], "--gzip", "lm.max_words=4",
               "prune.max_ngrams=25") == 0
    assert (tmp_path / "lm" / "lm.arpa.gz").read_bytes()[:2] == b"\x1f\x8b"
    model, _ = read_arpa(tmp_path / "lm" / "lm.arpa.gz")
    assert len(model.words) == 3 + 4
    found = facts(tmp_path, "lm")
    assert sum(found["ngrams"]) == 25 < sum(found["ngrams_before_pruning"])
    assert found["ngrams"] == [len(table) for table in model.tables]
    text = read_text_ids(texts[2])
    own = measure(NgramLm(model, text.words), text)
    assert found["perplexity"] == round(own.perplexity_unknown, 3) and found["impossible"] == own.impossible == 0
    assert found["tokens"] == sum(map(len, random_text(2, 60, words=tuple("abcdxyz")))) + 60
    assert found["unknown"] == own.unknown > 0
    assert "ngrams_before_pruning" not in facts_of_plain(tmp_path, texts)


def facts_of_plain(tmp_path, texts):
    assert run(train_ngram, tmp_path, "plain", "--text", texts[0]) == 0
    return facts(tmp_path, "plain")


def test_pruning(tmp_path, texts, models, capsys):
    assert run(prune_ngram, tmp_path, "small", "--lm", models[0], "--history-lm", models[1], "--dev", texts[0],
               "prune.threshold=1e-3") == 0
    before, after = facts(tmp_path, "a"), facts(tmp_path, "small")
    assert after["ngrams_before_pruning"] == before["ngrams"] and sum(after["ngrams"]) < sum(before["ngrams"])
    assert read_arpa(tmp_path / "small" / "lm.arpa")[1].ngrams == after["ngrams"]
    assert run(prune_ngram, tmp_path, "own", "--lm", models[0], "--dev", texts[0], "prune.threshold=1e-3") == 0
    assert facts(tmp_path, "own")["perplexity"] != after["perplexity"]
    assert run(prune_ngram, tmp_path, "none", "--lm", models[0]) == 2
    assert "options [prune]: expected a threshold above 0 or max_ngrams, found neither" in capsys.readouterr().err


def test_mixing_and_measuring_agree(tmp_path, texts, models, capsys):
    assert run(interpolate_ngrams, tmp_path, "mixed", "--lm", *models, "--tune", texts[2], "--dev", texts[2],
               "--gzip") == 0
    assert run(perplexity, tmp_path, "ppl", "--lm", *models, "--tune", texts[2], "--text", texts[2]) == 0
    weights = facts(tmp_path, "mixed")["weights"]
    assert f"weights: {models[0]} {weights[0]:.4f}, {models[1]} {weights[1]:.4f}\n" in capsys.readouterr().err
    assert weights == facts(tmp_path, "ppl")["weights"] and sum(weights) == pytest.approx(1.0)
    assert run(perplexity, tmp_path, "static", "--lm", tmp_path / "mixed" / "lm.arpa.gz", "--text", texts[2]) == 0
    dynamic, static = (facts(tmp_path, name)["perplexity"][str(texts[2])] for name in ("ppl", "static"))
    assert static["perplexity"] == pytest.approx(dynamic["perplexity"], rel=0.02)
    assert static["unknown"] == dynamic["unknown"] > 0  # z
    assert static["perplexity_unknown"] == pytest.approx(facts(tmp_path, "mixed")["perplexity"], abs=1e-3)
    for lm in models:
        assert run(perplexity, tmp_path, "one", "--lm", lm, "--text", texts[2]) == 0
        assert facts(tmp_path, "one")["weights"] == [1.0]
        assert facts(tmp_path, "one")["perplexity"][str(texts[2])]["unknown"] > dynamic["unknown"]
    assert run(perplexity, tmp_path, "one", "--lm", *models, "--text", texts[2]) == 0
    assert facts(tmp_path, "one")["weights"] == [0.5, 0.5]
    capsys.readouterr()


def test_what_the_perplexity_program_writes(tmp_path, texts, models, capsys):
    with gzip.open(tmp_path / "odd.gz", "wt") as stream:
        stream.write("z z\n")
    torch.set_num_threads(2)
    assert run(perplexity, tmp_path, "ppl", "--lm", *models, "--weights", "0.5", "1", "--text", texts[0],
               tmp_path / "odd.gz", "--nj", 1) == 0
    assert torch.get_num_threads() == 1 and facts(tmp_path, "ppl")["weights"] == [0.333333, 0.666667]
    header, *lines = [line.split("\t") for line in (tmp_path / "ppl" / "perplexity.tsv").read_text().splitlines()]
    found = facts(tmp_path, "ppl")["perplexity"]
    assert header == list(perplexity.COLUMNS) and [line[0] for line in lines] == list(map(str, found))
    values = found[str(texts[0])]
    assert lines[0][1:] == [f"{values[name]:.4f}" if isinstance(values[name], float) else str(values[name])
                            for name in header[1:]]
    assert (values["sentences"], values["unknown"], values["impossible"]) == (60, 0, 0)
    assert 1 < values["perplexity"] < values["perplexity_words"]
    assert lines[1][1:5] == ["1", "2", "2", "0"] and lines[1][7] == ""  # no word that has a perplexity
    said = capsys.readouterr().err
    assert f"weights: {models[0]} 0.3333, {models[1]} 0.6667\n" in said
    assert "perplexity_unknown\n" in said and f"{texts[0]}  " in said  # the table


@pytest.mark.parametrize("gzipped", [False, True])
def test_class_models(tmp_path, texts, models, gzipped):
    assert run(train_class_lm, tmp_path, "class", "--text", texts[0], "--text", texts[1], "--dev", texts[2],
               "classes.number=3", "lm.order=2", "lm.method=witten-bell", *["--gzip"] * gzipped) == 0
    found = facts(tmp_path, "class")
    assert found["classes"] == 3 and found["ngrams"][0] == 3 + 3 and found["unknown"] > 0
    assert (tmp_path / "class" / "lm.arpa.gz").exists() == gzipped
    assert run(perplexity, tmp_path, "ppl", "--lm", tmp_path / "class", models[0], "--tune", texts[2], "--text",
               texts[2]) == 0
    assert run(perplexity, tmp_path, "alone", "--lm", tmp_path / "class", "--text", texts[2]) == 0
    values = facts(tmp_path, "alone")["perplexity"][str(texts[2])]
    assert values["perplexity_unknown"] == pytest.approx(found["perplexity"], abs=1e-2)
    assert values["unknown"] == found["unknown"]
    (tmp_path / "classes.txt").write_text("V a\nV b\n")
    assert run(train_class_lm, tmp_path, "given", "--text", texts[0], "--classes", tmp_path / "classes.txt") == 0
    assert (tmp_path / "given" / "classes.txt").read_text().split()[::3] == ["V", "V"]
    assert facts(tmp_path, "given")["ngrams"][0] == 3 + 4  # V, c, d, x


@pytest.mark.parametrize("arguments, message", [
    (["--weights", "0.5", "-0.4"], "--weights: expected 2 numbers from 0 up, one above, found [0.5, -0.4]"),
    (["--weights", "1"], "--weights: expected 2 numbers from 0 up, one above, found [1.0]"),
    (["--weights", "0.5", "0.5", "--tune", "TEXT"], "--weights: expected none, since --tune finds them"),
])
def test_bad_weights(tmp_path, texts, models, capsys, arguments, message):
    arguments = [texts[2] if word == "TEXT" else word for word in arguments]
    for module, more in ((perplexity, ["--text", texts[2]]), (interpolate_ngrams, [])):
        assert run(module, tmp_path, "bad", "--lm", *models, *arguments, *more) == 2
        assert message in capsys.readouterr().err


def test_a_neural_model_beside_an_n_gram_model(tmp_path, texts, models):
    """Both have the same events, and the mixture is that of the probabilities of each."""
    assert run(train_lm, tmp_path, "neural", "--text", texts[0], "--dev-text", texts[2], "neural_lm.arch=feed_forward",
               "neural_lm.hidden_dim=8", "neural_lm.embedding_dim=4", "neural_lm.epochs=2", "neural_lm.device=cpu",
               "neural_lm.tensorboard=no") == 0
    neural, found = tmp_path / "neural", {}
    for name, lms in (("neural_alone", [neural]), ("ngram", models[:1]), ("both", [models[0], neural])):
        more = ["--weights", 0.25, 0.75] if len(lms) > 1 else []
        assert run(perplexity, tmp_path, name, "--lm", *lms, "--text", texts[2], "--device", "cpu", *more) == 0
        found[name] = facts(tmp_path, name)["perplexity"][str(texts[2])]
    trained, alone = facts(tmp_path, "neural"), found["neural_alone"]
    assert alone["unknown"] == found["ngram"]["unknown"] == trained["dev_unknown_words"] > 0
    assert alone["perplexity_unknown"] == pytest.approx(trained["dev_perplexity"], rel=1e-4)
    words = SymbolTable()
    text = read_text_ids(texts[2], words)
    one, two = (log_probs(open_lm(path, words, "cpu").model, text) for path in (models[0], neural))
    known = ~unknown_ids(open_lm(neural, words, "cpu").model, words)[text.word_ids]
    total = sum(np.log(0.25 * np.exp(a) + 0.75 * np.exp(b)).sum()
                for a, b in ((one[0][known], two[0][known]), (one[1], two[1])))
    assert found["both"]["log_prob"] == pytest.approx(total, abs=1e-3)


def test_a_folder_that_is_no_language_model(tmp_path, texts, capsys):
    (tmp_path / "empty").mkdir()
    assert run(perplexity, tmp_path, "bad", "--lm", tmp_path / "empty", "--text", texts[0]) == 2
    assert "a folder with lm.json, lm.arpa or lm.arpa.gz, found none of them" in capsys.readouterr().err
