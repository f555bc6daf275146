"""Decoders by name. One more is a file with its options, whose `build` makes it, and a line here."""

from dataclasses import dataclass

from graphs.options import choice
from hybrid.e2e.decoders.lstm import LstmDecoderOptions
from hybrid.e2e.decoders.transducer import TransducerOptions
from hybrid.e2e.decoders.transformer import TransformerDecoderOptions


@dataclass(frozen=True)
class NoDecoderOptions:
    """The encoder's CTC output is all."""

    def build(self, encoder_dim: int, num_tokens: int) -> None:
        """There is none."""


# ``build(encoder_dim, num_tokens)`` gives a module with
#
# - ``loss(encoded [B, T, D], lengths [B], tokens: B lists) -> {name: (sum, weight)}`` as objectives of the training
#   loop do; "loss" is in nats, its weight the number of tokens and sentences;
# - ``score(encoded, lengths, tokens) -> [B]`` natural log probability of each sequence, as a whole.
#
# Names of options stand flat beside those of the encoder and of training: they must be others (`decoder_layers`).
# In eval mode neither padding nor other utterances change a result.
DECODERS = {"none": NoDecoderOptions, "lstm": LstmDecoderOptions, "transformer": TransformerDecoderOptions,
            "transducer": TransducerOptions}


def decoder_field():
    """The field `decoder` of options that train an end-to-end network."""
    return choice(DECODERS, "none", "what stands behind the encoder, beside its CTC output")
