"""k2's search of transducers in graphs against everything that could be said there."""

import math
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from graphs.errors import InputError
from graphs.fst.arcs import Arcs
from graphs.fst.word_sequences import WordSequences
from hybrid.e2e.search.rnnt_streams import StreamLattice, search_streams
from hybrid.e2e.search.stream_nbest import StreamNbest
from hybrid.e2e.search.transducer_beam import TransducerBeamOptions
from hybrid.e2e.search.transducer_graph import TransducerGraphOptions
from hybrid.e2e.token_graph import TokenGraph
from tests.hybrid.e2e.search.transducers import PairLm, encoded_of, everything, network_of

WIDE = {"graph_beam": 1000.0, "max_states": 10000, "max_contexts": 1000, "nbest": 10000}
NO_PRUNING = TransducerBeamOptions(beam=10000, nbest=10000, score_beam=math.inf)


def _graph():
    """Tokens 1 and 2 between words 1 to 4; one path of "1 2" has words 1 and 2 and another one word 3."""
    sequences = WordSequences(5)
    both = sequences.label([1, 2])
    arcs = [(0, 1, 1, 1, -0.5), (0, 2, 1, 3, -0.9), (1, 3, 2, 2, -0.25), (2, 3, 2, 0, -0.125), (3, 0, 2, 4, -1.0),
            (0, 3, 2, both, -0.75)]
    made = Arcs.from_lists(arcs, [(0, -0.375), (3, -1.5)])
    made.final_olabel[1] = 4
    return TokenGraph(made, sequences)


def _in_graph(graph, tokens, options):
    """Log of the sum over its paths, scaled and with bonuses, the score of the best one, and how many there are; None
    without any."""
    count = [len(graph.sequences.words(label)) for label in graph.arcs.olabel.tolist()]
    paths = [(0, 0.0, 0.0)]
    for token in tokens:
        rows = np.flatnonzero(graph.arcs.ilabel == token)
        paths = [(graph.arcs.dst[row], scaled + options.lm_scale * graph.arcs.score[row] + options.token_bonus
                  + options.word_bonus * count[row], plain + graph.arcs.score[row])
                 for state, scaled, plain in paths for row in rows if graph.arcs.src[row] == state]
    ends = [(scaled + options.lm_scale * score + options.word_bonus * (label > 0), plain + score)
            for state, scaled, plain in paths
            for end, score, label in zip(graph.arcs.final_state, graph.arcs.final_score, graph.arcs.final_olabel)
            if end == state]
    total = np.logaddexp.reduce([scaled for scaled, _ in ends], initial=-np.inf)
    return (float(total), float(max(ends)[1]), len(ends)) if ends else None


@pytest.mark.parametrize("context", [1, 2, 3])
def test_among_all_tokens_it_is_the_beam_search_without_pruning(context):
    network, (encoded, lengths) = network_of(0, 3, context=context), encoded_of([4, 1, 3])
    expected = NO_PRUNING.search(network, encoded, lengths)
    for found, of in zip(TransducerGraphOptions(**WIDE).search(network, encoded, lengths), expected):
        assert [(one.tokens, one.frames, one.finished) for one in found] == [
            (one.tokens, one.frames, True) for one in of]
        for one, other in zip(found, of):
            assert one.parts == {"transducer": pytest.approx(one.score)}
            assert one.score == pytest.approx(other.score, abs=1e-5)


def test_only_what_the_graph_holds_with_its_scores():
    network, (encoded, lengths), graph = network_of(1, 3), encoded_of([5, 4]), _graph()
    options = TransducerGraphOptions(lm_scale=0.6, token_bonus=0.3, word_bonus=-0.2, **WIDE)
    for row, found in enumerate(options.search(network, encoded, lengths, graph)):
        said = everything(network.decoder, encoded[row, :lengths[row]], int(lengths[row]), True)
        expected = {tokens: (score, _in_graph(graph, tokens, options)) for tokens, (score, _) in said.items()
                    if _in_graph(graph, tokens, options)}
        assert {one.tokens for one in found} == set(expected) and len(expected) > 5
        for one in found:
            transducer, (scaled, plain, paths) = expected[one.tokens]
            assert one.score == pytest.approx(transducer + scaled, abs=1e-5) and one.finished
            assert one.parts["lm"] == pytest.approx(plain, abs=1e-5)
            assert -1e-5 < one.parts["transducer"] - transducer < math.log(paths) + 1e-5  # the best one is the graph's
        assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)


