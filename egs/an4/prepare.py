"""AN4 as a corpus: cuts of train, dev (speakers held out of training) and, if there, the official test half.

    python -m egs.an4.prepare --corpus an4 --out work/corpus

Takes audio (wav/, NIST sphere or headerless raw) where there is some, else Sphinx features (feat/). Copies the
corpus' own lexicon and unigram ARPA.
"""

from dataclasses import dataclass, field
from pathlib import Path

from tools.frame.program import Job, Program

PROGRAM = (Program("egs.an4.prepare", __doc__, options={"corpus": "egs.an4.prepare:CorpusOptions"})
           .input("--corpus", help="AN4 folder", corpus=True))


@dataclass(frozen=True)
class CorpusOptions:
    dev_share: float = field(default=0.1, metadata={"help": "share of training held out, whole speakers"})
    dev_seed: int = field(default=0, metadata={"help": "which speakers"})

    def __post_init__(self):
        if not 0 < self.dev_share < 1:
            raise ValueError(f"dev_share: expected 0 to 1, found {self.dev_share}")


def work(job: Job) -> None:
    import shutil

    from egs.an4 import corpus as an4
    from egs.splits import write_splits
    from graphs.errors import InputError
    from hybrid.outcomes import Outcomes

    options = job.options("corpus")
    folder = an4.find_corpus(job.args.corpus)
    outcomes = Outcomes(job.log)
    make = _cuts_of_audio if (folder / "wav").is_dir() else _cuts_of_features
    utterances = {split: an4.read_split(folder, split) for split in an4.UTTERANCES}
    if not utterances["train"]:
        raise InputError(f"{folder}/etc/an4_train.fileids", "at least one utterance", "none")
    splits = {split: make(job.out, split, folder, some, outcomes) for split, some in utterances.items() if some}
    if "test" not in splits:
        job.log.warning("no etc/an4_test.fileids: the official test half is not there; dev is scored only")
    outcomes.write(job.out / "outcomes.tsv")
    outcomes.check(0.05, f"AN4 in {folder}")
    for split, cuts in splits.items():
        if len(cuts) != an4.UTTERANCES[split]:
            job.log.warning("%s: the distribution has %d utterances, here are %d", split, an4.UTTERANCES[split],
                            len(cuts))
    splits["train"], splits["dev"] = _hold_out_of_each_sex(splits["train"], options, job.log)
    write_splits(job, splits)
    for source, target in (("an4.dic", "lexicon.txt"), ("an4.ug.lm", "lm.arpa")):
        path = folder / "etc" / source
        if not path.exists():
            raise InputError(str(path), "the corpus' own file", "none")
        shutil.copyfile(path, job.out / target)


def _hold_out_of_each_sex(cuts: list, options: CorpusOptions, log):
    """AN4 names speakers f... and m...; the development set gets its share of both."""
    from hybrid.data.held_out import hold_out
    from hybrid.data.manifest import speaker_of
    rest, held = [], []
    for sex in sorted({speaker_of(cut)[0] for cut in cuts}):
        kept, taken, how = hold_out([cut for cut in cuts if speaker_of(cut)[0] == sex],
                                    options.dev_share, options.dev_seed)
        log.info("dev, speakers %s...: %s", sex, how)
        rest, held = rest + kept, held + taken
    return rest, held


def _cuts_of_audio(out: Path, split: str, folder: Path, utterances, outcomes) -> list:
    """Raw files become wav files in the corpus folder; other formats are read where they lie."""
    import soundfile

    from egs.an4 import corpus as an4
    from hybrid.data.corpus import recording_of, utterance
    cuts = []
    for item in utterances:
        path = an4.audio_file(folder, item.fileid)
        if path.suffix == ".raw":
            wav = out / "wav" / f"{item.utterance_id}.wav"
            wav.parent.mkdir(exist_ok=True)
            soundfile.write(str(wav), an4.read_raw(path), an4.SAMPLING_RATE, subtype="PCM_16")
            path = wav
        # a missing or damaged file is named by tools.validate_data
        recording = recording_of(path.absolute(), item.utterance_id)
        cuts.append(utterance(item.utterance_id, recording, item.text, item.speaker))
        outcomes.add(item.utterance_id)
    return cuts


def _cuts_of_features(out: Path, split: str, folder: Path, utterances, outcomes) -> list:
    from egs.an4 import corpus as an4
    from graphs.errors import InputError
    from hybrid.data.corpus import utterance_of_features
    from hybrid.data.storage import FeatureStore
    cuts = []
    with FeatureStore(out / f"sphinx_{split}") as store:
        for item in utterances:
            try:
                matrix = an4.read_mfc(folder / "feat" / f"{item.fileid}.mfc")
            except (InputError, OSError) as error:
                outcomes.add(item.utterance_id, "failed", str(error))
                continue
            cuts.append(utterance_of_features(item.utterance_id, matrix, store, item.text, item.speaker,
                                              an4.FRAME_SHIFT, an4.SAMPLING_RATE, "sphinx-mfcc"))
            outcomes.add(item.utterance_id)
    return cuts


if __name__ == "__main__":
    PROGRAM.main(work)
