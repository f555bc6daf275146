"""Makes a corpus of audio without transcripts, for tools.transcribe.

    python -m tools.import_audio --audio talk.mp3 interviews/ --out corpus

Takes files, folders of files, and Kaldi data directories (wav.scp, and segments and utt2spk if there are). Writes
test.jsonl.gz. A recording is called after its file; a long one is cut into pieces, RECORDING-START-END in hundredths
of a second, where it is quiet, and none of it is left out; `segments` says where they are.
"""

from tools.frame.program import Job, Program

PROGRAM = (Program("tools.import_audio", __doc__, options={"pieces": "hybrid.data.pieces:PieceOptions"})
           .input("--audio", nargs="+", help="audio files, folders of them, Kaldi data directories", required=True,
                  corpus=True))


def work(job: Job) -> None:
    from functools import partial
    from pathlib import Path

    from graphs.checks import check_each_once
    from hybrid.data.imports import read_sources
    from hybrid.data.kaldi_dir import read_kaldi_dir
    from hybrid.data.manifest import write_cuts
    from hybrid.data.parallel import ordered_map
    from hybrid.data.pieces import find_audio, pieces_of, whole_cuts, write_segments
    from hybrid.outcomes import Outcomes
    outcomes = Outcomes(job.log)
    folders = [path for path in job.args.audio if (path / "wav.scp").is_file()]
    cuts = whole_cuts(find_audio([path for path in job.args.audio if path not in folders]))
    for cut in cuts:
        outcomes.add(cut.id)
    for number, folder in enumerate(folders):
        roots = [Path("."), folder, folder.parent, folder.parent.parent]
        cuts += read_kaldi_dir(folder, job.out / "audio" / str(number), outcomes, job.nj, roots, transcribed=False)
    read_sources(job, {"test": cuts})
    parted = [piece for pieces in ordered_map(partial(pieces_of, options=job.options("pieces")), cuts, job.nj, "pieces",
                                              unit="file") for piece in pieces]
    check_each_once("--audio", (piece.cut.id for piece in parted))
    outcomes.write(job.out / "outcomes.tsv")
    outcomes.check(1.0, "import")
    job.facts.update(recordings=len(cuts), pieces=len(parted))
    write_segments(job.out / "segments", parted)
    write_cuts(job.out / "test.jsonl.gz", (piece.cut for piece in parted), moving=(job.out, job.final(job.out)))
    job.log.info("%d recordings, %.2f hours, in %d pieces", len(cuts), sum(cut.duration for cut in cuts) / 3600,
                 len(parted))


if __name__ == "__main__":
    PROGRAM.main(work)
