"""Priors of pdf_ids."""

import numpy as np
import pytest

from graphs.errors import InputError
from hybrid.align.alignment import Alignment
from hybrid.align.priors import log_priors_from_counts, pdf_counts
from tests.hybrid.align.test_alignment import TRANSITIONS


def test_counts_of_frames():
    alignments = [Alignment("a", np.array([2, 1, 4]), 0.0), Alignment("b", np.array([6, 5, 5, 8]), 0.0)]
    assert pdf_counts(alignments, TRANSITIONS).tolist() == [2, 1, 3, 1]
    assert pdf_counts([], TRANSITIONS).tolist() == [0, 0, 0, 0]


def test_priors_are_floored_and_sum_to_one():
    log_priors = log_priors_from_counts(np.array([900, 0, 100]), floor=0.01)
    assert log_priors.dtype == np.float32
    assert np.exp(log_priors) == pytest.approx(np.array([0.9, 0.01, 0.1]) / 1.01)
    assert log_priors_from_counts([2 ** 24 + 1, 2 ** 24])[0] > log_priors_from_counts([2 ** 24, 2 ** 24])[0]
    assert np.exp(log_priors_from_counts([1, 0])) == pytest.approx(np.array([1, 1e-5]) / (1 + 1e-5))


@pytest.mark.parametrize("counts, message", [
    (np.zeros(3), "aligned frames, found 0 of a pdf_id, 0 in all"), ([], "aligned frames"), ([3, -1], "found -1"),
    ([1, np.nan], "count of pdf_id 1: expected a finite number"), ([[1, 2]], r"shape \[num_pdfs\]"),
    (["a"], "counts of frames")])
def test_counts_that_are_none_are_refused(counts, message):
    with pytest.raises(InputError, match=message):
        log_priors_from_counts(counts)


@pytest.mark.parametrize("floor", [0, 1, -0.1, float("nan")])
def test_a_floor_is_a_probability(floor):
    with pytest.raises(InputError, match="floor: expected a number between 0 and 1"):
        log_priors_from_counts([1, 2], floor)
