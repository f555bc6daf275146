"""What the conf file of a recipe must hold to: every section is read by someone, who accepts it."""

from pathlib import Path

from graphs.decoding.decoding_options import GraphOptions, SearchOptions
from graphs.hmm.topology import TopologyOptions
from graphs.lang.make_lang import LangOptions
from hybrid.align.convert import ConvertOptions
from hybrid.align.forced import AlignOptions
from hybrid.align.times.work import TimesOptions
from hybrid.data.augment import AugmentOptions
from hybrid.data.features import FeatureOptions
from hybrid.data.validate import DataOptions
from hybrid.e2e.decode import E2eSearchOptions
from hybrid.lm.ngram_train import NgramOptions
from hybrid.recognize.combine import CombineOptions
from hybrid.recognize.model_rescoring import ModelRescoringOptions
from hybrid.recognize.rescoring import RescoringOptions
from hybrid.recognize.scoring import ScoreOptions
from hybrid.speakers.adapt import AdaptOptions
from hybrid.speakers.fmllr import FmllrOptions
from hybrid.speakers.ivectors import IvectorOptions
from hybrid.training.ctc import CtcOptions
from hybrid.training.e2e import E2eTrainingOptions
from hybrid.training.framewise import AmOptions
from hybrid.training.lm import LmTrainingOptions
from hybrid.tree.options import TreeOptions
from tools.frame.config import make_options, read_config, resolve

CLASSES = {
    "data": DataOptions, "features": FeatureOptions, "augment": AugmentOptions, "lang": LangOptions,
    "topology": TopologyOptions, "ctc": CtcOptions, "dnn": AmOptions, "tree": TreeOptions, "convert": ConvertOptions,
    "am": AmOptions, "graph": GraphOptions, "search": SearchOptions, "score": ScoreOptions, "fmllr": FmllrOptions,
    "adapt": AdaptOptions, "ivectors": IvectorOptions, "combine": CombineOptions, "lm": NgramOptions,
    "neural_lm": LmTrainingOptions, "rescore": RescoringOptions, "model_rescore": ModelRescoringOptions,
    "align": AlignOptions, "times": TimesOptions, "e2e": E2eTrainingOptions, "e2e_search": E2eSearchOptions}


def options_of(conf: Path, corpus_options, *more: Path) -> dict:
    """Section -> its options object; `am.tdnn` has what system tdnn gets from [am] and [am.tdnn].

    more: conf files over the first one.
    """
    classes = {**CLASSES, "corpus": corpus_options}
    config = read_config([conf, *more])
    made = {}
    for name in config.conf:
        section, _, system = name.partition(".")
        made[name] = make_options(classes[section], section, resolve(config, section, system))
    return made
