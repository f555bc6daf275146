"""Language models of all kinds, opened by their paths."""

from pathlib import Path
from typing import List, NamedTuple, Optional, Sequence, Union

from graphs.errors import InputError
from graphs.grammar.arpa import read_arpa
from graphs.grammar.language_model import LanguageModel
from graphs.grammar.mixed_lm import MixedLm, check_weights
from graphs.grammar.ngram_lm import NgramLm
from graphs.lang.symbols import SymbolTable
from hybrid.lm.mixture import held_out, tune_weights
from hybrid.lm.perplexity import TextIds


class OpenLm(NamedTuple):
    """model: takes the ids of the words it was opened with; notes: for the log."""

    model: LanguageModel
    notes: List[str]


def open_lm(path: Union[str, Path], words: SymbolTable, device: str = "auto") -> OpenLm:
    """The model for the words. Raises InputError for what is no language model.

    Args:
      path: of an ARPA file, or of the folder of a neural model, which computes on the device.
    """
    if Path(path).is_dir():
        from hybrid.lm.neural_lm import NeuralLm
        from hybrid.training.device import choose_device
        neural = NeuralLm.read(Path(path), words, str(choose_device(device)))
        return OpenLm(neural, neural.lines())
    model, report = read_arpa(path)
    lm = NgramLm(model, words)
    return OpenLm(lm, [*report.lines(), *lm.lines()])


def mixture_weights(models: Sequence[LanguageModel], given: Optional[Sequence[float]],
                    held_out_text: Optional[TextIds]) -> List[float]:
    """The given weights, or those tuned on the held-out text, or equal ones.

    Raises: InputError for weights that are none, or that are given and to be tuned.
    """
    if given is not None and held_out_text is not None:
        raise InputError("--weights", "none, since --tune finds them", str(given))
    if held_out_text is not None:
        return tune_weights(held_out(models, held_out_text)).weights.tolist()
    if given is None:
        return [1.0 / len(models)] * len(models)
    try:
        return check_weights(given, len(models)).tolist()
    except ValueError as error:
        raise InputError("--weights", "a weight for each language model", str(error)) from None


def mixed(models: Sequence[LanguageModel], weights: Sequence[float], words: SymbolTable) -> LanguageModel:
    return models[0] if len(models) == 1 else MixedLm(models, weights, words)
