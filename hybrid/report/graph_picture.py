"""Pictures of small graphs: by Graphviz's `dot` where it is installed, else by matplotlib."""

import os
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence

from hybrid.report.figures import new_figure, save_figure


STEP_X = 1.8  # from column to column; matplotlib only


class Edge(NamedTuple):
    """weight: 0 to 1, how bold it is drawn."""

    src: int
    dst: int
    label: str
    weight: float = 0.3


class Drawing(NamedTuple):
    """
    nodes: state -> label.
    finals: states with a double ring.
    """

    title: str
    nodes: Dict[int, str]
    edges: Sequence[Edge]
    start: int
    finals: Sequence[int]


def draw(drawing: Drawing, path: Path) -> None:
    """Writes the picture (png, svg or pdf by the path's suffix), whole or not at all."""
    if shutil.which("dot"):
        _run_dot(to_dot(drawing), Path(path))
    else:
        save_figure(draw_by_matplotlib(drawing), path)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def to_dot(drawing: Drawing) -> str:
    """The drawing in Graphviz's language."""
    lines = ["digraph {", f"rankdir=LR; label={_quoted(drawing.title)}; labelloc=t;", "node [shape=circle];"]
    for state, label in drawing.nodes.items():
        shape = "shape=doublecircle" if state in drawing.finals else "shape=circle"
        bold = ", style=bold" if state == drawing.start else ""
        lines.append(f"{state} [label={_quoted(label)}, {shape}{bold}];")
    for edge in drawing.edges:
        lines.append(f"{edge.src} -> {edge.dst} [label={_quoted(edge.label)}, "
                     f"penwidth={0.5 + 2.5 * edge.weight:.2f}];")
    return "\n".join([*lines, "}"]) + "\n"


def _run_dot(text: str, path: Path) -> None:
    kind = path.suffix.lstrip(".") or "png"
    temporary = path.with_name(path.name + ".tmp")
    subprocess.run(["dot", f"-T{kind}", "-o", str(temporary)], input=text.encode("utf-8"), check=True)
    os.replace(temporary, path)


def draw_by_matplotlib(drawing: Drawing):
    """matplotlib Figure: columns from left to right, the states of a column above each other."""
    place = _places(drawing)
    width = max(x for x, _ in place.values()) - min(x for x, _ in place.values())
    height = max(y for _, y in place.values()) - min(y for _, y in place.values()) + _most_parallel(drawing.edges) / 2
    figure = new_figure(min(40.0, 3 + 1.3 * width), min(20.0, 1.2 + 1.1 * height))
    axes = figure.add_subplot()
    axes.set_title(drawing.title, fontsize=10, loc="left")  # where a wide picture is first looked at
    axes.axis("off")
    axes.set_aspect("equal", adjustable="datalim")  # so that labels lie on bent edges
    seen: Dict[frozenset, int] = {}
    for edge in drawing.edges:
        number = seen[frozenset(edge[:2])] = seen.get(frozenset(edge[:2]), -1) + 1
        _draw_edge(axes, place, edge, number)
    for state, label in drawing.nodes.items():
        ring = 3.0 if state in drawing.finals else 1.0
        axes.text(*place[state], label or " ", ha="center", va="center", fontsize=8, bbox={
            "boxstyle": "circle", "facecolor": "white", "edgecolor": "black", "linewidth": ring})
    axes.autoscale_view()
    axes.margins(0.08, 0.25)
    return figure


def _most_parallel(edges: Sequence[Edge]) -> int:
    """Edges beyond the first between the same states, which are bent and so take height."""
    return max(Counter(frozenset(edge[:2]) for edge in edges).values(), default=1) - 1


def _draw_edge(axes, places: Dict[int, tuple], edge: Edge, number: int) -> None:
    """number: how many edges between the same states came before."""
    (x, y), (to_x, to_y) = places[edge.src], places[edge.dst]
    text = {"ha": "center", "va": "bottom", "fontsize": 8}
    if edge.src == edge.dst:
        axes.text(x, y + 0.25 + 0.2 * number, f"↻ {edge.label}", **text)
        return
    far = abs(to_x - x) > 1.5 * STEP_X  # bent, so as not to run through the states between
    bend = 0.25 * ((number + 1) // 2) * (1 if number % 2 else -1) + (0.2 if far else 0.0)
    axes.annotate("", (to_x, to_y), (x, y), arrowprops={
        "arrowstyle": "->", "connectionstyle": f"arc3,rad={bend}", "shrinkA": 10, "shrinkB": 10,
        "linewidth": 0.5 + 2 * edge.weight})
    # arc3 is a quadratic curve whose middle point lies rad times the chord off the chord; labels stand nearer
    # to the source, for in the middle edges cross
    share = 0.28 if to_y > y else 0.4
    off = 2 * share * (1 - share) * bend
    place = x + share * (to_x - x) + off * (to_y - y), y + share * (to_y - y) - off * (to_x - x)
    axes.text(*place, edge.label, **{**text, "va": "center"}, bbox={
        "boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.8})
    axes.update_datalim([(x, y), (to_x, to_y), place])  # the label of a bent edge lies beside all states


def _places(drawing: Drawing) -> Dict[int, tuple]:
    column = _depths(drawing) or _distances(drawing)
    rows: Dict[int, List[int]] = {}
    for state in drawing.nodes:
        rows.setdefault(column[state], []).append(state)
    return {state: (STEP_X * x, 1.2 * ((len(states) - 1) / 2 - y))
            for x, states in rows.items() for y, state in enumerate(states)}


def _depths(drawing: Drawing) -> Optional[Dict[int, int]]:
    """State -> longest way from a state that nothing enters; None where there is a cycle."""
    waiting = {state: 0 for state in drawing.nodes}
    for edge in drawing.edges:
        waiting[edge.dst] += 1
    depth = {state: 0 for state, number in waiting.items() if number == 0}
    queue = list(depth)
    for state in queue:
        for edge in drawing.edges:
            if edge.src == state:
                depth[edge.dst] = max(depth.get(edge.dst, 0), depth[state] + 1)
                waiting[edge.dst] -= 1
                if waiting[edge.dst] == 0:
                    queue.append(edge.dst)
    return depth if len(queue) == len(drawing.nodes) else None


def _distances(drawing: Drawing) -> Dict[int, int]:
    """State -> shortest way from the start; those that it does not reach come last."""
    following: Dict[int, List[int]] = {}
    for edge in drawing.edges:
        following.setdefault(edge.src, []).append(edge.dst)
    distance, queue = {drawing.start: 0}, [drawing.start]
    for state in queue:
        for target in following.get(state, ()):
            if target not in distance:
                distance[target] = distance[state] + 1
                queue.append(target)
    last = max(distance.values()) + 1
    return {state: distance.get(state, last) for state in drawing.nodes}
