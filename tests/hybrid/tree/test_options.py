import pytest

from hybrid.tree.options import TreeOptions


def test_the_defaults_are_triphones_by_gaussians():
    options = TreeOptions()
    assert (options.context_width, options.central_position, options.statistics) == (3, 1, "gaussians")
    assert (options.subsampling, options.splice, options.deltas, options.merge_loss) == (1, 0, 0, None)
    assert (options.speech_topology, options.silence_topology) == ("", "")


@pytest.mark.parametrize("values", [
    {"context_width": 0, "central_position": 0}, {"context_width": 16}, {"central_position": 3},
    {"central_position": -1}, {"num_leaves": 0}, {"min_count": -1.0}, {"min_gain": -0.5}, {"merge_loss": -1.0},
    {"merge_loss": float("nan")}, {"statistics": "mfcc"}, {"splice": -1}, {"deltas": 3}, {"variance_floor": 0.0},
    {"subsampling": 0}, {"speech_topology": "4"}, {"silence_topology": "chains"}, {"max_failed_share": 1.5},
    {"context_width": 1}, {"deltas": -1}, {"max_failed_share": -0.1}])
def test_values_out_of_range_are_refused(values):
    with pytest.raises(ValueError) as caught:
        TreeOptions(**values)
    assert any(name in str(caught.value) for name in (*values, "topology: expected 1state"))


@pytest.mark.parametrize("values", [
    {"context_width": 1, "central_position": 0}, {"context_width": 15, "central_position": 14}, {"num_leaves": 1},
    {"min_count": 0.0}, {"merge_loss": 0.0}, {"speech_topology": "chain", "silence_topology": "silence5"},
    {"max_failed_share": 1.0}, {"max_failed_share": 0.0}, {"deltas": 1}, {"deltas": 2}, {"min_gain": 0.0},
    {"variance_floor": 1e-9}])
def test_values_at_the_limits_are_taken(values):
    for name, value in values.items():
        assert getattr(TreeOptions(**values), name) == value
