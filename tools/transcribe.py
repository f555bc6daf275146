"""Says what is said in audio that nobody has transcribed, with a system that a recipe has trained.

    python -m tools.transcribe --scores egs/custom/work/exp/score_average --audio talk.mp3 interviews/ --out said

--scores is the system's folder of tools.score: whatever led to its scores is done again for the new audio with the same
models, options and scales, be it one search, a second pass that adapts to speakers, lattices rescored with other
language models, or several systems together. Each recording is a speaker of its own, but in Kaldi data directories with
utt2spk. --lexicon and --lm tell what else may be said: more pronunciations, in the phones of the system, and an ARPA
file in the place of its language model. Where words are spelled, those of --lm are, too.

--audio takes what tools.import_audio takes; long recordings are cut where it is quiet (pieces.longest=20 seconds), and
pieces.each_channel=true transcribes every channel, else data.channel says which. Writes

    transcripts.txt   a line for each recording, as Kaldi's text
    words.ctm         words with times and confidences, where the system leaves lattices
    outcomes.tsv      pieces that failed, and why, and those that are not sure to be whole

and a folder for each stage. Started again it does what is missing. The exit status is 1 where pieces failed.
"""

import argparse
import sys
from pathlib import Path
from typing import List, Optional, Sequence, Tuple

from graphs.errors import InputError
from tools.frame.again import (
    MAY_FAIL, NEARLY_ALL, Again, arguments_in, arguments_of, data_options, parse, parser_of, run)
from tools.frame.printing import printing
from tools.frame.records import made_from
from tools.frame.words import GRAPH, LANGUAGE, OtherWords

NAME = "tools.transcribe"


def main(argv: Optional[Sequence[str]] = None) -> int:
    args = parse(parser(), ("pieces", "data"), argv)
    return printing(NAME, lambda: transcribe(args), unread=141)


def parser() -> argparse.ArgumentParser:
    made = parser_of(NAME, __doc__, "--scores FOLDER --audio PATH [PATH ...] [--lexicon FILE] [--lm ARPA]")
    made.add_argument("--scores", type=Path, required=True, help="folder of tools.score")
    made.add_argument("--audio", type=Path, nargs="+", required=True, help="files, folders, Kaldi data directories")
    made.add_argument("--lexicon", type=Path, help="more words: pronunciations in the phones of the system")
    made.add_argument("--lm", type=Path, help="ARPA file in the place of the system's language model")
    return made


def transcribe(args: argparse.Namespace) -> int:
    """Returns the exit status. Raises InputError where it cannot be done."""
    decoded, cuts = scored_set(args.scores)
    as_then = data_options(decoded, cuts)
    corpus, checked = args.out / "corpus", args.out / "cuts"
    words = OtherWords(args.lexicon, args.lm)
    again = Again(cuts, checked / "test.jsonl.gz", args.out / "stages", args.nj, words)
    now = again.place_of(decoded)
    if now is None:
        raise InputError(f"{decoded}", f"a folder that was made from {cuts}", "one that was not")
    words.check_used(decoded)
    again.run(LANGUAGE)  # what is wrong with the words is said first
    run("tools.import_audio", "--audio", *args.audio, "--out", corpus, "--nj", args.nj, *of_section(args, "pieces"))
    run("tools.validate_data", "--corpus", corpus, "--out", checked, "--nj", args.nj, *as_then,
        *of_section(args, "data"))
    again.run()
    stages = [*again.stages]
    if not (now / "hyp.txt").exists():
        lang = lang_of(decoded)
        stages.append(with_times(args, now, lang and (again.place_of(lang) or lang)))
    return put_together(args.out, stages)


def scored_set(scores: Path) -> Tuple[Path, Path]:
    """What was scored of the first test set (of the dev set where there is no other), and its cuts."""
    args = arguments_in(scores, "tools.score", f"--scores {scores}")
    if args.test:
        return args.test[0], args.test_cuts[0]
    return args.dev, args.dev_cuts


def with_times(args: argparse.Namespace, now: Path, lang: Optional[Path]) -> Path:
    """Words of the best paths of lattices, with their times."""
    out = now.with_name("ctm")
    run("tools.lattices.ctm", "--lattices", now, "--scores", args.scores, *(["--lang", lang] if lang else []),
        "--out", out, "--nj", args.nj, f"mbr.{MAY_FAIL}={NEARLY_ALL}")
    return out


def lang_of(decoded: Path) -> Optional[Path]:
    """The lang folder of the graph that was searched, if one was."""
    for folder, record in made_from(decoded):
        if record.get("program") == GRAPH:
            args = arguments_of(record)[1]
            return folder / "lang" if args.ctc else args.lang
    return None


def put_together(out: Path, stages: Sequence[Path]) -> int:
    """Writes what was said in each recording, as the last stage has it; the exit status."""
    from hybrid.align.times.ctm import read_scored_ctm, write_ctm
    from hybrid.data.kaldi_dir import read_segments
    from hybrid.recognize.joined import joined_outcomes, joined_times, joined_words
    from hybrid.recognize.texts import read_text, write_text
    last = stages[-1]
    segments, words = read_segments(out / "corpus" / "segments"), read_text(last / "hyp.txt")
    write_text(out / "transcripts.txt", joined_words(segments, words))
    if (last / "words.ctm").exists():
        write_ctm(out / "words.ctm", joined_times(segments, read_scored_ctm(last / "words.ctm")))
    outcomes = joined_outcomes(segments, words, out / "corpus" / "outcomes.tsv", [
        out / "cuts" / "rejected_test.tsv", *(stage / "outcomes.tsv" for stage in stages)])
    outcomes.write(out / "outcomes.tsv")
    print(f"{out / 'transcripts.txt'}: {outcomes.summary()}")
    return 1 if outcomes.failures else 0


def of_section(args: argparse.Namespace, section: str) -> List[str]:
    return [word for word in args.options if word.split(".")[0] == section]


if __name__ == "__main__":
    sys.exit(main())
