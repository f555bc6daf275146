"""What is made of lattices against enumeration; tests/trials/lattices.py does the same on a thousand lattices."""

import pytest

from tests.hybrid.lattices.checks import CHECKS


@pytest.mark.parametrize("operation", CHECKS)
def test_all_paths_say_the_same(operation):
    for seed in range(40):
        assert CHECKS[operation](seed) <= 1e-5, seed
