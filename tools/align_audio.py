"""Says when the words and phones of transcripts are spoken, with a model that a recipe has trained.

    python -m tools.align_audio --alignment egs/custom/work/exp/align_dnn_dev --data recordings/ --out aligned

--data is a folder of audio files with transcripts beside them (001.wav and 001.txt or 001.lab, in subfolders called
after their speakers, or none), or a Kaldi data directory. --alignment is a folder of tools.align: its model, lang
folder and options are taken, and by how much its phones come late is measured on it (`late.json`; best of the dev set,
which is small). Words that the lexicon lacks are spoken noise, unless --lexicon has their pronunciations; where words
are spelled, all are that the letters are known of. Writes

    times/words.ctm times/phones.ctm times/textgrid/   times to a part of a frame, and the same for Praat
    outcomes.tsv                                       utterances that could not be aligned, and why

and a folder for each stage. Started again it does what is missing. The exit status is 1 where utterances failed.
"""

import argparse
import sys
from pathlib import Path
from typing import List, Optional, Sequence

from tools.frame.again import (
    FEATURES, MAY_FAIL, NEARLY_ALL, Again, arguments_in, data_options, manifest_of, parse, parser_of, run)
from tools.frame.printing import printing
from tools.frame.records import read_record
from tools.frame.words import LANGUAGE, OtherWords

NAME = "tools.align_audio"
SPLIT = "dev"  # checked as training data is: what cannot be aligned is named


def main(argv: Optional[Sequence[str]] = None) -> int:
    args = parse(parser(), ("data",), argv)
    return printing(NAME, lambda: align(args), unread=141)


def parser() -> argparse.ArgumentParser:
    made = parser_of(NAME, __doc__, "--alignment FOLDER --data FOLDER [--lexicon FILE]")
    made.add_argument("--alignment", type=Path, required=True, help="folder of tools.align")
    made.add_argument("--data", type=Path, required=True, help="audio with transcripts, or a Kaldi data directory")
    made.add_argument("--lexicon", type=Path, help="more words: pronunciations in the phones of the lang folder")
    return made


def align(args: argparse.Namespace) -> int:
    """Returns the exit status. Raises InputError where it cannot be done."""
    then = arguments_in(args.alignment, "tools.align", f"--alignment {args.alignment}")
    cuts = manifest_of(arguments_in(then.features, FEATURES))
    checked, times, nj = args.out / "cuts", args.out / "times", ("--nj", args.nj)
    manifest = checked / f"{SPLIT}.jsonl.gz"
    as_then = data_options(args.alignment, cuts)
    words = OtherWords(args.lexicon, texts=[manifest])
    again = Again(cuts, manifest, args.out / "stages", args.nj, words)
    lang = again.place_of(then.lang) or then.lang
    words.check_used(then.lang)
    spells = read_record(then.lang).get("config", {}).get("lang", {}).get("unit", "lexicon") != "lexicon"
    if not spells:  # what the lexicon lacks is unknown while the data is checked
        again.run(LANGUAGE)
    kaldi = (args.data / "wav.scp").is_file()
    run("tools.import_kaldi" if kaldi else "tools.import_texts", "--data", args.data,
        "--splits", SPLIT if kaldi else f"{SPLIT}=train", "--max-failed-share", NEARLY_ALL,
        *([] if spells else ["--lexicon", lang / "lexiconp.txt"]), "--out", args.out / "corpus", *nj)
    run("tools.validate_data", "--corpus", args.out / "corpus", "--out", checked, *nj, *as_then, *args.options)
    now, features = again.place_of(args.alignment), again.place_of(then.features)
    again.run()
    speakers = [again.place_of(folder) or folder for folder in then.speaker_transforms]
    model, known = ("--model", then.model, *nj, f"times.{MAY_FAIL}={NEARLY_ALL}"), args.out / "stages" / "times_known"
    run("tools.phone_times", "--alignment", args.alignment, "--features", then.features, "--lang", then.lang, *model,
        "--out", known, *with_speakers(then.speaker_transforms))
    run("tools.phone_times", "--alignment", now, "--features", features, "--lang", lang, *model, "--late-of", known,
        "--textgrids", "--out", times, *with_speakers(speakers))
    return tell(args.out, [*again.stages, times])


def with_speakers(folders: Sequence[Path]) -> List[object]:
    return ["--speaker-transforms", *folders] if folders else []


def tell(out: Path, stages: Sequence[Path]) -> int:
    """Writes what became of each utterance; the exit status."""
    from hybrid.align.times.ctm import read_ctm
    from hybrid.data.manifest import read_cuts
    from hybrid.recognize.joined import joined_outcomes
    corpus = out / "corpus"
    ids = [cut.id for cut in read_cuts(corpus / f"{SPLIT}.jsonl.gz")]
    outcomes = joined_outcomes(ids, read_ctm(out / "times" / "words.ctm"), corpus / "outcomes.tsv", [
        out / "cuts" / f"rejected_{SPLIT}.tsv", *(stage / "outcomes.tsv" for stage in stages)])
    outcomes.write(out / "outcomes.tsv")
    print(f"{out / 'times'}: {outcomes.summary()}")
    return 1 if outcomes.failures else 0


if __name__ == "__main__":
    sys.exit(main())
