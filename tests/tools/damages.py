"""Things that can go wrong with artefacts: each function damages one in a copy of work_folder.make_work's."""

import json
import shutil
import sqlite3
from contextlib import closing

import numpy as np
import torch

from graphs.archive import read_archive, write_archive
from graphs.decoding.graph_io import LAYOUT
from graphs.lattices.lattice_io import read_lattices, write_lattices
from hybrid.align.alignment import Alignment, read_alignments, write_alignments
from hybrid.data.manifest import read_cuts, write_cuts
from hybrid.lm.nets.recurrent import LstmOptions
from hybrid.lm.network import LmOptions
from hybrid.lm.neural_folder import load_neural_lm, write_neural_lm
from hybrid.nn.dnn import DnnOptions
from hybrid.nn.model_folder import read_description, write_description, write_priors
from hybrid.nn.tensor_file import read_tensors, write_tensors
from tests.tools.work_folder import end_to_end_model
from tools.frame.fingerprint import digest
from tools.frame.records import read_record, write_record


def damage_json(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def repeated_cut(work):
    cuts = read_cuts(work / "cuts" / "train.jsonl.gz")
    write_cuts(work / "cuts" / "train.jsonl.gz", [*cuts, cuts[1]])


def cut_without_text(work):
    cuts = read_cuts(work / "cuts" / "train.jsonl.gz")
    cuts[2].supervisions[0].text = " "
    write_cuts(work / "cuts" / "train.jsonl.gz", cuts)


def cut_with_long_supervision(work):
    cuts = read_cuts(work / "cuts" / "train.jsonl.gz")
    cuts[0].supervisions[0].duration = 99.0
    write_cuts(work / "cuts" / "train.jsonl.gz", cuts)


def cut_in_two_splits(work):
    write_cuts(work / "cuts" / "test.jsonl.gz", read_cuts(work / "cuts" / "train.jsonl.gz")[:1])


def damaged_storage(work):
    for path in (work / "features" / "storage").rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[:20])


def class_without_ngrams(work):
    with open(work / "class_lm" / "classes.txt", "a") as stream:
        stream.write("CLASS2 1 odd\n")


def classes_without_probabilities(work):
    (work / "class_lm" / "classes.txt").write_text("CLASS1 bad\n")


def lexicon_with_unknown_phone(work):
    path = work / "lang" / "lexiconp.txt"
    path.write_text(path.read_text().replace("B A D", "B A XX", 1))


def transitions_of_the_alignment(work, change):
    (alignments, path) = read_alignments(work / "exp" / "align"), work / "exp" / "align"
    first = alignments["u001"]
    ids = first.transition_ids.copy()
    change(ids)
    alignments["u001"] = Alignment("u001", ids, first.log_likelihood_per_frame, first.words)
    write_alignments(path, alignments.values())


def transition_id_out_of_range(work):
    transitions_of_the_alignment(work, lambda ids: ids.__setitem__(3, 9999))


def impossible_step(work):
    transitions_of_the_alignment(work, lambda ids: ids.__setitem__(slice(None), ids[::-1].copy()))


def alignment_without_transitions(work):
    (work / "exp" / "align" / "transitions").unlink()


def alignment_with_another_tree(work):
    (work / "exp" / "align" / "tree").write_text("ContextDependency 1 0 ToPdf CE 0 EndContextDependency\n")


def tree_folder_with_another_tree(work):
    shutil.copy(work / "exp" / "align" / "tree", work / "exp" / "tree_tri" / "tree")


def tree_folder_without_a_leaf(work):
    path = work / "exp" / "tree_tri" / "leaves.tsv"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))


def tree_of_no_rate(work):
    damage_json(work / "exp" / "tree_tri" / "tree.json", lambda content: content.update(subsampling=0))


def overlapping_ctm(work):
    (work / "exp" / "align" / "words.ctm").write_text("u1 1 0.0 0.5 a\nu1 1 0.3 0.5 b\n")


