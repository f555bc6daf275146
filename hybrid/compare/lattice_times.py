"""Times of the words of best paths."""

from pathlib import Path
from typing import Dict, List, Tuple

from graphs.lang.symbols import SymbolTable
from graphs.lattices.lattice_io import read_lattices
from hybrid.align.times.ctm import TimedSymbol, timed_symbols
from hybrid.compare.material import Timed


def lattice_times(folder: Path, scales: Tuple[float, float, float], timer, words: SymbolTable,
                  frame_shift: float) -> Timed:
    """
    Args:
      folder: of lattices.
      scales: lm_scale, acoustic_scale, word_insertion_penalty.
      timer: hybrid.lattices.word_times.Timer or TokenTimer; frame_shift: seconds of a lattice's frame.
    Returns: words with an id of their own; `ends_known` when all times are those of pronunciations or tokens.
    Raises: InputError when no path of a lattice leads to its end.
    """
    found: Dict[str, List[TimedSymbol]] = {}
    exact = True
    for lattice in read_lattices(folder):
        times = timer(lattice.best_path(*scales))
        exact = exact and times.exact
        found[lattice.utterance_id] = timed_symbols([s for s in times.words if s.label], words, frame_shift)
    return Timed(str(folder), found, exact)
