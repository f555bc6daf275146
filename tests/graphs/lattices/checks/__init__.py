"""Operations on lattices against enumeration of all paths: a function for each, which the default tests and
tests/trials/lattices.py call. It takes a seed, asserts what must be equal and returns the largest deviation of scores
(`material.deviation`)."""

import inspect
import tempfile
from pathlib import Path


def run(check, seed):
    """check: takes a seed, and an empty folder if it takes more."""
    if len(inspect.signature(check).parameters) == 1:
        return check(seed)
    with tempfile.TemporaryDirectory() as folder:
        return check(seed, Path(folder))