def probabilities_of_no_distribution(work):
    path = work / "exp" / "align" / "transitions"
    head, tail = path.read_text().split(" [ ")
    values = tail.split(" ]")[0].split()
    changed = " ".join([values[0], "-0.1", *values[2:]])
    path.write_text(f"{head} [ {changed} ]\n</LogProbs>\n</TransitionModel>\n")


def describe_again(folder):
    """As if the training had written the files as they are."""
    options = DnnOptions(hidden_dim=8, num_layers=2, splice=1)
    write_description(folder, options, 5, read_description(folder)["out_dim"], frame_shift=0.01, prior_scale=1.0,
                      checkpoint="best")


def flipped(folder, name):
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(data)


def flipped_weights(work):
    flipped(work / "exp" / "am", "best.safetensors")


def flipped_priors(work):
    flipped(work / "exp" / "am", "priors.safetensors")


def flipped_description(work):
    flipped(work / "exp" / "am", "model.json")


def flipped_transitions(work):
    path = work / "exp" / "am" / "transitions"
    path.write_text(path.read_text().replace(" [ ", "  [ "))


def flipped_tree(work):
    path = work / "exp" / "am" / "tree"
    path.write_text(path.read_text().replace("ToPdf ", "ToPdf  "))


def history_cut_off(work):
    path = work / "exp" / "am" / "train.jsonl"
    path.write_text(path.read_text()[:-5])


def weights_not_finite(work):
    path = work / "exp" / "am" / "best.safetensors"
    weights, facts = read_tensors(path)
    next(iter(weights.values()))[:] = float("nan")
    write_tensors(path, weights, facts)
    describe_again(work / "exp" / "am")


def flipped_counts(work):
    path = work / "exp" / "lstm_lm" / "counts.txt"
    path.write_text(path.read_text().replace("bad 3", "bad 4"))


def weights_of_a_language_model_not_finite(work):
    folder = work / "exp" / "lstm_lm"
    network, vocabulary, _ = load_neural_lm(folder)
    network.embedding.weight.data[1, 2] = float("inf")
    write_tensors(folder / "best.safetensors", network.state_dict())
    options = LmOptions(arch=LstmOptions(hidden_dim=6), embedding_dim=4)
    write_neural_lm(folder, options, vocabulary, checkpoint="best")


def weights_of_an_end_to_end_model_not_finite(work):
    def change(network):
        network.ctc.bias.data[1] = float("nan")
    end_to_end_model(work / "exp" / "ctc_chars", change)


def flipped_tokens(work):
    path = work / "exp" / "ctc_chars" / "tokens.txt"
    path.write_text(path.read_text().replace("b", "c"))


def priors_of_no_distribution(work):
    folder = work / "exp" / "am"
    write_priors(folder, torch.zeros(read_description(folder)["out_dim"]))
    describe_again(folder)


def stale_graph(work):
    shutil.copy(work / "exp" / "align" / "transitions", work / "exp" / "graph" / "transitions")


def graph_with(work, **arrays):
    path = work / "exp" / "graph" / "HCLG.npz"
    content = read_archive(path, LAYOUT)
    write_archive(path, LAYOUT, {**content, **{name: change(content[name]) for name, change in arrays.items()}})


def graph_with_epsilons(work):
    graph_with(work, ilabel=lambda labels: np.where(np.arange(len(labels)) < 2, 0, labels))


def graph_with_dead_states(work):
    graph_with(work, final_state=lambda states: states[:0], final_score=lambda scores: scores[:0],
               final_olabel=lambda labels: labels[:0])


def words_of_another_graph(work):
    with open(work / "exp" / "graph" / "words.txt", "a") as stream:
        stream.write("extra 10\n")


def lattice_with(work, **fields):
    lattices = list(read_lattices(work / "exp" / "decode_test"))
    for name, value in fields.items():
        getattr(lattices[1], name)[0] = value
    write_lattices(work / "exp" / "decode_test", 0, lattices)


def lattice_not_finite(work):
    lattice_with(work, graph=np.inf)


def lattice_with_unknown_word(work):
    lattice_with(work, word_id=77)


