"""The sweep on small lattices whose best word at each scale is known."""

import numpy as np
import pytest

from graphs.errors import InputError
from graphs.lattices.lattice import Lattice
from hybrid.recognize.edit_distance import KALDI
from hybrid.recognize.sweep import Grid, Scales, Sweep, best_hypotheses, sweep
from hybrid.recognize.wer import Counts, Reference, score

WORDS = ["<eps>", "one", "two", "three"]


def spell(word_ids):
    return [WORDS[word_id] for word_id in word_ids]


def lattice(utterance_id, paths, partial=False):
    """paths: (word_ids, acoustic, graph) of parallel paths of 3 frames, one word a frame at most."""
    columns = []
    end = 1 + 2 * len(paths)
    for number, (word_ids, acoustic, graph) in enumerate(paths):
        states = [0, 1 + 2 * number, 2 + 2 * number, end]
        words = [*word_ids, 0, 0, 0]
        columns += [(states[i], states[i + 1], 1, words[i], acoustic / 3, graph / 3) for i in range(3)]
    src, dst, transition_id, word_id, acoustic, graph = zip(*columns)
    return Lattice(utterance_id, 3, *(np.array(c, np.int32) for c in (src, dst, transition_id, word_id)),
                   np.array(acoustic, np.float32), np.array(graph, np.float32), partial)


# with lm_scale above 5 the second path wins
LATTICE = lattice("u1", [((1, 2), -10.0, -5.0), ((3,), -20.0, -3.0)])
GRID = Grid((0.0, 4.0, 6.0, 9.0), (0.0,))
SAID_ONE_TWO = {"u1": Reference(("one", "two"))}
SAID_THREE = {"u1": Reference(("three",))}


def errors_of(references, grid=GRID, lattices=(LATTICE,), nj=1):
    return sweep(lattices, references, spell, grid, KALDI, nj)


def test_errors_at_each_point():
    assert errors_of(SAID_ONE_TWO).errors().ravel().tolist() == [0, 0, 2, 2]
    assert errors_of(SAID_THREE).errors().ravel().tolist() == [2, 2, 0, 0]


def test_the_penalty_is_subtracted_for_each_word():
    found = errors_of(SAID_THREE, Grid((1.0,), (-20.0, 0.0, 7.0, 9.0)))  # 8 more for a second word
    assert found.errors().ravel().tolist() == [2, 2, 2, 0]
    assert found.best() == Scales(1.0, 9.0)


def test_the_acoustic_scale_only_shifts_the_lm_scale():
    halved = Grid(tuple(s / 2 for s in GRID.lm_scales), (0.0,), acoustic_scale=0.5)
    assert errors_of(SAID_THREE, halved).errors().tolist() == errors_of(SAID_THREE).errors().tolist()


def test_every_point_agrees_with_scoring_the_best_path_there():
    lattices = [LATTICE, lattice("u2", [((2,), -3.0, -9.0), ((1, 3), -9.0, -6.0), ((), -40.0, -1.0)])]
    references = {**SAID_ONE_TWO, "u2": Reference(("one", "three")), "u3": Reference(("two",))}
    grid = Grid((0.5, 2.0, 8.0, 20.0), (-3.0, 0.0, 3.0))
    found = errors_of(references, grid, lattices)
    for scales in grid.points():
        found_there = best_hypotheses(lattices, spell, scales, 1.0)
        texts = {key: hypothesis.words for key, hypothesis in found_there.items()}
        assert found.counts[scales] == score(references, texts).counts


def test_an_utterance_without_lattice_is_deleted_at_every_point():
    found = errors_of({**SAID_ONE_TWO, "lost": Reference(("one", "one", "one"))})
    assert found.errors().ravel().tolist() == [3, 3, 5, 5]
    assert {counts.words for counts in found.counts.values()} == {5}


def test_a_lattice_without_reference_is_refused():
    with pytest.raises(InputError, match="u1"):
        errors_of({"other": Reference(("one",))})


