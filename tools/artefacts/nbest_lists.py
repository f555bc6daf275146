"""N-best lists of end-to-end systems."""

from pathlib import Path
from typing import Callable, Iterable, Optional, Sequence

from tools.artefacts.attention import draw_nbest
from tools.artefacts.kind import Kind, facts, not_found, section

NBEST = "nbest.jsonl"


def _speller(path: Path) -> Callable[[Sequence[int]], str]:
    """Tokens by frames.json beside the lists; their ids where there is none."""
    from hybrid.e2e.tokens import SPACE
    from hybrid.lattices.frames import Frames
    frames = Frames.read(path.parent)
    if frames is None:
        return lambda tokens: " ".join(map(str, tokens))
    known = dict(enumerate(frames.tokens))
    return lambda tokens: "".join(known.get(token, f"#{token}?") for token in tokens).replace(SPACE, " ").strip()


def describe_nbest(path: Path, item: Optional[str] = None) -> str:
    """item: an utterance."""
    from hybrid.e2e.nbest_file import read_nbest
    spell, lists = _speller(path), list(read_nbest(path))
    if item is not None:
        chosen = [one for one in lists if one.utterance_id == item]
        if not chosen:
            raise not_found(path, "an utterance", item, (one.utterance_id for one in lists))
        return _describe_list(chosen[0], spell)
    hypotheses = [one for found in lists for one in found.hypotheses]
    return facts(
        ("utterances", len(lists)), ("without a hypothesis", sum(not one.hypotheses for one in lists)),
        ("hypotheses an utterance", f"{len(hypotheses) / max(1, len(lists)):.1f}"),
        ("broken off", sum(not one.finished for one in hypotheses)),
        ("parts of scores", ", ".join(sorted({name for one in hypotheses for name in one.parts})))) + section(
        "first utterances", ("utterance", "frames", "hypotheses", "score", "best"), (
            (one.utterance_id, one.num_frames, len(one.hypotheses), f"{one.hypotheses[0].score:.2f}",
             spell(one.hypotheses[0].tokens)) for one in lists[:10] if one.hypotheses))


def _describe_list(found, spell) -> str:
    names = sorted({name for one in found.hypotheses for name in one.parts})
    rows = ((rank, f"{one.score:.2f}", *(f"{one.parts[name]:.2f}" if name in one.parts else "" for name in names),
             "" if one.finished else "broken off", f"{one.frames[0]} to {one.frames[-1]}" if one.frames else "",
             spell(one.tokens)) for rank, one in enumerate(found.hypotheses, 1))
    return facts(("utterance", found.utterance_id), ("frames", found.num_frames)) + section(
        "hypotheses", ("rank", "score", *names, "", "at frames", "tokens"), rows)


def utterances_of(path: Path) -> Iterable[str]:
    """Those of which something was found."""
    from hybrid.e2e.nbest_file import read_nbest
    return (one.utterance_id for one in read_nbest(path) if one.hypotheses)


def nbest_problems(path: Path) -> Iterable[str]:
    """Ids and frames that cannot be, lists that are not sorted, utterances that come twice."""
    from hybrid.e2e.nbest_file import read_nbest
    from hybrid.lattices.frames import Frames
    frames, seen = Frames.read(path.parent), set()
    for one in read_nbest(path):
        name = f"{path}: {one.utterance_id}"
        if one.utterance_id in seen:
            yield f"{name}: expected once, found again"
        seen.add(one.utterance_id)
        scores = [hypothesis.score for hypothesis in one.hypotheses]
        if scores != sorted(scores, reverse=True):
            yield f"{name}: expected hypotheses in the order of their scores, found another"
        for rank, hypothesis in enumerate(one.hypotheses, 1):
            last = max(hypothesis.frames, default=-1)
            if last >= one.num_frames or list(hypothesis.frames) != sorted(hypothesis.frames):
                yield (f"{name}, hypothesis {rank}: expected frames below {one.num_frames}, never falling, found "
                       f"{list(hypothesis.frames)[:8]}")
            if 0 in hypothesis.tokens or (frames and max(hypothesis.tokens, default=0) >= len(frames.tokens)):
                yield (f"{name}, hypothesis {rank}: expected tokens from 1" + (
                    f" to {len(frames.tokens) - 1}" if frames else "") + f", found {list(hypothesis.tokens)[:8]}")


KINDS = (
    Kind("N-best lists", f"a file {NBEST}", lambda path: path.is_file() and path.name == NBEST, describe_nbest,
         nbest_problems, draw_nbest, item="utterance"),
)
