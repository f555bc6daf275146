"""Hybrid and end-to-end systems rescore each other's lattices; models are untrained, so scores are asked one by one."""

import json
import shutil

import numpy as np
import pytest
import torch

from graphs.lang.lang_folder import write_lang
from graphs.lang.symbols import SymbolTable
from graphs.lattices.compact_lattice import CompactLattice
from graphs.lattices.lattice_io import read_lattices, write_lattices
from hybrid.am.acoustic_model import AcousticModel
from hybrid.align.forced import Aligner, AlignOptions
from hybrid.align.sentence_scores import ViterbiScorer
from hybrid.data.compute import compute_features
from hybrid.data.features import FeatureOptions, FeatureReader
from hybrid.e2e.model import E2eModel, write_e2e_model
from hybrid.e2e.network import E2eOptions
from hybrid.e2e.sentence_scores import E2eScorer
from hybrid.e2e.tokens import TokenTable
from hybrid.nn.dnn import DnnOptions
from hybrid.nn.tensor_file import write_tensors
from hybrid.outcomes import Outcomes
from hybrid.recognize.model_rescoring import read_weight
from hybrid.recognize.nbest import best_sentences
from tests.hybrid.am.test_acoustic_model import write_model
from tests.hybrid.data.material import ready_corpus
from tests.hybrid.training.material import LEXICON, make_small_lang
from tools import rescore_with_model as program
from tools.artefacts.registry import problems_of
from tools.frame.records import read_record, write_record

LANG, SAID = make_small_lang(), sorted(LEXICON)[:3]
SENTENCES = [SAID[:1], SAID[1:3], SAID[:2], []]


def lattice_of(name, own, words, number=7):
    """The sentences side by side; own: acoustic scores."""
    rows = []
    for place, (sentence, acoustic) in enumerate(zip(SENTENCES, own)):
        inner = 3 * place + 1
        first, second = ([words.id_of(word) for word in sentence] + [0, 0])[:2]
        rows += [(0, inner, first, acoustic, -0.5 * place, 3), (inner, 99, second, 0.0, 0.0, number - 3)]
    src, dst, word_id, acoustic, graph, frames = zip(*rows)
    order = {state: n for n, state in enumerate(sorted({*src, *dst}))}
    return CompactLattice(name, number, [order[s] for s in src], [order[s] for s in dst], word_id, acoustic, graph,
                          np.ones(sum(frames)), np.cumsum(frames))


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cross")
    for name in ("features", "am", "e2e", "lattices"):
        (folder / name).mkdir()
    compute_features(ready_corpus(folder / "storage", 4, shortest=40, longest=50), FeatureOptions(kind="ready"),
                     folder / "features", Outcomes())
    write_model(folder / "am")
    write_lang(LANG, folder / "lang")
    tokens, options = TokenTable.characters([SAID]), E2eOptions(DnnOptions(hidden_dim=4, num_layers=1), 2, 4)
    torch.manual_seed(1)
    write_tensors(folder / "e2e" / "best.safetensors", options.build(5, tokens.num_tokens).state_dict())
    write_e2e_model(folder / "e2e", options, tokens, 5, frame_shift=0.01, checkpoint="best")
    write_lattices(folder / "lattices", 0, [lattice_of(f"u{n:03d}", [-20.0 - n, -21.0, -23.0, -22.0], LANG.words)
                                            for n in range(4)])
    LANG.words.write(folder / "lattices" / "words.txt")
    return folder


def run(work, out, model, *arguments, options=(), lattices="lattices"):
    more = ["--lang", work / "lang"] if model == "am" else []
    return program.PROGRAM.run(program.work, list(map(str, (
        "--lattices", work / lattices, "--features", work / "features", "--model", work / model, *more, "--out",
        work / out, "--nj", 1, *arguments, *options))))


def scores_of(work, model, utterance_id):
    """Of the sentences, asked one by one."""
    features = FeatureReader(work / "features")[utterance_id]
    if model == "e2e":
        scorer = E2eScorer(E2eModel.load(work / "e2e"))
        return [float(scorer([features], [[words]])[0][0]) for words in SENTENCES]
    am = AcousticModel.load(work / "am")
    scorer = ViterbiScorer(Aligner(LANG, am.tree, am.transitions, AlignOptions(), 0.01))
    return [float(scorer.scores(am.log_likelihoods(features), [words])[0]) for words in SENTENCES]


