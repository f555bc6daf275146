"""Every operation against enumeration; tests/trials/lattices.py does the same on a thousand lattices."""

import pytest

from tests.graphs.lattices.checks import of_algebra, of_paths, of_words, run

CHECKS = {**of_paths.CHECKS, **of_algebra.CHECKS, **of_words.CHECKS}


@pytest.mark.parametrize("operation", CHECKS)
def test_all_paths_say_the_same(operation):
    for seed in range(40):
        assert run(CHECKS[operation], seed) <= 1e-5, seed
