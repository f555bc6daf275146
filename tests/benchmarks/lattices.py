"""Times of what can be done with a lattice, and the sizes that come out, on a made-up lattice of speech.

    python -m tests.benchmarks.lattices --seconds 30 --depth 20
    python -m tests.benchmarks.lattices --seconds 30 --depth 700 --only determinize

A made-up lattice is what a search leaves: an arc a frame, states are frames and places in HMMs. About every 0.3 s some
words compete, each after any of the words before, with boundaries a few frames early or late; scores are random, those
of the first word higher. --depth is arcs a frame, to which a beam cuts; --folder takes the first lattice of a folder
instead. Prints CPU seconds of one thread, and arcs and megabytes of what comes out.
"""

import argparse
import time
from pathlib import Path
from typing import Callable, Dict

import numpy as np

from graphs.fst.arcs import Arcs
from graphs.lattices.base import BaseLattice
from graphs.lattices.compact_lattice import compact
from graphs.lattices.compose import compose, intersect, union
from graphs.lattices.determinize import determinize
from graphs.lattices.lattice import Lattice
from graphs.lattices.lattice_io import read_lattices
from graphs.lattices.minimize import minimize
from graphs.lattices.project import to_transition_ids, to_words
from graphs.lattices.structure import connect, reverse, statistics, topological_sort
from graphs.lattices.weights import push, sample_paths, scale
from hybrid.recognize.nbest import best_sentences

SCALES = (1.0, 0.1)  # graph, acoustic
WORD_FRAMES, STATES, SLACK = 30, 9, 5  # of a word: frames, HMM states, frames that its ends may be off


