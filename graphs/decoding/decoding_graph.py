"""The graph that is searched, apart from what makes it: it can be read and looked at without k2."""

from dataclasses import dataclass
from typing import Dict, List, Optional

from graphs.fst.arcs import Arcs
from graphs.fst.word_sequences import WordSequences


@dataclass
class DecodingGraph:
    """HCLG: transition_ids in, words out.

    Attributes:
      arcs: Arcs; ilabel is a transition_id, never 0; olabel is an output label of `sequences`.
      sequences: output labels that stand for several words.
      report: one dict a step: step, states, arcs.
      fingerprint, tree_fingerprint: of the transition model and the tree it was made with; None where it is used on
        the spot, or where a file does not tell.
    """

    arcs: Arcs
    sequences: WordSequences
    report: List[Dict]
    fingerprint: Optional[str] = None
    tree_fingerprint: Optional[str] = None
