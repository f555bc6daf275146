"""The search against exhaustive search, and its promises: no utterance lost, no dependence on the batch."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from graphs.decoding.decoding_graph import DecodingGraph
from graphs.decoding.intersect import RawLattice, intersect_pruned
from graphs.decoding.search import Searcher, SearchOptions, make_lattice
from graphs.decoding.training_graph import sentence_fst, training_graph
from graphs.errors import InputError
from graphs.fst.arcs import Arcs
from graphs.fst.word_sequences import WordSequences
from tests.graphs.hmms import small_model
from tests.reference.paths import all_paths

WIDE = SearchOptions(beam=1e4, lattice_beam=1e4, min_active=0, max_active=10_000, acoustic_scale=1.0)
VARIANTS = {5: [((2, 3), -0.1), ((3,), -1.0)], 6: [((3, 2), 0.0)], 7: [((4,), -0.2), ((2, 4, 3), -0.4)]}


def sentence_graph(word_ids, speech="2state"):
    tree, transitions = small_model(speech, "1state")
    arcs = training_graph(sentence_fst(word_ids, VARIANTS, 1, math.log(0.3), math.log(0.7)), tree, transitions)
    return DecodingGraph(arcs, WordSequences(10), []), transitions


def loop_graph():
    """A free loop over the three words, with optional silence between them."""
    tree, transitions = small_model("2state", "1state")
    from graphs.hmm.context_fst import compose_context
    from graphs.hmm.hmm_fst import add_self_loops, compose_hmm
    arcs, states = [(0, 0, 1, 0, -1.0)], 1
    for word, variants in VARIANTS.items():
        for phones, score in variants:
            path = [0, *range(states, states + len(phones) - 1), 0]
            states += len(phones) - 1
            arcs += [(path[i], path[i + 1], p, word if i == 0 else 0, score if i == 0 else 0.0)
                     for i, p in enumerate(phones)]
    graph, windows = compose_context(Arcs.from_lists(arcs, [(0, 0.0)]), tree)
    hclg = add_self_loops(compose_hmm(graph, windows, tree, transitions), transitions).sorted_by_source()
    return DecodingGraph(hclg, WordSequences(10), []), transitions


def scores(frames, transitions, seed):
    return torch.randn(frames, transitions.num_pdfs, generator=torch.Generator().manual_seed(seed)) * 2


@pytest.mark.parametrize("word_ids", [[5, 6], [7], []])
def test_best_path_and_whole_lattice_are_exhaustive_searchs(word_ids):
    graph, transitions = sentence_graph(word_ids, "1state")
    x = scores(6, transitions, seed=len(word_ids))
    expected = {}
    for inputs, outputs, score in all_paths(graph.arcs, 6):
        if len(inputs) == 6:
            acoustic = sum(float(x[t, transitions.pdf_id[i]]) for t, i in enumerate(inputs))
            expected[inputs] = max(score + acoustic, expected.get(inputs, -math.inf))
    result = Searcher(graph, transitions, WIDE).search([("u", x)])["u"]
    assert result.outcome == "done"
    result.lattice.check()
    best = result.lattice.best_path()
    assert tuple(best.transition_ids) == max(expected, key=expected.get)
    assert best.score == pytest.approx(max(expected.values()), abs=1e-3)
    assert best.word_ids == word_ids
    found = {tuple(result.lattice.transition_id[path][:6]) for path in _paths(result.lattice)}
    assert found == set(expected)


def _paths(lattice):
    def walk(state, arcs):
        if state == lattice.num_states - 1:
            yield arcs
        for arc in np.flatnonzero(lattice.src == state):
            yield from walk(lattice.dst[arc], arcs + [int(arc)])
    return walk(0, [])


@pytest.mark.parametrize("options", [WIDE, replace(WIDE, beam=6.0, lattice_beam=4.0, max_active=12, min_active=3)])
def test_the_answer_does_not_depend_on_the_batch(options, monkeypatch):
    graph, transitions = loop_graph()
    lengths = [31, 7, 18, 7, 25, 12, 3]
    utterances = [(f"u{i}", scores(n, transitions, i)) for i, n in enumerate(lengths)]
    alone = {name: Searcher(graph, transitions, options).search([(name, x)])[name] for name, x in utterances}
    monkeypatch.setattr(Searcher, "_batches", lambda self, waiting, options: [
        sorted(waiting, key=lambda item: -len(item[1]))] if waiting else [])
    together = Searcher(graph, transitions, options).search(utterances)
    for name, _ in utterances:
        one, other = alone[name].lattice, together[name].lattice
        assert one.best_path(*(1.0, 1.0)).word_ids == other.best_path(1.0, 1.0).word_ids
        assert one.best_path().score == pytest.approx(other.best_path().score, abs=1e-3)
        assert one.num_arcs == other.num_arcs


@pytest.mark.parametrize("max_active", [1, 2, 5, 50])
@pytest.mark.parametrize("beam", [0.05, 2.0, 50.0])
def test_no_utterance_is_lost_at_any_beam(max_active, beam):
    graph, transitions = sentence_graph([5, 6, 7, 5])
    options = SearchOptions(beam=beam, lattice_beam=5.0, min_active=0, max_active=max_active, acoustic_scale=1.0)
    utterances = [(f"u{n}", scores(n, transitions, n)) for n in (1, 2, 6, 9, 30, 60)]
    results = Searcher(graph, transitions, options).search(utterances)
    assert results.keys() == {name for name, _ in utterances}
    for name, x in utterances:
        result = results[name]
        assert result.outcome in ("done", "retried", "partial")
        assert result.lattice.partial == (result.outcome == "partial")
        result.lattice.check()
        assert len(result.lattice.best_path().transition_ids) == len(x)
    # one frame cannot hold four words: a partial path, marked and explained
    assert results["u1"].outcome == "partial" and "no final state" in results["u1"].reason


def test_partial_path_is_the_best_beginning():
    graph, transitions = sentence_graph([5, 6], "1state")
    x = scores(1, transitions, 3)
    result = Searcher(graph, transitions, WIDE).search([("u", x)])["u"]
    assert result.outcome == "partial"
    begin = graph.arcs.src == 0
    expected = max(float(s + x[0, transitions.pdf_id[i]])
                   for s, i in zip(graph.arcs.score[begin], graph.arcs.ilabel[begin]))
    assert result.lattice.best_path().score == pytest.approx(expected, abs=1e-4)
    assert Searcher(graph, transitions, WIDE, partial=False).search([("u", x)])["u"].outcome == "failed"


def test_bad_scores_fail_by_name_and_the_rest_goes_on():
    graph, transitions = sentence_graph([5])
    bad = scores(9, transitions, 1)
    bad[4, 0] = math.nan
    results = Searcher(graph, transitions, WIDE).search(
        [("empty", bad[:0]), ("nan", bad), ("good", scores(9, transitions, 2))])
    assert {name: result.outcome for name, result in results.items()} == {
        "empty": "failed", "nan": "failed", "good": "done"}
    assert results["empty"].reason == "no frames" and "not finite" in results["nan"].reason


def test_scores_too_large_to_be_added_up_fail_by_name():
    graph, transitions = sentence_graph([5])
    searcher = Searcher(graph, transitions, WIDE)
    for size, outcome in ((2 ** 21, "done"), (2 ** 22, "failed"), (-1e30, "failed")):
        result = searcher.search([("u", torch.full((8, transitions.num_pdfs), float(size)))])["u"]
        assert result.outcome == outcome
    assert result.reason == "scaled log-likelihoods of 8e+30 in all, beyond 1.67772e+07"


@pytest.mark.parametrize("change, found", [
    (lambda x: x.numpy(), "ndarray"), (lambda x: x.tolist(), "list"), (lambda x: x[:, 1:], r"\(9, "),
    (lambda x: x[0], r"found \("), (lambda x: x[None], r"found \(1, 9"), (lambda x: x.int(), "torch.int32"),
    (lambda x: x > 0, "torch.bool")])
def test_what_can_be_no_log_likelihoods_is_refused(change, found):
    graph, transitions = sentence_graph([5])
    with pytest.raises(InputError, match=f"log-likelihoods of u: expected .*{found}"):
        Searcher(graph, transitions, WIDE).search([("u", change(scores(9, transitions, 1)))])


def test_every_floating_type_is_searched_and_needs_no_gradient():
    graph, transitions = sentence_graph([5])
    x = scores(9, transitions, 1).half().float()
    searcher = Searcher(graph, transitions, WIDE)
    found = [searcher.search([("u", y)])["u"].lattice.best_path().score for y in
             (x, x.double(), x.half(), x.clone().requires_grad_())]
    assert found == [found[0]] * 4
    assert searcher.search([("u", x.bfloat16())])["u"].outcome == "done"


def test_an_id_that_comes_twice_is_refused():
    graph, transitions = sentence_graph([5])
    with pytest.raises(InputError, match="utterances to be searched: a: expected each id once"):
        Searcher(graph, transitions, WIDE).search([("a", scores(9, transitions, 1)), ("a", scores(8, transitions, 1))])
    assert Searcher(graph, transitions, WIDE).search([]) == {}


def test_a_graph_of_other_transitions_or_words_is_refused():
    graph, transitions = sentence_graph([5])
    _, other = small_model("2state", "1state", seed=1)
    _, smaller = small_model("1state", "1state")
    known = replace(graph, fingerprint=transitions.fingerprint())
    Searcher(known, transitions, WIDE)
    with pytest.raises(InputError, match="expected one made with the transitions"):
        Searcher(known, other, WIDE)
    with pytest.raises(InputError, match=f"expected transition_ids up to {smaller.num_transition_ids}"):
        Searcher(graph, smaller, WIDE)
    with pytest.raises(InputError, match="expected output labels below 5"):
        Searcher(replace(graph, sequences=WordSequences(5)), transitions, WIDE)
    Searcher(replace(graph, sequences=WordSequences(6)), transitions, WIDE)
    Searcher(replace(graph, sequences=WordSequences(5, [(1, 2)])), transitions, WIDE)
    for label, known in ((6, WordSequences(6)), (7, WordSequences(6, [(1, 2)]))):
        arcs = replace(graph.arcs, final_olabel=np.full(len(graph.arcs.final_state), label))
        with pytest.raises(InputError, match=f"expected output labels below {label}"):
            Searcher(replace(graph, arcs=arcs, sequences=known), transitions, WIDE)


def test_a_graph_without_end_or_with_epsilons_is_refused():
    graph, transitions = sentence_graph([5])
    no_end = replace(graph.arcs, final_state=[], final_score=[], final_olabel=[])
    with pytest.raises(InputError, match="a final state, found none"):
        Searcher(replace(graph, arcs=no_end), transitions, WIDE)
    with pytest.raises(InputError, match="a transition_id on every arc, found an epsilon"):
        Searcher(replace(graph, arcs=replace(graph.arcs, ilabel=graph.arcs.ilabel * (graph.arcs.src > 0))),
                 transitions, WIDE)


def test_several_words_on_an_arc_become_several_arcs():
    _, transitions = small_model("1state", "1state")
    sequences = WordSequences(10)
    graph = type("Graph", (), {})()
    graph.olabel = np.array([sequences.label((3, 4, 5)), 0, sequences.label((6, 7))])
    graph.transition_id, graph.score = np.array([2, 4, 0]), np.array([-1.0, -2.0, -0.5])
    raw = RawLattice(np.array([0, 1, 2], np.int32), np.array([1, 2, 3], np.int32), np.array([0, 1, 2]),
                     np.array([0, 1, 2]))
    lattice = make_lattice("u", raw, graph, sequences, transitions, np.ones((2, transitions.num_pdfs), np.float32))
    lattice.check()
    path = lattice.best_path()
    assert path.word_ids == [3, 4, 5, 6, 7] and path.transition_ids.tolist() == [2, 4]
    assert path.graph == pytest.approx(-3.5) and path.acoustic == pytest.approx(2.0)


@pytest.mark.parametrize("change", [{"beam": 0.0}, {"max_active": 0}, {"min_active": 8, "max_active": 8},
                                    {"acoustic_scale": -1.0}, {"retries": -1}, {"beam": math.nan},
                                    {"acoustic_scale": math.inf}, {"max_active": 2 ** 31}, {"max_active": 1000.5},
                                    {"min_active": 0.5}, {"min_active": -1}, {"lattice_beam": 0.0}, {"memory_mb": 0},
                                    {"beam": 1e20}, {"lattice_beam": math.inf}, {"acoustic_scale": math.nan}])
def test_bad_options_are_refused(change):
    with pytest.raises(ValueError, match="expected"):
        SearchOptions(**change)


def test_batches_fill_the_memory_budget_longest_first():
    """Off the CPU. A frame costs 128 bytes a state and 4 a score: 1 MiB is 4 * 64 frames here."""
    graph, transitions = sentence_graph([5])
    options = replace(WIDE, max_active=31, memory_mb=1)
    searcher = Searcher(graph, transitions, options)
    searcher.device = torch.device("cuda")
    frame_bytes = 128 * 31 + 4 * transitions.num_pdfs
    frames = 2 ** 20 // frame_bytes
    lengths = {"a": 3, "c": frames // 2, "b": frames // 2, "d": frames + 1, "e": 1, "f": frames // 3}
    waiting = [(name, torch.zeros(length, 1)) for name, length in lengths.items()]
    batches = [[name for name, _ in batch] for batch in searcher._batches(waiting, options)]
    assert batches == [["d"], ["b", "c"], ["f", "a", "e"]]
    longer = [(name, torch.zeros(frames // 2 + 1, 1)) for name in "xy"]
    assert len(searcher._batches(longer, options)) == 2
    searcher.device = torch.device("cpu")
    assert [[name for name, _ in batch] for batch in searcher._batches(waiting, options)] == [
        ["d"], ["b"], ["c"], ["f"], ["a"], ["e"]]


@pytest.mark.parametrize("lost, outcome, reason", [
    (0, "done", ""), (1, "retried", "beam 6, max_active 40"), (2, "retried", "beam 12, max_active 160"),
    (3, "partial", "no final state reached with beam 12, max_active 160"),
    (4, "failed", "no final state reached with beam 12, max_active 160")])
def test_each_retry_is_wider_and_a_partial_path_is_not(monkeypatch, lost, outcome, reason):
    graph, transitions = sentence_graph([5])
    asked = []

    def search(fsas, scaled, beam, lattice_beam, min_active, max_active, one_path):
        asked.append((beam, min_active, max_active))
        assert lattice_beam == 4.0 and torch.equal(scaled[0], 0.5 * x)
        if len(asked) <= lost:
            nothing = np.zeros(0, np.int64)
            return [RawLattice(nothing, nothing, nothing, nothing)]
        return intersect_pruned(fsas, scaled, 1e4, 1e4, 0, 10_000, one_path)
    monkeypatch.setattr("graphs.decoding.search.intersect_pruned", search)
    x = scores(9, transitions, 1)
    options = SearchOptions(beam=3.0, lattice_beam=4.0, min_active=2, max_active=10, acoustic_scale=0.5, retries=2)
    result = Searcher(graph, transitions, options).search([("u", x)])["u"]
    assert (result.outcome, result.reason) == (outcome, reason)
    assert asked == [(3.0, 2, 10), (6.0, 4, 40), (12.0, 8, 160), (3.0, 2, 10)][:lost + 1]
    if outcome != "failed":  # the lattice holds unscaled scores
        path = result.lattice.best_path()
        rows = [float(x[t, transitions.pdf_id[i]]) for t, i in enumerate(path.transition_ids)]
        assert path.acoustic == pytest.approx(sum(rows), abs=1e-4)
        assert result.lattice.partial == (outcome == "partial")


def test_a_retry_is_wider_as_far_as_a_number_goes():
    options = SearchOptions(beam=3.0, min_active=5, max_active=100).wider()
    assert (options.beam, options.min_active, options.max_active) == (6.0, 10, 400)
    most = SearchOptions(beam=1e6, min_active=2 ** 31 - 2, max_active=2 ** 31 - 1).wider()
    assert (most.beam, most.min_active, most.max_active) == (1e6, 2 ** 31 - 2, 2 ** 31 - 1)


def test_words_never_change_with_max_active_that_is_wide_enough():
    graph, transitions = loop_graph()
    utterances = [(f"u{i}", scores(20, transitions, 40 + i)) for i in range(4)]
    searchers = [Searcher(graph, transitions, replace(WIDE, max_active=m)) for m in (10_000, 500)]
    words = [[result.lattice.best_path().word_ids for result in searcher.search(utterances).values()]
             for searcher in searchers]
    assert words[0] == words[1] and any(itertools.chain.from_iterable(words[0]))
