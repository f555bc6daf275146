"""What a tree was made of, readably: leaves.tsv, splits.tsv and tree.json beside it."""

import json
from pathlib import Path
from typing import Dict, List, Sequence

import numpy as np

from graphs.errors import InputError
from graphs.hmm.context_tree import ContextTree
from graphs.options import flat
from graphs.text_file import read_lines, to_int
from hybrid.report.tree_picture import phones_of, question_text
from hybrid.tree.build import BuiltTree, Choice, Stump
from hybrid.tree.options import TreeOptions
from hybrid.tree.stats import EventStats

DESCRIPTION, LEAVES, SPLITS = "tree.json", "leaves.tsv", "splits.tsv"


def write_summary(out: Path, built: BuiltTree, stats: EventStats, options: TreeOptions, phones) -> Dict:
    """Returns facts: counts, and log-likelihoods per frame."""
    frames = float(stats.counts.sum())
    roots, split, joined = (value / frames for value in built.objectives)
    facts = {"leaves": built.tree.num_pdfs, "split_leaves": built.num_split_leaves, "stumps": len(built.stumps),
             "events": len(stats), "frames": int(frames), "log_likelihood_roots": roots,
             "log_likelihood_split": split, "log_likelihood": joined}
    _write_table(out / LEAVES, ("pdf_id", "phones", "pdf_classes", "frames"), _leaf_rows(built, stats, phones))
    _write_table(out / SPLITS, ("number", "phones", "pdf_class", "question", "gain", "yes", "no"), [
        (number, *_stump_names(step.stump, phones), *_question(step.choice, built.tree, phones))
        for number, step in enumerate(built.steps, 1)])
    description = {"subsampling": options.subsampling, "options": flat(options), **facts}
    (out / DESCRIPTION).write_text(json.dumps(description, indent=1) + "\n", encoding="utf-8")
    return facts


def _stump_names(stump: Stump, phones) -> tuple:
    return (" ".join(map(phones.symbol_of, stump.root.phone_ids)),
            "all" if stump.pdf_class < 0 else stump.pdf_class)


def _question(choice: Choice, tree: ContextTree, phones) -> tuple:
    return (question_text(choice.key, choice.values, tree.central_position, phones_of(tree), phones.symbol_of),
            f"{choice.gain:.2f}", f"{choice.yes_count:.0f}", f"{choice.no_count:.0f}")


def _leaf_rows(built: BuiltTree, stats: EventStats, phones) -> List[tuple]:
    rows_of: Dict[int, List[np.ndarray]] = {}
    names: Dict[int, str] = {}
    for stump in built.stumps:
        for leaf in stump.node.leaves():
            rows_of.setdefault(leaf.group, []).append(leaf.rows)
            names[leaf.group] = _stump_names(stump, phones)[0]
    table = []
    for pdf_id, parts in sorted(rows_of.items()):
        rows = np.concatenate(parts)
        classes = " ".join(map(str, np.unique(stats.pdf_classes[rows])))
        table.append((pdf_id, names[pdf_id], classes, f"{stats.counts[rows].sum():.0f}"))
    return table


def _write_table(path: Path, header: Sequence[str], rows: Sequence[Sequence]) -> None:
    path.write_text("".join("\t".join(map(str, row)) + "\n" for row in (header, *rows)), encoding="utf-8")


def read_leaf_frames(path: Path) -> Dict[int, str]:
    """pdf_id -> frames of a leaves.tsv. InputError that names a bad line."""
    frames: Dict[int, str] = {}
    for number, line in read_lines(path)[0][1:]:
        fields = line.split("\t")
        try:
            pdf_id, count = to_int(fields[0]), to_int(fields[3])
        except (ValueError, IndexError):
            raise InputError(f"{path}:{number}", "`PDF_ID PHONES CLASSES FRAMES` between tabs", repr(line)) from None
        if pdf_id in frames:
            raise InputError(f"{path}:{number}", "each pdf_id once", str(pdf_id))
        frames[pdf_id] = str(count)
    return frames
