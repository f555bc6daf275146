"""ROVER by hand, and against NIST's own where it is installed (Debian: sctk)."""

import random
import subprocess

import pytest

from hybrid.align.times.ctm import ScoredSymbol, write_ctm
from hybrid.lattices.rover import RoverOptions, network, rover, tune, vote
from tests.reference.nist import nist_command


def said(text, confidence=0.5, start=0.0):
    """Words of half a second each; `word:0.9` has a confidence of its own."""
    words = []
    for number, field in enumerate(text.split()):
        word, _, own = field.partition(":")
        words.append(ScoredSymbol(word, start + 0.5 * number, start + 0.5 * number + 0.5, float(own or confidence)))
    return words


def symbols(places):
    return [tuple(word and word.symbol for word in place) for place in places]


def test_the_network_of_the_paper():
    """Fiscus 1997, figure 2: `a b c d`, `b z d e`, `b c d e f`."""
    found = network([said("a b c d"), said("b z d e"), said("b c d e f")])
    assert symbols(found) == [("a", None, None), ("b", "b", "b"), ("c", "z", "c"), ("d", "d", "d"), (None, "e", "e"),
                              (None, None, "f")]
    frequency = RoverOptions(alpha=1.0)
    assert [word.symbol for word in vote(found, frequency)] == ["b", "c", "d", "e"]


def all_alignments(places, words):
    """(place or None, word or None)."""
    if not places and not words:
        yield []
    if places:
        yield from ([(places[0], None), *rest] for rest in all_alignments(places[1:], words))
    if words:
        yield from ([(None, words[0]), *rest] for rest in all_alignments(places, words[1:]))
    if places and words:
        yield from ([(places[0], words[0]), *rest] for rest in all_alignments(places[1:], words[1:]))


def cost(place, word):
    """4 for another word, 3 for an insertion or a deletion; 2 where a system has said nothing in the place."""
    if place is None:
        return 3
    if word is not None and word in place:
        return 0
    return 2 if None in place else 3 if word is None else 4


@pytest.mark.parametrize("seed", range(25))
def test_a_system_is_aligned_at_least_cost(seed):
    draw = random.Random(seed)
    systems = [said(" ".join(draw.choice("abc") for _ in range(draw.randint(0, 4)))) for _ in range(3)]
    before, words = symbols(network(systems[:2])), [word.symbol for word in systems[2]]
    found = [(place[:2] if any(place[:2]) else None, place[2]) for place in symbols(network(systems))]
    assert [place for place, _ in found if place] == before and [word for _, word in found if word] == words
    assert sum(cost(*pair) for pair in found) == min(
        sum(cost(*pair) for pair in pairs) for pairs in all_alignments(before, words))


@pytest.mark.parametrize("method, alpha, word", [
    ("avgconf", 1.0, "b"), ("avgconf", 0.5, "b"), ("avgconf", 0.0, "a"),  # a 0.9 / 1.4, b 0.5 / 1.4; votes 1/3 and 2/3
    ("maxconf", 1.0, "b"), ("maxconf", 0.5, "a"), ("maxconf", 0.0, "a")])
def test_votes_and_confidences(method, alpha, word):
    places = network([said("x a:0.9 y"), said("x b:0.3 y"), said("x b:0.2 y")])
    winner = vote(places, RoverOptions(method, alpha, 0.0))[1]
    assert (winner.symbol, winner.confidence) == (word, pytest.approx(0.25 if word == "b" else 0.9))


@pytest.mark.parametrize("method, alpha, null_confidence, words", [
    # confidences: a 0.9 / (0.9 + 2 n), none 2 n / (0.9 + 2 n)
    ("avgconf", 0.0, 0.44, "x a y"), ("avgconf", 0.0, 0.46, "x y"), ("avgconf", 0.4, 0.25, "x a y"),
    ("avgconf", 0.4, 0.35, "x y"),
    # a 0.2 / 3 + 0.72, none 0.4 / 3 + 0.8 n
    ("maxconf", 0.2, 0.81, "x a y"), ("maxconf", 0.2, 0.83, "x y")])
def test_no_word_has_the_confidence_that_is_given(method, alpha, null_confidence, words):
    places = network([said("x y"), said("x a:0.9 y"), said("x y")])
    assert " ".join(word.symbol for word in vote(places, RoverOptions(method, alpha, null_confidence))) == words


def test_confidences_of_0_are_no_harm():
    assert [word.symbol for word in vote(network([said("a:0"), said("b:0")]), RoverOptions(alpha=0.5))] == ["a"]


