"""Rescores lattices with other language models: the one that their graph was made with goes out, new ones come in.

    python -m tools.lattices.rescore --lattices exp/decode_test --graph-lm lm2.arpa --lm lm4.arpa.gz \\
        --out exp/rescored_test

With rescore.lm_weight below 1 the new model's log score has that part and the old one's the rest. A development set
chooses the weight, by the word errors at the best scales that [score] has for each; a test set takes it from there:

    python -m tools.lattices.rescore --lattices exp/decode_dev --graph-lm lm2.arpa --lm exp/lstm \\
        --weights 0 0.25 0.5 0.75 1 --cuts cuts/dev.jsonl.gz --out exp/rescored_dev
    python -m tools.lattices.rescore --lattices exp/decode_test --graph-lm lm2.arpa --lm exp/lstm \\
        --weight-of exp/rescored_dev --out exp/rescored_test

Lattices that no language model has scored, as end-to-end systems make them, take --lm without --graph-lm; how much it
counts says [score]'s lm_scale. Several new models (--lm A B) are one whose probabilities are interpolated, with weights
that are given (--mixture), or found on held-out text (--tune), or those of --weight-of, or equal. rescore.nbest=100
rescores the best sentences alone. Lattices of tools.lattices.determinize take a tenth of the time. Writes lattices,
words.txt, outcomes.tsv, lm_weight.json and, where it was chosen, weights.tsv.
"""

from tools.frame.numbers import at_least
from tools.frame.program import Job, Program
from tools.lattices.folder import search_facts
from tools.lattices.inputs import asked_weights, choose_weight, new_lms, with_new_lms, with_weights

PROGRAM = (with_weights(with_new_lms(Program("tools.lattices.rescore", __doc__, options={
    "rescore": "hybrid.recognize.rescoring:RescoringOptions", "score": "hybrid.recognize.scoring:ScoreOptions"}), True))
    .input("--lattices", help="folder of lattices", required=True)
    .argument("--device", counts=False, default="cpu", help="of neural models: auto, cpu, cuda or cuda:N")
    .argument("--part-size", type=at_least(1), default=100, help="lattices in a file"))


def work(job: Job) -> None:
    from graphs.lattices.lattice_io import read_lattices
    from hybrid.recognize.lattice_folder import copy_beside, write_changed
    from hybrid.recognize.rescoring import Chosen, RescoreWork, check_lm_weights, rescore_all, with_weight
    args, options = job.args, job.options("rescore")
    tried = asked_weights(args, check_lm_weights)
    paths, weight = new_lms(args, args.lattices / "words.txt", options, args.device)
    rescoring = RescoreWork(paths, options, sum(tried) / len(tried) if tried else weight)
    models = rescoring.prepare()
    for line in models.notes:
        job.log.info("%s", line)
    found = rescore_all(rescoring, read_lattices(args.lattices), job.nj if args.device == "cpu" else 1)
    if tried:
        found = list(found)
        weight = choose_weight(job, lambda weight: (with_weight(one.rescored, weight) for one in found if one.rescored),
                               tried, "lm_weight")
    outcomes, sizes = write_changed(job.out, (one.with_weight(weight) for one in found), args.part_size, job.log)
    Chosen(weight, models.mixture).write(job.out)
    copy_beside(args.lattices, job.out)
    outcomes.write(job.out / "outcomes.tsv")
    outcomes.check(options.max_failed_share, "rescoring")
    job.log.info("%s; lm_weight %g; %.1f arcs a frame", outcomes.summary(), weight,
                 sizes["arcs"] / max(1, sizes["frames"]))
    facts = search_facts(args.lattices)
    job.facts.update(outcomes=outcomes.counts, lm_weight=weight, acoustic_scale=facts["acoustic_scale"],
                     search_seconds=round(facts["search_seconds"] + job.seconds(), 2), **sizes)
    if models.mixture:
        job.facts["mixture"] = [round(part, 6) for part in models.mixture]


if __name__ == "__main__":
    PROGRAM.main(work)
