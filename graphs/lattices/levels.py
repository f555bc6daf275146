"""The order in which a lattice's states are gone through: runs of states between which alone arcs go."""

import numpy as np

from graphs.errors import InputError


def check_order(src: np.ndarray, dst: np.ndarray, item: str) -> None:
    """InputError for states that are not in topological order. item: whose arcs they are."""
    if (dst <= src).any():
        raise InputError(item, "no cycle, and states in topological order",
                         f"an arc from state {src[dst <= src][0]} to {dst[dst <= src][0]}")


class Levels:
    """Runs of states, in their order, between which alone arcs go.

    Attributes:
      of_state: ``[num_states]`` int64, the number of each state's run.
      into: for each run, (arcs, states, starts): the arcs into its states, sorted by state, and where each
        state's arcs start.
      out_of: the same for the arcs out of its states.
    """

    def __init__(self, src: np.ndarray, dst: np.ndarray, num_states: int, item: str):
        """item: whose arcs they are. Raises: InputError as check_order."""
        check_order(src, dst, item)
        latest = np.full(num_states, -1, np.int64)
        np.maximum.at(latest, dst, src)
        self.of_state = np.zeros(num_states, np.int64)
        start = number = 0
        for state, source in enumerate(latest.tolist()):
            if source >= start:  # an arc from within the run: the next run begins
                start, number = state, number + 1
            self.of_state[state] = number
        self.into, self.out_of = _groups(dst, self.of_state), _groups(src, self.of_state)


def _groups(state: np.ndarray, level: np.ndarray) -> list:
    order = np.lexsort((state, level[state]))
    states = state[order]
    new = np.flatnonzero(np.append(True, states[1:] != states[:-1])) if len(states) else np.zeros(0, np.int64)
    num_levels = int(level.max()) + 1
    bounds = np.searchsorted(level[states], np.arange(num_levels + 1))
    new_bounds = np.searchsorted(new, bounds)
    return [(order[bounds[i]:bounds[i + 1]], states[new[new_bounds[i]:new_bounds[i + 1]]],
             new[new_bounds[i]:new_bounds[i + 1]] - bounds[i])
            for i in range(num_levels) if bounds[i] < bounds[i + 1]]
