"""A small work folder with one artefact of each kind, for the tests of show and validate."""

import json
import logging
import sqlite3
from contextlib import closing

import numpy as np
import pytest
import torch

pytest.importorskip("k2")
from graphs.decoding.graph_io import write_graph  # noqa: E402
from graphs.hmm.context_tree import ContextTree  # noqa: E402
from graphs.hmm.hmm_folder import write_hmm  # noqa: E402
from graphs.hmm.transitions import TransitionModel  # noqa: E402
from graphs.lang.lang_folder import write_lang  # noqa: E402
from graphs.lang.symbols import SymbolTable  # noqa: E402
from graphs.lattices.lattice_io import write_lattices  # noqa: E402
from hybrid.align.alignment import Alignment, Segment, write_alignments  # noqa: E402
from hybrid.align.times.ctm import TimedSymbol, write_ctm  # noqa: E402
from hybrid.compare.comparison_file import write_comparison  # noqa: E402
from hybrid.data.compute import compute_features  # noqa: E402
from hybrid.data.features import FeatureOptions  # noqa: E402
from hybrid.data.manifest import write_cuts  # noqa: E402
from hybrid.e2e.hypothesis import Hypothesis  # noqa: E402
from hybrid.e2e.model import write_e2e_model  # noqa: E402
from hybrid.e2e.nbest_file import Nbest, write_nbest  # noqa: E402
from hybrid.e2e.network import E2eOptions  # noqa: E402
from hybrid.e2e.tokens import TokenTable  # noqa: E402
from hybrid.lattices.frames import Frames  # noqa: E402
from hybrid.lm.nets.recurrent import LstmOptions  # noqa: E402
from hybrid.lm.network import LmNetwork, LmOptions  # noqa: E402
from hybrid.lm.neural_folder import write_neural_lm  # noqa: E402
from hybrid.lm.vocabulary import Vocabulary  # noqa: E402
from hybrid.lattices.calibration import Calibration  # noqa: E402
from hybrid.lattices.sausages import Sausage, Slot, write_sausages  # noqa: E402
from hybrid.nn.dnn import DnnOptions  # noqa: E402
from hybrid.nn.model_folder import write_description, write_priors  # noqa: E402
from hybrid.nn.tensor_file import write_tensors  # noqa: E402
from hybrid.outcomes import Outcomes  # noqa: E402
from hybrid.tree.options import TreeOptions  # noqa: E402
from hybrid.tree.roots import default_roots  # noqa: E402
from hybrid.tree.stats import EventStats  # noqa: E402
from hybrid.tree.work import write_tree  # noqa: E402
from hybrid.speakers.table import Space, SpeakerTable  # noqa: E402
from tests.graphs.decoding.test_search import loop_graph  # noqa: E402
from tests.graphs.langs import small_lang  # noqa: E402
from tests.graphs.lattices.test_lattice import random_lattice  # noqa: E402
from tests.hybrid.compare.material import FULL  # noqa: E402
from tests.hybrid.data.material import ready_corpus  # noqa: E402
from tests.hybrid.report.test_results import add_system  # noqa: E402
from tools.frame.records import write_record  # noqa: E402
from tools.sweep.options import SweepOptions  # noqa: E402
from tools.sweep.report import write_report  # noqa: E402
from tools.sweep.space import Range  # noqa: E402
from tools.sweep.study import Study, check_same  # noqa: E402
from tools.sweep.trials import DATABASE, Trial  # noqa: E402

ARPA = """\\data\\
ngram 1=3
ngram 2=1

\\1-grams:
-0.5 <s> -0.3
-0.4 </s>
-0.6 bad -0.2

\\2-grams:
-0.1 <s> bad

\\end\\
"""


def path_of(phones, lang, transitions, generator):
    """transition_ids of a path through the HMMs of the phones, 1 to 4 frames a state."""
    ids = []
    for phone in phones:
        phone_id = lang.phones.id_of(phone)
        for state in range(len(lang.topology.entry(phone_id))):
            own = (transitions.phone_id == phone_id) & (transitions.hmm_state == state)
            ids += np.flatnonzero(own & ~transitions.is_self_loop).tolist()
            ids += np.flatnonzero(own & transitions.is_self_loop).tolist() * int(generator.integers(0, 4))
    return np.array(ids, np.int32)


def stage(folder, program, inputs=(), **more):
    """A stage record without digests of outputs; inputs are files."""
    record = {"program": program, "state": "done", "seconds": 1.5, "peak_memory_mb": 99, "config": {},
              "arguments": {}, "inputs": {str(path.resolve()): [0, 0, ""] for path in inputs}, "facts": {},
              "options": {}, "raw": {}, "outputs": {}, **more}
    write_record(folder, record)


