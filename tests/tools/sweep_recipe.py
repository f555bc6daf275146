"""A made-up recipe whose training is a formula: its loss is lowest at dropout 0.25, and rises with seed and rate."""

RECIPE = """#!/usr/bin/env bash
# toy: a made-up training
. ROOT/tools/recipe.sh
stage 0 "data"
run toy_sweep --section data --out "$work/data${tests:+_of_$tests}"
[ -z "$tests" ] || run toy_sweep --section data --out "$work/data"
one() {
  stage 7 "training"
  run toy_sweep --system $chosen_system --data "$work/data" --out "$exp/$chosen_system$seeded"
}
system one "the first" one
system two "the second" one
stage 9 "after it"
run toy_sweep --section search --data "$work/data" --out "$exp/later"
"""
PROGRAM = '''
import dataclasses, json, os, time
from tools.frame.program import Job, Program

PROGRAM = (Program("toy_sweep", "A toy.", options={"am": "toy_sweep:Options"}).input("--data", help="data")
           .argument("--section", default="am"))


@dataclasses.dataclass(frozen=True)
class Options:
    dropout: float = dataclasses.field(default=0.5, metadata={"help": "best at 0.25"})
    rate: float = dataclasses.field(default=0.001, metadata={"help": "rate"})
    seed: int = dataclasses.field(default=1, metadata={"help": "seed"})
    epochs: int = dataclasses.field(default=3, metadata={"help": "passes"})
    fail: str = dataclasses.field(default="no", metadata={"help": "yes fails"})

    def __post_init__(self):
        if not 0 <= self.dropout < 1:
            raise ValueError("dropout: expected a share")


def work(job: Job):
    options, history = job.options("am"), []
    (job.out / "ran").write_text("")
    if options.fail == "yes":
        raise MemoryError("too much")
    for epoch in range(1, options.epochs + 1):
        loss = (options.dropout - 0.25) ** 2 + options.rate + options.seed / 100 + 1 / epoch
        history.append({"epoch": epoch, "train": {"loss": loss}, "dev": {"loss": loss}, "learning_rate": 0.1,
                        "seconds": 1.0})
        (job.out / "train.tmp").write_text("".join(json.dumps(entry) + "\\n" for entry in history))
        os.replace(job.out / "train.tmp", job.out / "train.jsonl")
        time.sleep(float(os.environ.get("TOY_SLEEP", 0)))


if __name__ == "__main__":
    PROGRAM.main(work)
'''
