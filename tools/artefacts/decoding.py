"""Decoding graphs and lattices."""

from pathlib import Path
from typing import Callable, Dict, Iterable, List, Optional, Tuple

import numpy as np

from hybrid.lattices.frames import FRAMES, Frames
from tools.artefacts.kind import Kind, facts, folder_with, input_of, not_found, section, some
from tools.artefacts.nbest_lists import NBEST, nbest_problems, utterances_of
from tools.frame.records import read_record

MAX_DRAWN = 120  # states


def word_namer(folder: Path) -> Callable[[int], str]:
    """word_id -> word by the folder's words.txt, or that of its inputs; the number where there is none."""
    from graphs.lang.symbols import SymbolTable
    path = input_of(folder, "words.txt")
    if path is None:
        return str
    words = SymbolTable.read(path)
    return lambda word_id: words.symbol_of(word_id) if word_id < len(words) else f"#{word_id}?"


def describe_graph(path: Path, item: Optional[str] = None) -> str:
    from graphs.decoding.graph_io import read_graph
    graph = read_graph(path)
    arcs, name_of = graph.arcs, word_namer(path)
    degree = np.bincount(arcs.src, minlength=arcs.num_states)
    paths = (_sample(graph, np.random.default_rng(seed), name_of) for seed in range(5))
    return facts(
        ("states", arcs.num_states), ("arcs", arcs.num_arcs), ("final states", len(set(arcs.final_state))),
        ("words", len(set(arcs.olabel.tolist()) - {0})),
        ("transition_ids used", len(set(arcs.ilabel.tolist()) - {0})),
        ("arcs a state", f"mean {degree.mean():.1f}, most {degree.max()}"),
        ("output labels of several words", len(graph.sequences.sequences)),
    ) + section("steps", ("step", "states", "arcs"), (
        (row["step"], row["states"], row["arcs"]) for row in graph.report)) + section(
        "paths drawn at random by the graph's own probabilities", ("frames", "log p", "words"), paths)


def _sample(graph, generator: np.random.Generator, name_of, most_frames: int = 5000) -> Tuple:
    """A random path: frames, log probability, words."""
    arcs = graph.arcs.sorted_by_source()
    first = np.searchsorted(arcs.src, np.arange(arcs.num_states + 1))
    ends = {}
    for state, score, label in zip(arcs.final_state, arcs.final_score, arcs.final_olabel):
        ends.setdefault(int(state), []).append((float(score), int(label)))
    state, total, labels, frames = 0, 0.0, [], 0
    while frames < most_frames:
        here = np.arange(first[state], first[state + 1])
        final = ends.get(state, [])
        scores = np.concatenate([arcs.score[here].astype(np.float64), [score for score, _ in final]])
        weights = np.exp(scores - scores.max())
        choice = int(generator.choice(len(scores), p=weights / weights.sum()))
        total += scores[choice]
        if choice >= len(here):
            labels.append(final[choice - len(here)][1])
            return frames, f"{total:.2f}", _spell(graph, labels, name_of)
        labels.append(int(arcs.olabel[here[choice]]))
        state, frames = int(arcs.dst[here[choice]]), frames + 1
    return frames, f"{total:.2f}", _spell(graph, labels, name_of) + " ..."


def _spell(graph, labels: List[int], name_of) -> str:
    return " ".join(name_of(word) for label in labels if label for word in graph.sequences.words(label))


def draw_graph(path: Path, item: Optional[str], picture: Path) -> None:
    """The whole graph, if it is small; arcs carry `transition_id:words/score`."""
    from graphs.errors import InputError
    from graphs.decoding.graph_io import read_graph
    from hybrid.report.graph_picture import Drawing, Edge, draw
    graph = read_graph(path)
    arcs, name_of = graph.arcs, word_namer(path)
    if arcs.num_states > MAX_DRAWN:
        raise InputError(f"{path}", f"at most {MAX_DRAWN} states to draw", str(arcs.num_states))
    edges = [Edge(int(src), int(dst), f"{i}:{_spell(graph, [int(o)], name_of) or '-'}/{score:.2f}",
                  float(np.exp(min(0.0, score))))
             for src, dst, i, o, score in zip(arcs.src, arcs.dst, arcs.ilabel, arcs.olabel, arcs.score)]
    nodes = {state: str(state) for state in range(arcs.num_states)}
    draw(Drawing(f"{path.name}: {arcs.num_states} states, {arcs.num_arcs} arcs", nodes, edges, 0,
                 [int(state) for state in arcs.final_state]), picture)