def make_work(work):
    """Fills the folder `work`, which is made."""
    lang = small_lang(silence_prob=0.5)
    write_lang(lang, work / "lang")
    (work / "lm.arpa").write_text(ARPA)
    (work / "class_lm").mkdir()
    (work / "class_lm" / "lm.arpa").write_text(ARPA.replace("bad", "CLASS1"))
    (work / "class_lm" / "classes.txt").write_text("CLASS1 0.25 b\nCLASS1 0.75 bad\n")
    cuts = ready_corpus(work / "storage", number=4, shortest=30, longest=40)
    write_cuts(work / "cuts" / "train.jsonl.gz", cuts[:3])
    write_cuts(work / "cuts" / "test.jsonl.gz", cuts[3:])
    (work / "features").mkdir()
    compute_features(cuts[:3], FeatureOptions(kind="ready"), work / "features", Outcomes())
    stage(work / "lang", "tools.prepare_lang")
    stage(work / "features", "tools.compute_features", [work / "cuts" / "train.jsonl.gz"])
    _hmm(work, lang)
    _tree(work / "exp" / "tree_tri", lang, work / "lang" / "phones.txt")
    _decoding(work)
    _transcripts(work / "exp")
    _speakers(work / "exp" / "fmllr")
    _language_model(work / "exp" / "lstm_lm", lang)
    end_to_end_model(work / "exp" / "ctc_chars")
    _nbest(work)
    (work / "storage").rename(work / "corpus_storage")
    add_system(work, "score_am", "am", 6, tests=("dev", "test"))
    (work / "compare").mkdir()
    write_comparison(work / "compare/comparison.json", FULL)
    make_sweep(work / "sweeps" / "dropout")


def make_sweep(folder):
    options = SweepOptions(recipe="egs/toy", system="am")
    study = Study("dropout", options, {"am.dropout": Range(0.0, 0.5)}, ["am.epochs=2"])
    trials = [Trial(0, {"am.dropout": 0.25}, "complete", 7.5, {}, 61.0, ""),
              Trial(1, {"am.dropout": 0.125}, "complete", 6.25, {}, 62.0, ""),
              Trial(2, {"am.dropout": 0.5}, "pruned", None, {1: 3.0}, 9.0, "")]
    folder.mkdir(parents=True, exist_ok=True)
    check_same(study, folder)
    write_report(folder, study, trials, {}, 8.0, "python -m tools.sweep dropout.conf", ["./run.sh", "egs/toy"])
    with closing(sqlite3.connect(folder / DATABASE)) as connection, connection:  # what Optuna writes has more columns
        connection.execute("CREATE TABLE trials (number INTEGER)")
        connection.executemany("INSERT INTO trials VALUES (?)", [(trial.number,) for trial in trials])


def _hmm(work, lang):
    tree = ContextTree.monophone(lang.topology)
    transitions = TransitionModel.from_tree(tree, lang.topology)
    for name in ("align", "am"):
        (work / "exp" / name).mkdir(parents=True)
        write_hmm(work / "exp" / name, tree, transitions)
    generator = np.random.default_rng(0)
    phones = ["SIL", "B", "A", "D", "SIL"]
    paths = {f"u00{n}": path_of(phones, lang, transitions, generator) for n in range(3)}
    word = Segment(lang.words.id_of("bad"), 5, 8)
    folder = work / "exp" / "align"
    write_alignments(folder, [Alignment(key, ids, -1.25, (word,)) for key, ids in paths.items()])
    write_ctm(folder / "words.ctm", {key: [TimedSymbol("bad", 0.05, 0.13)] for key in paths})
    inputs = ("lang/phones.txt", "lang/words.txt", "features/features.json")
    stage(folder, "tools.align", [work / name for name in inputs])
    _model(work / "exp" / "am", transitions.num_pdfs)


def _tree(folder, lang, phones):
    """A triphone tree on made-up frames."""
    rng, speech = np.random.default_rng(0), [lang.phones.id_of(phone) for phone in ("A", "B", "D")]
    rows = [((left, phone_id, right), c, 20.0, 20.0 * mean, 20.0 * (mean ** 2 + 1.0))
            for left in (0, *speech) for phone_id in speech for right in (0, *speech) for c in range(3)
            for mean in rng.normal(size=(1, 2)) + 9.0 * (left == speech[0])]
    windows, classes, counts, means, squares = zip(*rows)
    stats = EventStats.of_rows(1, windows, classes, counts, np.concatenate([means, squares], axis=1))
    folder.mkdir()
    write_tree(folder, stats, lang.topology, lang, TreeOptions(num_leaves=20, min_count=10), logging.getLogger("tree"),
               None, default_roots(lang))
    stage(folder, "tools.build_tree", [phones])


