"""Lattices from and to other programs' forms.

    python -m tools.lattices.convert --lattices exp/decode_test --to kaldi --out exp/kaldi_test
    python -m tools.lattices.convert --lattices exp/decode_test --to slf --out exp/slf_test
    python -m tools.lattices.convert --text lat.txt --words words.txt --out exp/from_kaldi

`kaldi` is the text of `lattice-copy ark:- ark,t:-` (lattices.txt, or lattices.txt.gz with --gzip): CompactLattice where
arcs hold several frames, Lattice where each holds one; with words, or their ids with --ids. `slf` is HTK's standard
lattice format, a file an utterance. --text reads Kaldi's text, plain or gzip, into a folder of lattices; --transitions
goes with them.
"""

from tools.frame.numbers import at_least
from tools.frame.program import Job, Program

PROGRAM = (Program("tools.lattices.convert", __doc__, options={"score": "hybrid.recognize.scoring:ScoreOptions"})
           .input("--lattices", help="folder of lattices to write in another form")
           .input("--text", help="Kaldi's text to read")
           .input("--words", help="words.txt of the text; default for --lattices: the one in the folder")
           .input("--transitions", help="transition model of the text's transition_ids, put beside the lattices")
           .input("--scores", help="folder of tools.score whose scales stand in the head of SLF")
           .argument("--to", choices=("kaldi", "slf"), help="form to write")
           .argument("--ids", action="store_true", help="the text has word_ids instead of words")
           .argument("--gzip", action="store_true", help="compress lattices.txt")
           .argument("--frame-shift", type=float, help="seconds, for SLF; default: that of the acoustic model")
           .argument("--part-size", type=at_least(1), default=100, help="utterances in a part of a folder of lattices"))


def work(job: Job) -> None:
    from graphs.errors import InputError
    args = job.args
    if (args.lattices is None) == (args.text is None) or (args.lattices is None) != (args.to is None):
        raise InputError("arguments", "--lattices with --to, or --text", "something else")
    outcomes = read_text(job) if args.text else write_kaldi(job) if args.to == "kaldi" else write_slf(job)
    outcomes.write(job.out / "outcomes.tsv")
    outcomes.check(0.5, "conversion")
    job.log.info(outcomes.summary())
    job.facts["outcomes"] = outcomes.counts


def read_text(job: Job):
    """Utterances whose lattice is empty are named as failed."""
    import shutil
    from graphs.errors import InputError
    from graphs.hmm.transitions import TransitionModel
    from graphs.lang.symbols import SymbolTable
    from graphs.lattices.lattice_io import write_lattices
    from hybrid.outcomes import Outcomes
    args, outcomes = job.args, Outcomes(job.log)
    if args.words is None:
        raise InputError("--words", "the words.txt of the text", "none")
    transitions = TransitionModel.read(args.transitions) if args.transitions else None
    lattices = lattices_of(job, SymbolTable.read(args.words), transitions, outcomes)
    for number, part in enumerate(parts(lattices, args.part_size)):
        write_lattices(job.out, number, part)
    shutil.copy(args.words, job.out / "words.txt")
    if args.transitions:
        shutil.copy(args.transitions, job.out / "transitions")
    return outcomes


def lattices_of(job: Job, words, transitions, outcomes):
    """transitions: TransitionModel of their transition_ids, or None."""
    from graphs.checks import check_each_once, check_range
    from graphs.lattices.kaldi_text import blocks, lattice_of
    path, seen = job.args.text, []
    for block in blocks(path):
        seen.append(block.utterance_id)
        if not block.lines:
            outcomes.add(block.utterance_id, "failed", "an empty lattice")
            continue
        lattice = lattice_of(path, block, None if job.args.ids else words)
        item = f"{path}:{block.line}: lattice {block.utterance_id}"
        check_range(f"{item}, word_ids", lattice.word_id, 0, len(words))
        if transitions is not None:
            check_range(f"{item}, transition_ids", lattice.frame_entries().transition_ids, 0,
                        transitions.num_transition_ids + 1)
        outcomes.add(block.utterance_id)
        yield lattice
    check_each_once(str(path), seen)


def parts(lattices, size: int):
    """Lists of up to so many lattices of one class."""
    part = []
    for lattice in lattices:
        if part and (len(part) == size or type(lattice) is not type(part[0])):
            yield part
            part = []
        part.append(lattice)
    if part:
        yield part


def write_kaldi(job: Job):
    """What the search left unfinished is named: the text does not tell it."""
    import gzip
    from graphs.lattices.kaldi_text import to_kaldi_text
    from graphs.lattices.lattice_io import read_lattices
    from hybrid.outcomes import Outcomes
    outcomes, symbols = Outcomes(job.log), None if job.args.ids else table(job).symbols
    path = job.out / ("lattices.txt.gz" if job.args.gzip else "lattices.txt")
    # without a time in the head, so that the same lattices give the same file
    with open(path, "wb") as raw, (gzip.GzipFile("", "wb", 6, raw, 0) if job.args.gzip else raw) as stream:
        for lattice in read_lattices(job.args.lattices):
            stream.write(to_kaldi_text(lattice, symbols).encode("utf-8"))
            tell(outcomes, lattice)
    return outcomes


def write_slf(job: Job):
    from graphs.lattices.compact_lattice import CompactLattice, compact
    from graphs.lattices.lattice_io import read_lattices
    from graphs.lattices.slf import to_slf
    from hybrid.outcomes import Outcomes
    from tools.lattices.inputs import frame_shift_of, system_scales
    args, outcomes, words = job.args, Outcomes(job.log), table(job)
    shift = frame_shift_of(args.lattices, args.frame_shift)
    lm_scale, penalty, acoustic_scale = system_scales([args.scores] if args.scores else [], 1, job.options("score"))[0]
    for lattice in read_lattices(args.lattices):
        if not isinstance(lattice, CompactLattice):
            lattice = compact(lattice)
        text = to_slf(lattice, words.symbols, shift, lm_scale, acoustic_scale, penalty)
        (job.out / f"{file_name(lattice.utterance_id)}.slf").write_text(text, encoding="utf-8")
        tell(outcomes, lattice)
    return outcomes


def file_name(utterance_id: str) -> str:
    """No two utterances' names are one."""
    return utterance_id.replace("%", "%25").replace("/", "%2F")


def table(job: Job):
    from graphs.lang.symbols import SymbolTable
    from tools.lattices.inputs import words_of
    return SymbolTable.read(job.args.words) if job.args.words else words_of(job.args.lattices)


def tell(outcomes, lattice) -> None:
    if lattice.partial:
        outcomes.add(lattice.utterance_id, "partial", "the search did not reach the end of the graph")
    else:
        outcomes.add(lattice.utterance_id)


if __name__ == "__main__":
    PROGRAM.main(work)
