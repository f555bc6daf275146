"""Kaldi's text form of lattices, as `lattice-copy ark:- ark,t:-` writes it (lat/kaldi-lattice.cc).

    UTTERANCE
    src dst word graph_cost,acoustic_cost,1_1_2     CompactLattice: transition_ids joined by `_`
    src dst transition_id word graph_cost,acoustic_cost     Lattice
    state [weight]                                  a final state
                                                    an empty line

The first state is the start. Costs are negative logs, acoustic ones without scale; a weight of no cost may be left out.
The form does not tell whether the search reached the end of its graph (`partial`). Our lattices have one final state:
where a text has several, or one with a weight, arcs without words lead from them to another state.
"""

from heapq import heappop, heappush
from typing import Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np

from graphs.errors import InputError, naming
from graphs.lang.symbols import SymbolTable
from graphs.lattices.base import BaseLattice
from graphs.lattices.compact_lattice import CompactLattice
from graphs.lattices.lattice import Lattice
from graphs.text_file import DAMAGED_GZIP, check_characters, decode, open_bytes, split_blanks, to_float, to_int

FORM = "`src dst word g,a,ids`, `src dst id word g,a`, `state` or `state weight`"
LARGEST = 2 ** 31 - 2


class _Arc(NamedTuple):
    line: int
    src: int
    dst: int
    transition_ids: Tuple[int, ...]
    word_id: int
    graph: float
    acoustic: float


class Block(NamedTuple):
    """The lines of an utterance; each with its number."""

    utterance_id: str
    line: int
    lines: List[Tuple[int, str]]


def to_kaldi_text(lattice: Union[Lattice, CompactLattice], words: Optional[Sequence[str]] = None) -> str:
    """Scores are written so that reading gives the same float32.

    Args:
      words: symbols by word_id; None writes the ids.
    Raises: InputError for word_ids without a symbol.
    """
    if words is not None:
        lattice.check_words(len(words))
    order = np.argsort(lattice.src, kind="stable")
    graph, acoustic = (_costs(column[order]) for column in (lattice.graph, lattice.acoustic))
    if isinstance(lattice, CompactLattice):
        ids = np.split(lattice.frame_entries(order).transition_ids, np.cumsum(lattice.arc_frames[order])[:-1])
        weights = [f"{g},{a},{'_'.join(map(str, one.tolist()))}" for g, a, one in zip(graph, acoustic, ids)]
        inputs, free = [""] * len(order), "0,0,"
    else:
        weights, free = [f"{g},{a}" for g, a in zip(graph, acoustic)], "0,0"
        inputs = [f"{label}\t" for label in lattice.transition_id[order].tolist()]
    labels = lattice.word_id[order].tolist()
    labels = labels if words is None else [words[label] for label in labels]
    lines = [f"{src}\t{dst}\t{i}{label}" + (f"\t{weight}" if weight != free else "") for src, dst, i, label, weight in
             zip(lattice.src[order].tolist(), lattice.dst[order].tolist(), inputs, labels, weights)]
    return "\n".join([f"{lattice.utterance_id} ", *lines, str(lattice.num_states - 1)]) + "\n\n"


def _costs(scores: np.ndarray) -> List[str]:
    """The shortest texts that read as the same float32."""
    return [text[:-2] if text.endswith(".0") else text for text in (0.0 - scores).astype(str).tolist()]


def read_kaldi_text(path, words: Optional[SymbolTable] = None) -> Iterator[BaseLattice]:
    """The lattices of a text, plain or gzip-compressed, one utterance in memory at a time.

    Args:
      words: where the text has symbols; None: it has word_ids.
    Raises: InputError that names the line.
    """
    for block in blocks(path):
        yield lattice_of(path, block, words)


def blocks(path) -> Iterator[Block]:
    """The utterances' lines."""
    block = None
    with open_bytes(path) as stream:
        try:
            for number, raw in enumerate(stream, 1):
                item = f"{path}:{number}"
                text = decode(item, raw[3:] if number == 1 and raw.startswith(b"\xef\xbb\xbf") else raw)
                text = text.rstrip("\r\n")
                check_characters(item, text)
                fields = split_blanks(text)
                if block is not None and fields:
                    block.lines.append((number, text))
                elif len(fields) > 1:
                    raise InputError(item, "an utterance alone, after an empty line", repr(text[:80]))
                elif fields:
                    block = Block(fields[0], number, [])
                elif block is not None:
                    yield block
                    block = None
        except DAMAGED_GZIP as error:
            raise InputError(str(path), "a whole gzip file", str(error)) from None
    if block is not None:
        yield block


def lattice_of(path, block: Block, words: Optional[SymbolTable] = None) -> BaseLattice:
    """Raises: InputError that names the line, or the utterance where its lattice is none."""
    item = f"{path}:{block.line}: lattice {block.utterance_id}"
    is_compact = _is_compact(block.lines)
    arcs, finals = _parse(path, block.lines, is_compact, words)
    if not finals:
        raise InputError(item, "a final state", "none" if arcs else "an empty lattice")
    final, *others = finals
    start = arcs[0].src if arcs and arcs[0].line == block.lines[0][0] else final.src
    end = 1 + max(state for arc in (*arcs, *finals) for state in (arc.src, arc.dst))
    if not others and not any(final[3:]) and not any(arc.src == final.src for arc in arcs):
        end = final.src
    else:
        arcs += [one._replace(dst=end) for one in finals]
    arcs = _useful(arcs, start, end)
    if not arcs:
        raise InputError(item, "an arc on a path from start to end", "none")
    number = _numbering(path, arcs)
    with naming(f"{path}:{block.line}"):
        return _build(block.utterance_id, arcs, number, is_compact)


