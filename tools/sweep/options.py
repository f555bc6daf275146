"""Options of a sweep: section [sweep] of a study file."""

from dataclasses import dataclass, field
from typing import Optional, Tuple

from graphs.errors import InputError
from graphs.options import check_at_least, check_choice

SAMPLERS = ("tpe", "random", "grid")
OF_RESULTS = ("wer", "cer", "ser")
DEV = "dev."


@dataclass(frozen=True)
class SweepOptions:
    recipe: str = field(default="", metadata={"help": "folder of the recipe, such as egs/synth"})
    system: str = field(default="", metadata={"help": "the system of it that is trained"})
    minimize: str = field(default="dev.wer", metadata={
        "help": "dev.wer, dev.cer or dev.ser of the results, or a dev figure of the training such as dev.loss"})
    trials: int = field(default=20, metadata={"help": "how many; more can be asked for later"})
    sampler: str = field(default="tpe", metadata={"help": f"one of {', '.join(SAMPLERS)}"})
    startup_trials: int = field(default=10, metadata={"help": "of tpe: random ones before it learns from them"})
    seed: int = field(default=1, metadata={"help": "of the sampler"})
    model_seeds: Tuple[int, ...] = field(default=(), metadata={
        "help": "train each trial with each am.seed and minimize the mean; default: the seed of the options"})
    prune_by: Optional[str] = field(default=None, metadata={
        "help": "dev figure of an epoch, such as loss: a trial whose best so far is above the median of the earlier "
                "ones' at that epoch is ended; default: none is"})
    prune_after: int = field(default=5, metadata={"help": "trials that are never ended, the first ones"})
    prune_from: int = field(default=1, metadata={"help": "epochs that every trial gets"})
    allowed_failures: int = field(default=2, metadata={"help": "trials of a run of this program that may fail"})

    def __post_init__(self):
        if not self.minimize.startswith(DEV) or self.minimize == DEV:
            raise ValueError("minimize: a figure of the development set such as dev.wer (a test set must not choose), "
                             f"not {self.minimize!r}")
        check_choice(SAMPLERS, self, "sampler")
        if self.prune_by and len(self.model_seeds) > 1:
            raise ValueError("prune_by: with one model of a trial only, not with several model_seeds")
        check_at_least(1, self, "trials", "startup_trials", "prune_after", "prune_from")
        check_at_least(0, self, "seed", "allowed_failures")

    def check_required(self) -> None:
        """Raises InputError for what has no default."""
        for name in ("recipe", "system"):
            if not getattr(self, name):
                raise InputError(f"[sweep] {name}", self.__dataclass_fields__[name].metadata["help"], "none")

    @property
    def figure(self) -> str:
        return self.minimize[len(DEV):]

    @property
    def of_results(self) -> bool:
        """Is it a figure of results.json, and not of the training?"""
        return self.figure in OF_RESULTS
