"""Rescoring of a folder of lattices: the LM of their graph goes out, another comes in, with a weight between the two.

Graph scores become ``graph + lm_weight * (log P_new - log P_old)``: of the language model's part, lm_weight is the new
one's and the rest stays the old one's. Lattices without an LM, as end-to-end systems make them, have no P_old. Which
weight is best, a development set tells: its lattices are expanded once, with the scores of both models apart, and then
read with each weight.
"""

import itertools
import json
import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Iterable, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from graphs.checks import weights_of
from graphs.errors import InputError
from graphs.grammar.unknown_words import UnknownWords
from graphs.grammar.weighted_lm import Term, WeightedLm
from graphs.lang.symbols import SymbolTable
from graphs.lattices.rescore import RescoreOptions, Rescored, expand
from graphs.options import check_at_least, check_between, check_choice
from graphs.text_file import read_json_object
from hybrid.loaded import kept_while_unchanged
from hybrid.recognize.lattice_folder import Changed

BACKOFF = ("free", "model")
WEIGHT_FILE = "lm_weight.json"
_BLOCK = 250  # lattices in memory at a time


def _option(default, help: str):
    return field(default=default, metadata={"help": help})


@dataclass(frozen=True)
class RescoringOptions(RescoreOptions):
    lm_weight: float = _option(1.0, "the new LM's part of the language model's log score, the rest is the old one's")
    backoff: str = _option("free", "a single new n-gram LM scores as G does in decoding, where a path may back off "
                           "wherever that is better (free), or by its own probabilities (model; always so where there "
                           "is no old LM)")
    oov_word: str = _option("", "the word that <unk> of the old LM stands for, if graph.recognize_oov made the graph")
    unknown_penalty: float = _option(0.0, "natural log, added to the score of a word that the new LM takes as its "
                                     "unknown one, if it does not score as G does")
    unknown_character: float = _option(0.0, "natural log, added for each character of such a word")
    nbest: int = _option(0, "only so many sentences of a lattice are rescored and kept, the best by its own scores; "
                         "0: all")
    max_failed_share: float = _option(0.05, "share of lattices that may fail")

    def __post_init__(self):
        super().__post_init__()
        check_choice(BACKOFF, self, "backoff")
        check_lm_weights([self.lm_weight])
        check_at_least(0, self, "nbest")
        if not (math.isfinite(self.unknown_penalty) and math.isfinite(self.unknown_character)):
            raise ValueError("unknown_penalty and unknown_character: expected finite numbers")
        check_between(0, 1, self, "max_failed_share")


def check_lm_weights(weights: Sequence[float]) -> None:
    """Raises ValueError unless all are finite, from 0 up, and one is above."""
    if not (weights and min(weights) >= 0 and 0 < max(weights) < math.inf):
        raise ValueError(f"lm_weight: expected finite numbers from 0 up, one of them above 0, found {list(weights)}")


@dataclass(frozen=True)
class LmPaths:
    """
    Attributes:
      words: words.txt of the lattices.
      graph_lm: the ARPA file, or folder of one, that the graph was made with; None for lattices without an LM.
      lms: new LMs, all of which hybrid.lm.language_models.open_lm opens.
      mixture: weights of several new LMs, whose probabilities are interpolated; empty for equal ones.
      mixture_of: where they come from.
      device: where neural ones compute.
      tune: held-out text that finds the weights of several new LMs.
    """

    words: Path
    graph_lm: Optional[Path]
    lms: Tuple[Path, ...]
    mixture: Tuple[float, ...] = ()
    device: str = "cpu"
    tune: Optional[Path] = None
    mixture_of: str = "--mixture"


class Models(NamedTuple):
    """
    Attributes:
      merged: histories of the new LM may be merged, since it tells all of them apart.
      mixture: weights of several new LMs, empty for a single one.
    """

    num_words: int
    old: Optional[object]
    new: object
    merged: bool
    notes: List[str]
    mixture: Tuple[float, ...] = ()

    def terms(self, weight: float) -> List[Term]:
        new = Term(self.new, weight, self.merged)
        return [new] if self.old is None else [Term(self.old, -weight), new]


@kept_while_unchanged()
def load_models(paths: LmPaths, backoff: str, oov_word: str, unknown: Tuple[float, float] = (0.0, 0.0)) -> Models:
    """Raises: InputError for what is no language model, and for a mixture of other than one weight for each."""
    from graphs.grammar.arpa import read_arpa
    from graphs.grammar.grammar_lm import GrammarLm
    from hybrid.lm.language_models import CLASSES, arpa_of, is_neural_lm, mixed, mixture_weights, open_lm
    from hybrid.lm.perplexity import read_text_ids
    if paths.mixture and len(paths.mixture) != len(paths.lms):
        raise InputError(paths.mixture_of, f"{len(paths.lms)} weights of new models", str(len(paths.mixture)))
    words = SymbolTable.read(paths.words)
    old = paths.graph_lm and GrammarLm.of(read_arpa(arpa_of(paths.graph_lm))[0], words, oov_word or None)
    neural = [is_neural_lm(path) for path in paths.lms]
    if backoff == "free" and old and len(paths.lms) == 1 and not (neural[0] or (paths.lms[0] / CLASSES).is_file()):
        model, report = read_arpa(arpa_of(paths.lms[0]))
        return Models(len(words), old, GrammarLm.of(model, words, oov_word or None), False, report.lines())
    num_words = len(words)
    held_out = read_text_ids(paths.tune, words) if paths.tune else None  # whose unknown words get ids of their own
    opened = [open_lm(path, words, paths.device) for path in paths.lms]
    weights = mixture_weights([one.model for one in opened], paths.mixture or None, held_out, paths.mixture_of)
    notes = [f"{path}: {note}" for path, one in zip(paths.lms, opened) for note in one.notes]
    if len(opened) > 1:
        notes += [f"{path}: weight {weight:.4f}" for path, weight in zip(paths.lms, weights)]
    new = mixed([one.model for one in opened], weights, words)
    if any(unknown):
        new = UnknownWords(new, words, new.missing, *unknown)
    return Models(num_words, old, new, any(neural), notes, tuple(weights) if len(weights) > 1 else ())


