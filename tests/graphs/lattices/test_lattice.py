"""Lattices against enumeration of every path."""


import numpy as np
import pytest

from graphs.errors import InputError
from graphs.lattices.lattice import Lattice
from graphs.lattices.lattice_io import read_lattices, write_lattices
from graphs.lattices.weights import scale


def random_lattice(seed, num_frames=4, width=3, name="utt"):
    """Frame by frame `width` states, all connected; epsilon arcs with words at the end."""
    rng = np.random.default_rng(seed)
    arcs = []
    states = [[0]] + [list(range(1 + width * t, 1 + width * (t + 1))) for t in range(num_frames)]
    for before, after in zip(states, states[1:]):
        for src in before:
            for dst in after:
                if rng.random() < 0.8 or src == before[0] or dst == after[0]:
                    arcs.append((src, dst, int(rng.integers(1, 9)), int(rng.integers(0, 3))))
    final = states[-1][-1] + 1
    arcs += [(src, final, 0, int(rng.integers(0, 3))) for src in states[-1]]
    src, dst, transition_id, word_id = (np.array(c, np.int32) for c in zip(*arcs))
    lattice = Lattice(name, num_frames, src, dst, transition_id, word_id,
                      rng.normal(size=len(arcs)).astype(np.float32) * (transition_id > 0),
                      rng.normal(size=len(arcs)).astype(np.float32))
    return lattice.select(lattice.forward_backward(np.zeros(len(arcs)), best=True)[0][lattice.src] >= 0)


def enumerate_paths(lattice):
    """Oracle: lists of arcs from start to end."""
    def walk(state, arcs):
        if state == lattice.num_states - 1:
            yield arcs
        for arc in np.flatnonzero(lattice.src == state):
            yield from walk(lattice.dst[arc], arcs + [int(arc)])
    return list(walk(0, []))


def test_scales_are_one_and_nothing_is_subtracted_unless_said():
    lattice = random_lattice(2)
    assert lattice.scores().tolist() == lattice.scores(1.0, 1.0, 0.0).tolist()
    assert lattice.best_path().score == lattice.best_path(1.0, 1.0, 0.0).score
    assert lattice.arc_posteriors().tolist() == lattice.arc_posteriors(1.0, 1.0, 0.0).tolist()
    assert lattice.prune(1.5).num_arcs == lattice.prune(1.5, 1.0, 1.0).num_arcs < lattice.prune(1.5, 0.5, 0.5).num_arcs


def test_settings_together_are_settings_one_by_one():
    lattice = random_lattice(7, num_frames=6)
    settings = [(g, 1.0, p) for g in (0.1, 1.0, 5.0) for p in (-1.0, 0.0, 2.0)]
    together = lattice.best_paths(settings)
    for setting, path in zip(settings, together):
        alone = lattice.best_path(*setting)
        assert (alone.word_ids, alone.score) == (path.word_ids, path.score)


def test_files_round_trip_in_parts(tmp_path):
    lattices = [random_lattice(seed, name=f"utt-{seed}") for seed in range(5)]
    lattices[2].partial = True
    write_lattices(tmp_path, 0, lattices[:3])
    write_lattices(tmp_path, 1, [])
    write_lattices(tmp_path, 2, lattices[3:])
    again = list(read_lattices(tmp_path))
    assert [item.utterance_id for item in again] == [item.utterance_id for item in lattices]
    assert [item.partial for item in again] == [False, False, True, False, False]
    for one, other in zip(again, lattices):
        assert all(np.array_equal(getattr(one, n), getattr(other, n))
                   for n in ("src", "dst", "transition_id", "word_id", "acoustic", "graph"))
    assert [item.utterance_id for item in read_lattices(tmp_path, "utt-3")] == ["utt-3"]
    with pytest.raises(InputError, match="a folder of lattices"):
        list(read_lattices(tmp_path / "nothing"))


