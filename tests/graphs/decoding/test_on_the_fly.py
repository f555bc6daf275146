"""Search with an LM on the fly against the search in the static graph of that LM."""

import math
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("k2")
from graphs.decoding.compile import compile_hclg  # noqa: E402
from graphs.decoding.decoding_graph import DecodingGraph  # noqa: E402
from graphs.decoding.on_the_fly import PRUNE_EVERY, OnTheFlySearcher, _Tokens  # noqa: E402
from graphs.decoding.search import Searcher  # noqa: E402
from graphs.errors import InputError  # noqa: E402
from graphs.grammar.arpa import read_arpa  # noqa: E402
from graphs.grammar.grammar_fst import make_grammar_fst  # noqa: E402
from graphs.grammar.grammar_lm import GrammarLm  # noqa: E402
from graphs.grammar.sentences import score_sentences  # noqa: E402
from graphs.grammar.weighted_lm import Term, WeightedLm  # noqa: E402
from graphs.hmm.context_tree import ContextTree  # noqa: E402
from graphs.hmm.transitions import TransitionModel  # noqa: E402
from graphs.lang.lexicon import BACKOFF  # noqa: E402
from graphs.lang.lexicon_fst import make_lexicon_fst  # noqa: E402
from graphs.lattices.rescore import rescore  # noqa: E402
from hybrid.recognize.nbest import best_sentences  # noqa: E402
from tests.graphs.arpas import arpa_text, random_entries  # noqa: E402
from tests.graphs.decoding.test_search import WIDE, loop_graph, scores  # noqa: E402
from tests.graphs.langs import small_lang  # noqa: E402
from tests.graphs.lattices.test_rescore import HashLm  # noqa: E402

NOTHING = WeightedLm([])
NARROW = replace(WIDE, beam=9.0, lattice_beam=4.0, max_active=40, min_active=5)


@pytest.fixture(scope="module")
def graphs(tmp_path_factory):
    """(lang, transitions, G and HCLG of a small LM, G and HCLG of a large one)."""
    lang = small_lang(silence_prob=0.5)
    tree = ContextTree.monophone(lang.topology)
    transitions = TransitionModel.from_tree(tree, lang.topology)
    found = [lang, transitions]
    for seed, order in ((1, 1), (2, 3)):
        path = tmp_path_factory.mktemp("lm") / "lm.arpa"
        path.write_text(arpa_text(random_entries(seed, order, ("b", "bee", "bad", "add"), 0.7)))
        arcs = make_grammar_fst(read_arpa(path)[0], lang.words)
        found.append(arcs)
        found.append(compile_hclg(make_lexicon_fst(lang, disambig=True), arcs, tree, transitions, lang.num_phones + 1,
                                  lang.words.id_of(BACKOFF), len(lang.words)))
    return found


def difference(graphs, weight=1.0):
    lang, _, small, _, large, _ = graphs
    backoff = lang.words.id_of(BACKOFF)
    return WeightedLm([Term(GrammarLm(small, backoff), -weight), Term(GrammarLm(large, backoff), weight)])


def utterances(transitions, lengths):
    return [(f"u{i}", scores(n, transitions, i)) for i, n in enumerate(lengths)]


def check_best(found, expected):
    assert found.keys() == expected.keys()
    for name, result in expected.items():
        assert (found[name].outcome, found[name].reason) == (result.outcome, result.reason)
        found[name].lattice.check()
        one, other = found[name].lattice.best_path(), result.lattice.best_path()
        assert one.score == pytest.approx(other.score, abs=1e-3) and one.word_ids == other.word_ids
        assert one.acoustic == pytest.approx(other.acoustic, abs=1e-3)
        assert one.graph == pytest.approx(other.graph, abs=1e-3)


def test_with_the_difference_of_two_lms_the_best_path_is_that_of_the_large_graph(graphs):
    _, transitions, _, small, _, large = graphs
    spoken = utterances(transitions, [30, 12, 19, 3 * PRUNE_EVERY, 44, 17])
    expected = Searcher(large, transitions, WIDE).search(spoken)
    check_best(OnTheFlySearcher(small, transitions, difference(graphs), WIDE).search(spoken), expected)
    before = Searcher(small, transitions, WIDE).search(spoken)
    assert any(before[name].lattice.best_path().word_ids != result.lattice.best_path().word_ids
               for name, result in expected.items()), "the large LM makes a difference"


