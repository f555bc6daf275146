"""Questions of a tree: is a phone of the window one of these?

Automatic questions are the sets of a clustering (Kaldi bin/cluster-phones.cc): all phones are cut in two by what their
statistics are worth together, each part again, down to single phones; every part that appears is a question. Phones
are compared by all their pdf classes, state by state. Position variants of a phone stay together; where there are
positions, each of them is a question of its own. So are silence, and silence or the end of the utterance.

A file of questions holds a set of phones a line (Kaldi's questions.txt; questions.int, by phone_id, when it is named
so); `<eps>` is the place before the first and after the last phone.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Dict, FrozenSet, Iterable, List, Sequence, Tuple

import numpy as np

from graphs.errors import InputError
from graphs.hmm.context_tree import NO_PHONE, PDF_CLASS
from graphs.lang.lang import POSITIONS
from graphs.lang.lexicon import BACKOFF
from graphs.text_file import read_lines, split_blanks
from hybrid.tree.stats import EventStats, sum_groups

Question = FrozenSet[int]


@dataclass(frozen=True)
class Questions:
    """
    Attributes:
      phone_sets: asked about each phone of the window.
      num_pdf_classes: of the phone with most; pdf classes are asked whether they are at most c, for each c.
    """

    phone_sets: Tuple[Question, ...]
    num_pdf_classes: int

    def of_key(self, key: int) -> Sequence[Question]:
        """The sets that a value of the key may be asked to be in."""
        if key == PDF_CLASS:
            return [frozenset(range(c + 1)) for c in range(self.num_pdf_classes - 1)]
        return self.phone_sets

    def answers(self, key: int, values: np.ndarray) -> np.ndarray:
        """``[questions, len(values)]`` bool."""
        sets = self.of_key(key)
        top = max([int(values.max(initial=0)), *(max(one, default=0) for one in sets)])
        table = np.zeros((len(sets), top + 1), dtype=bool)
        for row, one in zip(table, sets):
            row[list(one)] = True
        return table[:, values]


def unique_sets(sets: Iterable[Iterable[int]]) -> Tuple[Question, ...]:
    """Each set once, in the order of their first appearance, without empty ones."""
    return tuple(dict.fromkeys(frozenset(one) for one in sets if one))


def automatic_sets(stats: EventStats, objective, lang) -> Tuple[Question, ...]:
    """The sets of a clustering of the lang's phones, positions, silence and the end of the utterance.

    Args:
      stats: of any width; only the phone in the middle counts.
      objective: of hybrid/tree/objectives.py.
      lang: graphs.lang.lang.Lang.
    """
    groups: Dict[str, List[int]] = {}
    for phone_id in range(1, lang.num_phones + 1):
        groups.setdefault(lang.base_phone(lang.phones.symbol_of(phone_id)), []).append(phone_id)
    members = list(groups.values())
    sets = [sum((members[n] for n in cluster), []) for cluster in clusters(*phone_sums(stats, members), objective)]
    silence = sorted(lang.silence_ids)
    return unique_sets([*sets, *position_sets(lang), silence, [NO_PHONE, *silence], [NO_PHONE]])


def position_sets(lang) -> List[List[int]]:
    """For each place in a word the speech phones, and the silence phones, that stand there (Kaldi's
    extra_questions.txt)."""
    if not lang.position_dependent:
        return []
    ids = range(1, lang.num_phones + 1)
    return [[i for i in ids if lang.is_silence(i) == silent and lang.phones.symbol_of(i).endswith(ending)]
            for silent in (False, True) for ending in POSITIONS]


def phone_sums(stats: EventStats, members: Sequence[Sequence[int]]) -> Tuple[np.ndarray, np.ndarray]:
    """Counts ``[N, C]`` and sums ``[N, C, D]`` of groups of phones for each pdf class."""
    num_classes = 1 + int(stats.pdf_classes.max(initial=0))
    group_of = np.full(1 + max([int(stats.central.max(initial=0)), *map(max, members)]), -1)
    for number, phone_ids in enumerate(members):
        group_of[list(phone_ids)] = number
    group = group_of[stats.central]
    cell, known = group * num_classes + stats.pdf_classes, group >= 0
    counts, sums = (sum_groups(cell[known], values[known], len(members) * num_classes)
                    for values in (stats.counts, stats.sums))
    return counts.reshape(len(members), -1), sums.reshape(len(members), num_classes, -1)


def clusters(counts: np.ndarray, sums: np.ndarray, objective) -> List[List[int]]:
    """All parts of a top-down clustering, the whole left out, larger ones before what they are cut into.

    Args:
      counts: ``[N, C]``; sums: ``[N, C, D]``. Items without frames are in no part but those of themselves.
    """
    found = [np.flatnonzero(counts.sum(axis=1) > 0)]
    for part in found:
        if len(part) > 1:
            first = cut_in_two(counts[part], sums[part], objective)
            found += [part[first], part[~first]]
    unseen = np.flatnonzero(counts.sum(axis=1) == 0)
    return [part.tolist() for part in [*found[1:], *unseen[:, None]]]


def cut_in_two(counts: np.ndarray, sums: np.ndarray, objective) -> np.ndarray:
    """``[N]`` bool: the first of two parts, neither empty, that are worth most.

    Once for each item: begins with the item and the one that it loses most with when joined, adds each other item to
    the one of the two with which it loses less, and then moves single items. The best of these cuts is taken.

    Args: as of clusters, at least 2 items.
    """
    alone = _worth(objective, counts, sums)
    loss = np.stack([alone + alone[n] - _worth(objective, counts + counts[n], sums + sums[n])
                     for n in range(len(counts))])
    np.fill_diagonal(loss, -np.inf)
    best, most, tried = None, -np.inf, set()
    for one, other in enumerate(np.argmax(loss, axis=1)):
        pair = (min(one, other), max(one, other))
        if pair not in tried:
            tried.add(pair)
            first = loss[one] < loss[other]  # one itself among them, and not the other, by the diagonal
            value = _move_items(first, counts, sums, objective)
            if value > most:
                best, most = first, value
    return best


def _worth(objective, counts: np.ndarray, sums: np.ndarray) -> np.ndarray:
    return objective.value(counts, sums).sum(axis=-1)


def _move_items(first: np.ndarray, counts: np.ndarray, sums: np.ndarray, objective) -> float:
    """Moves the item that gains most to the other part, until none gains; returns what the parts are worth."""
    while True:
        (count, total), (other_count, other_total) = (
            (counts[part].sum(axis=0), sums[part].sum(axis=0)) for part in (first, ~first))
        now = _worth(objective, count, total) + _worth(objective, other_count, other_total)
        sign = np.where(first, -1.0, 1.0)[:, None]
        moved = (_worth(objective, count + sign * counts, total + sign[..., None] * sums)
                 + _worth(objective, other_count - sign * counts, other_total - sign[..., None] * sums))
        for part in (first, ~first):
            if part.sum() == 1:
                moved[part] = -np.inf
        best = int(np.argmax(moved))
        if not moved[best] > now + 1e-9 * abs(now):
            return float(now)
        first[best] = not first[best]


def read_sets(path: Path, phones) -> Tuple[Question, ...]:
    """A file of questions.

    Args:
      phones: graphs.lang.symbols.SymbolTable; its disambiguation symbols are no phones.
    Raises: InputError that names a line with an unknown phone, or for a file without questions.
    """
    by_id = Path(path).suffix == ".int"
    id_of = {str(i) if by_id else phones.symbol_of(i): i for i in range(phones.id_of(BACKOFF))}
    sets = []
    for number, line in read_lines(path)[0]:
        for field in split_blanks(line):
            if field not in id_of:
                raise InputError(f"{path}:{number}", "phone_ids of the lang" if by_id else "phones of the lang", field)
        sets.append([id_of[field] for field in split_blanks(line)])
    if not sets:
        raise InputError(str(path), "questions, a set of phones a line", "none")
    return unique_sets(sets)


def write_sets(path: Path, sets: Sequence[Question], phones) -> None:
    lines = (" ".join(phones.symbol_of(i) for i in sorted(one)) for one in sets)
    Path(path).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