def test_check_names_what_is_wrong():
    lattice = random_lattice(1)
    lattice.check()
    lattice.acoustic[3] = np.nan
    with pytest.raises(InputError, match="lattice utt, arc 3: expected a finite acoustic score"):
        lattice.check()
    lattice = random_lattice(1)
    lattice.num_frames = 9
    with pytest.raises(InputError, match="paths of 9 frames, found 4"):
        lattice.check()
    lattice = random_lattice(1)
    lattice.dst[-1] = 0
    with pytest.raises(InputError, match="no cycle"):
        lattice.check()


CHAIN = dict(src=[0, 1, 2], dst=[1, 2, 3], transition_id=[1, 2, 0], word_id=[1, 0, 0], acoustic=[-1.0, -2.0, 0.0],
             graph=[-0.5, 0.0, -0.25])


def by_hand(num_frames=2, **change):
    return Lattice("u", num_frames, **{name: np.array(values) for name, values in {**CHAIN, **change}.items()})


def test_a_chain_by_hand():
    path = by_hand().best_path(2.0, 0.5, 1.0)
    assert (path.word_ids, path.transition_ids.tolist(), path.word_frames) == ([1], [1, 2], [0])
    assert (path.acoustic, path.graph, path.score) == (-3.0, -0.75, 2.0 * -0.75 + 0.5 * -3.0 - 1.0)
    assert by_hand().num_states == 4 and not by_hand().partial


def test_words_stand_on_the_frame_of_their_arc():
    lattice = by_hand(3, src=[0, 1, 2, 3, 4], dst=[1, 2, 3, 4, 5], transition_id=[1, 0, 2, 3, 0],
                      word_id=[1, 2, 0, 3, 4], acoustic=[0.0] * 5, graph=[0.0] * 5)
    # an arc without a frame says its word before the next frame
    assert lattice.best_path().word_frames == [0, 1, 2, 3]


@pytest.mark.parametrize("change, message", [
    (dict(src=[0, 1]), "arcs of lattice u: expected arrays of one length, found src of 2, dst of 3"),
    (dict(src=[-1, 1, 2]), "lattice u, src: expected numbers from 0"),
    (dict(dst=[1.5, 2.0, 3.0]), "lattice u, dst: expected whole numbers"),
    (dict(word_id=[[1], [0], [0]]), r"lattice u, word_id: expected an array of one dimension, found shape \(3, 1\)"),
    (dict(acoustic=["a", "b", "c"]), "lattice u, acoustic: expected numbers"),
    ({name: [] for name in CHAIN}, "lattice u: expected at least one arc, found none"),
    (dict(dst=[1, 2, 2_000_000_000]), "lattice u, dst: expected numbers from 0 to below 10000006, found 1 to 20"),
    (dict(num_frames=-1), "lattice u, num_frames: expected numbers from 0"),
    (dict(num_frames=2.5), "lattice u, num_frames: expected whole numbers"),
])
def test_arrays_that_are_no_lattice_are_refused(change, message):
    with pytest.raises(InputError, match=message):
        by_hand(**change)


@pytest.mark.parametrize("change, message", [
    (dict(src=[0, 1, 3], dst=[1, 2, 4]), "a path from start to end with a finite score, found none"),
    (dict(src=[0, 2, 3], dst=[1, 3, 4]), "a path from start to end with a finite score, found none"),
    (dict(src=[0, 1, 2], dst=[1, 3, 4]), "a path from start to end with a finite score, found none"),
    (dict(src=[0, 1, 2], dst=[1, 0, 3]), "lattice u: expected no cycle, .* from state 1 to 0"),
    (dict(src=[0, 1, 2], dst=[1, 1, 3]), "no cycle, .* from state 1 to 1"),
    (dict(acoustic=[-1.0, np.nan, 0.0]), "lattice u, arc 1: expected a score, found nan"),
    (dict(acoustic=[-1.0, -np.inf, 0.0]), "a path from start to end with a finite score, found none"),
    (dict(src=[0, 0, 1, 2], dst=[1, 2, 3, 3], transition_id=[1, 1, 2, 2], word_id=[0, 0, 0, 0],
          acoustic=[0.0, np.nan, 0.0, 0.0], graph=[0.0] * 4), "lattice u, arc 1: expected a score, found nan"),
])
def test_without_a_good_path_to_the_end_there_is_no_answer(change, message):
    lattice = by_hand(**change)
    for ask in (lattice.best_path, lattice.arc_posteriors, lambda: lattice.prune(1.0)):
        with pytest.raises(InputError, match=message):
            ask()


