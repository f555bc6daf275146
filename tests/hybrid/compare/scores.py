"""Scores made by hand or by chance."""

import numpy as np

from hybrid.recognize.wer import Counts, Reference, Score, UtteranceScore, score


def of_texts(references, hypotheses, speakers=None):
    """references, hypotheses: texts of u0, u1, ...; None for a missing one."""
    return score({f"u{n}": Reference(tuple(text.split()), speakers[n] if speakers else f"s{n}")
                  for n, text in enumerate(references)},
                 {f"u{n}": text.split() for n, text in enumerate(hypotheses) if text is not None})


def of_counts(errors, words, speakers):
    """Utterances with so many substitutions; a word has 4 characters, of which a wrong one has 3 wrong."""
    utterances = []
    for number, (wrong, total, speaker) in enumerate(zip(errors, words, speakers)):
        pairs = tuple((f"w{place:03d}", "x" if place < wrong else f"w{place:03d}") for place in range(total))
        utterances.append(UtteranceScore(f"u{number}", str(speaker), pairs, Counts(int(total), int(wrong)),
                                         4 * int(total), 3 * int(wrong), False))
    return Score(utterances)


def random_scores(systems, utterances=40, speakers=8, seed=0):
    """System -> Score; shares of errors as given."""
    draw = np.random.default_rng(seed)
    words, names = draw.integers(3, 9, utterances), [f"s{n % speakers}" for n in range(utterances)]
    return {name: of_counts(draw.binomial(words, share), words, names) for name, share in systems.items()}
