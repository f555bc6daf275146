"""Every network at a small size, and batches for it."""

import torch

from hybrid.nn.cnn import CnnOptions
from hybrid.nn.cnn_bigru import CnnBigruOptions
from hybrid.nn.cnn_tdnn import CnnTdnnOptions
from hybrid.nn.conformer import ConformerOptions
from hybrid.nn.dnn import DnnOptions
from hybrid.nn.padding import MaskedBatchNorm
from hybrid.nn.recurrent import BigruOptions, BlstmOptions, GruOptions, LstmOptions
from hybrid.nn.tdnn import TdnnOptions
from hybrid.nn.tdnnf import TdnnfOptions

IN_DIM, OUT_DIM = 8, 5
MAPS = dict(cepstra_of=6, delta_blocks=2)  # of 4 cepstra

SMALL = {
    "dnn": DnnOptions(hidden_dim=12, num_layers=3, splice=3),
    "tdnn": TdnnOptions(hidden_dim=12, dilations=(1, 2, 0, 3)),
    "tdnnf": TdnnfOptions(hidden_dim=12, bottleneck=5, dilations=(1, 1, 0, 3)),
    "cnn": CnnOptions(filters=(2, 3), halve=(0, 1), splice=1, hidden_dim=12, num_layers=2),
    "cnn_tdnn": CnnTdnnOptions(hidden_dim=12, dilations=(1, 2, 0), filters=(2, 3), bottleneck=5, **MAPS),
    "lstm": LstmOptions(hidden_dim=6, num_layers=2, delay=2),
    "blstm": BlstmOptions(hidden_dim=6, num_layers=2),
    "gru": GruOptions(hidden_dim=6, num_layers=2, delay=0),
    "bigru": BigruOptions(hidden_dim=6, num_layers=2),
    "cnn_bigru": CnnBigruOptions(num_filters=2, num_blocks=1, hidden_dim=6, num_layers=2, **MAPS),
    "conformer": ConformerOptions(filters=(2, 2), hidden_dim=12, num_layers=2, heads=3, kernel=3, **MAPS),
}

# further corners of some of them
MORE = {
    "tdnn_even": ("tdnn", TdnnOptions(hidden_dim=12, dilations=(1, 1, 2), residual=False)),
    "tdnnf_flat": ("tdnnf", TdnnfOptions(hidden_dim=12, bottleneck=7, dilations=(0, 2, 2), bypass=0.0)),
    "cnn_tdnn_full": ("cnn_tdnn", CnnTdnnOptions(hidden_dim=12, dilations=(1, 2), filters=(3,), halve=(1,))),
    "lstm_stacked": ("lstm", LstmOptions(hidden_dim=6, num_layers=1, delay=2, stack=2)),
    "bigru_stacked": ("bigru", BigruOptions(hidden_dim=6, num_layers=1, stack=3)),
    "cnn_bigru_stacked": ("cnn_bigru", CnnBigruOptions(num_filters=2, num_blocks=1, hidden_dim=6, num_layers=1,
                                                       stack=3)),
    "conformer_near": ("conformer", ConformerOptions(filters=(2,), halve=(0,), hidden_dim=12, num_layers=2, heads=2,
                                                     kernel=1, left=2, right=1)),
    "conformer_stacked": ("conformer", ConformerOptions(filters=(2,), halve=(0,), hidden_dim=12, num_layers=1,
                                                        heads=2, kernel=3, left=1, right=0, stack=2)),
}

CASES = {**SMALL, **{name: options for name, (_, options) in MORE.items()}}


def trained(options, subsampling=1, in_dim=IN_DIM, out_dim=OUT_DIM, seed=3):
    """A network with running statistics as of a trained one."""
    torch.manual_seed(seed)
    model = options.build(in_dim, out_dim, subsampling)
    for module in model.modules():
        if isinstance(module, MaskedBatchNorm):
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 2)
    return model


def without_dropout(model):
    for module in model.modules():
        if hasattr(module, "p"):
            module.p = 0.0
    return model


def batch_of(lengths, in_dim=IN_DIM, seed=0):
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(len(lengths), max(lengths), in_dim, generator=generator)
    return features, torch.tensor(lengths)
