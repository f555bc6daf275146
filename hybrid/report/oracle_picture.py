"""Oracle error rates against the size of lattices."""

from typing import Sequence

from hybrid.lattices.oracle import Depth
from hybrid.report.figures import new_figure


def draw_oracle(rows: Sequence[Depth]):
    """matplotlib Figure: the oracle WER at each depth, a point a beam."""
    figure = new_figure(6, 4)
    axes = figure.add_subplot()
    axes.plot([row.depth for row in rows], [row.counts.wer for row in rows], marker="o")
    for row in rows:
        axes.annotate(f"{row.beam:g}", (row.depth, row.counts.wer), textcoords="offset points", xytext=(4, 4),
                      fontsize=8)
    axes.set(xscale="log", xlabel="depth: arcs that cross a frame (numbers: beam)", ylabel="oracle WER in %")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    return figure
