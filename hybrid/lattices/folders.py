"""Folders of lattices, utterance by utterance."""

from functools import partial
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

from graphs.checks import weights_of
from graphs.errors import InputError
from graphs.lattices.lattice_io import read_lattices
from hybrid.data.parallel import ordered_map
from hybrid.lattices.transcribe import Entry, Transcriber, Transcript
from hybrid.outcomes import Outcomes


def grouped(folders: Sequence[Path], weights: Sequence[float] = ()) -> Iterator[List[Entry]]:
    """The lattices of each utterance, in the order of the first folder that has it; of one folder one at a time.

    Raises: InputError for weights that cannot be, and for an utterance with two lattices in a folder.
    """
    weights = weights_of("weights", weights, len(folders))
    if len(folders) == 1:
        yield from ([Entry(0, weights[0], lattice)] for lattice in read_lattices(folders[0]))
        return
    found: Dict[str, List[Entry]] = {}
    for system, (folder, weight) in enumerate(zip(folders, weights)):
        for lattice in read_lattices(folder) if weight > 0 else ():
            found.setdefault(lattice.utterance_id, []).append(Entry(system, weight, lattice))
    yield from found.values()


def transcribe(folders: Sequence[Path], weights: Sequence[float], transcriber: Transcriber,
               utterance_ids: Optional[Sequence[str]], nj: int, log) -> Tuple[List[Transcript], Outcomes]:
    """The transcripts of all utterances that have lattices, and what became of each.

    Args:
      utterance_ids: that are to come out; None: those that have a lattice.
    Raises: InputError for a lattice of another utterance.
    """
    lacking = dict.fromkeys(utterance_ids or ())
    outcomes, transcripts = Outcomes(log), []
    number = sum(1 for _ in grouped(folders, weights)) if utterance_ids is None else len(lacking)
    used = sum(weight > 0 for weight in weights_of("weights", weights, len(folders)))
    work = partial(_transcript, transcriber=transcriber, used=used)
    for utterance_id, transcript, outcome in ordered_map(work, grouped(folders, weights), nj, "transcripts",
                                                         total=number):
        if utterance_ids is not None and utterance_id not in lacking:
            raise InputError(f"{folders[0]}: {utterance_id}", "an utterance of the cuts", "another")
        lacking.pop(utterance_id, None)
        outcomes.add(utterance_id, *outcome)
        if transcript is not None:
            transcripts.append(transcript)
    for utterance_id in lacking:
        outcomes.add(utterance_id, "failed", "no lattice")
    return transcripts, outcomes


def _transcript(entries: Sequence[Entry], transcriber: Transcriber, used: int):
    """(utterance_id, Transcript or None, (outcome, reason)). used: number of systems."""
    utterance_id = entries[0].lattice.utterance_id
    try:
        transcript = transcriber(entries)
    except InputError as error:  # this lattice's; the others come out
        return utterance_id, None, ("failed", str(error))
    reasons = [*(["the search did not reach the end of the graph"] if transcript.partial else []),
               *(["not all systems have a lattice"] if len(entries) < used else [])]
    return utterance_id, transcript, ("partial", "; ".join(reasons)) if reasons else ("done",)
