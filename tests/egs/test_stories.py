"""The sentences of stories, and the recipe's options."""

import random
import re
from pathlib import Path

from egs.synth import grammar, stories
from egs.synth.plan import CorpusOptions
from hybrid.lm.nets.transformer import TransformerOptions
from tests.egs.options import options_of

RULES = stories.rules()
OWN = {word: topic for topic in range(stories.TOPICS) for name in ("noun", "nouns", "verb", "verbs", "adjective")
       for word in RULES[f"{name}_{topic}"]}


def sentences(number):
    rng = random.Random(0)
    return [grammar.sample(rng, RULES).split() for _ in range(number)]


def test_words_are_of_one_topic_and_each_is_there_once():
    numbers = stories.NOUNS * 2 + stories.VERBS * 2 + stories.ADJECTIVES
    assert len(OWN) == stories.TOPICS * numbers
    assert not any(word.endswith("e") for word in OWN)
    shared = set(grammar.vocabulary(RULES)) - set(OWN)
    assert 30 < len(shared) < 60 and {"the", "of", "was", "must"} <= shared


def test_a_sentence_keeps_to_its_topic_and_all_topics_are_told():
    topics = [{OWN[word] for word in sentence if word in OWN} for sentence in sentences(500)]
    assert all(len(found) == 1 for found in topics)
    assert set.union(*topics) == set(range(stories.TOPICS))


def test_verbs_agree_with_their_subjects():
    plural = {word for topic in range(stories.TOPICS) for word in RULES[f"nouns_{topic}"]}
    verbs = {word: name for name in ("verb", "verbs") for topic in range(stories.TOPICS)
             for word in RULES[f"{name}_{topic}"]}
    checked = 0
    for sentence in sentences(2000):
        if re.match(r"the \w+ \w+ (the|a|no) ", " ".join(sentence)) and sentence[2] in verbs:
            assert (verbs[sentence[2]] == "verb") == (sentence[1] in plural)
            checked += 1
    assert checked > 20


def test_every_option_of_the_conf_file_is_known():
    conf = Path(stories.__file__).parent.parent / "stories" / "conf" / "default.conf"
    options = options_of(conf, CorpusOptions)
    assert options["corpus"].rules == RULES
    assert (options["lm.bigram"].order, options["lm.fourgram"].order) == (2, 4)
    assert isinstance(options["neural_lm.transformer"].arch, TransformerOptions)
    assert options["rescore.lstm_nbest"].nbest == 100 and options["rescore"].nbest == 0
    assert options["rescore"].acoustic_scale == options["search"].acoustic_scale