def test_frames_are_those_of_the_best_path():
    network, (encoded, lengths) = network_of(3, 3), encoded_of([5])
    said = everything(network.decoder, encoded[0, :5], 5, True)
    arcs = [(0, 1, 1, 0, 0.0), (1, 0, 2, 0, 0.0), (1, 1, 1, 0, -0.5)]
    graph = TokenGraph(Arcs.from_lists(arcs, [(0, 0.0), (1, -1.0)]))
    for one in TransducerGraphOptions(**WIDE).search(network, encoded, lengths, graph)[0]:
        assert one.frames == said[one.tokens][1]


def test_where_no_path_ends_the_best_is_given_and_marked():
    network, (encoded, lengths) = network_of(0, 3), encoded_of([2, 6])
    graph = TokenGraph(Arcs.from_lists([(state, state + 1, 1, 0, 0.0) for state in range(4)], [(4, -0.5)]))
    short, long = TransducerGraphOptions(**WIDE).search(network, encoded, lengths, graph)
    assert [one.tokens for one in long] == [(1,) * 4] and long[0].finished
    assert {one.tokens for one in short} == {(), (1,), (1, 1)} and not any(one.finished for one in short)


def test_batch_and_padding_change_nothing():
    network, lengths = network_of(1), [6, 1, 9, 4]
    options = TransducerGraphOptions(graph_beam=8.0, max_states=6, max_contexts=4, nbest=3)
    together = options.search(network, *encoded_of(lengths, padding=math.nan))
    encoded, of = encoded_of(lengths)
    for row, length in enumerate(lengths):
        alone = options.search(network, encoded[row:row + 1, :length], of[row:row + 1])[0]
        assert [(one.tokens, one.frames) for one in alone] == [(one.tokens, one.frames) for one in together[row]]
        assert [one.score for one in alone] == pytest.approx([one.score for one in together[row]])
        assert 1 <= len(alone) <= 3


def test_limits_of_the_search():
    """The best found is never better than without them, and good beams find the very best."""
    network, batch = network_of(2, 4), encoded_of([6])
    best = NO_PRUNING.search(network, *batch)[0][0]
    for limits in ({"graph_beam": 0.1}, {"max_states": 1}, {"max_contexts": 1}, {}):
        found = TransducerGraphOptions(**limits).search(network, *batch)[0][0]
        assert found.score <= best.score + 1e-5
    assert found.tokens == best.tokens
    narrow = [len(TransducerGraphOptions(nbest=9999, graph_beam=beam).search(network, *batch)[0]) for beam in (0.5, 20)]
    assert narrow[0] < narrow[1]


def test_what_cannot_be_searched(monkeypatch):
    batch, options = encoded_of([2]), TransducerGraphOptions()
    for decoder, fusion, message in (
            (None, None, "a network with decoder = transducer"),
            (network_of(predictor="lstm").decoder, None, "predictor = stateless, found lstm"),
            (network_of().decoder, PairLm(4), "a graph of tokens, found PairLm")):
        with pytest.raises(InputError, match=message):
            options.search(SimpleNamespace(decoder=decoder), *batch, fusion)
    for labels in ([0], [4], [0, 1], [1, 4]):
        arcs = [(0, 0, label, 0, 0.0) for label in labels]
        with pytest.raises(InputError, match="tokens from 1 to 3 on all arcs"):
            options.search(network_of(), *batch, TokenGraph(Arcs.from_lists(arcs, [(0, 0.0)])))
    with pytest.raises(InputError, match="fewer tokens"):
        search_streams(Arcs.from_lists([(0, 1, 1, 0, 0.0)], [(1, 0.0)]), np.zeros(1), None, [1], 2, 61, 1.0, 1, 1)
    monkeypatch.setitem(sys.modules, "hybrid.e2e.search.rnnt_streams", None)
    with pytest.raises(InputError, match="expected k2, found none"):
        options.search(network_of(), *batch)


