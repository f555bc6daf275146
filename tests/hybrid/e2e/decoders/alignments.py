"""Transducer alignments one by one."""

import itertools

import torch


def alignments(num_frames, num_tokens, monotonic=False):
    """Frames of the tokens, of every alignment."""
    if monotonic:
        return list(itertools.combinations(range(num_frames), num_tokens))
    return list(itertools.combinations_with_replacement(range(num_frames), num_tokens))


def score_of(frames, blank, emit, monotonic=False):
    """Log probability of one alignment; blank: ``[T, S + 1]``, emit: ``[T, S]``, of one utterance without padding."""
    total = sum(emit[frame, place] for place, frame in enumerate(frames))
    for frame in range(len(blank)):
        if not (monotonic and frame in frames):
            total = total + blank[frame, sum(f < frame + (not monotonic) for f in frames)]
    return total


def all_scores(blank, emit, monotonic=False):
    """``[number of alignments]``, and their frames."""
    found = alignments(*emit.shape, monotonic)
    if not found:
        return blank.new_zeros(0), []
    return torch.stack([score_of(frames, blank, emit, monotonic) for frames in found]), found
