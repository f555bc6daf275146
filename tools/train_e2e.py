"""Trains an end-to-end system: CTC, an attention decoder, a transducer, or CTC and a decoder together.

    python -m tools.train_e2e --features features/train --dev-features features/dev --out exp/ctc_chars \\
        e2e.arch=conformer e2e.units=character

Writes e2e.json, the weights best and averaged, tokens.txt, train.jsonl, curves.png, events.*, outcomes.tsv. A run
that was cut off goes on from its last checkpoint. Section [e2e]. `tensorboard --logdir WORK` shows its curves
(events.*) beside those of all others.
"""

from tools.frame.program import Job, Program

PROGRAM = (Program("tools.train_e2e", __doc__, options={"e2e": "hybrid.training.e2e:E2eTrainingOptions"},
                   resumable=True)
           .input("--features", help="features folder of the training set", required=True)
           .input("--dev-features", help="features folder of the development set", required=True)
           .input("--lang", help="lang folder, whose phones are the tokens for e2e.units = phone")
           .input("--start-from", help="model folder, of any kind, from whose weights it starts; its encoder alone, if "
                  "that is not one of the same tokens"))


def work(job: Job) -> None:
    from graphs.lang.lang_folder import read_lang
    from hybrid.data.features import FeatureReader
    from hybrid.training.device import use_threads_beside_reader
    from hybrid.training.e2e import train_e2e
    use_threads_beside_reader(job.nj)
    lang = read_lang(job.args.lang) if job.args.lang else None
    job.facts.update(train_e2e(FeatureReader(job.args.features), FeatureReader(job.args.dev_features), lang,
                               job.options("e2e"), job.out, job.log, job.args.start_from))


if __name__ == "__main__":
    PROGRAM.main(work)
