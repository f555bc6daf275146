"""The plan of the embedded corpus to the letter, its grammars, its phones and its voices' names."""

import hashlib
import random
from collections import Counter
from pathlib import Path

import pytest

from egs.synth import grammar, phones, plan, stories
from egs.synth.phones import sound_of
from egs.synth.plan import CorpusOptions
from egs.synth.voices import LANGUAGE, UNSEEN, VOICES, WITH_UNSEEN, Voice
from graphs.errors import InputError

TOY = {"sentence": ["<a> and, <a>", "no <b>s"], "a": ["one", "<b>"], "b": ["two", "2"]}


# ---- grammars


def test_a_grammar_is_parsed_line_by_line():
    assert grammar._parse("\na =\n  b | <c> d,\n\n  e\nc = f|g\n") == {
        "a": ["b", "<c> d,", "e"], "c": ["f", "g"]}


def test_words_are_those_of_all_alternatives_without_commas():
    assert grammar.words_of("well, two, too") == "well two too"
    assert grammar.vocabulary(TOY) == ["2", "and", "no", "one", "s", "two"]


def test_alternatives_of_a_nonterminal_are_equally_likely():
    rng, counts = random.Random(3), Counter()
    for _ in range(8000):
        counts[grammar.sample(rng, TOY)] += 1
    of_a = {"one": 1 / 2, "two": 1 / 4, "2": 1 / 4}
    expected = {f"{one} and, {other}": of_a[one] * of_a[other] / 2 for one in of_a for other in of_a}
    expected.update({"no twos": 1 / 4, "no 2s": 1 / 4})
    assert counts.keys() == expected.keys()
    for sentence, share in expected.items():
        assert abs(counts[sentence] / 8000 - share) < 5 * (share / 8000) ** 0.5, sentence
    assert grammar.sample(rng, TOY, "b") in ("two", "2")


def test_confusable_sentences_are_half_plain_ones():
    added = [name for name in grammar.CONFUSABLE["sentence"] if name not in grammar.RULES["sentence"]]
    assert Counter(added) == {"<spelling>": 6, "<pairs>": 6} and len(grammar.CONFUSABLE["sentence"]) == 28
    assert grammar.CONFUSABLE["side"] == ["left", "right"] and grammar.GRAMMARS.keys() == {
        "plain", "confusable", "stories"}


def test_a_story_has_the_rules_of_its_topic_alone():
    rules = stories.rules()
    assert rules == stories.rules() == grammar.GRAMMARS["stories"]
    assert rules["sentence"] == [f"<story_{topic}>" for topic in range(20)]
    names = "story one many object place state time does do is are noun nouns verb verbs adjective".split()
    assert len(rules) == 1 + 20 * len(names) and all(f"{name}_{topic}" in rules for name in names for topic in (0, 19))
    assert rules["is_3"] == ["is", "was"] and rules["are_19"] == ["are", "were"]
    assert rules["story_7"][:2] == ["<one_7> <does_7> <object_7>", "<many_7> <do_7> <object_7>"]
    assert len(rules["story_7"]) == 7 and len(rules["one_0"]) == 6 and len(rules["time_5"]) == 6
    for topic in (0, 19):
        counts = [len(rules[f"{name}_{topic}"]) for name in ("noun", "nouns", "verb", "verbs", "adjective")]
        assert counts == [36, 36, 14, 14, 12]
        for one, many in (("noun", "nouns"), ("verb", "verbs")):
            assert [word + "s" for word in rules[f"{one}_{topic}"]] == rules[f"{many}_{topic}"]
    words = [word for topic in range(20) for name in ("noun", "verb", "adjective") for word in rules[f"{name}_{topic}"]]
    assert len(set(words)) == len(words) == 20 * (36 + 14 + 12)
    syllables = Counter(sum(letter in "aeiou" for letter in word) for word in words)
    assert syllables.keys() == {2, 3} and 0.15 < syllables[3] / len(words) < 0.45  # of what is drawn a quarter
    ends = Counter(word[-1] for word in words)
    assert ends.keys() == set("aiounlk") and 0.3 < (ends["n"] + ends["l"] + ends["k"]) / len(words) < 0.7


# ---- phones


