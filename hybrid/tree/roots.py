"""Roots of a tree: which phones begin together, and whether their pdf classes do.

The file is Kaldi's roots.txt, a root a line:

    not-shared not-split SIL
    shared split AA_B AA_E AA_I AA_S

`shared`: the pdf classes have one root and may be asked about; `not-shared`: a root each. `not-split`: context is never
asked about. Phones of one line are told apart only where a question about them does it.
"""

from pathlib import Path
from typing import Dict, List, NamedTuple, Sequence, Tuple

from graphs.errors import InputError
from graphs.hmm.topology import Topology
from graphs.text_file import read_lines, split_blanks

_SHARED = {"shared": True, "not-shared": False}
_SPLIT = {"split": True, "not-split": False}


class Root(NamedTuple):
    """phone_ids: in ascending order."""

    phone_ids: Tuple[int, ...]
    shared: bool = True
    split: bool = True


def default_roots(lang) -> List[Root]:
    """The position variants of a phone share a root; silence phones are not split by context.

    Args:
      lang: graphs.lang.lang.Lang.
    """
    groups: Dict[str, List[int]] = {}
    for phone_id in range(1, lang.num_phones + 1):
        groups.setdefault(lang.base_phone(lang.phones.symbol_of(phone_id)), []).append(phone_id)
    return [Root(tuple(ids), *(2 * [not lang.is_silence(ids[0])])) for ids in groups.values()]


def read_roots(path: Path, phones) -> List[Root]:
    """phones: graphs.lang.symbols.SymbolTable. Raises InputError that names a bad line."""
    roots = []
    for number, line in read_lines(path)[0]:
        shared, split, *names = (split_blanks(line) + ["", ""])[:max(2, len(split_blanks(line)))]
        if shared not in _SHARED or split not in _SPLIT or not names:
            raise InputError(f"{path}:{number}", "`shared|not-shared split|not-split PHONE ...`", repr(line))
        unknown = [name for name in names if name not in phones]
        if unknown:
            raise InputError(f"{path}:{number}", "phones of the lang", unknown[0])
        roots.append(Root(tuple(sorted({phones.id_of(name) for name in names})), _SHARED[shared], _SPLIT[split]))
    return roots


def write_roots(path: Path, roots: Sequence[Root], phones) -> None:
    lines = (" ".join(["shared" if root.shared else "not-shared", "split" if root.split else "not-split",
                       *map(phones.symbol_of, root.phone_ids)]) for root in roots)
    Path(path).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def check_roots(roots: Sequence[Root], topology: Topology) -> None:
    """InputError unless each phone of the topology has one root, and phones of a root as many pdf classes."""
    seen: Dict[int, Root] = {}
    for root in roots:
        for phone_id in root.phone_ids:
            if phone_id in seen:
                raise InputError(f"tree roots, phone_id {phone_id}", "one root", "two")
            if phone_id not in topology.entry_of:
                raise InputError(f"tree roots, phone_id {phone_id}", "a phone of the topology", "none")
            seen[phone_id] = root
        classes = {topology.num_pdf_classes(phone_id) for phone_id in root.phone_ids}
        if len(classes) != 1:
            raise InputError(f"tree roots, phone_ids {' '.join(map(str, root.phone_ids))}",
                             "phones with as many pdf classes", " and ".join(map(str, sorted(classes))))
    lacking = sorted(set(topology.phone_ids) - set(seen))
    if lacking:
        raise InputError(f"tree roots, phone_id {lacking[0]}", "a root", "none")
