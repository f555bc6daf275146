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
    with pytest.raises(InputError, match="aligned frames"):
        log_priors_from_counts(np.zeros(3))
