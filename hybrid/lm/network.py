"""A neural language model as a network over units: embeddings, a net of hybrid.lm.nets, an output layer."""

from dataclasses import dataclass, field
from typing import Tuple

import numpy as np
import torch
from torch import Tensor, nn

from graphs.options import check_at_least, check_choice, check_chosen, check_positive
from hybrid.lm.nets.architectures import lm_arch_field
from hybrid.lm.outputs import SOFTMAXES, ClassSoftmax, FullSoftmax, SampledSoftmax
from hybrid.lm.vocabulary import END_UNIT, KINDS


@dataclass(frozen=True)
class LmOptions:
    """What the network is; how it is trained is said in hybrid/training/lm.py."""

    arch: object = lm_arch_field()
    units: str = field(default="word", metadata={"help": f"what is predicted: one of {', '.join(KINDS)}"})
    min_count: int = field(default=2, metadata={
        "help": "words that training sees less often share one unit; 0: each has its own (units = word)"})
    num_pieces: int = field(default=1000, metadata={"help": "sentencepiece units (units = piece)"})
    piece_model: str = field(default="unigram", metadata={"help": "sentencepiece: unigram or bpe"})
    embedding_dim: int = field(default=256, metadata={"help": "dimensions of a unit's embedding"})
    tied: bool = field(default=False, metadata={"help": "the output's weights are the embeddings"})
    softmax: str = field(default="full", metadata={"help": f"one of {', '.join(SOFTMAXES)}"})
    cutoffs: Tuple[int, ...] = field(default=(1000, 4000), metadata={
        "help": "softmax = classes: so many units are classes of their own; from there to the next is one class"})
    shrink: float = field(default=2.0, metadata={
        "help": "softmax = classes: each class has so many times fewer dimensions than the one before"})
    num_samples: int = field(default=1000, metadata={"help": "softmax = sampled: draws for a batch"})

    def __post_init__(self):
        check_chosen(self)
        for name, choices in (("units", KINDS), ("softmax", SOFTMAXES), ("piece_model", ("unigram", "bpe"))):
            check_choice(choices, self, name)
        check_at_least(1, self, "embedding_dim", "num_samples", "num_pieces")
        check_at_least(0, self, "min_count")
        check_positive(self, "shrink")
        if not self.cutoffs or list(self.cutoffs) != sorted(set(self.cutoffs)) or self.cutoffs[0] < 1:
            raise ValueError(f"cutoffs: expected rising numbers from 1 up, found {self.cutoffs}")
        if self.tied and self.softmax == "classes":
            raise ValueError("tied: expected no with softmax = classes, whose weights are of several widths")


class LmNetwork(nn.Module):
    """
    Attributes:
      net: of hybrid.lm.nets; output: of hybrid.lm.outputs.
      recall, entry_shape: as of the net.
    """

    def __init__(self, options: LmOptions, counts: np.ndarray):
        """counts: ``[U]`` of the units in the training text."""
        super().__init__()
        dim = options.embedding_dim
        self.embedding = nn.Embedding(len(counts), dim)
        nn.init.uniform_(self.embedding.weight, -0.1, 0.1)
        self.net = options.arch.build(dim)
        self.recall, self.entry_shape = self.net.recall, self.net.entry_shape
        self.dropout = nn.Dropout(options.arch.dropout)
        to_embedding = options.tied and self.net.out_dim != dim
        self.projection = nn.Linear(self.net.out_dim, dim) if to_embedding else nn.Identity()
        self.hidden_dim = dim if to_embedding else self.net.out_dim
        tied = self.embedding if options.tied else None
        if options.softmax == "classes":
            self.output = ClassSoftmax(self.hidden_dim, len(counts), options.cutoffs, options.shrink)
        elif options.softmax == "sampled":
            self.output = SampledSoftmax(self.hidden_dim, counts, options.num_samples, tied)
        else:
            self.output = FullSoftmax(self.hidden_dim, counts, tied)

    def forward(self, units: Tensor) -> Tensor:
        """
        Args:
          units: ``[B, T]`` int64; the units before the first of a sentence are END_UNIT, then the sentence.
        Returns: ``[B, T, hidden_dim]`` what the output layer predicts the next unit from; it depends on nothing after.
        """
        return self.projection(self.dropout(self.net(self.dropout(self.embedding(units)))))

    def step(self, units: Tensor, past: Tensor, known: Tensor) -> Tuple[Tensor, Tensor]:
        """``[N, hidden_dim]`` and ``[N, *entry_shape]`` for one more unit ``[N]``; past, known: as of the net."""
        out, entry = self.net.step(self.embedding(units), past, known)
        return self.projection(out), entry


def shifted_right(units: Tensor) -> Tensor:
    """``[B, T]`` what the network sees as it predicts ``[B, T]`` units: END_UNIT, then all but the last."""
    return torch.cat([torch.full_like(units[:, :1], END_UNIT), units[:, :-1]], dim=1)
