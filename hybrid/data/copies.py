"""The names of copies: training utterances heard in other acoustics, at the very times of their originals.

A copy has the alignment of its original, as in Kaldi's recipes: what noise hides, the clean recording tells. Copies at
another speed (`ID-sp0.9`) are none of these: their times are others.
"""

import re
from typing import Mapping, Optional, TypeVar

_COPY = re.compile(r"(.+)-aug[1-9][0-9]*", re.DOTALL)

Value = TypeVar("Value")


def copy_id(utterance_id: str, number: int) -> str:
    """The id of a copy; number: from 1."""
    return f"{utterance_id}-aug{number}"


def original_of(utterance_id: str) -> str:
    """The utterance that a copy was made of; an id that is no copy's is its own."""
    found = _COPY.fullmatch(utterance_id)
    return found[1] if found else utterance_id


def of_original(values: Mapping[str, Value], utterance_id: str) -> Optional[Value]:
    """The value of an utterance, or else that of its original, or else None."""
    return values.get(utterance_id, values.get(original_of(utterance_id)))
