"""What the corpus will hold: which sentence is said by which voice, in which noise."""

import itertools
import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, Iterable, List, Optional, Set, Tuple

from egs.synth import grammar
from egs.synth.render import Sentence, Task
from egs.synth.voices import LANGUAGE, VOICES, WITH_UNSEEN, Voice
from graphs.options import check_at_least, check_between, check_choice
from hybrid.data import noise

SPLITS = ("train", "dev", "test")
MOST_SENTENCES = 10000  # the grammar soon repeats itself beyond
BABBLE_VOICES, BABBLE_SENTENCES = 8, 6  # of each split, of each voice
LM_TEXT, LM_DEV_TEXT, LM_DEV_SENTENCES = "lm_text.txt", "lm_dev_text.txt", 1000
SEEN_IN_SWEEP = 2  # times that each accent says each word for the lexicon, at least


@dataclass(frozen=True)
class CorpusOptions:
    num_train: int = field(default=1200, metadata={"help": "utterances to train on"})
    num_dev: int = field(default=120, metadata={"help": "utterances for choices, by voices of their own"})
    num_test: int = field(default=240, metadata={"help": "utterances of the test, by voices of their own"})
    seed: int = field(default=0, metadata={"help": "of everything; the same seed gives the same bytes"})
    snrs: Tuple[float, ...] = field(default=(20.0, 15.0, 10.0), metadata={
        "help": "decibels between speech and noise; the noisy utterances are divided among them"})
    noises: Tuple[str, ...] = field(default=noise.KINDS, metadata={
        "help": f"kinds of noise: any of {', '.join(noise.KINDS)}"})
    clean_share: float = field(default=0.25, metadata={"help": "share of utterances without noise"})
    lm_sentences: int = field(default=20000, metadata={
        "help": "sentences of the grammar that the language model is trained on; none of dev or test"})
    pronunciation_share: float = field(default=0.01, metadata={
        "help": "a pronunciation that makes up less of its word's occurrences is left out of the lexicon"})
    sentences: str = field(default="plain", metadata={
        "help": "plain; confusable: spelled letters and words that differ by a sound, too; or stories: thousands of "
                "invented words, in sentences that hold together over more words than a trigram sees"})
    unseen_accents: bool = field(default=False, metadata={
        "help": "as many dev and test voices again, with accents that no training voice has"})
    rooms: float = field(default=0.0, metadata={"help": "share of utterances that are heard in a simulated room"})
    rt60: Tuple[float, ...] = field(default=(0.2, 0.6), metadata={
        "help": "shortest and longest reverberation, seconds until sound is 60 dB weaker"})

    def __post_init__(self):
        check_at_least(1, self, "num_train", "num_dev", "num_test", "lm_sentences")
        total = self.num_train + self.num_dev + self.num_test
        if total > MOST_SENTENCES:
            raise ValueError(f"num_train, num_dev, num_test: expected up to {MOST_SENTENCES}, found {total}")
        check_at_least(0, self, "seed")
        unknown = set(self.noises) - set(noise.KINDS)
        if unknown:
            raise ValueError(f"noises: expected some of {', '.join(noise.KINDS)}, found {', '.join(unknown)}")
        check_between(0, 1, self, "clean_share", "rooms")
        check_between(0, 0.5, self, "pronunciation_share")
        check_choice(grammar.GRAMMARS, self, "sentences")
        if not (len(self.rt60) == 2 and 0.05 <= self.rt60[0] <= self.rt60[1] <= 3.0):
            raise ValueError(f"rt60: expected two of 0.05 to 3 seconds, the shorter first, found {self.rt60}")
        if self.clean_share < 1.0 and not (self.snrs and self.noises):
            raise ValueError("snrs, noises: expected one of each at least (or clean_share = 1), found none")

    @property
    def rules(self) -> grammar.Rules:
        """Of the sentences."""
        return grammar.GRAMMARS[self.sentences]

    def voices(self, split: str) -> Tuple[Voice, ...]:
        """Of a split."""
        return (WITH_UNSEEN if self.unseen_accents else VOICES)[split]


def choose_sentences(options: CorpusOptions) -> Dict[str, List[str]]:
    """Sentences of each split; none is in two of them, or twice in one."""
    taken: Set[str] = set()
    chosen: Dict[str, List[str]] = {}
    for split in SPLITS:
        rng = random.Random(f"{options.seed} {split}")
        chosen[split] = _draw(rng, options.rules, getattr(options, f"num_{split}"), taken, balanced=split == "train")
    return chosen


