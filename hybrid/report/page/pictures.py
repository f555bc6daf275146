"""Pictures of a few utterances: words over time by each system, and lattices."""

import tempfile
from pathlib import Path
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence
from xml.sax.saxutils import quoteattr

from hybrid.compare.comparison import Utterance
from hybrid.report.lattice_picture import draw_lattice
from hybrid.report.page import charts
from hybrid.report.page.svg import drawn_svg, figure_svg
from hybrid.report.page.times import time_rows

NAME = "lattice\u2060drawn"  # of ids, for the time being; no word of a lattice holds it


class Picture(NamedTuple):
    """Of one utterance. svg: as of `inline_svg`."""

    title: str
    caption: str
    svg: str


class FoundLattice(NamedTuple):
    """A system's lattice of an utterance, and what drawing it needs (see `draw_lattice`)."""

    system: str
    lattice: object
    word_of: Callable[[int], str]
    graph_scale: float
    acoustic_scale: float


def picture_of_times(utterance: Utterance, systems: Sequence[str], prefix: str,
                     features: Optional[object] = None) -> Optional[Picture]:
    """None where no words have times. systems: keys, in the order of the rows. features: ``[T, F]``, or None."""
    rows = time_rows(utterance, systems)
    if not rows:
        return None
    title, caption = _title(utterance), "Words over time: the truth where it is known, then what systems found."
    svg = figure_svg(lambda: charts.draw_times(utterance.seconds, rows, features), prefix, f"{title}: {caption}")
    return Picture(title, caption, svg)


def pictures_of_lattices(utterance: Utterance, found: Sequence[FoundLattice], prefix: str) -> List[Picture]:
    """One for systems that have the same lattice."""
    drawn: Dict[str, List[str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for system, lattice, *how in found:
            svg = drawn_svg(lambda path: draw_lattice(lattice, path, *how, max_states=20, num_sentences=8),
                            Path(folder), NAME, "")
            drawn.setdefault(svg, []).append(system)
    pictures = []
    for place, (svg, systems) in enumerate(drawn.items(), 1):
        title = _title(utterance)
        caption = f"Lattice of {', '.join(systems)}; numbers on the arcs are probabilities."
        named = svg.replace(NAME, f"{prefix}-{place}").replace('aria-label=""', f"aria-label={quoteattr(title)}", 1)
        pictures.append(Picture(title, caption, named))
    return pictures


def _title(utterance: Utterance) -> str:
    return f"{utterance.test}: {utterance.utterance_id}"
