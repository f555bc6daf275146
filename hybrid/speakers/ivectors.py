"""i-vectors: a short vector for each speaker, by how far the speaker's frames lie from what all have in common.

A mixture of C Gaussians describes the frames of all; a speaker moves their means along a few common directions,

    mean_c(speaker) = mean_c + T_c w,   w ~ N(0, 1)

With occupancies N_c and centred sums f_c = sum_t g_c(t) (x_t - mean_c) of a speaker, w has the posterior

    precision L = 1 + sum_c N_c T_c' S_c^-1 T_c,   mean = L^-1 sum_c T_c' S_c^-1 f_c   (the i-vector)

and T comes by EM (Dehak et al., "Front-end factor analysis for speaker verification", 2011; for networks Saon et al.,
"Speaker adaptation of neural network acoustic models using i-vectors", ASRU 2013).
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, Iterable, List, Mapping, NamedTuple, Tuple

import torch
from torch import Tensor

from graphs.errors import InputError
from graphs.options import check_at_least, check_positive, check_power_of_2
from hybrid.data.transforms import add_deltas
from hybrid.nn.tensor_file import SUFFIX, read_tensors, write_tensors
from hybrid.speakers.gaussians import Gaussians, estimate, grown
from hybrid.speakers.posteriors import Posteriors
from hybrid.speakers.table import Space, SpeakerTable, fingerprint, utterances_of_speakers
from hybrid.speakers.transforms import VECTOR

KIND = "ivectors"
FILE = "ivectors" + SUFFIX


@dataclass(frozen=True)
class IvectorOptions:
    """The section [ivectors]."""

    dim: int = field(default=20, metadata={"help": "numbers in a vector"})
    components: int = field(default=64, metadata={"help": "Gaussians of the mixture: 1, 2, 4, 8 ..."})
    rounds: int = field(default=8, metadata={"help": "of EM on the directions"})
    raw: bool = field(default=True, metadata={
        "help": "from features as computed (with their deltas), since normalization takes off much of the speaker"})
    frame_weight: float = field(default=0.1, metadata={
        "help": "of a frame, since neighbours say much the same; less lets few frames say less"})
    variance_floor: float = field(default=0.01, metadata={"help": "smallest variance, share of that of all frames"})
    seed: int = field(default=0, metadata={"help": "of the first directions"})

    def __post_init__(self):
        check_at_least(1, self, "dim", "components")
        check_at_least(0, self, "rounds")
        check_positive(self, "frame_weight", "variance_floor")
        check_power_of_2(self, "components")


class Stats(NamedTuple):
    """Of some frames: occupancies ``[C]`` and centred sums ``[C, F]`` float64."""

    counts: Tensor
    sums: Tensor


class Extractor:
    """
    Attributes:
      mixture: Gaussians of one pdf_id with C components.
      directions: T, ``[C, F, D]`` float64.
    """

    def __init__(self, mixture: Gaussians, directions: Tensor, frame_weight: float, raw: bool):
        self.mixture, self.directions = mixture, directions.double()
        self.frame_weight, self.raw = frame_weight, raw
        self._scaled = self.directions / mixture.variances[0][:, :, None]  # S^-1 T
        self._products = torch.einsum("cfd,cfe->cde", self.directions, self._scaled)

    def stats(self, utterances: Iterable[Tensor]) -> Stats:
        """utterances: features ``[T, F]`` each. Raises: InputError for features of another dimension."""
        counts, sums = torch.zeros(len(self.directions), dtype=torch.float64), 0.0
        for features in utterances:
            if features.shape[1] != self.mixture.dim:
                raise InputError("extractor", f"{self.mixture.dim} features", str(features.shape[1]))
            shares, _ = self.mixture.occupancies(features, all_frames(features))
            shares = self.frame_weight * shares
            counts += shares.sum(dim=0)
            sums = sums + shares.T @ features.double()
        return Stats(counts, sums - counts[:, None] * self.mixture.means[0])

    def posterior(self, stats: Stats) -> Tuple[Tensor, Tensor, float]:
        """Mean ``[D]`` and covariance ``[D, D]`` of w, and the log-likelihood that w gains over w = 0."""
        precision = torch.eye(self.directions.shape[2], dtype=torch.float64) + torch.einsum(
            "c,cde->de", stats.counts, self._products)
        pull = torch.einsum("cfd,cf->d", self._scaled, stats.sums)
        covariance = torch.linalg.inv(precision)
        mean = covariance @ pull
        return mean, covariance, float(0.5 * pull @ mean - 0.5 * torch.linalg.slogdet(precision)[1])

    def improved(self, items: List[Stats]) -> Tuple["Extractor", float]:
        """One round of EM, and the log-likelihood before it."""
        products, moments, total = torch.zeros_like(self.directions), 0.0, 0.0
        for stats in items:
            mean, covariance, gain = self.posterior(stats)
            products += stats.sums[:, :, None] * mean
            moments = moments + stats.counts[:, None, None] * (covariance + torch.outer(mean, mean))
            total += gain
        # a component that no frame is near keeps its directions
        ridge = 1e-10 * torch.eye(self.directions.shape[2], dtype=torch.float64)
        updated = torch.linalg.solve(moments + ridge, products.transpose(1, 2)).transpose(1, 2)
        seen = sum(stats.counts for stats in items) > 1e-3
        directions = torch.where(seen[:, None, None], updated, self.directions)
        return Extractor(self.mixture, directions, self.frame_weight, self.raw), total

    def space(self) -> Space:
        return Space(KIND, fingerprint(self._tensors()))

    def _tensors(self) -> Dict[str, Tensor]:
        return {"means": self.mixture.means, "variances": self.mixture.variances,
                "log_weights": self.mixture.log_weights, "directions": self.directions}

    def write(self, folder: Path) -> None:
        write_tensors(Path(folder) / FILE, self._tensors(), {"frame_weight": self.frame_weight, "raw": self.raw})

    @classmethod
    def read(cls, folder: Path) -> "Extractor":
        """Raises InputError when there is none or when it is not what was written."""
        path = Path(folder) / FILE
        if not path.is_file():
            raise InputError(str(folder), f"a folder of tools.estimate_ivectors with {FILE}", "none")
        tensors, facts = read_tensors(path)
        try:
            extractor = cls(Gaussians(*(tensors[name] for name in ("means", "variances", "log_weights"))),
                            tensors["directions"], float(facts["frame_weight"]), bool(facts["raw"]))
        except (KeyError, TypeError, ValueError, RuntimeError, IndexError) as error:
            raise InputError(str(path), "a mixture and directions", f"{type(error).__name__}: {error}") from None
        return extractor


def all_frames(features: Tensor) -> Posteriors:
    """Every frame is of the one pdf_id of a mixture."""
    frames = torch.arange(len(features))
    return Posteriors(frames, torch.zeros_like(frames), torch.ones(len(features), dtype=torch.float64), len(features))


def read_features(features, utterance_id: str, raw: bool) -> Tensor:
    """``[T, F]``, what vectors are made from; features: FeatureReader."""
    return add_deltas(features.raw(utterance_id), features.info["deltas"]) if raw else features[utterance_id]


def train(features, options: IvectorOptions, log) -> Extractor:
    """Mixture and directions; every utterance has a w of its own, so that few speakers show many directions."""
    utterances = {utterance_id: read_features(features, utterance_id, options.raw) for utterance_id in features.ids}
    dim = next(iter(utterances.values())).shape[1]

    def one_round(previous):
        frames = ((one, all_frames(one)) for one in utterances.values())
        return estimate(frames, previous, 1, dim, options.variance_floor)[0]
    mixture = grown(options.components, one_round)
    generator = torch.Generator().manual_seed(options.seed)
    first = torch.randn(options.components, dim, options.dim, generator=generator, dtype=torch.float64)
    extractor = Extractor(mixture, 0.1 * first * mixture.variances[0].sqrt()[:, :, None], options.frame_weight,
                          options.raw)
    items = [extractor.stats([one]) for one in utterances.values()]
    for number in range(1, options.rounds + 1):
        extractor, total = extractor.improved(items)
        log.info("round %d: log-likelihood gained by w, per utterance: %.3f", number, total / len(items))
    return extractor


def extract(features, extractor: Extractor) -> SpeakerTable:
    """The vector of each speaker, over all of the speaker's utterances."""
    values: Dict[str, Mapping[str, Tensor]] = {}
    for speaker, utterance_ids in utterances_of_speakers(features).items():
        stats = extractor.stats(read_features(features, i, extractor.raw) for i in utterance_ids)
        values[speaker] = {VECTOR: extractor.posterior(stats)[0]}
    return SpeakerTable.of(extractor.space(), values)
