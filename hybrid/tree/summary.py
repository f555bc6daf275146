"""What a tree was made of, readably: leaves.tsv, splits.tsv and tree.json beside it."""

import json
from pathlib import Path
from typing import Dict, List, Sequence

import numpy as np

from graphs.context_tree import PDF_CLASS
from graphs.options import flat
from hybrid.tree.build import BuiltTree, Choice, Stump
from hybrid.tree.options import TreeOptions
from hybrid.tree.stats import EventStats

DESCRIPTION = "tree.json"


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


def value_names(key: int, values: Sequence[int], phones) -> str:
    """The set of a question; phones: graphs.symbols.SymbolTable."""
    return " ".join(str(value) if key == PDF_CLASS else phones.symbol_of(value) for value in sorted(values))


def write_summary(out: Path, built: BuiltTree, stats: EventStats, options: TreeOptions, phones) -> Dict:
    """Returns facts: counts, and log-likelihoods per frame."""
    frames = float(stats.counts.sum())
    roots, split, joined = (value / frames for value in built.objectives)
    facts = {"leaves": built.tree.num_pdfs, "split_leaves": built.num_split_leaves, "stumps": len(built.stumps),
             "events": len(stats), "frames": int(frames), "log_likelihood_roots": roots,
             "log_likelihood_split": split, "log_likelihood": joined}
    _write_table(out / "leaves.tsv", ("pdf_id", "phones", "pdf_classes", "frames"), _leaf_rows(built, stats, phones))
    _write_table(out / "splits.tsv", ("number", "phones", "pdf_class", "key", "question", "gain", "yes", "no"), [
        (number, *_stump_names(step.stump, phones), *_question(step.choice, stats, phones))
        for number, step in enumerate(built.steps, 1)])
    description = {"subsampling": options.subsampling, "options": flat(options), **facts}
    (out / DESCRIPTION).write_text(json.dumps(description, indent=1) + "\n", encoding="utf-8")
    return facts


def _stump_names(stump: Stump, phones) -> tuple:
    return (" ".join(map(phones.symbol_of, stump.root.phone_ids)),
            "all" if stump.pdf_class < 0 else stump.pdf_class)


def _question(choice: Choice, stats: EventStats, phones) -> tuple:
    return (key_name(choice.key, stats.central_position), value_names(choice.key, choice.values, phones),
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
