"""What the fuzzer knows of a reader."""

import random
from pathlib import Path
from typing import Callable, NamedTuple

from tests.fuzz.mutations import mutate


class Reader(NamedTuple):
    """
    Attributes:
      name: in the catalogue, on the command line and in the tables.
      file: the file in the folder whose bytes are changed.
      write: writes a valid example, `file` and whatever else it needs, into an empty folder.
      read: reads it, given the folder. It may raise InputError and nothing else.
      mutate: (bytes of a valid file, random.Random) -> other bytes.
      pending: why it does not stand in the default tests yet.
    """

    name: str
    file: str
    write: Callable[[Path], object]
    read: Callable[[Path], object]
    mutate: Callable[[bytes, random.Random], bytes] = mutate
    pending: str = ""