def test_each_setting_needs_a_path_of_finite_score():
    for lattice in (by_hand(graph=[-np.inf] * 3), by_hand(1, src=[0, 0, 0], dst=[1, 1, 1], graph=[-np.inf] * 3)):
        with pytest.raises(InputError, match="with a finite score, found none"):
            lattice.best_paths([(1.0, 1.0, 0.0), (2.0, 1.0, 0.0)])


def test_scores_stay_numbers_that_float32_holds():
    lattice = by_hand(graph=[-20.0] * 3)
    assert np.isfinite(lattice.scores(1e30, 1e30, 1e30).sum())
    with pytest.raises(InputError, match="u, graph: expected numbers up to 3.4e.38, found a larger one"):
        scale(lattice, graph_scale=1e30).with_arcs(np.arange(3), lattice.src, lattice.dst, graph=[-1e39] * 3)
    with pytest.raises(InputError, match="lattice u, graph: expected numbers up to"):
        scale(scale(lattice, graph_scale=1e30), graph_scale=1e30)


def test_a_single_path_is_found_without_an_order_of_states():
    lattice = by_hand()
    assert lattice.best_path().word_ids == [1] and "levels" not in vars(lattice)


def test_states_sum_over_paths_unless_the_best_is_asked_for():
    lattice = by_hand(1, src=[0, 0, 0], dst=[1, 1, 1])
    scores = np.log([0.25, 0.125, 0.5])
    assert np.exp(lattice.forward_backward(scores)).tolist() == [pytest.approx([1, 0.875]), pytest.approx([0.875, 1])]
    assert np.exp(lattice.forward_backward(scores, best=True)).tolist() == [[1.0, 0.5], [0.5, 1.0]]


def test_a_path_of_other_than_num_frames_frames_is_refused():
    with pytest.raises(InputError, match="lattice u: expected paths of 5 frames, found 2"):
        by_hand(5).best_path()


@pytest.mark.parametrize("setting, message", [
    ((np.nan, 1.0, 0.0), "graph_scale: expected a number from 0 to 1e.30, found nan"),
    ((1.0, np.inf, 0.0), "acoustic_scale: expected a number from 0 to 1e.30, found inf"),
    ((-1.0, 1.0, 0.0), "graph_scale: expected a number from 0 to 1e.30, found -1.0"),
    ((1.0, 1.0, np.nan), "word_insertion_penalty: expected a number from 0"),
    ((1.0, 1.0, -np.inf), "word_insertion_penalty: expected a number from 0"),
    (("1", 1.0, 0.0), "graph_scale: expected a number from 0 to 1e.30, found 1"),
    ((1.0, 1.0, None), "word_insertion_penalty: expected a number from 0 to 1e.30, found None"),
    ((0.0, 0.0, 0.0), "expected one above 0, found 0 and 0"),
])
def test_scales_that_mean_nothing_are_refused(setting, message):
    for ask in (by_hand().best_path, by_hand().arc_posteriors):
        with pytest.raises(InputError, match=message):
            ask(*setting)
    assert by_hand().best_path(0.0, 1.0).score == -3.0 and by_hand().best_path(1.0, 0.0).score == -0.75


@pytest.mark.parametrize("beam", [-1.0, np.nan, np.inf])
def test_a_lattice_beam_that_means_nothing_is_refused(beam):
    with pytest.raises(InputError, match="lattice_beam: expected a number from 0"):
        by_hand().prune(beam)


def test_check_finds_states_beside_the_paths_and_paths_of_two_lengths():
    two_ends = by_hand(src=[0, 1, 0], dst=[1, 3, 2])
    with pytest.raises(InputError, match="every state on a path from start to end"):
        two_ends.check()
    two_starts = by_hand(src=[0, 1, 2], dst=[2, 2, 3])
    with pytest.raises(InputError, match="every state on a path from start to end"):
        two_starts.check()
    two_lengths = by_hand(src=[0, 0, 1], dst=[1, 2, 2], transition_id=[1, 2, 3])
    with pytest.raises(InputError, match="all paths into a state of one length"):
        two_lengths.check()