@pytest.mark.parametrize("mnemonic, accent, phone", [
    ("'eI", "us", "EY"), (",eI", "gb", "EY"), ("%p", "rp", "P"), ("t#", "us", "DX"), ("=t", "us", "T"),
    ("0", "us", "AA"), ("0", "gb", "OH"), ("3", "ny", "ER"), ("3", "sc", "AX"), ("VR", "sc", "ER"),
    ("O:", "us", "OH"), ("O:", "wm", "AO"), ("aa", "gb", "AE"), ("aa", "rp", "AA"), ("o@", "la", "AO"),
    ("o@", "us", "OR"), ("i@3", "ca", "IA"), ("i@3", "us", "IR"), ("@L", "us", "EL"), ("tS", "us", "CH")])
def test_a_mnemonic_is_a_phone_of_its_accent(mnemonic, accent, phone):
    assert sound_of(mnemonic, accent) == (phone, False)


def test_pauses_and_the_glide_are_no_phones_and_what_is_unknown_is_named():
    for mnemonic in ("_", "_:", "'_:_"):
        assert sound_of(mnemonic, "us") == (None, True)
    assert sound_of(";", "us") == sound_of("';", "us") == (None, False)
    for mnemonic, accent in (("'VR", "us"), ("", "us")):
        with pytest.raises(InputError) as caught:
            sound_of(mnemonic, accent)
        assert str(caught.value) == (f"accent {accent}: expected phonemes that egs/synth/phones.py knows, "
                                     f"found {mnemonic!r}")


def test_the_phone_set():
    assert list(phones.PHONES) == sorted(set(phones.PHONES)) and len(phones.PHONES) == 47
    assert phones.STOPS == {"P", "B", "T", "D", "K", "G", "CH", "JH"} < set(phones.PHONES)
    consonants = "P B T DX D K G CH JH F V TH DH S Z SH HH M N NG L R W Y".split()
    assert phones.VOWELS == set(phones.PHONES) - set(consonants)
    assert {"AR", "OR", "EER", "IR", "IA", "OH", "EL", "AX"} < phones.VOWELS


# ---- voices


def test_a_voice_is_named_after_accent_variant_pitch_and_rate():
    assert Voice("us", "", "male").name == "us-plain-50-175"
    assert Voice("sc", "Gene", "male", 48, 55, 180).name == "sc-gene-48-180"
    assert {accent: Voice(accent, "", "male").language for accent in ("rp", "ny")} == {
        "rp": "en-gb-x-rp", "ny": "en-us-nyc"}
    for voice in (voice for voices in WITH_UNSEEN.values() for voice in voices):
        assert voice.language == {**LANGUAGE, **UNSEEN}[voice.accent] and voice.gender in ("male", "female")
        assert 0 <= voice.pitch <= 99 and 0 <= voice.pitch_range <= 99 and 150 <= voice.rate <= 200


def test_the_voices_are_those_that_results_are_told_of():
    """Another pitch or rate is another corpus; a voice of which nothing is said is espeak's own."""
    table = "\n".join(f"{split} {' '.join(map(str, voice))}" for split, voices in WITH_UNSEEN.items()
                      for voice in voices)
    assert hashlib.sha256(table.encode()).hexdigest()[:16] == "796ffc9f6fa74264"
    assert Voice("us", "", "male") == VOICES["train"][0] == ("us", "", "male", 50, 50, 175)


# ---- the plan


