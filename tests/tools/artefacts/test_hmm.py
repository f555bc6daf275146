import json

import numpy as np
import pytest
from lhotse.supervision import AlignmentItem

from graphs.errors import InputError
from graphs.hmm.context_tree import ContextTree, Leaf, Split, Table
from graphs.hmm.topology import Topology, left_to_right
from graphs.hmm.transitions import TransitionModel
from graphs.lang.symbols import SymbolTable
from hybrid.align.alignment import Alignment, Segment, write_alignments
from hybrid.data.compute import compute_features
from hybrid.data.features import FeatureOptions
from hybrid.outcomes import Outcomes
from tests.hybrid.data.material import ready_cut
from tests.tools.artefacts.shown import lines_of
from tests.tools.work_folder import stage
from tools.artefacts.hmm import (
    KINDS, _broken_step, alignment_problems, ctm_problems, describe_alignments, describe_ctm, describe_transitions,
    describe_tree, describe_tree_folder, draw_alignments, phone_namer, transitions_behind, transitions_problems)

# transition_ids: 1 and 2 of phone 1; 3 to 6 of phone 2, 7 to 10 of phone 3; of each state the self-loop first
TOPOLOGY = Topology({1: left_to_right(1), 2: left_to_right(2), 3: left_to_right(2)})
TREE = ContextTree.monophone(TOPOLOGY)
TRANSITIONS = TransitionModel.from_tree(TREE, TOPOLOGY)


def test_transitions(tmp_path):
    """Phones by the phones.txt of the inputs, by their ids where it is not there or too short."""
    path = tmp_path / "transitions"
    TRANSITIONS.write(path)
    head = ["phones: 3", "transition states: 5", "transition_ids: 10", "pdfs: 5", "transitions",
            "transition_id phone HMM state pdf_id where probability"]
    rows = [(1, 0, 0, 1), (2, 0, 1, 1), (2, 1, 2, 2), (3, 0, 3, 1), (3, 1, 4, 2)]
    expected = [f"{number} {phone} {state} {pdf_id} {where}"
                for place, (phone, state, pdf_id, target) in enumerate(rows)
                for number, where in ((2 * place + 1, "self-loop 0.7500"), (2 * place + 2, f"to {target} 0.2500"))]
    assert lines_of(describe_transitions(path)) == head + expected
    assert lines_of(describe_transitions(path, "2")) == head + expected[2:6]
    SymbolTable(["sil", "a"]).write(tmp_path / "phones.txt")
    assert lines_of(describe_transitions(path, "a")) == head + [line.replace(" 2 ", " a ", 1) for line in expected[2:6]]
    assert [phone_namer(tmp_path)(phone) for phone in (1, 2, 3)] == ["sil", "a", "3"]
    with pytest.raises(InputError, match="expected a phone such as sil, a, 3, found 2"):
        describe_transitions(path, "2")
    topology = Topology({phone: left_to_right(1) for phone in range(1, 17)})
    TransitionModel.from_tree(ContextTree.monophone(topology), topology).write(path)
    assert len(lines_of(describe_transitions(path))) == len(head) + 30


def test_the_transitions_of_alignments_and_lattices(tmp_path):
    """In their folder, or in one of a stage that led to it."""
    for name in ("decode", "rescored"):
        (tmp_path / name).mkdir()
    with pytest.raises(InputError, match="rescored: expected the file transitions in it, or a stage record that leads"):
        transitions_behind(tmp_path / "rescored")
    TRANSITIONS.write(tmp_path / "decode" / "transitions")
    stage(tmp_path / "rescored", "toy", [tmp_path / "decode" / "transitions"])
    assert transitions_behind(tmp_path / "rescored") == tmp_path / "decode" / "transitions"


