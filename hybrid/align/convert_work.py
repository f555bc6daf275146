"""Converting a folder of alignments to a tree."""

from pathlib import Path
from typing import Dict, Optional, Tuple

from graphs.errors import InputError
from graphs.hmm.hmm_folder import Hmm, monophone_hmm, read_hmm
from graphs.lang.lang_folder import read_lang
from graphs.text_file import read_json_object
from hybrid.align.alignment import read_alignments
from hybrid.align.convert import Converter, ConvertOptions
from hybrid.align.relabel import Relabelling
from hybrid.align.work import write_folder
from hybrid.outcomes import Outcomes
from hybrid.tree.summary import DESCRIPTION


def read_tree_folder(folder: Path) -> Tuple[Hmm, int]:
    """Tree and transitions, and which frames they are for: every so many-th; 1 where nothing is said."""
    subsampling = 1
    if (folder / DESCRIPTION).is_file():
        subsampling = read_json_object(folder / DESCRIPTION).get("subsampling")
        if type(subsampling) is not int or subsampling < 1:
            raise InputError(f"{folder / DESCRIPTION}, subsampling", "a whole number of at least 1", repr(subsampling))
    return read_hmm(folder), subsampling


def convert_folder(source: Path, tree_folder: Optional[Path], lang_folder: Path, options: ConvertOptions, out: Path,
                   log, textgrids: bool = False, from_lang: Optional[Path] = None) -> Tuple[Outcomes, Dict]:
    """Converts every alignment of a folder and writes archive, CTM files, tree and transitions.

    The transition probabilities written are estimated from the alignments.

    Args:
      tree_folder: None for monophones of the lang.
      from_lang: the lang of the alignments, where it is another one.
    Returns: the outcomes, and facts for the record.
    Raises: TooManyFailures above the allowed share.
    """
    lang = read_lang(lang_folder)
    hmm, subsampling = read_tree_folder(tree_folder) if tree_folder else (monophone_hmm(lang.topology), 1)
    tree, transitions = hmm
    subsampling = subsampling if options.subsampling is None else options.subsampling
    phones = Relabelling(read_lang(from_lang), lang) if from_lang else None
    converter = Converter(read_hmm(source)[1], tree, transitions, subsampling, phones)
    outcomes, alignments = Outcomes(log), []
    for utterance_id, alignment in read_alignments(source).items():
        outcome = converter.convert(alignment)
        outcomes.add(utterance_id, outcome.outcome, outcome.reason)
        if outcome.alignment is not None:
            alignments.append(outcome.alignment)
    outcomes.write(out / "outcomes.tsv")
    outcomes.check(options.max_failed_share, "conversion of alignments")
    frames = write_folder(out, alignments, tree, transitions, lang, textgrids)
    log.info("%s; %d frames, %s of the original", outcomes.summary(), frames,
             "those" if subsampling == 1 else f"one in {subsampling}")
    return outcomes, {"outcomes": outcomes.counts, "frames": frames, "pdfs": transitions.num_pdfs,
                      "subsampling": subsampling}
