"""Multiply-adds against counts by hand; look-ahead in seconds; stacked outputs."""

import math

import pytest
import torch
from torch import nn

from hybrid.nn.conformer import ConformerOptions
from hybrid.nn.recurrent import BigruOptions, BlstmOptions, LstmOptions
from hybrid.nn.stacking import StackedOutput, context_of_outputs, divided
from hybrid.nn.summary import MultiplyAdds, summarize
from hybrid.nn.tdnn import TdnnOptions
from hybrid.nn.tdnnf import TdnnfOptions


@pytest.mark.parametrize("work, expected", [
    (lambda: nn.Conv1d(3, 5, 3)(torch.zeros(1, 3, 12)), 10 * 5 * 9),
    (lambda: nn.Conv1d(4, 4, 3, groups=4)(torch.zeros(1, 4, 12)), 10 * 4 * 3),
    (lambda: nn.Conv2d(2, 5, 3, stride=(1, 2), padding=(0, 1))(torch.zeros(1, 2, 7, 8)), 5 * 4 * 5 * 18),
    (lambda: nn.Linear(3, 5)(torch.zeros(2, 3)), 30),
    (lambda: nn.LSTM(3, 5, batch_first=True)(torch.zeros(2, 4, 3)), 8 * 20 * 8),
    (lambda: nn.GRU(3, 5, batch_first=True)(torch.zeros(2, 4, 3)), 8 * 15 * 8),
    (lambda: torch.matmul(torch.zeros(2, 3, 4), torch.zeros(2, 4, 5)), 120),
    (lambda: torch.zeros(7).relu() + 1, 0)])
def test_multiply_adds(work, expected):
    with torch.no_grad(), MultiplyAdds() as counter:
        work()
    assert counter.count == expected


def test_of_a_tdnn():
    model = TdnnOptions(hidden_dim=10, dilations=(1, 2)).build(4, 6).train()
    summary = summarize(model, 4, 0.01)
    assert (summary.left_context, summary.right_context, summary.streams) == (3, 3, True)
    assert summary.look_ahead == pytest.approx(0.03)
    assert summary.parameters == 10 * 4 * 3 + 10 + 10 * 10 * 3 + 10 + 2 * 20 + 6 * 10 + 6
    # 10 s of 1000 frames, of which the lower layer gives 4 more
    assert summary.multiply_adds == pytest.approx((1004 * 120 + 1000 * (300 + 60)) / 10)
    assert model.training and summarize(model.eval(), 4) == summary and not model.training


def test_a_frame_is_counted_at_least():
    """Frames of half a minute each; the look-ahead is in seconds of the features."""
    model = TdnnOptions(hidden_dim=10, dilations=(0,)).build(4, 6)
    assert summarize(model, 4, 30.0).multiply_adds == pytest.approx((40 + 60) / 30)
    assert summarize(TdnnOptions(hidden_dim=10, dilations=(2,)).build(4, 6), 4, 0.5).look_ahead == 1.0


def test_of_recurrent_networks():
    summary = summarize(BlstmOptions(hidden_dim=5, num_layers=1).build(3, 6), 3, 0.01)
    assert not summary.streams and math.isinf(summary.look_ahead) and math.isinf(summary.left_context)
    assert summary.multiply_adds == 100 * (2 * 20 * 8 + 60)
    summary = summarize(LstmOptions(hidden_dim=5, num_layers=1, delay=4).build(3, 6, 3), 3, 0.02)
    assert summary.streams and summary.look_ahead == pytest.approx(0.1)


def test_factors_and_stacks_are_cheaper():
    def cost(options):
        return summarize(options.build(40, 100), 40).multiply_adds
    assert cost(TdnnfOptions(256, 32)) < 0.5 * cost(TdnnOptions(256, (1, 1, 1, 1, 3, 3, 3, 3, 3)))
    assert cost(BigruOptions(64, 2, stack=3)) < 0.6 * cost(BigruOptions(64, 2))
    assert cost(ConformerOptions(stack=3)) < 0.6 * cost(ConformerOptions())


def test_stacked_outputs_come_one_after_the_other():
    output = StackedOutput(4, 2, 3)
    x = torch.randn(1, 3, 4)
    y = output(x, 8)
    assert y.shape == (1, 8, 2)
    for frame in range(8):
        rows = slice(2 * (frame % 3), 2 * (frame % 3) + 2)
        expected = output.linear.weight[rows] @ x[0, frame // 3] + output.linear.bias[rows]
        assert torch.allclose(y[0, frame], expected, atol=1e-6)


@pytest.mark.parametrize("subsampling, stack", [(1, 1), (3, 1), (1, 3), (2, 2), (3, 2)])
def test_context_of_outputs(subsampling, stack):
    """Against the frames of the first and the last output of a step that sees 5 and 7 frames around its centre."""
    centre = (subsampling * stack - 1) // 2
    outputs = [number * subsampling + (subsampling - 1) // 2 for number in range(stack)]
    assert context_of_outputs(5, 7, subsampling, stack) == (outputs[-1] - (centre - 5), centre + 7 - outputs[0])


def test_divided_rounds_up():
    assert [divided(n, 3) for n in (1, 3, 4)] == [1, 1, 2] and divided(torch.tensor([6, 7]), 3).tolist() == [2, 3]
