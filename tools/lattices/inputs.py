"""What programs over lattices ask of the folders: scales, words, seconds of a frame."""

from pathlib import Path
from typing import List, Optional, Sequence, Tuple

from tools.frame.program import Program


def with_new_lms(program: Program, may_lack: bool = False) -> Program:
    """The arguments of programs that put other language models in the place of the graph's.

    may_lack: there may be none in that place.
    """
    return (program
            .input("--graph-lm", help="ARPA file (or its folder) that the graph was made with" + (
                "; default: the lattices have no language model" if may_lack else ""), required=not may_lack)
            .input("--lm", nargs="+", required=True,
                   help="new language models: ARPA files (also .gz), folders of n-gram, class or neural ones")
            .argument("--mixture", nargs="+", type=float, default=[],
                      help="weights of several new models; default: those of --weight-of, or equal ones")
            .input("--tune", help="held-out text, or cuts, that finds the weights of several new models")
            .input("--weight-of", help="folder of tools.lattices.rescore, whose chosen weights are taken"))


def new_lms(args, words: Path, options, device: str = "cpu"):
    """(LmPaths, lm_weight) as the arguments of `with_new_lms` and the RescoringOptions say."""
    from hybrid.recognize.rescoring import Chosen, LmPaths
    paths = LmPaths(words, args.graph_lm, tuple(args.lm), tuple(args.mixture), device, args.tune)
    if args.weight_of is None:
        return paths, options.lm_weight
    chosen = Chosen.read(args.weight_of)
    return chosen.taken_by(paths, args.weight_of), chosen.lm_weight


def with_weights(program: Program) -> Program:
    """The arguments of programs that choose a weight on a development set."""
    return (program
            .argument("--weights", nargs="+", type=float, default=[], help="weights to choose from, with --cuts")
            .input("--cuts", help="cuts of the development set (.jsonl.gz, a folder with cuts.jsonl.gz) or Kaldi's "
                   "text"))


def asked_weights(args, check) -> List[float]:
    """The weights to choose from, none where there is no choice.

    check: raises ValueError for weights that cannot be.
    """
    from graphs.errors import InputError
    if bool(args.weights) != bool(args.cuts):
        raise InputError("--weights and --cuts", "both, to choose from the weights, or neither", "one of them")
    if args.weights and args.weight_of:
        raise InputError("--weight-of", "no --weights beside it", "both")
    if args.weights:
        try:
            check(args.weights)
        except ValueError as error:
            raise InputError("--weights", "weights that can be", str(error)) from error
    return args.weights


def choose_weight(job, lattices_of, weights: Sequence[float], name: str) -> float:
    """The best weight on the development set --cuts; writes weights.tsv.

    Args:
      lattices_of: a weight -> the development set's lattices.
      name: of the weight.
    """
    from hybrid.recognize.scoring import path_words
    from hybrid.recognize.texts import read_references
    from hybrid.recognize.weight_sweep import sweep_weights
    score = job.options("score")
    text_filter = score.text_filter({})
    found = sweep_weights(lattices_of, weights, read_references(job.args.cuts, text_filter),
                          path_words(job.args.lattices, None, text_filter), score.grid, score.costs, job.nj, name)
    (job.out / "weights.tsv").write_text(found.to_tsv(), encoding="utf-8")
    for line in found.to_tsv().splitlines():
        job.log.info("%s", line)
    return found.best


def system_scales(scores: Sequence[Path], count: int, options) -> List[Tuple[float, float, float]]:
    """(lm_scale, word_insertion_penalty, acoustic_scale) of each system.

    Args:
      scores: folders of tools.score, which have chosen them on their development sets; none: those of the options.
      options: hybrid.recognize.scoring.ScoreOptions.
    """
    from graphs.errors import InputError
    from tools.combine import chosen_scales
    if scores and len(scores) != count:
        raise InputError("--scores", f"{count} folders, as for --lattices", str(len(scores)))
    return [chosen_scales(folder) for folder in scores] or [(*options.fixed, options.acoustic_scale)] * count


def words_of(folder: Path):
    """The SymbolTable of a folder of lattices."""
    from graphs.errors import InputError
    from graphs.lang.symbols import SymbolTable
    if not (folder / "words.txt").exists():
        raise InputError(str(folder / "words.txt"), "the words.txt of the lattices", "none")
    return SymbolTable.read(folder / "words.txt")


def frame_shift_of(folder: Path, given: Optional[float]) -> float:
    """Seconds of a frame: as given, or as frames.json says, or of the model that the lattices were made with, by the
    stage record."""
    from graphs.errors import InputError
    from hybrid.e2e.model import E2E_DESCRIPTION
    from hybrid.lattices.frames import Frames
    from hybrid.nn.described_folder import read_described
    from tools.artefacts.kind import input_of
    if given is not None:
        if not 0 < given < float("inf"):
            raise InputError("--frame-shift", "seconds above 0", str(given))
        return given
    frames = Frames.read(folder)
    if frames is not None:
        return frames.frame_shift
    path = input_of(folder, "model.json") or input_of(folder, E2E_DESCRIPTION)
    if path is None:
        raise InputError(f"{folder}", "the model.json that it was made with (by the stage record), or --frame-shift",
                         "neither")
    description = read_described(path, "a model folder")
    return description["frame_shift"] * description["network"]["subsampling"]


def timer_of(folder: Path, lang, phones=None):
    """hybrid.lattices.word_times.Timer of a folder of lattices, or the TokenTimer of an end-to-end system's.

    Args:
      lang: Lang, or None.
      phones: their SymbolTable, or None.
    """
    from graphs.hmm.transitions import TransitionModel
    from hybrid.lattices.frames import Frames
    from hybrid.lattices.token_times import TokenTimer
    from hybrid.lattices.word_times import Timer
    frames, path = Frames.read(folder), folder / "transitions"
    if frames is not None:
        return TokenTimer(frames.tokens)
    return Timer(TransitionModel.read(path) if path.exists() else None, lang, phones)


def scored_words(path: Path):
    """utterance_id -> words with confidences, of a CTM or of the words.ctm in a folder."""
    from hybrid.align.times.ctm import read_scored_ctm
    return read_scored_ctm(path / "words.ctm" if path.is_dir() else path)


def utterance_ids(cuts: Optional[Path]) -> Optional[List[str]]:
    """Of the cuts (a file, or a folder of one); None without."""
    from hybrid.data.manifest import read_cuts
    from hybrid.recognize.texts import CUTS
    if cuts is None:
        return None
    return [cut.id for cut in read_cuts(cuts / CUTS if cuts.is_dir() else cuts)]
