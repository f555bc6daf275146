"""What hybrid/ makes of lattices against enumeration of all paths; see tests/graphs/lattices/checks."""

import math
from types import SimpleNamespace

import numpy as np

from graphs.lang.symbols import SymbolTable
from graphs.lattices.compact_lattice import CompactLattice, compact
from graphs.lattices.mbr import Voter, consensus
from hybrid.lattices.joint_words import JointWords
from hybrid.lattices.oracle import oracle
from hybrid.lattices.transcribe import Entry, MbrOptions, SystemScales, Transcriber, frame_shares
from hybrid.lattices.word_times import Timer
from hybrid.recognize.edit_distance import edit_distance
from hybrid.recognize.nbest import best_sentences
from hybrid.recognize.text_filter import TextFilter
from hybrid.recognize.wer import Reference
from tests.graphs.lattices.material import any_lattice, best_of_sentences, deviation, path_deviation, path_list
from tests.reference.paths import logsumexp

SETTING = (1.5, 0.3, 0.7)
TABLE = SymbolTable(["a", "b", "c", "d"])
SCALES = SystemScales(5.0, 2.0, 1.5)
LOG = SimpleNamespace(info=lambda *_: None, warning=lambda *_: None)


def sentences(seed):
    """The best ones in their order; how many, the seed says."""
    lattice, number = any_lattice(seed), [1, 3, 1000][seed % 3]
    best = best_of_sentences(lattice, SETTING)
    found = best_sentences(lattice, number, *SETTING)
    assert len({one.word_ids for one in found}) == len(found) == min(number, len(best))
    expected = sorted((path[-1] for path in best.values()), reverse=True)[:number]
    own = [best[one.word_ids][-1] for one in found]
    graph, acoustic, penalty = SETTING
    sums = [graph * one.graph + acoustic * one.acoustic - penalty * len(one.word_ids) for one in found]
    return max(deviation([one.score for one in found], values) for values in (expected, own, sums))


def shares_of_frames(seed):
    """Probabilities of phones on frames."""
    lattice, phone_ids = any_lattice(seed), np.array([0, 1, 2, 2, 3, 1, 4, 4, 3])
    paths = path_list(lattice, SETTING)
    whole = logsumexp([path[-1] for path in paths])
    expected = np.zeros((lattice.num_frames, 5))
    for _, ids, *_, score in paths:
        expected[np.arange(len(ids)), phone_ids[list(ids)]] += math.exp(score - whole)
    return deviation(frame_shares(lattice, lattice.scores(*SETTING), phone_ids), expected)


def transcripts(seed):
    """The best path's words, their frames (unless all paths are equally good) and confidences."""
    lattice = any_lattice(seed)
    setting = SCALES.of_posteriors(1.0)
    transcriber = Transcriber([SCALES], JointWords([TABLE]), MbrOptions("best", beam=1e9), [Timer()], [0.03])
    found, path = transcriber([Entry(0, 1.0, lattice)]), lattice.best_path(*setting)
    small = lattice if isinstance(lattice, CompactLattice) else compact(lattice)
    whole = consensus([Voter(small, small.scores(*setting))], decode=False)
    words = found.words
    assert [word.symbol for word in words] == [TABLE.symbol_of(word_id) for word_id in whole.word_ids]
    assert found.partial == lattice.partial
    if not lattice.graph.any():  # all paths of so many words are as good
        assert len(whole.word_ids) == len(path.word_ids)
        return deviation([word.confidence for word in words], [word.probability for word in whole.words])
    assert whole.word_ids == path.word_ids
    ends = [*path.word_frames[1:], lattice.num_frames]
    times = [(0.03 * start, 0.03 * end) for start, end in zip(path.word_frames, ends)]
    return max(deviation([word.confidence for word in words], [word.probability for word in whole.words]),
               deviation([(word.start, word.end) for word in words], times) if words else 0.0)


def joined_words(seed):
    """Words that are one for scoring."""
    lattice = any_lattice(seed)
    joint = JointWords([TABLE], TextFilter(rules={("c",): ("b",)}, ignore=["a"]) if seed % 2 else list)
    words = {i: joint.words(joint.of_ids([i])) if i and joint.of_ids([i])[0] else [] for i in range(len(TABLE))}
    found = [(tuple(joint.words(ids)), *path) for ids, *path in path_list(joint.of_lattice(lattice))]
    return path_deviation(found, [(tuple(word for i in ids for word in words[i]), *path)
                                  for ids, *path in path_list(lattice)])


def oracle_table(seed):
    """Fewest errors among the paths whose arcs are all on good ones, at several beams; what crosses their frames."""
    lattice, rng = any_lattice(seed), np.random.default_rng(seed)
    said = [TABLE.symbol_of(i) for i in rng.integers(1, 5, rng.integers(1, 6))]
    scales, joint = SCALES._replace(word_insertion_penalty=0.0), JointWords([TABLE])
    references, beams = {"utt": Reference(tuple(said))}, [0.0, 1.5, math.inf]
    rows, hypotheses, _ = oracle([lattice], references, joint, scales, beams, 1, LOG)
    (*setting, _), worst = scales.of_posteriors(1.0), 0.0
    for row in rows:
        kept = lattice if math.isinf(row.beam) else lattice.prune(row.beam, *setting)
        least = min(edit_distance(said, [TABLE.symbol_of(i) for i in path[0]]) for path in path_list(kept))
        worst = max(worst, abs(row.counts.errors - least), deviation(row.arcs, kept.arc_frames.sum()))
        assert row.words == np.count_nonzero(kept.word_id) and row.frames == lattice.num_frames
    assert edit_distance(said, hypotheses["utt"]) == rows[-1].counts.errors
    return worst


CHECKS = {"best_sentences": sentences, "frame_shares": shares_of_frames, "Transcriber": transcripts,
          "JointWords": joined_words, "oracle": oracle_table}