def _models(paths: LmPaths, options: RescoringOptions) -> Models:
    return load_models(paths, options.backoff, options.oov_word, (options.unknown_penalty, options.unknown_character))


@dataclass(frozen=True)
class FirstPassLms:
    """Other LMs in the first pass, on the fly: what they add to the scores of a graph."""

    paths: LmPaths
    options: RescoringOptions

    def load(self) -> WeightedLm:
        models = _models(self.paths, self.options)
        return WeightedLm(models.terms(self.options.lm_weight), self.options.max_order)


class Outcome(NamedTuple):
    """outcome: done, retried (with a narrower beam) or failed; rescored is None only when failed."""

    utterance_id: str
    rescored: Optional[Rescored]
    outcome: str
    reason: str

    def with_weight(self, weight: float) -> Tuple[str, Changed]:
        lattice = None if self.rescored is None else with_weight(self.rescored, weight)
        return self.utterance_id, Changed(lattice, self.outcome, self.reason)


@dataclass(frozen=True)
class RescoreWork:
    """What a process needs to rescore lattices. guide: the weight with which paths are compared."""

    paths: LmPaths
    options: RescoringOptions
    guide: float

    def prepare(self) -> Models:
        return _models(self.paths, self.options)

    def __call__(self, lattice) -> Outcome:
        try:
            rescored = self._rescored(lattice)
        except InputError as error:
            return Outcome(lattice.utterance_id, None, "failed", str(error))
        if rescored.beam == self.options.beam:
            return Outcome(lattice.utterance_id, rescored, "done", "")
        return Outcome(lattice.utterance_id, rescored, "retried",
                       f"beam {rescored.beam:g}: more than {self.options.max_arcs} arcs with {self.options.beam:g}")

    def _rescored(self, lattice) -> Rescored:
        from graphs.grammar.sentences import SentenceSet
        from hybrid.recognize.nbest import best_sentences
        models, options = self.prepare(), self.options
        if lattice.word_id.max() >= models.num_words:
            raise InputError(f"lattice {lattice.utterance_id}",
                             f"word_ids below {models.num_words}, as in its words.txt", str(lattice.word_id.max()))
        terms = models.terms(self.guide)
        if not options.nbest:
            return expand(lattice, terms, options)
        sentences = best_sentences(lattice, options.nbest, 1.0, options.acoustic_scale)
        alone = Term(SentenceSet([sentence.word_ids for sentence in sentences]), 0.0)
        rescored = expand(lattice, [alone, *terms], replace(options, max_order=0))
        return replace(rescored, lm_scores=rescored.lm_scores[:, 1:])


def rescore_all(work: RescoreWork, lattices: Iterable, nj: int) -> Iterator[Outcome]:
    """In the order of the lattices, a block of which is in memory at a time."""
    from hybrid.data.parallel import ordered_map
    work.prepare()  # before the processes fork, so that they share the models
    lattices, done = iter(lattices), 0
    while True:
        block = list(itertools.islice(lattices, _BLOCK))
        if not block:
            return
        yield from ordered_map(work, block, nj, f"rescoring {done + 1} to {done + len(block)}")
        done += len(block)


def with_weight(rescored: Rescored, weight: float):
    """The lattice as RescoreWork's scores and a weight make it."""
    return rescored.weighted([-weight, weight][-rescored.lm_scores.shape[1]:])


class Chosen(NamedTuple):
    """What a development set has decided: lm_weight, and the weights of several new LMs, empty for a single one."""

    lm_weight: float
    mixture: Tuple[float, ...] = ()

    def write(self, folder: Path) -> None:
        values = {"lm_weight": self.lm_weight, **({"mixture": list(self.mixture)} if self.mixture else {})}
        (folder / WEIGHT_FILE).write_text(json.dumps(values) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> "Chosen":
        """Raises: InputError where none was chosen."""
        values = read_json_object(folder / WEIGHT_FILE)
        try:
            found = cls(values["lm_weight"], tuple(values.get("mixture", ())))
            if not all(type(weight) in (int, float) for weight in (found.lm_weight, *found.mixture)):
                raise TypeError("other than numbers")
            check_lm_weights([found.lm_weight])
            if found.mixture:
                weights_of("mixture", found.mixture, len(found.mixture))
        except (InputError, ValueError, KeyError, TypeError, OverflowError) as error:
            raise InputError(str(folder / WEIGHT_FILE), "the lm_weight that tools.lattices.rescore wrote",
                             f"{type(error).__name__}: {error}") from None
        return found

    def taken_by(self, paths: LmPaths, folder: Path) -> LmPaths:
        """With this mixture, unless they bring one, or text that finds one. folder: where it was read."""
        if not self.mixture or paths.mixture or paths.tune:
            return paths
        return replace(paths, mixture=self.mixture, mixture_of=str(folder / WEIGHT_FILE))
