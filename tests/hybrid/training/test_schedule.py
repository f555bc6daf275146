"""Learning rates: known values, and when newbob halves them."""

import pytest

from hybrid.training.schedule import Schedule


def test_one_cycle_rises_and_falls():
    schedule = Schedule("one_cycle", 1.0, 0.2, final_share=0.01)
    rates = [schedule.learning_rate(i / 100) for i in range(101)]
    assert rates[0] == pytest.approx(0.1) and rates[-1] == pytest.approx(0.01)
    assert max(rates) == rates[20] == 1.0
    assert rates[:21] == sorted(rates[:21]) and rates[20:] == sorted(rates[20:], reverse=True)


@pytest.mark.parametrize("name, progress, share", [
    ("one_cycle", 0.0, 0.1), ("one_cycle", 0.125, 0.55), ("one_cycle", 0.25, 1.0),
    ("one_cycle", 0.4375, 0.01 + 0.99 * (0.5 + 0.5 ** 1.5)), ("one_cycle", 0.625, 0.505), ("one_cycle", 1.0, 0.01),
    ("newbob", 0.125, 0.55), ("newbob", 0.25, 1.0), ("newbob", 1.0, 1.0),
    ("constant", 0.0, 0.1), ("constant", 0.2, 0.82), ("constant", 0.3, 1.0), ("constant", 1.0, 1.0)])
def test_rates_of_each_schedule(name, progress, share):
    """A quarter of the training rises from a tenth of the peak; one_cycle ends at a hundredth of it."""
    assert Schedule(name, 0.4, 0.25).learning_rate(progress) == pytest.approx(0.4 * share)


@pytest.mark.parametrize("name", ["one_cycle", "newbob", "constant"])
def test_without_a_warmup_the_first_rate_is_the_peak(name):
    assert Schedule(name, 0.4, 0.0).learning_rate(0.0) == 0.4


def test_another_schedule_is_refused():
    with pytest.raises(ValueError, match="schedule: expected one of one_cycle, newbob, constant, found 'cosine'"):
        Schedule("cosine", 1.0, 0.1)


def test_newbob_halves_when_nothing_improves():
    schedule = Schedule("newbob", 1.0, 0.1)
    rates = []
    for epoch, loss in enumerate([5.0, 4.0, 3.999, 3.0, 3.1], 1):
        schedule.end_epoch(loss, epoch / 5)
        rates.append(schedule.learning_rate(epoch / 5))
    assert rates == [1.0, 1.0, 0.5, 0.5, 0.25]
    other = Schedule("newbob", 1.0, 0.1)
    other.restore(schedule.state())
    assert other.learning_rate(0.9) == 0.25


@pytest.mark.parametrize("threshold, figures, factor", [
    ({"threshold": 0.25}, [4.0, 3.0], 1.0), ({"threshold": 0.25}, [4.0, 3.0625], 0.5),  # a quarter is enough
    ({}, [100.0, 99.4], 1.0), ({}, [100.0, 99.6], 0.5),  # half a percent
    ({}, [4.0, 5.0, 4.5], 0.25), ({}, [4.0, 5.0, 3.0], 0.5),  # against the best, not the last
    ({"threshold": 0.0}, [0.0, 0.0, 0.0], 1.0)])
def test_newbob_asks_for_an_improvement_on_the_best_epoch(threshold, figures, factor):
    newbob = Schedule("newbob", 2.0, 0.1, **threshold)
    others = [Schedule(name, 2.0, 0.1) for name in ("one_cycle", "constant")]
    for epoch, figure in enumerate(figures, 1):
        for schedule in (newbob, *others):
            schedule.end_epoch(figure, epoch / 4)
    assert newbob.learning_rate(0.5) == 2.0 * factor and newbob.state() == {"factor": factor, "best": min(figures)}
    assert all(schedule.state() == {"factor": 1.0, "best": min(figures)} for schedule in others)


@pytest.mark.parametrize("progress, factor", [(0.4, 1.0), (0.5, 1.0), (0.6, 0.5)])
def test_newbob_halves_nothing_in_the_warmup(progress, factor):
    schedule = Schedule("newbob", 2.0, 0.5)
    schedule.end_epoch(1.0, 0.1)
    schedule.end_epoch(1.0, progress)
    assert schedule.learning_rate(0.9) == 2.0 * factor
    other = Schedule("newbob", 2.0, 0.5)
    other.restore(schedule.state())
    other.end_epoch(1.0, 0.8)  # what is restored is the best figure, too
    assert other.learning_rate(0.9) == factor and other.learning_rate(0.25) == pytest.approx(0.55 * factor)
