"""Language models of all kinds, opened by their paths."""

from pathlib import Path
from typing import List, NamedTuple, Optional, Sequence, Tuple, Union

from graphs.checks import shares_of
from graphs.errors import InputError
from graphs.grammar.arpa import ArpaReport, read_arpa
from graphs.grammar.class_lm import ClassLm, WordClasses
from graphs.grammar.language_model import LanguageModel
from graphs.grammar.mixed_lm import MixedLm
from graphs.grammar.ngram import NgramModel
from graphs.grammar.ngram_lm import NgramLm
from graphs.lang.symbols import SymbolTable
from hybrid.lm.mixture import held_out, tune_weights
from hybrid.lm.neural_folder import LM_DESCRIPTION, is_neural_lm
from hybrid.lm.perplexity import TextIds

CLASSES = "classes.txt"  # beside the lm.arpa of tools.train_class_lm


class OpenLm(NamedTuple):
    """model: takes the ids of the words it was opened with; notes: for the log."""

    model: LanguageModel
    notes: List[str]


def open_lm(path: Union[str, Path], words: SymbolTable, device: str = "auto") -> OpenLm:
    """The model for the words. Raises InputError for what is no language model.

    Args:
      path: an ARPA file, or a folder of tools.train_ngram, tools.train_class_lm or tools.train_lm.
      device: where a neural model computes.
    """
    path = Path(path)
    if is_neural_lm(path):
        from hybrid.lm.neural_lm import NeuralLm
        from hybrid.training.device import choose_device
        neural = NeuralLm.read(path, words, str(choose_device(device)))
        return OpenLm(neural, neural.lines())
    if (path / CLASSES).is_file():
        model, classes, report = read_class_lm(path)
        lm = ClassLm(model, classes, words)
    else:
        model, report = read_arpa(arpa_of(path))
        lm = NgramLm(model, words)
    return OpenLm(lm, [*report.lines(), *lm.lines()])


def arpa_of(path: Path) -> Path:
    """The path itself, or the ARPA file in a folder. Raises InputError for a folder without one."""
    if not path.is_dir():
        return path
    for name in ("lm.arpa", "lm.arpa.gz"):
        if (path / name).is_file():
            return path / name
    raise InputError(str(path), f"an ARPA file, or a folder with {LM_DESCRIPTION}, lm.arpa or lm.arpa.gz",
                     "none of them")


def read_class_lm(folder: Path) -> Tuple[NgramModel, WordClasses, ArpaReport]:
    """Of a folder with lm.arpa (or .gz) and classes.txt."""
    model, report = read_arpa(arpa_of(folder))
    return model, WordClasses.read(folder / CLASSES), report


def mixture_weights(models: Sequence[LanguageModel], given: Optional[Sequence[float]],
                    held_out_text: Optional[TextIds], item: str = "--weights") -> List[float]:
    """The given weights, or those tuned on the held-out text, or equal ones.

    Args:
      item: where the given ones come from.
    Raises: InputError for weights that are none, or that are given and to be tuned.
    """
    if given is not None and held_out_text is not None:
        raise InputError(item, "none, since --tune finds them", str(given))
    if held_out_text is not None:
        return tune_weights(held_out(models, held_out_text)).weights.tolist()
    return shares_of(item, given or (), len(models)).tolist()


def mixed(models: Sequence[LanguageModel], weights: Sequence[float], words: SymbolTable) -> LanguageModel:
    return models[0] if len(models) == 1 else MixedLm(models, weights, words)
