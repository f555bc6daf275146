"""Trains a CTC model over phones, the start of the bootstrap.

    python -m tools.train_ctc --features features/train --dev-features features/dev --lang lang --out exp/ctc

Writes model.json, the weights best and averaged, priors, train.jsonl, curves.png, events.*, outcomes.tsv. A run that
was cut off goes on from its last checkpoint. Section [ctc]. `tensorboard --logdir WORK` shows its curves (events.*)
beside those of all others.
"""

from tools.frame.program import Job, Program

PROGRAM = (Program("tools.train_ctc", __doc__, options={"ctc": "hybrid.training.ctc:CtcOptions"}, resumable=True)
           .input("--features", help="features folder of the training set", required=True)
           .input("--dev-features", help="features folder of the development set", required=True)
           .input("--lang", help="lang folder", required=True))


def work(job: Job) -> None:
    from graphs.lang.lang_folder import read_lang
    from hybrid.data.features import FeatureReader
    from hybrid.training.ctc import train_ctc
    from hybrid.training.device import use_threads_beside_reader
    options = job.options("ctc")
    use_threads_beside_reader(job.nj)
    job.facts.update(train_ctc(FeatureReader(job.args.features), FeatureReader(job.args.dev_features),
                               read_lang(job.args.lang), options, job.out, job.log))


if __name__ == "__main__":
    PROGRAM.main(work)
