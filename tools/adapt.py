"""Adapts a trained network to the speakers of a features folder, from lattices of a first pass.

    python -m tools.adapt --features features/test --lang lang --model exp/tdnn --lattices exp/decode_tdnn_test \\
        --out exp/lhuc_tdnn_test
    python -m tools.decode --features features/test --model exp/tdnn --adaptation exp/lhuc_tdnn_test ...

Each speaker has a few parameters: factors for the hidden units (LHUC), or an affine transform of the input (LIN);
transcripts play no part. Writes speakers.safetensors (which tools.decode takes as --adaptation) and outcomes.tsv.
Options: section [adapt], or another one that --section names.
"""

from tools.frame.program import Job, Program

PROGRAM = (Program("tools.adapt", __doc__, options={"adapt": "hybrid.speakers.adapt:AdaptOptions"})
           .input("--features", help="features folder", required=True)
           .input("--lang", help="lang folder, whose silence phones may count less", required=True)
           .input("--model", help="acoustic model folder", required=True)
           .input("--lattices", help="lattices of the utterances, by any model of the same tree", required=True)
           .input("--speaker-transforms", nargs="+", default=[], help="folders that the model was trained with")
           .argument("--section", default="adapt", help="section of the conf file with the options"))


def work(job: Job) -> None:
    from graphs.errors import InputError
    from graphs.lang.lang_folder import read_lang
    from graphs.hmm.transitions import TransitionModel
    from hybrid.am.ensemble import EnsembleFolders
    from hybrid.data.features import FeatureReader
    from hybrid.speakers.adapt import adapt_speakers
    from hybrid.speakers.posteriors import FrameWeights, read_posteriors
    from hybrid.training.device import use_threads
    from tools.artefacts.hmm import transitions_behind
    args, options = job.args, job.options("adapt")
    use_threads(job.nj)
    features = FeatureReader(args.features)
    member = EnsembleFolders((args.model,), tuple(args.speaker_transforms)).load(features).member(0)
    transitions = TransitionModel.read(transitions_behind(args.lattices))
    if transitions.states != member.model.transitions.states:
        raise InputError(str(args.lattices), f"the transition_ids of {args.model}", "others")
    weights = FrameWeights(transitions, read_lang(args.lang).silence_ids, options.silence_weight)
    posteriors, lacking = read_posteriors(args.lattices, weights, features, options)
    table, outcomes, facts = adapt_speakers(member.model, member.transforms, features, posteriors, lacking, options,
                                            job.log)
    outcomes.write(job.out / "outcomes.tsv")
    outcomes.check(options.max_failed_share, "adaptation")
    table.write(job.out)
    job.facts.update(facts)


if __name__ == "__main__":
    PROGRAM.main(work)
