"""All CTC paths, one by one."""

import itertools

import torch


def collapse(path):
    return [t for i, t in enumerate(path) if t and (i == 0 or t != path[i - 1])]


def ctc_by_enumeration(scores, target):
    """Minus the log of the sum over every sequence of tokens that collapses to the target."""
    frames, tokens = scores.shape
    paths = [p for p in itertools.product(range(tokens), repeat=frames) if collapse(p) == list(target)]
    if not paths:
        return torch.tensor(float("inf"), dtype=scores.dtype)
    sums = torch.stack([sum(scores[t, token] for t, token in enumerate(path)) for path in paths])
    return -torch.logsumexp(sums, dim=0)
