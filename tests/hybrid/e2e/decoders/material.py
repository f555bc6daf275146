"""Attention decoders at a small size, and batches for them."""

import torch

from hybrid.e2e.decoders.lstm import LstmDecoderOptions
from hybrid.e2e.decoders.transformer import TransformerDecoderOptions

ENCODER_DIM, NUM_TOKENS = 3, 5

SMALL = {
    "lstm": LstmDecoderOptions(decoder_dim=4, attention_dim=3, location_filters=2, location_kernel=3),
    "lstm_deep": LstmDecoderOptions(decoder_dim=4, decoder_layers=2, attention_dim=3, location_filters=2,
                                    location_kernel=5, location="sum"),
    "transformer": TransformerDecoderOptions(decoder_dim=6, decoder_layers=2, decoder_heads=3,
                                             decoder_feed_forward=2),
    "transformer_relative": TransformerDecoderOptions(decoder_dim=4, decoder_layers=1, decoder_heads=1,
                                                      absolute_positions=False),
}


def decoder_of(options, seed=1, num_tokens=NUM_TOKENS, scale=0.4):
    """In float64 and eval mode; nothing in it is zero."""
    torch.manual_seed(seed)
    decoder = options.build(ENCODER_DIM, num_tokens).double().eval()
    with torch.no_grad():
        for parameter in decoder.parameters():
            parameter += scale * torch.randn_like(parameter)
    return decoder


def encoded_of(lengths, seed=2, padding=0.0):
    """``[B, T, ENCODER_DIM]`` float64, and lengths."""
    generator = torch.Generator().manual_seed(seed)
    encoded = torch.randn(len(lengths), max(lengths), ENCODER_DIM, generator=generator, dtype=torch.float64)
    for row, length in enumerate(lengths):
        encoded[row, length:] = padding
    return encoded, torch.tensor(lengths)