def test_best_paths_of_different_lengths():
    """With the graph's scores the longer way is better, with the acoustic ones the shorter."""
    lattice = by_hand(1, src=[0, 0, 1, 2], dst=[3, 1, 2, 3], transition_id=[4, 5, 0, 0], word_id=[6, 7, 8, 0],
                      acoustic=[-1.0, -9.0, 0.0, 0.0], graph=[-9.0, -1.0, -1.0, -1.0])
    short, long = lattice.best_paths([(0.1, 1.0, 0.0), (1.0, 0.1, 0.0)])
    assert (short.word_ids, short.transition_ids.tolist(), short.score) == ([6], [4], pytest.approx(-1.9))
    assert (long.word_ids, long.transition_ids.tolist(), long.score) == ([7, 8], [5], pytest.approx(-3.9))
    assert long.word_frames == [0, 1]


def test_stored_lattices_out_of_order_are_refused(tmp_path):
    write_lattices(tmp_path, 0, [by_hand(src=[0, 2, 1], dst=[2, 1, 3])])
    with pytest.raises(InputError, match="dst: expected states after those that the arcs leave"):
        list(read_lattices(tmp_path))


def test_of_equally_good_arcs_the_first_is_taken():
    lattice = by_hand(1, src=[0, 0, 0], dst=[1, 1, 1], acoustic=[-2.0, -1.0, -1.0], graph=[0.0] * 3, word_id=[5, 6, 7],
                      transition_id=[1, 2, 3])
    assert lattice.best_path().word_ids == [6]


def test_states_beside_the_paths_do_no_harm():
    lattice = by_hand(1, src=[0, 1, 0], dst=[3, 3, 2], transition_id=[1, 2, 3])
    assert lattice.best_path().transition_ids.tolist() == [1] and lattice.prune(0.0).num_arcs == 1
    assert lattice.arc_posteriors().tolist() == [1.0, 0.0, 0.0]
    kept = lattice.prune(5.0)
    assert (kept.src.tolist(), kept.dst.tolist(), kept.num_frames, kept.utterance_id) == ([0], [1], 1, "u")


def test_selected_states_are_numbered_anew_in_order():
    lattice = by_hand(src=[0, 0, 1, 3], dst=[1, 3, 4, 4], transition_id=[1, 2, 3, 4], word_id=[0, 5, 0, 6],
                      acoustic=[-1.0, -2.0, -3.0, -4.0], graph=[0.0, -0.5, 0.0, 0.25])
    lattice.partial = True
    kept = lattice.select(np.array([False, True, False, True]))
    assert (kept.src.tolist(), kept.dst.tolist()) == ([0, 1], [1, 2]) and kept.partial
    assert (kept.transition_id.tolist(), kept.word_id.tolist()) == ([2, 4], [5, 6])
    assert (kept.acoustic.tolist(), kept.graph.tolist()) == ([-2.0, -4.0], [-0.5, 0.25])
    assert lattice.state_frames().tolist() == [0, 1, 0, 1, 2]
    assert by_hand().select(np.array([False, True, True])).src.tolist() == [1, 2], "another state is no start"


def test_text_holds_every_arc_by_its_source():
    lattice = by_hand(src=[1, 0, 2], dst=[2, 1, 3])
    assert lattice.to_text() == ("u\n0 1 2 0 -2.0000 0.0000\n1 2 1 1 -1.0000 -0.5000\n2 3 0 0 0.0000 -0.2500\n\n")
    lattice.partial = True
    assert lattice.to_text(["<eps>", "yes"]).splitlines()[:3] == [
        "u (partial)", "0 1 2 <eps> -2.0000 0.0000", "1 2 1 yes -1.0000 -0.5000"]


def test_words_without_a_symbol_are_not_written():
    assert by_hand().to_text(["-", "a"]).startswith("u\n0 1 1 a ")
    with pytest.raises(InputError, match="lattice u, word_ids: expected numbers from 0 to below 1, found 0 to 1"):
        by_hand().to_text(["-"])
