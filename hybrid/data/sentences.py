"""Sentences of a text file or of a cut manifest."""

import json
from pathlib import Path
from typing import Iterator, List, Tuple, Union

from graphs.errors import InputError
from graphs.lang.lexicon import RESERVED_WORDS
from graphs.text_file import split_blanks, stream_lines

MANIFEST_ENDINGS = (".jsonl", ".jsonl.gz")
_RESERVED = frozenset(RESERVED_WORDS)


def read_sentences(path: Union[str, Path]) -> Iterator[Tuple[str, List[str]]]:
    """(FILE:LINE, words) of each sentence that is not empty.

    Args:
      path: a text of one sentence a line, plain or gzip-compressed, or a cut or supervision manifest
        (.jsonl, .jsonl.gz) whose transcripts are the sentences.
    Raises: InputError that names the line.
    """
    is_manifest = str(path).endswith(MANIFEST_ENDINGS)
    for number, line in stream_lines(path):
        item = f"{path}:{number}"
        for text in _transcripts(item, line) if is_manifest else [line]:
            words = split_blanks(text)
            if words:
                yield item, words


def unmarked_sentences(path: Union[str, Path]) -> Iterator[Tuple[str, List[str]]]:
    """As read_sentences, for models that add <s> and </s> themselves: InputError for a reserved word, too."""
    for item, words in read_sentences(path):
        if not _RESERVED.isdisjoint(words):
            raise InputError(item, "no reserved words (<s> and </s> are added)",
                             next(word for word in words if word in _RESERVED))
        yield item, words


def _transcripts(item: str, line: str) -> List[str]:
    try:
        entry = json.loads(line)
        supervisions = entry.get("supervisions", [entry])
        texts = [supervision.get("text") or "" for supervision in supervisions]
        "".join(texts).encode("utf-8")  # fails for other types and for half a character
    except (ValueError, AttributeError, TypeError, RecursionError):
        raise InputError(item, "a cut or a supervision in JSON", repr(line[:60])) from None
    return texts
