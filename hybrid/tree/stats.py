"""Statistics by event: a window of phones and the pdf class of the phone in its middle.

Source: Kaldi hmm/tree-accu.cc (AccumulateTreeStats) and tree/build-tree-utils.cc.
"""

from dataclasses import dataclass
from typing import Iterable, List, Sequence, Tuple

import numpy as np

from graphs.checks import check_one_length
from graphs.errors import InputError
from graphs.hmm.context_tree import NO_PHONE, PDF_CLASS
from hybrid.align.alignment import Alignment, phone_segments


@dataclass(frozen=True)
class EventStats:
    """Each event once, sorted by window and then pdf class.

    Attributes:
      central_position: of the phone itself in a window.
      windows: ``[E, W]`` int32 phone_ids, NO_PHONE beyond the ends of an utterance.
      pdf_classes: ``[E]`` int32.
      counts: ``[E]`` float64 frames.
      sums: ``[E, D]`` float64, over the frames (hybrid/tree/objectives.py says of what).
    """

    central_position: int
    windows: np.ndarray
    pdf_classes: np.ndarray
    counts: np.ndarray
    sums: np.ndarray

    @classmethod
    def of_rows(cls, central_position: int, windows, pdf_classes, counts, sums) -> "EventStats":
        """From rows in which an event may stand several times; shapes as of the attributes.

        Raises: InputError for arrays that do not fit.
        """
        windows = np.asarray(windows, dtype=np.int32)
        if windows.ndim != 2 or not 0 <= central_position < windows.shape[1]:
            raise InputError("tree statistics", "windows [events, width] and a central position in them",
                             f"shape {windows.shape} and {central_position}")
        check_one_length("tree statistics", windows=windows, pdf_classes=pdf_classes, counts=counts, sums=sums)
        rows = np.concatenate([windows, np.asarray(pdf_classes, dtype=np.int32)[:, None]], axis=1)
        events, number = np.unique(rows, axis=0, return_inverse=True)
        number = number.reshape(-1)  # numpy 2.0 gives it a second dimension
        return cls(central_position, events[:, :-1], events[:, -1],
                   sum_groups(number, np.asarray(counts, np.float64), len(events)),
                   sum_groups(number, np.asarray(sums, np.float64), len(events)))

    @classmethod
    def joined(cls, parts: Sequence["EventStats"]) -> "EventStats":
        """The sum of several statistics of one width, in this order."""
        return cls.of_rows(parts[0].central_position, *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("windows", "pdf_classes", "counts", "sums")))

    def __len__(self) -> int:
        return len(self.counts)

    @property
    def width(self) -> int:
        return self.windows.shape[1]

    @property
    def central(self) -> np.ndarray:
        """``[E]``: the phone itself."""
        return self.windows[:, self.central_position]

    def values(self, key: int) -> np.ndarray:
        """``[E]``: what a question about the key sees."""
        return self.pdf_classes if key == PDF_CLASS else self.windows[:, key]


def sum_groups(number: np.ndarray, values: np.ndarray, num_groups: int) -> np.ndarray:
    """``[num_groups, ...]``: sums over the rows of ``[N, ...]`` that have the group's number."""
    sums = np.zeros((num_groups, *values.shape[1:]), dtype=np.float64)
    if len(number):
        order = np.argsort(number, kind="stable")
        starts = np.flatnonzero(np.diff(number[order], prepend=-1))
        sums[number[order][starts]] = np.add.reduceat(values[order], starts, axis=0)
    return sums


def windows_of(phone_ids: Sequence[int], width: int, central_position: int) -> np.ndarray:
    """``[N, width]`` int32: the window around each phone of a sequence."""
    padded = np.full(len(phone_ids) + width - 1, NO_PHONE, dtype=np.int32)
    padded[central_position:central_position + len(phone_ids)] = phone_ids
    return np.stack([padded[k:k + len(phone_ids)] for k in range(width)], axis=1)


def frame_events(alignment: Alignment, transitions, pdf_class: np.ndarray, width: int, central_position: int
                 ) -> Tuple[np.ndarray, np.ndarray]:
    """Windows ``[T, width]`` and pdf classes ``[T]`` of the frames of an alignment.

    Args:
      transitions: graphs.hmm.transitions.TransitionModel of the alignment.
      pdf_class: what `pdf_class_of` has for it.
    """
    segments = phone_segments(alignment, transitions)
    windows = windows_of([segment.label for segment in segments], width, central_position)
    frames = np.repeat(np.arange(len(segments)), [segment.num_frames for segment in segments])
    return windows[frames], pdf_class[alignment.transition_ids]


def pdf_class_of(transitions) -> np.ndarray:
    """``[num_transition_ids + 1]`` int32: the pdf class of each transition_id."""
    classes = np.full(transitions.num_transition_ids + 1, -1, dtype=np.int32)
    for transition_id in range(1, len(classes)):
        entry = transitions.topology.entry(int(transitions.phone_id[transition_id]))
        state = entry[transitions.hmm_state[transition_id]]
        loop = transitions.is_self_loop[transition_id]
        classes[transition_id] = state.self_loop_pdf_class if loop else state.forward_pdf_class
    return classes


def accumulate(utterances: Iterable[Tuple[Alignment, np.ndarray]], transitions, width: int, central_position: int
               ) -> EventStats:
    """Statistics of some utterances.

    Args:
      utterances: alignment of T frames, and moments ``[T, D]`` of the frames; not empty.
    """
    parts: List[tuple] = []
    pdf_class = pdf_class_of(transitions)
    for alignment, moments in utterances:
        windows, classes = frame_events(alignment, transitions, pdf_class, width, central_position)
        check_one_length(f"tree statistics of {alignment.utterance_id}", alignment=classes, frames=moments)
        parts.append((windows, classes, np.ones(len(classes)), moments))
    return EventStats.of_rows(central_position, *(np.concatenate(column) for column in zip(*parts)))
