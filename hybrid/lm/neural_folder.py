"""The folder of a neural language model.

| file                                | content                                                               |
| ----------------------------------- | --------------------------------------------------------------------- |
| lm.json                             | options of the network, facts, sha256 of all (hybrid/nn/described_folder.py) |
| best, averaged (.safetensors)       | weights; lm.json names those to use                                   |
| words.txt                           | `WORD ID`, that of the lang folder                                    |
| counts.txt                          | `WORD COUNT` in the training text, in the order of words.txt          |
| pieces.model                        | the sentencepiece model, for units = piece                            |
"""

from pathlib import Path
from typing import Optional, Tuple

import numpy as np

from graphs.errors import InputError
from graphs.lang.symbols import SymbolTable
from graphs.options import flat, from_flat, part_of
from graphs.text_file import read_lines, split_blanks, to_int
from hybrid.data.units import PieceModel
from hybrid.lm.network import LmNetwork, LmOptions
from hybrid.lm.vocabulary import Vocabulary
from hybrid.nn.described_folder import (
    described_file, load_weights, naming_options, read_described, write_described)
from hybrid.nn.model_folder import WEIGHTS
from hybrid.nn.tensor_file import SUFFIX, write_atomically

LM_DESCRIPTION = "lm.json"
WORDS, COUNTS, PIECES = "words.txt", "counts.txt", "pieces.model"


def write_neural_lm(folder: Path, options: LmOptions, vocabulary: Vocabulary, **facts) -> None:
    """Writes what stands beside the weights, which are there.

    Args:
      options: those that the network was made with, or a subclass.
      facts: JSON-able; `checkpoint` names the weights to load.
    """
    network = part_of(LmOptions, options)
    vocabulary.words.write(folder / WORDS)
    counts = zip(vocabulary.words.symbols, vocabulary.counts.tolist())
    write_atomically(folder / COUNTS, "".join(f"{word} {count}\n" for word, count in counts).encode("utf-8"))
    if vocabulary.pieces is not None:
        vocabulary.pieces.write(folder / PIECES)
    write_described(folder / LM_DESCRIPTION, {"network": flat(network), "oov_word": vocabulary.oov_word, **facts},
                    [*(name + SUFFIX for name in WEIGHTS), WORDS, COUNTS, PIECES])


def is_neural_lm(path: Path) -> bool:
    return (Path(path) / LM_DESCRIPTION).is_file()


def load_neural_lm(folder: Path, checkpoint: Optional[str] = None, device: str = "cpu",
                   ) -> Tuple[LmNetwork, Vocabulary, dict]:
    """The trained network in eval mode, its vocabulary, and the description.

    Args:
      checkpoint: `best` or `averaged`; by default the one that lm.json names.
    Raises: InputError when a file is missing, damaged or does not fit the description.
    """
    path = Path(folder) / LM_DESCRIPTION
    description = read_described(path, "a folder of a neural language model")
    options = _options(path, description)
    vocabulary = _vocabulary(path, description, options)
    model = LmNetwork(options, vocabulary.unit_counts)
    load_weights(model, path, description, checkpoint)
    return model.to(device).eval(), vocabulary, description


def _options(path: Path, description: dict) -> LmOptions:
    with naming_options(path):
        return from_flat(LmOptions, description["network"])


def _vocabulary(path: Path, description: dict, options: LmOptions) -> Vocabulary:
    words = SymbolTable.read(described_file(path, WORDS, description))
    counts = read_counts(described_file(path, COUNTS, description), words)
    pieces = PieceModel.read(described_file(path, PIECES, description)) if options.units == "piece" else None
    return Vocabulary(words, description["oov_word"], counts, options.units, options.min_count, pieces)


def read_counts(path: Path, words: SymbolTable) -> np.ndarray:
    """Counts of `WORD COUNT` lines, one for each word of words.txt, in its order. InputError names a bad line."""
    counts = []
    for (number, line), word in zip(read_lines(path)[0], words):
        try:
            found, digits = split_blanks(line)
            counts.append(to_int(digits))
        except ValueError:
            found = None
        if found != word or counts[-1] < 0:
            raise InputError(f"{path}:{number}", f"`{word} COUNT`", repr(line[:60]))
    return np.array(counts, dtype=np.int64)
