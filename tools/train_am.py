"""Trains an acoustic model on alignments, frame by frame.

    python -m tools.train_am --features features/train --dev-features features/dev \\
        --alignment exp/align_ctc_train --dev-alignment exp/align_ctc_dev --out exp/am1

Writes model.json, the weights best and averaged, priors, tree, transitions, train.jsonl, curves.png, events.*,
outcomes.tsv. A run that was cut off goes on from its last checkpoint. Options: section [am], or another one that
--section names. `tensorboard --logdir WORK` shows its curves (events.*) beside those of all others.
"""

from tools.frame.program import Job, Program

PROGRAM = (Program("tools.train_am", __doc__, options={"am": "hybrid.training.framewise:AmOptions"}, resumable=True)
           .input("--features", help="features folder of the training set", required=True)
           .input("--dev-features", help="features folder of the development set", required=True)
           .input("--alignment", help="alignments of the training set", required=True)
           .input("--dev-alignment", help="alignments of the development set", required=True)
           .input("--speaker-transforms", nargs="+", default=[],
                  help="folders of tools.estimate_fmllr and the like for the training set, applied in this order")
           .input("--dev-speaker-transforms", nargs="+", default=[], help="the same for the development set")
           .input("--start-from", help="model folder from whose weights it starts, where names and shapes agree")
           .argument("--section", default="am", help="section of the conf file with the options"))


def work(job: Job) -> None:
    from graphs.errors import InputError
    from graphs.hmm.hmm_folder import read_hmm
    from hybrid.align.alignment import read_alignments
    from hybrid.data.features import FeatureReader
    from hybrid.speakers.transforms import SpeakerTransforms
    from hybrid.training.device import use_threads_beside_reader
    from hybrid.training.framewise import train_am
    options, args = job.options("am"), job.args
    use_threads_beside_reader(job.nj)
    tree, transitions = read_hmm(args.alignment)
    dev_tree, dev_transitions = read_hmm(args.dev_alignment)
    if dev_transitions.states != transitions.states or dev_tree.fingerprint() != tree.fingerprint():
        raise InputError(f"--dev-alignment {args.dev_alignment}", f"tree and transition_ids of {args.alignment}",
                         "others")
    features, dev = FeatureReader(args.features), FeatureReader(args.dev_features)
    speakers = [SpeakerTransforms.read(folders, reader) if folders else None for folders, reader in
                ((args.speaker_transforms, features), (args.dev_speaker_transforms, dev))]
    job.facts.update(train_am(features, dev, read_alignments(args.alignment), read_alignments(args.dev_alignment),
                              tree, transitions, options, job.out, job.log, *speakers, args.start_from))


if __name__ == "__main__":
    PROGRAM.main(work)
