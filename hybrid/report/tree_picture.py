"""Decision trees: the questions about one phone as a tree from left to right, or all phones as bars."""

import textwrap
from collections import Counter
from pathlib import Path
from typing import Callable, Dict, FrozenSet, List, Mapping, NamedTuple, Optional, Tuple

import numpy as np

from graphs.hmm.context_tree import NO_PHONE, PDF_CLASS, ContextTree, Leaf, Node, Table
from graphs.lang.lang import POSITIONS
from hybrid.report.figures import new_figure, save_figure

ROW = 0.3  # inches for a leaf; a question has two leaves at least, and so room for its lines
LETTER = 0.06  # inches of a letter at FONT
FONT, LINE_LETTERS, MOST_LINES = 7.5, 34, 3
GAP = 0.45  # inches between columns, where `yes` and `no` stand
_COLOURS = ("tab:gray", "tab:blue", "tab:orange", "tab:green", "tab:red", "tab:purple", "tab:brown", "tab:pink")

NameOf = Callable[[int], str]


class Box(NamedTuple):
    """A question or a leaf. row: from the top; parent: its number, -1 for the root; answer: that leads here."""

    text: str
    column: int
    row: float
    parent: int
    answer: str
    pdf_id: int = -1


def key_name(key: int, central_position: int) -> str:
    """
    >>> [key_name(key, 1) for key in (-1, 0, 1, 2)]
    ['pdf class', 'left', 'phone', 'right']
    >>> key_name(0, 2), key_name(4, 2)
    ('left 2', 'right 2')
    """
    if key == PDF_CLASS:
        return "pdf class"
    if key == central_position:
        return "phone"
    distance = abs(key - central_position)
    return ("left" if key < central_position else "right") + (f" {distance}" if distance > 1 else "")


def phones_of(tree: ContextTree) -> FrozenSet[int]:
    """The phones that the tree has pdf_ids for; those of its questions, too, where the root is no table of phones."""
    found, waiting = set(), [tree.root]
    for node in waiting:
        if isinstance(node, Table):
            if node.key != PDF_CLASS:
                found |= {value for value, branch in enumerate(node.branches) if branch is not None}
            waiting += [branch for branch in node.branches if branch is not None]
        elif not isinstance(node, Leaf):
            found |= node.values if node.key != PDF_CLASS else set()
            waiting += [node.yes, node.no]
    return frozenset(found - {NO_PHONE})


def known_part(node: Optional[Node], known: Mapping[int, int]) -> Optional[Node]:
    """The node itself, or the first one below it that asks about something else than what is known."""
    while node is not None and not isinstance(node, Leaf) and node.key in known:
        value = known[node.key]
        if isinstance(node, Table):
            node = node.branches[value] if 0 <= value < len(node.branches) else None
        else:
            node = node.yes if value in node.values else node.no
    return node


def question_text(key: int, values: FrozenSet[int], central_position: int, phones: FrozenSet[int], name_of: NameOf
                  ) -> str:
    """`left: M N`; `left: all but M N` where that is shorter. Phones with all their positions stand without them."""
    name = key_name(key, central_position)
    if key == PDF_CLASS:
        return f"{name}: {' '.join(map(str, sorted(values)))}"
    others = (phones | {NO_PHONE}) - values
    if len(others) < len(values):
        return f"{name}: all but {_names(others, name_of)}" if others else f"{name}: any"
    return f"{name}: {_names(values, name_of)}"


def _names(values: FrozenSet[int], name_of: NameOf) -> str:
    names = [("edge" if value == NO_PHONE else name_of(value)) for value in sorted(values)]
    places = Counter(name[:-2] for name in names if name.endswith(POSITIONS))
    return " ".join(dict.fromkeys(
        name[:-2] if name.endswith(POSITIONS) and places[name[:-2]] == len(POSITIONS) else name for name in names))


def _short(text: str) -> str:
    """At most MOST_LINES lines; what is left out is counted."""
    lines = textwrap.wrap(text, LINE_LETTERS)
    if len(lines) > MOST_LINES:
        left = len(" ".join(lines[MOST_LINES - 1:]).split())
        lines = [*lines[:MOST_LINES - 1], f"... ({left} more)"]
    return "\n".join(lines)


def boxes_of(tree: ContextTree, known: Mapping[int, int], name_of: NameOf,
             frames: Optional[Mapping[int, str]] = None) -> List[Box]:
    """The tree as far as it is open, the root first, `yes` above `no`.

    Args:
      known: key -> value, e.g. the phone itself; its questions are answered.
      frames: pdf_id -> frames in training, for the leaves.
    """
    phones, boxes, rows = phones_of(tree), [], [0]

    def add(node: Optional[Node], column: int, parent: int, answer: str) -> float:
        node, number = known_part(node, known), len(boxes)
        boxes.append(None)
        ways: List[Tuple[str, Optional[Node]]] = []
        text, pdf_id = "nothing", -1
        if isinstance(node, Leaf):
            text, pdf_id = f"pdf {node.pdf_id}", node.pdf_id
            if frames and pdf_id in frames:
                text += f": {frames[pdf_id]} frames"
        elif isinstance(node, Table):
            text = key_name(node.key, tree.central_position)
            name = str if node.key == PDF_CLASS else name_of
            ways = [(name(value), branch) for value, branch in enumerate(node.branches) if branch is not None]
        elif node is not None:
            text = _short(question_text(node.key, node.values, tree.central_position, phones, name_of))
            ways = [("yes", node.yes), ("no", node.no)]
        if ways:
            places = [add(child, column + 1, number, way) for way, child in ways]
            row = (places[0] + places[-1]) / 2
        else:
            row, rows[0] = rows[0], rows[0] + 1
        boxes[number] = Box(text, column, row, parent, answer, pdf_id)
        return row

    add(tree.root, 0, -1, "")
    return boxes


