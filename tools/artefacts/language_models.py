"""Neural language models."""

from pathlib import Path
from typing import Iterable, Optional

from tools.artefacts.kind import Kind, facts, folder_with, not_found, some
from tools.artefacts.models import draw_model, flat_facts, history_table, parameters_table, training_problems


def describe_lm(path: Path, item: Optional[str] = None) -> str:
    """item: a word."""
    from hybrid.lm.neural_folder import load_neural_lm
    from hybrid.nn.model_folder import num_parameters
    from hybrid.training.journal import HISTORY
    network, vocabulary, description = load_neural_lm(path)
    if item is not None:
        return _describe_word(path, vocabulary, item)
    head = facts(*flat_facts(description).items(), ("words", int(vocabulary.events.sum())),
                 ("predicts", f"{vocabulary.num_units} units: {some(vocabulary.units, 6)}"),
                 ("parameters", num_parameters(network)))
    return head + parameters_table(network.state_dict()) + (
        history_table(path) if (path / HISTORY).exists() else "")


def _describe_word(path: Path, vocabulary, word: str) -> str:
    import math
    if vocabulary.words.get(word) is None or not vocabulary.events[vocabulary.words.id_of(word)]:
        raise not_found(path, "a word", word, [w for w, event in zip(vocabulary.words, vocabulary.events) if event])
    word_id = vocabulary.words.id_of(word)
    share = math.exp(vocabulary.log_share[word_id])
    return facts(("word_id", word_id), ("count", int(vocabulary.counts[word_id])),
                 ("units", ", ".join(vocabulary.units[unit] for unit in vocabulary.spelling[word_id])),
                 ("share of them", share if share < 1 else "all"))


def lm_problems(path: Path) -> Iterable[str]:
    """Files that are not what was written, weights that are not finite."""
    from hybrid.lm.neural_folder import LM_DESCRIPTION, load_neural_lm
    from hybrid.nn.described_folder import described_file
    _, _, description = load_neural_lm(path)
    for name in description["files"]:
        described_file(path / LM_DESCRIPTION, name, description)
    yield from training_problems(path, description["files"])


KINDS = (
    Kind("neural language model", "a folder with lm.json", folder_with("lm.json"), describe_lm, lm_problems,
         draw_model, item="word"),
)
