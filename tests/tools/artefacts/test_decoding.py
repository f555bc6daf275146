import math

import numpy as np
import pytest

from graphs.decoding.decoding_graph import DecodingGraph
from graphs.decoding.graph_io import write_graph
from graphs.errors import InputError
from graphs.fst.arcs import Arcs
from graphs.fst.word_sequences import WordSequences
from graphs.lang.symbols import SymbolTable
from graphs.lattices.lattice import Lattice
from graphs.lattices.lattice_io import write_lattices
from hybrid.e2e.hypothesis import Hypothesis
from hybrid.e2e.nbest_file import Nbest, write_nbest
from hybrid.lattices.frames import Frames
from tests.graphs.hmms import small_model
from tests.tools.artefacts.shown import lines_of
from tests.tools.test_score import two_paths
from tools.artefacts.decoding import (
    _sample, _useful, describe_graph, describe_lattices, draw_graph, draw_lattices, graph_problems, lattice_problems,
    search_scale, word_namer)
from tools.frame.records import write_record

TRANSITIONS = small_model()[1]
WORDS = [f"w{n}" for n in range(1, 6)]


def arcs_of(arcs, finals, final_labels=None, num_states=0):
    found = Arcs.from_lists(arcs, finals, num_states)
    return found if final_labels is None else Arcs(**{**vars(found), "final_olabel": np.array(final_labels)})


def graph_of(arcs, report=()):
    return DecodingGraph(arcs, WordSequences(6, [(1, 2)]), list(report))


# one path, which says w5 on an arc, nothing on the next one, and w1 w2 at its end
CHAIN = arcs_of([(0, 1, 1, 5, -0.5), (1, 2, 2, 0, -0.25)], [(2, -1.0)], [6])


@pytest.fixture
def written(tmp_path):
    def write(arcs, words=WORDS):
        write_graph(tmp_path, graph_of(arcs, [{"step": "LG", "states": 7, "arcs": 8}]), TRANSITIONS)
        SymbolTable(words).write(tmp_path / "words.txt")
        return tmp_path
    return write


def test_a_graph_and_its_paths(written):
    """Of one path alone each random one is it."""
    assert lines_of(describe_graph(written(CHAIN))) == [
        "states: 3", "arcs: 2", "final states: 1", "words: 1", "transition_ids used: 2",
        "arcs a state: mean 0.7, most 1", "output labels of several words: 1", "steps", "step states arcs", "LG 7 8",
        "paths drawn at random by the graph's own probabilities", "frames log p words", *["2 -1.75 w5 w1 w2"] * 5]


def test_random_paths_follow_the_probabilities():
    """Ending has 0.8, going round 0.2: of n rounds each costs log 0.2; one that never ends is broken off."""
    loop = graph_of(arcs_of([(0, 0, 1, 1, math.log(0.2))], [(0, math.log(0.8))]))
    found = [_sample(loop, np.random.default_rng(seed), str) for seed in range(300)]
    assert all(log_p == f"{frames * math.log(0.2) + math.log(0.8):.2f}" for frames, log_p, _ in found)
    assert all(words.split() == ["1"] * frames for frames, _, words in found)
    assert 0.7 < sum(frames == 0 for frames, *_ in found) / 300 < 0.9 and max(frames for frames, *_ in found) > 1
    unlikely = graph_of(arcs_of([(0, 0, 1, 1, -500.0)], [(0, -500.0)]))
    assert {_sample(unlikely, np.random.default_rng(seed), str)[1] for seed in range(9)} >= {"-500.00", "-1000.00"}
    endless = graph_of(arcs_of([(0, 0, 1, 3, -0.5)], [(1, 0.0)]))
    assert _sample(endless, np.random.default_rng(0), str, 3) == (3, "-1.50", "3 3 3 ...")


