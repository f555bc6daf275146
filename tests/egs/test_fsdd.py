"""The fsdd recipe: split, lexicon, a grammar of exactly one word, and what is said when the data is not there."""

import wave
from collections import Counter
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from egs.fsdd import corpus as fsdd
from egs.fsdd.prepare import PROGRAM, CorpusOptions, work
from graphs.errors import InputError
from graphs.grammar.arpa import read_arpa
from graphs.lang.lexicon import SENTENCE_END, SENTENCE_START
from hybrid.data.manifest import read_cuts
from tests.egs.options import options_of
from tools import make_graph, prepare_lang

ROOT = Path(__file__).parent.parent.parent
RATE = 8000
SPEAKERS = ("ann", "bob")
FILES = [f"{digit}_{speaker}_{index}" for digit, speaker, index in product(range(10), SPEAKERS, range(12))]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fsdd") / "free-spoken-digit-dataset"
    (folder / "recordings").mkdir(parents=True)
    (folder / "README.md").write_text("not a recording")
    for name in [*FILES, "not_a_digit"]:
        with wave.open(str(folder / f"recordings/{name}.wav"), "wb") as stream:
            stream.setparams((1, 2, RATE, 0, "NONE", ""))
            stream.writeframes(np.zeros(RATE // 4, "<i2").tobytes())
    return folder


@pytest.fixture(scope="module")
def corpus(dataset, tmp_path_factory):
    out = tmp_path_factory.mktemp("fsdd") / "corpus"
    assert PROGRAM.run(work, ["--corpus", str(dataset), "--out", str(out)]) == 0
    return out


def indices(cuts):
    return {int(cut.id.rsplit("_", 1)[1]) for cut in cuts}


def test_official_test_set_and_the_next_five_for_dev(corpus):
    cuts = {split: read_cuts(corpus / f"{split}.jsonl.gz") for split in ("train", "dev", "test")}
    assert {split: indices(some) for split, some in cuts.items()} == {
        "test": {0, 1, 2, 3, 4}, "dev": {5, 6, 7, 8, 9}, "train": {10, 11}}
    assert {split: len(list(some)) for split, some in cuts.items()} == {"test": 100, "dev": 100, "train": 40}
    for some in cuts.values():  # every digit of every speaker, equally often
        counts = Counter((cut.supervisions[0].text, cut.supervisions[0].speaker) for cut in some)
        assert set(counts) == set(product(fsdd.WORDS, SPEAKERS)) and len(set(counts.values())) == 1


def test_cuts_say_what_the_file_names_say(corpus):
    cut = next(cut for cut in read_cuts(corpus / "test.jsonl.gz") if cut.id == "7_bob_3")
    assert (cut.supervisions[0].text, cut.supervisions[0].speaker) == ("SEVEN", "bob")
    assert (cut.sampling_rate, cut.duration) == (RATE, 0.25)
    assert Path(cut.recording.sources[0].source).name == "7_bob_3.wav"


def test_share_for_dev_is_an_option(dataset, tmp_path):
    assert PROGRAM.run(work, ["--corpus", str(dataset / "recordings"), "--out", str(tmp_path / "out"),
                              "corpus.num_dev=2"]) == 0
    assert indices(read_cuts(tmp_path / "out/dev.jsonl.gz")) == {5, 6}
    with pytest.raises(ValueError, match="num_dev"):
        CorpusOptions(num_dev=0)


def test_other_numbers_of_recordings_are_warned_of(dataset, tmp_path, capsys):
    assert PROGRAM.run(work, ["--corpus", str(dataset), "--out", str(tmp_path / "out")]) == 0
    assert "has 3000 recordings, here are 240" in "".join(capsys.readouterr())
    assert fsdd.check_count([Path("0_ann_0.wav")] * 3000) is None


def test_without_the_data_the_message_says_how_to_get_it(tmp_path, capsys):
    for arguments in ([], ["--corpus", str(tmp_path)], ["--corpus", str(tmp_path / "none")]):
        assert PROGRAM.run(work, [*arguments, "--out", str(tmp_path / "out")]) == 2
        message = capsys.readouterr().err
        assert "--corpus" in message and "github.com/Jakobovski/free-spoken-digit-dataset" in message, arguments


def test_an_empty_split_is_an_error(tmp_path):
    paths = [Path(f"0_ann_{index}.wav") for index in range(12)]
    with pytest.raises(InputError, match="fsdd, train"):
        fsdd.split(paths, 7)
    with pytest.raises(InputError, match="fsdd, test"):
        fsdd.split(paths[5:], 2)


def test_model_is_a_distribution_over_single_digits(corpus):
    model, report = read_arpa(corpus / "lm.arpa")
    assert not report.wrong_counts and not report.dead_ends
    for word in fsdd.WORDS:
        assert model.log10_prob(word, [SENTENCE_START]) == pytest.approx(-1)
        assert model.log10_prob(SENTENCE_END, [SENTENCE_START, word]) == pytest.approx(0)
        assert model.log10_prob(word, [SENTENCE_START, word]) == -np.inf
    assert model.log10_prob(SENTENCE_END, [SENTENCE_START]) == -np.inf


def test_decoding_graph_accepts_exactly_one_digit(corpus, tmp_path):
    pytest.importorskip("k2")
    from graphs.hmm.context_tree import ContextTree
    from graphs.decoding.graph_io import read_graph
    from graphs.lang.lang_folder import read_lang
    from graphs.hmm.transitions import TransitionModel
    assert prepare_lang.PROGRAM.run(prepare_lang.work, ["--lexicon", str(corpus / "lexicon.txt"), "--out",
                                                        str(tmp_path / "lang")]) == 0
    lang = read_lang(tmp_path / "lang")
    TransitionModel.from_tree(ContextTree.monophone(lang.topology), lang.topology).write(tmp_path / "transitions")
    arguments = ["--lang", str(tmp_path / "lang"), "--arpa", str(corpus / "lm.arpa")]
    for name, more in (("graph", ["--transitions", str(tmp_path / "transitions")]), ("untrained", [])):
        assert make_graph.PROGRAM.run(make_graph.work, [*arguments, *more, "--out", str(tmp_path / name)]) == 0
    graph = read_graph(tmp_path / "graph")
    # the transitions are those of the topology here, which is also what is taken when none are given
    assert np.array_equal(graph.arcs.ilabel, read_graph(tmp_path / "untrained").arcs.ilabel)
    found = {tuple(lang.words.symbols[word_id] for word_id in words) for words in sentences(graph, 3)}
    assert found == {(word,) for word in fsdd.WORDS}


def sentences(graph, most):
    """word_ids of every path of a graph from start to end, those of more than `most` words left out."""
    arcs, words = graph.arcs, graph.sequences.words
    seen, pending = {(0, ())}, [(0, ())]
    while pending:
        state, said = pending.pop()
        for i in np.flatnonzero(arcs.src == state):
            reached = int(arcs.dst[i]), said + words(int(arcs.olabel[i]))
            if reached not in seen and len(reached[1]) <= most:
                seen.add(reached)
                pending.append(reached)
    return {said + words(int(label)) for state, said in seen
            for label in arcs.final_olabel[arcs.final_state == state]}


def test_every_option_of_the_conf_file_is_known():
    options = options_of(ROOT / "egs/fsdd/conf/default.conf", CorpusOptions)
    assert options["ctc"].subsampling == 2 and options["corpus"].num_dev == 5
