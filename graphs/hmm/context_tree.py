"""Lookup of pdf_ids in a phonetic decision tree (Kaldi tree/context-dep.h). No training code here.

The tree asks about keys: ``PDF_CLASS`` is the pdf class of the HMM state, ``0 .. width - 1`` are the
phones of the context window. The text format is Kaldi's (`tree-info`, `copy-tree --binary=false`).
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, FrozenSet, Iterable, Iterator, Optional, Sequence, Set, Tuple, Union

from graphs.errors import InputError
from graphs.hmm.topology import Topology
from graphs.text_file import read_text, to_int

PDF_CLASS = -1  # Kaldi's kPdfClass
WIDEST = 15  # phones of context; Kaldi's recipes take 1 to 5
NO_PHONE = 0  # fills the window before the first and after the last phone


@dataclass(frozen=True)
class Leaf:
    pdf_id: int


@dataclass(frozen=True)
class Table:
    """Branches by the value of a key."""

    key: int
    branches: Tuple[Optional["Node"], ...]


@dataclass(frozen=True)
class Split:
    """Is the key's value one of `values`?"""

    key: int
    values: FrozenSet[int]
    yes: "Node"
    no: "Node"


Node = Union[Leaf, Table, Split]


class ContextTree:
    """Maps a window of phones and a pdf class to a pdf_id.

    Attributes:
      context_width: phones in the window (1 monophone, 2 left biphone, 3 triphone).
      central_position: where in the window the phone itself stands (0 for monophone, 1 for triphone).
    """

    def __init__(self, context_width: int, central_position: int, root: Node, name: str = "context tree"):
        """name: for messages. Raises InputError for a tree that cannot be one."""
        if not 0 <= central_position < context_width <= WIDEST:
            raise InputError(name, f"a context of 1 to {WIDEST} phones and a central position in it",
                             f"{context_width} and {central_position}")
        self.context_width, self.central_position, self.root = context_width, central_position, root
        pdf_ids = _leaves(root)
        if not pdf_ids or pdf_ids != set(range(len(pdf_ids))):
            raise InputError(name, "pdf_ids 0, 1, ... without a gap", str(sorted(pdf_ids))[:200])
        strange = sorted(_keys(root) - {PDF_CLASS, *range(context_width)})
        if strange:
            raise InputError(name, f"questions about {PDF_CLASS} to {context_width - 1}", str(strange[0]))
        self.num_pdfs = len(pdf_ids)

    @classmethod
    def monophone(cls, topology: Topology) -> "ContextTree":
        """One pdf for each phone and pdf class, numbered in that order."""
        branches = [None] * (max(topology.phone_ids) + 1)
        next_pdf = 0
        for phone_id in topology.phone_ids:
            count = topology.num_pdf_classes(phone_id)
            branches[phone_id] = Table(PDF_CLASS, tuple(Leaf(next_pdf + c) for c in range(count)))
            next_pdf += count
        return cls(1, 0, Table(0, tuple(branches)))

    def pdf_id(self, window: Sequence[int], pdf_class: int) -> int:
        """window: context_width phone_ids. Raises KeyError where the tree has no answer."""
        node = self.root if len(window) == self.context_width else None
        while node is not None and not isinstance(node, Leaf):
            value = pdf_class if node.key == PDF_CLASS else window[node.key]
            if isinstance(node, Split):
                node = node.yes if value in node.values else node.no
            else:
                node = node.branches[value] if 0 <= value < len(node.branches) else None
        if node is None:
            raise KeyError(f"the tree has no pdf for the window {tuple(window)}, pdf class {pdf_class}")
        return node.pdf_id

    def pdf_ids_of(self, phone_id: int, pdf_class: int) -> Set[int]:
        """Every pdf_id that the phone's pdf class has in some context."""
        return _reach(self.root, {self.central_position: phone_id, PDF_CLASS: pdf_class})

    def pdf_pairs_of(self, phone_id: int, pdf_class: int, other_class: int, phone_ids: Iterable[int]
                     ) -> Set[Tuple[int, int]]:
        """The pdf_ids of two pdf classes that the phone has in one and the same context (Kaldi EnumeratePairs).

        Args:
          phone_ids: that may stand beside it, NO_PHONE apart.
        """
        around = frozenset({NO_PHONE, *phone_ids})
        first, second = ({self.central_position: frozenset({phone_id}), PDF_CLASS: frozenset({one})}
                         for one in (pdf_class, other_class))
        return {(pdf_id, other) for pdf_id, seen in _contexts(self.root, first, around)
                for other, _ in _contexts(self.root, {**seen, **second}, around)}

    def to_text(self) -> str:
        return (f"ContextDependency {self.context_width} {self.central_position} ToPdf "
                f"{_node_text(self.root)} EndContextDependency\n")

    def fingerprint(self) -> str:
        """Hash of the tree."""
        return hashlib.sha256(self.to_text().encode()).hexdigest()[:16]

    def write(self, path) -> None:
        Path(path).write_text(self.to_text(), encoding="utf-8")

    @classmethod
    def read(cls, path) -> "ContextTree":
        return cls.from_text(read_text(path), str(path))

    @classmethod
    def from_text(cls, text: str, name: str = "tree") -> "ContextTree":
        """Raises InputError when the text is no such tree."""
        for mark in "()[]{}":
            text = text.replace(mark, f" {mark} ")
        tokens = iter(text.split())
        try:
            _expect(tokens, "ContextDependency")
            width, central = to_int(next(tokens)), to_int(next(tokens))
            _expect(tokens, "ToPdf")
            tree = cls(width, central, _parse_node(tokens), name)
            _expect(tokens, "EndContextDependency")
        except (StopIteration, ValueError) as error:
            raise InputError(name, "a tree in Kaldi's text format", str(error) or "the end of the file") from None
        except RecursionError:
            raise InputError(name, "a tree in Kaldi's text format", "questions too deep inside each other") from None
        more = next(tokens, None)
        if more is not None:
            raise InputError(name, "nothing after EndContextDependency", more)
        return tree


