"""Decoding a features folder into lattices: models, graph and search together, in parts that can be resumed."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Callable, Dict, List, Optional, Sequence, Tuple

from graphs.errors import InputError
from hybrid.am.ensemble import EnsembleFolders
from hybrid.loaded import kept_while_unchanged
from hybrid.outcomes import Outcomes


@dataclass(frozen=True)
class DecodeWork:
    """What a process needs to decode utterances; models and graph are loaded once in each.

    first_pass_lms: hybrid.recognize.rescoring.FirstPassLms, added on the fly; None for the graph's own alone.
    """

    features: Path
    models: EnsembleFolders
    graph: Path
    options: object  # graphs.decoding.decoding_options.SearchOptions
    device: str
    first_pass_lms: Optional[object] = None

    def prepare(self):
        return _load(self)

    def __call__(self, utterance_ids: List[str]) -> List[tuple]:
        """(utterance_id, Result) of each utterance."""
        reader, model, searcher = _load(self)
        scored = [(i, model.log_likelihoods(reader[i], i)) for i in utterance_ids]
        results = searcher.search(scored)
        return [(i, _kept(results[i], self.options)) for i in utterance_ids]


def _kept(result, options):
    """The Result, its lattice cut to the lattice beam (k2 keeps more), and determinized if that is asked for."""
    if result.lattice is None:
        return result
    if not options.determinize:
        return replace(result, lattice=result.lattice.prune(options.lattice_beam, 1.0, options.acoustic_scale))
    from graphs.lattices.determinize import MAX_ARCS
    from hybrid.recognize.lattice_changes import determinized
    found = determinized(result.lattice, options.lattice_beam, 1.0, options.acoustic_scale, MAX_ARCS)
    outcome = found.outcome if result.outcome == "done" else result.outcome
    return replace(result, lattice=found.lattice, outcome=outcome,
                   reason="; ".join(filter(None, (result.reason, found.reason))))


@kept_while_unchanged()
def _load(work: DecodeWork):
    import torch

    from graphs.decoding.graph_io import read_graph
    from graphs.decoding.search import Searcher
    from hybrid.data.features import FeatureReader
    reader = FeatureReader(work.features, cache_mb=0)
    model = work.models.load(reader, work.device)
    graph = read_graph(work.graph, model.transitions, model.tree)
    if work.first_pass_lms is None:
        return reader, model, Searcher(graph, model.transitions, work.options, torch.device(work.device))
    from graphs.decoding.on_the_fly import OnTheFlySearcher
    return reader, model, OnTheFlySearcher(graph, model.transitions, work.first_pass_lms.load(), work.options)


def store_lattices(out: Path, n: int, results: Sequence[tuple]) -> Dict[str, int]:
    """Writes the lattices of part n. Returns what they add to the totals."""
    from graphs.lattices.lattice_io import write_lattices
    lattices = [result.lattice for _, result in results if result.lattice is not None]
    write_lattices(out, n, lattices)
    return {"frames": sum(lattice.num_frames for lattice in lattices),
            "arcs": sum(lattice.num_arcs for lattice in lattices)}


def decode_folder(work, out: Path, nj: int, part_size: int, log, store: Callable = store_lattices,
                  ) -> Tuple[Outcomes, Dict[str, int]]:
    """Decodes every utterance of a features folder.

    Part n holds the utterances ``n * part_size ..`` in the order of the manifest: what `store` writes, and then
    outcomes.n.json, so that a part with outcomes is whole. Parts of a killed run are kept.

    Args:
      work: a DecodeWork or the like: `features`, `prepare`, and results of utterances with `outcome` and `reason`.
      store: as store_lattices.
    Returns: the outcomes, and the totals of all parts.
    Raises: InputError for a folder without utterances.
    """
    import torch

    from hybrid.data.features import FeatureReader
    from hybrid.data.parallel import ordered_map
    torch.set_num_threads(1)
    ids = FeatureReader(work.features).ids
    if not ids:
        raise InputError(str(work.features), "features of an utterance", "none")
    parts = [ids[i:i + part_size] for i in range(0, len(ids), part_size)]
    missing = [n for n in range(len(parts)) if not _record(out, n).exists()]
    if len(missing) < len(parts):
        log.info("%d of %d parts are there already", len(parts) - len(missing), len(parts))
    if missing:
        work.prepare()  # before the processes fork, so that they share the graph
    for n, results in zip(missing, ordered_map(work, [parts[n] for n in missing], nj, "decode", size=len,
                                               unit="utt")):
        totals = store(out, n, results)
        record = {"outcomes": [[i, result.outcome, result.reason] for i, result in results], **totals}
        temporary = _record(out, n).with_suffix(".tmp")
        temporary.write_text(json.dumps(record, ensure_ascii=False), encoding="utf-8")
        temporary.replace(_record(out, n))
    return _gather(out, len(parts), log)


def _record(out: Path, n: int) -> Path:
    return out / f"outcomes.{n:05d}.json"


def _gather(out: Path, num_parts: int, log) -> Tuple[Outcomes, Dict[str, int]]:
    outcomes, totals = Outcomes(log), {"frames": 0, "arcs": 0}
    for n in range(num_parts):
        record = json.loads(_record(out, n).read_text(encoding="utf-8"))
        for utterance_id, outcome, reason in record.pop("outcomes"):
            outcomes.add(utterance_id, outcome, reason)
        for name, number in record.items():
            totals[name] = totals.get(name, 0) + number
    return outcomes, totals