def found(folder):
    """utterance_id -> {words: acoustic}"""
    words = SymbolTable.read(folder / "words.txt")
    return {lattice.utterance_id: {tuple(map(words.symbol_of, one.word_ids)): one.acoustic
                                   for one in best_sentences(lattice, 9)} for lattice in read_lattices(folder)}


@pytest.mark.parametrize("model, factor", [("e2e", 10.0), ("am", 1.0)])
def test_each_kind_scores_the_sentences(work, model, factor):
    assert run(work, f"by_{model}", model, options=["model_rescore.weight=0.25"]) == 0
    after = found(work / f"by_{model}")
    for n, utterance_id in enumerate(sorted(after)):
        for words, own, other in zip(SENTENCES, [-20.0 - n, -21.0, -23.0, -22.0], scores_of(work, model, utterance_id)):
            assert after[utterance_id][tuple(words)] == pytest.approx(0.75 * own + 0.25 * factor * other, abs=1e-3)
    assert problems_of(work / f"by_{model}") == [] and read_weight(work / f"by_{model}") == 0.25
    facts = json.loads((work / f"by_{model}" / ".stage.json").read_text())["facts"]
    assert facts["outcomes"] == {"done": 4} and facts["factor"] == pytest.approx(factor) and facts["weight"] == 0.25


def test_the_weight_is_chosen_on_the_development_set_and_carried_over(work):
    """What was said is what the other model likes best, alone."""
    assert run(work, "one", "e2e", options=["model_rescore.weight=1", "model_rescore.factor=1"]) == 0
    said = {key: max(SENTENCES, key=lambda words: own[tuple(words)] - 0.5 * SENTENCES.index(words))
            for key, own in found(work / "one").items()}
    assert any(words != SENTENCES[0] for words in said.values())
    (work / "said").write_text("".join(f"{key} {' '.join(words)}\n" for key, words in said.items()))
    grid = ["score.lm_scales=1", "score.word_insertion_penalties=0", "model_rescore.factor=1"]
    assert run(work, "dev", "e2e", "--weights", 0, 0.01, 1, "--cuts", work / "said", options=grid) == 0
    rows = [line.split("\t") for line in (work / "dev" / "weights.tsv").read_text().splitlines()]
    assert rows[0][0] == "weight" and [row[0] for row in rows[1:]] == ["0", "0.01", "1"]
    assert int(rows[1][-1]) > 0 == int(rows[3][-1]) and read_weight(work / "dev") == 1.0
    assert run(work, "test", "e2e", "--weight-of", work / "dev", options=["model_rescore.factor=1"]) == 0
    assert found(work / "test") == found(work / "dev") == found(work / "one")


def test_nbest_and_what_cannot_be_scored(work, tmp_path):
    words = SymbolTable([*LANG.words.symbols[1:], "QQ"])
    odd = lattice_of("u000", [-1.0] * 4, words)
    odd.word_id[odd.word_id > 0] = words.id_of("QQ")
    odd = odd.select(np.arange(8) < 6)
    bad = lattice_of("u002", [-1.0] * 4, words)
    bad.word_id[0] = len(words)
    # the best two with graph scores once, by a tenth of the acoustic ones: the last and the second
    write_lattices(tmp_path, 0, [odd, lattice_of("u001", [-12.0, -4.0, 0.0, 10.0], words), bad,
                                 lattice_of("strange", [-1.0, -2.0, -3.0, -9.0], words)])
    words.write(tmp_path / "words.txt")
    options = ["model_rescore.nbest=2", "model_rescore.max_failed_share=0.9"]
    assert run(work, "few", "e2e", options=options, lattices=tmp_path) == 0
    after = found(work / "few")
    assert {key: len(one) for key, one in after.items()} == {"u000": 2, "u001": 2, "strange": 2}
    assert set(after["u000"].values()) == {-1.0} and set(after["u001"]) == {tuple(SENTENCES[3]), tuple(SENTENCES[1])}
    lines = (work / "few" / "outcomes.tsv").read_text().splitlines()[1:]
    assert [line.split("\t")[:2] for line in lines] == [
        ["strange", "unscored"], ["u000", "unscored"], ["u002", "failed"]]
    assert "no features" in lines[0] and "can give none" in lines[1] and "word_ids below" in lines[2]
    assert run(work, "strict", "e2e", options=options[:1], lattices=tmp_path) != 0


