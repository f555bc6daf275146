"""Races the training loop against a bare loop of forward, backward and step over the very same batches.

    python -m tests.benchmarks.training --arch tdnn --epochs 6

Features like an4's (13 cepstra with deltas in speaker normalization, warped on the fly) are made up and written to a
features folder, so that reading and augmenting count. After each epoch of the Trainer a twin of its network goes over
the batches that the epoch had, in memory, in a loop that does nothing else. Prints seconds and the ratio, by the clock
and by the processor time of all threads (which is the one to look at while other work is running), of each epoch; the
first one reads the features. Evaluation and checkpoints between epochs are not counted.
"""

import argparse
import logging
import statistics
import tempfile
import time
from pathlib import Path
from typing import List, Tuple

import numpy as np

DIM, DELTAS, NUM_PDFS = 13, 2, 200
MAPS = {"cepstra_of": 40, "delta_blocks": 1 + DELTAS}
TARGET = 1.1


def networks() -> dict:
    """Name -> (options of the network, every) at sizes for an4."""
    from hybrid.nn.architectures import ARCHITECTURES as of
    return {
        "tdnn": (of["tdnn"](hidden_dim=288, dilations=(1, 1, 2, 3, 3, 6)), 3),
        "tdnnf": (of["tdnnf"](hidden_dim=384), 3),
        "cnn_tdnn": (of["cnn_tdnn"](hidden_dim=256, dilations=(1, 1, 2, 3, 3, 6), **MAPS), 3),
        "blstm": (of["blstm"](hidden_dim=192, stack=3), 1),
        "cnn_bigru": (of["cnn_bigru"](num_filters=16, hidden_dim=192, stack=3, **MAPS), 1),
        "conformer": (of["conformer"](stack=3, **MAPS), 1)}


def make_features(folder: Path, number: int):
    """A features folder of so many utterances of 1 to 5 s by ten speakers; pdf_ids of each."""
    from hybrid.data.compute import compute_features
    from hybrid.data.features import FeatureOptions, FeatureReader
    from hybrid.outcomes import Outcomes
    from tests.hybrid.data.material import ready_cut
    rng = np.random.default_rng(0)
    cuts = [ready_cut(folder / "ready", f"u{i:04d}", rng.normal(size=(rng.integers(100, 500), DIM)).astype(np.float32))
            for i in range(number)]
    (folder / "features").mkdir()
    compute_features(cuts, FeatureOptions(kind="ready", deltas=DELTAS), folder / "features", Outcomes(), nj=1)
    features = FeatureReader(folder / "features")
    return features, {i: rng.integers(0, NUM_PDFS, features.num_frames(i)) for i in features.ids}


class Race:
    """An objective that keeps the batches of an epoch, and after it runs the bare loop over them."""

    def __init__(self, objective, twin, optimizer):
        self.objective, self.twin, self.optimizer = objective, twin, optimizer
        self.seen: List[tuple] = []
        self.times: List[Tuple[float, float]] = []  # of the bare loop: by the clock, of the processors
        self.figure, self.state, self.restore = objective.figure, objective.state, objective.restore

    def __call__(self, model, batch, device):
        if model.training:
            self.seen.append((batch.features, batch.lengths, self.objective.targets(batch, batch.features.shape[1])))
        return self.objective(model, batch, device)

    def end_epoch(self, sums) -> None:
        every, seen, self.seen = self.objective.every, self.seen, []
        began = now()
        for features, lengths, targets in seen:
            bare_step(self.twin, self.optimizer, features, lengths, targets, every)
        self.times.append(since(began))


def bare_step(model, optimizer, features, lengths, targets, every: int) -> None:
    from torch.nn.functional import cross_entropy
    optimizer.zero_grad(set_to_none=True)
    logits, _ = model(features, lengths, every, 0) if every > 1 else model(features, lengths)
    cross_entropy(logits.flatten(0, 1), targets[:, ::every].flatten()).backward()
    optimizer.step()


class Timed:
    """Batches, and how long it took to go over those of each epoch."""

    def __init__(self, batches):
        self.all, self.num_batches = batches, batches.num_batches
        self.times: List[Tuple[float, float]] = []

    def batches(self, epoch: int, start_batch: int = 0):
        began = now()
        yield from self.all.batches(epoch, start_batch)
        self.times.append(since(began))


def now() -> Tuple[float, float]:
    return time.perf_counter(), time.process_time()


def since(began: Tuple[float, float]) -> Tuple[float, float]:
    return tuple(end - start for end, start in zip(now(), began))


def race(arch: str, epochs: int, utterances: int, seconds_in_batch: float, threads: int) -> None:
    import torch

    from hybrid.data.batches import FeatureBatches
    from hybrid.training.framewise import AmOptions, training_batches
    from hybrid.training.loop import Trainer, _optimizer
    from hybrid.training.losses import FrameCrossEntropy
    torch.set_num_threads(threads)
    network, every = networks()[arch]
    options = AmOptions(arch=network, epochs=epochs, every=every, max_duration=seconds_in_batch, warp=0.1,
                        cepstra_of=40, time_masks=0, device="cpu", tensorboard=False)
    with tempfile.TemporaryDirectory() as folder:
        features, pdf_ids = make_features(Path(folder), utterances)
        model, twin = (network.build(features.dim, NUM_PDFS).train() for _ in range(2))
        objective = Race(FrameCrossEntropy(pdf_ids, every=every), twin, _optimizer(twin, options))
        batches = Timed(training_batches(features, features.ids, model, options))
        Trainer(model, objective, batches, FeatureBatches(features, ids=features.ids[:2]), options,
                Path(folder) / "out", logging.getLogger("race")).run()
    report(arch, batches.times, objective.times)


def report(arch: str, ours: List[Tuple[float, float]], bare: List[Tuple[float, float]]) -> None:
    row = "{:>5}  {:>8} {:>8} {:>6}  {:>8} {:>8} {:>6}"
    print(f"{arch}; clock, and processor time")
    print(row.format("epoch", *2 * ("loop", "bare", "ratio")))
    for number, (one, other) in enumerate(zip(ours, bare), 1):
        print(row.format(number, *(text for a, b in zip(one, other) for text in (
            f"{a:.2f} s", f"{b:.2f} s", f"{a / b:.2f}"))))
    ratios = [statistics.median(a[i] / b[i] for a, b in list(zip(ours, bare))[1:]) for i in range(2)]
    print(f"median after the first epoch: {ratios[0]:.3f} by the clock, {ratios[1]:.3f} of processor time; target "
          f"{TARGET:g}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.training", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arch", default="tdnn", choices=list(networks()), help="network")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--utterances", type=int, default=200, help="how many; of 3 s on average")
    parser.add_argument("--batch", type=float, default=20, help="seconds of speech in a batch")
    parser.add_argument("--threads", type=int, default=2, help="of torch")
    args = parser.parse_args()
    if args.epochs < 2:
        parser.error("--epochs: at least 2")
    race(args.arch, args.epochs, args.utterances, args.batch, args.threads)


if __name__ == "__main__":
    main()
