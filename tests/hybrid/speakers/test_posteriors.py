"""Posteriors of pdf_ids, against all paths of small lattices."""

import numpy as np
import pytest
import torch

from graphs.errors import InputError
from graphs.lattices.compact_lattice import compact
from graphs.lattices.lattice import Lattice
from graphs.lattices.lattice_io import write_lattices
from hybrid.align.alignment import Alignment, write_alignments
from hybrid.data.copies import copy_id
from hybrid.speakers.posteriors import (
    FrameWeights, LatticeScales, Posteriors, fitting, of_alignment, of_lattice, read_posteriors)
from tests.graphs.hmms import small_model
from tests.graphs.lattices.test_lattice import enumerate_paths, random_lattice
from tests.hybrid.speakers.material import Features


@pytest.fixture
def transitions():
    return small_model("2state", "1state", seed=5)[1]


def dense(posteriors, num_pdfs):
    """``[T, num_pdfs]``."""
    found = np.zeros((posteriors.num_frames, num_pdfs))
    for frame, pdf_id, weight in zip(*posteriors[:3]):
        assert found[frame, pdf_id] == 0  # one entry each
        found[frame, pdf_id] = weight
    return found


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("silence_weight", [1.0, 0.25, 0.0])
def test_posteriors_of_a_lattice_are_sums_over_its_paths(seed, silence_weight, transitions):
    lattice, scales = random_lattice(seed), (1.5, 0.7, 0.3)
    silence_ids = frozenset([int(transitions.phone_id[1])])
    weights = FrameWeights(transitions, silence_ids, silence_weight)
    scores = lattice.scores(*scales)
    paths = enumerate_paths(lattice)
    shares = np.array([np.exp(scores[path].sum()) for path in paths])
    expected = np.zeros((lattice.num_frames, transitions.num_pdfs))
    for path, share in zip(paths, shares / shares.sum()):
        ids = [int(i) for i in lattice.transition_id[path] if i]
        for frame, transition_id in enumerate(ids):
            factor = silence_weight if transitions.phone_id[transition_id] in silence_ids else 1.0
            expected[frame, transitions.pdf_id[transition_id]] += share * factor
    found = of_lattice(lattice, weights, LatticeScales(scales[1], scales[0], scales[2]))
    assert np.allclose(dense(found, transitions.num_pdfs), expected, atol=5e-3)
    assert (found.weights > 0).all() and found.num_frames == lattice.num_frames
    best = of_lattice(lattice, weights, LatticeScales(scales[1], scales[0], scales[2], True))
    alignment = Alignment("utt", lattice.best_path(*scales).transition_ids, 0.0)
    assert all(torch.equal(a, b) for a, b in zip(best[:3], of_alignment(alignment, weights)[:3]))
    assert torch.equal(best.pdf_ids, torch.from_numpy(transitions.pdf_id[alignment.transition_ids]).long()[
        torch.from_numpy(weights.of(alignment.transition_ids) > 0)])


@pytest.mark.parametrize("best_path", [False, True])
def test_a_lattice_of_words_has_the_posteriors_of_its_frames(best_path, transitions):
    lattice, weights, options = random_lattice(3), FrameWeights(transitions), LatticeScales(0.5, best_path=best_path)
    expected, found = of_lattice(lattice, weights, options), of_lattice(compact(lattice), weights, options)
    assert np.allclose(*(dense(one, transitions.num_pdfs) for one in (expected, found)), atol=1e-6)


def test_small_entries_are_dropped_and_the_others_sum_to_one(transitions):
    lattice = random_lattice(0)
    found = of_lattice(lattice, FrameWeights(transitions), LatticeScales(20.0))
    assert np.allclose(dense(found, transitions.num_pdfs).sum(axis=1), 1.0) and found.weights.min() >= 1e-3


def test_transition_ids_of_another_model_are_refused(transitions):
    lattice = random_lattice(0)
    lattice.transition_id[0] = transitions.num_transition_ids + 1
    with pytest.raises(InputError, match=f"lattice utt: expected transition_ids up to {lattice.transition_id[0] - 1}"):
        of_lattice(lattice, FrameWeights(transitions), LatticeScales())
    lattice.transition_id[0] = transitions.num_transition_ids  # the last there is
    found = of_lattice(lattice, FrameWeights(transitions, frozenset([1, 2, 3])), LatticeScales())
    assert found.weights.sum() == pytest.approx(lattice.num_frames)  # frames of silence count as others unless told


