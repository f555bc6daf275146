"""Options of HCLG and of the search, apart from what they are for: they are checked where k2 is not installed, too."""

import math
from dataclasses import dataclass, field, replace

from graphs.checks import LARGEST_INT32
from graphs.options import check_at_least, check_choice, check_positive

PUSH = ("tropical", "log", "none")
CTC_TOPOLOGIES = ("full", "compact")
LARGEST_BEAM = 1e6  # k2 narrows a beam that keeps too many states by a fifth a frame: from far more it would never end


def _option(default, help: str):
    return field(default=default, metadata={"help": help})


@dataclass(frozen=True)
class GraphOptions:
    push: str = _option("tropical", f"weight pushing while determinizing L o G: {', '.join(PUSH)}")
    minimize: bool = _option(True, "a graph of two thirds the size with the same paths; whatever push says, its scores "
                                   "are then pushed as tropical does")
    transition_scale: float = _option(1.0, "factor on log probabilities of transitions between HMM states")
    self_loop_scale: float = _option(0.1, "factor on log probabilities of self-loops; about 1 / lm_scale")
    recognize_oov: bool = _option(False, "the unknown word of the LM may be recognized (as the lang's oov word)")
    ctc_topology: str = _option("full", "of graphs for CTC: full, or compact, smaller, where a unit is one frame and "
                                        "equal units need no blank between them")

    def __post_init__(self):
        check_choice(CTC_TOPOLOGIES, self, "ctc_topology")
        check_choice(PUSH, self, "push")
        if not all(0 <= scale < math.inf for scale in (self.transition_scale, self.self_loop_scale)):
            raise ValueError("transition_scale and self_loop_scale: expected finite numbers of at least 0")


def check_beams(options, *names: str) -> None:
    """Raises ValueError for a beam that is not above 0 and at most LARGEST_BEAM."""
    for name in names:
        if not 0 < getattr(options, name) <= LARGEST_BEAM:
            raise ValueError(f"{name}: expected a number above 0 and at most {LARGEST_BEAM:g}, "
                             f"found {getattr(options, name)}")


@dataclass(frozen=True)
class SearchOptions:
    beam: float = _option(15.0, "paths this much worse than the best are dropped while searching")
    lattice_beam: float = _option(8.0, "paths this much worse than the best are left out of the lattice")
    min_active: int = _option(200, "states kept on a frame at least, whatever the beam")
    max_active: int = _option(7000, "states kept on a frame at most")
    acoustic_scale: float = _option(0.1, "factor on log-likelihoods while searching")
    retries: int = _option(2, "searches with doubled beam and max_active before a partial path is taken")
    memory_mb: int = _option(2000, "memory for the scores and lattices of the utterances searched together")
    determinize: bool = _option(False, "lattices of words: pruned by lattice_beam, of each sentence the best path")

    def __post_init__(self):
        check_positive(self, "acoustic_scale")
        check_beams(self, "beam", "lattice_beam")
        for name in ("min_active", "max_active", "retries"):
            if not isinstance(getattr(self, name), int) or getattr(self, name) > LARGEST_INT32:
                raise ValueError(f"{name}: expected a whole number of at most {LARGEST_INT32}, "
                                 f"found {getattr(self, name)}")
        if not 0 <= self.min_active < self.max_active:
            raise ValueError("min_active and max_active: expected 0 <= min_active < max_active, "
                             f"found {self.min_active} and {self.max_active}")
        check_at_least(0, self, "retries")
        check_at_least(1, self, "memory_mb")

    def wider(self) -> "SearchOptions":
        max_active = min(4 * self.max_active, LARGEST_INT32)
        return replace(self, beam=min(2 * self.beam, LARGEST_BEAM), max_active=max_active,
                       min_active=min(2 * self.min_active, max_active - 1))
