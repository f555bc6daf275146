"""Makes a corpus of Kaldi data directories.

DATA holds one data directory for each split (DATA/train/wav.scp, text, ...) or is one itself. wav.scp may
hold pipes: they are run once and what they give is kept in OUT/audio. segments, utt2spk, spk2gender,
utt2lang and reco2dur are read where they are; text is needed. Utterances without audio or transcript
are listed in outcomes.tsv.
"""

from tools.frame.importing import importing
from tools.frame.program import Job, Program

PROGRAM = importing(Program("tools.import_kaldi", __doc__)
                    .input("--data", help="folder of data directories, or one", required=True, corpus=True)
                    .argument("--root", help="where relative paths and pipes of wav.scp start; default: here"),
                    splits="which, as `train,dev=dev_clean,test`; default: every data directory")


def work(job: Job) -> None:
    from pathlib import Path

    from graphs.errors import InputError
    from hybrid.data.corpus import parse_splits
    from hybrid.data.imports import write_corpus
    from hybrid.data.kaldi_dir import read_kaldi_dir
    from hybrid.data.manifest import speaker_of
    from hybrid.outcomes import Outcomes
    data = job.args.data
    if (data / "wav.scp").exists():
        folders = {name: data for name in parse_splits(job.args.splits) or {data.name: ""}}
        if len(folders) > 1:
            raise InputError("--splits", f"one name, since {data} is a single data directory", ", ".join(folders))
    else:
        found = {path.parent.name: path.parent.name for path in sorted(data.glob("*/wav.scp"))}
        folders = {name: data / source for name, source in (parse_splits(job.args.splits) or found).items()}
    if not folders:
        raise InputError(f"--data {data}", "a Kaldi data directory with wav.scp", "none")
    roots = [Path(job.args.root)] if job.args.root else [Path("."), data, data.parent, data.parent.parent]
    outcomes = Outcomes(job.log)
    splits = {name: read_kaldi_dir(folder, job.out / "audio" / name, outcomes, job.nj, roots)
              for name, folder in folders.items()}
    for name, cuts in splits.items():
        unknown = [cut.id for cut in cuts if not speaker_of(cut)]
        if 0 < len(unknown) < len(cuts):
            job.log.warning("%s: %d of %d utterances have no line in utt2spk, so no speaker (%s%s)", name, len(unknown),
                            len(cuts), ", ".join(unknown[:3]), ", ..." * (len(unknown) > 3))
    write_corpus(job, splits, outcomes)


if __name__ == "__main__":
    PROGRAM.main(work)
