"""Trains a neural language model: feed-forward, recurrent or Transformer, over words, characters or pieces.

    python -m tools.train_lm --text lm_train.txt --dev-text lm_dev.txt --lang lang --out exp/lstm_lm \\
        neural_lm.arch=lstm neural_lm.epochs=15

Writes lm.json, the weights best and averaged, words.txt, counts.txt, train.jsonl, curves.png, events.*, and
pieces.model for pieces. A run that was cut off goes on from its last checkpoint. Options: section [neural_lm], or
another one that --section names. `tensorboard --logdir WORK` shows its curves (events.*) beside those of all others.
"""

from tools.frame.program import Job, Program

PROGRAM = (Program("tools.train_lm", __doc__, options={"neural_lm": "hybrid.training.lm:LmTrainingOptions"},
                   resumable=True)
           .input("--text", action="extend", nargs="+", required=True,
                  help="training texts of one sentence a line, or cut manifests (.jsonl.gz)")
           .input("--dev-text", action="extend", nargs="+", required=True, help="development text, likewise")
           .input("--lang", help="lang folder whose words are the vocabulary (default: those of the text)")
           .argument("--section", default="neural_lm", help="section of the conf file with the options"))


def work(job: Job) -> None:
    from graphs.lang.lang_folder import read_lang
    from hybrid.training.device import use_threads
    from hybrid.training.lm import read_text, train_lm
    use_threads(job.nj)
    lang = read_lang(job.args.lang) if job.args.lang else None
    job.facts.update(train_lm(read_text(job.args.text), read_text(job.args.dev_text), lang,
                              job.options("neural_lm"), job.out, job.log))


if __name__ == "__main__":
    PROGRAM.main(work)
