"""Networks of language models by name. One more is a file with its options, whose `build` makes it, and a line here."""

from graphs.options import choice
from hybrid.lm.nets.feed_forward import FeedForwardOptions
from hybrid.lm.nets.recurrent import GruOptions, LstmOptions
from hybrid.lm.nets.transformer import TransformerOptions

# ``build(in_dim)`` gives a module over embedded units. ``forward(x [B, T, in_dim])`` gives ``[B, T, out_dim]``, where
# a step sees itself and those before it only. ``step(x [N, in_dim], past [N, P, *entry_shape], known [N, P])`` does
# the same for one new step of each of N sequences: `past` holds what `step` gave for the steps before, the last one
# last, as many as there are, but at most `recall` (-1: all); where `known` is false there was no step, and anything may
# stand. It gives ``[N, out_dim]`` and the entry of the new step, ``[N, *entry_shape]``.
LM_ARCHITECTURES = {
    "feed_forward": FeedForwardOptions, "lstm": LstmOptions, "gru": GruOptions, "transformer": TransformerOptions}


def lm_arch_field():
    """The field `arch` of options that train a language model."""
    return choice(LM_ARCHITECTURES, "lstm", "network")
