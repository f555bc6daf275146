"""Makes alignments of one tree or topology into those of another (Kaldi bin/convert-ali).

    python -m tools.convert_alignment --alignment exp/align_dnn3_train --tree exp/tree_tri --lang lang \\
        --out exp/align_tri_train

The phones stay where they are; with --from-lang they become those of --lang, word by word. Where the tree is for a
lower rate (tree.subsampling), so are the alignments. Writes alignments.npz (transition_ids), tree, transitions,
phones.ctm, words.ctm, outcomes.tsv.
"""

from tools.frame.program import Job, Program

PROGRAM = (Program("tools.convert_alignment", __doc__, options={"convert": "hybrid.align.convert:ConvertOptions"})
           .input("--alignment", help="alignments", required=True)
           .input("--tree", help="folder with tree and transitions, as of tools.build_tree; without, monophones")
           .input("--lang", help="lang folder", required=True)
           .input("--from-lang", help="lang folder of the alignments, where it is another with the same words")
           .argument("--textgrids", action="store_true", help="write a Praat TextGrid for each utterance"))


def work(job: Job) -> None:
    from hybrid.align.convert_work import convert_folder
    _, facts = convert_folder(job.args.alignment, job.args.tree, job.args.lang, job.options("convert"), job.out,
                              job.log, job.args.textgrids, job.args.from_lang)
    job.facts.update(facts)


if __name__ == "__main__":
    PROGRAM.main(work)
