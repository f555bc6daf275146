"""Tables of a tree, by hand, and what cannot be read."""

import json
from dataclasses import asdict

import numpy as np
import pytest

from graphs.errors import InputError
from hybrid.tree.build import Limits, build_tree
from hybrid.tree.objectives import Gaussians
from hybrid.tree.options import TreeOptions
from hybrid.tree.questions import Questions
from hybrid.tree.roots import Root
from hybrid.tree.stats import EventStats
from hybrid.tree.summary import read_leaf_frames, write_summary
from tests.hybrid.tree.material import small_lang, topology_of

# phones: 1 SIL, 2 A, 3 B, 4 SPN; A sounds different after B, and B by its pdf class
EVENTS = [((0, 1, 2), 0, 10, 0.0), ((0, 1, 2), 1, 20, 5.0), ((1, 2, 3), 0, 30, 1.0), ((1, 2, 3), 1, 30, 1.0),
          ((3, 2, 0), 1, 40, 99.0), ((2, 3, 2), 0, 50, 7.0), ((2, 3, 2), 1, 60, 8.0)]


@pytest.fixture
def built():
    windows, classes, counts, means = zip(*EVENTS)
    counts, means = np.array(counts, float), np.array(means)
    stats = EventStats.of_rows(1, windows, classes, counts, np.stack([counts * means, counts * (means ** 2 + 1)], 1))
    roots = [Root((1,), False, False), Root((2,)), Root((3, 4))]
    questions = Questions(tuple(map(frozenset, ([2], [3], [0, 1, 2, 4]))), 2)
    return build_tree(stats, Gaussians(0.01), roots, questions, topology_of(), Limits(6, merge_loss=0)), stats


def test_tables_of_leaves_and_splits(built, tmp_path):
    tree, stats = built
    options = TreeOptions(num_leaves=6, subsampling=3)
    facts = write_summary(tmp_path, tree, stats, options, small_lang("A B").phones)
    assert facts == {"leaves": 6, "split_leaves": 6, "stumps": 4, "events": 7, "frames": 240,
                     "log_likelihood_roots": tree.objectives[0] / 240, "log_likelihood_split": tree.objectives[1] / 240,
                     "log_likelihood": tree.objectives[1] / 240}
    # a Gaussian of variance 1 is worth -(log(2 pi) + 1) / 2 a frame
    assert facts["log_likelihood"] == pytest.approx(-0.5 * (np.log(2 * np.pi) + 1))
    rows = (tmp_path / "leaves.tsv").read_text().splitlines()
    assert rows == ["pdf_id\tphones\tpdf_classes\tframes", "0\tSIL\t0\t10", "1\tSIL\t1\t20", "2\tA\t1\t40",
                    "3\tA\t0 1\t60", "4\tB SPN\t0\t50", "5\tB SPN\t1\t60"]
    # the pooled variance v is 1 and that of the means; a split gains n log(v) / 2
    gains = [100 / 2 * np.log(1 + 0.24 * 98 ** 2), 110 / 2 * np.log(1 + 50 * 60 / 110 ** 2)]
    assert (tmp_path / "splits.tsv").read_text().splitlines() == [
        "number\tphones\tpdf_class\tquestion\tgain\tyes\tno", f"1\tA\tall\tleft: B\t{gains[0]:.2f}\t40\t60",
        f"2\tB SPN\tall\tpdf class: 0\t{gains[1]:.2f}\t50\t60"]
    described = json.loads((tmp_path / "tree.json").read_text())
    assert described == {"subsampling": 3, "options": asdict(options), **facts}
    assert read_leaf_frames(tmp_path / "leaves.tsv") == {0: "10", 1: "20", 2: "40", 3: "60", 4: "50", 5: "60"}


@pytest.mark.parametrize("pdf_class", [0, 1])
def test_a_split_of_a_single_pdf_class_names_it(built, tmp_path, pdf_class):
    _, stats = built
    classes = stats.pdf_classes if pdf_class else 1 - stats.pdf_classes
    stats = EventStats.of_rows(1, stats.windows, classes, stats.counts, stats.sums)
    roots = [Root((1,)), Root((2,), False), Root((3, 4))]
    tree = build_tree(stats, Gaussians(0.01), roots, Questions((frozenset([3]),), 2), topology_of(), Limits(5))
    write_summary(tmp_path, tree, stats, TreeOptions(), small_lang("A B").phones)
    assert (tmp_path / "splits.tsv").read_text().splitlines()[1].startswith(f"1\tA\t{pdf_class}\tleft: B\t")


def test_leaves_that_were_joined_are_one_row(built, tmp_path):
    _, stats = built
    roots = [Root((1,)), Root((2,)), Root((3, 4))]
    tree = build_tree(stats, Gaussians(0.01), roots, Questions((frozenset([3]),), 2), topology_of(),
                      Limits(6, merge_loss=1e9))
    facts = write_summary(tmp_path, tree, stats, TreeOptions(), small_lang("A B").phones)
    assert (facts["split_leaves"], facts["leaves"]) == (6, 3)
    assert facts["log_likelihood"] == pytest.approx(facts["log_likelihood_roots"])
    assert (tmp_path / "leaves.tsv").read_text().splitlines()[1:] == [
        "0\tSIL\t0 1\t30", "1\tA\t0 1\t100", "2\tB SPN\t0 1\t110"]


@pytest.mark.parametrize("line, message", [
    ("1\tA\t0", "expected `PDF_ID PHONES CLASSES FRAMES` between tabs, found '1\\tA\\t0'"),
    ("1 A 0 5", "between tabs"), ("x\tA\t0\t5", "between tabs"), ("1\tA\t0\tmany", "between tabs"),
    ("0\tA\t1\t5", "expected each pdf_id once, found 0")])
def test_a_bad_row_is_named(tmp_path, line, message):
    path = tmp_path / "leaves.tsv"
    path.write_text(f"pdf_id\tphones\tpdf_classes\tframes\n0\tSIL\t0\t7\n{line}\n")
    with pytest.raises(InputError) as caught:
        read_leaf_frames(path)
    assert f"leaves.tsv:3: {message}" in str(caught.value) or "leaves.tsv:3: expected `PDF_ID" in str(
        caught.value) and message in str(caught.value)
