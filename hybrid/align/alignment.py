"""Frame-level alignments: one transition_id a frame, and the archive that holds them.

An archive is a folder with `alignments.npz`, or `alignments.NAME.npz` for each of several writers. Arrays of
all utterances stand end to end, so that thousands of alignments load in milliseconds.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, Iterable, List, NamedTuple, Tuple

import numpy as np

from graphs.archive import Array, check_ends, read_archive, write_archive
from graphs.checks import LARGEST_INT32, check_finite, check_range
from graphs.errors import InputError

_LAYOUT = {
    "utterance_ids": Array(np.str_, ("utterances",)), "frame_ends": Array(np.int64, ("utterances",)),
    "transition_ids": Array(np.int32, ("frames",)), "log_likelihoods": Array(np.float64, ("utterances",)),
    "word_ends": Array(np.int64, ("utterances",)), "words": Array(np.int32, ("words", 3)),
    "frame_shift": Array(np.float64, ("utterances",)),
}


class Segment(NamedTuple):
    """A phone or a word: label is its phone_id or word_id, num_frames are its frames."""

    label: int
    start_frame: int
    num_frames: int


@dataclass(frozen=True)
class Alignment:
    """The HMM path of an utterance.

    Attributes:
      utterance_id: as in the features.
      transition_ids: ``[T]`` int32 numpy array, a transition_id for each frame.
      log_likelihood_per_frame: score of the path divided by T.
      words: segments labelled with word_ids, in the order of time, without silence.
      frame_shift: seconds.
    """

    utterance_id: str
    transition_ids: np.ndarray
    log_likelihood_per_frame: float
    words: Tuple[Segment, ...] = field(default=())
    frame_shift: float = 0.01

    @property
    def num_frames(self) -> int:
        return len(self.transition_ids)

    def pdf_ids(self, transitions) -> np.ndarray:
        """``[T]`` pdf_id of each frame; transitions: graphs.hmm.transitions.TransitionModel.

        Raises InputError for transition_ids that the model lacks.
        """
        return self._of_model(transitions.pdf_id)[self.transition_ids]

    def _of_model(self, array) -> np.ndarray:
        """An array of the transition model, when it has an entry for every transition_id of the path."""
        check_range(f"alignment of {self.utterance_id}, transition_ids", self.transition_ids, 0, len(array))
        return np.asarray(array)


def phone_segments(alignment: Alignment, transitions) -> List[Segment]:
    """The phones of an alignment, silence among them.

    A phone starts where a transition leaves HMM state 0 forwards: state 0 is entered only with the phone, and
    the self-loops of a state follow its forward transition (graphs/hmm/topology.py; Kaldi's `reorder`,
    hmm/hmm-utils.cc SplitToPhones).

    Args:
      transitions: graphs.hmm.transitions.TransitionModel (arrays is_phone_start, phone_id).
    Raises: InputError for transition_ids that the model lacks.
    """
    transition_ids = alignment.transition_ids
    if len(transition_ids) == 0:
        return []
    begins = alignment._of_model(transitions.is_phone_start)[transition_ids]
    begins[0] = True  # a partial path may begin inside a phone
    starts = np.flatnonzero(begins)
    ends = np.append(starts[1:], len(transition_ids))
    phone_ids = np.asarray(transitions.phone_id)[transition_ids[starts]]
    return [Segment(int(p), int(s), int(e - s)) for p, s, e in zip(phone_ids, starts, ends)]


def write_alignments(folder: Path, alignments: Iterable[Alignment], name: str = "") -> Path:
    """Writes an archive (or its part `name`) and returns the file, which appears only when it is whole."""
    items = list(alignments)
    words = [segment for item in items for segment in item.words]
    arrays = {
        "utterance_ids": [item.utterance_id for item in items],
        "frame_ends": np.cumsum([item.num_frames for item in items], dtype=np.int64),
        "transition_ids": np.concatenate([np.zeros(0, np.int32)] + [
            np.asarray(item.transition_ids, dtype=np.int32) for item in items]),
        "log_likelihoods": [item.log_likelihood_per_frame for item in items],
        "word_ends": np.cumsum([len(item.words) for item in items], dtype=np.int64),
        "words": np.array(words, dtype=np.int32).reshape(-1, 3),
        "frame_shift": [item.frame_shift for item in items],
    }
    path = Path(folder) / (f"alignments.{name}.npz" if name else "alignments.npz")
    write_archive(path, _LAYOUT, arrays)
    return path


def read_alignments(folder: Path) -> Dict[str, Alignment]:
    """utterance_id -> Alignment, over all parts of the archive.

    Raises InputError when there is no archive, when a file is damaged, or when two parts hold the same
    utterance.
    """
    paths = sorted(Path(folder).glob("alignments*.npz"))
    if not paths:
        raise InputError(str(folder), "alignments.npz", "none")
    found: Dict[str, Alignment] = {}
    for path in paths:
        for alignment in _read_part(path):
            if alignment.utterance_id in found:
                raise InputError(f"{path}: {alignment.utterance_id}", "each utterance once", "two alignments")
            found[alignment.utterance_id] = alignment
    return found


def _read_part(path: Path) -> List[Alignment]:
    arrays = read_archive(path, _LAYOUT)
    check_ends(f"{path}, frame_ends", arrays["frame_ends"], len(arrays["transition_ids"]))
    check_ends(f"{path}, word_ends", arrays["word_ends"], len(arrays["words"]))
    check_range(f"{path}, transition_ids", arrays["transition_ids"], 1, LARGEST_INT32)
    check_range(f"{path}, words", arrays["words"].ravel(), 0, LARGEST_INT32)
    check_finite(f"{path}, frame_shift", arrays["frame_shift"])
    frames = np.split(arrays["transition_ids"], arrays["frame_ends"][:-1])
    words = np.split(arrays["words"], arrays["word_ends"][:-1])
    return [
        Alignment(str(utterance_id), frames[i], float(arrays["log_likelihoods"][i]),
                  tuple(Segment(*map(int, row)) for row in words[i]), float(arrays["frame_shift"][i]))
        for i, utterance_id in enumerate(arrays["utterance_ids"])]