def graph_problems(path: Path) -> Iterable[str]:
    """What a search would stumble over, and a transition model other than the one it was made with."""
    from graphs.decoding.graph_io import read_graph
    from graphs.lang.symbols import SymbolTable
    from graphs.hmm.transitions import TransitionModel
    model = input_of(path, "transitions")
    graph = read_graph(path, TransitionModel.read(model) if model else None)
    arcs = graph.arcs
    checks = [
        ("a transition_id on every arc", (arcs.ilabel <= 0).sum(), "arcs with an epsilon"),
        ("every state on a path from the start to an end", (~_useful(arcs)).sum(), "states that are not")]
    for expected, number, found in checks:
        if number:
            yield f"{path}: expected {expected}, found {number} {found}"
    words = path / "words.txt"
    if words.exists() and len(SymbolTable.read(words)) != graph.sequences.num_words:
        yield (f"{words}: expected {graph.sequences.num_words} words as in the graph, found "
               f"{len(SymbolTable.read(words))}")


def _useful(arcs) -> np.ndarray:
    """``[num_states]`` bool: on a path from state 0 to a final state."""
    forward = _reached(np.array([0]), arcs.src, arcs.dst, arcs.num_states)
    return forward & _reached(arcs.final_state, arcs.dst, arcs.src, arcs.num_states)


def _reached(start: np.ndarray, src: np.ndarray, dst: np.ndarray, num_states: int) -> np.ndarray:
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import breadth_first_order
    # one more state leads to all the starts
    rows, columns = np.append(src, np.full(len(start), num_states)), np.append(dst, start)
    matrix = csr_matrix((np.ones(len(rows), np.int8), (rows, columns)), shape=(num_states + 1,) * 2)
    reached = np.zeros(num_states + 1, bool)
    reached[breadth_first_order(matrix, num_states, return_predecessors=False)] = True
    return reached[:num_states]


def search_scale(folder: Path) -> float:
    """The acoustic scale that the lattices were made with, by the stage record; else the search's default, which for an
    end-to-end system's is 1."""
    default = 1.0 if (folder / FRAMES).exists() else 0.1
    return float(read_record(folder).get("facts", {}).get("acoustic_scale", default))


def describe_lattices(path: Path, item: Optional[str] = None) -> str:
    from graphs.lattices.lattice_io import read_lattices
    if item is not None:
        return _describe_lattice(path, _lattice(path, item))
    rows, arcs, frames, partial, classes = [], 0, 0, [], set()
    for lattice in read_lattices(path):
        classes.add(type(lattice).__name__)
        arcs, frames = arcs + lattice.num_arcs, frames + lattice.num_frames
        if lattice.partial:
            partial.append(lattice.utterance_id)
        if len(rows) < 10:
            words = lattice.best_path(1.0, search_scale(path)).word_ids
            rows.append((lattice.utterance_id, lattice.num_frames, lattice.num_states, lattice.num_arcs,
                         " ".join(map(word_namer(path), words))))
    number, frame = sum(1 for _ in read_lattices(path)), Frames.read(path)
    return facts(("lattices", number), ("class", some(sorted(classes))),
                 ("frame shift", frame and f"{frame.frame_shift:g} s"), ("tokens", frame and len(frame.tokens)),
                 ("frames", frames), ("arcs a frame", f"{arcs / max(1, frames):.1f}"),
                 ("partial", some(partial) if partial else "none"),
                 ("acoustic scale", search_scale(path))) + section(
        "first lattices", ("utterance", "frames", "states", "arcs", "best path"), rows)


def _lattice(path: Path, utterance_id: str):
    from graphs.lattices.lattice_io import read_lattices
    for lattice in read_lattices(path, utterance_id):
        return lattice
    raise not_found(path, "an utterance", utterance_id, (lat.utterance_id for lat in read_lattices(path)))


