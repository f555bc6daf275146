"""Lexicons whose phones are graphemes or sentencepiece units, for words without a dictionary."""

import io
import os
import unicodedata
from pathlib import Path
from typing import Iterable, List, Optional, Tuple, Union

from graphs.errors import InputError
from graphs.lang.graphemes import grapheme_lexicon
from graphs.lang.lexicon import Lexicon, Pronunciation
from graphs.lang.make_lang import LangOptions
from graphs.text_file import read_bytes


class PieceModel:
    """A sentencepiece model: words into pieces."""

    def __init__(self, serialized: bytes):
        import sentencepiece
        self.serialized = serialized
        self._processor = sentencepiece.SentencePieceProcessor(model_proto=serialized)

    @classmethod
    def read(cls, path: Union[str, Path]) -> "PieceModel":
        """Raises InputError when the file is no sentencepiece model."""
        try:
            model = cls(read_bytes(path))
            model.split("a")  # of an empty file it makes a model that cannot
            return model
        except (RuntimeError, ValueError) as error:
            raise InputError(str(path), "a sentencepiece model", str(error)) from None

    @classmethod
    def train(cls, sentences: Iterable[str], num_pieces: int, model_type: str = "unigram") -> "PieceModel":
        """Trains a model whose pieces stay within words.

        Args:
          sentences: texts; they are normalized to NFC and otherwise taken as they are.
          num_pieces: an upper limit; a small text gives fewer.
          model_type: ``unigram`` or ``bpe``.
        Raises: InputError when the text has more characters than num_pieces, or is empty.
        """
        import sentencepiece
        texts = [unicodedata.normalize("NFC", sentence) for sentence in sentences]
        if not any(text.strip() for text in texts):
            raise InputError("text for sentencepiece", "at least one sentence", "none")
        model = io.BytesIO()
        try:
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=iter(texts), model_writer=model, vocab_size=num_pieces,
                model_type=model_type, character_coverage=1.0, normalization_rule_name="identity",
                hard_vocab_limit=False, bos_id=-1, eos_id=-1, num_threads=1, minloglevel=2,
                max_sentence_length=max(4192, max(len(text.encode("utf-8")) for text in texts)))
        except RuntimeError as error:
            reason = str(error).rsplit("] ", 1)[-1].strip()
            raise InputError(f"option lang.num_pieces for {model_type}", "a number that fits the text",
                             f"{num_pieces}: {reason}") from None
        return cls(model.getvalue())

    def write(self, path: Union[str, Path]) -> None:
        path = Path(path)
        temporary = path.with_name(path.name + ".tmp")
        temporary.write_bytes(self.serialized)
        os.replace(temporary, path)

    @property
    def pieces(self) -> List[str]:
        """Every piece but the unknown one."""
        ids = range(self._processor.get_piece_size())
        return [self._processor.id_to_piece(i) for i in ids if not self._processor.is_unknown(i)]

    def split(self, word: str) -> Optional[Tuple[str, ...]]:
        """The pieces of a word, the first with a leading U+2581; None if it has an unknown character."""
        ids = self._processor.encode(unicodedata.normalize("NFC", word))
        if any(self._processor.is_unknown(i) for i in ids):
            return None
        return tuple(self._processor.id_to_piece(i) for i in ids)


def piece_lexicon(words: Iterable[str], model: PieceModel) -> Lexicon:
    """One pronunciation for each word, sorted; words with unknown characters are left out, with a note."""
    split = {word: model.split(word) for word in sorted(set(words))}
    missing = [word for word, pieces in split.items() if not pieces]
    notes = [f"{len(missing)} words left out, the pieces lack their characters: {', '.join(missing[:8])}"]
    return Lexicon((Pronunciation(word, pieces) for word, pieces in split.items() if pieces),
                   notes if missing else ())


def unit_lexicon(options: LangOptions, sentences: Iterable[List[str]], more_words: Iterable[str] = (),
                 model: Optional[PieceModel] = None) -> Tuple[Lexicon, Optional[PieceModel]]:
    """A lexicon of graphemes or pieces (`options.unit`) for the words of a text.

    Args:
      sentences: lists of words.
      more_words: words that no sentence needs to hold.
      model: a ready sentencepiece model instead of one trained on the text.
    Returns: the lexicon, and the sentencepiece model if one is used.
    Raises: InputError when a unit has the name of a silence phone or of the phone for unknown words.
    """
    sentences = list(sentences)
    words = {word for sentence in sentences for word in sentence} | set(more_words)
    if not words:
        raise InputError("words for the lexicon", "at least one word", "none")
    if options.unit == "grapheme":
        lexicon = grapheme_lexicon(words, options.attach_marks, options.lowercase)
    else:
        model = model or PieceModel.train(map(" ".join, sentences), options.num_pieces, options.piece_model)
        lexicon = piece_lexicon(words, model)
    taken = set(lexicon.phones) & {*options.silence_phones, options.oov_phone}
    if taken:
        raise InputError(f"{options.unit} units", "other names than lang.silence_phones and lang.oov_phone "
                         "have (choose those differently)", ", ".join(sorted(taken)))
    return lexicon, model
