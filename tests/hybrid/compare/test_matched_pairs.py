import random
import re
import subprocess

import pytest
from scipy import stats

from graphs.errors import InputError
from hybrid.compare.matched_pairs import matched_pairs, segments
from hybrid.recognize.edit_distance import SCLITE, align
from tests.reference.nist import nist_command


def aligned(reference, hypothesis):
    return align(reference.split(), hypothesis.split(), SCLITE)


@pytest.mark.parametrize("reference, a, b, expected", [
    ("a b c d", "a b c d", "a b c d", []),
    ("a b c d", "x b c d", "a b c d", [(1, 0)]),
    ("a b c d e f", "x b c d e f", "a b c d e x", [(1, 0), (0, 1)]),
    ("a b c", "x b c", "a b x", [(1, 1)]),  # one right word between is too few
    ("a b c d", "x b c x", "x b c x", [(1, 1), (1, 1)]),
    ("a b c d", "x b c x", "x b x x", [(2, 3)]),
    ("a b c", "a x b c", "a b c", [(1, 0)]),  # inserted: the next word begins a run
    ("a b c d", "a x b c x", "a b c d", [(1, 0), (1, 0)]),
    ("a b c d", "a x b x c d", "a b c d", [(2, 0)]),
    ("a b c d", "a b c d x", "y a b c d", [(0, 1), (1, 0)]),
    ("a b", "", "a b", [(2, 0)]),
    ("a", "a x", "a", [(1, 0)]),
    ("", "x y", "", [(2, 0)]),
])
def test_segments_end_where_both_have_two_words_right(reference, a, b, expected):
    assert segments(aligned(reference, a), aligned(reference, b)) == expected
    assert segments(aligned(reference, b), aligned(reference, a)) == [pair[::-1] for pair in expected]


def noisy(words, draw, share):
    found = []
    for word in words:
        kind = draw.random() / share
        found += [word] if kind > 1 else [word + "x"] if kind > 0.6 else ["ins", word] if kind > 0.3 else []
    return found


def noisy_pair(seed, utterances):
    draw = random.Random(seed)
    references = [[draw.choice("abcdefgh") + draw.choice("123") for _ in range(draw.randint(1, 14))]
                  for _ in range(utterances)]
    return references, [[noisy(words, draw, share) for words in references] for share in (0.15, 0.22)]


def alignments(references, hypotheses):
    return [align(said, found, SCLITE) for said, found in zip(references, hypotheses)]


def test_the_statistic_is_that_of_the_segments_differences():
    references, systems = noisy_pair(1, 60)
    a, b = (alignments(references, found) for found in systems)
    differences = [right - left for pairs in zip(a, b) for left, right in segments(*pairs)]
    expected = stats.ttest_1samp(differences, 0.0).statistic
    found = matched_pairs(a, b)
    assert found.segments == len(differences) and found.statistic == pytest.approx(expected)
    assert found.p_value == pytest.approx(2 * stats.norm.sf(abs(expected)))
    assert matched_pairs(b, a).statistic == pytest.approx(-expected)
    assert sum(differences) == sum(sum(said != word for said, word in pairs) * sign
                                   for own, sign in ((a, -1), (b, 1)) for pairs in own)


def test_what_has_no_deviation_has_no_statistic():
    same, better = aligned("a b", "a x"), aligned("a b", "a b")
    assert matched_pairs([same], [better]) is None
    assert matched_pairs([same, same], [better, better]) is None
    assert matched_pairs([same, same], [same, same]).p_value == 1.0
    assert matched_pairs([same, same], [same, same]).statistic == 0.0
    assert matched_pairs([better, better], [better, better]) is None


def test_other_references_are_refused():
    with pytest.raises(InputError, match="'b', found 'c'"):
        matched_pairs([aligned("a b", "a")], [aligned("a c", "a")])
    with pytest.raises(InputError, match="1 utterances of both systems, found 2"):
        matched_pairs([aligned("a", "a")], [aligned("a", "a")] * 2)


def test_a_known_case_of_nist():
    """What sc_stats 1.3 says of these 60 utterances."""
    references, systems = noisy_pair(3, 60)
    found = matched_pairs(*(alignments(references, own) for own in systems))
    assert found.segments == 88 and found.statistic == pytest.approx(3.464, abs=6e-4)


@pytest.mark.skipif(nist_command("sc_stats") is None or nist_command("sclite") is None, reason="needs NIST's sc_stats")
@pytest.mark.parametrize("seed", range(3))
def test_the_segments_and_the_statistic_are_those_of_nist(seed, tmp_path):
    references, systems = noisy_pair(seed, 60)
    for name, texts in (("ref", references), ("a", systems[0]), ("b", systems[1])):
        (tmp_path / name).write_text("".join(f"{' '.join(words)} (s{n % 3}_{n})\n" for n, words in enumerate(texts)))
    scored = subprocess.run([nist_command("sclite"), "-i", "wsj", "-r", "ref", "-h", "a", "-h", "b", "-o", "sgml",
                             "stdout"], cwd=tmp_path, check=True, capture_output=True)
    told = subprocess.run([nist_command("sc_stats"), "-p", "-t", "mapsswe", "-v", "-n", "-"], cwd=tmp_path, check=True,
                          capture_output=True, input=scored.stdout).stdout.decode()
    number, statistic = re.search(r"# segs: (\d+).*Z Stat: ([-0-9.]+)", told).groups()
    found = matched_pairs(*(alignments(references, own) for own in systems))
    assert found.segments == int(number)
    assert -found.statistic == pytest.approx(float(statistic), abs=6e-4)
