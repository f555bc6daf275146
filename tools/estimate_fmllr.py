"""Estimates an affine transform of features for each speaker (fMLLR), for training and decoding with them.

    python -m tools.estimate_fmllr --features features/train --lang lang --alignment exp/align_dnn3_train \\
        --out exp/fmllr_train
    python -m tools.estimate_fmllr --features features/test --lang lang --lattices exp/decode_tdnn_test \\
        --gaussians exp/fmllr_train --out exp/fmllr_test

The first estimates Gaussians for the pdf_ids of the alignment along with the transforms (speaker-adaptive training).
The second takes them, and lattices of a first pass by any model of the same tree; transcripts play no part. Writes
speakers.safetensors (which --speaker-transforms of other programs takes), outcomes.tsv and, the first,
gaussians.safetensors and transitions.
"""

from tools.frame.program import Job, Program

PROGRAM = (Program("tools.estimate_fmllr", __doc__, options={"fmllr": "hybrid.speakers.fmllr:FmllrOptions"})
           .input("--features", help="features folder", required=True)
           .input("--lang", help="lang folder, whose silence phones may count less", required=True)
           .input("--alignment", help="alignments of the utterances")
           .input("--lattices", help="lattices of the utterances")
           .input("--gaussians", help="folder of an earlier estimation, whose Gaussians are taken"))


def work(job: Job) -> None:
    from graphs.errors import InputError
    from hybrid.data.features import FeatureReader
    from hybrid.speakers.adaptive import train, transforms, write_transforms
    from hybrid.speakers.gaussians import Gaussians
    from hybrid.training.device import use_threads
    args, options = job.args, job.options("fmllr")
    use_threads(job.nj)
    if (args.alignment is None) == (args.lattices is None):
        raise InputError("--alignment and --lattices", "one of them", "neither or both")
    if not (args.alignment or args.gaussians):
        raise InputError("--lattices", "--gaussians with it", "none")
    features = FeatureReader(args.features)
    transitions, evidence, lacking = read_evidence(args, features, options)
    if args.gaussians:
        gaussians = Gaussians.read(args.gaussians)
        found = transforms(evidence, gaussians, options)
    else:
        gaussians, found = train(evidence, transitions.num_pdfs, options, job.log)
        gaussians.write(job.out)
        transitions.write(job.out / "transitions")
    job.facts.update(write_transforms(job.out, gaussians, found, evidence, lacking, options, job.log))


def read_evidence(args, features, options):
    """The transition model, posteriors of the utterances (hybrid.speakers.adaptive.Evidence), and those without."""
    from graphs.errors import InputError
    from graphs.lang.lang_folder import read_lang
    from graphs.hmm.transitions import TransitionModel
    from hybrid.speakers.adaptive import Evidence
    from hybrid.speakers.posteriors import FrameWeights, read_posteriors
    from tools.artefacts.hmm import transitions_behind
    source = args.alignment or args.lattices
    transitions = TransitionModel.read(transitions_behind(source))
    if args.gaussians and TransitionModel.read(args.gaussians / "transitions").states != transitions.states:
        raise InputError(str(source), f"the transition_ids of {args.gaussians}", "others")
    silence_ids = read_lang(args.lang).silence_ids
    (posteriors, lacking), (counted, _) = (
        read_posteriors(source, FrameWeights(transitions, silence_ids, weight), features, options)
        for weight in (1.0, options.silence_weight))
    return transitions, Evidence(features, posteriors, counted), lacking


if __name__ == "__main__":
    PROGRAM.main(work)
