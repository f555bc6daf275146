"""What the conf file of a recipe must hold to: every section is read by someone, who accepts it."""

from pathlib import Path

from graphs.compile import GraphOptions
from graphs.lang import LangOptions
from graphs.search import SearchOptions
from graphs.topology import TopologyOptions
from hybrid.data.features import FeatureOptions
from hybrid.data.validate import DataOptions
from hybrid.recognize.scoring import ScoreOptions
from hybrid.training.ctc import CtcOptions
from hybrid.training.framewise import AmOptions
from tools.frame.config import make_options, read_config

CLASSES = {
    "data": DataOptions, "features": FeatureOptions, "lang": LangOptions, "topology": TopologyOptions,
    "ctc": CtcOptions, "dnn": AmOptions, "am": AmOptions, "graph": GraphOptions, "search": SearchOptions,
    "score": ScoreOptions}


def options_of(conf: Path, corpus_options) -> dict:
    """Section -> its options object."""
    classes = {**CLASSES, "corpus": corpus_options}
    return {section: make_options(classes[section], section, values)
            for section, values in read_config(conf).items()}