def _model(folder, num_pdfs):
    options = DnnOptions(hidden_dim=8, num_layers=2, splice=1)
    write_tensors(folder / "best.safetensors", options.build(5, num_pdfs).state_dict(), {"epoch": 2})
    write_priors(folder, torch.full((num_pdfs,), 1 / num_pdfs).log())
    write_description(folder, options, 5, num_pdfs, frame_shift=0.01, prior_scale=1.0, checkpoint="best",
                      phones=["SIL", "A"], training={"arch": "dnn", "seed": 3, "epochs": 2})
    history = [{"epoch": epoch, "train": {"loss": 3.0 / epoch}, "dev": {"loss": 3.5 / epoch},
                "learning_rate": 0.001, "seconds": 2.0} for epoch in (1, 2)]
    (folder / "train.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in history))
    stage(folder, "tools.train_am", facts={"dev_accuracy": 0.75, "training_seed": 3})


def _language_model(folder, lang):
    options = LmOptions(arch=LstmOptions(hidden_dim=6), embedding_dim=4)
    vocabulary = Vocabulary.of_text([["bad", "bad", "b"], ["bad", "x"]], lang.words, lang.oov_word, min_count=2)
    folder.mkdir(parents=True)
    write_tensors(folder / "best.safetensors", LmNetwork(options, vocabulary.unit_counts).state_dict())
    write_neural_lm(folder, options, vocabulary, checkpoint="best", dev_perplexity=4.5, training={"seed": 3})
    history = {"epoch": 1, "train": {"loss": 1.5}, "dev": {"loss": 1.25}, "learning_rate": 0.001, "seconds": 2.0}
    (folder / "train.jsonl").write_text(json.dumps(history) + "\n")
    stage(folder, "tools.train_lm")


def _nbest(work):
    folder = work / "exp" / "nbest_ctc"
    folder.mkdir()
    Frames(0.02, ("<blk>", "\u2581", "a", "b", "d")).write(folder)
    best, other = Hypothesis((3, 2, 4), (1, 4, 9), -2.5, {"ctc": -2.5}), Hypothesis((3,), (1,), -4.0, {"ctc": -4.0})
    write_nbest(folder / "nbest.jsonl", [Nbest("u000", 15, [best, other]), Nbest("u001", 15, [other])])
    stage(folder, "tools.decode_e2e", [work / "features/features.json", work / "exp/ctc_chars/e2e.json"])


def end_to_end_model(folder, change=lambda network: None):
    """change: of its weights."""
    options = E2eOptions(arch=DnnOptions(hidden_dim=8, num_layers=1, splice=0), subsampling=2, encoder_dim=4)
    tokens = TokenTable.characters([["bad", "b"]])
    network = options.build(5, tokens.num_tokens)
    change(network)
    folder.mkdir(parents=True, exist_ok=True)
    write_tensors(folder / "best.safetensors", network.state_dict())
    write_e2e_model(folder, options, tokens, 5, frame_shift=0.01, checkpoint="best", dev_loss=0.5,
                    training={"seed": 3})
    history = {"epoch": 1, "train": {"loss": 1.5}, "dev": {"loss": 1.25}, "learning_rate": 0.001, "seconds": 2.0}
    (folder / "train.jsonl").write_text(json.dumps(history) + "\n")
    stage(folder, "tools.train_e2e")


def _speakers(folder):
    """Of the features' speakers."""
    matrices = {f"s{n}": {"matrix": torch.eye(5, 6) + 0.01 * n} for n in range(3)}
    folder.mkdir()
    SpeakerTable.of(Space("fmllr", "0123"), matrices).write(folder)
    stage(folder, "tools.estimate_fmllr")


def _transcripts(exp):
    for name in ("mbr_test", "calibration"):
        (exp / name).mkdir()
    slots = [Slot({"w1": 0.75, "<eps>": 0.25}, 0.1, 0.4), Slot({"w2": 1.0}, 0.4, 0.5)]
    write_sausages(exp / "mbr_test" / "sausages.jsonl", [Sausage(f"u{n}", slots, 0.25 * n) for n in range(3)])
    Calibration("logistic", 0.5, -0.2).write(exp / "calibration")
    stage(exp / "mbr_test", "tools.lattices.mbr")
    stage(exp / "calibration", "tools.lattices.calibrate")


def _decoding(work):
    graph, transitions = loop_graph()
    (work / "exp" / "graph").mkdir()
    transitions.write(work / "exp" / "graph" / "transitions")
    write_graph(work / "exp" / "graph", graph, transitions)
    words = SymbolTable([f"w{n}" for n in range(1, 10)])
    words.write(work / "exp" / "graph" / "words.txt")
    decoded = work / "exp" / "decode_test"
    write_lattices(decoded, 0, [random_lattice(seed, name=f"u{seed}") for seed in range(3)])
    words.write(decoded / "words.txt")
    stage(decoded, "tools.decode", [work / "exp" / "am" / "best.safetensors"], facts={"acoustic_scale": 0.5})
