"""HCLG against path sums: every short path of the graph, against lexicon x HMM x grammar taken one by one."""

import itertools
import json
import math
import random
from dataclasses import replace

import numpy as np
import pytest

from graphs.archive import read_archive, write_archive
from graphs.decoding.compile import GraphOptions, compile_hclg
from graphs.decoding.graph_io import FILE, LAYOUT, read_graph, write_graph
from graphs.decoding.intersect import search_label
from graphs.decoding.training_graph import sentence_fst, training_graph
from graphs.errors import InputError
from graphs.fst.arcs import Arcs
from graphs.grammar.arpa import read_arpa
from graphs.grammar.grammar_fst import make_grammar_fst
from graphs.hmm.context_tree import ContextTree, Split
from graphs.hmm.topology import TopologyOptions
from graphs.hmm.transitions import TransitionModel, TransitionState
from graphs.lang.lexicon import BACKOFF, Lexicon, Pronunciation
from graphs.lang.lexicon_fst import make_lexicon_fst
from graphs.lang.make_lang import LangOptions, make_lang
from tests.graphs.hmm.test_context_fst import windows_over
from tests.graphs.trees import random_tree
from tests.reference.paths import all_paths, best_scores

ARPA = r"""
\data\
ngram 1=6
ngram 2=5

\1-grams:
-99 <s> -0.3
-0.6 </s>
-0.7 two -0.2
-0.9 too -0.4
-1.1 toot -0.1
-0.8 a -0.25

\2-grams:
-0.2 <s> two
-0.5 two a
-0.4 a </s>
-0.1 too too
-0.3 two </s>

\end\
"""
UNIGRAM = r"""
\data\
ngram 1=5

\1-grams:
-99 <s>
-0.6 </s>
-0.7 two
-0.8 a
-0.5 e

\end\
"""
# two and too are homophones, and prefixes of toot; a has two pronunciations
LEXICON = [("two", "t u", 1.0), ("too", "t u", 1.0), ("toot", "t u t", 1.0), ("a", "u", 0.6), ("a", "t", 0.4)]


def build(tmp_path, silence_prob=0.4, speech="1state", push="tropical", context=(1, 0),
          minimize=True, arpa=ARPA, say=lambda line: None, lexicon=LEXICON):
    (tmp_path / "lm.arpa").write_text(arpa)
    lexicon = Lexicon([Pronunciation(w, tuple(p.split()), q) for w, p, q in lexicon])
    lang = make_lang(lexicon, LangOptions(silence_prob=silence_prob), TopologyOptions(speech=speech, silence="1state"))
    tree = ContextTree.monophone(lang.topology)
    if context != (1, 0):
        tree = random_tree(lang.topology, *context, seed=3, alike=(lang.phones.id_of("SIL"),))
    transitions = TransitionModel.from_tree(tree, lang.topology)
    grammar = make_grammar_fst(read_arpa(tmp_path / "lm.arpa")[0], lang.words)
    graph = compile_hclg(make_lexicon_fst(lang, disambig=True), grammar, tree, transitions, lang.num_phones + 1,
                         lang.words.id_of(BACKOFF), len(lang.words),
                         GraphOptions(push=push, self_loop_scale=1.0, minimize=minimize), say)
    return lang, tree, transitions, grammar, graph


def found_paths(graph, frames):
    """{(transition_ids, word_ids): best score}, word sequences spelled out."""
    best = {}
    for inputs, outputs, score in all_paths(graph.arcs, frames):
        words = tuple(itertools.chain.from_iterable(graph.sequences.words(label) for label in outputs))
        best[inputs, words] = max(score, best.get((inputs, words), -math.inf))
    return best


def expected_paths(lang, tree, transitions, grammar, silence_prob, frames):
    """The same, sentence by sentence: G's own best path, and the HMM graph of the sentence."""
    backoff = lang.words.id_of(BACKOFF)
    language = {}
    for inputs, _, score in all_paths(grammar, 2 * frames + 2):
        sentence = tuple(word for word in inputs if word != backoff)
        language[sentence] = max(score, language.get(sentence, -math.inf))
    best = {}
    for sentence, language_score in language.items():
        if len(sentence) > frames or not (sentence or silence_prob):
            continue
        silence = (lang.phones.id_of("SIL"), math.log(silence_prob), math.log(1 - silence_prob)) if silence_prob else ()
        graph = training_graph(sentence_fst(sentence, {w: lang.pronunciations(w) for w in sentence}, *silence),
                               tree, transitions)
        for (inputs, outputs), score in best_scores(graph, frames).items():
            assert outputs == sentence
            best[inputs, sentence] = max(score + language_score, best.get((inputs, sentence), -math.inf))
    return best