def _is_compact(lines: Sequence[Tuple[int, str]]) -> bool:
    """Told by the parts of a weight, or by 3 fields; 4 may be either."""
    for _, line in lines:
        fields = split_blanks(line)
        if len(fields) == 3:
            return True
        if "," in fields[-1]:
            return fields[-1].count(",") == 2
    return False


def _parse(path, lines: Sequence[Tuple[int, str]], is_compact: bool, words: Optional[SymbolTable]):
    """Arcs, and finals as arcs from the state to itself."""
    arcs: List[_Arc] = []
    finals: Dict[int, _Arc] = {}
    for number, line in lines:
        fields = split_blanks(line)
        try:
            if len(fields) <= 2:
                state = _number(fields[0])
                final = _Arc(number, state, state, *_weight(fields[1:], is_compact, 0))
                if finals.setdefault(state, final) is not final:
                    raise ValueError(f"state {state}, which was final before")
                continue
            used = 3 if is_compact else 4
            if not used <= len(fields) <= used + 1:
                raise ValueError(f"{len(fields)} fields")
            label = _word(fields[used - 1], words)
            columns = _weight(fields[used:], is_compact, label)
            if not is_compact:
                columns = (tuple(filter(None, [_number(fields[2])])), *columns[1:])
            arcs.append(_Arc(number, _number(fields[0]), _number(fields[1]), *columns))
        except ValueError as error:
            raise InputError(f"{path}:{number}", FORM, f"{line[:80]!r} ({error})") from None
    return arcs, list(finals.values())


def _number(text: str) -> int:
    value = to_int(text)
    if not 0 <= value <= LARGEST:
        raise ValueError(f"{text}, which is no state or id")
    return value


def _word(text: str, words: Optional[SymbolTable]) -> int:
    if words is None:
        return _number(text)
    if text not in words:
        raise ValueError(f"{text!r}, a word that is not in the table")
    return words.id_of(text)


def _weight(fields: Sequence[str], is_compact: bool, word_id: int) -> Tuple:
    """The columns of _Arc after src and dst; transition_ids where the weight holds them."""
    if not fields:
        return (), word_id, 0.0, 0.0
    (weight,) = fields
    parts = weight.split(",")
    if len(parts) != 2 + is_compact:
        raise ValueError(f"the weight {weight[:80]!r}")
    ids = tuple(map(_number, parts[2].split("_"))) if is_compact and parts[2] else ()
    if not all(ids):
        raise ValueError("a transition_id 0")
    costs = [to_float(part) for part in parts[:2]]
    if max(map(abs, costs)) > np.finfo(np.float32).max:
        raise ValueError(f"the weight {weight[:80]!r}")
    return (ids, word_id, *(0.0 - cost for cost in costs))


def _useful(arcs: Sequence[_Arc], start: int, end: int) -> List[_Arc]:
    """Those on paths from start to end."""
    reached = _reached([(arc.src, arc.dst) for arc in arcs], start) & _reached([(a.dst, a.src) for a in arcs], end)
    return [arc for arc in arcs if arc.src in reached and arc.dst in reached]


def _reached(pairs: Iterable[Tuple[int, int]], first: int) -> set:
    following: Dict[int, List[int]] = {}
    for src, dst in pairs:
        following.setdefault(src, []).append(dst)
    reached, waiting = {first}, [first]
    while waiting:
        new = set(following.get(waiting.pop(), ())) - reached
        reached |= new
        waiting += new
    return reached


def _numbering(path, arcs: Sequence[_Arc]) -> Dict[int, int]:
    """State -> its place in the topological order that changes the text's order least."""
    following: Dict[int, List[int]] = {}
    ways_in: Dict[int, int] = {}
    for arc in arcs:
        following.setdefault(arc.src, []).append(arc.dst)
        ways_in[arc.dst] = ways_in.get(arc.dst, 0) + 1
        ways_in.setdefault(arc.src, 0)
    ready = [state for state, number in ways_in.items() if number == 0]
    number: Dict[int, int] = {}
    while ready:
        state = heappop(ready)
        number[state] = len(number)
        for dst in following.get(state, ()):
            ways_in[dst] -= 1
            if ways_in[dst] == 0:
                heappush(ready, dst)
    if len(number) < len(ways_in):
        line = next(arc.line for arc in arcs if arc.dst not in number)
        raise InputError(f"{path}:{line}", "a lattice without cycles", "an arc that leads into one")
    return number


def _build(utterance_id: str, arcs: Sequence[_Arc], number: Dict[int, int], is_compact: bool) -> BaseLattice:
    _, src, dst, ids, word_id, graph, acoustic = zip(*arcs)
    columns = dict(src=[number[state] for state in src], dst=[number[state] for state in dst], word_id=word_id,
                   acoustic=np.array(acoustic), graph=np.array(graph))
    if is_compact:
        columns.update(transition_ids=np.array([i for one in ids for i in one], np.int32),
                       ends=np.cumsum([len(one) for one in ids]))
    else:
        columns.update(transition_id=[one[0] if one else 0 for one in ids])
    lattice = (CompactLattice if is_compact else Lattice)(utterance_id, 0, **columns)
    lattice.num_frames = int(lattice.state_frames()[-1])
    lattice.check()
    return lattice
