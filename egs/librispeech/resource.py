"""A language model of LibriSpeech, or the beginning of its text, to rescore with.

    python -m egs.librispeech.resource --corpus LibriSpeech --name 4-gram.arpa.gz --out work/exp/lm_fglarge
    python -m egs.librispeech.resource --name librispeech-lm-norm.txt.gz --sentences 2000000 --out work/lm_text

Looked for in --corpus and --download, and else downloaded from openslr.org (resource 11). Writes lm.arpa or lm.arpa.gz;
with --sentences dev.txt, the first 2000 sentences, and train.txt, so many of those that follow.
"""

from pathlib import Path

from tools.frame.program import Job, Program

PROGRAM = (Program("egs.librispeech.resource", __doc__)
           .input("--corpus", help="the folder LibriSpeech, or the folder above it", corpus=True)
           .argument("--download", type=Path, counts=False, help="where a download goes; default: into --out")
           .argument("--name", required=True, help="file of openslr.org resource 11")
           .argument("--sentences", type=int, default=0, help="the resource is text; so many sentences of it"))
DEV_SENTENCES = 2000


def work(job: Job) -> None:
    from egs.librispeech import corpus as librispeech
    from graphs.errors import InputError
    from hybrid.data.imports import copy_resources
    args = job.args
    downloads = args.download or job.out / "download"
    places = [place for place in (args.corpus, args.corpus and args.corpus / "LibriSpeech", downloads) if place]
    found = librispeech.find_resource(args.name, places) or librispeech.download_resource(args.name, downloads)
    if not args.sentences:
        copy_resources(job.out, None, found)
        return
    if args.sentences < 1:
        raise InputError("--sentences", "1 or more", str(args.sentences))
    job.facts.update(write_text(found, job.out, args.sentences))
    job.log.info("%(train)d sentences to train on, %(dev)d to check on", job.facts)


def write_text(source: Path, out: Path, count: int) -> dict:
    """The first DEV_SENTENCES non-empty lines, and `count` of those after them. Returns how many there were."""
    import gzip
    import itertools

    from graphs.errors import InputError
    with (gzip.open if source.suffix == ".gz" else open)(source, "rt", encoding="utf-8") as file:
        lines = (line for line in file if line.strip())
        written = {}
        for name, number in (("dev", DEV_SENTENCES), ("train", count)):
            taken = list(itertools.islice(lines, number))
            (out / f"{name}.txt").write_text("".join(taken), encoding="utf-8")
            written[name] = len(taken)
    if not written["train"]:
        raise InputError(str(source), f"more than {DEV_SENTENCES} sentences", str(written["dev"]))
    return written


if __name__ == "__main__":
    PROGRAM.main(work)