def test_two_lattices_of_an_utterance_are_refused():
    for ask in (lambda: errors_of(SAID_THREE, GRID, [LATTICE, LATTICE]),
                lambda: best_hypotheses([LATTICE, LATTICE], spell, Scales(1.0, 0.0), 1.0)):
        with pytest.raises(InputError, match="lattices: u1: expected each id once"):
            ask()


def test_processes_do_not_change_the_result():
    lattices = [lattice(f"u{n}", [((1, 2), -10.0 - n, -5.0), ((3,), -20.0, -3.0)]) for n in range(12)]
    references = {f"u{n}": Reference(("three",)) for n in range(12)}
    one, two = (errors_of(references, GRID, lattices, nj) for nj in (1, 2))
    assert one.counts == two.counts


def planted(table, grid=None, first=1):
    """A Sweep whose errors are the table ``[lm_scales, penalties]``. first: lm_scale, where no grid is given."""
    table = np.array(table)
    grid = grid or Grid(tuple(map(float, range(first, first + len(table)))), tuple(map(float, range(table.shape[1]))))
    return Sweep(grid, {point: Counts(words=10, substitutions=int(errors))
                        for point, errors in zip(grid.points(), table.ravel())})


def test_the_fewest_errors_around_win():
    assert planted([[3, 3, 3], [3, 3, 1], [3, 3, 3]]).best() == Scales(2.0, 2.0)
    luck = [[9, 9, 9, 9, 9], [1, 9, 9, 2, 2], [9, 9, 9, 2, 2], [9, 9, 9, 2, 2], [9, 9, 9, 9, 9]]
    assert planted(luck).best() == Scales(3.0, 4.0)


def test_smoothing_is_the_weighted_mean_of_the_points_around():
    table = np.random.default_rng(3).integers(0, 50, (4, 6))
    smooth = planted(table).smoothed()
    weights = [1, 2, 3, 2, 1]
    for row in range(4):
        for column in range(6):
            expected = sum(weights[i + 2] * weights[j + 2] * table[min(max(row + i, 0), 3), min(max(column + j, 0), 5)]
                           for i in range(-2, 3) for j in range(-2, 3)) / 81
            assert smooth[row, column] == pytest.approx(expected)


def test_among_equals_the_middle_one_then_the_smaller():
    assert planted([[5], [1], [1], [1], [5]]).best() == Scales(3.0, 0.0)
    assert planted([[5], [1], [1], [5]]).best() == Scales(2.0, 0.0)
    assert planted(np.zeros((5, 3), int)).best() == Scales(3.0, 1.0)


@pytest.mark.parametrize("usual, best", [
    (Scales(2.0, 3.0), (2.0, 3.0)), (Scales(3.4, 1.2), (4.0, 1.0)), (Scales(3.0, 0.0), (2.0, 0.0)),  # as near as 4
    (Scales(99.0, 0.0), (4.0, 0.0)), (Scales(0.5, 9.0), (4.0, 1.0)), (Scales(1.0, 3.0), (1.0, 3.0)),
    (Scales(9.0, 0.0), (9.0, 0.0))])
def test_where_the_development_set_does_not_decide_the_usual_scales_are_near(usual, best):
    """On an axis where the usual value is beyond the ends, the middle."""
    found = planted(np.zeros((5, 3), int), Grid((1.0, 2.0, 4.0, 8.0, 9.0), (0.0, 1.0, 3.0), usual=usual))
    assert found.best() == Scales(*best)