def test_times_are_means_of_those_who_voted_for_the_word():
    first, second, third = said("a"), said("b", start=9.0), said("a", start=0.1)
    (word,) = vote(network([first, second, third]), RoverOptions(alpha=1.0))
    assert (word.symbol, word.start, word.end) == ("a", pytest.approx(0.05), pytest.approx(0.55))


def test_of_equals_the_first_system_wins():
    assert [word.symbol for word in vote(network([said("a"), said("b")]), RoverOptions(alpha=1.0))] == ["a"]
    assert vote(network([[], said("b")]), RoverOptions(alpha=1.0)) == []
    assert [word.symbol for word in vote(network([said("b"), []]), RoverOptions(alpha=1.0))] == ["b"]


def test_all_utterances_of_all_systems_come_out():
    systems = [{"u1": said("a b")}, {"u2": said("c"), "u1": said("a b")}]
    found = rover(systems, RoverOptions(alpha=0.0, null_confidence=0.0))
    assert {key: [word.symbol for word in words] for key, words in found.items()} == {"u1": ["a", "b"], "u2": ["c"]}


def test_the_development_set_chooses():
    """Only the one sure system is right: the votes must count little, and saying nothing less."""
    systems = [{"u": said("a a", 0.9)}, {"u": said("b b", 0.1)}, {"u": said("b b", 0.1)}]
    best, rows = tune(systems, {"u": ["a", "a"], "lost": ["c"]}, RoverOptions("maxconf", 1.0, 0.5))
    assert len(rows) == 111 and {(alpha, errors) for alpha, _, errors in rows} >= {(1.0, 3), (0.0, 1)}
    assert min(errors for *_, errors in rows) == 1 and best.alpha == max(
        alpha for alpha, null, errors in rows if errors == 1 and null == 0.5)
    assert best.null_confidence == 0.5 and best.method == "maxconf"
    fewest = tune([{"u": said("a b")}], {"u": ["a"]}, RoverOptions(alpha=0.3, null_confidence=0.2))[0]
    assert (fewest.alpha, fewest.null_confidence) == (0.3, 0.2)


@pytest.mark.parametrize("bad", [{"method": "votes"}, {"alpha": 1.1}, {"null_confidence": -0.1}])
def test_options_out_of_range(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        RoverOptions(**bad)


def noisy(words, draw, vocabulary):
    """A hypothesis: words that are lost, mistaken or doubled, at the times of the true ones."""
    found = []
    for place, word in enumerate(words):
        kind, start = draw.random(), 0.4 * place
        if kind < 0.08:
            continue
        halves = [draw.choice(vocabulary)] if kind > 0.93 else []
        parts = halves + [draw.choice(vocabulary) if kind < 0.2 else word]
        step = 0.4 / len(parts)
        found += [ScoredSymbol(part, round(start + step * i, 2), round(start + step * (i + 1), 2),
                               round(draw.random(), 3)) for i, part in enumerate(parts)]
    return found


@pytest.mark.skipif(nist_command("rover") is None, reason="needs NIST's rover")
@pytest.mark.parametrize("systems", [2, 3])
@pytest.mark.parametrize("method", ["avgconf", "maxconf"])
def test_the_winners_are_those_of_nist(systems, method, tmp_path):
    """But for ties: of 300 utterances at most 3 differ for two systems and 9 for three."""
    draw, vocabulary = random.Random(systems), [f"w{n}" for n in range(200)]
    true = {f"u{n:03d}": [draw.choice(vocabulary) for _ in range(draw.randint(3, 12))] for n in range(300)}
    hypotheses = [{key: noisy(words, draw, vocabulary) for key, words in true.items()} for _ in range(systems)]
    arguments = []
    for number, one in enumerate(hypotheses):
        write_ctm(tmp_path / f"{number}.ctm", one)
        arguments += ["-h", str(tmp_path / f"{number}.ctm"), "ctm"]
    options = ["-o", str(tmp_path / "out.ctm"), "-m", method, "-a", "0.5", "-c", "0.4"]
    subprocess.run([nist_command("rover"), *arguments, *options], check=True, capture_output=True)
    theirs = {}
    for line in (tmp_path / "out.ctm").read_text().splitlines():
        key, _, start, length, word, confidence = line.split()
        theirs.setdefault(key, []).append((word, float(start), float(length), float(confidence)))
    ours = rover(hypotheses, RoverOptions(method, 0.5, 0.4))
    same = [key for key in true if [word.symbol for word in ours[key]] == [row[0] for row in theirs.get(key, [])]]
    assert len(same) >= (297 if systems == 2 else 291)
    for key in same if systems == 2 else ():
        for word, (_, start, length, confidence) in zip(ours[key], theirs.get(key, [])):
            assert (word.start, word.end - word.start, word.confidence) == pytest.approx(
                (start, length, confidence), abs=2e-3)
