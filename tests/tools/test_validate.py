"""tools.validate: good artefacts pass, and each thing that can go wrong is found and named."""

import shutil

import pytest

from hybrid.data.manifest import read_cuts, write_cuts
from tests.tools import damages
from tests.tools.frame.test_printing import unread
from tests.tools.work_folder import make_work
from tools.validate import main


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    folder = tmp_path_factory.mktemp("validate") / "work"
    make_work(folder)
    return folder


@pytest.fixture
def work(good, tmp_path):
    """A copy to damage. Stage records still speak of the original, which is good."""
    return shutil.copytree(good, tmp_path / "work")


PATHS = """cuts cuts/train.jsonl.gz features lang lang/topo lang/words.txt lang/lexiconp.txt lm.arpa class_lm exp/align
    exp/align/transitions exp/align/tree exp/align/words.ctm exp/am exp/am/best.safetensors exp/am/tree
    exp/fmllr exp/lstm_lm exp/ctc_chars exp/nbest_ctc/nbest.jsonl exp/tree_tri exp/tree_tri/tree exp/graph
    exp/decode_test exp/score_am exp/score_am/result.json exp/score_am/test/per_utt.tsv compare""".split()


def test_what_the_library_wrote_is_good(good, capsys):
    assert main([str(good / path) for path in PATHS]) == 0
    out = capsys.readouterr().out
    assert out.count(", good") == len(PATHS)
    assert main([str(good)]) == 0


@pytest.mark.parametrize("damage, path, message", [
    (damages.repeated_cut, "cuts/train.jsonl.gz", "cut u001: expected once, found 2 times"),
    (damages.cut_without_text, "cuts/train.jsonl.gz", "cut u002: expected a transcript"),
    (damages.cut_with_long_supervision, "cuts/train.jsonl.gz", "cut u000: expected the supervision within"),
    (damages.cut_in_two_splits, "cuts", "cut u000: expected in one split, found in test and train"),
    (damages.damaged_storage, "features", "u000"),
    (damages.lexicon_with_unknown_phone, "lang", "XX"),
    (damages.class_without_ngrams, "class_lm", "expected classes of lm.arpa, found CLASS2"),
    (damages.classes_without_probabilities, "class_lm", "expected the probability of each word in its class"),
    (damages.transition_id_out_of_range, "exp/align", "u001: frame 3: expected a transition_id of 1 to"),
    (damages.impossible_step, "exp/align", "cannot follow"),
    (damages.alignment_without_transitions, "exp/align", "transitions: expected an existing file"),
    (damages.alignment_with_another_tree, "exp/align", "transitions: expected the pdf_ids of the tree"),
    (damages.tree_folder_with_another_tree, "exp/tree_tri", "transitions: expected the pdf_ids of the tree"),
    (damages.tree_folder_without_a_leaf, "exp/tree_tri", "leaves.tsv: expected a line for each of"),
    (damages.tree_of_no_rate, "exp/tree_tri", "subsampling: expected a whole number of at least 1, found 0"),
    (damages.overlapping_ctm, "exp/align/words.ctm", "expected b after the end of a"),
    (damages.probabilities_of_no_distribution, "exp/align", "transition state 1: expected probabilities of sum 1"),
    (damages.weights_not_finite, "exp/am", "expected finite numbers"),
    (damages.weights_not_finite, "exp/am/best.safetensors", "expected finite numbers"),
    (damages.flipped_weights, "exp/am", "best.safetensors: expected the bytes that model.json knows"),
    (damages.flipped_weights, "exp/am/best.safetensors", "the file is damaged"),
    (damages.flipped_priors, "exp/am", "priors.safetensors: expected the bytes that model.json knows"),
    (damages.flipped_description, "exp/am", "model.json: expected what a training wrote"),
    (damages.flipped_transitions, "exp/am", "transitions: expected the bytes that model.json knows"),
    (damages.flipped_tree, "exp/am", "tree: expected the bytes that model.json knows"),
    (damages.history_cut_off, "exp/am", "train.jsonl: expected a line end"),
    (damages.weights_of_an_end_to_end_model_not_finite, "exp/ctc_chars", "weights ctc.bias: expected finite numbers"),
    (damages.flipped_tokens, "exp/ctc_chars", "tokens.txt: expected the bytes that e2e.json knows"),
    (damages.flipped_counts, "exp/lstm_lm", "counts.txt: expected the bytes that lm.json knows"),
    (damages.weights_of_a_language_model_not_finite, "exp/lstm_lm",
     "weights embedding.weight: expected finite numbers"),
    (damages.priors_of_no_distribution, "exp/am", "priors"),
    (damages.transform_without_an_inverse, "exp/fmllr", "s1: expected a transform that can be undone"),
    (damages.stale_graph, "exp/graph", "stale"),
    (damages.graph_with_epsilons, "exp/graph", "found 2 arcs with an epsilon"),
    (damages.graph_with_dead_states, "exp/graph", "expected every state on a path"),
    (damages.words_of_another_graph, "exp/graph", "expected 10 words"),
    (damages.lattice_not_finite, "exp/decode_test", "lattice u1, arc 0: expected a finite graph score"),
    (damages.lattice_with_unknown_word, "exp/decode_test", "lattice u1: expected word_ids below 10, found 77"),
    (damages.repeated_lattice, "exp/decode_test", "decode_test: u0: expected each id once, found it again"),
    (damages.lattice_with_unknown_transition, "exp/decode_test", ", as in transitions, found 777"),
    (damages.lattices_beside_other_transitions, "exp/decode_test", "expected a transition model in Kaldi's text"),
    (damages.errors_that_do_not_add_up, "exp/score_am", "am on test: expected errors = ins + del + sub"),
    (damages.wer_of_other_counts, "exp/score_am/result.json", "am on dev: expected WER = errors / words"),

    (damages.result_without_interval, "exp/score_am", "entry 1, ci95: expected two numbers, found none"),
    (damages.utterances_of_another_result, "exp/score_am", "of 111"),
    (damages.sweep_with_a_figure_of_a_trial_that_was_ended, "sweeps/dropout", "found 5.5 of one that is pruned"),
    (damages.sweep_without_a_trial, "sweeps/dropout", "trials.tsv:2: expected trial 0, complete"),
    (damages.sweep_by_another_figure, "sweeps/dropout", "trials.tsv:1: expected trial, state, dev.cer, options"),
    (damages.sweep_with_a_file_of_trials_cut_off, "sweeps/dropout", "trials.db: expected an SQLite file of trials"),
    (damages.sweep_with_a_file_of_trials_of_another_kind, "sweeps/dropout", "damaged: file is not a database"),
    (damages.sweep_with_a_file_of_fewer_trials, "sweeps/dropout", "trials.db: expected 3 trials or more, as many as"),
    (damages.sweep_without_its_space, "sweeps/dropout", "study.json: expected options, space and fixed of a study"),
    (damages.comparison_that_does_not_add_up, "compare", "a on test: expected 3 errors of 2 words"),
    (damages.comparison_of_a_system_that_is_none, "compare", "pairs, b: expected one of a, b (25 %), found 'c'"),
    (damages.lost_output, "exp/am", "averaged.safetensors is missing"),
    (damages.output_that_changed, "lang", "words.txt is damaged, written by tools.prepare_lang; run the "
     "recipe again --by-content from --stage 2"),
    (damages.record_lost, "", "align/.stage.json: expected a stage record, found none"),
    (damages.record_with_a_flipped_byte, "exp/align", "found one that is damaged"),
    (damages.record_of_odd_bytes, "exp/align", "found one that cannot be read"),
    (damages.record_that_is_a_list, "exp/align", "found other JSON"),
    (damages.stage_that_was_cut_off, "features", "expected a finished stage"),
], ids=lambda value: getattr(value, "__name__", None))
def test_damage_is_found_and_named(work, capsys, damage, path, message):
    damage(work)
    assert main([str(work / path)]) == 2
    assert message in capsys.readouterr().out


