"""Decodes a features folder with other language models than the graph's: those of rescoring, in the first pass.

    python -m tools.decode_on_the_fly --features features/test --model exp/tdnn --graph exp/graph2 \\
        --graph-lm lm2.arpa --lm lm4.arpa.gz --out exp/decode_tdnn_lm4_test

The graph of a small LM is searched, and paths score as in one of the new LM, which is never built. --lm, --mixture,
--tune and [rescore] are those of tools.lattices.rescore: lm_weight, backoff, oov_word, max_order; --weight-of takes
its weights; the rest of what tools.decode does is the same. Works on the CPU.
"""

from tools.frame.numbers import at_least
from tools.frame.program import Job, Program
from tools.lattices.inputs import new_lms, with_new_lms

PROGRAM = (with_new_lms(Program("tools.decode_on_the_fly", __doc__, options={
    "search": "graphs.decoding.decoding_options:SearchOptions",
    "rescore": "hybrid.recognize.rescoring:RescoringOptions"}, resumable=True))
    .input("--features", help="features folder", required=True)
    .input("--model", nargs="+", help="acoustic model folders", required=True)
    .input("--graph", help="graph folder", required=True)
    .input("--speaker-transforms", nargs="+", default=[], help="folders of tools.estimate_fmllr and the like")
    .input("--adaptation", nargs="+", default=[], help="folders of tools.adapt, each for one of the models")
    .argument("--model-weights", nargs="+", type=float, default=[], help="of the models; default: equal ones")
    .argument("--average", default="log", choices=("log", "linear"), help="of the models' posteriors")
    .argument("--part-size", type=at_least(1), default=20, help="utterances in a part that is written at once"))


def work(job: Job) -> None:
    from dataclasses import replace

    from hybrid.am.ensemble import EnsembleFolders
    from hybrid.recognize.decode import DecodeWork
    from hybrid.recognize.rescoring import FirstPassLms
    from tools.decode import decode
    args, options = job.args, job.options("rescore")
    paths, weight = new_lms(args, args.graph / "words.txt", options)
    options = replace(options, lm_weight=weight)
    models = EnsembleFolders(tuple(args.model), tuple(args.speaker_transforms), tuple(args.model_weights), args.average,
                             tuple(args.adaptation))
    job.facts["lm_weight"] = weight
    decode(job, DecodeWork(args.features, models, args.graph, job.options("search"), "cpu",
                           FirstPassLms(paths, options)))


if __name__ == "__main__":
    PROGRAM.main(work)
