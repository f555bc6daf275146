"""Computes the features of one split.

Reads CUTS/SPLIT.jsonl.gz and writes a features folder (see hybrid/data/features.py): fbank or MFCC by
kaldifeat on the GPU or on --nj processes, or the features that the cuts carry. Speed and volume are
perturbed, and copies with noise and rooms added, for splits whose name starts with `train`.
"""

from tools.frame.program import Job, Program

PROGRAM = (Program("tools.compute_features", __doc__, options={
    "features": "hybrid.data.features:FeatureOptions", "augment": "hybrid.data.augment:AugmentOptions"})
           .input("--cuts", help="folder of cuts, or one manifest", required=True)
           .argument("--split", required=True, help="which manifest of the folder: train, dev, test ...")
           .input("--stats", help="features of the training split, for cmvn=global and for speakers of few frames"))


def work(job: Job) -> None:
    from hybrid.data.augment import files_read
    from hybrid.data.compute import compute_features
    from hybrid.data.manifest import read_cuts, source_files
    from hybrid.outcomes import Outcomes
    options, augment = job.options("features"), job.options("augment")
    split = job.args.split
    training = split.startswith("train")
    cuts = read_cuts(job.args.cuts / f"{split}.jsonl.gz" if job.args.cuts.is_dir() else job.args.cuts)
    job.reads(source_files(cuts) | (files_read(augment) if training else set()))
    outcomes = Outcomes(job.log)
    facts = compute_features(
        cuts, options, job.out, outcomes, training=training, nj=job.nj, training_stats=job.args.stats, augment=augment)
    job.facts.update(facts, outcomes=outcomes.counts)
    job.log.info("%s: %d utterances, %.2f hours of %d %s features at %d Hz, CMVN by %s (%s)",
                 split, facts["utterances"], facts["hours"], facts["dim"], facts["kind"],
                 facts["sampling_rate"], facts["cmvn"], outcomes.summary())


if __name__ == "__main__":
    PROGRAM.main(work)
