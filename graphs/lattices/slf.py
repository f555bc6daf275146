"""HTK's standard lattice format (HTK Book 3.4, chapter 20), to write: for SRILM, HTK and whatever else reads it.

Nodes have times, links have words (`!NULL` for none), acoustic (a) and graph (l) log-likelihoods. What the format does
not hold is transition_ids.
"""

from typing import Sequence

import numpy as np

from graphs.checks import check_scale
from graphs.lattices.base import BaseLattice

NO_WORD = "!NULL"


def to_slf(lattice: BaseLattice, words: Sequence[str], frame_shift: float = 0.01, lm_scale: float = 1.0,
           acoustic_scale: float = 1.0, word_insertion_penalty: float = 0.0) -> str:
    """
    Args:
      words: symbols by word_id.
      frame_shift: seconds.
      lm_scale, acoustic_scale, word_insertion_penalty: stand in the head; the scores are unscaled.
    Raises: InputError for word_ids without a symbol.
    """
    check_scale("frame_shift", frame_shift)
    lattice.check_words(len(words))
    order = np.lexsort((lattice.dst, lattice.src))
    labels = [_quoted(words[word_id]) if word_id else NO_WORD for word_id in lattice.word_id[order].tolist()]
    # HTK adds its penalty to a word's score
    head = ["VERSION=1.0", f"UTTERANCE={_quoted(lattice.utterance_id)}", "base=2.718282",
            f"lmscale={lm_scale:g} wdpenalty={0.0 - word_insertion_penalty:g} acscale={acoustic_scale:g}",
            *(["# partial: no path reached the end of the graph"] if lattice.partial else []),
            f"N={lattice.num_states} L={lattice.num_arcs} start=0 end={lattice.num_states - 1}"]
    nodes = [f"I={state} t={frame * frame_shift:.3f}" for state, frame in enumerate(lattice.state_frames().tolist())]
    columns = (lattice.src, lattice.dst, lattice.acoustic.astype(str), lattice.graph.astype(str))
    rows = zip(labels, *(column[order].tolist() for column in columns))
    links = [f"J={number} S={src} E={dst} W={label} a={acoustic} l={graph}"
             for number, (label, src, dst, acoustic, graph) in enumerate(rows)]
    return "\n".join([*head, *nodes, *links]) + "\n"


def _quoted(text: str) -> str:
    """HTK's escapes: of backslashes, and of a quotation mark in front."""
    text = text.replace("\\", "\\\\")
    return f"\\{text}" if text[:1] in ("'", '"') else text
