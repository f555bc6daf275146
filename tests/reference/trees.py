"""Slow oracles of decision trees: everything from single frames, by definition."""

from typing import List, NamedTuple, Sequence, Tuple

import numpy as np


class Frame(NamedTuple):
    window: Tuple[int, ...]
    pdf_class: int
    values: np.ndarray

    def value(self, key: int) -> int:
        return self.pdf_class if key == -1 else self.window[key]


def gaussian_likelihood(frames: Sequence[Frame], floor) -> float:
    """Sum of the log density of each frame under the group's own mean and floored variance."""
    if not frames:
        return 0.0
    x = np.stack([frame.values for frame in frames]).astype(np.float64)
    mean, variance = x.mean(axis=0), np.maximum(x.var(axis=0), floor)
    return float((-0.5 * (np.log(2 * np.pi * variance) + (x - mean) ** 2 / variance)).sum())


def splits_of(frames: Sequence[Frame], questions, keys: Sequence[int], min_count: float):
    """Every split by a question that leaves enough frames on both sides: (key, values, yes, no)."""
    for key in keys:
        for values in questions.of_key(key):
            yes = [frame for frame in frames if frame.value(key) in values]
            no = [frame for frame in frames if frame.value(key) not in values]
            if min(len(yes), len(no)) >= max(1, min_count):
                yield key, values, yes, no


def best_first(groups: List[List[Frame]], splittable: List[bool], questions, keys: Sequence[int], num_leaves: int,
               min_count: float, floor) -> List[List[Frame]]:
    """Leaves of the tree that tries all questions on all leaves before each split and takes the best."""
    leaves = list(zip(groups, splittable))
    while len(leaves) < num_leaves:
        best = None
        for number, (frames, may) in enumerate(leaves):
            whole = gaussian_likelihood(frames, floor)
            for _, _, yes, no in splits_of(frames, questions, keys, min_count) if may else ():
                gain = gaussian_likelihood(yes, floor) + gaussian_likelihood(no, floor) - whole
                if best is None or gain > best[0]:
                    best = (gain, number, yes, no)
        if best is None:
            break
        _, number, yes, no = best
        leaves[number:number + 1] = [(yes, True), (no, True)]
    return [frames for frames, _ in leaves]
