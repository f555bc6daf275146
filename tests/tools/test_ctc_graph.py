"""Graphs and lattices of an end-to-end model's CTC output, by the programs of the hybrid."""

import numpy as np
import pytest

from graphs.hmm.transitions import TransitionModel
from graphs.lang.lang_folder import read_lang, validate_lang
from graphs.lang.symbols import SymbolTable
from graphs.lattices.lattice_io import read_lattices
from hybrid.data.features import FeatureReader
from hybrid.e2e.ctc_acoustic import ctc_acoustic_model
from hybrid.e2e.decoders.transducer import TransducerOptions
from hybrid.e2e.tokens import TokenTable
from tests.hybrid.e2e.material import character_tokens, write_model
from tests.hybrid.training.material import DIM, LEXICON, make_corpus
from tools import decode, decode_e2e, make_graph
from tools.artefacts.decoding import graph_problems
from tools.lattices.inputs import frame_shift_of, timer_of

pytest.importorskip("k2")

LM = "\\data\\\nngram 1=6\n\n\\1-grams:\n-99 <s>\n-0.9 </s>\n" + "".join(
    f"-0.6 {word}\n" for word in LEXICON) + "\n\\end\\\n"


def run(module, out, *arguments):
    return module.PROGRAM.run(module.work, ["--out", str(out), *map(str, arguments)])


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = make_corpus(tmp_path_factory.mktemp("corpus"), 1, 3)
    (folder / "lm.arpa").write_text(LM)
    return folder


@pytest.mark.parametrize("units", ("character", "phone"))
def test_lattices_of_ctc(corpus, tmp_path, units):
    tokens = character_tokens("nosu") if units == "character" else TokenTable.phones(read_lang(corpus / "lang"))
    model = write_model(tmp_path / "ctc", tokens, DIM)
    assert run(make_graph, tmp_path / "graph", "--lang", corpus / "lang", "--arpa", corpus / "lm.arpa", "--ctc",
               model) == 0
    lang = read_lang(tmp_path / "graph" / "lang")
    assert validate_lang(tmp_path / "graph" / "lang") == []
    for name, table in (("words.txt", lang.words), ("phones.txt", lang.phones)):
        assert SymbolTable.read(tmp_path / "graph" / name).symbols == table.symbols
    assert list(graph_problems(tmp_path / "graph")) == []
    assert run(decode, tmp_path / "decode", "--features", corpus / "dev", "--model", model, "--graph",
               tmp_path / "graph", "--ctc-prior-scale", 0.3, "search.acoustic_scale=1", "search.beam=50") == 0
    reader, scored = FeatureReader(corpus / "dev"), ctc_acoustic_model(model, 0.3)
    assert frame_shift_of(tmp_path / "decode", None) == 2 * reader.frame_shift
    timer = timer_of(tmp_path / "decode", lang, lang.phones)
    transitions = TransitionModel.read(tmp_path / "decode" / "transitions")
    lattices = {lattice.utterance_id: lattice for lattice in read_lattices(tmp_path / "decode")}
    assert sorted(lattices) == sorted(reader.ids)
    for utterance_id, lattice in lattices.items():
        path, scores = lattice.best_path(1.0, 1.0), scored.log_likelihoods(reader[utterance_id]).numpy()
        acoustic = scores[np.arange(len(scores)), transitions.pdf_id[path.transition_ids]].sum()
        assert path.acoustic == pytest.approx(acoustic, abs=1e-3)
        assert timer(path).exact and len(timer(path).words) == len(path.word_ids)


def test_what_makes_no_graph(corpus, tmp_path, capsys):
    model = write_model(tmp_path / "ctc", character_tokens("nosu"), DIM)
    arguments = ["--lang", corpus / "lang", "--arpa", corpus / "lm.arpa"]
    for more, message in ((["--ctc", model, "--transitions", corpus / "ali_dev" / "transitions"], "no --transitions"),
                          (["--ctc", model, "--tree", corpus / "ali_dev" / "tree"], "no --transitions or --tree"),
                          (["--ctc", model, "graph.recognize_oov=true"],
                           "graph.recognize_oov: expected false, since characters cannot say unknown words, found"),
                          (["--ctc", model, "graph.ctc_topology=wide"], "ctc_topology")):
        assert run(make_graph, tmp_path / "none", *arguments, *more) == 2
        assert message in capsys.readouterr().err


def test_a_model_without_a_ctc_output_makes_none(corpus, tmp_path, capsys):
    model = write_model(tmp_path / "rnnt", character_tokens("nosu"), DIM, ctc_weight=0.0, decoder=TransducerOptions())
    assert run(make_graph, tmp_path / "none", "--lang", corpus / "lang", "--arpa", corpus / "lm.arpa", "--ctc",
               model) == 2
    assert (f"--ctc {model}: expected a model with a CTC output (ctc_weight above 0), found one without"
            in capsys.readouterr().err)


def test_phones_can_say_unknown_words(corpus, tmp_path):
    model = write_model(tmp_path / "ctc", TokenTable.phones(read_lang(corpus / "lang")), DIM)
    assert run(make_graph, tmp_path / "graph", "--lang", corpus / "lang", "--arpa", corpus / "lm.arpa", "--ctc", model,
               "graph.recognize_oov=true") == 0
    assert list(graph_problems(tmp_path / "graph")) == []


def test_phones_need_a_graph(corpus, tmp_path, capsys):
    model = write_model(tmp_path / "ctc", TokenTable.phones(read_lang(corpus / "lang")), DIM)
    assert run(decode_e2e, tmp_path / "none", "--features", corpus / "dev", "--model", model) == 2
    assert "tools.make_graph --ctc" in capsys.readouterr().err
