"""Small topologies and transition models for the tests of graphs/."""

import numpy as np

from graphs.hmm.context_tree import ContextTree
from graphs.hmm.topology import Topology, TopologyOptions
from graphs.hmm.transitions import TransitionModel


def small_model(speech="2state", silence="3state", nonsilence=(2, 3, 4), silence_phones=(1,), seed=0):
    """(tree, transitions) with transition probabilities that all differ."""
    topology = Topology.make(TopologyOptions(speech=speech, silence=silence), nonsilence, silence_phones)
    tree = ContextTree.monophone(topology)
    transitions = TransitionModel.from_tree(tree, topology)
    counts = np.random.default_rng(seed).uniform(5, 20, transitions.num_transition_ids + 1)
    transitions.estimate(counts)
    return tree, transitions