def test_probabilities_sum_to_one_within_a_thousandth(tmp_path):
    model = TransitionModel.from_tree(TREE, TOPOLOGY)
    for loop, found in ((0.7505, []), (0.7495, []), (0.7515, ["1.0015"]), (0.7485, ["0.9985"])):
        model.log_prob[5] = np.log(loop)
        model.write(tmp_path / "transitions")
        assert list(transitions_problems(tmp_path / "transitions")) == [
            f"{tmp_path}/transitions: transition state 3: expected probabilities of sum 1, found {one}"
            for one in found]


@pytest.mark.parametrize("width, position, name", [(1, 0, "monophone"), (2, 1, "biphone"), (3, 1, "triphone"),
                                                   (4, 1, "wide")])
def test_trees_in_short(tmp_path, width, position, name):
    asked = Split(position, frozenset({2}), Leaf(0), Split(position, frozenset({3}), Leaf(1), Leaf(2)))
    ContextTree(width, position, Table(position, (None, asked, asked, asked))).write(tmp_path / "tree")
    shown = [f"context: {width} ({name})", f"central position: {position}", "pdfs: 3", "questions asked: 6"]
    assert lines_of(describe_tree(tmp_path / "tree")) == shown
    (tmp_path / "tree.json").write_text(json.dumps({"leaves": 3, "roots": {"a": 1}}))
    (tmp_path / "splits.tsv").write_text("split\tgain\n" + "".join(f"s{n}\t{n}\n" for n in range(21)))
    assert lines_of(describe_tree_folder(tmp_path)) == [*shown, "leaves: 3", "first splits", "split gain",
                                                        *(f"s{n} {n}" for n in range(20))]
    assert describe_tree_folder(tmp_path, "1:0") == describe_tree(tmp_path / "tree", "1:0")


def test_phones_and_their_pdf_classes(tmp_path):
    TREE.write(tmp_path / "tree")
    assert "pdf 2" in describe_tree(tmp_path / "tree", "2:1") and "pdf 1" in describe_tree(tmp_path / "tree", "2")
    (tmp_path / "leaves.tsv").write_text("pdf_id\tphones\tpdf_classes\tframes\n2\t2\t1\t17\n")
    assert describe_tree(tmp_path / "tree", "2:1") == "pdf 2: 17 frames\n"
    for item in ("4", "4:0", "2:", ":0", "2:x", "2:\u00b2"):
        with pytest.raises(InputError) as raised:
            describe_tree(tmp_path / "tree", item)
        assert str(raised.value) == (f"{tmp_path}/tree: expected a phone, or PHONE:CLASS with a pdf class, such as "
                                     f"1, 2, 3, found {item}")


def aligned(folder, *alignments, transitions=TRANSITIONS):
    write_alignments(folder, alignments)
    if transitions:
        transitions.write(folder / "transitions")
        TREE.write(folder / "tree")
    return folder


LONG = Alignment("u0", np.array([2, 1, 1, 4, 3, 6, 5], np.int32), -1.0, (Segment(9, 1, 4),), 0.25)
SHORT = Alignment("u1", np.array([2, 4, 6], np.int32), -3.0, (), 0.25)


def test_alignments_in_short(tmp_path):
    facts = ["utterances: 2", "frames: 10", "log-likelihood per frame: -2.000 (from -3.000 to -1.000)", "first: u0, u1"]
    assert lines_of(describe_alignments(aligned(tmp_path, LONG, SHORT, transitions=None))) == facts
    assert lines_of(describe_alignments(aligned(tmp_path, LONG, SHORT))) == [
        *facts, "phones", "phone number seconds mean ms", "1 2 1.0 500", "2 2 1.5 750"]
    assert lines_of(describe_alignments(aligned(tmp_path))) == [
        "utterances: 0", "frames: 0", "log-likelihood per frame: 0.000 (from 0.000 to 0.000)"]
    assert list(alignment_problems(tmp_path)) == [f"{tmp_path}: expected alignments, found none"]


