"""Several transducers side by side, from one start."""

from typing import List, Sequence

import numpy as np

from graphs.fst.arcs import Arcs


def union(parts: Sequence[Arcs]) -> Arcs:
    """What any of the parts has, with the part's number, from 1 up, as the output of its final states and no other.

    parts: no arc enters their start; a part without arcs must end in it.
    """
    columns: List[List[np.ndarray]] = [[] for _ in range(7)]
    num_states = 1
    for number, part in enumerate(parts, 1):
        place = np.append(0, np.arange(num_states, num_states + part.num_states - 1))
        num_states += part.num_states - 1
        for column, values in zip(columns, (
                place[part.src], place[part.dst], part.ilabel, part.score, place[part.final_state], part.final_score,
                np.full(len(part.final_state), number))):
            column.append(values)
    src, dst, ilabel, score, *finals = (np.concatenate([np.zeros(0, np.int32), *column]) for column in columns)
    return Arcs(src, dst, ilabel, np.zeros(len(src), np.int32), score, *finals[:2], num_states, finals[2])
