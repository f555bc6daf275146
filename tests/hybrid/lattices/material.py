"""Lattices of sentences whose phones, and so whose times, are known."""

import numpy as np

from graphs.hmm.context_tree import ContextTree
from graphs.hmm.transitions import TransitionModel
from graphs.lattices.compact_lattice import CompactLattice
from tests.graphs.langs import small_lang

LANG = small_lang(silence_prob=0.5)
TRANSITIONS = TransitionModel.from_tree(ContextTree.monophone(LANG.topology), LANG.topology)
FRAMES = 3  # of each phone: one of each state


def ids_of(phones):
    """transition_ids of the phones (text), FRAMES for each."""
    ids = []
    for phone in phones.split():
        own = TRANSITIONS.phone_id == LANG.phones.id_of(phone)
        ids += [int(np.flatnonzero(own & (TRANSITIONS.hmm_state == state) & ~TRANSITIONS.is_self_loop)[0])
                for state in range(FRAMES)]
    return ids


def lattice_of(sentences, name="u", words=LANG.words, partial=False):
    """
    Args:
      sentences: (text, phones of the whole sentence, probability) of the same number of phones each; the label of the
        n-th word stands on the n-th phone.
    """
    arcs, number = [], 1
    for text, phones, probability in sentences:
        labels = [words.id_of(word) for word in text.split()] + [0] * len(phones.split())
        state = 0
        for place, phone in enumerate(phones.split()):
            arcs.append([state, number, labels[place], ids_of(phone), np.log(probability) if place == 0 else 0.0])
            state, number = number, number + 1
        arcs.append([state, -1, 0, [], 0.0])
    src, dst, word_id, ids, graph = zip(*arcs)
    dst = [number if state < 0 else state for state in dst]
    return CompactLattice(name, FRAMES * len(phones.split()), src, dst, word_id, np.zeros(len(src)), np.array(graph),
                          [i for one in ids for i in one], np.cumsum([len(one) for one in ids]), partial)
