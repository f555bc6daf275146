"""C against windows slid over the phones of every path, and against OpenFst with Kaldi's C written out."""

import itertools

import numpy as np
import pytest

from graphs.errors import InputError
from graphs.fst.arcs import Arcs
from graphs.hmm.context_fst import compose_context
from graphs.hmm.context_machine import machine_of
from graphs.hmm.context_tree import NO_PHONE, PDF_CLASS, ContextTree, Leaf, Split, Table
from graphs.hmm.topology import Topology, TopologyOptions
from tests.graphs.trees import SHAPES, random_graph, random_tree
from tests.reference.openfst import linear, needs_openfst, run, single_path
from tests.reference.paths import all_paths

TOPOLOGY = Topology.make(TopologyOptions(speech="2state", silence="1state"), (2, 3, 4), (1,))


def windows_over(phones, tree):
    """Oracle: the window around each phone of a sentence."""
    before, after = tree.central_position, tree.context_width - 1 - tree.central_position
    padded = (NO_PHONE,) * before + tuple(phones) + (NO_PHONE,) * after
    return [padded[i:i + tree.context_width] for i in range(len(phones))]


def sound(window, tree):
    """What H takes from a window: its phone, and the pdf_ids of its pdf classes."""
    phone_id = window[tree.central_position]
    return phone_id, tuple(tree.pdf_id(window, c) for c in range(TOPOLOGY.num_pdf_classes(phone_id)))


def found_paths(graph, windows, tree, length):
    return sorted((tuple(sound(windows[label], tree) for label in labels), words, round(score, 4))
                  for labels, words, score in all_paths(graph, length))


def expected_paths(graph, tree, length):
    return sorted((tuple(sound(window, tree) for window in windows_over(phones, tree)), words, round(score, 4))
                  for phones, words, score in all_paths(graph, length))


@pytest.mark.parametrize("width, central", SHAPES)
@pytest.mark.parametrize("seed", range(6))
def test_every_path_has_the_windows_of_its_phones(width, central, seed):
    tree = random_tree(TOPOLOGY, width, central, seed, alike=(1,) if seed % 2 else ())
    graph = random_graph(seed, final_outputs=seed % 3 == 0)
    result, windows = compose_context(graph, tree)
    found, expected = found_paths(result, windows, tree, 5), expected_paths(graph, tree, 5)
    assert len(expected) > 3 and found == expected
    assert (result.ilabel > 0).all() and result.ilabel.max(initial=0) == len(windows) - 1
    assert len({sound(window, tree) for window in windows[1:]}) == len(windows) - 1


@pytest.mark.parametrize("width, central", SHAPES)
def test_a_sentence_without_phones_stays_one(width, central):
    tree = random_tree(TOPOLOGY, width, central)
    graph = Arcs.from_lists([(0, 1, 2, 7, -1.0)], [(0, -0.5), (1, -0.25)])
    graph.final_olabel = np.array([8, 9], np.int32)
    result, windows = compose_context(graph, tree)
    assert found_paths(result, windows, tree, 5) == expected_paths(graph, tree, 5)
    assert min(all_paths(result, 5)) == ((), (8,), -0.5)
    nothing = Arcs.from_lists([(0, 1, 2, 7, -1.0)], [], 2)
    assert list(all_paths(compose_context(nothing, tree)[0], 5)) == []


@pytest.mark.parametrize("width, central", SHAPES)
def test_an_output_stands_on_its_own_phone(width, central):
    """However late the window is known: its phone's words start with its frames."""
    tree = random_tree(TOPOLOGY, width, central, seed=1)
    sentence = Arcs.from_lists([(i, i + 1, phone, 10 + i, 0.0) for i, phone in enumerate((1, 3, 2, 2, 4))], [(5, 0.0)])
    result, windows = compose_context(sentence, tree)
    assert result.num_arcs == 5
    next_arc, state = {int(s): i for i, s in enumerate(result.src)}, 0
    for i, phone in enumerate((1, 3, 2, 2, 4)):
        arc = next_arc[state]
        assert windows[result.ilabel[arc]][central] == phone and result.olabel[arc] == 10 + i
        state = int(result.dst[arc])


