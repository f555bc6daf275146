"""Options of a tree: the section [tree]."""

from dataclasses import dataclass, field
from typing import Optional

from graphs.hmm.context_tree import WIDEST
from graphs.hmm.topology import named_entry
from graphs.options import check_at_least, check_between, check_choice, check_positive
from hybrid.tree.objectives import KINDS


@dataclass(frozen=True)
class TreeOptions:
    context_width: int = field(default=3, metadata={
        "help": "phones in the window: 1 monophone, 2 left biphone, 3 triphone, ..."})
    central_position: int = field(default=1, metadata={
        "help": "place of the phone itself in the window, from 0; 0 for monophones, 1 for left biphones and triphones"})
    num_leaves: int = field(default=400, metadata={"help": "splitting ends at so many leaves, silence among them"})
    min_count: float = field(default=100.0, metadata={"help": "frames that a leaf made by a split must have"})
    min_gain: float = field(default=0.0, metadata={"help": "log-likelihood that a split must gain"})
    merge_loss: Optional[float] = field(default=None, metadata={
        "help": "leaves of a root are joined while that loses less log-likelihood; none is the smallest gain of a "
                "split, 0 joins nothing"})
    statistics: str = field(default="gaussians", metadata={
        "help": "what splits are judged by: gaussians over the features, or posteriors or log_posteriors of a network "
                f"(--model): one of {', '.join(KINDS)}"})
    splice: int = field(default=0, metadata={"help": "gaussians: frames to each side that stand beside a frame"})
    deltas: int = field(default=0, metadata={"help": "gaussians: order of derivatives added to those of the features"})
    variance_floor: float = field(default=0.01, metadata={
        "help": "gaussians: smallest variance, as a share of that of all frames"})
    subsampling: int = field(default=1, metadata={
        "help": "a tree for a network that answers for every so many-th frame"})
    speech_topology: str = field(default="", metadata={
        "help": "HMM of speech phones, named as topology.speech; empty keeps that of the alignment"})
    silence_topology: str = field(default="", metadata={
        "help": "HMM of silence phones, named as topology.silence; empty keeps that of the alignment"})
    max_failed_share: float = field(default=0.1, metadata={
        "help": "share of utterances that may lack an alignment that fits"})

    def __post_init__(self):
        if not 0 <= self.central_position < self.context_width <= WIDEST:
            raise ValueError(f"context_width and central_position: expected 1 to {WIDEST} phones and a place among "
                             f"them, found {self.context_width} and {self.central_position}")
        check_at_least(1, self, "num_leaves", "subsampling")
        check_at_least(0, self, "min_count", "min_gain", "splice")
        check_positive(self, "variance_floor")
        if self.merge_loss is not None and not self.merge_loss >= 0:
            raise ValueError(f"merge_loss: expected at least 0, or none, found {self.merge_loss}")
        check_choice(KINDS, self, "statistics")
        check_choice((0, 1, 2), self, "deltas")
        check_between(0, 1, self, "max_failed_share")
        for name in filter(None, (self.speech_topology, self.silence_topology)):
            named_entry(name)
