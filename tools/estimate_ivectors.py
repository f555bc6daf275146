"""Estimates a short vector for each speaker (i-vector), that is appended to each frame of the speaker's features.

    python -m tools.estimate_ivectors --features features/train --out exp/ivectors_train
    python -m tools.estimate_ivectors --features features/test --extractor exp/ivectors_train --out exp/ivectors_test

The first trains the extractor on the features, without any other data; the second takes it. Neither alignments nor
transcripts play a part. Writes speakers.safetensors (which --speaker-transforms of other programs takes) and, the
first, ivectors.safetensors.
"""

from tools.frame.program import Job, Program

PROGRAM = (Program("tools.estimate_ivectors", __doc__, options={"ivectors": "hybrid.speakers.ivectors:IvectorOptions"})
           .input("--features", help="features folder", required=True)
           .input("--extractor", help="folder of an earlier estimation, whose extractor is taken"))


def work(job: Job) -> None:
    from hybrid.data.features import FeatureReader
    from hybrid.speakers.ivectors import Extractor, extract, train
    from hybrid.training.device import use_threads
    use_threads(job.nj)
    features = FeatureReader(job.args.features)
    if job.args.extractor:
        extractor = Extractor.read(job.args.extractor)
    else:
        extractor = train(features, job.options("ivectors"), job.log)
        extractor.write(job.out)
    table = extract(features, extractor)
    table.write(job.out)
    job.facts.update(speakers=len(table.speakers), dim=extractor.directions.shape[2])
    job.log.info("%d speakers, vectors of %d", len(table.speakers), extractor.directions.shape[2])


if __name__ == "__main__":
    PROGRAM.main(work)
