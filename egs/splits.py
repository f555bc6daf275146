"""The end of every prepare program: manifests of the splits, counted and said."""

from typing import Dict, List

from lhotse.cut import Cut

from hybrid.data.imports import read_sources
from hybrid.data.manifest import speaker_of, text_of, write_cuts


def write_splits(job, splits: Dict[str, List[Cut]]) -> None:
    """Writes SPLIT.jsonl.gz for each split into the output folder of a tools.frame.program.Job, and its facts."""
    read_sources(job, splits)
    for split, cuts in splits.items():
        write_cuts(job.out / f"{split}.jsonl.gz", cuts, moving=(job.out, job.final(job.out)))
        facts = {"utterances": len(cuts), "words": sum(len(text_of(cut).split()) for cut in cuts),
                 "speakers": len({speaker_of(cut) for cut in cuts}),
                 "minutes": round(sum(cut.duration for cut in cuts) / 60, 1)}
        job.facts[split] = facts
        job.log.info("%s: %s", split, ", ".join(f"{value} {name}" for name, value in facts.items()))