def tree_text(boxes: List[Box]) -> str:
    """The same as lines, what follows an answer further to the right."""
    lines = (("  " * box.column) + (f"{box.answer}: " if box.answer else "") + box.text.replace("\n", " ")
             for box in boxes)
    return "".join(f"{line}\n" for line in lines)


def draw_part(tree: ContextTree, known: Mapping[int, int], name_of: NameOf, path: Path, title: str,
              frames: Optional[Mapping[int, str]] = None) -> None:
    """Draws what the tree asks when the values of some keys are known; leaves that were joined have a dashed frame.

    Args: as of boxes_of; path: .png, .svg or .pdf.
    """
    boxes = boxes_of(tree, known, name_of, frames)
    widths: Dict[int, float] = {}
    for box in boxes:
        letters = max(map(len, box.text.split("\n")))
        widths[box.column] = max(widths.get(box.column, 0.0), LETTER * letters + 0.12)
    left = np.cumsum([0.2] + [widths[column] + GAP for column in sorted(widths)])
    height = ROW * (1 + max(box.row for box in boxes))
    figure = new_figure(max(4.0, left[-1]), height + 0.6)
    axes = figure.add_subplot()
    axes.set(xlim=(0, left[-1]), ylim=(height, -0.1))
    axes.axis("off")
    axes.set_title(title, fontsize=10, loc="left")
    often = Counter(box.pdf_id for box in boxes if box.pdf_id >= 0)
    for box in boxes:
        y = ROW * (box.row + 0.5)
        if box.parent >= 0:
            _join(axes, boxes[box.parent], box, left, widths)
        leaf = box.pdf_id >= 0
        axes.text(left[box.column], y, box.text, ha="left", va="center", fontsize=FONT, linespacing=1.05, bbox={
            "boxstyle": "round,pad=0.2", "facecolor": "#e8f0fa" if leaf else "white", "linewidth": 0.8,
            "edgecolor": "black", "linestyle": "--" if often[box.pdf_id] > 1 and leaf else "-"})
    save_figure(figure, path)


def _join(axes, parent: Box, box: Box, left: np.ndarray, widths: Mapping[int, float]) -> None:
    """A line from the parent, which hides its beginning, down or up, and into the box; the answer stands on it."""
    start, end = left[parent.column], left[box.column]
    bend = start + widths[parent.column] + 0.1
    from_y, y = ROW * (parent.row + 0.5), ROW * (box.row + 0.5)
    axes.plot([start, bend, bend, end], [from_y, from_y, y, y], color="gray", linewidth=0.8, zorder=0)
    axes.text(bend + 0.04, y - 0.02, box.answer, fontsize=FONT - 1, color="tab:blue", va="bottom", ha="left")


def draw_overview(tree: ContextTree, name_of: NameOf, path: Path, title: str) -> None:
    """How many pdf_ids each phone has, and below what the questions are about that tell them apart."""
    phones = sorted(phones_of(tree))
    keys = [PDF_CLASS, *range(tree.context_width)]
    asked = {phone_id: _asked(tree, {tree.central_position: phone_id}) for phone_id in phones}
    leaves = [len({pdf_id for c in range(_num_classes(tree)) for pdf_id in tree.pdf_ids_of(phone_id, c)})
              for phone_id in phones]
    figure = new_figure(min(40.0, 2.5 + 0.22 * len(phones)), 5.5)
    above, below = figure.subplots(2, 1, sharex=True)
    above.set_title(title, fontsize=10)
    above.bar(range(len(phones)), leaves, color="tab:blue")
    for place, number in enumerate(leaves):
        above.text(place, number, str(number), ha="center", va="bottom", fontsize=7)
    above.set_ylabel("pdf_ids")
    above.margins(y=0.12)  # room for the numbers
    bottom = np.zeros(len(phones))
    for number, key in enumerate(keys):
        values = np.array([asked[phone_id][key] for phone_id in phones])
        if values.any():
            below.bar(range(len(phones)), values, bottom=bottom, color=_COLOURS[number % len(_COLOURS)],
                      label=key_name(key, tree.central_position))
        bottom += values
    below.set_ylabel("questions")
    if bottom.any():
        below.legend(fontsize=8)
    below.set_xticks(range(len(phones)), list(map(name_of, phones)), rotation=90, fontsize=8)
    below.set_xlim(-0.7, len(phones) - 0.3)
    save_figure(figure, path)


def _asked(tree: ContextTree, known: Mapping[int, int]) -> Counter:
    """key -> how many questions, of those that stay open."""
    found, waiting = Counter(), [tree.root]
    for node in waiting:
        node = known_part(node, known)
        if node is not None and not isinstance(node, Leaf):
            if isinstance(node, Table):
                found[node.key] += sum(branch is not None for branch in node.branches) - 1
                waiting += node.branches
            else:
                found[node.key] += 1
                waiting += [node.yes, node.no]
    return found


def _num_classes(tree: ContextTree) -> int:
    """One more than the largest pdf class that the tree tells apart from smaller ones."""
    largest, waiting = 0, [tree.root]
    for node in waiting:
        if isinstance(node, Table):
            largest = max(largest, len(node.branches) - 1) if node.key == PDF_CLASS else largest
            waiting += node.branches
        elif node is not None and not isinstance(node, Leaf):
            largest = max([largest, *(value + 1 for value in node.values)]) if node.key == PDF_CLASS else largest
            waiting += [node.yes, node.no]
    return largest + 1
