"""Output layers of language models: from hidden vectors to probabilities of units.

- full: p(u | h) = softmax(W h + b);
- classes: p(u | h) = p(class of u | h) p(u | class, h), classes being ranges of frequency, those of rare units from
  narrower projections of h, and the most frequent units classes of their own (Goodman, ICASSP 2001; Grave et al.,
  "Efficient softmax approximation for GPUs", ICML 2017);
- sampled: as full, but training estimates the sum over all units from some of them, drawn from q (Bengio and Senecal,
  2003; Jean et al., ACL 2015): Z = e(target) + sum over draws that are not the target of e(draw) / (K q(draw)), whose
  expectation is Z, for K draws, which all positions of a batch share.

Each of them has

- ``loss(hidden [N, D], units [N])``: sum of -log p, a tensor with a graph behind it;
- ``log_probs(hidden)``: ``[N, U]``;
- ``normalizers(hidden)``: ``[N, C]``, what `scores` needs of a hidden vector, whatever the unit;
- ``scores(hidden, units, normalizers)``: ``[N]`` log probabilities.
"""

from typing import Optional, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from graphs.errors import InputError

SOFTMAXES = ("full", "classes", "sampled")
_BLOCK = {"cpu": 1 << 20, "cuda": 1 << 26}  # numbers that are computed at once; on a CPU they stay in its cache


def block_rows(device: torch.device, columns: int) -> int:
    """Rows of so many columns that are to be computed at once."""
    return max(1, _BLOCK.get(device.type, 1 << 20) // max(1, columns))


class _LinearNll(torch.autograd.Function):
    """Sum of -log softmax(hidden W' + b + offset)[target], where the target's own offset is 0, block by block.

    The gradients are made on the way: the matrix of all logits is never there. The same as torch's cross_entropy, and
    several times as fast on a CPU at 8,000 units.
    """

    @staticmethod
    def forward(ctx, hidden: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, offset: Optional[Tensor]):
        """hidden: ``[N, D]``; weight: ``[U, D]``; bias, offset: ``[U]``; targets: ``[N]`` int64."""
        total = hidden.new_zeros((), dtype=torch.float64)
        needed = any(ctx.needs_input_grad)
        gradients = [torch.empty_like(hidden), torch.zeros_like(weight), torch.zeros_like(bias)] if needed else []
        step = block_rows(hidden.device, len(weight))
        for start in range(0, len(hidden), step):
            block, wanted = hidden[start:start + step], targets[start:start + step]
            scores = torch.addmm(bias, block, weight.t())
            of_targets = scores.gather(1, wanted[:, None])
            if offset is not None:
                scores = scores.add_(offset).scatter_(1, wanted[:, None], of_targets)
            normalizers = scores.logsumexp(dim=1, keepdim=True)
            total += (normalizers - of_targets).double().sum()
            if needed:
                scores.sub_(normalizers).exp_()
                scores[torch.arange(len(block), device=block.device), wanted] -= 1.0
                gradients[0][start:start + step] = scores @ weight
                gradients[1].addmm_(scores.t(), block)
                gradients[2].add_(scores.sum(dim=0))
        ctx.save_for_backward(*gradients)
        return total.to(hidden.dtype)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, gradient: Tensor):
        return (*(gradient * saved for saved in ctx.saved_tensors), None, None)


class FullSoftmax(nn.Module):
    def __init__(self, dim: int, counts: np.ndarray, embedding: Optional[nn.Embedding] = None):
        """
        Args:
          counts: ``[U]`` of the units; the biases start from their logarithms.
          embedding: of the units, ``[U, dim]``, whose weights are those of the output, too.
        """
        super().__init__()
        self._tied = (embedding,)  # in a tuple: its parameters are not counted twice
        if embedding is None:
            self.own_weight = nn.Parameter(torch.empty(len(counts), dim).uniform_(-0.1, 0.1))
        self.bias = nn.Parameter(torch.from_numpy(np.log((counts + 1.0) / (counts + 1.0).sum())).float())

    @property
    def weight(self) -> Tensor:
        return self.own_weight if self._tied[0] is None else self._tied[0].weight

    def loss(self, hidden: Tensor, units: Tensor) -> Tensor:
        return self._nll(hidden, self.weight, self.bias, units)

    def _nll(self, hidden: Tensor, weight: Tensor, bias: Tensor, units: Tensor, offset: Optional[Tensor] = None):
        with torch.autocast(hidden.device.type, enabled=False):
            return _LinearNll.apply(hidden.to(weight.dtype), weight, bias, units, offset)

    def log_probs(self, hidden: Tensor) -> Tensor:
        return torch.addmm(self.bias, hidden, self.weight.t()).log_softmax(dim=1)

    def normalizers(self, hidden: Tensor) -> Tensor:
        step = block_rows(hidden.device, len(self.bias))
        return torch.cat([torch.addmm(self.bias, block, self.weight.t()).logsumexp(dim=1, keepdim=True)
                          for block in hidden.split(step)])

    def scores(self, hidden: Tensor, units: Tensor, normalizers: Tensor) -> Tensor:
        return (hidden * self.weight[units]).sum(dim=1) + self.bias[units] - normalizers[:, 0]