@pytest.mark.parametrize("options, message", [
    ({"num_train": 0}, "num_train: expected at least 1, found 0"),
    ({"num_dev": 0}, "num_dev: expected at least 1, found 0"),
    ({"num_test": 0}, "num_test: expected at least 1, found 0"),
    ({"lm_sentences": 0}, "lm_sentences: expected at least 1, found 0"),
    ({"seed": -1}, "seed: expected at least 0, found -1"),
    ({"num_train": 9000, "num_dev": 500, "num_test": 501},
     "num_train, num_dev, num_test: expected up to 10000, found 10001"),
    ({"noises": ("white", "purple")}, "noises: expected some of white, pink, babble, found purple"),
    ({"clean_share": 1.01}, "clean_share: expected 0 to 1, found 1.01"),
    ({"rooms": -0.1}, "rooms: expected 0 to 1, found -0.1"),
    ({"pronunciation_share": 0.51}, "pronunciation_share: expected 0 to 0.5, found 0.51"),
    ({"pronunciation_share": -0.01}, "pronunciation_share: expected 0 to 0.5, found -0.01"),
    ({"rt60": (0.2,)}, "rt60: expected two of 0.05 to 3 seconds, the shorter first, found (0.2,)"),
    ({"rt60": (0.2, 0.3, 0.4)}, "rt60: expected two of 0.05 to 3 seconds, the shorter first, found (0.2, 0.3, 0.4)"),
    ({"rt60": (0.04, 0.2)}, "rt60: expected two of 0.05 to 3 seconds, the shorter first, found (0.04, 0.2)"),
    ({"rt60": (0.2, 3.1)}, "rt60: expected two of 0.05 to 3 seconds, the shorter first, found (0.2, 3.1)"),
    ({"rt60": (0.3, 0.2)}, "rt60: expected two of 0.05 to 3 seconds, the shorter first, found (0.3, 0.2)"),
    ({"snrs": ()}, "snrs, noises: expected one of each at least (or clean_share = 1), found none"),
    ({"noises": ()}, "snrs, noises: expected one of each at least (or clean_share = 1), found none"),
    ({"noises": (), "clean_share": 0.99},
     "snrs, noises: expected one of each at least (or clean_share = 1), found none")])
def test_options_that_cannot_be(options, message):
    with pytest.raises(ValueError) as caught:
        CorpusOptions(**options)
    assert str(caught.value) == message


@pytest.mark.parametrize("options", [
    {"num_train": 1, "num_dev": 1, "num_test": 1, "lm_sentences": 1, "seed": 0},
    {"num_train": 9000, "num_dev": 500, "num_test": 500},
    {"clean_share": 1.0, "snrs": (), "noises": ()}, {"clean_share": 0.0, "rooms": 0.0}, {"rooms": 1.0},
    {"pronunciation_share": 0.0}, {"pronunciation_share": 0.5}, {"rt60": (0.05, 3.0)}, {"rt60": (0.3, 0.3)}])
def test_options_at_their_limits(options):
    made = CorpusOptions(**options)
    assert {name: getattr(made, name) for name in options} == options


def digest(things) -> str:
    return hashlib.sha256(repr(things).encode()).hexdigest()[:16]


def told(task):
    return task.voice.name, task.seed, [tuple(sentence) for sentence in task.sentences]


@pytest.mark.parametrize("sentences, unseen, digests", [
    ("plain", False, {"train": "08c7f54ac049a07b", "dev": "a14ddd0f7c0b8db9", "test": "2c688833fecd4526",
                      "babble": "d26848cfeb1a26d2", "sweep": "39400e937035f9c6", "text": "4829bf8063059c30"}),
    ("confusable", True, {"train": "a091c58a9b15e48b", "dev": "29f2e0f2f010fd5c", "test": "df653f86948d1ee8",
                          "babble": "11999fc37da52882", "sweep": "9e47c53c73c1435e", "text": "6be9a095e2fc5c8d"}),
    ("stories", False, {"train": "422d79ae1d50c443", "dev": "615376ce6f0a0953", "test": "c375f1d7638978f6",
                        "babble": "a1bd88e0003ad555", "text": "08dc68cd95505ecf"})])
def test_the_plan_of_a_seed_stays_what_it_is(sentences, unseen, digests):
    """Another one is another corpus, and earlier results compare no more."""
    options = CorpusOptions(num_train=300, num_dev=40, num_test=60, lm_sentences=40, rooms=0.5, sentences=sentences,
                            unseen_accents=unseen)
    planned = plan.plan(options, Path("wav"))
    assert {task.folder for tasks in planned.values() for task in tasks} == {Path("wav")}
    found = {split: digest([told(task) for task in tasks]) for split, tasks in planned.items()}
    found["babble"] = digest([told(task) for split in planned for task in plan.babble_tasks(options, split)])
    if "sweep" in digests:  # of two thousand words it takes a second
        found["sweep"] = digest([told(task) for task in plan.sweep_tasks(options)])
    found["text"] = digest(plan.language_model_text(options, []))
    assert found == digests