def _leaves(node: Optional[Node]) -> Set[int]:
    return _reach(node, {})


def _keys(node: Optional[Node]) -> Set[int]:
    """What the tree asks about."""
    if isinstance(node, Table):
        return _union(map(_keys, node.branches)) | {node.key}
    return _keys(node.yes) | _keys(node.no) | {node.key} if isinstance(node, Split) else set()


def _reach(node: Optional[Node], event: Dict[int, int]) -> Set[int]:
    """The leaves that agree with what the event says; a key it lacks may have any value."""
    if node is None:
        return set()
    if isinstance(node, Leaf):
        return {node.pdf_id}
    known = event.get(node.key)
    if isinstance(node, Table):
        if known is None:
            return _union(_reach(branch, event) for branch in node.branches)
        return _reach(node.branches[known], event) if 0 <= known < len(node.branches) else set()
    if known is None:
        return _reach(node.yes, event) | _reach(node.no, event)
    return _reach(node.yes if known in node.values else node.no, event)


def _contexts(node: Optional[Node], known: Dict[int, FrozenSet[int]], around: FrozenSet[int]
              ) -> Iterator[Tuple[int, Dict[int, FrozenSet[int]]]]:
    """Each leaf that a context can reach: its pdf_id, and for each key that was asked about the values that lead there.

    known: the values that keys may have; a key that it lacks may have any of `around`.
    """
    if isinstance(node, Leaf):
        yield node.pdf_id, known
    elif node is not None:
        values = known.get(node.key, around)
        if isinstance(node, Table):
            ways = [(frozenset({value}), node.branches[value]) for value in sorted(values)
                    if 0 <= value < len(node.branches)]
        else:
            ways = [(values & node.values, node.yes), (values - node.values, node.no)]
        for part, child in ways:
            if part:
                yield from _contexts(child, {**known, node.key: part}, around)


def _union(sets: Iterable[Set[int]]) -> Set[int]:
    return set().union(*sets)


def _node_text(node: Optional[Node]) -> str:
    if node is None:
        return "NULL"
    if isinstance(node, Leaf):
        return f"CE {node.pdf_id}"
    if isinstance(node, Table):
        return f"TE {node.key} {len(node.branches)} ( {' '.join(map(_node_text, node.branches))} )"
    values = " ".join(map(str, sorted(node.values)))
    return f"SE {node.key} [ {values} ] {{ {_node_text(node.yes)} {_node_text(node.no)} }}"


def _expect(tokens, expected: str) -> None:
    token = next(tokens)
    if token != expected:
        raise ValueError(f"{token} where {expected} should stand")


def _parse_node(tokens) -> Optional[Node]:
    kind = next(tokens)
    if kind == "NULL":
        return None
    if kind == "CE":
        return Leaf(to_int(next(tokens)))
    if kind == "TE":
        key, size = to_int(next(tokens)), to_int(next(tokens))
        _expect(tokens, "(")
        branches = []
        for _ in range(size):
            branches.append(_parse_node(tokens))
        _expect(tokens, ")")
        return Table(key, tuple(branches))
    if kind == "SE":
        key, values = to_int(next(tokens)), set()
        _expect(tokens, "[")
        for token in tokens:
            if token == "]":
                break
            values.add(to_int(token))
        _expect(tokens, "{")
        node = Split(key, frozenset(values), _parse_node(tokens), _parse_node(tokens))
        _expect(tokens, "}")
        return node
    raise ValueError(f"{kind} where CE, TE, SE or NULL should stand")