def test_a_work_folder_tells_the_problems_of_all_its_folders(work, capsys):
    damages.stage_that_was_cut_off(work)
    damages.lattice_not_finite(work)
    assert main([str(work)]) == 2
    out = capsys.readouterr().out
    assert "2 problems" in out and "lattice u1" in out and "finished stage" in out


def test_many_problems_are_cut_short(work, capsys):
    cuts = read_cuts(work / "cuts" / "train.jsonl.gz")
    for cut in cuts:
        cut.supervisions[0].text = ""
    write_cuts(work / "cuts" / "train.jsonl.gz", cuts)
    assert main([str(work / "cuts"), "--most", "1"]) == 2
    assert "and 2 more" in capsys.readouterr().out


@pytest.mark.parametrize("wrong, more, said", [
    (1, [], ", 1 problem\n"), (2, [], ", 2 problems\n"), (20, [], ", 20 problems\n"), (21, [], ", 21 problems\n"),
    (2, ["--most", "2"], ", 2 problems\n"), (2, ["--most", "0"], ", 2 problems\n")])
def test_how_many_problems_are_told(tmp_path, capsys, wrong, more, said):
    """Each line of a table that has a column too many is one."""
    path = tmp_path / "x.tsv"
    path.write_text("a\tb\n" + "1\t2\t3\n" * wrong + "1\t2\n")
    assert main([str(path), *more]) == 2
    most = min(wrong, int(more[1]) if more else 20)
    rest = f"  ... and {wrong - most} more (--most)\n" if wrong > most else ""
    assert capsys.readouterr().out == f"{path}: table{said}" + "".join(
        f"  {path}:{n}: expected 2 columns, found 3\n" for n in range(2, 2 + most)) + rest


def test_fewer_problems_than_none_are_refused(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main([str(tmp_path), "--most", "-1"])
    said = "argument --most: expected a whole number of at least 0, found '-1'\n"
    assert capsys.readouterr().err.endswith(said)


def test_the_status_is_that_of_the_worst(tmp_path, capsys):
    """Of an output that nobody reads to its end it is known neither as good nor as bad."""
    for name, text in (("good.tsv", "a\tb\n1\t2\n"), ("bad.tsv", "a\tb\n1\n")):
        (tmp_path / name).write_text(text)
    good, bad = str(tmp_path / "good.tsv"), str(tmp_path / "bad.tsv")
    assert [main([good]), main([good, bad]), main([bad, good])] == [0, 2, 2]
    assert capsys.readouterr().out.startswith(f"{good}: table, good\n")
    with unread():
        assert main([good]) == 141


def test_an_unknown_kind_is_an_error(tmp_path, capsys):
    (tmp_path / "x.bin").write_bytes(b"\x00")
    assert main([str(tmp_path / "x.bin")]) == 2
    assert "lang folder" in capsys.readouterr().err
