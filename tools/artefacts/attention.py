"""Pictures of where a decoder looked and CTC stood for each token of a hypothesis, by the stages that it came from."""

from pathlib import Path
from typing import Optional

from graphs.errors import InputError
from tools.artefacts.kind import input_of, not_found


def draw_nbest(path: Path, item: Optional[str], picture: Path) -> None:
    """The best hypothesis of an utterance, the first one without an item.

    path: of nbest.jsonl. Raises: InputError when model or features are not to be found or have neither.
    """
    from hybrid.e2e.nbest_file import read_nbest
    from hybrid.report.attention_picture import draw_attention
    lists = {one.utterance_id: one for one in read_nbest(path) if one.hypotheses}
    item = next(iter(lists), None) if item is None else item
    if item not in lists:
        raise not_found(path, "an utterance with a hypothesis", str(item), lists)
    best, model = lists[item].hypotheses[0], _model_behind(path)
    panels = _panels(model, _features_behind(path, item), best.tokens)
    if not panels:
        raise InputError(str(path), "a model with an attention decoder or CTC", "neither")
    symbols = [model.tokens.symbols[token] for token in (*best.tokens, 0)]
    draw_attention(panels, symbols, model.output_shift, picture, f"{item}: {best.score:.2f}", best.frames)


def _model_behind(path: Path):
    from hybrid.e2e.model import E2E_DESCRIPTION, E2eModel
    description = input_of(path.parent, E2E_DESCRIPTION)
    if description is None:
        raise InputError(str(path), "a stage record beside it that leads to a model", "none")
    return E2eModel.load(description.parent)


def _features_behind(path: Path, utterance_id: str):
    from hybrid.data.features import DESCRIPTION, FeatureReader
    description = input_of(path.parent, DESCRIPTION)
    if description is None:
        raise InputError(str(path), "a stage record beside it that leads to features", "none")
    return FeatureReader(description.parent)[utterance_id]


def _panels(model, features, tokens) -> dict:
    """Name -> ``[tokens + 1, T]``; the last row is the end of the sentence for attention, blank for CTC."""
    import torch

    from hybrid.e2e.decoders.attention import AttentionDecoder
    network, panels = model.network, {}
    encoded, lengths = model.encode(torch.as_tensor(features)[None], torch.tensor([len(features)]))
    if isinstance(network.decoder, AttentionDecoder):
        panels["attention"] = network.decoder.weights(encoded, lengths, [tokens])[0].cpu().numpy()
    if network.ctc is not None:
        with torch.no_grad():
            posteriors = network.ctc_log_probs(encoded)[0].exp()
        panels["CTC"] = posteriors[:, [*tokens, 0]].T.cpu().numpy()
    return panels
