"""The neutral transducer: arrays of arcs in numpy, no library's format."""

from dataclasses import dataclass
from typing import List, Optional

import numpy as np

from graphs.checks import check_finite, check_one_length, ids_array, scores_array
from graphs.errors import InputError
from graphs.text_file import split_blanks, to_float, to_int


@dataclass
class Arcs:
    """A weighted transducer. State 0 is the start; scores are natural log probabilities (higher is better).

    Attributes:
      src, dst, ilabel, olabel: ``[num_arcs]`` int32; label 0 is epsilon.
      score: ``[num_arcs]`` float32.
      final_state, final_score: ``[num_finals]`` int32 and float32; a state may occur more than once.
      num_states: int; states are ``0 .. num_states - 1``.
      final_olabel: ``[num_finals]`` int32, an output given on ending there (none: 0). Epsilon removal
        leaves words there when their last arcs were epsilons.
    """

    src: np.ndarray
    dst: np.ndarray
    ilabel: np.ndarray
    olabel: np.ndarray
    score: np.ndarray
    final_state: np.ndarray
    final_score: np.ndarray
    num_states: int
    final_olabel: Optional[np.ndarray] = None

    def __post_init__(self):
        """Raises InputError for arrays of other shapes or kinds, states that are none, and scores without end."""
        if self.final_olabel is None:
            self.final_olabel = np.zeros(len(self.final_state))
        for name in ("src", "dst", "final_state"):
            setattr(self, name, ids_array(f"transducer, {name}", getattr(self, name), self.num_states))
        for name in ("ilabel", "olabel", "final_olabel"):
            setattr(self, name, ids_array(f"transducer, {name}", getattr(self, name)))
        for name in ("score", "final_score"):
            setattr(self, name, scores_array(f"transducer, {name}", getattr(self, name)))
            check_finite(f"transducer, {name}", getattr(self, name))
        check_one_length("arcs of a transducer", src=self.src, dst=self.dst, ilabel=self.ilabel, olabel=self.olabel,
                         score=self.score)
        check_one_length("finals of a transducer", final_state=self.final_state, final_score=self.final_score,
                         final_olabel=self.final_olabel)

    @property
    def num_arcs(self) -> int:
        return len(self.src)

    def sorted_by_source(self) -> "Arcs":
        """The same transducer with its arcs ordered by source state (stable)."""
        return self.reordered(np.argsort(self.src, kind="stable"))

    def reordered(self, order: np.ndarray) -> "Arcs":
        """The same transducer; order: ``[num_arcs]`` row that each arc stood in."""
        return Arcs(self.src[order], self.dst[order], self.ilabel[order], self.olabel[order],
                    self.score[order], self.final_state, self.final_score, self.num_states,
                    self.final_olabel)

    def to_openfst_text(self) -> str:
        """OpenFst's text format (`src dst ilabel olabel cost`, then `state cost`), start state first.

        Raises ValueError for final outputs, which that format cannot hold.
        """
        if self.final_olabel.any():
            raise ValueError("OpenFst's text format has no output on final states")
        arcs = self.sorted_by_source()
        order = np.concatenate([np.flatnonzero(arcs.src == 0), np.flatnonzero(arcs.src != 0)])
        lines = [f"{arcs.src[i]} {arcs.dst[i]} {arcs.ilabel[i]} {arcs.olabel[i]} {-arcs.score[i]:.9g}"
                 for i in order]
        lines += [f"{state} {-score:.9g}" for state, score in zip(self.final_state, self.final_score)]
        return "\n".join(lines) + "\n"

    @classmethod
    def from_openfst_text(cls, text: str, name: str = "FST text") -> "Arcs":
        """Reads OpenFst's text format with integer labels. The first line's source must be state 0."""
        arcs: List[tuple] = []
        finals: List[tuple] = []
        for number, line in enumerate(text.split("\n"), 1):
            fields = split_blanks(line)
            try:
                if len(fields) in (4, 5):
                    cost = to_float(fields[4]) if len(fields) == 5 else 0.0
                    arcs.append((*map(_id, fields[:4]), -cost))
                elif len(fields) in (1, 2):
                    finals.append((_id(fields[0]), -to_float(fields[1]) if len(fields) == 2 else 0.0))
                elif fields:
                    raise ValueError
            except ValueError:
                raise InputError(f"{name}:{number}", "`src dst ilabel olabel [cost]` or `state [cost]`",
                                 repr(line)) from None
        return cls.from_lists(arcs, finals)

    @classmethod
    def from_lists(cls, arcs: List[tuple], finals: List[tuple], num_states: int = 0) -> "Arcs":
        """arcs: (src, dst, ilabel, olabel, score); finals: (state, score)."""
        columns = list(zip(*arcs)) if arcs else [[], [], [], [], []]
        states, scores = zip(*finals) if finals else ((), ())
        highest = max([num_states - 1, *columns[0], *columns[1], *states])
        return cls(*(np.array(c) for c in columns), np.array(states), np.array(scores), highest + 1)


def _id(text: str) -> int:
    """A state or label; ValueError for what is none, or does not fit."""
    value = to_int(text)
    if not 0 <= value < 2 ** 31:
        raise ValueError
    return value
