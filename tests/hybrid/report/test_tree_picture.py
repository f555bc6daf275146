"""Pictures of trees: what stands in them."""

import pytest

from graphs.hmm.context_tree import PDF_CLASS, ContextTree, Leaf, Split, Table
from hybrid.report import tree_picture
from hybrid.report.tree_picture import (
    _asked, _num_classes, boxes_of, draw_overview, draw_part, known_part, phones_of, question_text, tree_text)

NAMES = {0: "<eps>", 1: "SIL", 2: "A_B", 3: "A_E", 4: "A_I", 5: "A_S", 6: "N"}
CLASSES = Table(PDF_CLASS, (Leaf(0), Split(2, frozenset({1}), Leaf(1), Leaf(2))))
TREE = ContextTree(3, 1, Table(1, (None, Leaf(3), CLASSES, CLASSES, CLASSES, CLASSES,
                                   Split(PDF_CLASS, frozenset({0, 1}), Leaf(4), Leaf(4)))))
PHONES = frozenset(range(1, 7))


def test_the_phones_of_a_tree():
    assert phones_of(TREE) == PHONES
    assert phones_of(ContextTree(2, 1, Split(1, frozenset({2}), Leaf(0), Split(
        0, frozenset({0, 5}), Leaf(1), Leaf(2))))) == {2, 5}
    assert phones_of(ContextTree(1, 0, Leaf(0))) == frozenset()


@pytest.mark.parametrize("key, values, text", [
    (0, {6}, "left: N"), (2, {1, 6}, "right: SIL N"), (1, {2, 3}, "phone: A_B A_E"), (-1, {0, 1}, "pdf class: 0 1"),
    (0, {2, 3, 4, 5}, "left: all but edge SIL N"), (0, {0, 1}, "left: edge SIL"),
    (2, {2, 3, 4, 5, 6}, "right: all but edge SIL"), (2, set(range(7)), "right: any")])
def test_questions_are_named_by_phones(key, values, text):
    assert question_text(key, frozenset(values), 1, PHONES, NAMES.get) == text


def test_all_positions_of_a_phone_are_the_phone():
    few = frozenset(range(20)) - {0}
    names = lambda i: NAMES.get(i, f"X{i}")
    assert question_text(0, frozenset({2, 3, 4, 5, 6}), 1, few, names) == "left: A N"
    assert question_text(0, frozenset({2, 3, 5}), 1, few, names) == "left: A_B A_E A_S"


def test_what_is_known_is_not_asked():
    assert known_part(TREE.root, {1: 1}) == Leaf(3) and known_part(TREE.root, {1: 3}) == CLASSES
    assert known_part(TREE.root, {1: 6, -1: 1}) == Leaf(4) and known_part(TREE.root, {}) == TREE.root
    assert known_part(TREE.root, {1: 9}) is None and known_part(None, {}) is None
    assert _asked(TREE, {1: 2}) == {-1: 1, 2: 1} and _asked(TREE, {1: 1}) == {}
    left = Table(0, (None, Leaf(0), None, Leaf(1)))  # of two answers, whatever their numbers
    assert _asked(ContextTree(2, 1, left), {}) == {0: 1}
    below = Split(0, frozenset({1}), Leaf(2), Split(2, frozenset({1}), Leaf(3), Table(PDF_CLASS, (Leaf(0), Leaf(1)))))
    assert _num_classes(ContextTree(3, 1, below)) == 2
    assert _num_classes(TREE) == 3 and _num_classes(ContextTree(1, 0, Leaf(0))) == 1


def test_boxes_and_lines():
    boxes = boxes_of(TREE, {1: 3}, NAMES.get, {1: "70"})
    assert [(box.text, box.column, box.row, box.parent, box.answer, box.pdf_id) for box in boxes] == [
        ("pdf class", 0, 0.75, -1, "", -1), ("pdf 0", 1, 0, 0, "0", 0), ("right: SIL", 1, 1.5, 0, "1", -1),
        ("pdf 1: 70 frames", 2, 1, 2, "yes", 1), ("pdf 2", 2, 2, 2, "no", 2)]
    assert tree_text(boxes) == "pdf class\n  0: pdf 0\n  1: right: SIL\n    yes: pdf 1: 70 frames\n    no: pdf 2\n"
    assert [box.text for box in boxes_of(TREE, {1: 9}, NAMES.get)] == ["nothing"]
    assert [box.answer for box in boxes_of(TREE, {}, NAMES.get) if box.column == 1] == [NAMES[i] for i in range(1, 7)]


