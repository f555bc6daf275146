"""A TDNN over the outputs of two convolutions over time and frequency, as in Kaldi's CNN-TDNN recipes."""

from dataclasses import dataclass, field

from torch import nn

from graphs.options import check_at_least
from hybrid.nn.tdnn import TdnnOptions


@dataclass(frozen=True)
class CnnTdnnOptions(TdnnOptions):
    num_filters: int = field(default=16, metadata={"help": "filters over time and frequency"})

    def __post_init__(self):
        super().__post_init__()
        check_at_least(1, self, "num_filters")

    def build(self, in_dim: int, out_dim: int, subsampling: int = 1) -> nn.Module:
        return self._network(in_dim, out_dim, subsampling, self.num_filters)
