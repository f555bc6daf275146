"""Rescores lattices with another system's model: hybrid with end-to-end, end-to-end with hybrid, any with any.

    python -m tools.rescore_with_model --lattices exp/decode_tdnn_dev --features features/dev --model exp/att \\
        --weights 0 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8 0.9 1 --cuts cuts/dev.jsonl.gz --out exp/tdnn_att_dev
    python -m tools.rescore_with_model --lattices exp/decode_tdnn_test --features features/test --model exp/att \\
        --weight-of exp/tdnn_att_dev --out exp/tdnn_att_test

The best sentences of each lattice (model_rescore.nbest) get a score of the other model: an end-to-end model gives the
log probability of their tokens (all CTC paths, attention, transducer), acoustic models (--lang, whose pronunciations
count) their best path of HMM states. Acoustic scores become those of both, (1 - weight) of the lattices' own and weight
of the other's; graph scores stay. A development set chooses the weight, by the word errors at the best scales that
[score] has for each; a test set takes it from there. 0 is the lattices' own system alone, 1 the other model alone.

Writes lattices (a path a sentence), words.txt, outcomes.tsv, model_weight.json and, where it was chosen, weights.tsv.
Lattices of which the other model can score no sentence keep their own scores: outcomes.tsv names them, as `unscored`.
"""

from tools.frame.numbers import at_least
from tools.frame.program import Job, Program
from tools.lattices.folder import search_facts
from tools.lattices.inputs import asked_weights, choose_weight, with_weights

PROGRAM = (with_weights(Program("tools.rescore_with_model", __doc__, options={
    "model_rescore": "hybrid.recognize.model_rescoring:ModelRescoringOptions",
    "score": "hybrid.recognize.scoring:ScoreOptions"}))
    .input("--lattices", help="folder of lattices", required=True)
    .input("--features", help="features folder of the other model, of the same utterances", required=True)
    .input("--model", nargs="+", help="folder of tools.train_e2e, or acoustic models over one tree", required=True)
    .input("--lang", help="lang folder of the acoustic models")
    .input("--speaker-transforms", nargs="+", default=[], help="of acoustic models: as for tools.decode")
    .input("--adaptation", nargs="+", default=[], help="of acoustic models: as for tools.decode")
    .input("--weight-of", help="folder of this program, whose chosen weight is taken")
    .argument("--device", counts=False, default="cpu", help="of the other model: auto, cpu, cuda or cuda:N")
    .argument("--part-size", type=at_least(1), default=100, help="lattices in a file"))


def work(job: Job) -> None:
    from hybrid.recognize.lattice_folder import copy_beside, write_changed
    from hybrid.recognize.model_rescoring import ModelRescoring, check_weights, read_weight, rescore_all, write_weight
    from hybrid.training.device import choose_device
    args, options, search = job.args, job.options("model_rescore"), search_facts(job.args.lattices)
    tried, device = asked_weights(args, check_weights), str(choose_device(args.device))
    weight = read_weight(args.weight_of) if args.weight_of else options.weight
    scorer = scorer_of(args, options, device)
    factor = options.factor or scorer.scale / search["acoustic_scale"]
    rescoring = ModelRescoring(args.features, args.lattices / "words.txt", scorer, options.nbest,
                               search["acoustic_scale"])
    found = rescore_all(rescoring, args.lattices, job.nj if device == "cpu" else 1)
    if tried:
        found = list(found)
        weight = choose_weight(job, lambda weight: (lattice for one in found for lattice in [
            one.lattice_of(weight, factor)] if lattice), tried, "weight")
    outcomes, sizes = write_changed(job.out, (one.changed(weight, factor) for one in found), args.part_size, job.log)
    write_weight(job.out, weight)
    copy_beside(args.lattices, job.out)
    outcomes.write(job.out / "outcomes.tsv")
    outcomes.check(options.max_failed_share, "rescoring")
    job.log.info("%s; weight %g, factor %g", outcomes.summary(), weight, factor)
    job.facts.update(outcomes=outcomes.counts, weight=weight, factor=factor, acoustic_scale=search["acoustic_scale"],
                     search_seconds=round(search["search_seconds"] + job.seconds(), 2), **sizes)


def scorer_of(args, options, device: str):
    """E2eFolder or AcousticFolders of hybrid.recognize.sentence_scorers."""
    from graphs.errors import InputError
    from hybrid.am.ensemble import EnsembleFolders
    from hybrid.e2e.model import is_e2e_model
    from hybrid.recognize.sentence_scorers import AcousticFolders, E2eFolder
    if any(map(is_e2e_model, args.model)):
        if len(args.model) > 1 or args.lang or args.speaker_transforms or args.adaptation:
            raise InputError("--model", "an end-to-end model alone, or acoustic models with --lang", "something else")
        return E2eFolder(args.model[0], options.ctc_weight, device)
    if args.lang is None:
        raise InputError("--lang", "the lang folder of the acoustic models", "none")
    models = EnsembleFolders(tuple(args.model), tuple(args.speaker_transforms), adaptations=tuple(args.adaptation))
    return AcousticFolders(models, args.lang, device)


if __name__ == "__main__":
    PROGRAM.main(work)