def test_the_alignment_of_an_utterance(tmp_path):
    """Words by the words.txt of the inputs, by their ids where there is none."""
    words = ["words", "word start end frame frames"]
    head = ["utterance: u0", "frames: 7", "log-likelihood per frame: -1.0000", *words, "9 0.250 1.250 1 4"]
    assert lines_of(describe_alignments(aligned(tmp_path, LONG, transitions=None), "u0")) == head
    SymbolTable([f"w{n}" for n in range(1, 10)]).write(tmp_path / "words.txt")
    shown = describe_alignments(aligned(tmp_path, LONG), "u0")
    assert lines_of(shown) == [*head[:5], "w9 0.250 1.250 1 4", "phones", "phone start end frame frames",
                               "1 0.000 0.750 0 3", "2 0.750 1.750 3 4", "transition_ids", "2 1 1 4 3 6 5"]
    assert shown.endswith("\n\ntransition_ids\n2 1 1 4 3 6 5\n")
    with pytest.raises(InputError, match="expected an utterance such as u0, found u1"):
        describe_alignments(tmp_path, "u1")


def test_the_hmms_of_alignments_are_looked_at_too(tmp_path):
    model = TransitionModel.from_tree(TREE, TOPOLOGY)
    model.log_prob[1] = np.log(0.5)
    folder = aligned(tmp_path, LONG, transitions=model)
    (problem,) = alignment_problems(folder)
    assert problem.endswith("transitions: transition state 1: expected probabilities of sum 1, found 0.75")
    aligned(tmp_path, LONG)
    ContextTree.monophone(Topology({phone: left_to_right(1) for phone in (1, 2, 3)})).write(folder / "tree")
    (problem,) = alignment_problems(folder)
    assert problem == f"{folder}/transitions: phone 2, HMM state 1: expected a pdf in the tree, found none"
    (folder / "transitions").unlink()
    assert list(alignment_problems(folder)) == [f"{folder}/transitions: expected an existing file, found none"]


def test_what_is_drawn_of_an_alignment(tmp_path, monkeypatch):
    """Features without deltas, words and phones in seconds, and the true phones where the cut has them."""
    seen = []
    monkeypatch.setattr("hybrid.report.alignment_picture.draw_alignment", lambda *given: seen.append(given))
    matrix = np.arange(14, dtype=np.float32).reshape(7, 2)
    cuts = [ready_cut(tmp_path / "made", name, matrix) for name in ("u0", "u1")]
    cuts[1].supervisions[0].alignment = {"phone": [AlignmentItem("true", 0.01, 0.02)]}
    for name in ("features", "align"):
        (tmp_path / name).mkdir()
    compute_features(cuts, FeatureOptions(kind="ready", cmvn="none", deltas=1), tmp_path / "features", Outcomes())
    folder, picture = aligned(tmp_path / "align", LONG, SHORT), tmp_path / "x.png"
    names = ("phones.txt", "words.txt", "features/features.json")
    for name in names[:2]:
        SymbolTable([f"{name[0]}{n}" for n in range(1, 10)]).write(tmp_path / name)
    for number, lacking in enumerate(("phones.txt", "words.txt", "features.json")):
        stage(folder, "toy", [tmp_path / name for name in names[:number]])
        with pytest.raises(InputError, match=f"expected the {lacking} of its inputs"):
            draw_alignments(folder, None, picture)
    stage(folder, "toy", [tmp_path / name for name in names])
    draw_alignments(folder, None, picture)
    draw_alignments(folder, "u1", picture)
    (features, shift, words, phones, path, title, truth), (*_, title_of_u1, true_phones) = seen
    assert np.allclose(features, matrix) and (shift, path, title, truth) == (0.01, picture, "u0: yes no", None)
    assert words == [("w9", 0.25, 1.25)] and phones == [("p1", 0.0, 0.75), ("p2", 0.75, 1.75)]
    assert title_of_u1 == "u1: yes no" and true_phones == [("true", 0.01, 0.03)]
    with pytest.raises(InputError, match="expected an utterance such as u0, u1, found u2"):
        draw_alignments(folder, "u2", picture)