def _draw(rng: random.Random, rules: grammar.Rules, count: int, taken: Set[str], balanced: bool) -> List[str]:
    """New sentences; balanced: of four drawn, the one with the rarest words so far."""
    seen: Counter = Counter()
    sentences: List[str] = []
    while len(sentences) < count:
        drawn = [grammar.sample(rng, rules) for _ in range(4 if balanced else 1)]
        drawn = [sentence for sentence in drawn if grammar.words_of(sentence) not in taken]
        if drawn:
            best = max(drawn, key=lambda sentence: _rarity(sentence, seen))
            taken.add(grammar.words_of(best))
            seen.update(grammar.words_of(best).split())
            sentences.append(best)
    return sentences


def _rarity(sentence: str, seen: Counter) -> float:
    words = grammar.words_of(sentence).split()
    return sum(1.0 / (1 + seen[word]) for word in words) / len(words)


def plan(options: CorpusOptions, folder: Path) -> Dict[str, List[Task]]:
    """One task for each voice of a split, without what babbles behind it: see `babble_tasks`."""
    tasks: Dict[str, List[Task]] = {}
    for split, texts in choose_sentences(options).items():
        voices = options.voices(split)
        noises = _noises(options, len(texts), random.Random(f"{options.seed} {split} noise"))
        rooms = _rooms(options, len(texts), random.Random(f"{options.seed} {split} room"))
        of_voice: Dict[Voice, List[Sentence]] = {voice: [] for voice in voices}
        for i, (text, (kind, snr), rt60) in enumerate(zip(texts, noises, rooms)):
            voice = voices[i % len(voices)]
            of_voice[voice].append(Sentence(f"{voice.name}-{split}-{i:04d}", text, kind, snr, rt60))
        tasks[split] = [Task(voice, tuple(sentences), options.seed, folder)
                        for voice, sentences in of_voice.items() if sentences]
    return tasks


def _noises(options: CorpusOptions, count: int, rng: random.Random) -> List[Tuple[str, Optional[float]]]:
    """Kind and ratio for each utterance, ("", None) for clean ones; the stated shares, shuffled."""
    clean = round(count * options.clean_share)
    noisy = itertools.cycle(itertools.product(options.noises, options.snrs))
    noises = [("", None)] * clean + list(itertools.islice(noisy, count - clean))
    rng.shuffle(noises)
    return noises


def _rooms(options: CorpusOptions, count: int, rng: random.Random) -> List[Optional[float]]:
    """Reverberation of each utterance, seconds, None for those in no room; the stated share, shuffled."""
    inside = round(count * options.rooms)
    rooms = [round(rng.uniform(*options.rt60), 3) for _ in range(inside)] + [None] * (count - inside)
    rng.shuffle(rooms)
    return rooms


def babble_tasks(options: CorpusOptions, split: str) -> List[Task]:
    """What some voices of a split say in the background."""
    rng = random.Random(f"{options.seed} {split} babble")
    voices = rng.sample(options.voices(split), min(BABBLE_VOICES, len(options.voices(split))))
    return [Task(voice, tuple(Sentence(f"babble-{i}", grammar.sample(rng, options.rules))
                              for i in range(BABBLE_SENTENCES)), options.seed) for voice in voices]


def sweep_tasks(options: CorpusOptions) -> List[Task]:
    """Sentences with every word of the grammar, by the plain voice of each accent: for the lexicon only."""
    rng = random.Random(f"{options.seed} sweep")
    missing = Counter({word: SEEN_IN_SWEEP for word in grammar.vocabulary(options.rules)})
    sentences: List[Sentence] = []
    while missing:
        text = grammar.sample(rng, options.rules)
        words = Counter(grammar.words_of(text).split())
        if words & missing:
            sentences.append(Sentence(f"sweep-{len(sentences)}", text))
            missing -= words
    return [Task(Voice(accent, "", "male"), tuple(sentences), options.seed) for accent in LANGUAGE]


def language_model_text(options: CorpusOptions, held_out: Iterable[str]) -> Dict[str, List[List[str]]]:
    """File name -> sentences as lists of words, as often as the grammar says them; none of the held-out transcripts."""
    held_out = set(held_out)

    def draw(name: str, count: int) -> List[List[str]]:
        rng = random.Random(f"{options.seed} {name}")
        sentences: List[List[str]] = []
        while len(sentences) < count:
            sentence = grammar.words_of(grammar.sample(rng, options.rules))
            if sentence not in held_out:
                sentences.append(sentence.split())
        return sentences

    return {LM_TEXT: draw("language model", options.lm_sentences),
            LM_DEV_TEXT: draw("language model dev", LM_DEV_SENTENCES)}
