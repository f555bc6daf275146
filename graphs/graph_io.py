"""Decoding graphs on disk: HCLG.npz with the arrays, and what the graph was made from.

The fingerprint is a hash of the transition model and the word table. A graph is only loaded together with
the transition model it was made with, so that a stale graph cannot be used.
"""

import json
import os
from pathlib import Path

import numpy as np

from graphs.arcs import Arcs
from graphs.compile import DecodingGraph
from graphs.errors import InputError
from graphs.ops import WordSequences
from graphs.transitions import TransitionModel

FILE = "HCLG.npz"
_ARRAYS = ("src", "dst", "ilabel", "olabel", "score", "final_state", "final_score", "final_olabel")


def write_graph(folder, graph: DecodingGraph, transitions: TransitionModel) -> None:
    """Writes HCLG.npz; it appears whole or not at all."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    facts = {"transitions": transitions.fingerprint(), "num_states": graph.arcs.num_states,
             "num_words": graph.sequences.num_words, "sequences": graph.sequences.sequences,
             "report": graph.report}
    temporary = folder / (FILE + ".tmp")
    with open(temporary, "wb") as stream:
        np.savez(stream, facts=np.array(json.dumps(facts)),
                 **{name: getattr(graph.arcs, name) for name in _ARRAYS})
    os.replace(temporary, folder / FILE)


def read_graph(folder, transitions: TransitionModel = None) -> DecodingGraph:
    """
    Args:
      transitions: the model to search with; None to look at the graph only.
    Raises: InputError when there is no graph, or when it was made with other transitions.
    """
    path = Path(folder) / FILE
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in _ARRAYS}
            facts = json.loads(str(stored["facts"]))
    except FileNotFoundError:
        raise InputError(str(folder), f"a graph folder with {FILE}", "none") from None
    except (ValueError, KeyError, OSError) as error:
        raise InputError(str(path), "a graph written by tools.make_graph", str(error)) from None
    if transitions is not None and facts["transitions"] != transitions.fingerprint():
        raise InputError(f"graph {path}", f"transitions {transitions.fingerprint()} of the acoustic model",
                         f"{facts['transitions']}: the graph is stale, run tools.make_graph again")
    sequences = WordSequences(facts["num_words"], [tuple(words) for words in facts["sequences"]])
    return DecodingGraph(Arcs(num_states=facts["num_states"], **arrays), sequences, facts["report"],
                         facts["transitions"])
