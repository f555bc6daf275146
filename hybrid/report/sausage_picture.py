"""A consensus network as people draw it: a column a place, what may stand there below each other, likeliest on top."""

from pathlib import Path

from graphs.lang.symbols import EPS
from hybrid.lattices.sausages import Sausage, Slot
from hybrid.report.figures import new_figure, save_figure

MOST_WORDS = 6  # of a place
LEAST = 0.005  # probability that is drawn
PER_ROW = 12  # places; longer networks go on below


def draw_sausage(sausage: Sausage, path: Path) -> None:
    """Writes the picture (png, svg or pdf by the path's suffix). Boxes are the darker the likelier the word."""
    save_figure(sausage_figure(sausage), path)


def sausage_figure(sausage: Sausage):
    """matplotlib Figure."""
    rows = [sausage.slots[i:i + PER_ROW] for i in range(0, len(sausage.slots), PER_ROW)] or [[]]
    height = max([1, *(min(MOST_WORDS, len(slot.words)) for slot in sausage.slots)])
    longest = max([4, *(len(word) for slot in sausage.slots for word in list(slot.words)[:MOST_WORDS])])
    width = 0.5 + 0.11 * longest
    figure = new_figure(1.0 + width * min(PER_ROW, max(len(rows[0]), 3)), 0.6 + len(rows) * (0.6 + 0.38 * height))
    figure.suptitle(f"{sausage.utterance_id}: {sausage.risk:.2f} errors expected", fontsize=10)
    for axes, slots in zip(figure.subplots(len(rows), 1, squeeze=False)[:, 0], rows):
        axes.set(xlim=(-0.5, PER_ROW - 0.5 if len(rows) > 1 else max(len(slots), 3) - 0.5), ylim=(height - 0.4, -0.9))
        axes.axis("off")
        for place, slot in enumerate(slots):
            _draw_slot(axes, place, slot)
    return figure


def _draw_slot(axes, place: int, slot: Slot) -> None:
    axes.text(place, -0.75, f"{slot.start:.2f}–{slot.end:.2f} s", ha="center", va="center", fontsize=6, color="grey")
    ranked = sorted(slot.words.items(), key=lambda item: -item[1])
    ranked = [pair for number, pair in enumerate(ranked) if number == 0 or pair[1] >= LEAST]
    for row, (word, probability) in enumerate(ranked[:MOST_WORDS]):
        shade = 1 - 0.75 * probability
        label = f"{'–' if word == EPS else word}\n{probability:.2f}"
        axes.text(place, row, label, ha="center", va="center", fontsize=7,
                  color="white" if probability > 0.7 else "black",
                  bbox={"boxstyle": "round,pad=0.25", "facecolor": (shade, shade, 1.0 if shade > 0.4 else 0.8),
                        "edgecolor": "grey", "linewidth": 0.5})
    if len(ranked) > MOST_WORDS:
        axes.text(place, MOST_WORDS - 0.45, f"+{len(ranked) - MOST_WORDS}", ha="center", va="center", fontsize=6)
