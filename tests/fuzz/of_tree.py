"""Readers of hybrid/tree/, and of tree folders."""

import logging
from pathlib import Path

from hybrid.align.convert_work import read_tree_folder
from hybrid.tree.options import TreeOptions
from hybrid.tree.questions import read_sets, write_sets
from hybrid.tree.roots import Root, default_roots, read_roots, write_roots
from hybrid.tree.summary import LEAVES, read_leaf_frames
from hybrid.tree.work import write_tree
from tests.fuzz.mutations import json_values
from tests.fuzz.reader import Reader
from tests.hybrid.tree.material import random_frames, small_lang, stats_of

LANG = small_lang("A B C D")
SETS = (frozenset({2, 3}), frozenset({0, 1}))


def _tree_folder(folder: Path) -> None:
    write_tree(folder, stats_of(random_frames(number=80)), LANG.topology, LANG, TreeOptions(num_leaves=12, min_count=5),
               logging.getLogger("tree"), SETS, default_roots(LANG))


READERS = [
    Reader("roots.txt", "roots.txt", lambda folder: write_roots(
        folder / "roots.txt", [Root((1,), False, False), Root((2, 3))], LANG.phones),
        lambda folder: read_roots(folder / "roots.txt", LANG.phones)),
    Reader("questions.txt", "questions.txt", lambda folder: write_sets(folder / "questions.txt", SETS, LANG.phones),
           lambda folder: read_sets(folder / "questions.txt", LANG.phones)),
    Reader("questions.int", "questions.int", lambda folder: (folder / "questions.int").write_text("2 3\n0 1\n"),
           lambda folder: read_sets(folder / "questions.int", LANG.phones)),
    Reader("tree folder/tree.json", "tree.json", _tree_folder, read_tree_folder, json_values),
    Reader("tree folder/tree", "tree", _tree_folder, read_tree_folder),
    Reader("leaves.tsv", LEAVES, _tree_folder, lambda folder: read_leaf_frames(folder / LEAVES)),
]