def test_rescored_lattices_of_the_small_graph_have_the_best_path_of_the_large_one(graphs):
    """And with the LM of their own graph they stay what they are, however paths have backed off."""
    lang, transitions, small_g, small, large_g, large = graphs
    backoff = lang.words.id_of(BACKOFF)
    spoken = utterances(transitions, [30, 12, 19])
    expected = Searcher(large, transitions, WIDE).search(spoken)
    old, new = GrammarLm(small_g, backoff), GrammarLm(large_g, backoff)
    for name, result in Searcher(small, transitions, replace(WIDE, lattice_beam=25.0)).search(spoken).items():
        found = rescore(result.lattice, [Term(old, -1.0), Term(new, 1.0)]).best_path()
        best = expected[name].lattice.best_path()
        assert found.score == pytest.approx(best.score, abs=1e-3) and found.word_ids == best.word_ids
    for name, result in expected.items():
        lattice = result.lattice.prune(4.0)
        same = rescore(lattice, [Term(new, -1.0), Term(new, 1.0)]).best_path()
        assert same.score == lattice.best_path().score
        without = rescore(lattice, [Term(new, -1.0)])
        for sentence in best_sentences(without, 5):
            whole = {one.word_ids: one.graph for one in best_sentences(lattice, 1000)}
            score = score_sentences(new, [sentence.word_ids])[0]
            assert sentence.graph == pytest.approx(whole[sentence.word_ids] - score, abs=1e-3)


@pytest.mark.parametrize("acoustic_scale", [1.0, 0.5])
def test_without_an_lm_lattices_are_the_searchers(graphs, acoustic_scale):
    _, transitions, _, small, _, _ = graphs
    options = replace(WIDE, lattice_beam=3.0, acoustic_scale=acoustic_scale)
    spoken = utterances(transitions, [30, 12, 2 * PRUNE_EVERY + 3])
    expected = Searcher(small, transitions, options).search(spoken)
    found = OnTheFlySearcher(small, transitions, NOTHING, options).search(spoken)
    check_best(found, expected)
    for name, result in expected.items():
        # k2 keeps some arcs beyond the beam
        one, other = (lattice.prune(2.999, 1.0, acoustic_scale) for lattice in (found[name].lattice, result.lattice))
        assert one.num_arcs == other.num_arcs > one.num_frames + 5 and one.num_states == other.num_states
        assert found[name].lattice.num_arcs <= result.lattice.num_arcs
        assert one.acoustic.sum() == pytest.approx(other.acoustic.sum(), abs=1e-2)


def test_narrow_beams_lose_nothing_but_score(graphs):
    _, transitions, _, small, _, large = graphs
    spoken = utterances(transitions, [30, 12, 60])
    exact = Searcher(large, transitions, WIDE).search(spoken)
    found = OnTheFlySearcher(small, transitions, difference(graphs), NARROW).search(spoken)
    wide = OnTheFlySearcher(small, transitions, difference(graphs), replace(WIDE, lattice_beam=4.0)).search(spoken)
    for name, result in found.items():
        result.lattice.check()
        best, lattice = exact[name].lattice.best_path().score, result.lattice
        assert result.outcome == "done" and best - 3.0 < lattice.best_path().score < best + 1e-3
        forward, backward = lattice.forward_backward(lattice.scores(), best=True)
        through = forward[lattice.src] + lattice.scores() + backward[lattice.dst]
        assert through.min() >= forward[-1] - 4.0 - 1e-3
        assert lattice.num_arcs <= wide[name].lattice.num_arcs


def test_a_neural_model_in_the_first_pass():
    graph, transitions = loop_graph()
    lm = HashLm()
    found = OnTheFlySearcher(graph, transitions, WeightedLm([Term(lm, 2.0)]), replace(WIDE, lattice_beam=3.0)).search(
        utterances(transitions, [13, 9]))
    plain = Searcher(graph, transitions, WIDE).search(utterances(transitions, [13, 9]))
    for name, result in found.items():
        said = {}
        for words, graph_score, acoustic in sentences(plain[name].lattice):
            said[words] = max(said.get(words, -math.inf), graph_score + acoustic + 2.0 * lm.sentence(words))
        best = result.lattice.best_path()
        assert best.score == pytest.approx(max(said.values()), abs=1e-3)
        assert tuple(best.word_ids) == max(said, key=said.get)
        assert len(said) > 10


def sentences(lattice):
    return [(sentence.word_ids, sentence.graph, sentence.acoustic) for sentence in best_sentences(lattice, 10_000)]