def test_windows_hold_no_phone_where_they_stick_out():
    """A tree that asks for everything keeps every window apart."""
    right = [Table(2, tuple(Leaf(4 * n + c) for c in range(4))) for n in range(16)]
    every = ContextTree(3, 1, Table(0, tuple(Table(1, tuple(right[4 * a:4 * a + 4])) for a in range(4))))
    graph = Arcs.from_lists([(0, 1, 1, 0, 0.0), (1, 2, 2, 0, 0.0), (2, 3, 3, 0, 0.0), (2, 3, 1, 0, 0.0)], [(3, 0.0)])
    result, windows = compose_context(graph, every)
    assert {tuple(windows[label] for label in labels) for labels, _, _ in all_paths(result, 4)} == {
        ((0, 1, 2), (1, 2, 3), (2, 3, 0)), ((0, 1, 2), (1, 2, 1), (2, 1, 0))}


def test_what_the_tree_cannot_tell_apart_is_one():
    """Phone 2 asks whether 3 stands before it, phone 3 whether 2 follows; 1 and 4 ask nothing."""
    tree = ContextTree(3, 1, Table(1, (None, Leaf(0), Split(0, frozenset({3}), Leaf(1), Leaf(2)),
                                       Split(2, frozenset({2}), Leaf(3), Leaf(4)), Leaf(5))))
    arcs = [(0, 0, phone, 0, 0.0) for phone in (1, 2, 3, 4)]
    result, windows = compose_context(Arcs.from_lists(arcs, [(0, 0.0)]), tree)
    assert sorted(tree.pdf_id(window, 0) for window in windows[1:]) == [0, 1, 2, 3, 4, 5]
    # the start, the end, and behind the phones 1, 3, 4; behind 2 after 3, and 2 after another one
    assert result.num_states == 2 + 3 + 2
    loops = ContextTree(3, 1, Table(1, tuple(None if p == 0 else Leaf(p - 1) for p in range(5))))
    result, windows = compose_context(Arcs.from_lists(arcs, [(0, 0.0)]), loops)
    assert [window[1] for window in windows[1:]] == [1, 2, 3, 4] and result.num_states == 2 + 4


def test_left_contexts_alone_are_no_more_states_than_the_tree_tells_apart():
    tree = ContextTree(2, 1, Table(1, (None, Leaf(0), Split(0, frozenset({3}), Leaf(1), Leaf(2)), Leaf(3), Leaf(4))))
    arcs = [(0, 0, phone, 0, 0.0) for phone in (1, 2, 3, 4)]
    result, _ = compose_context(Arcs.from_lists(arcs, [(0, 0.0)]), tree)
    assert result.num_states == 2 and result.num_arcs == 8 and len(result.final_state) == 2


def test_a_question_whose_answers_agree_is_none():
    leaf = Split(2, frozenset({4}), Leaf(0), Leaf(0))
    tree = ContextTree(3, 1, Split(0, frozenset({2}), leaf, leaf))
    graph = random_graph(0)
    result, windows = compose_context(graph, tree)
    assert len(windows) == 1 + len(set(graph.ilabel.tolist()))
    assert machine_of(tree) is machine_of(tree)


def test_epsilons_are_refused_and_phones_that_the_tree_lacks():
    tree = random_tree(TOPOLOGY, 3, 1)
    with pytest.raises(InputError, match="no input epsilons, found 1"):
        compose_context(Arcs.from_lists([(0, 1, 0, 7, 0.0), (1, 2, 2, 7, 0.0)], [(2, 0.0)]), tree)
    for phone in (5, 9):
        with pytest.raises(InputError, match=rf"phone {phone}, as in the window \(0, {phone}, 2\), found none"):
            compose_context(Arcs.from_lists([(0, 1, phone, 7, 0.0), (1, 2, 2, 7, 0.0)], [(2, 0.0)]), tree)
    lacking = ContextTree(2, 1, Table(1, (None, None, Table(PDF_CLASS, (Leaf(0),)))))
    with pytest.raises(InputError, match=r"phone 1, as in the window \(0, 1\)"):
        compose_context(Arcs.from_lists([(0, 1, 2, 7, 0.0), (1, 2, 1, 7, 0.0)], [(2, 0.0)]), lacking)