class SampledSoftmax(FullSoftmax):
    POWER = 0.75  # of the counts; draws are flatter than the text (Mikolov et al., 2013)

    def __init__(self, dim: int, counts: np.ndarray, num_samples: int, embedding: Optional[nn.Embedding] = None):
        """num_samples: draws for a batch."""
        super().__init__(dim, counts, embedding)
        self.num_samples = num_samples
        shares = (counts + 1.0) ** self.POWER
        self.register_buffer("shares", torch.from_numpy(shares / shares.sum()).float())

    def loss(self, hidden: Tensor, units: Tensor) -> Tensor:
        if not self.training:
            return super().loss(hidden, units)
        draws = torch.multinomial(self.shares, self.num_samples, replacement=True)
        times = torch.bincount(draws, minlength=len(self.shares))
        present = times > 0
        present[units] = True
        candidates = present.nonzero().flatten()
        place = present.cumsum(0) - 1
        # -inf for a target that was not drawn, which counts in its own rows alone
        offset = (times[candidates] / (self.num_samples * self.shares[candidates])).log()
        return self._nll(hidden, self.weight[candidates], self.bias[candidates], place[units],
                         offset.to(self.weight.dtype))


class ClassSoftmax(nn.Module):
    def __init__(self, dim: int, num_units: int, cutoffs: Sequence[int], shrink: float = 2.0):
        """
        Args:
          cutoffs: units below the first are classes of their own, those from one to the next make a class. Units are
            numbered by falling frequency. Those past the last unit are left out.
          shrink: each class sees a projection of h that is so many times narrower than that of the class before.
        """
        super().__init__()
        cutoffs = [cutoff for cutoff in cutoffs if cutoff < num_units] or [(num_units + 1) // 2]
        if dim / shrink ** len(cutoffs) < 1 or num_units < 2:
            raise InputError("option shrink", f"a projection of at least 1 of {dim} dimensions for {len(cutoffs)} "
                             "classes", str(shrink))
        self.adaptive = nn.AdaptiveLogSoftmaxWithLoss(dim, num_units, cutoffs, div_value=shrink)

    def loss(self, hidden: Tensor, units: Tensor) -> Tensor:
        with torch.autocast(hidden.device.type, enabled=False):
            return -self.adaptive(hidden.to(self.adaptive.head.weight.dtype), units).output.sum()

    def log_probs(self, hidden: Tensor) -> Tensor:
        return self.adaptive.log_prob(hidden)

    def normalizers(self, hidden: Tensor) -> Tensor:
        parts = []
        for block in hidden.split(block_rows(hidden.device, self.adaptive.n_classes)):
            layers = (self.adaptive.head, *self.adaptive.tail)
            parts.append(torch.stack([layer(block).logsumexp(dim=1) for layer in layers], dim=1))
        return torch.cat(parts)

    def scores(self, hidden: Tensor, units: Tensor, normalizers: Tensor) -> Tensor:
        head, first = self.adaptive.head.weight, self.adaptive.cutoffs[0]
        bounds = torch.tensor(self.adaptive.cutoffs[:-1], device=units.device)
        classes = torch.bucketize(units, bounds, right=True)  # 0: the unit is a class of its own
        rows = torch.where(classes == 0, units, first + classes - 1)
        scores = (hidden * head[rows]).sum(dim=1) - normalizers[:, 0]
        for number, (projection, output) in enumerate(self.adaptive.tail, 1):
            of_class = (classes == number).nonzero().flatten()
            within = units[of_class] - self.adaptive.cutoffs[number - 1]
            narrow = (projection(hidden[of_class]) * output.weight[within]).sum(dim=1)
            scores[of_class] = scores[of_class] + narrow - normalizers[of_class, number]
        return scores
