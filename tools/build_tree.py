"""Builds a phonetic decision tree from alignments: HMM states of phones in context share pdf_ids.

    python -m tools.build_tree --alignment exp/align_dnn3_train --features features/train --lang lang --out exp/tree_tri

Splits are judged by Gaussians over the features, or by the posteriors of a network (tree.statistics=posteriors --model
exp/dnn3). Writes tree, transitions, questions.txt, roots.txt, splits.tsv, leaves.tsv, tree.json, outcomes.tsv. Then
tools.convert_alignment makes the alignment of the tree. Options: section [tree], or another one that --section names.
"""

from tools.frame.program import Job, Program

PROGRAM = (Program("tools.build_tree", __doc__, options={"tree": "hybrid.tree.options:TreeOptions"})
           .input("--alignment", help="alignments of the training set", required=True)
           .input("--features", help="features folder of the training set", required=True)
           .input("--lang", help="lang folder", required=True)
           .input("--model", help="acoustic model folder whose posteriors judge the splits")
           .input("--questions", help="questions, a set of phones a line, instead of automatic ones")
           .input("--roots", help="roots in Kaldi's form (roots.txt), instead of one for each phone")
           .argument("--section", default="tree", help="section of the conf file with the options"))


def work(job: Job) -> None:
    from graphs.errors import InputError
    from hybrid.tree.work import StatsWork, make_tree
    options, args = job.options("tree"), job.args
    if (args.model is None) != (options.statistics == "gaussians"):
        raise InputError("--model", f"{'no' if args.model else 'an'} acoustic model, since tree.statistics is "
                                    f"{options.statistics}", "one" if args.model else "none")
    job.facts.update(make_tree(
        StatsWork(args.features, args.alignment, args.lang, options, args.model), job.out, job.nj, job.log,
        args.questions, args.roots))


if __name__ == "__main__":
    PROGRAM.main(work)
