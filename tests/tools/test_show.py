"""tools.show on one artefact of each kind."""

import shutil

import pytest

from graphs.lattices.lattice_io import write_lattices
from tests.graphs.lattices.material import random_compact_lattice
from tests.graphs.lattices.test_lattice import random_lattice
from tests.tools.work_folder import make_work, stage
from tools.artefacts.registry import KINDS
from tools.frame.records import training_seed
from tools.show import main


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    folder = tmp_path_factory.mktemp("show") / "work"
    make_work(folder)
    return folder


SHOWN = [
    ("cuts", [], "folder of cuts", ["train 3", "test 1"]),
    ("cuts", ["test"], "folder of cuts", ["u003"]),
    ("cuts/train.jsonl.gz", [], "cuts", ["speakers:", "s0, s1, s2", "6, 2 different"]),
    ("cuts/train.jsonl.gz", ["u001"], "cuts", ["yes no", "speaker:"]),
    ("features", [], "features folder", ["utterances:", "how it was made", "tools.compute_features"]),
    ("features", ["u002"], "features folder", ["yes no", "deviation"]),
    ("lang", [], "lang folder", ["unknown word", "pdf class", "B A D"]),
    ("lang", ["bad"], "lang folder", ["0.75", "B A D"]),
    ("lang", ["D"], "lang folder", ["phone_id", "bad, add"]),
    ("lang/topo", [], "topology", ["0: 0.75"]),
    ("lang/words.txt", ["bad"], "symbol table", ["id:"]),
    ("lang/phones.txt", ["1"], "symbol table", ["SIL"]),
    ("lang/lexiconp.txt", ["bad"], "lexicon", ["0.25"]),
    ("lm.arpa", [], "n-gram model", ["order:", "2"]),
    ("lm.arpa", ["bad"], "n-gram model", ["-0.1000", "-0.6000"]),
    ("class_lm", [], "class model", ["order: 2", "classes: 1", "words in classes: 2", "CLASS1 2 bad, b"]),
    ("class_lm", ["b"], "class model", ["class: CLASS1", "probability in it: 0.25", "bad, b"]),
    ("class_lm", ["CLASS1"], "class model", ["words: 2", "bad 0.75"]),
    ("exp/align", [], "alignments", ["SIL", "tools.align", "-1.250"]),
    ("exp/align", ["u001"], "alignments", ["bad", "0.050", "0.130", "transition_ids"]),
    ("exp/align/transitions", [], "transition model", ["self-loop", "pdfs:"]),
    ("exp/align/transitions", ["D"], "transition model", ["0.7500"]),
    ("exp/align/words.ctm", ["u000"], "CTM", ["0.130"]),
    ("exp/align/words.ctm", [], "CTM", ["bad"]),
    ("exp/mbr_test", [], "consensus networks", ["least sure", "w1 w2", "tools.lattices.mbr"]),
    ("exp/mbr_test/sausages.jsonl", ["u1"], "consensus networks", ["0.250", "w1 0.750 <eps> 0.250"]),
    ("exp/calibration", [], "calibration of confidences", ["logistic", "0.450"]),
    ("exp/am", [], "model", ["hidden_dim: 8", "seed: 3", "phones: SIL, A", "train loss", "parameters:",
                             "looks ahead: 1 frame, 10 ms", "can stream: yes", "multiply-adds:"]),
    ("exp/am", ["best"], "model", ["weights"]),
    ("exp/am/best.safetensors", [], "tensors", ["epoch:", "shape"]),
    ("exp/am/tree", [], "context tree", ["monophone"]),
    ("exp/am/tree", ["4"], "context tree", ["pdf class 0: pdf 9", "2: pdf 11"]),
    ("exp/am/tree", ["4:1"], "context tree", ["pdf 10"]),
    ("exp/tree_tri/tree", ["D:1"], "context tree", ["left: A yes: "]),
    ("exp/tree_tri", [], "tree folder", ["triphone", "stumps:", "first splits", "left: A", "tools.build_tree"]),
    ("exp/tree_tri", ["B"], "tree folder", ["left: A yes: ", "frames", "no: "]),
    ("exp/fmllr", [], "speakers", ["kind: fmllr", "fits: 0123", "speakers: 3", "3x5x6"]),
    ("exp/fmllr", ["s1"], "speakers", ["5x6"]),
    ("exp/lstm_lm", [], "neural language model", ["arch: lstm", "dev_perplexity: 4.5", "3 units: </s>, bad, rare",
                                                  "words: 5", "net.layers.weight_hh_l0", "train loss", "1.2500"]),
    ("exp/ctc_chars", [], "end-to-end model", ["arch: dnn", "dev_loss: 0.5", "5 tokens: <blk>", "205, 180 of them",
                                               "can stream: yes", "training"]),
    ("exp/ctc_chars", ["bad"], "end-to-end model", ["tokens: b a d"]),
    ("exp/nbest_ctc/nbest.jsonl", [], "N-best lists", ["utterances: 2", "parts of scores: ctc", "bad"]),
    ("exp/nbest_ctc/nbest.jsonl", ["u000"], "N-best lists", ["frames: 15", "1 -2.50 -2.50", "1 to 9 bad"]),
    ("exp/lstm_lm", ["bad"], "neural language model", ["count: 3", "units: bad", "share of them: all"]),
    ("exp/lstm_lm", ["b"], "neural language model", ["count: 1", "units: rare words", "share of them: 0.333333"]),
    ("exp/graph", [], "decoding graph", ["states:", "random", "w5"]),
    ("exp/decode_test", [], "lattices", ["lattices:", "class: Lattice", "u2", "0.5"]),
    ("exp/score_am", [], "scores", ["speakers of test", "one", "ten"]),
    ("exp/score_am", ["u3"], "scores", [
        "dev id: u3", "test id: u3", "REF: one two three HYP: ten two three EVAL: S"]),
    ("exp/score_am/result.json", [], "results", ["am", "5.00"]),
    ("exp/score_am/result.json", ["dev"], "results", ["dev (tuned on)"]),
    ("exp/score_am/test/per_utt.tsv", ["u1"], "table", ["rows:", "33.33"]),
    ("exp/score_am/test/hyp.txt", ["u1"], "text", ["u1 ten two three"]),
    ("compare", [], "comparison", ["title: tiny", "command: ./run.sh egs/tiny", "note: epochs differ", "systems: 2",
                                   "a hybrid 1 100 1000 test 10.00", "test a b (25 %) 1.00 0.06 worse"]),
    ("compare/comparison.json", ["u1"], "comparison", ["noise: pink", "reference: one two", "a 2 one ten"]),
    ("sweeps/dropout", [], "sweep", [
        "minimize: dev.wer", "am.dropout Range(low=0.0, high=0.5", "shared options: am.epochs=2",
        "1 complete 6.2500 0.125 62.0 0 complete 7.5000", "2 pruned"]),
    ("sweeps/dropout", ["2"], "sweep", ["am.dropout: 0.5", "epochs: 1"]),
    ("exp/am/.stage.json", [], "stage record", ["tools.train_am", "dev_accuracy: 0.75"]),
    ("", [], "work folder", ["exp/decode_test", "tools.decode"]),
]


