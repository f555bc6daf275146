"""Decodes a features folder into lattices.

    python -m tools.decode --features features/test --model exp/am2 --graph exp/graph --out exp/decode_am2_test

Several models over one tree (--model A B) search with the average of their scores; --speaker-transforms are those of
the features' speakers, and each model takes what it was trained with.

A --model may be one of tools.train_e2e with a CTC output, for a graph of tools.make_graph --ctc. Its scores want no
scaling (search.acoustic_scale=1), and --ctc-prior-scale is the share of its label priors that is divided out.

Every utterance comes out, as a lattice (done, retried with wider beams, or partial) or as a named failure in
outcomes.tsv; the program fails when all do.
"""

from tools.frame.numbers import at_least, factor
from tools.frame.program import Job, Program

PROGRAM = (Program("tools.decode", __doc__, options={"search": "graphs.decoding.decoding_options:SearchOptions"},
                   resumable=True)
           .input("--features", help="features folder", required=True)
           .input("--model", nargs="+", help="acoustic model folders", required=True)
           .input("--graph", help="graph folder", required=True)
           .input("--speaker-transforms", nargs="+", default=[], help="folders of tools.estimate_fmllr and the like")
           .input("--adaptation", nargs="+", default=[], help="folders of tools.adapt, each for one of the models")
           .argument("--weights", nargs="+", type=float, default=[], help="of the models; default: equal ones")
           .argument("--average", default="log", choices=("log", "linear"), help="of the models' posteriors")
           .argument("--ctc-prior-scale", type=factor, default=0.0, help="of end-to-end models, from 0 up")
           .argument("--part-size", type=at_least(1), default=20, help="utterances in a part that is written at once")
           .argument("--device", default="auto", choices=("auto", "cpu", "cuda"), help="where to search"))


def work(job: Job) -> None:
    import torch

    from hybrid.am.ensemble import EnsembleFolders
    from hybrid.recognize.decode import DecodeWork
    args, device = job.args, job.args.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    models = EnsembleFolders(tuple(args.model), tuple(args.speaker_transforms), tuple(args.weights), args.average,
                             tuple(args.adaptation), args.ctc_prior_scale)
    decode(job, DecodeWork(args.features, models, args.graph, job.options("search"), device))


def decode(job: Job, decoding) -> None:
    """decoding: hybrid.recognize.decode.DecodeWork."""
    import shutil

    from hybrid.recognize.decode import decode_folder
    outcomes, totals = decode_folder(decoding, job.out, job.nj if decoding.device == "cpu" else 1, job.args.part_size,
                                     job.log)
    # what the ids of the lattices stand for
    transitions = job.args.model[0] / "transitions"
    for path in (job.args.graph / "words.txt",
                 transitions if transitions.exists() else job.args.graph / "transitions"):
        shutil.copy(path, job.out / path.name)
    outcomes.write(job.out / "outcomes.tsv")
    outcomes.check(1.0, "decoding")
    arcs_per_frame = totals["arcs"] / max(1, totals["frames"])
    job.log.info("%s; %d frames, %.1f lattice arcs a frame", outcomes.summary(), totals["frames"], arcs_per_frame)
    job.facts.update(outcomes=outcomes.counts, frames=totals["frames"], arcs_per_frame=round(arcs_per_frame, 2),
                     acoustic_scale=decoding.options.acoustic_scale, search_seconds=round(job.seconds(), 2))


if __name__ == "__main__":
    PROGRAM.main(work)
