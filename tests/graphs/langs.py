"""Small lang folders for tests."""

from graphs.hmm.topology import TopologyOptions
from graphs.lang.lexicon import Lexicon, Pronunciation
from graphs.lang.make_lang import LangOptions, make_lang

# homophones (b, bee), a word that begins another (b, bad), variants with probabilities, a repeated phone
ENTRIES = [("b", "B", 1.0), ("bee", "B", 1.0), ("bad", "B A D", 0.75), ("bad", "B A", 0.25),
           ("add", "A D D", 1.0)]


def make_lexicon(entries=ENTRIES):
    return Lexicon([Pronunciation(word, tuple(phones.split()), probability)
                    for word, phones, probability in entries])


def small_lang(entries=ENTRIES, **options):
    return make_lang(make_lexicon(entries), LangOptions(**options), TopologyOptions())
