"""End-to-end models."""

from pathlib import Path
from typing import Iterable, Optional

from tools.artefacts.kind import Kind, facts, folder_with, not_found, some
from tools.artefacts.models import (
    draw_model, flat_facts, history_table, parameters_table, sizes_of, training_problems)


def describe_e2e(path: Path, item: Optional[str] = None) -> str:
    """item: a word, which is spelled."""
    from hybrid.e2e.model import E2eModel
    from hybrid.nn.model_folder import num_parameters
    from hybrid.nn.summary import summarize
    from hybrid.training.journal import HISTORY
    model = E2eModel.load(path)
    if item is not None:
        spelled = model.tokens.encode([item])
        if spelled is None:
            raise not_found(path, "a word that the tokens can spell", item, model.tokens.symbols[1:])
        return facts(("tokens", " ".join(model.tokens.symbols[token_id] for token_id in spelled)))
    sizes = sizes_of(summarize(model.network.encoder, model.feature_dim, model.frame_shift), model.frame_shift)
    sizes["parameters"] = f"{num_parameters(model.network)}, {sizes['parameters']} of them the encoder's"
    head = facts(*flat_facts(model.description).items(), *sizes.items(),
                 ("emits", f"{model.tokens.num_tokens} tokens: {some(model.tokens.symbols, 8)}"))
    history = history_table(path) if (path / HISTORY).exists() else ""
    return head + parameters_table(model.network.state_dict()) + history


def e2e_problems(path: Path) -> Iterable[str]:
    """Files that are not what was written, weights that are not finite."""
    from hybrid.e2e.model import E2eModel, check_files
    files = check_files(path)
    E2eModel.load(path)
    yield from training_problems(path, files)


KINDS = (
    Kind("end-to-end model", "a folder with e2e.json", folder_with("e2e.json"), describe_e2e, e2e_problems,
         draw_model, item="word"),
)