def test_words_lie_within_the_frames(tmp_path):
    for segment, good in ((Segment(9, 0, 3), True), (Segment(9, 2, 1), True), (Segment(9, 2, 2), False)):
        alignment = Alignment("u", SHORT.transition_ids, -3.0, (Segment(9, 0, 1), segment), 0.25)
        assert list(alignment_problems(aligned(tmp_path, alignment))) == (
            [] if good else [f"{tmp_path}: u: expected words within 3 frames, found one beyond"])


@pytest.mark.parametrize("ids, broken", [
    ([], None), ([2], None), ([2, 1, 4, 3, 3, 6, 5, 2, 8, 10, 4, 6], None),
    ([1, 1, 2], None), ([5, 6, 2], None), ([3, 6], None),  # a partial path may begin within a state
    ([2, 2], None), ([4, 6, 8], None), ([8, 10, 2], None),
    ([2, 3], (1, 3, 2)), ([4, 1], (1, 1, 4)), ([4, 5], (1, 5, 4)), ([4, 3, 5], (2, 5, 4)),  # loops of another state
    ([2, 6], (1, 6, 2)), ([4, 6, 6], (2, 6, 6)),  # a phone begins in its first state
    ([4, 4], (1, 4, 4)), ([4, 2], (1, 2, 4)), ([4, 10], (1, 10, 4)), ([2, 1, 10], (2, 10, 2))])  # and goes on in it
def test_steps_that_the_hmms_allow(ids, broken):
    """broken: the frame, its transition_id, and the last forward one before it."""
    expected = "frame {}: transition_id {} cannot follow {}".format(*broken) if broken else ""
    assert _broken_step(np.array(ids, np.int32), TRANSITIONS) == expected


@pytest.mark.parametrize("ids, frame, found", [([0], 0, 0), ([2, 11, 12], 1, 11), ([2, -1], 1, -1)])
def test_transition_ids_that_there_are_not(ids, frame, found):
    assert _broken_step(np.array(ids), TRANSITIONS) == (
        f"frame {frame}: expected a transition_id of 1 to 10, found {found}")


def test_a_ctm(tmp_path):
    path = tmp_path / "words.ctm"
    path.write_text("".join(f"u{n} 1 0.125 0.5 w{n}\nu{n} 1 0.625 0.25 w0\n" for n in range(21)))
    assert lines_of(describe_ctm(path)) == [
        "utterances: 21", "symbols: 42, 21 different", "first: u0, u1, u2, ... (21 in all)", "most frequent",
        "symbol number", "w0 22", *(f"w{n} 1" for n in range(1, 20))]
    assert lines_of(describe_ctm(path, "u3")) == ["u3", "symbol start end", "w3 0.125 0.625", "w0 0.625 0.875"]
    with pytest.raises(InputError, match="expected an utterance such as u0, u1, u2, .* found u21"):
        describe_ctm(path, "u21")
    matches = KINDS[-1].matches
    (tmp_path / "a.txt").write_text("")
    (tmp_path / "b.ctm").mkdir()
    assert [matches(tmp_path / name) for name in ("words.ctm", "a.txt", "b.ctm", "")] == [True, False, False, False]


def test_symbols_of_a_ctm_follow_each_other(tmp_path):
    """They may overlap by a millisecond; of an utterance the first that do not follow are told."""
    path = tmp_path / "x.ctm"
    path.write_text("u 1 0.0 0.5 a\nu 1 0.499 0.2 b\nv 1 0.5 0.0 c\nv 1 0.5 0.1 d\n")
    assert list(ctm_problems(path)) == []
    path.write_text("u 1 0.0 0.5 a\nu 1 0.4985 0.2 b\nu 1 0.1 0.2 c\nv 1 0.5 0.1 d\nv 1 0.2 0.1 e\n")
    assert list(ctm_problems(path)) == [
        f"{path}: u: expected b after the end of a at 0.500 s, found its start at 0.498 s",
        f"{path}: v: expected e after the end of d at 0.600 s, found its start at 0.200 s"]
