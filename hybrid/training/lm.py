"""Trains a neural language model in the loop of the acoustic models.

A sentence knows nothing of the one before, and the figure that picks the best epoch is the log of the perplexity per
word and sentence end: both as of an n-gram LM. For words of several units it is an upper bound, as spellings of no word
have a share of the probability, which the scorer gives back (hybrid/lm/spelling.py).
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import List, Optional, Sequence, Tuple, Union

from graphs.errors import InputError
from graphs.grammar.ngram import UNKNOWN
from graphs.lang.lang import Lang
from graphs.options import check_at_least, flat
from hybrid.data.sentences import unmarked_sentences
from hybrid.data.units import PieceModel
from hybrid.lm.network import LmNetwork, LmOptions, shifted_right
from hybrid.lm.neural_folder import write_neural_lm
from hybrid.lm.perplexity import perplexity_of
from hybrid.lm.vocabulary import Vocabulary, words_of_text
from hybrid.nn.model_folder import num_parameters
from hybrid.training.device import seed_everything
from hybrid.training.loop import Trainer, TrainerOptions
from hybrid.training.losses import StatelessObjective
from hybrid.training.sentences import PADDING, SentenceBatches

Text = List[Tuple[str, List[str]]]  # FILE:LINE, words


@dataclass(frozen=True)
class LmTrainingOptions(TrainerOptions, LmOptions):
    """The section [neural_lm]: network and training."""

    batch_units: int = field(default=2000, metadata={"help": "most units in a batch, padding counted"})
    epochs: int = field(default=15, metadata={"help": "passes over the training text"})
    learning_rate: float = field(default=3e-3, metadata={"help": "highest learning rate"})
    average_last: int = field(default=3, metadata={"help": "epochs whose weights are averaged at the end"})

    def __post_init__(self):
        for part in (TrainerOptions, LmOptions):
            part.__post_init__(self)
        check_at_least(1, self, "batch_units")


class UnitCrossEntropy(StatelessObjective):
    """-log p of words and sentence ends; the figure `loss` is its mean, the log of the perplexity."""

    figure = "loss"

    def __call__(self, model: LmNetwork, batch, device) -> dict:
        units = batch.units.to(device)
        real = units != PADDING
        hidden = model(shifted_right(units.clamp(min=0)))
        return {"loss": (model.output.loss(hidden[real], units[real]) - batch.log_share, batch.num_events)}


def read_text(paths: Sequence[Union[str, Path]]) -> Text:
    """The sentences of all files. Raises InputError when there is none."""
    text = [sentence for path in paths for sentence in unmarked_sentences(path)]
    if not text:
        raise InputError(", ".join(map(str, paths)), "at least one sentence", "none")
    return text


def make_vocabulary(text: Text, lang: Optional[Lang], options: LmOptions) -> Vocabulary:
    """That of the lang folder, or, without one, of the words of the text."""
    sentences = [words for _, words in text]
    words = lang.words if lang else words_of_text([word for sentence in sentences for word in sentence])
    pieces = None
    if options.units == "piece":
        pieces = PieceModel.train(map(" ".join, sentences), options.num_pieces, options.piece_model)
    oov_word = lang.oov_word if lang else UNKNOWN
    return Vocabulary.of_text(sentences, words, oov_word, kind=options.units, min_count=options.min_count,
                              pieces=pieces)


def train_lm(text: Text, dev: Text, lang: Optional[Lang], options: LmTrainingOptions, out: Path, log) -> dict:
    """Trains, and writes a folder that hybrid.lm.neural_folder reads.

    Args:
      text, dev: training and development text.
      lang: its words are the vocabulary; None: the words of the training text.
    Returns: facts for the stage record.
    """
    vocabulary = make_vocabulary(text, lang, options)
    seed_everything(options.seed)
    model = LmNetwork(options, vocabulary.unit_counts)
    log.info("%s with %d parameters, %d words, %d units", flat(options)["arch"], num_parameters(model),
             int(vocabulary.events.sum()), vocabulary.num_units)
    trainer = Trainer(model, UnitCrossEntropy(), batches_of(text, vocabulary, options.batch_units, options.seed),
                      batches_of(dev, vocabulary, options.batch_units), options, out, log)
    result = trainer.run()
    unknown = sum(word not in vocabulary.words for _, words in dev for word in words)
    facts = {"dev_perplexity": perplexity_of(-result.dev["loss"], 1), "checkpoint": result.checkpoint,
             "dev_events": sum(len(words) + 1 for _, words in dev), "dev_unknown_words": unknown,
             "parameters": num_parameters(model), "units": vocabulary.num_units, "training_seed": options.seed}
    log.info("perplexity %.2f on %d words and sentence ends of the development text, %d of them unknown words",
             facts["dev_perplexity"], facts["dev_events"], unknown)
    write_neural_lm(out, options, vocabulary, checkpoint=result.checkpoint,
                    dev_perplexity=facts["dev_perplexity"], training=flat(options))
    trainer.clean_up()
    return facts


def batches_of(text: Text, vocabulary: Vocabulary, batch_units: int, seed: Optional[int] = None) -> SentenceBatches:
    names = [name for name, _ in text]
    return SentenceBatches(names, [vocabulary.word_ids(words) for _, words in text], vocabulary, batch_units, seed)
