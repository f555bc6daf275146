"""Phones in context: the transducer C composed with a graph over phones (Kaldi fstext/context-fst.h)."""

from typing import List, Tuple

import numpy as np

from graphs.arcs import Arcs
from graphs.context_tree import ContextTree
from graphs.errors import InputError
from graphs.hmm_fst import Window


def compose_context(graph: Arcs, tree: ContextTree) -> Tuple[Arcs, List[Window]]:
    """C o graph: phones on the input side become windows of phones.

    Args:
      graph: ilabel is a phone_id, or 0 for epsilon.
    Returns:
      the graph with window numbers as input labels, and the windows (number 0 is unused).
    Raises: InputError for a tree that looks at neighbouring phones.
    """
    if tree.context_width != 1:
        raise InputError("context tree", "a context width of 1 (monophone)", str(tree.context_width))
    phone_ids, number = np.unique(graph.ilabel, return_inverse=True)
    shift = 0 if len(phone_ids) and phone_ids[0] == 0 else 1
    windows: List[Window] = [()] + [(int(p),) for p in phone_ids if p > 0]
    result = Arcs(graph.src, graph.dst, number + shift, graph.olabel, graph.score, graph.final_state,
                  graph.final_score, graph.num_states, graph.final_olabel)
    return result, windows