@pytest.mark.parametrize("silence_prob, speech, push, frames, minimize", [
    (0.4, "1state", "tropical", 4, True), (0.0, "1state", "log", 4, False), (0.4, "2state", "none", 6, True),
    (0.4, "1state", "none", 4, False)])
def test_every_short_path(tmp_path, silence_prob, speech, push, frames, minimize):
    lang, tree, transitions, grammar, graph = build(tmp_path, silence_prob, speech, push, minimize=minimize)
    assert (graph.arcs.ilabel > 0).all()
    found = found_paths(graph, frames)
    found.pop(((), ()), None)  # the empty sentence in no time
    expected = expected_paths(lang, tree, transitions, grammar, silence_prob, frames)
    assert len(expected) > 50 and found.keys() == expected.keys()
    worst = max(abs(found[key] - expected[key]) for key in expected)
    assert worst < 1e-3


def random_lexicon(draw):
    """Of short words over few phones: homophones, prefixes, several pronunciations, words of one phone."""
    words, phones = [f"w{number}" for number in range(draw.randint(2, 5))], "tuik"[:draw.randint(2, 4)]
    said = dict.fromkeys((word, " ".join(draw.choice(phones) for _ in range(draw.choice((1, 1, 2, 3)))))
                         for word in words for _ in range(draw.choice((1, 1, 2))))
    return [(word, pronunciation, draw.choice((1.0, 0.5))) for word, pronunciation in said]


def random_arpa(draw, words):
    """A unigram, or a bigram with few pairs."""
    share = draw.choice((0, 0.15))
    unigrams = ["-99 <s> -0.3", "-0.6 </s>", *(f"{-draw.randint(2, 12) / 10} {word} {-draw.randint(0, 8) / 10}"
                                               for word in words)]
    bigrams = [f"{-draw.randint(1, 9) / 10} {a} {b}" for a in ["<s>", *words] for b in [*words, "</s>"]
               if draw.random() < share]
    orders = [(1, unigrams), *([(2, bigrams)] if bigrams else [])]
    return "\n".join(["\\data\\", *(f"ngram {order}={len(rows)}" for order, rows in orders), "",
                      *(line for order, rows in orders for line in (f"\\{order}-grams:", *rows, "")), "\\end\\", ""])


@pytest.mark.parametrize("seed", range(6))
def test_every_short_path_of_random_words(tmp_path, seed):
    draw = random.Random(seed)
    lexicon, silence_prob = random_lexicon(draw), draw.choice((0.0, 0.4))
    arpa = random_arpa(draw, sorted({word for word, _, _ in lexicon}))
    lang, tree, transitions, grammar, graph = build(
        tmp_path, silence_prob, push=draw.choice(("tropical", "log", "none")), minimize=seed % 2 == 0, arpa=arpa,
        lexicon=lexicon)
    found, expected = found_paths(graph, 3), expected_paths(lang, tree, transitions, grammar, silence_prob, 3)
    found.pop(((), ()), None)
    assert expected and found.keys() == expected.keys()
    assert max(abs(found[key] - expected[key]) for key in expected) < 1e-3


@pytest.mark.parametrize("minimize", [True, False])
def test_words_of_one_phone_of_their_own_keep_their_labels(tmp_path, minimize):
    """k2's determinization puts such a word and the next one on one arc."""
    lexicon = [("two", "t u", 1.0), ("a", "u", 1.0), ("e", "i", 1.0)]
    lang, tree, transitions, grammar, graph = build(tmp_path, minimize=minimize, arpa=UNIGRAM, lexicon=lexicon)
    found = found_paths(graph, 4)
    found.pop(((), ()), None)
    expected = expected_paths(lang, tree, transitions, grammar, 0.4, 4)
    assert found.keys() == expected.keys()
    assert max(abs(found[key] - expected[key]) for key in expected) < 1e-3


def test_a_model_that_gains_with_each_word_is_minimized_without_pushing(tmp_path):
    lines = []
    arpa = ARPA.replace("-0.9 too -0.4", "-0.9 too 1.5")
    lang, tree, transitions, grammar, graph = build(tmp_path, 0.4, "1state", arpa=arpa, say=lines.append)
    assert [line for line in lines if "without pushing of scores" in line and "cycle that gains" in line]
    found = found_paths(graph, 4)
    found.pop(((), ()), None)
    expected = expected_paths(lang, tree, transitions, grammar, 0.4, 4)
    assert found.keys() == expected.keys()
    assert max(abs(found[key] - expected[key]) for key in expected) < 1e-3


