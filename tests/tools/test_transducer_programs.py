"""Decoding with a transducer, by each of its searches."""

import json

import pytest

from graphs.lang.symbols import SymbolTable
from graphs.lattices.lattice_io import read_lattices
from hybrid.data.features import FeatureReader
from hybrid.e2e.decoders.transducer import TransducerOptions
from hybrid.e2e.nbest_file import NBEST, read_nbest
from tests.hybrid.e2e.material import character_tokens, write_model
from tests.hybrid.training.material import make_corpus
from tests.tools.test_e2e_programs import run
from tools import decode_e2e, train_ngram


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = make_corpus(tmp_path_factory.mktemp("corpus"), 2, 3)
    write_model(folder / "model", character_tokens("nosu"), decoder=TransducerOptions(predictor_dim=8, joiner_dim=8),
                ctc_weight=0.0, priors=False)
    (folder / "said.txt").write_text("no no on\nsun us\non sun\n")
    assert run(train_ngram, folder / "lm", "--text", folder / "said.txt", "--lang", folder / "lang",
               "lm.method=witten-bell") == 0
    return folder


def decode(corpus, out, search, *more):
    return run(decode_e2e, corpus / out, "--features", corpus / "dev", "--model", corpus / "model", "--lang",
               corpus / "lang", f"e2e_search.search={search}", *more)


@pytest.mark.parametrize("search", ["transducer_greedy", "transducer_beam", "transducer_graph"])
def test_every_utterance_is_a_lattice_and_a_list(corpus, search):
    assert decode(corpus, search, search) == 0
    reader = FeatureReader(corpus / "dev")
    lists = {found.utterance_id: found for found in read_nbest(corpus / search / NBEST)}
    lattices = {lattice.utterance_id: lattice for lattice in read_lattices(corpus / search)}
    assert sorted(lists) == sorted(lattices) == sorted(reader.ids)
    for utterance_id, found in lists.items():
        assert found.num_frames == lattices[utterance_id].num_frames == -(-reader.num_frames(utterance_id) // 2)
        assert all(one.parts.keys() == {"transducer"} for one in found.hypotheses)


def test_a_language_model_and_the_internal_one(corpus):
    assert decode(corpus, "fused", "transducer_beam", "--lm", corpus / "lm", "e2e_search.internal_scale=0.2",
                  "e2e_search.lm_scale=0.6", "e2e_search.token_bonus=0") == 0
    best = next(read_nbest(corpus / "fused" / NBEST)).hypotheses[0]
    assert best.score == pytest.approx(
        best.parts["transducer"] + 0.6 * best.parts["lm"] - 0.2 * best.parts["internal_lm"])


def test_a_graph_of_words(corpus):
    assert decode(corpus, "graph", "transducer_graph", "--lm", corpus / "lm", "e2e_search.lm_scale=0.3") == 0
    known = SymbolTable.read(corpus / "lang" / "words.txt").symbols
    assert SymbolTable.read(corpus / "graph" / "words.txt").symbols == known  # nothing else was said
    for found in read_nbest(corpus / "graph" / NBEST):
        for one in found.hypotheses:
            assert one.score == pytest.approx(one.parts["transducer"] + 0.3 * one.parts["lm"], abs=1e-4)
    assert "cannot be spelled" not in (corpus / "graph" / "log.txt").read_text()
    assert json.loads((corpus / "graph" / ".stage.json").read_text())["facts"]["outcomes"] == {"done": 3}


def test_a_graph_needs_n_grams(corpus, capsys):
    (corpus / "neural").mkdir()
    (corpus / "neural" / "lm.json").write_text("{}")
    assert decode(corpus, "bad", "transducer_graph", "--lm", corpus / "neural") == 2
    assert "an n-gram model, since it becomes a graph" in capsys.readouterr().err
