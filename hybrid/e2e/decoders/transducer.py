"""The transducer (Graves, "Sequence transduction with recurrent neural networks", 2012): a predictor says what it knows
of the tokens so far, a joiner what comes next on a frame after them, another token or none more (blank)."""

from dataclasses import dataclass, field
from typing import Dict, List, Optional, Sequence, Tuple

import torch
from torch import Tensor, nn

from graphs.errors import InputError
from graphs.ids import BLANK
from graphs.options import check_at_least, check_choice, check_share
from hybrid.e2e.decoders.attention import full_precision
from hybrid.e2e.decoders.predictors import LstmPredictor, StatelessPredictor
from hybrid.e2e.decoders.rnnt_loss import best_alignment, transducer_scores
from hybrid.nn.inputs import check_targets
from hybrid.nn.padding import frame_mask

PREDICTORS = ("stateless", "lstm")
LOSSES = ("pruned", "plain")
BLOCK = 1 << 21  # numbers that the joiner gives at once while nothing is learnt


@dataclass(frozen=True)
class TransducerOptions:
    predictor: str = field(default="stateless", metadata={
        "help": f"what sees the tokens before: one of {', '.join(PREDICTORS)}"})
    context: int = field(default=2, metadata={"help": "tokens that it sees (predictor = stateless)"})
    predictor_layers: int = field(default=1, metadata={"help": "layers (predictor = lstm)"})
    predictor_dim: int = field(default=256, metadata={"help": "width of the predictor"})
    predictor_dropout: float = field(default=0.1, metadata={"help": "share dropped of embeddings and of its layers"})
    joiner_dim: int = field(default=256, metadata={"help": "width of the joiner"})
    monotonic: bool = field(default=False, metadata={"help": "a frame has a token or a blank, not tokens and a blank"})
    transducer_loss: str = field(default="pruned", metadata={
        "help": "pruned (by k2) or plain, while training; dev figures are always plain"})
    prune_range: int = field(default=5, metadata={"help": "numbers of tokens looked at on a frame (pruned)"})
    simple_scale: float = field(default=0.5, metadata={
        "help": "weight of the simple joiner's loss beside that of the real one (pruned)"})
    simple_warmup: int = field(default=300, metadata={
        "help": "updates over which the weights move there, from 1 for the simple and 0.1 for the real one (pruned)"})
    lm_only_scale: float = field(default=0.25, metadata={
        "help": "share in the simple loss of what the tokens before alone say (pruned)"})
    am_only_scale: float = field(default=0.0, metadata={
        "help": "share in the simple loss of what the frame alone says (pruned)"})

    def __post_init__(self):
        check_choice(PREDICTORS, self, "predictor")
        check_choice(LOSSES, self, "transducer_loss")
        check_at_least(1, self, "context", "predictor_layers", "predictor_dim", "joiner_dim")
        check_at_least(2, self, "prune_range")
        check_at_least(0, self, "simple_scale", "simple_warmup")
        check_share(self, "predictor_dropout", "lm_only_scale", "am_only_scale")
        if not self.lm_only_scale + self.am_only_scale < 1:
            raise ValueError("lm_only_scale and am_only_scale: expected a sum below 1")

    def build(self, encoder_dim: int, num_tokens: int) -> "TransducerDecoder":
        return TransducerDecoder(encoder_dim, num_tokens, self)


