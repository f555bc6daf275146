"""Learning rates as functions of how much of the training is done."""

import math
from typing import Optional

SCHEDULES = ("one_cycle", "newbob", "constant")


class Schedule:
    """Warm-up from a tenth of the peak, then

    - one_cycle: down to `final_share` of the peak along half a cosine (Smith and Topin, 2018);
    - newbob: halved after each epoch whose dev figure is not better by `threshold` (QuickNet; Kaldi nnet1);
    - constant: the peak.
    """

    def __init__(self, name: str, peak: float, warmup: float, final_share: float = 0.01,
                 threshold: float = 0.005):
        """
        Args:
          peak: highest learning rate.
          warmup: share of the training, 0 to 1.
          threshold: relative improvement that newbob asks for.
        """
        if name not in SCHEDULES:
            raise ValueError(f"schedule: expected one of {', '.join(SCHEDULES)}, found {name!r}")
        self.name, self.peak, self.warmup = name, peak, warmup
        self.final_share, self.threshold = final_share, threshold
        self.factor: float = 1.0
        self.best: Optional[float] = None

    def learning_rate(self, progress: float) -> float:
        """progress: share of the training that is done, 0 to 1."""
        if progress < self.warmup:
            return self.factor * self.peak * (0.1 + 0.9 * progress / self.warmup)
        if self.name != "one_cycle":
            return self.factor * self.peak
        down = (progress - self.warmup) / (1 - self.warmup)
        cosine = 0.5 * (1 + math.cos(math.pi * down))
        return self.peak * (self.final_share + (1 - self.final_share) * cosine)

    def end_epoch(self, dev_figure: float, progress: float) -> None:
        """dev_figure: lower is better."""
        if self.name == "newbob" and self.best is not None and progress > self.warmup:
            if dev_figure > self.best * (1 - self.threshold):
                self.factor *= 0.5
        if self.best is None or dev_figure < self.best:
            self.best = dev_figure

    def state(self) -> dict:
        return {"factor": self.factor, "best": self.best}

    def restore(self, state: dict) -> None:
        self.factor, self.best = state["factor"], state["best"]
