"""Words of least expected errors (minimum Bayes risk) from lattices, with times and confidences.

    python -m tools.lattices.mbr --lattices exp/decode_test --scores exp/score --cuts cuts/test.jsonl.gz \\
        --lang lang --out exp/mbr_test

Several folders of lattices are combined: each system's lattice of an utterance votes with its weight. Trees, graphs and
word tables may differ. Each system's lm_scale and word insertion penalty are those that its score folder has chosen on
its development set, so that no test set chooses anything; without --scores, [score]'s. With --lang, words begin and end
with their phones; without it they last from their label to the next. mbr.hypothesis=best keeps the best path's words.

Writes hyp.txt (for tools.score), words.ctm and phones.ctm with confidences, sausages.jsonl (consensus networks, which
tools.show draws) and outcomes.tsv.
"""

from tools.frame.program import Job, Program

OPTIONS = {"mbr": "hybrid.lattices.transcribe:MbrOptions", "score": "hybrid.recognize.scoring:ScoreOptions"}


def with_arguments(program: Program) -> Program:
    """The arguments of this program and of tools.lattices.ctm."""
    return (program
            .input("--lattices", nargs="+", help="lattices of each system", required=True)
            .input("--scores", nargs="+", default=[], help="folders of tools.score, one a system, in the same order")
            .input("--cuts", help="cuts of the utterances; those without a lattice are named as failed")
            .input("--lang", help="lang folder of the first system's graph, for exact word times")
            .input("--calibration", help="folder of tools.lattices.calibrate; its map goes over words' confidences")
            .argument("--weights", nargs="+", type=float, default=[], help="of the systems; default: equal ones")
            .argument("--frame-shift", type=float, help="seconds; default: that of each system's model"))


PROGRAM = with_arguments(Program("tools.lattices.mbr", __doc__, options=OPTIONS))


def work(job: Job) -> None:
    transcribe(job)


def transcribe(job: Job, **change) -> None:
    """change: of the options [mbr]."""
    from dataclasses import replace
    from hybrid.align.times.ctm import write_ctm
    from hybrid.lattices import folders
    from hybrid.lattices.calibration import recalibrated
    from hybrid.lattices.sausages import SAUSAGES, write_sausages
    from hybrid.recognize.texts import write_text
    from tools.lattices.inputs import utterance_ids
    options = replace(job.options("mbr"), **change)
    found, outcomes = folders.transcribe(job.args.lattices, job.args.weights, transcriber_of(job, options),
                                         utterance_ids(job.args.cuts), job.nj, job.log)
    outcomes.write(job.out / "outcomes.tsv")
    outcomes.check(options.max_failed_share, "transcription")
    words = {one.utterance_id: one.words for one in found}
    if job.args.calibration:
        words = recalibrated(words, job.args.calibration)
    write_text(job.out / "hyp.txt", {key: [word.symbol for word in said] for key, said in words.items()})
    write_ctm(job.out / "words.ctm", words)
    if any(one.phones for one in found):
        write_ctm(job.out / "phones.ctm", {one.utterance_id: one.phones for one in found})
    write_sausages(job.out / SAUSAGES, (one.sausage for one in found))
    tell(job, found, outcomes)


def tell(job: Job, found, outcomes) -> None:
    by_label = sum(not one.exact for one in found)
    if job.args.lang and by_label:
        job.log.warning("%d of %d utterances: pronunciations do not make up the phones of the path; words last from "
                        "their label to the next", by_label, len(found))
    job.log.info(outcomes.summary())
    job.facts.update(outcomes=outcomes.counts, times_by_label=by_label,
                     expected_errors=round(sum(one.sausage.risk for one in found), 2))


def transcriber_of(job: Job, options):
    """hybrid.lattices.transcribe.Transcriber of the arguments."""
    from graphs.lang.lang_folder import read_lang
    from hybrid.lattices.joint_words import JointWords
    from hybrid.lattices.transcribe import Transcriber
    from hybrid.recognize.scales import SystemScales
    from tools.lattices.inputs import frame_shift_of, system_scales, timer_of, words_of
    args, score = job.args, job.options("score")
    scales = [SystemScales(*one) for one in system_scales(args.scores, len(args.lattices), score)]
    for folder, one in zip(args.lattices, scales):
        job.log.info("%s: lm_scale %g, word_insertion_penalty %g, acoustic_scale %g", folder, *one)
    lang = read_lang(args.lang) if args.lang else None
    timers = [timer_of(folder, lang if number == 0 else None, lang.phones if lang else None)
              for number, folder in enumerate(args.lattices)]
    joint = JointWords([words_of(folder) for folder in args.lattices], score.text_filter({}))
    return Transcriber(scales, joint, options, timers,
                       [frame_shift_of(folder, args.frame_shift) for folder in args.lattices])


if __name__ == "__main__":
    PROGRAM.main(work)
