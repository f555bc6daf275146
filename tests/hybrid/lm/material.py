"""Small neural LMs of every kind, over a text with frequent, rare and unknown words."""

import random

import torch

from graphs.lang.symbols import SymbolTable
from hybrid.data.units import PieceModel
from hybrid.lm.nets.feed_forward import FeedForwardOptions
from hybrid.lm.nets.recurrent import GruOptions, LstmOptions
from hybrid.lm.nets.transformer import TransformerOptions
from hybrid.lm.network import LmNetwork, LmOptions
from hybrid.lm.neural_lm import NeuralLm
from hybrid.lm.vocabulary import Vocabulary

# "an" begins "and"; "ann" repeats a letter; "never" is in no text
WORDS = SymbolTable(["<unk>", "a", "an", "and", "ann", "b", "band", "never", "once", "#0", "<s>", "</s>"])
EVENTS = [WORDS.id_of(word) for word in WORDS.symbols if word not in ("<eps>", "#0", "<s>", "</s>")]
NETS = {"feed_forward": FeedForwardOptions(order=4, hidden_dim=10, num_layers=2),
        "bigram": FeedForwardOptions(order=2, hidden_dim=10), "lstm": LstmOptions(hidden_dim=9),
        "lstm_2": LstmOptions(hidden_dim=6, num_layers=2), "gru_2": GruOptions(hidden_dim=7, num_layers=2),
        "transformer": TransformerOptions(hidden_dim=8, num_layers=2, heads=2, feed_forward=2),
        "transformer_near": TransformerOptions(hidden_dim=8, num_layers=2, heads=2, feed_forward=2, left=2)}
OUTPUTS = {"full": {}, "tied": {"tied": True}, "sampled": {"softmax": "sampled", "tied": True, "num_samples": 5},
           "classes": {"softmax": "classes", "cutoffs": (2, 5)}}


def make_text(seed=0, number=60):
    """Sentences; x and y are unknown words."""
    rng = random.Random(seed)
    words = "a a a an an and ann b b band x".split()
    text = [[rng.choice(words) for _ in range(rng.randint(1, 7))] for _ in range(number)]
    return [*text, ["once", "y"]]


def make_vocabulary(units="word", min_count=2, text=None):
    text = make_text() if text is None else text
    pieces = PieceModel.train(map(" ".join, text), 14) if units == "piece" else None
    return Vocabulary.of_text(text, WORDS, "<unk>", kind=units, min_count=min_count, pieces=pieces)


def make_network(net="lstm", output="full", units="word", seed=3, min_count=2):
    """In double precision, with weights large enough to matter."""
    vocabulary = make_vocabulary(units, min_count)
    torch.manual_seed(seed)
    network = LmNetwork(LmOptions(arch=NETS[net], units=units, embedding_dim=8, **OUTPUTS[output]),
                        vocabulary.unit_counts).double()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.5 * torch.randn_like(parameter)
    return network.eval(), vocabulary


def make_lm(*args, **more):
    return NeuralLm(*make_network(*args, **more))
