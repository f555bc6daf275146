"""Training that starts from the weights of a network that is trained already, on other data or for another system."""

from pathlib import Path
from typing import List, Optional, Tuple

from torch import nn

from graphs.errors import InputError
from graphs.hmm.context_tree import ContextTree
from graphs.hmm.hmm_folder import TRANSITIONS, read_hmm
from graphs.hmm.transitions import TransitionModel
from hybrid.e2e.model import E2eModel, is_e2e_model
from hybrid.e2e.tokens import TokenTable
from hybrid.nn.model_folder import load_model

OUTPUT = "output."  # what the layer that answers for classes is called in every network


def start_network(network: nn.Module, folder: Path, tree: ContextTree, transitions: TransitionModel) -> str:
    """Gives an acoustic model's network the weights of a trained one, wherever names and shapes agree.

    Those of the last layer only if the trained one answers for the same states, of the same tree.

    Args:
      folder: of an acoustic model, a CTC model or an end-to-end model, whose encoder is taken.
    Returns: what was taken, for the log.
    Raises: InputError when less than half of the tensors agree.
    """
    same_states = False
    if (folder / TRANSITIONS).is_file():
        their_tree, theirs = read_hmm(folder)
        same_states = theirs.states == transitions.states and their_tree.fingerprint() == tree.fingerprint()
    trained, item, _ = _trained(folder)
    return _said("network", folder, *take(network, getattr(trained, "encoder", trained), item, not same_states))


def start_e2e(network: nn.Module, folder: Path, tokens: TokenTable) -> str:
    """The same for an end-to-end network: all of it where the trained one has the same tokens, else its encoder."""
    trained, item, symbols = _trained(folder)
    if symbols == tokens.symbols:
        return _said("network", folder, *take(network, trained, item))
    return _said("encoder", folder, *take(network.encoder, getattr(trained, "encoder", trained), item))


def _trained(folder: Path) -> Tuple[nn.Module, str, Optional[List[str]]]:
    """The network, what it is called in messages, and its tokens if it is an end-to-end one, which has an encoder."""
    if is_e2e_model(folder):
        model = E2eModel.load(folder)
        network, description, symbols = model.network, model.description, model.tokens.symbols
    else:
        (network, description), symbols = load_model(folder), None
    sizes = ", ".join(f"{key}={value}" for key, value in description["network"].items())
    return network, f"{folder} ({sizes})", symbols


def _said(what: str, folder: Path, taken: int, number: int) -> str:
    return f"the {what} starts with {taken} of its {number} tensors from {folder}"


def take(network: nn.Module, trained: nn.Module, item: str, other_classes: bool = False) -> Tuple[int, int]:
    """Of `network` whatever `trained` has under the same name, in the same shape.

    Args:
      item: the trained one, for the message.
      other_classes: leave the last layer as it is.
    Returns: how many tensors were taken, and how many the network has.
    Raises: InputError when they are less than half, the last layer apart.
    """
    own = network.state_dict()
    common = {name: value for name, value in trained.state_dict().items()
              if name in own and own[name].shape == value.shape and not (other_classes and name.startswith(OUTPUT))}
    if 2 * len(common) < len(own):
        raise InputError(item, f"a network with names and shapes of most of the {len(own)} tensors, as with the "
                         "same architecture and sizes", f"{len(common)} of them")
    network.load_state_dict({**own, **common})
    return len(common), len(own)