def test_what_is_far_from_the_usual_scales_must_save_as_many_errors_as_chance_alone_does():
    """Five steps cost the square root of the fewest errors, two steps 4 / 25 of it; both axes count."""
    grid = Grid(tuple(map(float, range(1, 12))), tuple(map(float, range(7))), usual=Scales(9.0, 1.0))
    table = np.full((11, 7), 100)
    costs = planted(table, grid).costs()
    assert costs[8, 1] == 100 and costs[3, 1] == pytest.approx(110) and costs[10, 1] == pytest.approx(101.6)
    assert costs[8, 6] == pytest.approx(110) and costs[3, 6] == pytest.approx(120)
    assert planted(table, grid).best() == Scales(9.0, 1.0)
    few = np.zeros((11, 7), int)
    assert planted(few, grid).costs()[3, 1] == pytest.approx(1)  # as of one error
    half = Grid((1.0, 3.0, 5.0), (0.0,), usual=Scales(4.0, 0.0))  # between two steps
    assert planted([[4], [4], [4]], half).costs()[:, 0] == pytest.approx([4 + 2 * 2.25 / 25, 4.02, 4.02])


@pytest.mark.parametrize("saved, best", [(8, 9.0), (40, 3.0)])
def test_errors_far_from_the_usual_scales_have_to_be_many(saved, best):
    grid = Grid(tuple(map(float, range(1, 12))), (0.0,), usual=Scales(9.0, 0.0))
    table = np.full((11, 1), 100)
    table[:5] -= saved  # 92 then, whose root is 9.6: six steps cost 13.8
    assert planted(table, grid).best().lm_scale == best
    table[10] = 400  # the most errors say nothing
    assert planted(table, grid).costs()[2, 0] == pytest.approx(100 - saved + (100 - saved) ** 0.5 * 36 / 25)


@pytest.mark.parametrize("usual", [None, Scales(0.5, 0.0), Scales(99.0, 0.0)])
def test_usual_scales_beyond_the_grid_cost_nothing(usual):
    table = [[100], [100], [99], [100], [100], [100], [100], [100]]
    found = planted(table, Grid(tuple(map(float, range(1, 9))), (0.0,), usual=usual))
    assert np.array_equal(found.costs(), found.smoothed()) and found.best() == Scales(3.0, 0.0)


def test_usual_scales_win_over_no_error():
    grid = Grid((1.0, 2.0, 3.0, 4.0, 5.0, 6.0), (0.0,), usual=Scales(6.0, 0.0))
    assert planted([[1], [1], [1], [1], [1], [9]], grid).best() == Scales(3.0, 0.0)  # the last that is far from errors


def test_a_best_point_at_the_edge_is_told():
    assert planted([[1], [2], [3]]).at_edge() == ["lm_scales"]
    assert planted([[3], [2], [3]]).at_edge() == []
    assert planted([[4, 3, 2], [3, 2, 1], [4, 3, 2]]).at_edge() == ["word_insertion_penalties"]
    assert planted([[1, 1], [1, 1]]).at_edge() == []  # all the same: no edge
    assert planted([[1], [2], [3]], first=0).at_edge() == []  # no scale is below 0
    assert planted([[3], [2], [1]], first=0).at_edge() == ["lm_scales"]
    assert planted([[1, 2, 3]], first=0).at_edge() == ["word_insertion_penalties"]


def test_a_grid_is_sorted_and_needs_values():
    assert Grid((3.0, 1.0, 3.0), (0.0,)).lm_scales == (1.0, 3.0)
    with pytest.raises(ValueError, match="lm_scales"):
        Grid((), (0.0,))


def test_partial_lattices_are_marked():
    lattices = [lattice("u", [((1,), 0.0, 0.0)], partial=True), LATTICE]
    found = best_hypotheses(lattices, spell, Scales(1.0, 0.0), 1.0)
    assert found["u"].partial and not found["u1"].partial and found["u"].words == ["one"]


def test_the_table_and_the_picture(tmp_path):
    from hybrid.report.figures import save_figure
    found = errors_of(SAID_ONE_TWO, Grid((1.0, 6.0), (0.0, 2.5)))
    lines = found.to_tsv().splitlines()
    assert lines[0].startswith("lm_scale\tword_insertion_penalty\twer")
    assert lines[2].startswith("1\t2.5\t0.00")
    save_figure(found.picture(), tmp_path / "sweep.png")
    assert (tmp_path / "sweep.png").read_bytes()[:4] == b"\x89PNG"