def test_utterances_go_round_the_voices_of_their_split(tmp_path):
    options = CorpusOptions(num_train=30, num_dev=3, num_test=7, clean_share=0.5, noises=("pink",), snrs=(5.0,), seed=3)
    chosen, planned = plan.choose_sentences(options), plan.plan(options, tmp_path)
    for split, count in (("train", 30), ("dev", 3), ("test", 7)):
        assert len(chosen[split]) == count
        assert [task.voice for task in planned[split]] == list(VOICES[split][:count])
        for index, task in enumerate(planned[split]):
            assert (task.seed, task.folder, task.babble) == (3, tmp_path, ())
            mine = range(index, count, len(VOICES[split]))
            assert [sentence[:2] for sentence in task.sentences] == [
                (f"{task.voice.name}-{split}-{number:04d}", chosen[split][number]) for number in mine]
        kinds = Counter(sentence[2:] for task in planned[split] for sentence in task.sentences)
        clean = {30: 15, 3: 2, 7: 4}[count]  # half, the even one of 1.5 and 3.5
        assert kinds == {("", None, None): clean, ("pink", 5.0, None): count - clean}
    again = plan.choose_sentences(CorpusOptions(num_train=30, num_dev=3, num_test=1, seed=3))
    assert again == {**chosen, "test": chosen["test"][:1]}


def test_the_rarest_words_are_said_first():
    seen = Counter({"two": 3, "one": 1})
    assert plan._rarity("one, two", seen) == pytest.approx((1 / 2 + 1 / 4) / 2)
    assert plan._rarity("three three, one", seen) == pytest.approx((1 + 1 + 1 / 2) / 3)
    rules = {"sentence": [*(f"often {number}" for number in range(40)), *(f"rare{n}" for n in range(10))]}
    rare = {True: 0, False: 0}
    for seed in range(20):
        for balanced in rare:
            drawn = plan._draw(random.Random(seed), rules, 20, {"rare0"}, balanced)
            assert len(set(drawn)) == 20 and "rare0" not in drawn
            rare[balanced] += sum(sentence.startswith("rare") for sentence in drawn)
    assert rare[True] > 1.3 * rare[False] > 0


def test_background_talkers_are_of_the_split_and_each_says_six_sentences():
    options = CorpusOptions(seed=5)
    for split, count in (("train", 8), ("dev", 4), ("test", 6)):
        tasks = plan.babble_tasks(options, split)
        assert len({task.voice for task in tasks}) == count and {task.voice for task in tasks} <= set(VOICES[split])
        for task in tasks:
            assert [sentence.utterance_id for sentence in task.sentences] == [f"babble-{i}" for i in range(6)]
            assert task.seed == 5 and all(sentence[2:] == ("", None, None) for sentence in task.sentences)
            assert len({sentence.text for sentence in task.sentences}) == 6


def test_every_accent_says_every_word_twice_for_the_lexicon():
    options = CorpusOptions(seed=2)
    tasks = plan.sweep_tasks(options)
    assert [task.voice for task in tasks] == [Voice(accent, "", "male") for accent in ("us", "gb", "rp")]
    assert len({task.sentences for task in tasks}) == 1 and {task.seed for task in tasks} == {2}
    sentences = tasks[0].sentences
    assert [sentence.utterance_id for sentence in sentences] == [f"sweep-{i}" for i in range(len(sentences))]
    counts = [Counter(grammar.words_of(sentence.text).split()) for sentence in sentences]
    said = sum(counts, Counter())
    assert set(said) == set(grammar.vocabulary()) and min(said.values()) >= 2
    so_far = Counter()
    for count in counts:  # each one says a word that was not said twice before
        assert any(so_far[word] < 2 for word in count)
        so_far += count


def test_the_text_of_language_models_has_the_lengths_asked_for_and_none_that_is_held_out():
    options = CorpusOptions(lm_sentences=70)
    text = plan.language_model_text(options, ["turn left at the bank"])
    assert {name: len(sentences) for name, sentences in text.items()} == {"lm_text.txt": 70, "lm_dev_text.txt": 1000}
    assert text == plan.language_model_text(options, [])
    first = text["lm_text.txt"][0]
    assert all("," not in word for sentence in text["lm_dev_text.txt"] for word in sentence)
    without = plan.language_model_text(options, [" ".join(first)])
    assert without["lm_text.txt"][0] == text["lm_text.txt"][1] and len(without["lm_text.txt"]) == 70
    assert text["lm_dev_text.txt"][:70] != text["lm_text.txt"]
