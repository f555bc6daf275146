"""Random context trees and random phone graphs."""

import numpy as np

from graphs.fst.arcs import Arcs
from graphs.hmm.context_tree import PDF_CLASS, ContextTree, Leaf, Split, Table

SHAPES = [(2, 1), (3, 1), (2, 0), (3, 2), (3, 0), (4, 1), (5, 2)]  # context_width, central_position


def random_tree(topology, width, central, seed=0, splits=3, alike=()):
    """A leaf or up to `splits` questions for each phone and pdf class, about random phones at random places.

    alike: phones of which the tree never asks for neighbours.
    """
    rng = np.random.default_rng(seed)
    places = [place for place in range(width) if place != central]
    leaves = iter(range(10 ** 6))

    def grow(depth):
        if not depth:
            return Leaf(next(leaves))
        values = rng.choice([0, *topology.phone_ids], int(rng.integers(1, 1 + len(topology.phone_ids))), replace=False)
        return Split(int(rng.choice(places)), frozenset(map(int, values)), grow(depth - 1),
                     grow(int(rng.integers(0, depth))))

    branches = [None] * (max(topology.phone_ids) + 1)
    for phone_id in topology.phone_ids:
        depth = 0 if phone_id in alike else int(rng.integers(1, splits + 1))
        branches[phone_id] = Table(PDF_CLASS, tuple(grow(depth) for _ in range(topology.num_pdf_classes(phone_id))))
    return ContextTree(width, central, Table(central, tuple(branches)))


def random_graph(seed, phones=(1, 2, 3, 4), num_states=4, num_arcs=6, final_outputs=False):
    """Phones to words: a way from the start to the last state, and `num_arcs` arcs anywhere, also back to the start."""
    rng = np.random.default_rng(seed)
    ends = [(state, state + 1) for state in range(num_states - 1)]
    ends += [tuple(map(int, rng.integers(num_states, size=2))) for _ in range(num_arcs)]
    arcs = [(src, dst, int(rng.choice(phones)), int(rng.choice([0, 0, 11, 12, 13])), -float(rng.integers(1, 50)) / 8)
            for src, dst in ends]
    finals = [(state, -float(rng.integers(0, 9)) / 8) for state in {num_states - 1, int(rng.integers(num_states))}]
    graph = Arcs.from_lists(arcs, finals, num_states)
    if final_outputs:
        graph.final_olabel = rng.choice([0, 14, 15], len(finals)).astype(np.int32)
    return graph
