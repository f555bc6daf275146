"""Decodes a features folder into lattices.

    python -m tools.decode --features features/test --model exp/am2 --graph exp/graph --out exp/decode_am2_test

Every utterance comes out, as a lattice (done, retried with wider beams, or partial) or as a named failure in
outcomes.tsv.
"""

from tools.frame.program import Job, Program

PROGRAM = (Program("tools.decode", __doc__, options={"search": "graphs.decoding_options:SearchOptions"}, resumable=True)
           .input("--features", help="features folder", required=True)
           .input("--model", help="acoustic model folder", required=True)
           .input("--graph", help="graph folder", required=True)
           .argument("--part-size", type=int, default=20, help="utterances in a part that is written at once")
           .argument("--device", default="auto", choices=("auto", "cpu", "cuda"), help="where to search"))


def work(job: Job) -> None:
    import shutil

    import torch

    from hybrid.recognize.decode import DecodeWork, decode_folder
    device = job.args.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    options = job.options("search")
    outcomes, totals = decode_folder(
        DecodeWork(job.args.features, job.args.model, job.args.graph, options, device), job.out,
        job.nj if device == "cpu" else 1, job.args.part_size, job.log)
    shutil.copy(job.args.graph / "words.txt", job.out / "words.txt")
    outcomes.write(job.out / "outcomes.tsv")
    arcs_per_frame = totals["arcs"] / max(1, totals["frames"])
    job.log.info("%s; %d frames, %.1f lattice arcs a frame", outcomes.summary(), totals["frames"], arcs_per_frame)
    job.facts.update(outcomes=outcomes.counts, frames=totals["frames"], arcs_per_frame=round(arcs_per_frame, 2),
                     acoustic_scale=options.acoustic_scale, search_seconds=round(job.seconds(), 2))


if __name__ == "__main__":
    PROGRAM.main(work)
