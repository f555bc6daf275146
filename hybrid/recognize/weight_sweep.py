"""Choosing the weight between two models, on a development set only: for each the best scales, and their errors."""

from typing import Callable, Iterable, Mapping, NamedTuple, Sequence

from hybrid.recognize.sweep import Grid, Sweep, ToWords, sweep
from hybrid.recognize.wer import Reference
from hybrid.report.tables import tsv


class WeightSweep(NamedTuple):
    """Of each weight the sweep of the scales. name: of the weight."""

    sweeps: Mapping[float, Sweep]
    name: str = "weight"

    @property
    def best(self) -> float:
        """Fewest errors at its best scales; of equals the one of fewest around these, then the smaller weight."""
        def errors(weight: float):
            found = self.sweeps[weight]
            return found.counts[found.best()].errors, found.smoothed().min().round(9), weight
        return min(self.sweeps, key=errors)

    def to_tsv(self) -> str:
        rows = []
        for weight, found in sorted(self.sweeps.items()):
            scales = found.best()
            rows.append((f"{weight:g}", *(f"{scale:g}" for scale in scales), found.counts[scales].wer,
                         found.counts[scales].errors))
        return tsv((self.name, "lm_scale", "word_insertion_penalty", "wer", "errors"), rows)


def sweep_weights(lattices_of: Callable[[float], Iterable], weights: Sequence[float],
                  references: Mapping[str, Reference], to_words: ToWords, grid: Grid, costs, nj: int = 1,
                  name: str = "weight") -> WeightSweep:
    """See sweep.sweep; utterances without a lattice count as deleted, under all weights alike.

    lattices_of: those of the development set, with a weight.
    """
    return WeightSweep({weight: sweep(lattices_of(weight), references, to_words, grid, costs, nj)
                        for weight in sorted(set(weights))}, name)
