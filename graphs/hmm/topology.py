"""HMM topologies as data, in Kaldi's topo text format (Kaldi hmm/hmm-topology.h).

A topology gives each phone its emitting states 0, 1, ... and one non-emitting final state. Each emitting
state has a pdf class for its self-loop and one for its forward transitions (the same one, but for chain
topologies), and transitions with initial probabilities.

State 0 is entered only when the phone is entered (its own self-loop apart), so that a forward
transition out of state 0 marks the start of a phone in any alignment.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Dict, Iterable, List, Sequence, Tuple

from graphs.errors import InputError
from graphs.ids import LARGEST_ID
from graphs.text_file import read_text, to_float, to_int


@dataclass(frozen=True)
class HmmState:
    """transitions: (next state, initial probability); a self-loop, if any, comes first."""

    forward_pdf_class: int
    self_loop_pdf_class: int
    transitions: Tuple[Tuple[int, float], ...]


HmmEntry = Tuple[HmmState, ...]  # the emitting states; the final state's number is their count


@dataclass(frozen=True)
class TopologyOptions:
    speech: str = field(default="3state", metadata={
        "help": "topology of speech phones: 3state, chain (1 state, own pdf for the self-loop), "
                "1state .. 9state (left to right)"})
    silence: str = field(default="3state", metadata={
        "help": "topology of silence phones: as for speech, or silence5 (Kaldi's 5 states, ergodic inside)"})

    def __post_init__(self):
        for name in (self.speech, self.silence):
            named_entry(name)


def left_to_right(num_states: int, self_loop: float = 0.75) -> HmmEntry:
    """Bakis states without skips."""
    return tuple(HmmState(s, s, ((s, self_loop), (s + 1, 1.0 - self_loop))) for s in range(num_states))


def chain_entry() -> HmmEntry:
    """Kaldi's chain topology: one state, one frame at least, the self-loop with a pdf of its own."""
    return (HmmState(0, 1, ((0, 0.5), (1, 0.5))),)


def silence_entry(num_states: int = 5) -> HmmEntry:
    """Kaldi's silence topology (utils/gen_topo.pl): any order of the inner states, then the last one."""
    inner = num_states - 1
    first = HmmState(0, 0, tuple((s, 1.0 / inner) for s in range(inner)))
    states = [first]
    for s in range(1, inner):
        targets = [s] + [t for t in range(1, num_states) if t != s]
        states.append(HmmState(s, s, tuple((t, 1.0 / inner) for t in targets)))
    last = num_states - 1
    states.append(HmmState(last, last, ((last, 0.75), (last + 1, 0.25))))
    return tuple(states)


def named_entry(name: str) -> HmmEntry:
    """The entry of a name in TopologyOptions. Raises ValueError for an unknown name."""
    if name == "chain":
        return chain_entry()
    if name == "silence5":
        return silence_entry()
    if len(name) == 6 and name[0] in "123456789" and name[1:] == "state":
        return left_to_right(int(name[0]))
    raise ValueError(f"topology: expected 1state to 9state, chain or silence5, found {name!r}")


class Topology:
    """The HMM of each phone."""

    def __init__(self, entry_of: Dict[int, HmmEntry], name: str = "topology"):
        """
        Args:
          entry_of: phone_id -> entry.
          name: for messages.
        Raises: InputError for an entry that cannot be an HMM.
        """
        self.entry_of = dict(sorted(entry_of.items()))
        for phone_id, entry in self.entry_of.items():
            if not 0 < phone_id <= LARGEST_ID:
                raise InputError(name, f"phone_ids of 1 to {LARGEST_ID}", str(phone_id))
            _check_entry(f"{name}, phone {phone_id}", entry)

    @classmethod
    def make(cls, options: TopologyOptions, nonsilence: Iterable[int], silence: Iterable[int]) -> "Topology":
        speech_entry, silence_phone_entry = named_entry(options.speech), named_entry(options.silence)
        entries = {phone_id: speech_entry for phone_id in nonsilence}
        entries.update({phone_id: silence_phone_entry for phone_id in silence})
        return cls(entries)

    @property
    def phone_ids(self) -> List[int]:
        return list(self.entry_of)

    def entry(self, phone_id: int) -> HmmEntry:
        return self.entry_of[phone_id]

    def num_pdf_classes(self, phone_id: int) -> int:
        return 1 + max(max(s.forward_pdf_class, s.self_loop_pdf_class) for s in self.entry_of[phone_id])

    def min_frames(self, phone_id: int) -> int:
        """Fewest frames that the phone can take: the shortest way from state 0 to the final state."""
        entry = self.entry_of[phone_id]
        length = {0: 0}
        queue = [0]
        for state in queue:
            for target, _ in entry[state].transitions if state < len(entry) else ():
                if target not in length:
                    length[target] = length[state] + 1
                    queue.append(target)
        return length[len(entry)]

    def __eq__(self, other) -> bool:
        return isinstance(other, Topology) and self.entry_of == other.entry_of

    def to_text(self) -> str:
        lines = ["<Topology>"]
        groups: Dict[HmmEntry, List[int]] = {}
        for phone_id, entry in self.entry_of.items():
            groups.setdefault(entry, []).append(phone_id)
        for entry, phone_ids in groups.items():
            lines += ["<TopologyEntry>", "<ForPhones>", " ".join(map(str, phone_ids)), "</ForPhones>"]
            for number, state in enumerate(entry):
                if state.forward_pdf_class == state.self_loop_pdf_class:
                    pdf = f"<PdfClass> {state.forward_pdf_class}"
                else:
                    pdf = (f"<ForwardPdfClass> {state.forward_pdf_class} "
                           f"<SelfLoopPdfClass> {state.self_loop_pdf_class}")
                arcs = " ".join(f"<Transition> {target} {p:.9g}" for target, p in state.transitions)
                lines.append(f"<State> {number} {pdf} {arcs} </State>")
            lines += [f"<State> {len(entry)} </State>", "</TopologyEntry>"]
        return "\n".join(lines + ["</Topology>"]) + "\n"

    def write(self, path) -> None:
        Path(path).write_text(self.to_text(), encoding="utf-8")

    @classmethod
    def read(cls, path) -> "Topology":
        return cls.from_text(read_text(path), str(path))

    @classmethod
    def from_text(cls, text: str, name: str = "topo") -> "Topology":
        """Raises InputError that names the token where the text leaves Kaldi's format."""
        return cls(_Parser(text.split(), name).parse(), name)


