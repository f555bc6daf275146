"""Edit distance and alignment against exhaustive search, Kaldi's recursion and jiwer."""

import itertools
import random
from functools import lru_cache

import pytest

from hybrid.recognize.edit_distance import KALDI, SCLITE, Costs, align, edit_distance


def sequences(letters, longest):
    for length in range(longest + 1):
        yield from itertools.product(letters, repeat=length)


def cost_of(pairs, costs):
    deletions, insertions = (sum(pair[side] is None for pair in pairs) for side in (1, 0))
    substitutions = sum(None not in pair and pair[0] != pair[1] for pair in pairs)
    return costs.deletion * deletions + costs.insertion * insertions + costs.substitution * substitutions


def least_cost(ref, hyp, costs):
    """All alignments, written as the plain recursion from the front."""
    @lru_cache(None)
    def rest(r, h):
        ways = []
        if r < len(ref) and h < len(hyp):
            ways.append(costs.substitution * (ref[r] != hyp[h]) + rest(r + 1, h + 1))
        if r < len(ref):
            ways.append(costs.deletion + rest(r + 1, h))
        if h < len(hyp):
            ways.append(costs.insertion + rest(r, h + 1))
        return min(ways, default=0)
    return rest(0, 0)


def kaldi_counts(ref, hyp):
    """(insertions, deletions, substitutions) by the forward recursion of Kaldi's util/edit-distance-inl.h."""
    before = [(0, r, 0) for r in range(len(ref) + 1)]
    for word in hyp:
        row = [(before[0][0] + 1, 0, 0)]
        for r, said in enumerate(ref, 1):
            sub = sum(before[r - 1]) + (word != said)
            dele, ins = sum(row[r - 1]) + 1, sum(before[r]) + 1
            if sub < ins and sub < dele:
                i, d, s = before[r - 1]
                row.append((i, d, s + (word != said)))
            elif dele < ins:
                i, d, s = row[r - 1]
                row.append((i, d + 1, s))
            else:
                i, d, s = before[r]
                row.append((i + 1, d, s))
        before = row
    return before[-1]


def counts(pairs):
    return (sum(ref is None for ref, _ in pairs), sum(hyp is None for _, hyp in pairs),
            sum(None not in pair and pair[0] != pair[1] for pair in pairs))


@pytest.mark.parametrize("costs", [KALDI, SCLITE, Costs(3, 1, 2, True)])
def test_every_pair_of_short_sequences_gets_a_valid_alignment_of_least_cost(costs):
    for ref, hyp in itertools.product(sequences("ab", 4), repeat=2):
        pairs = align(ref, hyp, costs)
        assert tuple(r for r, _ in pairs if r is not None) == ref
        assert tuple(h for _, h in pairs if h is not None) == hyp
        assert (None, None) not in pairs
        assert cost_of(pairs, costs) == least_cost(ref, hyp, costs) == edit_distance(ref, hyp, costs)


def random_pairs(number, letters="abcd", longest=14, seed=1):
    draw = random.Random(seed)
    return [tuple([draw.choice(letters) for _ in range(draw.randint(0, longest))] for _ in range(2))
            for _ in range(number)]


def test_insertions_deletions_and_substitutions_are_those_of_kaldi():
    for ref, hyp in random_pairs(400):
        assert counts(align(ref, hyp)) == kaldi_counts(ref, hyp)


def test_the_number_of_errors_is_that_of_jiwer():
    jiwer = pytest.importorskip("jiwer")
    pairs = [(ref, hyp) for ref, hyp in random_pairs(400, seed=2) if ref]
    for ref, hyp in pairs:
        theirs = jiwer.process_words(" ".join(ref), " ".join(hyp))
        assert edit_distance(ref, hyp) == theirs.insertions + theirs.deletions + theirs.substitutions


def test_swapping_reference_and_hypothesis_swaps_insertions_and_deletions_in_number():
    for ref, hyp in random_pairs(100, seed=3):
        assert edit_distance(ref, hyp) == edit_distance(hyp, ref)


def test_the_reference_word_that_was_heard_stays_correct_in_a_tie():
    assert align("ab", "bc") == [("a", None), ("b", "b"), (None, "c")]


def test_long_sequences_are_aligned():
    ref = [str(n) for n in range(2000)]
    hyp = ref[:500] + ref[501:1500] + ["x"] + ref[1500:]
    assert edit_distance(ref, hyp) == 2
    assert counts(align(ref, hyp)) == (1, 1, 0)


@pytest.mark.parametrize("ref, hyp, correct", [
    ("ab", "bc", 1),  # two substitutions cost 8, a deletion and an insertion 6
    ("xyc", "cvw", 0),  # 12 either way: the diagonal
    ("xyzcd", "cduvw", 2),  # 20 against 18
])
def test_sclites_costs_are_4_3_3(ref, hyp, correct):
    """NIST's sclite 2.4: substitution 4, deletion 3, insertion 3."""
    pairs = align(ref, hyp, SCLITE)
    assert sum(said == heard for said, heard in pairs) == correct
    assert len(pairs) == len(ref) + (len(hyp) - correct if correct else 0)
