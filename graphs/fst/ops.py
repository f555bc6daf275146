"""Between our transducers and k2's."""

import k2
import numpy as np
import torch

from graphs.fst.arcs import Arcs
from graphs.fst.word_sequences import WordSequences
from graphs.ids import FINAL_LABEL


def to_k2(arcs: Arcs) -> k2.Fsa:
    """A k2 Fsa on the CPU, arc-sorted, with a final state of its own; aux_labels are the output labels."""
    finals = len(arcs.final_state)
    src = np.concatenate([arcs.src, arcs.final_state])
    dst = np.concatenate([arcs.dst, np.full(finals, arcs.num_states, np.int32)])
    label = np.concatenate([arcs.ilabel, np.full(finals, FINAL_LABEL, np.int32)])
    score = np.concatenate([arcs.score, arcs.final_score])
    # k2 compares labels as unsigned: the final label -1 sorts last
    order = np.lexsort((dst, label.astype(np.uint32), src)).astype(np.int32)
    table = np.stack([src[order], dst[order], label[order], score[order].view(np.int32)], axis=1)
    fsa = k2.Fsa(torch.from_numpy(np.ascontiguousarray(table)))
    olabel = np.concatenate([arcs.olabel, np.where(arcs.final_olabel > 0, arcs.final_olabel, FINAL_LABEL)])
    fsa.aux_labels = torch.from_numpy(olabel[order].astype(np.int32))
    return fsa


def from_k2(fsa: k2.Fsa, sequences: WordSequences) -> Arcs:
    """The transducer of a single k2 Fsa with aux_labels (linear or ragged)."""
    table = fsa.arcs.values()[:, :3].numpy()
    score = fsa.scores.detach().numpy()
    if isinstance(fsa.aux_labels, k2.RaggedTensor):
        olabel = sequences.labels(fsa.aux_labels.shape.row_splits(1).numpy(), fsa.aux_labels.values.numpy())
    else:
        olabel = np.maximum(fsa.aux_labels.numpy(), 0)
    final = table[:, 2] == FINAL_LABEL
    kept = ~final
    return Arcs(table[kept, 0], table[kept, 1], table[kept, 2], olabel[kept], score[kept],
                table[final, 0], score[final], max(1, fsa.shape[0] - 1), olabel[final])
