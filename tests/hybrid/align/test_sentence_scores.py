"""Scores of sentences are those of forced alignments, and of all paths tried one by one."""

import numpy as np
import pytest
import torch

from graphs.decoding.training_graph import training_graph
from graphs.decoding.viterbi import best_scores
from graphs.errors import InputError
from graphs.fst.arcs import Arcs
from graphs.fst.union import union
from hybrid.align.sentence_scores import ViterbiScorer
from tests.hybrid.align.test_forced import make_aligner, planted

SENTENCES = [["cat", "act"], [], ["a"], ["dog", "a"], ["act"], ["cat"] * 4]


def all_paths(arcs, scores, pdf_ids):
    """The best score of each final_olabel, by recursion over all paths."""
    best = {}

    def go(state, frame, total):
        if frame == len(scores):
            for final, score, label in zip(arcs.final_state, arcs.final_score, arcs.final_olabel):
                if final == state:
                    best[int(label)] = max(best.get(int(label), -np.inf), total + float(score))
            return
        for arc in np.flatnonzero(arcs.src == state):
            go(arcs.dst[arc], frame + 1, total + float(arcs.score[arc]) + scores[frame, pdf_ids[arcs.ilabel[arc]]])
    go(0, 0, 0.0)
    return best


@pytest.mark.parametrize("seed", range(4))
def test_the_best_of_all_paths(seed):
    rng = np.random.default_rng(seed)
    arcs = Arcs(rng.integers(0, 4, 9), rng.integers(1, 4, 9), rng.integers(1, 4, 9), np.zeros(9), rng.normal(size=9),
                [1, 2, 3, 3], rng.normal(size=4), 4, [1, 2, 2, 4])
    scores, pdf_ids = rng.normal(size=(4, 2)), np.array([-1, 1, 0, 1])
    found = best_scores(arcs, scores, pdf_ids)
    expected = all_paths(arcs, scores, pdf_ids)
    assert found.tolist() == pytest.approx([expected.get(label, -np.inf) for label in range(5)])


def test_graphs_that_cannot_be():
    with pytest.raises(InputError, match="a transition_id on every arc"):
        best_scores(Arcs.from_lists([(0, 1, 0, 0, 0.0)], [(1, 0.0)]), np.zeros((1, 1)), np.array([-1]))
    nothing = union([Arcs.from_lists([], [(0, -0.5)], 1), Arcs.from_lists([], [(0, -0.25)], 1)])
    assert best_scores(nothing, np.zeros((0, 1)), np.array([-1])).tolist() == [-np.inf, -0.5, -0.25]
    assert (best_scores(nothing, np.zeros((2, 1)), np.array([-1])) == -np.inf).all()


def test_a_union_keeps_its_parts_apart():
    one = Arcs.from_lists([(0, 1, 3, 7, -1.0), (1, 1, 4, 0, -2.0)], [(1, -3.0)])
    two = Arcs.from_lists([(0, 2, 5, 0, -4.0), (2, 1, 3, 0, 0.0)], [(1, 0.0), (2, -5.0)])
    both = union([one, two])
    assert both.num_states == 4
    assert list(zip(both.src, both.dst, both.ilabel, both.olabel, both.score)) == [
        (0, 1, 3, 0, -1.0), (1, 1, 4, 0, -2.0), (0, 3, 5, 0, -4.0), (3, 2, 3, 0, 0.0)]
    assert list(zip(both.final_state, both.final_score, both.final_olabel)) == [(1, -3.0, 1), (2, 0.0, 2), (3, -5.0, 2)]


@pytest.mark.parametrize("context", [(1, 0), (3, 1), (2, 1)])
@pytest.mark.parametrize("silence_prob", [0.5, 0.0])
def test_scores_are_those_of_forced_alignments(context, silence_prob):
    aligner = make_aligner(silence_prob=silence_prob, context=context, beam=1000.0)
    scores = planted(aligner, [("k", 6), ("a", 9), ("t", 9)], noise=3.0)
    found = ViterbiScorer(aligner).scores(scores, SENTENCES)
    for words, score in zip(SENTENCES, found):
        alignment = aligner.align("u", " ".join(words), scores).alignment
        expected = -np.inf if alignment is None else alignment.log_likelihood_per_frame * alignment.num_frames
        assert score == pytest.approx(expected, abs=1e-3)
    assert np.isfinite(found).tolist() == [True, silence_prob > 0, True, True, True, False]


def test_one_alone_or_among_others():
    aligner = make_aligner(context=(3, 1))
    scores = planted(aligner, [("k", 3), ("a", 3), ("t", 6)], noise=2.0)
    scorer = ViterbiScorer(aligner)
    together = scorer.scores(scores, SENTENCES)
    assert np.concatenate([scorer.scores(scores, [words]) for words in SENTENCES]).tolist() == together.tolist()
    assert scorer.scores(scores, []).shape == (0,)
    assert np.isneginf(ViterbiScorer(make_aligner(silence_prob=0.0)).scores(torch.zeros(3, 99), [[]])).all()


def test_all_ways_to_say_a_sentence_count():
    """By hand for a single phone: the best ways to divide four frames among its three states."""
    aligner = make_aligner(silence_prob=0.0)
    scores = planted(aligner, [("a", 4)], noise=2.0)
    graph = training_graph(union([aligner.sentence(aligner.lang.word_ids("a")[0])]), aligner.tree, aligner.transitions)
    expected = all_paths(graph, scores.numpy().astype(np.float64), aligner.transitions.pdf_id)[1]
    assert ViterbiScorer(aligner).scores(scores, [["a"]]).tolist() == pytest.approx([expected])
    pdf_ids = [aligner.tree.pdf_id((aligner.lang.phones.id_of("a"),), state) for state in range(3)]
    divided = max(float(scores[range(4), [pdf_ids[state] for state in sorted((0, 1, 2, twice))]].sum())
                  for twice in range(3))
    least = 4 * float(aligner.transitions.log_prob[1:].min())
    assert divided + least - 1e-5 <= expected <= divided