def test_entries_below_a_thousandth_are_dropped_and_the_others_of_the_frame_scaled_up(transitions):
    """Three arcs over one frame, with shares that the graph scores alone give; silence counts a quarter."""
    ids = [int(np.flatnonzero(transitions.pdf_id == pdf_id)[0]) for pdf_id in (0, 1, 4)]
    weights = FrameWeights(transitions, frozenset([int(transitions.phone_id[ids[1]])]), 0.25)
    for smallest, kept in ((0.00101, 3), (0.00099, 2)):
        shares = np.array([0.6, 0.4 - smallest, smallest])
        lattice = Lattice("utt", 1, *np.array([[0, 0, 0], [1, 1, 1], ids, [0, 0, 0]], np.int32),
                          np.zeros(3, np.float32), np.log(shares).astype(np.float32))
        found = of_lattice(lattice, weights, LatticeScales())
        factors = weights.of(np.array(ids))
        assert factors.tolist() == [1.0, 0.25, 1.0]
        expected = (shares * factors / shares[:kept].sum())[:kept]
        assert found.pdf_ids.tolist() == [0, 1, 4][:kept] and found.frames.tolist() == [0] * kept
        assert found.weights.tolist() == pytest.approx(expected.tolist(), rel=1e-4) and found.num_frames == 1


@pytest.mark.parametrize("best_path", [False, True])
def test_posteriors_are_read_from_folders_of_lattices_and_of_alignments(tmp_path, best_path, transitions):
    class Options(LatticeScales):
        subsampling = 2

    features, weights = Features({"utt": torch.zeros(8, 2), "lost": torch.zeros(3, 2)}), FrameWeights(transitions)
    lattice, options = random_lattice(1), Options(acoustic_scale=0.5, best_path=best_path)
    alignment = Alignment("utt", lattice.best_path(1.0, 0.5, 0.0).transition_ids, 0.0)
    for name, write, one in (("ali", write_alignments, of_alignment(alignment, weights)),
                             ("lat", lambda folder, found: write_lattices(folder, 1, found),
                              of_lattice(lattice, weights, options))):
        (tmp_path / name).mkdir()
        write(tmp_path / name, [alignment if name == "ali" else lattice])
        found, lacking = read_posteriors(tmp_path / name, weights, features, options)
        assert lacking == {"lost": "neither alignment nor lattice"} and list(found) == ["utt"]
        expected = fitting({"utt": one}, features, 2)[0]["utt"]
        assert found["utt"].num_frames == 8 and found["utt"].frames.max() == 7
        for part, whole in zip(found["utt"][:3], expected[:3]):
            assert torch.allclose(part.double(), whole.double(), atol=1e-6)


@pytest.mark.parametrize("bad", [{"acoustic_scale": 0.0}, {"acoustic_scale": -1.0}, {"lm_scale": -0.1},
                                 {"word_insertion_penalty": float("nan")}, {"word_insertion_penalty": float("-inf")}])
def test_scales_out_of_range(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        LatticeScales(**bad)
    assert LatticeScales(lm_scale=0.0, word_insertion_penalty=-1.5).lm_scale == 0.0


def test_a_copy_has_the_posteriors_of_its_original():
    one = Posteriors(torch.arange(4), torch.arange(4), torch.ones(4).double(), 4)
    found, lacking = fitting({"a-0": one}, Features({copy_id("a-0", 2): torch.zeros(4, 2)}))
    assert not lacking and torch.equal(found[copy_id("a-0", 2)].pdf_ids, torch.arange(4))


def test_utterances_without_fitting_posteriors_are_named():
    def posteriors(frames):
        return Posteriors(torch.arange(frames), torch.zeros(frames).long(), torch.ones(frames).double(), frames)
    features = Features({f"a-{n}": torch.zeros(5, 2) for n in range(5)})
    found, lacking = fitting({"a-0": posteriors(5), "a-1": posteriors(6), "a-2": posteriors(7), "a-3": posteriors(4)},
                             features)
    assert lacking == {"a-2": "5 frames, posteriors of 7", "a-4": "neither alignment nor lattice"}
    assert {name: len(one.frames) for name, one in found.items()} == {"a-0": 5, "a-1": 5, "a-3": 4}
    assert all(one.num_frames == 5 for one in found.values())


def test_posteriors_of_every_third_frame_are_repeated():
    posteriors = Posteriors(torch.tensor([0, 1, 1, 2]), torch.tensor([5, 6, 7, 8]),
                            torch.tensor([1.0, 0.25, 0.75, 1.0]).double(), 3)
    found, lacking = fitting({"a-0": posteriors, "a-1": posteriors}, Features({
        "a-0": torch.zeros(8, 2), "a-1": torch.zeros(13, 2)}), 3)
    assert lacking == {"a-1": "13 frames, posteriors of 3"}
    rows = sorted(zip(*(part.tolist() for part in found["a-0"][:3])))
    assert rows == [(0, 5, 1.0), (1, 5, 1.0), (2, 5, 1.0), (3, 6, 0.25), (3, 7, 0.75), (4, 6, 0.25), (4, 7, 0.75),
                    (5, 6, 0.25), (5, 7, 0.75), (6, 8, 1.0), (7, 8, 1.0)]