def lattice_with_unknown_transition(work):
    shutil.copy(work / "exp" / "graph" / "transitions", work / "exp" / "decode_test")
    lattice_with(work, transition_id=777)


def lattices_beside_other_transitions(work):
    (work / "exp" / "decode_test" / "transitions").write_text("hello\n")


def repeated_lattice(work):
    write_lattices(work / "exp" / "decode_test", 1, list(read_lattices(work / "exp" / "decode_test"))[:1])


def errors_that_do_not_add_up(work):
    damage_json(work / "exp" / "score_am" / "result.json", lambda entries: entries[1].update(ins=7))


def wer_of_other_counts(work):
    damage_json(work / "exp" / "score_am" / "result.json", lambda entries: entries[0].update(wer=50.0))


def result_without_interval(work):
    damage_json(work / "exp" / "score_am" / "result.json", lambda entries: entries[0].pop("ci95"))


def utterances_of_another_result(work):
    path = work / "exp" / "score_am" / "test" / "per_utt.tsv"
    path.write_text("".join(path.read_text().splitlines(True)[:-3]))


def change_record(folder, **changes):
    write_record(folder, {**read_record(folder), **changes})


def output_that_changed(work):
    path = work / "lang" / "words.txt"
    change_record(work / "lang", outputs={"words.txt": [*digest(path)[:2], "0" * 64]}, stage="2")


def record_lost(work):
    (work / "exp" / "align" / ".stage.json").unlink()
    (work / "exp" / "align" / "log.txt").write_text("")


def record_with_a_flipped_byte(work):
    path = work / "exp" / "align" / ".stage.json"
    path.write_bytes(path.read_bytes().replace(b"1.5", b"1.7"))


def record_of_odd_bytes(work):
    (work / "exp" / "align" / ".stage.json").write_bytes(b"\x81\x00")


def record_that_is_a_list(work):
    (work / "exp" / "align" / ".stage.json").write_text("[1, 2]")


def transform_without_an_inverse(work):
    path = work / "exp" / "fmllr" / "speakers.safetensors"
    tensors, facts = read_tensors(path)
    tensors["matrix"][1, 2] = 0.0
    write_tensors(path, tensors, facts)


def sweep_with_a_figure_of_a_trial_that_was_ended(work):
    path = work / "sweeps/dropout/trials.tsv"
    path.write_text(path.read_text().replace("pruned\t\t", "pruned\t5.5\t"))


def sweep_without_a_trial(work):
    path = work / "sweeps/dropout/trials.tsv"
    path.write_text("".join(path.read_text().splitlines(True)[:1] + path.read_text().splitlines(True)[2:]))


def sweep_by_another_figure(work):
    damage_json(work / "sweeps/dropout/study.json", lambda content: content["options"].update(minimize="dev.cer"))


def sweep_with_a_file_of_trials_cut_off(work):
    path = work / "sweeps/dropout/trials.db"
    path.write_bytes(path.read_bytes()[:-512])


def sweep_with_a_file_of_trials_of_another_kind(work):
    (work / "sweeps/dropout/trials.db").write_text("0 complete 7.5\n" * 100)


def sweep_with_a_file_of_fewer_trials(work):
    with closing(sqlite3.connect(work / "sweeps/dropout/trials.db")) as connection, connection:
        connection.execute("DELETE FROM trials WHERE number = 2")


def sweep_without_its_space(work):
    damage_json(work / "sweeps/dropout/study.json", lambda content: content.pop("space"))


def comparison_that_does_not_add_up(work):
    damage_json(work / "compare/comparison.json", lambda content: content["results"][0].update(substitutions=1))


def comparison_of_a_system_that_is_none(work):
    damage_json(work / "compare/comparison.json", lambda content: content["pairs"][0].update(b="c"))


def lost_output(work):
    change_record(work / "exp" / "am", outputs={"averaged.safetensors": [1, 1, "x"]})


def stage_that_was_cut_off(work):
    change_record(work / "features", state="running")
