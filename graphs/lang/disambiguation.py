"""Disambiguation symbols that make L determinizable (Kaldi utils/add_lex_disambig.pl)."""

from collections import Counter
from typing import List, Sequence, Tuple


def disambiguation_numbers(pronunciations: Sequence[Tuple[str, ...]]) -> List[int]:
    """The number n of the symbol #n that ends each pronunciation, 0 for none.

    A pronunciation needs one if another entry has the same phones (homophones count up 1, 2, ...) or if it
    begins a longer one.
    """
    entries_with = Counter(pronunciations)
    prefixes = {phones[:length] for phones in entries_with for length in range(1, len(phones))}
    used: Counter = Counter()
    numbers = []
    for phones in pronunciations:
        if entries_with[phones] > 1 or phones in prefixes:
            used[phones] += 1
        numbers.append(used[phones])
    return numbers