def test_what_is_drawn_of_a_graph(written, tmp_path, monkeypatch):
    """Arcs by their probability, of which scores above 0 are none; 120 states at most."""
    seen = []
    monkeypatch.setattr("hybrid.report.graph_picture.draw", lambda *given: seen.append(given))
    draw_graph(written(CHAIN), None, tmp_path / "x.png")
    drawing, _ = seen.pop()
    assert drawing.title == f"{tmp_path.name}: 3 states, 2 arcs" and drawing.nodes == {0: "0", 1: "1", 2: "2"}
    assert [edge.label for edge in drawing.edges] == ["1:w5/-0.50", "2:-/-0.25"]
    arcs = [(n, n + 1, 1, 0, 0.5 if n else -0.5) for n in range(119)]
    draw_graph(written(arcs_of(arcs, [(119, 0.0)])), None, tmp_path / "x.png")
    (drawing, picture), = seen
    assert picture == tmp_path / "x.png" and len(drawing.nodes) == 120 and drawing.nodes[119] == "119"
    first, second = drawing.edges[:2]
    assert first == (0, 1, "1:-/-0.50", pytest.approx(math.exp(-0.5))) and second == (1, 2, "1:-/0.50", 1.0)
    assert (drawing.start, drawing.finals) == (0, [119])
    with pytest.raises(InputError, match="expected at most 120 states to draw, found 121"):
        draw_graph(written(arcs_of([*arcs, (119, 120, 1, 0, 0.0)], [(120, 0.0)])), None, tmp_path / "x.png")


def test_states_on_a_path_to_an_end():
    arcs = [(0, 1, 1, 0, 0.0), (1, 2, 1, 0, 0.0), (3, 2, 1, 0, 0.0), (1, 4, 1, 0, 0.0)]
    assert _useful(arcs_of(arcs, [(2, 0.0)], num_states=6)).tolist() == [True, True, True, False, False, False]
    assert not _useful(arcs_of(arcs, [])).any() and _useful(arcs_of([], [(0, 0.0)])).tolist() == [True]


def test_what_a_search_would_stumble_over(written):
    assert list(graph_problems(written(CHAIN))) == []
    bad = arcs_of([(0, 1, 0, 5, -0.5), (0, 1, 0, 5, -1.5), (1, 2, 2, 0, -0.25), (0, 3, 1, 0, 0.0)], [(2, 0.0)])
    folder = written(bad, WORDS[:3])
    assert list(graph_problems(folder)) == [
        f"{folder}: expected a transition_id on every arc, found 2 arcs with an epsilon",
        f"{folder}: expected every state on a path from the start to an end, found 1 states that are not",
        f"{folder}/words.txt: expected 6 words as in the graph, found 4"]
    (folder / "words.txt").unlink()
    assert len(list(graph_problems(folder))) == 2
    small_model("1state")[1].write(folder / "transitions")
    with pytest.raises(InputError, match="the graph is stale"):
        list(graph_problems(folder))


def lattices(folder, number=2, **more):
    """u0, u1, ...: `a` of acoustic score 0 and graph score -1, `b` of -6 and 0; all but the first partial."""
    write_lattices(folder, 0, [two_paths(f"u{n}", 1, 2, 6.0, partial=n > 0) for n in range(number)])
    SymbolTable(["a", "b", "#0"]).write(folder / "words.txt")
    return folder


def test_lattices_in_short(tmp_path):
    """The best path is that of the search's acoustic scale."""
    folder = lattices(tmp_path, 11)
    partial = ", ".join(f"u{n}" for n in range(1, 9)) + ", ... (10 in all)"
    head = ["lattices: 11", "class: Lattice", "frames: 11", "arcs a frame: 2.0", f"partial: {partial}",
            "acoustic scale: 0.1", "first lattices", "utterance frames states arcs best path"]
    assert lines_of(describe_lattices(folder)) == head + [f"u{n} 1 2 2 b" for n in range(10)]
    write_record(folder, {"facts": {"acoustic_scale": 0.5}})
    shown = lines_of(describe_lattices(lattices(tmp_path, 1)))
    assert shown[4:6] == ["partial: none", "acoustic scale: 0.5"] and shown[-1] == "u0 1 2 2 a"
    Frames(0.04, ("<blk>", "a", "b")).write(folder)
    assert lines_of(describe_lattices(folder))[2:4] == ["frame shift: 0.04 s", "tokens: 3"]
    write_lattices(folder, 0, [])
    assert {"lattices: 0", "arcs a frame: 0.0"} < set(lines_of(describe_lattices(folder)))


def test_the_scale_of_a_search_that_no_record_tells(tmp_path):
    assert search_scale(tmp_path) == 0.1
    Frames(0.04, ("<blk>", "a")).write(tmp_path)
    assert search_scale(tmp_path) == 1.0
    write_record(tmp_path, {"facts": {"acoustic_scale": 0.25}})
    assert search_scale(tmp_path) == 0.25