def _describe_lattice(path: Path, lattice) -> str:
    from hybrid.recognize.nbest import best_sentences
    from hybrid.report.lattice_picture import word_graph
    name_of, scale = word_namer(path), search_scale(path)
    graph = word_graph(lattice, 1.0, scale)

    def spell(word_ids) -> str:
        return " ".join(map(name_of, word_ids))
    best = ((rank, f"{s.score:.2f}", f"{s.acoustic:.2f}", f"{s.graph:.2f}", spell(s.word_ids))
            for rank, s in enumerate(best_sentences(lattice, 10, 1.0, scale), 1))
    arcs = sorted(graph.arcs, key=lambda arc: (graph.frame[arc.src], arc.src, -arc.posterior))
    rows = ((arc.src, arc.dst, graph.frame[arc.src], graph.frame[arc.dst], spell(arc.word_ids) or "-",
             f"{arc.acoustic:.2f}", f"{arc.graph:.2f}", f"{arc.posterior:.4f}") for arc in arcs[:60])
    return facts(
        ("utterance", lattice.utterance_id), ("class", type(lattice).__name__),
        ("frames", lattice.num_frames), ("states", lattice.num_states),
        ("arcs", lattice.num_arcs), ("partial", lattice.partial), ("acoustic scale", scale)) + section(
        "best sentences", ("rank", "score", "acoustic", "graph", "words"), best) + section(
        f"branches (the first {min(60, len(arcs))} of {len(arcs)})",
        ("from", "to", "frame", "to frame", "words", "acoustic", "graph", "posterior"), rows)


def draw_lattices(path: Path, item: Optional[str], picture: Path) -> None:
    """The lattice of an utterance; the first one without a name."""
    from graphs.lattices.lattice_io import read_lattices
    from hybrid.report.lattice_picture import draw_lattice
    lattice = next(read_lattices(path)) if item is None else _lattice(path, item)
    draw_lattice(lattice, picture, word_namer(path), 1.0, search_scale(path))


def _known_ids(path: Path) -> Dict[str, int]:
    """The files beside the lattices that know their transition_ids -> the largest of these."""
    from graphs.hmm.hmm_folder import TRANSITIONS
    from graphs.hmm.transitions import TransitionModel
    known, frames = {}, Frames.read(path)
    if frames is not None:
        known[FRAMES] = len(frames.tokens)
    if (path / TRANSITIONS).exists():
        known[TRANSITIONS] = TransitionModel.read(path / TRANSITIONS).num_transition_ids
    return known


def lattice_problems(path: Path) -> Iterable[str]:
    from graphs.errors import InputError
    from graphs.lattices.lattice_io import read_lattices
    from graphs.lang.symbols import SymbolTable
    words = path / "words.txt"
    num_words = len(SymbolTable.read(words)) if words.exists() else None
    if num_words is None:
        yield f"{words}: expected an existing file, found none"
    known_ids, seen = _known_ids(path), set()
    for lattice in read_lattices(path):
        try:
            lattice.check()
        except InputError as error:
            yield f"{path}: {error}"
        seen.add(lattice.utterance_id)
        if num_words is not None and lattice.word_id.max(initial=0) >= num_words:
            yield (f"{path}: lattice {lattice.utterance_id}: expected word_ids below {num_words}, found "
                   f"{lattice.word_id.max()}")
        largest = lattice.frame_entries().transition_ids.max(initial=0)
        for name, number in known_ids.items():
            if largest > number:
                yield (f"{path}: lattice {lattice.utterance_id}: expected transition_ids below {number + 1}, "
                       f"as in {name}, found {largest}")
    if (path / NBEST).exists():
        yield from nbest_problems(path / NBEST)
        found = set(utterances_of(path / NBEST))
        if found != seen:
            yield (f"{path}: expected lattices of the utterances of {NBEST}, found {len(found - seen)} without and "
                   f"{len(seen - found)} others")


KINDS = (
    Kind("decoding graph", "a folder with HCLG.npz", folder_with("HCLG.npz"), describe_graph, graph_problems,
         draw_graph),
    Kind("lattices", "a folder with lattices.*.npz", folder_with("lattices.*.npz"), describe_lattices,
         lattice_problems, draw_lattices, item="utterance"),
)
