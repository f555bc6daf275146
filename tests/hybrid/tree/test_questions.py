"""Questions: clustering against all ways to cut, planted clusters, files."""

from itertools import combinations

import numpy as np
import pytest

from graphs.errors import InputError
from hybrid.tree.objectives import Gaussians
from hybrid.tree.questions import (
    Questions, automatic_sets, clusters, cut_in_two, phone_sums, position_sets, read_sets, unique_sets, write_sets)
from hybrid.tree.stats import EventStats
from tests.hybrid.tree.material import small_lang

OBJECTIVE = Gaussians(0.01)


def items(seed=0, number=6, classes=2, means=None):
    """Counts ``[N, C]`` and sums ``[N, C, 2]`` of items of 10 to 30 frames."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(10, 30, (number, classes)).astype(float)
    means = rng.normal(0, 2, (number, classes)) if means is None else np.repeat(np.array(means)[:, None], classes, 1)
    return counts, np.stack([counts * means, counts * (means ** 2 + 1)], axis=2)


def worth(counts, sums, part):
    return OBJECTIVE.value(counts[part].sum(axis=0), sums[part].sum(axis=0)).sum()


@pytest.mark.parametrize("seed", range(25))
def test_a_cut_is_hardly_worth_less_than_the_best_of_all(seed):
    counts, sums = items(seed)
    first = cut_in_two(counts, sums, OBJECTIVE)
    assert 0 < first.sum() < 6
    found = worth(counts, sums, first) + worth(counts, sums, ~first)
    all_cuts = [worth(counts, sums, list(one)) + worth(counts, sums, [n for n in range(6) if n not in one])
                for size in range(1, 4) for one in combinations(range(6), size)]
    whole = worth(counts, sums, np.ones(6, bool))
    assert found <= max(all_cuts) + 1e-9
    assert found - whole >= 0.99 * (max(all_cuts) - whole)
    for n in range(6):  # no single move gains
        other = first.copy()
        other[n] = not other[n]
        if 0 < other.sum() < 6:
            assert worth(counts, sums, other) + worth(counts, sums, ~other) <= found + 1e-9


def cut_step_by_step(counts, sums):
    """The two parts as cut_in_two describes them, with the worth of each set anew."""
    numbers = set(range(len(counts)))

    def value(*parts):
        return sum(worth(counts, sums, sorted(part)) for part in parts)

    def loss(one, other):
        return value({one}, {other}) - value({one, other})

    found = []
    for one in numbers:
        other = max(numbers - {one}, key=lambda n: loss(one, n))
        first = {one, *(n for n in numbers - {one, other} if loss(one, n) < loss(other, n))}
        while True:
            moved = [first ^ {n} for n in numbers if 0 < len(first ^ {n}) < len(numbers)]
            best = max(moved, key=lambda part: value(part, numbers - part))
            if value(best, numbers - best) <= value(first, numbers - first) + 1e-6:
                break
            first = best
        found.append((value(first, numbers - first), first))
    first = max(found, key=lambda one: one[0])[1]
    return {frozenset(first), frozenset(numbers - first)}


@pytest.mark.parametrize("number, seed", [
    (6, 108), (8, 0), (8, 1), (8, 15), (9, 172), (10, 0), (10, 2), (10, 14), (10, 60), (14, 3)])
def test_a_cut_is_made_from_the_pairs_that_lose_most_by_single_moves(number, seed):
    """Such that another start, fewer of them or fewer moves would have another end in some."""
    counts, sums = items(seed, number=number)
    first = cut_in_two(counts, sums, OBJECTIVE)
    assert {frozenset(np.flatnonzero(first)), frozenset(np.flatnonzero(~first))} == cut_step_by_step(counts, sums)


class Worth:
    """Of groups, by any function of their counts and sums."""

    def __init__(self, value):
        self.value = value


@pytest.mark.parametrize("number", [2, 3, 5])
@pytest.mark.parametrize("value", [lambda counts, sums: counts ** 2, lambda counts, sums: 0 * counts],
                         ids=["more", "as much"])
def test_no_part_is_empty_where_the_whole_is_worth(number, value):
    first = cut_in_two(*items(number=number), Worth(value))
    assert 0 < first.sum() < number


@pytest.mark.parametrize("number, seed", [(6, 108), (10, 60)])
@pytest.mark.parametrize("unit", [2.0 ** -60, 2.0 ** 60])
def test_a_cut_is_the_same_in_any_unit_of_worth(number, seed, unit):
    counts, sums = items(seed, number=number)
    first = cut_in_two(counts, sums, Worth(lambda *groups: unit * OBJECTIVE.value(*groups)))
    assert first.tolist() == cut_in_two(counts, sums, OBJECTIVE).tolist()


def test_of_cuts_that_are_worth_as_much_the_first_is_taken():
    counts, sums = np.full((4, 1), 8.0), np.full((4, 1, 2), 8.0)
    assert cut_in_two(counts, sums, OBJECTIVE).tolist() == [True, False, False, False]


@pytest.mark.parametrize("number", [2, 3, 7])
def test_each_part_is_followed_by_the_two_that_it_is_cut_into(number):
    counts, sums = items(number=number)
    parts = [frozenset(part) for part in clusters(counts, sums, OBJECTIVE)]
    assert len(parts) == len(set(parts)) == 2 * number - 2
    whole = frozenset(range(number))
    for place, part in enumerate([whole, *parts]):
        halves = [one for one in parts[place:] if one < part]
        if len(part) > 1:
            assert halves[0] | halves[1] == part and not halves[0] & halves[1]


def test_planted_clusters_are_found():
    counts, sums = items(means=[0.0, 10.0, 0.3, 10.4, -0.2, 25.0])
    found = {frozenset(part) for part in clusters(counts, sums, OBJECTIVE)}
    assert {frozenset({0, 2, 4}), frozenset({1, 3}), frozenset({5})} <= found
    assert len(found) == 2 * 6 - 2 and frozenset(range(6)) not in found


def test_items_without_frames_stand_alone():
    counts, sums = items(number=4)
    counts[[0, 2]], sums[[0, 2]] = 0, 0
    assert sorted(clusters(counts, sums, OBJECTIVE)) == [[0], [1], [2], [3]]
    assert clusters(counts[:1], sums[:1], OBJECTIVE) == [[0]]
    same = clusters(np.ones((3, 1)), np.ones((3, 1, 2)), OBJECTIVE)
    assert sorted(map(len, same)) == [1, 1, 1, 2] and {frozenset(part) for part in same} >= set(
        map(frozenset, ([0], [1], [2])))


def stats(lang, means, classes=2):
    """A hundred frames of each named phone and class around a mean, in the middle of a window."""
    rows = [((0, lang.phones.id_of(name), 0), c, 100.0, (100 * (m + c), 100 * ((m + c) ** 2 + 1)))
            for name, m in means.items() for c in range(classes)]
    return EventStats.of_rows(1, *zip(*rows))


def test_sums_of_groups_of_phones_by_pdf_class():
    lang = small_lang("A B")
    counts, sums = phone_sums(stats(lang, {"A": 1.0, "B": 3.0}), [[2], [3, 4], [9]])
    assert counts.tolist() == [[100, 100], [100, 100], [0, 0]]
    assert sums[:, :, 0].tolist() == [[100, 200], [300, 400], [0, 0]]
    assert sums[:, :, 1].tolist() == [[200, 500], [1000, 1700], [0, 0]]


def test_phones_of_no_group_are_left_out_and_pdf_classes_may_lack_frames():
    rows = EventStats.of_rows(0, [[1], [2], [2], [5]], [0, 0, 2, 1], [3, 5, 7, 11], [[30], [50], [70], [110]])
    counts, sums = phone_sums(rows, [[2], [1, 3]])
    assert counts.tolist() == [[5, 0, 7], [3, 0, 0]] and sums.tolist() == [[[50], [0], [70]], [[30], [0], [0]]]
    single = EventStats.of_rows(0, [[1], [2]], [0, 0], [3, 5], [[30], [50]])
    assert phone_sums(single, [[2], [1]])[0].tolist() == [[5], [3]]


def test_automatic_questions_of_a_lang():
    lang = small_lang("A B C D")
    sets = automatic_sets(stats(lang, {"SIL": -50.0, "A": 0.0, "B": 9.0, "C": 0.5, "D": 9.5}), OBJECTIVE, lang)
    names = [{lang.phones.symbol_of(i) for i in one} for one in sets]
    for expected in ({"SIL"}, {"A", "B", "C", "D"}, {"A", "C"}, {"B", "D"}, {"A"}, {"SPN"}, {"<eps>", "SIL"},
                     {"<eps>"}):
        assert expected in names
    assert len(set(sets)) == len(sets) == 11  # and {"B"}, {"C"}, {"D"}
    assert sets[-2:] == ({0, 1}, {0}) and set().union(*sets) == {0, *range(1, lang.num_phones + 1)}


def test_positions_are_questions_and_variants_stay_together():
    lang = small_lang("A B", position_dependent=True)
    sets = automatic_sets(stats(lang, {"SIL": -50.0, "A_B": 0.0, "B_E": 9.0}), OBJECTIVE, lang)
    names = [" ".join(lang.phones.symbol_of(i) for i in sorted(one)) for one in sets]
    assert "A_B A_E A_I A_S" in names and "A_B" not in names
    assert "A_E B_E SPN_E" in names and "SIL_E" in names and "SIL SIL_B SIL_E SIL_I SIL_S" in names
    assert position_sets(small_lang("A B")) == []
    positions = [" ".join(map(lang.phones.symbol_of, one)) for one in position_sets(lang)]
    assert positions == [*(f"A_{p} B_{p} SPN_{p}" for p in "BEIS"), *(f"SIL_{p}" for p in "BEIS")]


def test_pdf_classes_are_asked_in_order():
    questions = Questions((frozenset({2, 3}),), 3)
    assert questions.of_key(-1) == [{0}, {0, 1}] and questions.of_key(0) == questions.of_key(2) == ({2, 3},)
    assert questions.answers(0, np.array([0, 2, 3, 9])).tolist() == [[False, True, True, False]]
    assert questions.answers(-1, np.array([0, 1, 2])).tolist() == [[True, False, False], [True, True, False]]
    sets = tuple(map(frozenset, ([1, 9], [], [2])))
    assert Questions(sets, 1).answers(1, np.array([1, 2])).tolist() == [[True, False], [False, False], [False, True]]
    assert Questions((), 1).answers(-1, np.array([0])).shape == (0, 1)


def test_files_by_name_and_by_id(tmp_path):
    lang = small_lang("A B")
    (tmp_path / "q.txt").write_text("A B\n\nSIL <eps>\nB A\n")
    sets = read_sets(tmp_path / "q.txt", lang.phones)
    assert sets == (frozenset({2, 3}), frozenset({0, 1}))
    (tmp_path / "q.int").write_text("2 3\n0 1\n")
    assert read_sets(tmp_path / "q.int", lang.phones) == sets
    (tmp_path / "q.int").write_text("4\n")  # the last phone
    assert read_sets(tmp_path / "q.int", lang.phones) == ({4},)
    write_sets(tmp_path / "again.txt", sets, lang.phones)
    assert (tmp_path / "again.txt").read_text() == "A B\n<eps> SIL\n"
    assert unique_sets([[1], [], [2, 3], [3, 2], [1]]) == ({1}, {2, 3})


@pytest.mark.parametrize("name, text, message", [
    ("q.txt", "A\nA X\n", "q.txt:2: expected phones of the lang, found X"),
    ("q.txt", "A #0\n", "q.txt:1: expected phones of the lang, found #0"), ("q.txt", "\n", "a set of phones a line"),
    ("q.int", "A\n", "q.int:1: expected phone_ids of the lang, found A"), ("q.int", "99\n", "found 99"),
    ("q.int", "-1\n", "found -1"), ("q.int", "2 5\n", "q.int:1: expected phone_ids of the lang, found 5"),
    ("q.int", "0\n1.5\n", "q.int:2: expected phone_ids of the lang, found 1.5")])
def test_a_bad_file_is_named(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=message):
        read_sets(tmp_path / name, small_lang("A B").phones)