def test_as_many_contexts_and_states_as_k2_can_number():
    """2 ** 61 contexts of each of 3 states, k2's own two among them; those of one more would be 2 ** 63."""
    graph = TokenGraph.of_any_tokens(2).arcs
    lattice, = search_streams(graph, np.zeros(1), lambda frame, utterances, contexts: torch.zeros(len(contexts), 2),
                              [2], 2, 61, 10.0, 10, 10)
    found = StreamNbest(graph, np.zeros(1), np.zeros(1), 9, False).hypotheses(lattice)
    assert {one.tokens: one.score for one in found} == pytest.approx({(): 0.0, (1,): math.log(2), (1, 1): 0.0})


def test_paths_of_a_lattice_by_hand():
    """Over two frames: `1` is best by the path that takes it late, `2` by all of its paths, and as good as `1 2`."""
    graph = Arcs.from_lists([(0, 0, 1, 0, -0.25), (0, 0, 2, 0, -0.5)], [(0, -0.125)])
    rows = [(0, 1, -1, 0, -1.0), (0, 2, 0, 0, -3.0), (0, 3, 1, 0, -1.5), (1, 4, 0, 1, -0.5), (1, 5, 1, 1, -1.5),
            (2, 4, -1, 1, -0.5), (3, 5, -1, 1, -1.0), (2, 5, 1, 1, math.log(2 * math.exp(-2.5)) + 3.0 + 0.5)]
    lattice = StreamLattice(*(np.array(column) for column in zip(*rows)))
    nbest = StreamNbest(graph, 2.0 * graph.score, 2.0 * graph.final_score, 2, True)
    found = nbest.hypotheses(lattice)
    sums = {(1,): np.logaddexp(-1.5, -3.5) - 0.5, (2,): np.logaddexp(-2.5, -2.5) - 1.0}
    assert [one.tokens for one in found] == [(1,), (1, 2)]  # of equal ones the first in the order of token_ids
    assert found[1].score == pytest.approx(sums[2,] - 0.25) and found[0].score == pytest.approx(sums[1,] - 0.25)
    assert (found[0].frames, found[1].frames) == ((1,), (0, 1)) and all(one.finished for one in found)
    assert found[0].parts == pytest.approx({"transducer": sums[1,] + 0.5, "lm": -0.375})


def test_the_best_path_is_best_with_its_end():
    graph = Arcs.from_lists([(0, 0, 1, 0, 0.0), (0, 1, 1, 0, 0.0)], [(0, -0.125), (1, -3.0)])
    rows = [(0, 1, 0, 0, -1.0), (0, 2, -1, 0, -0.5), (1, 3, -1, 1, -0.25), (2, 4, 1, 1, -0.5)]
    lattice = StreamLattice(*(np.array(column) for column in zip(*rows)))
    found, = StreamNbest(graph, graph.score, graph.final_score, 9, True).hypotheses(lattice)
    assert (found.tokens, found.frames, found.parts["lm"]) == ((1,), (0,), -0.125)
    assert found.score == pytest.approx(np.logaddexp(-1.25 - 0.125, -1.0 - 3.0))


@pytest.mark.parametrize("values", [{"graph_beam": 0.0}, {"max_states": 0}, {"max_contexts": 0}, {"nbest": 0},
                                    {"lm_scale": -1.0}])
def test_options_out_of_range(values):
    with pytest.raises(ValueError, match=next(iter(values))):
        TransducerGraphOptions(**values)
