"""Small token tables and language models for tests of end-to-end systems."""

import itertools

import torch

from graphs.grammar.arpa import read_arpa
from graphs.grammar.ngram_lm import NgramLm
from graphs.lang.symbols import SymbolTable
from hybrid.e2e.model import write_e2e_model
from hybrid.e2e.network import E2eOptions
from hybrid.e2e.tokens import BLANK_SYMBOL, SPACE, TokenTable
from hybrid.nn.model_folder import write_priors
from hybrid.nn.tdnn import TdnnOptions
from hybrid.nn.tensor_file import write_tensors
from tests.graphs.arpas import arpa_text, random_entries

UNKNOWN_WORD = "<unk>"
WORDS = ("a", "ab", "abb", "b", "ba")  # beginnings of each other


class FakePieces:
    """Stands for a sentencepiece model where only the table of pieces counts."""

    def split(self, word):
        return None


def character_tokens(characters="ab"):
    return TokenTable("character", [BLANK_SYMBOL, SPACE, *characters])


def piece_tokens(symbols=("_a", "b", "_ab", "a", "_")):
    """``_`` stands for U+2581."""
    return TokenTable("piece", [BLANK_SYMBOL, *(symbol.replace("_", SPACE) for symbol in symbols)], FakePieces())


def ngram_lm(folder, words=WORDS, seed=0, unknown=True, order=2):
    """An NgramLm of random numbers, and the words.txt it was opened with."""
    table = SymbolTable([UNKNOWN_WORD, *words, "#0", "<s>", "</s>"])
    path = folder / "lm.arpa"
    path.write_text(arpa_text(random_entries(seed, order, (*words, UNKNOWN_WORD)[:len(words) + unknown])))
    return NgramLm(read_arpa(path)[0], table), table


def all_sequences(num_tokens, longest):
    """Of the tokens but blank."""
    for length in range(longest + 1):
        yield from itertools.product(range(1, num_tokens), repeat=length)


def write_model(folder, tokens, in_dim=6, seed=0, priors=True, **options):
    """A folder of a network that has learnt nothing; `priors`: with log priors that differ."""
    torch.manual_seed(seed)
    options = E2eOptions(arch=TdnnOptions(hidden_dim=8, dilations=(1,)), subsampling=2, encoder_dim=5,
                         units=tokens.kind, **options)
    folder.mkdir()
    write_tensors(folder / "best.safetensors", options.build(in_dim, tokens.num_tokens).state_dict())
    if priors:
        write_priors(folder, torch.randn(tokens.num_tokens).log_softmax(0))
    write_e2e_model(folder, options, tokens, in_dim, frame_shift=0.01, checkpoint="best")
    return folder