def test_long_questions_are_cut():
    many = Table(1, (None, *map(Leaf, range(1, 200))))
    tree = ContextTree(2, 1, Split(0, frozenset(range(0, 120, 2)), Leaf(0), many))
    text = boxes_of(tree, {1: 1}, lambda i: f"phone{i}")[0].text
    assert len(text.split("\n")) == 3 and text.startswith("left: edge phone2") and "more)" in text


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_pictures_are_written(tmp_path, suffix):
    draw_part(TREE, {1: 6}, NAMES.get, tmp_path / f"a.{suffix}", "N")
    draw_overview(TREE, NAMES.get, tmp_path / f"b.{suffix}", "all")
    assert all((tmp_path / f"{name}.{suffix}").stat().st_size > 1000 for name in "ab")
    if suffix == "svg":
        assert "pdf_ids" in (tmp_path / "b.svg").read_text() or (tmp_path / "b.svg").read_text().count("<path") > 10


def figure_of(monkeypatch, draw, *arguments):
    """What would be written."""
    drawn = []
    monkeypatch.setattr(tree_picture, "save_figure", lambda figure, path: drawn.append(figure))
    draw(*arguments)
    return drawn[0]


def test_an_overview_counts_leaves_and_questions(monkeypatch):
    above, below = figure_of(monkeypatch, draw_overview, TREE, NAMES.get, None, "all").axes
    assert [bar.get_height() for bar in above.patches] == [1, 3, 3, 3, 3, 1]
    assert [(text.get_position(), text.get_text()) for text in above.texts] == [
        ((place, number), str(number)) for place, number in enumerate([1, 3, 3, 3, 3, 1])]
    assert [(bar.get_y(), bar.get_height()) for bar in below.patches] == [
        *((0, number) for number in [0, 1, 1, 1, 1, 1]), *zip([0, 1, 1, 1, 1, 1], [0, 1, 1, 1, 1, 0])]
    assert [bar.get_x() + bar.get_width() / 2 for bar in below.patches] == pytest.approx([*range(6)] * 2)
    assert len({bar.get_facecolor() for bar in below.patches}) == 2
    assert [text.get_text() for text in below.get_legend().get_texts()] == ["pdf class", "right"]
    assert [label.get_text() for label in below.get_xticklabels()] == [NAMES[phone] for phone in range(1, 7)]
    low, high = below.get_xlim()
    assert -1 < low < -0.4 and 5.4 < high < 6
    no_question = ContextTree(1, 0, Table(0, (None, Leaf(0), Leaf(1))))
    assert figure_of(monkeypatch, draw_overview, no_question, str, None, "all").axes[1].get_legend() is None


def test_boxes_stand_in_columns_and_lines_join_them(monkeypatch):
    boxes = boxes_of(TREE, {1: 3}, NAMES.get)
    figure = figure_of(monkeypatch, draw_part, TREE, {1: 3}, NAMES.get, None, "A_E")
    (axes,) = figure.axes
    drawn = {text.get_text(): text for text in axes.texts if text.get_bbox_patch()}
    assert list(drawn) == [box.text for box in boxes] and axes.get_title(loc="left") == "A_E"
    places = {name: text.get_position() for name, text in drawn.items()}
    assert [y for _, y in places.values()] == pytest.approx([0.3 * (box.row + 0.5) for box in boxes])
    columns = [sorted({x for box, (x, _) in zip(boxes, places.values()) if box.column == n}) for n in range(3)]
    assert [len(column) for column in columns] == [1, 1, 1] and columns == sorted(columns)
    (width, _), (bottom, top) = axes.get_xlim()[::-1], axes.get_ylim()
    assert columns[0][0] > 0 and columns[2][0] < width and top < 0 < bottom and bottom == pytest.approx(0.3 * 3)
    for line, box in zip(axes.lines, boxes[1:]):
        start, end = places[boxes[box.parent].text], places[box.text]
        assert (line.get_xydata()[0].tolist(), line.get_xydata()[-1].tolist()) == (list(start), list(end))
        assert start[0] < line.get_xdata()[1] == line.get_xdata()[2] < end[0]
    answers = [text for text in axes.texts if not text.get_bbox_patch()]
    assert [text.get_text() for text in answers] == [box.answer for box in boxes[1:]]
    for answer, line in zip(answers, axes.lines):  # over the end of the line
        assert line.get_xdata()[2] < answer.get_position()[0] < line.get_xdata()[3]
        assert line.get_ydata()[3] - 0.1 < answer.get_position()[1] < line.get_ydata()[3]


def test_leaves_that_were_joined_have_a_dashed_frame_and_leaves_another_colour(monkeypatch):
    (axes,) = figure_of(monkeypatch, draw_part, TREE, {}, NAMES.get, None, "all").axes
    frames = [(text.get_text(), text.get_bbox_patch()) for text in axes.texts if text.get_bbox_patch()]
    dashed = {text for text, patch in frames if patch.get_linestyle() == "--"}
    assert dashed == {"pdf 0", "pdf 1", "pdf 2", "pdf 4"}
    assert {text for text, patch in frames if patch.get_facecolor()[:3] != (1, 1, 1)} == {f"pdf {n}" for n in range(5)}
