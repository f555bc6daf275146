"""Decoding graphs on disk: HCLG.npz with the arrays, and what the graph was made from.

The fingerprints are hashes of the transition model and of the tree. A graph is only loaded together with those that
it was made with, so that a stale graph cannot be used.
"""

import json
from pathlib import Path
from typing import Dict, Optional

import numpy as np

from graphs.archive import Array, read_archive, write_archive
from graphs.checks import check_range
from graphs.decoding.decoding_graph import DecodingGraph
from graphs.errors import InputError, naming
from graphs.fst.arcs import Arcs
from graphs.fst.word_sequences import WordSequences
from graphs.hmm.context_tree import ContextTree
from graphs.hmm.transitions import TransitionModel

FILE = "HCLG.npz"
LAYOUT = {
    **{name: Array(np.int32, ("arcs",)) for name in ("src", "dst", "ilabel", "olabel")},
    "score": Array(np.float32, ("arcs",)),
    "final_state": Array(np.int32, ("finals",)), "final_olabel": Array(np.int32, ("finals",)),
    "final_score": Array(np.float32, ("finals",)),
    "facts": Array(np.str_),  # JSON
}
_FACTS = {"transitions": str, "tree": str, "num_states": int, "num_words": int, "sequences": list, "report": list}


def write_graph(folder, graph: DecodingGraph, transitions: TransitionModel) -> None:
    """Writes HCLG.npz; it appears whole or not at all."""
    facts = {"transitions": transitions.fingerprint(), "tree": graph.tree_fingerprint or "",
             "num_states": graph.arcs.num_states, "num_words": graph.sequences.num_words,
             "sequences": graph.sequences.sequences, "report": graph.report}
    write_archive(Path(folder) / FILE, LAYOUT, {**vars(graph.arcs), "facts": json.dumps(facts)})


def read_graph(folder, transitions: Optional[TransitionModel] = None,
               tree: Optional[ContextTree] = None) -> DecodingGraph:
    """
    Args:
      transitions, tree: of the model to search with; None to look at the graph only.
    Raises: InputError when there is no graph, when it is damaged, or when it was made with others.
    """
    path = Path(folder) / FILE
    if not path.exists():
        raise InputError(str(folder), f"a graph folder with {FILE}", "none")
    arrays = read_archive(path, LAYOUT)
    facts = _facts(path, str(arrays.pop("facts")))
    for name, of_model in (("transitions", transitions), ("tree", tree)):
        if of_model is not None and facts[name] not in ("", of_model.fingerprint()):
            raise InputError(f"graph {path}", f"{name} {of_model.fingerprint()} of the acoustic model",
                             f"{facts[name]}: the graph is stale, run tools.make_graph again")
    with naming(str(path)):
        arcs = Arcs(num_states=facts["num_states"], **arrays)
        check_range("num_states", [arcs.num_states], 1, 2 * arcs.num_arcs + len(arcs.final_state) + 2)
        sequences = WordSequences(facts["num_words"], facts["sequences"])
        for name in ("olabel", "final_olabel"):
            check_range(name, getattr(arcs, name), 0, sequences.num_words + len(sequences.sequences))
        if transitions is not None:
            check_range("ilabel", arcs.ilabel, 0, transitions.num_transition_ids + 1)
    return DecodingGraph(arcs, sequences, facts["report"], facts["transitions"], facts["tree"] or None)


def _facts(path: Path, text: str) -> Dict:
    """InputError unless it is what `write_graph` writes."""
    try:
        facts = {"tree": "", **json.loads(text)}  # older graphs of monophones lack it
        if not all(type(facts[name]) is kind for name, kind in _FACTS.items()):
            raise TypeError("a value of another type")
        facts["sequences"] = [tuple(map(int, words)) for words in facts["sequences"]]
        if not all(len(words) > 1 and 0 < min(words) <= max(words) < facts["num_words"]
                   for words in facts["sequences"]):
            raise ValueError("sequences of other than words")
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError) as error:
        found = f"{type(error).__name__}: {error}"
        raise InputError(f"{path}, facts", f"JSON with {', '.join(_FACTS)}", found) from None
    return facts