def test_an_utterance_has_one_lattice(work, tmp_path, capsys):
    write_lattices(tmp_path, 0, [lattice_of("u000", [-1.0] * 4, LANG.words)] * 2)
    LANG.words.write(tmp_path / "words.txt")
    assert run(work, "twice", "e2e", lattices=tmp_path) == 2 and "u000" in capsys.readouterr().err


ALONE = "--model: expected an end-to-end model alone, or acoustic models with --lang, found something else"


@pytest.mark.parametrize("model, arguments, message", [
    ("e2e", ["--lang", "lang"], ALONE), ("e2e", ["--adaptation", "lang"], ALONE),
    ("e2e", ["--speaker-transforms", "lang"], ALONE), ("e2e", ["--model", "e2e", "e2e"], ALONE),
    ("am", ["--model", "am", "e2e"], ALONE),
    ("e2e", ["--weights", "0.5"], "--weights and --cuts: expected both, to choose from the weights, or neither"),
    ("e2e", ["--cuts", "said.txt"], "--weights and --cuts: expected both, to choose from the weights, or neither"),
    ("e2e", ["--weights", "-1", "--cuts", "said.txt"],
     "--weights: expected weights that can be, found weight: expected 0 to 1, found [-1.0]"),
    ("e2e", ["--weights", "0.5", "--cuts", "said.txt", "--weight-of", "lattices"],
     "--weight-of: expected no --weights beside it, found both"),
    ("e2e", ["--weight-of", "lattices"], "model_weight.json: expected an existing file"),
    ("e2e", ["model_rescore.ctc_weight=0.5"], "ctc_weight")])
def test_arguments_that_cannot_be(work, model, arguments, message, monkeypatch, capsys):
    monkeypatch.chdir(work)
    (work / "said.txt").write_text("u000\n")
    assert run(work, "none", model, *arguments) == 2
    assert message in capsys.readouterr().err


def test_several_processes_are_for_the_cpu(work, monkeypatch):
    seen = []
    monkeypatch.setattr("hybrid.recognize.model_rescoring.rescore_all",
                        lambda rescoring, lattices, nj: seen.append((rescoring.scorer.device, nj)) or iter(()))
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    for device in ("cpu", "cuda"):
        assert run(work, device, "e2e", "--device", device, "--nj", 3) == 2  # nothing was rescored
    assert seen == [("cpu", 3), ("cuda", 1)]


def test_facts_of_the_search_stay_and_its_scale_makes_the_factor(work, tmp_path, monkeypatch):
    monkeypatch.setattr("tools.frame.program.Job.seconds", lambda job: 1.23456)
    shutil.copytree(work / "lattices", tmp_path / "lattices")
    write_record(tmp_path / "lattices", {"state": "done", "facts": {"acoustic_scale": 0.5, "search_seconds": 100.0}})
    assert run(work, "facts", "e2e", "--part-size", 3, lattices=tmp_path / "lattices") == 0
    facts = read_record(work / "facts")["facts"]
    assert (facts["factor"], facts["weight"], facts["acoustic_scale"]) == (2.0, 0.5, 0.5)
    assert facts["search_seconds"] == 101.23
    assert [path.name for path in sorted((work / "facts").glob("*.npz"))] == [
        "lattices.00000.npz", "lattices.00001.npz"]
    assert "weight 0.5, factor 2\n" in (work / "facts" / "log.txt").read_text()


def test_acoustic_models_need_pronunciations_and_features_that_fit(work, capsys):
    arguments = ["--lattices", work / "lattices", "--features", work / "features", "--model", work / "am", "--out",
                 work / "none"]
    assert program.PROGRAM.run(program.work, list(map(str, arguments))) == 2
    assert "--lang: expected the lang folder" in capsys.readouterr().err
