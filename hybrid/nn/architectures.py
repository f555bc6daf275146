"""Networks by name. One more is a file with its options, whose `build` makes it, and a line here."""

from graphs.options import choice
from hybrid.nn.cnn import CnnOptions
from hybrid.nn.cnn_bigru import CnnBigruOptions
from hybrid.nn.cnn_tdnn import CnnTdnnOptions
from hybrid.nn.conformer import ConformerOptions
from hybrid.nn.dnn import DnnOptions
from hybrid.nn.recurrent import BigruOptions, BlstmOptions, GruOptions, LstmOptions
from hybrid.nn.tdnn import TdnnOptions
from hybrid.nn.tdnnf import TdnnfOptions

# ``build(in_dim, out_dim, subsampling)`` gives a module whose ``forward(features [B, T, F], lengths [B])`` gives
# ``(logits [B, ceil(T / subsampling), C], lengths [B])`` and whose result for an utterance depends on no other (in eval
# mode) and never on padding. Its subsampling_factor, left_context and right_context say what an output frame sees
# (hybrid/nn/convolution.py). Where a module of it has `after_step`, the training loop calls that after each update.
ARCHITECTURES = {
    "dnn": DnnOptions, "tdnn": TdnnOptions, "tdnnf": TdnnfOptions, "cnn": CnnOptions, "cnn_tdnn": CnnTdnnOptions,
    "lstm": LstmOptions, "blstm": BlstmOptions, "gru": GruOptions, "bigru": BigruOptions, "cnn_bigru": CnnBigruOptions,
    "conformer": ConformerOptions}


def arch_field():
    """The field `arch` of options that train a network."""
    return choice(ARCHITECTURES, "tdnn", "network")