def test_the_order_of_what_came_before_changes_nothing():
    """The machine that other graphs have used gives the same graph, up to names of windows."""
    tree, graphs = random_tree(TOPOLOGY, 3, 1, 5), [random_graph(seed) for seed in range(4)]
    first = [compose_context(graph, tree) for graph in graphs]
    again = ContextTree(3, 1, tree.root)
    for (result, windows), graph in zip(first[::-1], graphs[::-1]):
        other, others = compose_context(graph, again)
        assert other.num_states == result.num_states and other.num_arcs == result.num_arcs
        assert found_paths(other, others, tree, 4) == found_paths(result, windows, tree, 4)


END = 9  # Kaldi's subsequential symbol


def kaldi_c(tree, phones):
    """Oracle: C as Kaldi writes it, a state for each of the last phones; windows in, phones out. The answers
    before the first window are epsilons, and END must follow the phones `right` times."""
    right = tree.context_width - 1 - tree.central_position
    number_of, arcs, finals, windows = {(NO_PHONE,) * (tree.context_width - 1): 0}, [], [], [()]
    for history in (queue := list(number_of)):
        ended = sum(phone == END for phone in history)
        if ended == right:
            finals.append((number_of[history], 0.0))
        for phone in phones if not ended else []:
            arcs.append((history, phone))
        if ended < right:
            arcs.append((history, END))
        for source, phone in [arc for arc in arcs if arc[0] == history]:
            target = (*source, phone)[1:]
            if target not in number_of:
                number_of[target] = len(number_of)
                queue.append(target)
    rows = []
    for history, phone in arcs:
        window = (*history, phone)
        label = 0
        if window[tree.central_position] not in (NO_PHONE, END):
            windows.append(tuple(NO_PHONE if p == END else p for p in window))
            label = len(windows) - 1
        rows.append((number_of[history], number_of[window[1:]], label, phone, 0.0))
    return Arcs.from_lists(rows, finals), windows


def with_end(graph, right):
    """The graph with END `right` times behind its finals."""
    rows = list(zip(graph.src, graph.dst, graph.ilabel, graph.olabel, graph.score))
    end = graph.num_states
    rows += [(s, end, END, 0, score) for s, score in zip(graph.final_state, graph.final_score)]
    rows += [(end + i, end + i + 1, END, 0, 0.0) for i in range(right - 1)]
    return Arcs.from_lists(rows, [(end + right - 1, 0.0)]) if right else graph


@needs_openfst
@pytest.mark.parametrize("width, central", [(2, 1), (3, 1), (2, 0), (4, 1)])
@pytest.mark.parametrize("seed", [0, 1])
def test_random_sentences_score_as_in_openfst(width, central, seed):
    """Best path of each sentence in OpenFst's composition with Kaldi's C, and in ours."""
    phones, rng = (1, 2, 3, 4), np.random.default_rng(seed)
    tree, graph = random_tree(TOPOLOGY, width, central, seed), random_graph(seed, num_arcs=14)
    ours, windows = compose_context(graph, tree)
    c, all_windows = kaldi_c(tree, phones)
    label_of = {sound(window, tree): label for label, window in enumerate(windows) if label}
    c.ilabel = np.array([0 if not label else label_of.get(sound(all_windows[label], tree), 10 ** 6)
                         for label in c.ilabel], np.int32)
    theirs = with_end(graph, width - 1 - central)
    sentences = [phones for phones, _, _ in itertools.islice(all_paths(graph, 6), 400)]
    chosen = [sentences[i] for i in rng.choice(len(sentences), 8, replace=False)]
    steps, fsts, results = [("compose", "c", "theirs", "cg")], {"c": c, "theirs": theirs, "ours": ours}, []
    for n, sentence in enumerate(chosen):
        fsts[f"s{n}"] = linear([label_of[sound(window, tree)] for window in windows_over(sentence, tree)])
        for name in ("cg", "ours"):
            steps += [("compose", f"s{n}", name, f"{name}{n}"), ("shortest_path", f"{name}{n}")]
            results.append(f"{name}{n}")
    found = run(fsts, steps, results)
    for n, sentence in enumerate(chosen):
        (_, _, mine), (_, _, reference) = (single_path(found[f"{name}{n}"]) for name in ("ours", "cg"))
        assert mine == pytest.approx(reference, abs=1e-4), sentence
