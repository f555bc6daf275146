"""Beginnings of token sequences that a search over a transducer has met: what depends on the tokens alone.

They are nodes of a tree, so that equal ones are one, whatever alignment and whatever utterance they come from. A node
holds what the predictor gives after its tokens, the state and the score of a language model, and what the transducer
itself would say without sound.
"""

from typing import Dict, List, Optional, Tuple

import numpy as np
import torch
from torch import Tensor

from graphs.errors import InputError
from graphs.growing import GrowingArray
from graphs.ids import BLANK
from hybrid.e2e.decoders.transducer import TransducerDecoder
from hybrid.e2e.fusion import FusionOptions, TokenLm
from hybrid.e2e.network import E2eNetwork

ROOT = 0  # the node without tokens


def transducer_of(network: E2eNetwork, search: str) -> TransducerDecoder:
    """Raises InputError, on behalf of the search of that name, for a network without transducer."""
    if not isinstance(network.decoder, TransducerDecoder):
        raise InputError(f"search {search}", "a network with decoder = transducer", "another one")
    return network.decoder


class Prefixes:
    """
    Attributes: `has_lm`, is there a language model?, and, each ``[number of nodes]``:
      parent, token: the node is its parent's and a token more; of ROOT both are -1.
      rank: what language model and bonuses add up to, scaled, less the scaled internal language model.
      lm, internal: log probabilities of the tokens, unscaled.
      added: ``[number of nodes, num_tokens]`` what each next token adds to `rank`; column 0: what an end adds.
    """

    def __init__(self, decoder: TransducerDecoder, options: FusionOptions, fusion: Optional[TokenLm] = None,
                 internal_scale: float = 0.0):
        """internal_scale: factor on what the internal language model takes off."""
        self._decoder, self._options, self._fusion, self._internal_scale = decoder, options, fusion, internal_scale
        self.has_lm = fusion is not None
        self._node_of: Dict[Tuple[int, int], int] = {}
        weight, num_tokens = decoder.output.weight, decoder.num_tokens
        self._device, kind = weight.device, weight.cpu().detach().numpy().dtype
        self._integers = {name: GrowingArray((), np.int64) for name in ("parent", "token", "lm_state")}
        self._numbers = {name: GrowingArray((), np.float64) for name in ("rank", "lm", "internal")}
        kinds = ["rank"] + ["lm"] * self.has_lm + ["internal"] * bool(internal_scale)
        self._gains = {name: GrowingArray((num_tokens,), np.float64) for name in kinds}
        state = decoder.predictor.start(1)
        self._places = GrowingArray((weight.shape[1],), kind)
        self._states = GrowingArray(tuple(state.shape[1:]), state.cpu().numpy().dtype)
        if fusion is not None:
            fusion.reset()
        self._add([-1], [-1], [fusion.start if fusion else 0], {"rank": [0.0], "lm": [0.0], "internal": [0.0]})
        self._compute(torch.tensor([BLANK], device=self._device), state)

    parent = property(lambda self: self._integers["parent"].rows)
    token = property(lambda self: self._integers["token"].rows)
    rank = property(lambda self: self._numbers["rank"].rows)
    lm = property(lambda self: self._numbers["lm"].rows)
    internal = property(lambda self: self._numbers["internal"].rows)
    added = property(lambda self: self._gains["rank"].rows)

    def places(self, nodes: np.ndarray) -> Tensor:
        """``[N, joiner_dim]`` what the joiner takes of the tokens."""
        return torch.from_numpy(self._places.rows[nodes]).to(self._device)

    def end_of_lm(self, nodes: np.ndarray) -> np.ndarray:
        """``[N]`` log probability of the language model, which there is, that the sentence ends after each node."""
        return self._gains["lm"].rows[nodes, 0]

    def tokens_of(self, node: int) -> Tuple[int, ...]:
        tokens = []
        while node != ROOT:
            tokens.append(int(self.token[node]))
            node = int(self.parent[node])
        return tuple(tokens[::-1])

    def extend(self, nodes: np.ndarray, tokens: np.ndarray) -> np.ndarray:
        """``[N]`` the node after one more token, never blank, after each node."""
        pairs = list(zip(nodes.tolist(), tokens.tolist()))
        new = [pair for pair in dict.fromkeys(pairs) if pair not in self._node_of]
        if new:
            self._node_of.update(zip(new, range(len(self.parent), len(self.parent) + len(new))))
            self._grow(*np.array(new).T)
        return np.array([self._node_of[pair] for pair in pairs], dtype=np.int64)

    def _grow(self, parents: np.ndarray, tokens: np.ndarray) -> None:
        lm_states = self._integers["lm_state"].rows[parents]
        if self._fusion is not None:
            lm_states = self._fusion.advance(lm_states, tokens)
        gained = {name: gains.rows[parents, tokens] for name, gains in self._gains.items()}
        self._add(parents, tokens, lm_states, {
            name: numbers.rows[parents] + gained.get(name, 0.0) for name, numbers in self._numbers.items()})
        self._compute(torch.from_numpy(tokens).to(self._device),
                      torch.from_numpy(self._states.rows[parents]).to(self._device))

    def _add(self, parents, tokens, lm_states, numbers: Dict[str, np.ndarray]) -> None:
        for name, values in zip(self._integers, (parents, tokens, lm_states)):
            self._integers[name].add(values)
        for name, values in numbers.items():
            self._numbers[name].add(values)

    def _compute(self, tokens: Tensor, states: Tensor) -> None:
        """What the last nodes say of their next tokens; tokens, states: what the predictor takes for them."""
        out, states = self._decoder.predictor.step(tokens, states)
        places = self._decoder.predictor_side(out)
        self._places.add(places.cpu().numpy())
        self._states.add(states.cpu().numpy())
        lm_states = self._integers["lm_state"].rows[-len(tokens):]
        said = np.zeros((len(tokens), self._decoder.num_tokens))
        if self._fusion is not None:
            said = self._fusion.scores(lm_states)
            self._gains["lm"].add(said)
        rank = self._options.weighted(said, self._fusion)
        if self._internal_scale:
            internal = internal_lm(self._decoder, places)
            self._gains["internal"].add(internal)
            rank = rank - self._internal_scale * internal
        self._gains["rank"].add(rank)


def internal_lm(decoder: TransducerDecoder, places: Tensor) -> np.ndarray:
    """``[N, num_tokens]`` log probability of each next token, without sound (Meng et al., "Internal language model
    estimation for domain-adaptive end-to-end speech recognition", 2021): the joiner's, blank left out (0 stands there),
    where the encoder gives zeros.

    Args:
      places: ``[N, joiner_dim]``.
    """
    silence = decoder.encoder_side(places.new_zeros(1, decoder.encoder_side.in_features))
    tokens = decoder.join(silence, places)[:, BLANK + 1:].double().log_softmax(dim=1)
    return torch.nn.functional.pad(tokens, (1, 0)).cpu().numpy()


def log_probs_of(decoder: TransducerDecoder, frames: Tensor, places: Tensor) -> np.ndarray:
    """``[N, num_tokens]`` float64 log probabilities of what the joiner says of N frames and places."""
    return decoder.join(frames, places).double().log_softmax(dim=1).cpu().numpy()


def frames_of(chain: Optional[tuple]) -> Tuple[int, ...]:
    """Of (last frame, those before likewise), or None for no frames."""
    frames: List[int] = []
    while chain is not None:
        frame, chain = chain
        frames.append(frame)
    return tuple(frames[::-1])