class TransducerDecoder(nn.Module):
    """See hybrid/e2e/decoders/kinds.py.

    Attributes:
      predictor: see hybrid/e2e/decoders/predictors.py.
      monotonic: see hybrid/e2e/decoders/rnnt_loss.py.
    """

    def __init__(self, encoder_dim: int, num_tokens: int, options: TransducerOptions):
        super().__init__()
        self.options, self.num_tokens, self.monotonic = options, num_tokens, options.monotonic
        dim, dropout = options.predictor_dim, options.predictor_dropout
        if options.predictor == "lstm":
            self.predictor = LstmPredictor(num_tokens, dim, options.predictor_layers, dropout)
        else:
            self.predictor = StatelessPredictor(num_tokens, dim, options.context, dropout)
        self.encoder_side = nn.Linear(encoder_dim, options.joiner_dim)
        self.predictor_side = nn.Linear(dim, options.joiner_dim)
        self.output = nn.Linear(options.joiner_dim, num_tokens)
        if options.transducer_loss == "pruned":
            self.simple_frames = nn.Linear(encoder_dim, num_tokens)
            self.simple_places = nn.Linear(dim, num_tokens)
            self.register_buffer("updates", torch.zeros((), dtype=torch.int64))

    def after_step(self, step: int) -> None:
        """Counts the updates, for the weights of the two losses."""
        if self.options.transducer_loss == "pruned":
            self.updates.fill_(step + 1)

    def join(self, frames: Tensor, places: Tensor) -> Tensor:
        """Logits ``[..., num_tokens]`` of what encoder_side and predictor_side give, ``[..., joiner_dim]``."""
        return self.output(torch.tanh(frames + places))

    def loss(self, encoded: Tensor, lengths: Tensor, tokens: Sequence[List[int]]) -> Dict[str, Tuple[Tensor, int]]:
        """
        Args:
          encoded: ``[B, T, encoder_dim]``; lengths: ``[B]`` int64, at least 1.
          tokens: token_ids of each utterance, without blanks.
        Returns: `loss` in nats; while the pruned one trains, the weighted mean of `simple_loss` and `pruned_loss`.
        Raises: InputError for the pruned loss without k2, and as check_targets.
        """
        weight = sum(len(row) + 1 for row in tokens)
        if not (self.training and self.options.transducer_loss == "pruned"):
            return {"loss": (-transducer_scores(*self._lattice(encoded, lengths, tokens)).sum(), weight)}
        simple, pruned = self._pruned(encoded, lengths, tokens)
        warmup = self.options.simple_warmup
        rest = 1.0 - min(1.0, int(self.updates) / warmup) if warmup else 0.0
        simple_weight = self.options.simple_scale + (1.0 - self.options.simple_scale) * rest
        pruned_weight = 1.0 - 0.9 * rest
        loss = (simple_weight * simple + pruned_weight * pruned) / (simple_weight + pruned_weight)
        return {"loss": (loss, weight), "simple_loss": (simple.detach(), weight),
                "pruned_loss": (pruned.detach(), weight)}

    @torch.no_grad()
    def score(self, encoded: Tensor, lengths: Tensor, tokens: Sequence[List[int]]) -> Tensor:
        """``[B]`` float64: log probability of each sequence, over all its alignments; -inf where it does not fit."""
        return transducer_scores(*self._lattice(encoded, lengths, tokens))

    @torch.no_grad()
    def align(self, encoded: Tensor, lengths: Tensor, tokens: Sequence[List[int]],
              ) -> Tuple[Tensor, List[Optional[List[int]]]]:
        """``[B]`` float64 log probability of each sequence's best alignment, and in it the frame of each token; None
        where the tokens do not fit."""
        return best_alignment(*self._lattice(encoded, lengths, tokens))

    def _pruned(self, encoded: Tensor, lengths: Tensor, tokens: Sequence[List[int]]) -> Tuple[Tensor, Tensor]:
        """The simple and the pruned loss of the batch."""
        try:
            from hybrid.e2e.decoders.pruned_loss import pruned_losses
        except ImportError as error:
            raise InputError("option transducer_loss", "plain, where k2 is missing", f"pruned ({error})") from None
        encoded = _without_padding(encoded, lengths)
        padded, target_lengths = self._padded(encoded, lengths, tokens)
        predicted = self.predictor(nn.functional.pad(padded, (1, 0), value=BLANK))
        losses = pruned_losses(
            self.simple_frames(encoded), self.simple_places(predicted), self.join, self.encoder_side(encoded),
            self.predictor_side(predicted), padded, lengths, target_lengths, self.options.prune_range,
            (self.options.lm_only_scale, self.options.am_only_scale), self.monotonic)
        return losses[0].sum(), losses[1].sum()

    def _lattice(self, encoded: Tensor, lengths: Tensor, tokens: Sequence[List[int]]):
        """The arguments of transducer_scores."""
        padded, target_lengths = self._padded(encoded, lengths, tokens)
        places = self.predictor_side(self.predictor(nn.functional.pad(padded, (1, 0), value=BLANK)))
        frames = self.encoder_side(_without_padding(encoded, lengths))
        blank, emit = zip(*(self._arcs(frames[row, :length], places[row, :len(tokens[row]) + 1],
                                       padded[row, :len(tokens[row])]) for row, length in enumerate(lengths.tolist())))
        return _stacked(blank), _stacked(emit), lengths, target_lengths, self.monotonic

    def _arcs(self, frames: Tensor, places: Tensor, tokens: Tensor) -> Tuple[Tensor, Tensor]:
        """``[T, S + 1]`` log probabilities of blank and ``[T, S]`` of the next token, of one utterance."""
        step = max(1, BLOCK // (len(places) * max(self.num_tokens, frames.shape[1])))
        parts = []
        for block in frames.split(step):
            log_probs = full_precision(self.join(block[:, None], places)).log_softmax(dim=2)
            emit = log_probs[:, torch.arange(len(tokens), device=tokens.device), tokens]
            parts.append((log_probs[:, :, BLANK], emit))
        return tuple(map(torch.cat, zip(*parts)))

    def _padded(self, encoded: Tensor, lengths: Tensor, tokens: Sequence[List[int]]) -> Tuple[Tensor, Tensor]:
        """``[B, S]`` and ``[B]`` int64. Raises InputError as check_targets."""
        check_targets(encoded, lengths, tokens, self.num_tokens)
        rows = [torch.tensor(row, dtype=torch.int64) for row in tokens]
        padded = nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=BLANK)
        return padded.to(encoded.device), torch.tensor([len(row) for row in rows], device=encoded.device)


def _without_padding(encoded: Tensor, lengths: Tensor) -> Tensor:
    """With zeros there: what it may hold spoils a gradient even where its own is zero."""
    return encoded.masked_fill(~frame_mask(lengths, encoded.shape[1])[:, :, None], 0.0)


def _stacked(tables: Sequence[Tensor]) -> Tensor:
    """``[B, T, N]`` of ``[T_b, N_b]``, padded with 0."""
    num_frames, width = (max(table.shape[axis] for table in tables) for axis in (0, 1))
    if not width:  # sentences without tokens: pad refuses to give nothing
        return tables[0].new_zeros(len(tables), num_frames, 0)
    return torch.stack([nn.functional.pad(table, (0, width - table.shape[1], 0, num_frames - len(table)))
                        for table in tables])