def test_the_sentences_and_branches_of_a_lattice(tmp_path):
    """By a scale of 0.1 `b` is better by 0.4."""
    likelier = 1 / (1 + math.exp(-0.4))
    assert lines_of(describe_lattices(lattices(tmp_path), "u1")) == [
        "utterance: u1", "class: Lattice", "frames: 1", "states: 2", "arcs: 2", "partial: True", "acoustic scale: 0.1",
        "best sentences", "rank score acoustic graph words", "1 -0.60 -6.00 0.00 b", "2 -1.00 0.00 -1.00 a",
        "branches (the first 2 of 2)", "from to frame to frame words acoustic graph posterior",
        f"0 1 0 1 b -6.00 0.00 {likelier:.4f}", f"0 1 0 1 a 0.00 -1.00 {1 - likelier:.4f}"]
    with pytest.raises(InputError, match="expected an utterance such as u0, u1, found u2"):
        describe_lattices(tmp_path, "u2")


def test_ten_sentences_and_sixty_branches_of_a_large_lattice(tmp_path):
    """The likeliest first; words that the table lacks are marked."""
    zeros = np.zeros(61, np.int32)
    write_lattices(tmp_path, 0, [Lattice("u", 1, zeros, zeros + 1, zeros + 1, np.arange(1, 62), np.zeros(61),
                                         -0.1 * np.arange(61))])
    SymbolTable([f"w{n}" for n in range(1, 61)]).write(tmp_path / "words.txt")
    shown = lines_of(describe_lattices(tmp_path, "u"))
    place = shown.index("branches (the first 60 of 61)")
    assert [line.split()[-1] for line in shown[place - 10:place]] == [f"w{n}" for n in range(1, 11)]
    assert [line.split()[4] for line in shown[place + 2:]] == [f"w{n}" for n in range(1, 61)]
    assert word_namer(tmp_path)(61) == "#61?" and word_namer(tmp_path)(60) == "w60"
    (tmp_path / "words.txt").unlink()
    assert word_namer(tmp_path)(61) == "61"


def test_the_first_lattice_is_drawn_without_a_name(tmp_path):
    folder = tmp_path / "decode"
    write_lattices(folder, 0, [two_paths("u0", 1, 2, 6.0), two_paths("u1", 3, 4, 6.0)])
    animals = ["zebra", "yak", "walrus", "vulture"]
    SymbolTable(animals).write(folder / "words.txt")
    for item, words in ((None, animals[:2]), ("u0", animals[:2]), ("u1", animals[2:])):
        draw_lattices(folder, item, tmp_path / "x.svg")
        drawn = (tmp_path / "x.svg").read_text(encoding="utf-8")
        assert [word for word in animals if word in drawn] == words


def test_both_sides_of_what_lattices_may_hold(tmp_path):
    """Words below their number, transition_ids up to theirs, tokens up to theirs."""
    folder = lattices(tmp_path, 1)
    highest = TRANSITIONS.num_transition_ids
    TRANSITIONS.write(folder / "transitions")

    def problems(word_id, transition_id):
        one = two_paths("u0", 1, word_id, 6.0)
        one.transition_id[1] = transition_id
        write_lattices(folder, 0, [one])
        return [problem.replace(f"{folder}: lattice u0: ", "") for problem in lattice_problems(folder)]
    assert problems(3, highest) == []
    assert problems(4, highest + 1) == ["expected word_ids below 4, found 4", "expected transition_ids below "
                                        f"{highest + 1}, as in transitions, found {highest + 1}"]
    (folder / "transitions").unlink()
    assert problems(3, 99) == []
    Frames(0.04, ("<blk>", "a", "b")).write(folder)
    for name, found in (("u0", []), ("u1", ["found 1 without and 1 others"])):
        write_nbest(folder / "nbest.jsonl", [Nbest(name, 1, [Hypothesis((1,), (0,), -1.0, {})]), Nbest("u2", 1, [])])
        assert [problem.rpartition(", ")[2] for problem in problems(3, 3)] == found
    (folder / "nbest.jsonl").unlink()
    assert problems(3, 3) == [] and problems(3, 4) == ["expected transition_ids below 4, as in frames.json, found 4"]
    (folder / "words.txt").unlink()
    assert problems(9, 3) == [f"{folder}/words.txt: expected an existing file, found none"]