def made_up(num_frames: int, depth: float, seed: int = 0) -> Lattice:
    """A lattice of about so many arcs a frame."""
    rng, rivals = np.random.default_rng(seed), max(4, int(depth / 12))
    bounds = np.linspace(0, num_frames, max(1, num_frames // WORD_FRAMES) + 1).astype(np.int64)
    places = len(bounds) - 1
    # a state: frames consumed, place, word, HMM state
    place, word, hmm = (axis.ravel() for axis in np.indices((places, rivals, STATES)))
    first = np.maximum(np.where(place > 0, bounds[place] - SLACK, 0) + hmm + 1, 1)
    last = np.where(place < places - 1, bounds[place + 1] + SLACK, num_frames) - (STATES - 1 - hmm)
    counts = np.maximum(last - first + 1, 0)
    of = np.repeat(np.arange(len(place)), counts)
    frame = np.arange(len(of)) - np.repeat(np.cumsum(counts) - counts, counts) + first[of]
    key = frame * len(place) + of
    known = np.sort(key)
    likelihood = rng.normal(-40.0, 6.0, len(key)) - 4.0 * (word[of] > 0)
    by_key = likelihood[np.argsort(key)]
    bigram = rng.normal(-3.0, 1.5, (rivals, rivals))

    def number(frames, states):
        at = np.minimum(np.searchsorted(known, frames * len(place) + states), len(known) - 1)
        return at, known[at] == frames * len(place) + states
    columns = []
    for step, cost in ((0, -0.3), (1, -1.3)):
        going = hmm[of] + step < STATES
        columns.append(_arcs(number, frame[going], of[going], of[going] + step, 0, cost))
    ends = np.flatnonzero((hmm[of] == STATES - 1) & (place[of] < places - 1))
    for rival in range(rivals):
        after = ((place[of[ends]] + 1) * rivals + rival) * STATES
        columns.append(_arcs(number, frame[ends], of[ends], after, rival + 1, bigram[word[of[ends]], rival]))
    src, dst, label, graph = (np.concatenate(column) for column in zip(*columns))
    starts, started = number(np.ones(rivals, np.int64), np.arange(rivals) * STATES)
    finals = np.flatnonzero((known // len(place) == num_frames) & (hmm[known % len(place)] == STATES - 1)
                            & (place[known % len(place)] == places - 1))
    src = np.concatenate([np.zeros(rivals, int), src + 1, finals + 1])
    dst = np.concatenate([starts + 1, dst + 1, np.full(len(finals), len(known) + 1)])
    label = np.concatenate([np.arange(rivals) + 1, label, np.zeros(len(finals), int)])
    graph = np.concatenate([bigram[0], graph, np.zeros(len(finals))])
    entered = np.minimum(dst - 1, len(known) - 1)
    framed = dst <= len(known)
    transition_id = np.where(framed, known[entered] % len(place) % (rivals * STATES) + 1, 0)
    acoustic = np.where(framed, by_key[entered], 0.0)
    lattice = Lattice("made-up", num_frames, src, dst, transition_id, label, acoustic, graph)
    lattice = connect(lattice)
    totals, best = lattice.arc_totals(lattice.scores(*SCALES), best=True)
    most = min(int(depth * num_frames), len(totals)) - 1
    return lattice.prune(float(best - np.sort(totals)[::-1][most]), *SCALES)


def _arcs(number, frames, states, after, label, graph):
    """Those of which both ends are there."""
    (src, there), (dst, goes_on) = number(frames, states), number(frames + 1, after)
    kept = there & goes_on
    return src[kept], dst[kept], np.full(kept.sum(), label), np.broadcast_to(graph, kept.shape)[kept]


def operations(lattice: BaseLattice, beam: float) -> Dict[str, Callable]:
    """Each after those before it; what works on words works on the determinized lattice."""
    found: Dict[str, BaseLattice] = {}

    def small() -> BaseLattice:
        if "small" not in found:
            found["small"] = determinize(lattice, beam, *SCALES).lattice
        return found["small"]
    words = int(lattice.word_id.max()) + 1
    loop = Arcs(np.zeros(words - 1), np.zeros(words - 1), np.arange(1, words), np.arange(1, words), np.zeros(words - 1),
                [0], [0.0], 1)
    return {
        "levels": lambda: lattice.levels, "best path": lambda: lattice.best_path(*SCALES),
        "posteriors": lambda: lattice.arc_posteriors(*SCALES), "prune": lambda: lattice.prune(beam / 2, *SCALES),
        "scale": lambda: scale(lattice, 1.0, 0.1), "connect": lambda: connect(lattice),
        "sort": lambda: topological_sort(lattice), "reverse": lambda: reverse(lattice),
        "push": lambda: push(lattice, *SCALES), "compact": lambda: compact(lattice),
        "statistics": lambda: statistics(lattice), "to words": lambda: to_words(lattice, *SCALES),
        "to transition_ids": lambda: to_transition_ids(lattice, *SCALES),
        "sample 100 paths": lambda: sample_paths(lattice, 100, 0, *SCALES),
        "compose with a loop": lambda: compose(lattice, loop), "union with itself": lambda: union([lattice, lattice]),
        "determinize": small, "minimize determinized": lambda: minimize(small(), *SCALES),
        "expand determinized": lambda: small().expand(), "intersect with determinized": lambda: intersect(
            lattice, small(), 0.5),
        "best 100 sentences of determinized": lambda: best_sentences(small(), 100, *SCALES),
        "posteriors of determinized": lambda: small().arc_posteriors(*SCALES)}


def megabytes(lattice: BaseLattice) -> float:
    return sum(value.nbytes for value in vars(lattice).values() if isinstance(value, np.ndarray)) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.lattices", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30.0, help="of speech")
    parser.add_argument("--depth", type=float, default=20.0, help="arcs a frame")
    parser.add_argument("--folder", type=Path, help="of lattices, instead")
    parser.add_argument("--beam", type=float, default=8.0, help="of pruning and determinization")
    parser.add_argument("--only", nargs="+", help="operations")
    args = parser.parse_args()
    lattice = next(iter(read_lattices(args.folder))) if args.folder else made_up(round(100 * args.seconds), args.depth)
    print(f"{lattice.num_frames} frames, {lattice.num_states} states, {lattice.num_arcs} arcs "
          f"({lattice.num_arcs / lattice.num_frames:.1f} a frame), {megabytes(lattice):.2f} MB")
    for name, operation in operations(lattice, args.beam).items():
        if not args.only or name in args.only:
            start = time.process_time()
            found = operation()
            seconds = time.process_time() - start
            size = f"{found.num_arcs:>9} arcs {megabytes(found):>8.2f} MB" if isinstance(found, BaseLattice) else ""
            print(f"{name:<36} {seconds:>8.3f} s {size}", flush=True)


if __name__ == "__main__":
    main()
