"""Trees by hand: the file is Kaldi's, lookups answer by context, and what is no tree is refused."""

from itertools import count, product

import numpy as np
import pytest

from graphs.errors import InputError
from graphs.hmm.context_tree import PDF_CLASS, ContextTree, Leaf, Split, Table
from graphs.hmm.topology import Topology, left_to_right

MONOPHONE = ("ContextDependency 1 0 ToPdf TE 0 4 ( NULL TE -1 1 ( CE 0 ) NULL TE -1 2 ( CE 1 CE 2 ) ) "
             "EndContextDependency\n")
# phone 2 after phone 3 or 4 has a pdf of its own; one more is shared by everything else
LEFT = ContextTree(2, 1, Split(1, frozenset({2}), Split(0, frozenset({3, 4}), Leaf(1), Leaf(2)), Leaf(0)))


def test_monophone_trees_number_pdfs_by_phone_and_class(tmp_path):
    tree = ContextTree.monophone(Topology({1: left_to_right(1), 3: left_to_right(2)}))
    assert (tree.context_width, tree.central_position, tree.num_pdfs) == (1, 0, 3)
    assert [tree.pdf_id((1,), 0), tree.pdf_id((3,), 0), tree.pdf_id((3,), 1)] == [0, 1, 2]
    assert tree.to_text() == MONOPHONE
    tree.write(tmp_path / "tree")
    again = ContextTree.read(tmp_path / "tree")
    assert (again.root, again.context_width, again.central_position) == (tree.root, 1, 0)


def test_questions_are_answered_by_the_context():
    assert [LEFT.pdf_id(window, 0) for window in ((3, 2), (4, 2), (0, 2), (2, 2), (3, 1))] == [1, 1, 2, 2, 0]
    assert LEFT.pdf_ids_of(2, 0) == {1, 2} and LEFT.pdf_ids_of(1, 0) == {0}
    assert LEFT.to_text() == ("ContextDependency 2 1 ToPdf SE 1 [ 2 ] { SE 0 [ 3 4 ] { CE 1 CE 2 } CE 0 } "
                              "EndContextDependency\n")
    again = ContextTree.from_text(LEFT.to_text())
    assert again.root == LEFT.root and again.fingerprint() == LEFT.fingerprint()
    assert ContextTree(2, 0, LEFT.root).fingerprint() != LEFT.fingerprint()


def random_tree(seed, phones=(1, 2, 3), depth=5):
    """A triphone tree of random questions, some of which cannot be answered with yes, or with no."""
    rng, leaves = np.random.default_rng(seed), count()

    def node(left):
        if left == 0 or rng.random() < 0.15:
            return Leaf(next(leaves))
        key = int(rng.integers(-1, 3))
        if key >= 0 and rng.random() < 0.2:
            return Table(key, tuple(node(left - 1) for _ in range(len(phones) + 1)))
        values = rng.choice(2 if key < 0 else len(phones) + 1, 1 if key < 0 else 2, replace=False)
        return Split(key, frozenset(map(int, values)), node(left - 1), node(left - 1))

    return ContextTree(3, 1, node(depth))


@pytest.mark.parametrize("seed", range(10))
def test_pairs_of_pdf_ids_are_those_of_some_window(seed):
    tree, phones = random_tree(seed), (1, 2, 3)
    for phone_id, classes in product(phones, [(0, 1), (1, 0)]):
        windows = [(left, phone_id, right) for left in (0, *phones) for right in (0, *phones)]
        expected = {tuple(tree.pdf_id(window, c) for c in classes) for window in windows}
        assert tree.pdf_pairs_of(phone_id, *classes, phones) == expected


@pytest.mark.parametrize("window, pdf_class", [((2,), 0), ((0,), 0), ((9,), 0), ((-1,), 0), ((3,), 2), ((), 0),
                                               ((2, 2), 0)])
def test_a_window_without_one_answer_is_a_key_error(window, pdf_class):
    with pytest.raises(KeyError, match="the tree has no pdf for the window"):
        ContextTree.from_text(MONOPHONE).pdf_id(window, pdf_class)


@pytest.mark.parametrize("width, central, root, message", [
    (1, 1, Leaf(0), "a central position in it, found 1 and 1"),
    (2, -1, Leaf(0), "a central position in it, found 2 and -1"),
    (1, 0, Leaf(1), r"pdf_ids 0, 1, ... without a gap, found \[1\]"),
    (1, 0, Table(0, (Leaf(0), Leaf(2))), r"without a gap, found \[0, 2\]"),
    (1, 0, None, r"without a gap, found \[\]"),
    (2, 0, Split(2, frozenset({1}), Leaf(0), Leaf(1)), "questions about -1 to 1, found 2"),
    (1, 0, Table(PDF_CLASS, (Leaf(0), Split(-2, frozenset(), Leaf(1), Leaf(1)))), "questions about -1 to 0, found -2"),
])
def test_what_is_no_tree_is_refused(width, central, root, message):
    with pytest.raises(InputError, match=f"context tree: expected .*{message}"):
        ContextTree(width, central, root)


@pytest.mark.parametrize("text, message", [
    ("", "the end of the file"),
    ("Context 1 0 ToPdf CE 0 EndContextDependency", "Context where ContextDependency should stand"),
    ("ContextDependency 1 0 CE 0 EndContextDependency", "CE where ToPdf should stand"),
    ("ContextDependency 1 0 ToPdf CE 0", "the end of the file"),
    ("ContextDependency 1 0 ToPdf CE x EndContextDependency", "x"),
    ("ContextDependency 1 0 ToPdf TE 0 1 CE 0 EndContextDependency", r"CE where \( should stand"),
    ("ContextDependency 1 0 ToPdf TE 0 1 ( CE 0 CE 1 ) EndContextDependency", r"CE where \) should stand"),
    ("ContextDependency 1 0 ToPdf SE 0 [ 1 ] CE 0 CE 0 } EndContextDependency", r"CE where \{ should stand"),
    ("ContextDependency 1 0 ToPdf SE 0 [ 1 ] { CE 0 CE 0 EndContextDependency", r"where \} should stand"),
    ("ContextDependency 1 0 ToPdf SE 0 [ 1", "."),
    ("ContextDependency 1 0 ToPdf CE 0 EndContextDependency more", "nothing after EndContextDependency, found more"),
])
def test_damaged_text_says_where(text, message):
    with pytest.raises(InputError, match=f"tree.txt: expected .*{message}"):
        ContextTree.from_text(text, "tree.txt")
