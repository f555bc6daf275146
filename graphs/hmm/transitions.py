"""The transition model: transition_ids, what each stands for, and their probabilities.

Ids and file format as in Kaldi (hmm/transition-model.h). A *transition state* (1-based) is a phone, an
HMM state of its topology and the pdf_ids of that state in some context; a *transition_id* (1-based, it
stands on FSTs) is one arc out of a transition state. Several transition_ids share a pdf_id.

Alignments and graphs keep Kaldi's "reordered" convention: on entering an HMM state its forward
transition_id stands first, its self-loops follow. A phone therefore starts at each frame whose
transition_id is a forward one of HMM state 0.
"""

import hashlib
from pathlib import Path
from typing import List, NamedTuple, Sequence, Tuple

import numpy as np

from graphs.errors import InputError
from graphs.hmm.context_tree import ContextTree
from graphs.hmm.topology import Topology
from graphs.ids import LARGEST_ID
from graphs.text_file import read_text, to_float, to_int


_MARKS = ("<TransitionModel>", "</Topology>", "<Tuples>", "</Tuples>", "<LogProbs>", "[", "]", "</LogProbs>",
          "</TransitionModel>")


class TransitionState(NamedTuple):
    phone_id: int
    hmm_state: int
    forward_pdf_id: int
    self_loop_pdf_id: int


class TransitionModel:
    """Arrays indexed by transition_id; entry 0 is unused (-1, or 0 for log_prob).

    Attributes:
      topology: Topology.
      states: list of TransitionState; transition state s is ``states[s - 1]``.
      transition_state, phone_id, hmm_state, pdf_id, next_state: ``[num_transition_ids + 1]`` int32.
      is_self_loop, is_phone_start: the same, bool.
      log_prob: the same, float32, natural log; sums to one over each transition state.
      num_pdfs, num_transition_ids: int.
    """

    def __init__(self, topology: Topology, states: Sequence[TransitionState]):
        self.topology, self.states = topology, list(states)
        rows = [(-1, -1, -1, -1, -1, False)]
        log_prob: List[float] = [0.0]
        for number, state in enumerate(self.states, 1):
            entry = topology.entry(state.phone_id)[state.hmm_state]
            total = sum(p for _, p in entry.transitions)
            for target, p in entry.transitions:
                loop = target == state.hmm_state
                pdf_id = state.self_loop_pdf_id if loop else state.forward_pdf_id
                rows.append((number, state.phone_id, state.hmm_state, pdf_id, target, loop))
                log_prob.append(np.log(p / total))
        columns = [np.array(column) for column in zip(*rows)]
        self.transition_state, self.phone_id, self.hmm_state, self.pdf_id, self.next_state = (
            column.astype(np.int32) for column in columns[:5])
        self.is_self_loop = columns[5].astype(bool)
        self.is_phone_start = (self.hmm_state == 0) & ~self.is_self_loop
        self.log_prob = np.array(log_prob, dtype=np.float32)
        self.num_transition_ids = len(rows) - 1
        self.num_pdfs = 1 + max(max(s.forward_pdf_id, s.self_loop_pdf_id) for s in self.states)
        self._first = np.searchsorted(self.transition_state[1:], np.arange(1, len(self.states) + 2)) + 1
        self._number_of = {state: number for number, state in enumerate(self.states, 1)}

    @classmethod
    def from_tree(cls, tree: ContextTree, topology: Topology) -> "TransitionModel":
        """Every transition state that some context of some phone can have."""
        states = []
        for phone_id in topology.phone_ids:
            for hmm_state, entry in enumerate(topology.entry(phone_id)):
                classes = entry.forward_pdf_class, entry.self_loop_pdf_class
                if classes[0] == classes[1]:
                    pairs = {(pdf_id, pdf_id) for pdf_id in tree.pdf_ids_of(phone_id, classes[0])}
                else:
                    pairs = tree.pdf_pairs_of(phone_id, *classes, topology.phone_ids)
                if not pairs:
                    raise InputError(f"phone {phone_id}, HMM state {hmm_state}", "a pdf in the tree", "none")
                states += [TransitionState(phone_id, hmm_state, *pair) for pair in sorted(pairs)]
        return cls(topology, states)

    def state_number(self, state: TransitionState) -> int:
        """The 1-based transition state. KeyError if the model lacks it."""
        return self._number_of[state]

    def transition_ids_of(self, state_number: int) -> range:
        """The transition_ids of a transition state, in the order of the topology's transitions."""
        return range(int(self._first[state_number - 1]), int(self._first[state_number]))

    def self_loops(self) -> np.ndarray:
        """``[num_states + 1]`` int32: transition state -> its self-loop's transition_id, or 0."""
        loops = np.zeros(len(self.states) + 1, dtype=np.int32)
        ids = np.flatnonzero(self.is_self_loop)
        loops[self.transition_state[ids]] = ids
        return loops

    def forward_log_prob(self) -> np.ndarray:
        """``[num_transition_ids + 1]`` float32: log probabilities with the self-loop taken out
        (renormalised); self-loops themselves keep theirs (Kaldi GetTransitionLogProbIgnoringSelfLoops)."""
        leave = self.leave_log_prob()
        result = self.log_prob.copy()
        forward = ~self.is_self_loop
        forward[0] = False
        result[forward] -= leave[self.transition_state[forward]]
        return result

    def leave_log_prob(self) -> np.ndarray:
        """``[num_states + 1]`` float32: log(1 - self-loop probability) of each transition state
        (Kaldi GetNonSelfLoopLogProb)."""
        stay = np.zeros(len(self.states) + 1)
        loops = self.self_loops()
        has_loop = loops > 0
        stay[has_loop] = np.exp(self.log_prob[loops[has_loop]].astype(np.float64))
        return np.log1p(-np.minimum(stay, 1 - 1e-10)).astype(np.float32)

    def fingerprint(self) -> str:
        """Hash of what a graph takes from the model: ids and probabilities."""
        sha = hashlib.sha256(repr(self.states).encode())
        for array in (self.transition_state, self.pdf_id, self.next_state):
            sha.update(array.tobytes())
        sha.update(np.round(self.log_prob, 4).tobytes())
        return sha.hexdigest()[:16]

    def estimate(self, counts: np.ndarray, floor: float = 0.01, min_count: float = 5.0) -> None:
        """Maximum-likelihood update from how often each transition_id occurs in alignments
        (Kaldi TransitionModel::MleUpdate).

        Args:
          counts: ``[num_transition_ids + 1]``.
          floor: smallest probability.
          min_count: a transition state seen less often keeps its probabilities.
        """
        if len(counts) != self.num_transition_ids + 1:
            raise InputError("transition counts", f"{self.num_transition_ids + 1} values", str(len(counts)))
        for number in range(1, len(self.states) + 1):
            ids = np.array(self.transition_ids_of(number))
            total = counts[ids].sum()
            if len(ids) > 1 and total >= min_count:
                p = np.maximum(counts[ids] / total, floor)
                self.log_prob[ids] = np.log(p / p.sum())

    def write(self, path) -> None:
        """Kaldi's text format (`copy-transition-model --binary=false`)."""
        tuples = [" ".join(map(str, state)) for state in self.states]
        log_probs = " ".join(f"{p:.9g}" for p in self.log_prob)
        text = "\n".join(["<TransitionModel>", self.topology.to_text().strip(), f"<Tuples> {len(tuples)}",
                          *tuples, "</Tuples>", "<LogProbs>", f" [ {log_probs} ]", "</LogProbs>",
                          "</TransitionModel>"]) + "\n"
        Path(path).write_text(text, encoding="utf-8")

    @classmethod
    def read(cls, path) -> "TransitionModel":
        """Raises InputError when the file is not such a model."""
        topology_text, tuples, log_probs = _parts(str(path))
        topology = Topology.from_text(topology_text, str(path))
        try:
            number, *values = map(to_int, tuples.split())
            log_prob = np.array([to_float(text) for text in log_probs.split()], dtype=np.float32)
        except ValueError as error:
            raise InputError(str(path), "numbers in Tuples and LogProbs", str(error)) from None
        if len(values) != 4 * number or not number:
            raise InputError(f"{path}, Tuples", f"{number} times 4 numbers, as announced", str(len(values)))
        states = [TransitionState(*values[i:i + 4]) for i in range(0, len(values), 4)]
        _check_states(str(path), states, topology)
        model = cls(topology, states)
        if len(log_prob) != model.num_transition_ids + 1:
            raise InputError(str(path), f"{model.num_transition_ids + 1} log probabilities", str(len(log_prob)))
        if (log_prob > 1e-3).any():
            raise InputError(str(path), "log probabilities of at most 0", f"{log_prob.max():g}")
        model.log_prob = log_prob
        return model


