"""Networks by name. One more is a file with its options, whose `build` makes it, and a line here."""

from graphs.options import choice
from hybrid.nn.blstm import BlstmOptions
from hybrid.nn.cnn_tdnn import CnnTdnnOptions
from hybrid.nn.dnn import DnnOptions
from hybrid.nn.tdnn import TdnnOptions

# ``build(in_dim, out_dim, subsampling)`` gives a module whose ``forward(features [B, T, F], lengths [B])`` gives
# ``(logits [B, ceil(T / subsampling), C], lengths [B])`` and whose result for an utterance depends on no other (in eval
# mode) and never on padding.
ARCHITECTURES = {"dnn": DnnOptions, "tdnn": TdnnOptions, "cnn_tdnn": CnnTdnnOptions, "blstm": BlstmOptions}


def arch_field():
    """The field `arch` of options that train a network."""
    return choice(ARCHITECTURES, "tdnn", "network")