def in_one_frame_each(lang, tree, transitions, sentence, silence_prob):
    """Oracle for phones of one state: {transition_ids of a frame a phone: best log probability} of all ways to say the
    sentence, by windows slid over the phones."""
    forward, best = transitions.log_prob, {}
    silence = (lang.phones.id_of("SIL"), math.log(silence_prob), math.log(1 - silence_prob))
    phone_graph = sentence_fst(sentence, {w: lang.pronunciations(w) for w in sentence}, *silence)
    for phones, _, score in all_paths(phone_graph, 12):
        ids = []
        for window in windows_over(phones, tree):
            pdf_id, phone_id = tree.pdf_id(window, 0), window[tree.central_position]
            number = transitions.state_number(TransitionState(phone_id, 0, pdf_id, pdf_id))
            ids += [i for i in transitions.transition_ids_of(number) if not transitions.is_self_loop[i]]
        best[tuple(ids)] = max(score + float(forward[ids].sum()), best.get(tuple(ids), -math.inf))
    return best


@pytest.mark.parametrize("context, minimize", [((3, 1), True), ((2, 1), True), ((2, 0), True), ((3, 1), False)])
def test_every_short_path_of_phones_in_context(tmp_path, context, minimize):
    lang, tree, transitions, grammar, graph = build(tmp_path, context=context, minimize=minimize)
    assert (graph.arcs.ilabel > 0).all() and tree.num_pdfs > 8
    found = found_paths(graph, 4)
    found.pop(((), ()), None)
    expected = expected_paths(lang, tree, transitions, grammar, 0.4, 4)
    assert len(expected) > 50 and found.keys() == expected.keys()
    assert max(abs(found[key] - expected[key]) for key in expected) < 1e-3
    # and the graphs of sentences, on which this stands, against windows slid over phones
    too, a = lang.words.id_of("too"), lang.words.id_of("a")
    for sentence in ([too], [a], [a, too], [a, a, too]):
        best = in_one_frame_each(lang, tree, transitions, sentence, 0.4)
        silence = (lang.phones.id_of("SIL"), math.log(0.4), math.log(0.6))
        hmm = training_graph(sentence_fst(sentence, {w: lang.pronunciations(w) for w in sentence}, *silence), tree,
                             transitions)
        scores = {ids: score for (ids, _), score in best_scores(hmm, 12).items()
                  if not transitions.is_self_loop[list(ids)].any()}
        assert scores.keys() == best.keys() and scores == pytest.approx(best, abs=1e-4)


def test_no_disambiguation_symbol_is_left(tmp_path):
    lang, _, _, _, graph = build(tmp_path)
    labels = {word for label in np.unique(graph.arcs.olabel) for word in graph.sequences.words(int(label))}
    assert labels == {lang.words.id_of(word) for word in ("two", "too", "toot", "a")}


def test_report_names_each_step(tmp_path):
    for minimize, steps in ((True, ["minimized", "C o LG", "H o CLG", "epsilons removed"]),
                            (False, ["epsilons removed", "C o LG", "H o CLG"])):
        report = build(tmp_path, minimize=minimize)[-1].report
        assert [row["step"] for row in report] == ["L o G", "determinized", *steps, "self-loops"]
        assert all(row["arcs"] > 0 and row["states"] > 0 for row in report)


def test_arcs_stand_as_the_search_wants_them(tmp_path):
    _, _, transitions, _, graph = build(tmp_path)
    labels = search_label(graph.arcs.ilabel, transitions)
    places = list(zip(graph.arcs.src.tolist(), labels.tolist(), graph.arcs.dst.tolist()))
    assert places == sorted(places)


@pytest.mark.parametrize("context", [(1, 0), (3, 1)])
def test_a_minimized_graph_has_fewer_arcs(tmp_path, context):
    sizes = [build(tmp_path, speech="3state", context=context, minimize=minimize)[-1].arcs.num_arcs
             for minimize in (True, False)]
    assert sizes[0] < sizes[1]


def test_files_round_trip_and_stale_graphs_are_refused(tmp_path):
    _, tree, transitions, _, graph = build(tmp_path)
    write_graph(tmp_path / "graph", graph, transitions)
    again = read_graph(tmp_path / "graph", transitions)
    assert found_paths(again, 3) == found_paths(graph, 3)
    assert again.tree_fingerprint == graph.tree_fingerprint == tree.fingerprint()
    read_graph(tmp_path / "graph", transitions, tree)
    other = ContextTree(1, 0, Split(0, frozenset({99}), tree.root, tree.root))
    with pytest.raises(InputError, match=f"expected tree {other.fingerprint()} of the acoustic model.*stale"):
        read_graph(tmp_path / "graph", transitions, other)
    transitions.estimate(np.arange(transitions.num_transition_ids + 1) * 10.0)
    with pytest.raises(InputError, match="stale"):
        read_graph(tmp_path / "graph", transitions)


