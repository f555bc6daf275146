import shutil

import numpy as np
import pytest

from graphs.lattices.lattice import Lattice
from hybrid.recognize.nbest import Sentence, best_sentences
from hybrid.report import lattice_picture
from hybrid.report.graph_picture import Drawing, Edge, draw, draw_by_matplotlib, to_dot
from hybrid.report.lattice_picture import draw_lattice, sentence_graph, word_graph
from tests.graphs.lattices.material import random_compact_lattice
from tests.graphs.lattices.test_lattice import enumerate_paths, random_lattice


def sentences(lattice):
    """Words of every path -> the best score."""
    found = {}
    for path in enumerate_paths(lattice):
        words = tuple(int(w) for w in lattice.word_id[path] if w)
        score = float(lattice.acoustic[path].sum() + lattice.graph[path].sum())
        found[words] = max(score, found.get(words, -np.inf))
    return found


def walk(graph, state, words=(), score=0.0):
    if state == graph.end:
        yield words, score
    for arc in graph.arcs:
        if arc.src == state:
            yield from walk(graph, arc.dst, words + arc.word_ids, score + arc.acoustic + arc.graph)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("make", [random_lattice, random_compact_lattice])
def test_the_word_graph_has_the_sentences_of_the_lattice_and_their_best_scores(make, seed):
    lattice, found = make(seed), {}
    for words, score in walk(word_graph(lattice), 0):
        found[words] = max(score, found.get(words, -np.inf))
    expected = sentences(lattice)
    assert found.keys() == expected.keys()
    assert all(found[words] == pytest.approx(score, abs=1e-4) for words, score in expected.items())


def chain(words):
    """A lattice without branches."""
    n = len(words)
    ids = (np.array(c, np.int32) for c in (range(n), range(1, n + 1), [1] * n, words))
    return Lattice("chain", n, *ids, np.full(n, -1.0, np.float32), np.full(n, -0.5, np.float32))


def test_a_chain_is_one_arc():
    (arc,) = word_graph(chain([0, 3, 0, 4])).arcs
    assert arc.word_ids == (3, 4) and arc.posterior == pytest.approx(1.0)
    assert (arc.acoustic, arc.graph) == (-4.0, -2.0)
    assert word_graph(chain([0, 3, 0, 4])).frame == {0: 0, 4: 4}


def test_posteriors_out_of_a_state_are_those_into_it():
    graph = word_graph(random_lattice(2))
    for state in graph.frame:
        into = sum(arc.posterior for arc in graph.arcs if arc.dst == state)
        out = sum(arc.posterior for arc in graph.arcs if arc.src == state)
        if state not in (graph.start, graph.end):
            assert into == pytest.approx(out, abs=1e-6)
    assert sum(arc.posterior for arc in graph.arcs if arc.src == 0) == pytest.approx(1.0)


def spelled(drawing, state=None, words=()):
    """Every sentence of a graph of sentences."""
    state = drawing.start if state is None else state
    if state in drawing.finals:
        yield words
    for edge in drawing.edges:
        if edge.src == state:
            yield from spelled(drawing, edge.dst, words + (edge.label.split("\n")[0],))


@pytest.mark.parametrize("seed", range(3))
def test_the_graph_of_sentences_has_just_these_sentences(seed):
    best = best_sentences(random_lattice(seed), 25)
    drawing = sentence_graph(best, "w{}".format)
    found = list(spelled(drawing))
    assert len(found) == len(set(found)) == len(best)
    assert set(found) == {tuple(f"w{word_id}" for word_id in sentence.word_ids) for sentence in best}


def test_beginnings_and_endings_are_shared_and_weights_are_probabilities():
    score = np.log([0.5, 0.3, 0.2])
    texts = [(1, 2, 4), (1, 3, 4), (5, 2, 4)]
    drawing = sentence_graph([Sentence(words, 0.0, 0.0, s) for words, s in zip(texts, score)])
    assert len(drawing.nodes) == 5 and len(drawing.edges) == 6  # 0 -1- a -2|3- b -4- c and 0 -5- d -2- b
    weights = {edge.label: edge.weight for edge in drawing.edges
               if edge.src == drawing.start or edge.dst in drawing.finals}
    assert weights == {"1\n0.80": pytest.approx(0.8), "5\n0.20": pytest.approx(0.2),
                       "4\n1.00": pytest.approx(1.0)}


def test_a_large_lattice_is_drawn_by_its_best_sentences(monkeypatch, tmp_path):
    drawn = []
    monkeypatch.setattr(lattice_picture, "draw", lambda drawing, path: drawn.append(drawing))
    lattice = random_lattice(3, num_frames=20)
    draw_lattice(lattice, tmp_path / "lattice.svg", num_sentences=7)
    draw_lattice(lattice, tmp_path / "lattice.svg", max_states=100)
    assert "the 7 best sentences" in drawn[0].title and len(list(spelled(drawn[0]))) == 7
    assert len(drawn[1].nodes) == len(word_graph(lattice).frame)


def test_a_lattice_is_drawn(tmp_path, monkeypatch):
    draw_lattice(random_lattice(1), tmp_path / "lattice.png", "word{}".format)
    assert (tmp_path / "lattice.png").read_bytes()[:4] == b"\x89PNG"
    monkeypatch.setattr(shutil, "which", lambda name: None)  # no Graphviz
    draw_lattice(random_lattice(1), tmp_path / "lattice.svg", "word{}".format)
    assert "svg" in (tmp_path / "lattice.svg").read_text()


EDGES = [Edge(0, 1, "é\\x"), Edge(0, 1, "y"), Edge(1, 1, "z")]
DRAWING = Drawing('a "title"', {0: "0", 1: "1"}, EDGES, 0, [1])


def test_dot_holds_every_state_and_edge_with_quotes_escaped():
    text = to_dot(DRAWING)
    assert text.count("->") == 3 and "doublecircle" in text
    assert r'label="a \"title\""' in text and r'label="é\\x"' in text


@pytest.mark.skipif(shutil.which("dot") is None, reason="needs Graphviz")
def test_dot_takes_it(tmp_path):
    draw(DRAWING, tmp_path / "graph.svg")
    text = (tmp_path / "graph.svg").read_text()
    assert text.count('class="edge"') == 3 and text.count('class="node"') == 2


def test_matplotlib_draws_it_without_dot():
    figure = draw_by_matplotlib(DRAWING)
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert {"é\\x", "y", "↻ z", "0", "1"} <= set(texts)
