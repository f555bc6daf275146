"""Layer normalization (Ba et al., 2016) in full precision, whatever the precision around it."""

import torch
from torch import Tensor, nn


class LayerNorm(nn.LayerNorm):
    """Over the last dimension; each frame for itself, so that padding changes nothing."""

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            return super().forward(x.to(self.weight.dtype))
