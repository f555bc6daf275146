"""References from cuts, hypotheses from and to Kaldi's text files."""

import os
from pathlib import Path
from typing import Callable, Dict, Iterable, List, Mapping, Sequence

from graphs.errors import InputError
from graphs.text_file import read_lines, split_blanks
from hybrid.recognize.wer import Reference

CUTS = "cuts.jsonl.gz"
Filter = Callable[[Sequence[str]], List[str]]


def read_text(path: Path) -> Dict[str, List[str]]:
    """Kaldi's `UTTERANCE WORD WORD ...` lines; a line with the utterance alone is an empty text.

    Raises InputError that names the line of an utterance that was there before.
    """
    texts: Dict[str, List[str]] = {}
    for number, line in read_lines(path)[0]:
        fields = split_blanks(line)
        if fields[0] in texts:
            raise InputError(f"{path}:{number}", "each utterance once", f"{fields[0]} again")
        texts[fields[0]] = fields[1:]
    return texts


def write_text(path: Path, texts: Mapping[str, Iterable[str]]) -> None:
    """Sorted by utterance, as Kaldi wants it. The file appears only when it is whole."""
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text("".join(f"{key} {' '.join(texts[key])}".rstrip() + "\n" for key in sorted(texts)),
                         encoding="utf-8")
    os.replace(temporary, path)


def read_references(path: Path, text_filter: Filter) -> Dict[str, Reference]:
    """utterance_id -> what is to be recognized.

    Args:
      path: a cuts file, a folder with cuts.jsonl.gz, or Kaldi's text (utterances of one unknown speaker).
      text_filter: hybrid.recognize.text_filter.TextFilter.
    Raises: InputError when there is no reference word at all, or a cut that is not one utterance.
    """
    path = Path(path) / CUTS if Path(path).is_dir() else Path(path)
    if not path.exists():
        raise InputError(str(path), "cuts", "none")
    if ".jsonl" in path.name:
        references = _of_cuts(path, text_filter)
    else:
        references = {key: Reference(tuple(text_filter(words))) for key, words in read_text(path).items()}
    if not any(reference.words for reference in references.values()):
        raise InputError(str(path), "transcripts with words", f"none in {len(references)} utterances")
    return references


def _of_cuts(path: Path, text_filter: Filter) -> Dict[str, Reference]:
    from hybrid.data.manifest import read_cuts, speaker_of, text_of
    references: Dict[str, Reference] = {}
    for cut in read_cuts(path):
        if len(cut.supervisions) != 1:
            raise InputError(f"{path}: cut {cut.id}", "one supervision", str(len(cut.supervisions)))
        if cut.id in references:
            raise InputError(f"{path}: cut {cut.id}", "each id once", "it again")
        words = text_filter(split_blanks(text_of(cut)))
        references[cut.id] = Reference(tuple(words), speaker_of(cut) or "unknown", float(cut.duration))
    return references