def test_graphs_that_do_not_know_their_tree_are_taken(tmp_path):
    _, tree, transitions, _, graph = build(tmp_path)
    write_graph(tmp_path, graph, transitions)
    arrays = read_archive(tmp_path / FILE, LAYOUT)
    facts = json.loads(str(arrays["facts"]))
    del facts["tree"]
    write_archive(tmp_path / FILE, LAYOUT, {**arrays, "facts": json.dumps(facts)})
    assert read_graph(tmp_path, transitions, tree).tree_fingerprint is None


@pytest.mark.parametrize("change, message", [
    ({"num_states": 0}, "numbers from 0 to below 0"),
    ({"num_states": 10 ** 400}, "num_states: expected numbers from 1"),
    ({"tree": 1}, "facts: expected JSON"),
    ({"num_states": 2.0}, "facts: expected JSON"), ({"num_words": None}, "facts: expected JSON"),
    ({"num_words": 1}, "label: expected numbers from 0 to below"), ({"sequences": [[1]]}, "facts: expected JSON"),
    ({"sequences": [[1, 99]]}, "facts: expected JSON"), ({"sequences": 3}, "facts: expected JSON")])
def test_facts_that_do_not_fit_the_arcs_are_refused(tmp_path, change, message):
    _, _, transitions, _, graph = build(tmp_path)
    write_graph(tmp_path, graph, transitions)
    arrays = read_archive(tmp_path / FILE, LAYOUT)
    facts = {**json.loads(str(arrays["facts"])), **change}
    write_archive(tmp_path / FILE, LAYOUT, {**arrays, "facts": json.dumps(facts)})
    with pytest.raises(InputError, match=f"{FILE}.*{message}"):
        read_graph(tmp_path, transitions)


@pytest.mark.parametrize("change, message", [
    (lambda arcs: dict(num_states=2 * arcs.num_arcs + len(arcs.final_state) + 2), "num_states"),
    (lambda arcs: dict(olabel=arcs.olabel + 1000), "olabel"),
    (lambda arcs: dict(final_olabel=arcs.final_olabel + 1000), "final_olabel"),
    (lambda arcs: dict(ilabel=arcs.ilabel + 1000), "ilabel")])
def test_a_stored_graph_of_other_numbers_is_refused(tmp_path, change, message):
    _, _, transitions, _, graph = build(tmp_path)
    write_graph(tmp_path / "graph", replace(graph, arcs=replace(graph.arcs, **change(graph.arcs))), transitions)
    with pytest.raises(InputError, match=f"HCLG.npz.*{message}"):
        read_graph(tmp_path / "graph", transitions)


def test_a_graph_is_read_for_a_look_without_its_transitions(tmp_path):
    _, _, transitions, _, graph = build(tmp_path)
    write_graph(tmp_path / "graph", graph, transitions)
    again = read_graph(tmp_path / "graph")
    assert again.fingerprint == graph.fingerprint == transitions.fingerprint()
    assert again.report == graph.report and again.sequences.sequences == graph.sequences.sequences
    with pytest.raises(InputError, match="a graph folder with HCLG.npz, found none"):
        read_graph(tmp_path)


def test_lexicon_and_grammar_without_a_common_word(tmp_path):
    lang, tree, transitions, _, _ = build(tmp_path)
    unknown = Arcs.from_lists([(0, 1, lang.words.id_of("<s>"), lang.words.id_of("<s>"), 0.0)], [(1, 0.0)])
    with pytest.raises(InputError, match="none: do lexicon and LM share a word?"):
        compile_hclg(make_lexicon_fst(lang, disambig=True), unknown, tree, transitions, lang.num_phones + 1,
                     lang.words.id_of(BACKOFF), len(lang.words))


@pytest.mark.parametrize("change, message", [
    ({"push": "up"}, "push: expected one of tropical, log, none, found 'up'"),
    ({"transition_scale": -0.1}, "of at least 0"), ({"self_loop_scale": -0.1}, "of at least 0"),
    ({"transition_scale": math.nan}, "finite numbers"), ({"self_loop_scale": math.inf}, "finite numbers")])
def test_options_out_of_range(change, message):
    with pytest.raises(ValueError, match=message):
        GraphOptions(**change)
    GraphOptions(transition_scale=0.0, self_loop_scale=0.0)


def test_lexicon_and_grammar_without_a_common_sentence(tmp_path):
    lang, tree, transitions, _, _ = build(tmp_path)
    nothing = make_lexicon_fst(lang, disambig=True)
    nothing.final_state = nothing.final_state[:0]
    nothing.final_score, nothing.final_olabel = nothing.final_score[:0], nothing.final_olabel[:0]
    (tmp_path / "lm.arpa").write_text(ARPA)
    grammar = make_grammar_fst(read_arpa(tmp_path / "lm.arpa")[0], lang.words)
    with pytest.raises(InputError, match="a path from the start to the end"):
        compile_hclg(nothing, grammar, tree, transitions, lang.num_phones + 1, lang.words.id_of(BACKOFF),
                     len(lang.words))
