import pytest

from hybrid.recognize.scales import SystemScales


@pytest.mark.parametrize("scales, expected", [
    ((5.0, -2.0, 0.5), (2.0, 0.2, -0.8)), ((0.0, 3.0, 1.0), (0.0, 2.0, 6.0)), ((0.25, 1.0, 0.5), (1.0, 2.0, 4.0)),
    ((1.0, 0.0, 1.0), (2.0, 2.0, 0.0))])
def test_the_larger_scale_becomes_that_of_posteriors(scales, expected):
    """(lm_scale, penalty, acoustic_scale) become graph scale, acoustic scale, penalty."""
    assert SystemScales(*scales).of_posteriors(2.0) == pytest.approx(expected)