@pytest.mark.parametrize("path, item, kind, texts", SHOWN)
def test_artefacts_are_shown(work, capsys, path, item, kind, texts):
    assert main([str(work / path), *item]) == 0
    out = capsys.readouterr().out
    assert f": {kind}\n" in out
    for text in texts:
        assert text in " ".join(out.split()), out


def test_every_kind_but_the_last_is_among_them():
    assert {kind.name for kind in KINDS} - {kind for _, _, kind, _ in SHOWN} == {"output of a stage"}


def test_the_n_best_list_and_the_branches_of_a_lattice(work, capsys):
    assert main([str(work / "exp/decode_test"), "u1"]) == 0
    out = capsys.readouterr().out
    best = random_lattice(1).best_path(1.0, 0.5)
    first = next(line for line in out.splitlines() if line.strip().startswith("1 "))
    assert first.split()[1:4] == [f"{value:.2f}" for value in (best.score, best.acoustic, best.graph)]
    assert first.split()[4:] == [f"w{word_id}" for word_id in best.word_ids]
    assert "posterior" in out


def test_lattices_of_words_are_shown_as_those_of_frames(tmp_path, capsys):
    write_lattices(tmp_path, 0, [random_compact_lattice(1, name="u1")])
    assert main([str(tmp_path)]) == main([str(tmp_path), "u1"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert out.count("class: CompactLattice") == 2 and "posterior" in out


@pytest.mark.parametrize("path, item", [
    ("cuts/train.jsonl.gz", []), ("features", []), ("features", ["u001"]), ("lang/topo", ["2"]),
    ("exp/graph", []), ("exp/decode_test", ["u2"]), ("exp/decode_test", []), ("exp/am", []),
    ("exp/lstm_lm", []), ("exp/ctc_chars", []),
    ("exp/nbest_ctc/nbest.jsonl", []), ("exp/nbest_ctc/nbest.jsonl", ["u001"]),
    ("exp/score_am", []), ("exp/align", []), ("exp/align", ["u001"]),
    ("exp/am/tree", []), ("exp/am/tree", ["4"]), ("exp/tree_tri", []), ("exp/tree_tri", ["B:2"])])
def test_pictures(work, tmp_path, path, item):
    assert main([str(work / path), *item, "--png", str(tmp_path / "a.png")]) == 0
    assert (tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"


@pytest.mark.parametrize("path, arguments, message", [
    ("nothing", [], "an existing file or folder"),
    ("storage.bin", [], "decoding graph: a folder with HCLG.npz"),
    ("features", ["u9"], "an utterance such as u000"), ("exp/fmllr", ["s9"], "a speaker such as s0"),
    ("exp/ctc_chars", ["zebra"], "a word that the tokens can spell"),
    ("exp/nbest_ctc/nbest.jsonl", ["u9"], "an utterance such as u000"),
    ("sweeps/dropout", ["9"], "the number of a trial such as 0, 1, 2"),
    ("exp/lstm_lm", ["zebra"], "a word such as <unk>, add"), ("exp/lstm_lm", ["</s>"], "a word such as <unk>, add"),
    ("lang", ["zebra"], "a word or a phone such as"),
    ("class_lm", ["zebra"], "a word or a class such as b"),
    ("exp/decode_test", ["u9"], "an utterance such as u0"),
    ("exp/tree_tri", ["x"], "a phone, or PHONE:CLASS with a pdf class, such as SIL"),
    ("exp/am/tree", ["4:x"], "a phone, or PHONE:CLASS"), ("exp/tree_tri", ["x:1"], "a phone, or PHONE:CLASS"),
    ("compare", ["u9"], "an utterance such as u1"),
    ("lang/words.txt", ["--png", "x.png"], "something with a picture"), ("lang/topo", ["--png", "x.jpg"], "png"),
])
def test_what_cannot_be_shown_is_said(work, capsys, path, arguments, message):
    (work / "storage.bin").write_bytes(b"\x00\x01")
    assert main([str(work / path), *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not (work / "x.png").exists()


@pytest.mark.parametrize("damaged, content, shown, message", [
    ("exp/score_am/test/per_speaker.tsv", None, ["exp/score_am"], "per_speaker.tsv: expected an existing file"),
    ("exp/score_am/test/per_utt.txt", None, ["exp/score_am", "u0"], "per_utt.txt: expected an existing file"),
    ("exp/score_am/test/per_utt.txt", b"\xff", ["exp/score_am", "u0"], "expected utf-8 text, found byte 0xff"),
    ("exp/score_am/test/per_utt.txt", b"", ["exp/score_am", "u99"], "expected an utterance such as"),
    ("exp/tree_tri/splits.tsv", b"", ["exp/tree_tri"], "splits.tsv: expected a heading, found an empty file"),
    ("features/cuts.jsonl.gz", b"", ["features"], "features: expected features of utterances, found none"),
    ("cuts/report.txt", b"\xff", ["cuts"], "report.txt: expected utf-8 text")])
def test_damaged_files_of_an_artefact_are_named(work, tmp_path, capsys, damaged, content, shown, message):
    copy = shutil.copytree(work, tmp_path / "work")
    if content is None:
        (copy / damaged).unlink()
    else:
        (copy / damaged).write_bytes(content)
    assert main([str(copy / shown[0]), *shown[1:]]) == 2
    assert message in capsys.readouterr().err


def test_the_kinds_are_listed(capsys):
    assert main(["--kinds"]) == 0
    out = capsys.readouterr().out
    rows = {kind.name: next(line for line in out.splitlines() if line.startswith(f"{kind.name} ")) for kind in KINDS}
    assert out.splitlines()[0].split() == ["kind", "recognized", "by", "item", "picture"]
    assert rows["lattices"].split() == ["lattices", "a", "folder", "with", "lattices.*.npz", "utterance", "yes"]
    assert rows["CTM"].split() == ["CTM", "a", "file", "*.ctm", "utterance"] and len(out.splitlines()) == 2 + len(KINDS)


def test_what_is_said_of_a_picture_and_of_items_that_cannot_be(tmp_path, capsys):
    write_lattices(tmp_path, 0, [random_compact_lattice(1, name="u1")])
    picture = str(tmp_path / "a.svg")
    for item, end in (([], ""), (["u1"], ", u1")):
        assert main([str(tmp_path), *item, "--png", picture]) == 0
        assert capsys.readouterr().out == f"{picture}: lattices {tmp_path}{end}\n"
    (tmp_path / "b.safetensors").write_bytes(b"")
    assert main([str(tmp_path / "b.safetensors"), "u1"]) == 2
    assert "b.safetensors: expected no item, a tensors has none, found u1" in capsys.readouterr().err
    assert main([]) == 2
    assert "PATH: expected a file or folder (--kinds lists what can be shown), found none" in capsys.readouterr().err
    assert main([str(tmp_path), "--png", str(tmp_path / "a")]) == 2
    assert "expected a name that ends in .png, .svg, .pdf, found no such ending" in capsys.readouterr().err


def test_how_it_was_made_is_told_of_a_folder_as_a_whole(work, capsys):
    for path, item, told in (("exp/am", [], True), ("exp/am", ["best"], False), ("exp/am/best.safetensors", [], False),
                             ("compare", [], False)):
        assert main([str(work / path), *item]) == 0
        assert ("\n\nhow it was made\nprogram:" in capsys.readouterr().out) == told


def test_a_stage_without_a_kind_of_its_own_shows_its_record_and_texts(tmp_path, capsys):
    stage(tmp_path, "tools.other")
    (tmp_path / "figures.txt").write_text("mean 7.5 ms\n")
    assert main([str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "output of a stage" in out and "tools.other" in out and "mean 7.5 ms" in out
    assert out.count("tools.other") == 1


def test_the_training_seed_is_found_through_the_records(work):
    assert training_seed(work / "exp" / "decode_test") == 3
    assert training_seed(work / "exp" / "align") is None