class _Parser:
    def __init__(self, tokens: Sequence[str], name: str):
        self.tokens, self.name, self.at = tokens, name, 0

    def next(self, expected: str = "") -> str:
        token = self.peek()
        self.at += 1
        if expected and token != expected:
            raise InputError(f"{self.name}, token {self.at}", expected, token)
        return token

    def number(self, parse: Callable = to_int):
        token = self.next()
        try:
            return parse(token)
        except ValueError:
            kind = "a whole number" if parse is to_int else "a number"
            raise InputError(f"{self.name}, token {self.at}", kind, token[:40]) from None

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else "the end"

    def parse(self) -> Dict[int, HmmEntry]:
        entries: Dict[int, HmmEntry] = {}
        self.next(expected="<Topology>")
        while self.peek() != "</Topology>":
            self.next(expected="<TopologyEntry>")
            self.next(expected="<ForPhones>")
            phone_ids = []
            while self.peek() != "</ForPhones>":
                phone_ids.append(self.number())
            self.next()
            states = []
            while self.peek() != "</TopologyEntry>":
                states.append(self._state(len(states)))
            self.next()
            if not states or states[-1] is not None or None in states[:-1]:
                raise InputError(f"{self.name}, token {self.at}", "one final state without pdf, the last", "other")
            for phone_id in phone_ids:
                if phone_id in entries:
                    raise InputError(f"{self.name}", f"phone {phone_id} in one entry", "two entries")
                entries[phone_id] = tuple(states[:-1])
        self.next()
        if self.at < len(self.tokens):
            raise InputError(f"{self.name}, token {self.at + 1}", "the end", self.peek())
        return entries

    def _state(self, number: int):
        self.next(expected="<State>")
        self.next(expected=str(number))
        if self.peek() == "</State>":
            self.next()
            return None
        if self.peek() == "<PdfClass>":
            self.next()
            forward = self_loop = self.number()
        else:
            self.next(expected="<ForwardPdfClass>")
            forward = self.number()
            self.next(expected="<SelfLoopPdfClass>")
            self_loop = self.number()
        transitions = []
        while self.peek() != "</State>":
            self.next(expected="<Transition>")
            transitions.append((self.number(), self.number(to_float)))
        self.next()
        transitions.sort(key=lambda t: t[0] != number)  # the self-loop first
        return HmmState(forward, self_loop, tuple(transitions))


def _check_entry(item: str, entry: HmmEntry) -> None:
    if not entry:
        raise InputError(item, "at least one emitting state", "none")
    for number, state in enumerate(entry):
        targets = [target for target, _ in state.transitions]
        if len(set(targets)) != len(targets) or not all(0 <= t <= len(entry) for t in targets):
            raise InputError(f"{item}, state {number}", "distinct transitions to existing states", str(targets))
        if number != 0 and 0 in targets:
            raise InputError(f"{item}, state {number}", "no transition back to state 0", "one")
        if targets[:1] == [number] and len(targets) == 1 or not targets:
            raise InputError(f"{item}, state {number}", "a transition out of the state", "none")
        if not all(0 < p <= 1.0001 for _, p in state.transitions):
            raise InputError(f"{item}, state {number}", "probabilities above 0 and at most 1", str(state.transitions))
    reached = {0}
    for _ in entry:
        reached |= {t for s in reached if s < len(entry) for t, _ in entry[s].transitions}
    if reached != set(range(len(entry) + 1)):
        raise InputError(item, "all states reachable from state 0", f"only {sorted(reached)}")
    classes = {c for s in entry for c in (s.forward_pdf_class, s.self_loop_pdf_class)}
    if classes != set(range(len(classes))):
        raise InputError(item, "pdf classes 0, 1, ... without a gap", str(sorted(classes)))
