"""The end-to-end network: an encoder, a CTC output over it, and a decoder, one of the last two or both."""

from dataclasses import dataclass, field
from typing import List, Sequence, Tuple

from torch import Tensor, nn

from graphs.options import check_at_least, check_between, check_choice, check_chosen
from hybrid.e2e.decoders.kinds import NoDecoderOptions, decoder_field
from hybrid.e2e.tokens import KINDS
from hybrid.nn.architectures import arch_field
from hybrid.nn.ctc import ctc_loss


@dataclass(frozen=True)
class E2eOptions:
    """What the network is, and what it emits."""

    arch: object = arch_field()
    subsampling: int = field(default=4, metadata={"help": "input frames for each frame of the encoder"})
    encoder_dim: int = field(default=144, metadata={"help": "numbers that the encoder gives for a frame"})
    decoder: object = decoder_field()
    ctc_weight: float = field(default=1.0, metadata={
        "help": "share of the CTC loss, the rest is the decoder's; 0 leaves the CTC output out"})
    units: str = field(default="character", metadata={"help": f"one of {', '.join(KINDS)}"})
    num_pieces: int = field(default=100, metadata={"help": "sentencepiece units at most, for units = piece"})
    piece_model: str = field(default="unigram", metadata={"help": "unigram or bpe, for units = piece"})

    def __post_init__(self):
        check_chosen(self)
        check_at_least(1, self, "subsampling", "encoder_dim", "num_pieces")
        check_between(0, 1, self, "ctc_weight")
        if isinstance(self.decoder, NoDecoderOptions) != (self.ctc_weight == 1):
            expected = "less than 1 with a decoder, which would learn nothing" if self.ctc_weight == 1 else \
                "1 without a decoder"
            raise ValueError(f"ctc_weight: expected {expected}, found {self.ctc_weight}")
        check_choice(KINDS, self, "units")
        check_choice(("unigram", "bpe"), self, "piece_model")

    def build(self, in_dim: int, num_tokens: int) -> "E2eNetwork":
        return E2eNetwork(self, in_dim, num_tokens)


class E2eNetwork(nn.Module):
    """
    Attributes:
      encoder: a network of hybrid.nn.architectures whose outputs are not classes, but frames for what follows.
      ctc: linear layer to the tokens, or None.
      decoder: see hybrid/e2e/decoders/kinds.py, or None.
      subsampling_factor, left_context, right_context: of the encoder.
    """

    def __init__(self, options: E2eOptions, in_dim: int, num_tokens: int):
        super().__init__()
        self.num_tokens, self.ctc_weight = num_tokens, options.ctc_weight
        self.encoder = options.arch.build(in_dim, options.encoder_dim, options.subsampling)
        self.ctc = nn.Linear(options.encoder_dim, num_tokens) if options.ctc_weight > 0 else None
        self.decoder = options.decoder.build(options.encoder_dim, num_tokens)
        self.subsampling_factor = self.encoder.subsampling_factor
        self.left_context, self.right_context = self.encoder.left_context, self.encoder.right_context

    def forward(self, features: Tensor, lengths: Tensor) -> Tuple[Tensor, Tensor]:
        """CTC logits ``[B, T', num_tokens]`` and lengths, as networks of hybrid.nn.architectures give them."""
        encoded, lengths = self.encode(features, lengths)
        return self.ctc(encoded), lengths

    def encode(self, features: Tensor, lengths: Tensor) -> Tuple[Tensor, Tensor]:
        """``[B, T, F]`` and ``[B]`` into ``[B, ceil(T / subsampling_factor), encoder_dim]`` and lengths likewise."""
        return self.encoder(features, lengths)

    def ctc_log_probs(self, encoded: Tensor) -> Tensor:
        """``[B, T, num_tokens]`` float32 natural log probabilities, column 0 is blank."""
        return self.ctc(encoded).float().log_softmax(dim=2)

    def ctc_scores(self, encoded: Tensor, lengths: Tensor, tokens: Sequence[List[int]]) -> Tensor:
        """``[B]`` natural log probability of each token sequence by CTC, over all its alignments; -inf if none fits."""
        return -ctc_loss(self.ctc_log_probs(encoded), lengths, tokens)
