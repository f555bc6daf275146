"""Decoding a features folder with an end-to-end model into N-best lists, and these into lattices of words."""

import itertools
import math
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import torch

from graphs.errors import InputError
from graphs.lang.symbols import SymbolTable
from graphs.lattices.lattice_io import write_lattices
from graphs.options import check_chosen
from hybrid.data.batches import collate
from hybrid.data.features import FeatureReader
from hybrid.e2e.fusion import WordFusion, WordFusionOptions
from hybrid.e2e.hypothesis import Hypothesis
from hybrid.e2e.model import E2eModel
from hybrid.e2e.nbest_file import NBEST, Nbest, read_nbest, write_nbest
from hybrid.e2e.nbest_lattice import nbest_lattice
from hybrid.e2e.search.kinds import search_field
from hybrid.e2e.search.transducer_graph import TransducerGraphOptions
from hybrid.e2e.token_graph import read_token_graph
from hybrid.e2e.tokens import TokenTable
from hybrid.lattices.frames import Frames
from hybrid.loaded import kept_while_unchanged
from hybrid.outcomes import Outcomes
from hybrid.recognize.decode import decode_folder

MOST_FRAMES = 6000  # of a batch, padding counted
BLOCK = 500  # lattices in a file
PARTS = "parts"  # folder of what is done already


@dataclass(frozen=True)
class E2eSearchOptions(WordFusionOptions):
    """The section [e2e_search]: the search, and how a language model of words helps it."""

    search: object = search_field()

    def __post_init__(self):
        super().__post_init__()
        check_chosen(self)


class Found(NamedTuple):
    """num_frames: of the encoder; outcome, reason: as for hybrid.outcomes.Outcomes; without hypotheses it failed."""

    hypotheses: List[Hypothesis]
    num_frames: int
    outcome: str = "done"
    reason: str = ""


@dataclass(frozen=True)
class E2eDecodeWork:
    """What a process needs to decode utterances; the model is loaded once in each.

    lm, words: a language model to fuse (of n-grams, where the search goes through a graph), and the words.txt of its
      ids; None for no fusion.
    oov_word: of words.txt.
    """

    features: Path
    model: Path
    options: E2eSearchOptions
    device: str = "cpu"
    lm: Optional[Path] = None
    words: Optional[Path] = None
    oov_word: Optional[str] = None

    def prepare(self):
        return _load(self)

    def __call__(self, utterance_ids: List[str]) -> List[Tuple[str, Found]]:
        """What is found of each utterance."""
        reader, model, fusion = _load(self)
        return [pair for ids in _batches(reader, utterance_ids) for pair in self._decoded(reader, model, fusion, ids)]

    def _decoded(self, reader, model, fusion, utterance_ids: List[str]) -> List[Tuple[str, Found]]:
        batch = collate(utterance_ids, [torch.as_tensor(reader[utterance_id]) for utterance_id in utterance_ids], [])
        encoded, lengths = model.encode(batch.features, batch.lengths)
        with torch.no_grad():
            lists = self.options.search.search(model.network, encoded, lengths, fusion)
        return [(utterance_id, _found(utterance_id, hypotheses, int(length), model.tokens))
                for utterance_id, hypotheses, length in zip(utterance_ids, lists, lengths)]


def _batches(reader: FeatureReader, utterance_ids: List[str]) -> List[List[str]]:
    """Of like length, the longest first."""
    batches: List[List[str]] = []
    for utterance_id in sorted(utterance_ids, key=reader.num_frames, reverse=True):
        if not batches or (len(batches[-1]) + 1) * reader.num_frames(batches[-1][0]) > MOST_FRAMES:
            batches.append([])
        batches[-1].append(utterance_id)
    return batches


def _found(utterance_id: str, hypotheses: List[Hypothesis], num_frames: int, tokens: TokenTable) -> Found:
    try:
        nbest_lattice(utterance_id, hypotheses, num_frames, tokens, SymbolTable())
    except InputError as error:
        return Found([], num_frames, "failed", str(error))
    if not all(math.isfinite(one.score) for one in hypotheses):
        return Found([], num_frames, "failed", "scores that are not finite: bonuses or scales are too large")
    if hypotheses[0].finished:
        return Found(hypotheses, num_frames)
    return Found(hypotheses, num_frames, "partial", "the search did not reach the end of the sentence")


@kept_while_unchanged()
def _load(work: E2eDecodeWork):
    reader = FeatureReader(work.features, cache_mb=0)
    model = E2eModel.load(work.model, device=work.device)
    if work.lm is None:
        return reader, model, None
    from hybrid.lm.language_models import open_lm
    words = SymbolTable.read(work.words)
    if isinstance(work.options.search, TransducerGraphOptions):
        return reader, model, read_token_graph(work.lm, words, model.tokens, work.oov_word)
    lm = open_lm(work.lm, words, work.device)
    return reader, model, WordFusion(lm.model, words, model.tokens, work.options, work.oov_word)


def decode_e2e(work: E2eDecodeWork, out: Path, nj: int, part_size: int, log) -> Tuple[Outcomes, Dict[str, int]]:
    """Decodes every utterance of the features folder into nbest.jsonl and a folder of lattices.

    words.txt of the lattices is that of the work, with words after it that were said and that it lacks.

    Returns: the outcomes, and {"frames", "arcs"} of all lattices.
    Raises: InputError for a model over phones.
    """
    model, fusion = work.prepare()[1:]
    if model.tokens.kind == "phone":
        raise InputError(f"model {work.model}", "characters or pieces, which spell words",
                         "phones (of CTC, tools.make_graph --ctc and tools.decode make words)")
    parts = out / PARTS
    parts.mkdir(exist_ok=True)
    for line in fusion.lines() if fusion else ():
        log.info("%s", line)
    outcomes, totals = decode_folder(work, parts, nj, part_size, log, _store)
    write_nbest(out / NBEST, _all(parts))
    words = SymbolTable.read(work.words) if work.words else SymbolTable()
    weights = getattr(work.options.search, "part_weights", {})
    totals["arcs"] = _write_lattices(out, model.tokens, words, weights)
    words.write(out / "words.txt")
    Frames(model.output_shift, tuple(model.tokens.symbols)).write(out)
    shutil.rmtree(parts)
    return outcomes, totals


def _store(parts: Path, n: int, results: Sequence[Tuple[str, Found]]) -> Dict[str, int]:
    write_nbest(parts / f"nbest.{n:05d}.jsonl", (Nbest(i, found.num_frames, found.hypotheses) for i, found in results))
    return {"frames": sum(found.num_frames for _, found in results)}


def _all(parts: Path) -> Iterator[Nbest]:
    for path in sorted(parts.glob("nbest.*.jsonl")):
        yield from read_nbest(path)


def _write_lattices(out: Path, tokens: TokenTable, words: SymbolTable, weights: Mapping[str, float]) -> int:
    """Words that were said and that `words` lacks get ids after its own. Returns the number of arcs."""
    num_arcs = 0
    lattices = (nbest_lattice(found.utterance_id, found.hypotheses, found.num_frames, tokens, words, weights)
                for found in read_nbest(out / NBEST) if found.hypotheses)
    for part in itertools.count():
        block = list(itertools.islice(lattices, BLOCK))
        if block or not part:
            write_lattices(out, part, block)
        num_arcs += sum(lattice.num_arcs for lattice in block)
        if not block:
            return num_arcs
