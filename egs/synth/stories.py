"""A grammar of some two thousand invented words whose sentences hold together over more words than a trigram sees.

Each sentence is of one topic, and each topic has nouns, verbs and adjectives of its own. Between them stand the words
that all topics share, so that of two words that sound alike the right one is told by words far off: "the gomi that was
near the old salen of the tubor ...". The words are of two or three syllables out of few, hence each has many that
differ from it by a sound, nearly all in other topics. A verb agrees with its subject in number across what stands
between them.
"""

import random
from typing import Dict, Iterator, List

Rules = Dict[str, List[str]]

TOPICS, NOUNS, VERBS, ADJECTIVES = 20, 36, 14, 12
ONSETS, VOWELS, CODAS = "b ch d f g k l m n p s sh v z".split(), "a e i o u".split(), ("", "", "", "n", "l", "k")
SEED = 7  # of the words: other words are another language

# <noun> is one thing, <nouns> are many; what is said of them agrees: <is> or <are>, <does> or <do>
_TEXT = """
story = <one> <does> <object> | <many> <do> <object> | <one> <is> <state> | <many> <are> <state>
  <time> <one> <does> <object> | <time> <many> <do> <object> | <one> <does> <object> and <does> <object>
one = the <noun> | the <adjective> <noun> | a <noun> <place> | the <noun> that was <place> | the <noun> of the <noun>
  the <noun> that they said <is> <adjective>
many = the <nouns> | the <adjective> <nouns> | all <nouns> <place> | the <nouns> that were <place>
  the <nouns> of the <noun> | some of the <nouns>
object = the <noun> | the <nouns> | a <adjective> <noun> | the <noun> <place> | no <nouns>
  the <noun> and the <noun> | the <adjective> <nouns> <place>
place = near the <noun> | under the <adjective> <noun> | behind the <nouns> | with the <noun> | by the <noun>
state = <adjective> | very <adjective> | <adjective> and <adjective> | as <adjective> as the <noun> | <place>
time = now | in the morning | at night | then | on the first day | after that
does = will <verb> | <verbs> | must <verb>
do = will <verb> | <verb> | must <verb>
is = is | was
are = are | were
"""


def _words(rng: random.Random) -> Iterator[str]:
    """Different ones, without end but for how many there are."""
    taken = set()
    while True:
        syllables = [rng.choice(ONSETS) + rng.choice(VOWELS) for _ in range(rng.choice((2, 2, 2, 3)))]
        word = "".join(syllables) + rng.choice(CODAS)
        if word not in taken and not word.endswith("e"):  # a last e is silent in English
            taken.add(word)
            yield word


def rules() -> Rules:
    """As egs.synth.grammar samples them: every nonterminal of `_TEXT` once for each topic, named NAME_TOPIC."""
    words = _words(random.Random(SEED))
    general = {name.strip(): [one.strip() for one in right.split("|")] for name, right in
               (line.split("=") for line in _TEXT.strip().replace("\n  ", " | ").split("\n"))}
    made: Rules = {"sentence": [f"<story_{topic}>" for topic in range(TOPICS)]}
    for topic in range(TOPICS):
        nouns, verbs, adjectives = ([next(words) for _ in range(count)] for count in (NOUNS, VERBS, ADJECTIVES))
        made.update({f"{name}_{topic}": [_of_topic(one, topic) for one in right] for name, right in general.items()})
        made.update({f"noun_{topic}": nouns, f"nouns_{topic}": [noun + "s" for noun in nouns],
                     f"verb_{topic}": verbs, f"verbs_{topic}": [verb + "s" for verb in verbs],
                     f"adjective_{topic}": adjectives})
    return made


def _of_topic(alternative: str, topic: int) -> str:
    return alternative.replace(">", f"_{topic}>")