def test_merged_histories_are_fewer():
    graph, transitions = loop_graph()
    spoken, sizes = utterances(transitions, [14]), []
    for max_order in (1, 2, 0):
        lm = HashLm()
        found = OnTheFlySearcher(graph, transitions, WeightedLm([Term(lm, 1.0, merged=True)], max_order), WIDE).search(
            spoken)["u0"]
        found.lattice.check()
        sizes.append(len(lm.words))
    assert sizes[0] == 1 + 3 < sizes[1] == 1 + 3 + 3 * 3 < sizes[2]


def test_several_words_on_an_arc_and_at_the_end():
    """Output labels that stand for word sequences are scored word by word."""
    graph, transitions = loop_graph()
    arcs, sequences = graph.arcs, graph.sequences
    label = sequences.label((5, 7))
    arcs.olabel[arcs.olabel == 6] = label
    arcs.final_olabel = np.full(len(arcs.final_state), sequences.label((6, 5, 6)), np.int32)
    graph, lm = DecodingGraph(arcs, sequences, []), HashLm()
    spoken = utterances(transitions, [9])
    found = OnTheFlySearcher(graph, transitions, WeightedLm([Term(lm, 1.0)]), WIDE).search(spoken)["u0"].lattice
    plain = Searcher(graph, transitions, WIDE).search(spoken)["u0"].lattice
    expected = {words: graph_score + lm.sentence(words) for words, graph_score, _ in sentences(plain)}
    values = {words: graph_score for words, graph_score, _ in sentences(found)}
    assert values.keys() == expected.keys() and len(values) > 3
    for words, value in expected.items():
        assert values[words] == pytest.approx(value, abs=1e-3) and words[-3:] == (6, 5, 6)


def test_what_reaches_no_end_is_retried_and_comes_out_in_part(graphs):
    lang, transitions, _, small, _, _ = graphs
    spoken = utterances(transitions, [1, 2])
    found = OnTheFlySearcher(small, transitions, difference(graphs), replace(WIDE, retries=1)).search(spoken)
    assert {result.outcome for result in found.values()} == {"partial"}
    for result in found.values():
        assert result.lattice.partial and "no final state" in result.reason
        result.lattice.check()
    strict = OnTheFlySearcher(small, transitions, difference(graphs), WIDE, partial=False).search(spoken)
    assert {(result.outcome, result.lattice) for result in strict.values()} == {("failed", None)}


def test_what_cannot_be_searched_is_refused(graphs):
    _, transitions, _, small, _, _ = graphs
    arcs = small.arcs
    for bad, message in ((replace(arcs, final_state=[], final_score=[], final_olabel=[]), "a final state"),
                         (replace(arcs, ilabel=np.zeros(arcs.num_arcs)), "transition_ids from 1")):
        with pytest.raises(InputError, match=message):
            OnTheFlySearcher(DecodingGraph(bad, small.sequences, []), transitions, NOTHING, WIDE)
    other = OnTheFlySearcher(small, transitions, WeightedLm([Term(HashLm(), 1.0)]), WIDE)
    with pytest.raises(InputError, match="each id once"):
        other.search(utterances(transitions, [3]) * 2)


@pytest.mark.parametrize("min_active, expected", [(0, -2.0), (2, -2.0), (3, -5.0), (5, -math.inf), (9, -math.inf)])
def test_the_beam_leaves_the_best_min_active(min_active, expected):
    graph, transitions = loop_graph()
    searcher = OnTheFlySearcher(graph, transitions, NOTHING, WIDE)
    tokens = _Tokens(searcher, searcher._closed, replace(WIDE, beam=2.0, min_active=min_active))
    assert tokens._threshold(np.array([-5.0, 0.0, -7.0, -1.0, -9.0])) == expected


@pytest.mark.parametrize("max_active", [2, 7])
def test_at_most_max_active_tokens_a_frame_and_nothing_is_lost(max_active):
    graph, transitions = loop_graph()
    searcher = OnTheFlySearcher(graph, transitions, NOTHING, replace(WIDE, max_active=max_active))
    tokens = _Tokens(searcher, searcher._closed, searcher.options)
    x = scores(2 * PRUNE_EVERY, transitions, 1)
    assert tokens.search(x.numpy(), ends=True) is not None
    assert max(len(frame) for frame in tokens._scores) == max_active
    found = searcher.search([("u", x)])["u"]
    assert found.outcome == "done" and len(found.lattice.best_path().transition_ids) == 2 * PRUNE_EVERY
    found.lattice.check()
