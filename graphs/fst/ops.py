"""Between our transducers and k2's, and the little algebra that k2 lacks."""

from typing import List, Sequence, Tuple

import k2
import numpy as np
import torch

from graphs.fst.arcs import Arcs
from graphs.ids import FINAL_LABEL


class WordSequences:
    """Output labels that stand for several words.

    Epsilon removal can leave several words on one arc, where an output label has room for one. Labels
    below `num_words` are word_ids; label ``num_words + i`` stands for the i-th sequence.
    """

    def __init__(self, num_words: int, sequences: Sequence[Tuple[int, ...]] = ()):
        self.num_words = num_words
        self.sequences: List[Tuple[int, ...]] = []
        self._label_of = {}
        for sequence in sequences:
            self.label(sequence)

    def label(self, words: Sequence[int]) -> int:
        """The output label of a word sequence, a new one if need be."""
        words = tuple(words)
        if len(words) < 2:
            return words[0] if words else 0
        if words not in self._label_of:
            self._label_of[words] = self.num_words + len(self.sequences)
            self.sequences.append(words)
        return self._label_of[words]

    def words(self, label: int) -> Tuple[int, ...]:
        """The word_ids of an output label; none for epsilon."""
        if label >= self.num_words:
            return self.sequences[label - self.num_words]
        return (label,) if label > 0 else ()

    def join(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Output labels of the first ones' words followed by the second ones', elementwise."""
        first, second = np.asarray(first, np.int64), np.asarray(second, np.int64)
        joined = np.where(first == 0, second, first)
        for i in np.flatnonzero((first > 0) & (second > 0)):
            joined[i] = self.label(self.words(int(first[i])) + self.words(int(second[i])))
        return joined

    def labels(self, ragged: k2.RaggedTensor) -> np.ndarray:
        """One output label for each row of a k2 ragged tensor; epsilons and -1 are dropped."""
        splits = ragged.shape.row_splits(1).numpy().astype(np.int64)
        values = ragged.values.numpy()
        rows = np.repeat(np.arange(len(splits) - 1), np.diff(splits))
        kept = values > 0
        rows, values = rows[kept], values[kept]
        counts = np.bincount(rows, minlength=len(splits) - 1)
        starts = np.cumsum(counts) - counts
        labels = np.zeros(len(counts), np.int32)
        single = counts == 1
        labels[single] = values[starts[single]]
        for row in np.flatnonzero(counts > 1):
            labels[row] = self.label(values[starts[row]:starts[row] + counts[row]].tolist())
        return labels


def to_k2(arcs: Arcs, aux: bool = True) -> k2.Fsa:
    """A k2 Fsa on the CPU, arc-sorted, with a final state of its own; aux_labels are the output labels.

    Arc i of the result has the attribute ``arc_id`` when aux is False: the row in `arcs`, or
    ``num_arcs + j`` for the j-th final.
    """
    finals = len(arcs.final_state)
    src = np.concatenate([arcs.src, arcs.final_state])
    dst = np.concatenate([arcs.dst, np.full(finals, arcs.num_states, np.int32)])
    label = np.concatenate([arcs.ilabel, np.full(finals, FINAL_LABEL, np.int32)])
    score = np.concatenate([arcs.score, arcs.final_score])
    # k2 compares labels as unsigned: the final label -1 sorts last
    order = np.lexsort((dst, label.astype(np.uint32), src)).astype(np.int32)
    table = np.stack([src[order], dst[order], label[order], score[order].view(np.int32)], axis=1)
    fsa = k2.Fsa(torch.from_numpy(np.ascontiguousarray(table)))
    if aux:
        olabel = np.concatenate([arcs.olabel, np.where(arcs.final_olabel > 0, arcs.final_olabel, FINAL_LABEL)])
        fsa.aux_labels = torch.from_numpy(olabel[order].astype(np.int32))
    else:
        fsa.arc_id = torch.from_numpy(order)
    return fsa


def from_k2(fsa: k2.Fsa, sequences: WordSequences) -> Arcs:
    """The transducer of a single k2 Fsa with aux_labels (linear or ragged)."""
    table = fsa.arcs.values()[:, :3].numpy()
    score = fsa.scores.detach().numpy()
    if isinstance(fsa.aux_labels, k2.RaggedTensor):
        olabel = sequences.labels(fsa.aux_labels)
    else:
        olabel = np.maximum(fsa.aux_labels.numpy(), 0)
    final = table[:, 2] == FINAL_LABEL
    kept = ~final
    return Arcs(table[kept, 0], table[kept, 1], table[kept, 2], olabel[kept], score[kept],
                table[final, 0], score[final], max(1, fsa.shape[0] - 1), olabel[final])
