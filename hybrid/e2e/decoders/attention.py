"""What attention decoders share: teacher forcing, the loss and its label smoothing, scheduled sampling, scores.

A decoder gives each token a probability from the frames x and the tokens before it:

    log p(y_1 .. y_U | x) = sum_{n=1}^{U+1} log p(y_n | y_0 .. y_{n-1}, x),   y_0 = y_{U+1} = BLANK,

the start and the end of a sentence. Each step attends: its weights say how much it took from each frame, and where in
time a token is.
"""

from dataclasses import dataclass, field
from typing import Dict, List, Sequence, Tuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from graphs.ids import BLANK
from graphs.options import check_at_least, check_share
from hybrid.nn.inputs import check_targets
from hybrid.training.losses import IGNORED


@dataclass(frozen=True)
class AttentionDecoderOptions:
    decoder_dim: int = field(default=256, metadata={"help": "width of the decoder"})
    decoder_layers: int = field(default=1, metadata={"help": "layers of the decoder"})
    decoder_dropout: float = field(default=0.2, metadata={"help": "share of the decoder's units dropped"})
    label_smoothing: float = field(default=0.1, metadata={
        "help": "share of a target's probability that is spread over all tokens, in training"})
    scheduled_sampling: float = field(default=0.0, metadata={
        "help": "share of tokens that the decoder, in training, sees as it drew them itself, not as they are"})
    sampling_warmup: int = field(default=1000, metadata={"help": "updates while that share rises from 0"})

    def __post_init__(self):
        check_at_least(1, self, "decoder_dim", "decoder_layers")
        check_share(self, "decoder_dropout", "label_smoothing", "scheduled_sampling")
        check_at_least(0, self, "sampling_warmup")


class AttentionDecoder(nn.Module):
    """One more decoder is a subclass with `forward`, and with `start` and `step` for a search.

    `start(encoded [T, D])` gives the state of one hypothesis of one utterance, which nothing is known of yet;
    `step(state, tokens [K])` makes one step of K hypotheses, given the last token of each (BLANK at first), and gives
    their log probabilities ``[K, num_tokens]`` float32, the state after it, and the weights ``[K, T]``;
    `state.select(rows [N])` is the state of other K hypotheses, by their place: that of a new beam.
    """

    def __init__(self, num_tokens: int, options: AttentionDecoderOptions):
        super().__init__()
        self.num_tokens, self.options = num_tokens, options
        self.register_buffer("updates", torch.zeros((), dtype=torch.int64))

    def forward(self, encoded: Tensor, lengths: Tensor, inputs: Tensor, sampled: float = 0.0) -> Tuple[Tensor, Tensor]:
        """
        Args:
          encoded: ``[B, T, D]``, finite in padding; lengths: ``[B]`` int64, at least 1.
          inputs: ``[B, U]`` int64, the token before each one that is wanted, BLANK for the first; anything after the
            last one.
          sampled: share of the inputs, but the first, that are drawn from the decoder's own distribution instead.
        Returns: ``[B, U, num_tokens]`` logits of the token after each input, and ``[B, U, T]`` weights.
        """
        raise NotImplementedError

    def loss(self, encoded: Tensor, lengths: Tensor, tokens: Sequence[Sequence[int]]) -> Dict[str, Tuple]:
        """Cross-entropy of tokens and ends of sentences, the tokens before each one known.

        With a share e of label smoothing (Szegedy et al., CVPR 2016) a step costs
        ``-(1 - e) log p(y) - e / num_tokens sum_k log p(k)``; label smoothing and scheduled sampling (Bengio et al.,
        NIPS 2015) are of training only.

        Args:
          tokens: token_ids of each utterance, without BLANK.
        Returns: {"loss": (nats of the batch, number of tokens and sentences), "attention_error": (how many of them are
          not the likeliest, the same number)}.
        Raises: InputError as check_targets.
        """
        inputs, targets = self.teacher_forced(encoded, lengths, tokens)
        logits, _ = self(encoded, lengths, inputs, self.sampled_share() if self.training else 0.0)
        logits, targets = full_precision(logits).flatten(0, 1), targets.flatten()
        smoothing = self.options.label_smoothing if self.training else 0.0
        loss = functional.cross_entropy(logits, targets, ignore_index=IGNORED, reduction="sum",
                                        label_smoothing=smoothing)
        count = sum(map(len, tokens)) + len(tokens)
        wrong = (logits.detach().argmax(dim=1) != targets) & (targets != IGNORED)
        return {"loss": (loss, count), "attention_error": (wrong.sum(), count)}

    @torch.no_grad()
    def score(self, encoded: Tensor, lengths: Tensor, tokens: Sequence[Sequence[int]]) -> Tensor:
        """``[B]`` float64: natural log probability of each whole sentence; arguments as of `loss`."""
        inputs, targets = self.teacher_forced(encoded, lengths, tokens)
        logits, _ = self(encoded, lengths, inputs)
        log_probs = full_precision(logits).log_softmax(dim=2).gather(2, targets.clamp(min=0)[:, :, None])[:, :, 0]
        return log_probs.double().masked_fill(targets == IGNORED, 0.0).sum(dim=1)

    @torch.no_grad()
    def weights(self, encoded: Tensor, lengths: Tensor, tokens: Sequence[Sequence[int]]) -> List[Tensor]:
        """For each utterance ``[tokens + 1, its length]``: what each token, and then the end, was taken from."""
        inputs, _ = self.teacher_forced(encoded, lengths, tokens)
        _, weights = self(encoded, lengths, inputs)
        return [weights[row, :len(own) + 1, :lengths[row]] for row, own in enumerate(tokens)]

    def teacher_forced(self, encoded: Tensor, lengths: Tensor, tokens: Sequence[Sequence[int]],
                       ) -> Tuple[Tensor, Tensor]:
        """``[B, U + 1]`` inputs, and targets likewise: IGNORED after the end of each sentence."""
        check_targets(encoded, lengths, tokens, self.num_tokens)
        width = max(map(len, tokens), default=0) + 1
        inputs = torch.tensor([[BLANK, *own] + [BLANK] * (width - 1 - len(own)) for own in tokens])
        targets = torch.tensor([[*own, BLANK] + [IGNORED] * (width - 1 - len(own)) for own in tokens])
        return inputs.to(encoded.device), targets.to(encoded.device)

    def sampled_share(self) -> float:
        """Of scheduled sampling, at this point of the training."""
        warmup = self.options.sampling_warmup
        risen = min(1.0, int(self.updates) / warmup) if warmup else 1.0
        return self.options.scheduled_sampling * risen

    def after_step(self, step: int) -> None:
        """Called after each update of the training."""
        self.updates.fill_(step + 1)


def mixed(inputs: Tensor, logits: Tensor, share: float) -> Tensor:
    """Tokens, some of which are replaced by draws from a distribution.

    Args:
      inputs: ``[...]`` int64; logits: ``[..., num_tokens]`` of what stands there; share: of those replaced.
    """
    draws = torch.multinomial(full_precision(logits.detach()).softmax(dim=-1).flatten(0, -2), 1)
    return torch.where(torch.rand(inputs.shape, device=inputs.device) < share, draws.view(inputs.shape), inputs)


def full_precision(x: Tensor) -> Tensor:
    """At least float32: for softmax."""
    return x.to(torch.promote_types(x.dtype, torch.float32))