def _parts(path: str) -> Tuple[str, str, str]:
    """Topology, tuples and log probabilities, with nothing else around them."""
    parts, rest = [], read_text(path)
    for mark in _MARKS:
        part, found, rest = rest.partition(mark)
        if not found:
            raise InputError(path, f"a transition model in Kaldi's text format, with {mark} in its place", "none")
        parts.append(part)
    topology, tuples, log_probs = parts[1] + "</Topology>", parts[3], parts[6]
    more = " ".join([parts[0], parts[2], *parts[4:6], *parts[7:], rest]).split()
    if more:
        raise InputError(path, "a transition model in Kaldi's text format and nothing else", more[0][:40])
    return topology, tuples, log_probs


def _check_states(path: str, states: Sequence[TransitionState], topology: Topology) -> None:
    """InputError for a state that the topology does not have."""
    if len(set(states)) != len(states):
        raise InputError(f"{path}, Tuples", "each transition state once", "one of them twice")
    for state in states:
        if not 0 <= state.hmm_state < len(topology.entry_of.get(state.phone_id, ())):
            raise InputError(f"{path}, Tuples", "phones and HMM states of the topology",
                             f"phone {state.phone_id}, state {state.hmm_state}")
        if not (0 <= state.forward_pdf_id <= LARGEST_ID and 0 <= state.self_loop_pdf_id <= LARGEST_ID):
            raise InputError(f"{path}, Tuples", f"pdf_ids of 0 to {LARGEST_ID}",
                             f"{state.forward_pdf_id} and {state.self_loop_pdf_id}")
