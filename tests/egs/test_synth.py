"""The embedded corpus: what is planned, how times and noise are made, and a small corpus end to end."""

import gzip
import random
import sys
import wave
from collections import Counter

import numpy as np
import pytest

from egs.synth import espeak, grammar, plan, segments
from egs.synth.espeak import Event, Speech
from egs.synth.phones import PHONES, SILENCE, STOPS, VOWELS, sound_of
from egs.synth.plan import CorpusOptions
from egs.synth.prepare import PROGRAM, work
from egs.synth.render import RATE, Task, in_own_processes
from egs.synth.voices import VOICES
from graphs.errors import InputError
from graphs.grammar.arpa import read_arpa
from graphs.lang.lexicon import SENTENCE_END, SENTENCE_START, Lexicon
from hybrid.data.manifest import read_cuts
from hybrid.processes import ProcessDied
from tests.egs import bad_tasks
from tools.frame.records import read_record

SMALL = ["corpus.num_train=30", "corpus.num_dev=8", "corpus.num_test=12", "corpus.lm_sentences=400"]
SPLITS = ("train", "dev", "test")


def transcripts(sentences):
    return {grammar.words_of(sentence) for sentence in sentences}


# ---- the plan


@pytest.fixture(scope="module")
def full_plan():
    return plan.choose_sentences(CorpusOptions())


def test_no_sentence_is_in_two_splits(full_plan):
    sets = [transcripts(full_plan[split]) for split in SPLITS]
    assert [len(s) for s in sets] == [1200, 120, 240]  # none twice in one, either
    assert not (sets[0] & sets[1] or sets[0] & sets[2] or sets[1] & sets[2])


def test_no_voice_variant_is_in_two_splits():
    variants = [{voice.variant for voice in VOICES[split]} for split in SPLITS]
    assert not (variants[0] & variants[1] or variants[0] & variants[2] or variants[1] & variants[2])
    names = [voice.name for split in SPLITS for voice in VOICES[split]]
    assert len(set(names)) == len(names)
    assert len(VOICES["train"]) >= 20
    for split in SPLITS:
        assert {voice.gender for voice in VOICES[split]} == {"male", "female"}


def test_training_says_every_word_often(full_plan):
    counts = Counter(word for sentence in full_plan["train"] for word in grammar.words_of(sentence).split())
    assert set(counts) == set(grammar.vocabulary())
    assert len(counts) >= 200
    assert min(counts.values()) >= 3


def test_language_model_text_has_no_sentence_of_dev_or_test(full_plan):
    options = CorpusOptions(lm_sentences=5000)
    held_out = transcripts(full_plan["dev"]) | transcripts(full_plan["test"])

    def texts(taken):
        return {" ".join(words) for text in plan.language_model_text(options, taken).values() for words in text}

    unfiltered = texts([])
    assert unfiltered & held_out  # or the next line would say nothing
    assert not texts(held_out) & held_out


def test_noises_have_the_stated_shares(tmp_path):
    options = CorpusOptions(num_train=400, clean_share=0.25, snrs=(20.0, 5.0), noises=("white", "pink"))
    tasks = plan.plan(options, tmp_path)["train"]
    counts = Counter((s.noise, s.snr) for task in tasks for s in task.sentences)
    assert counts == {("", None): 100, ("white", 20.0): 75, ("white", 5.0): 75, ("pink", 20.0): 75,
                      ("pink", 5.0): 75}


def test_another_seed_is_another_plan():
    first, second = (plan.choose_sentences(CorpusOptions(seed=seed)) for seed in (0, 1))
    assert first["test"] != second["test"]


@pytest.mark.parametrize("bad", [
    {"num_dev": 0}, {"num_train": 20000}, {"seed": -1}, {"noises": ("purple",)}, {"clean_share": 1.5},
    {"sentences": "odd"}, {"rooms": 1.1}, {"rooms": -0.1}, {"rt60": (0.5, 0.2)}, {"rt60": (0.01, 0.2)},
    {"rt60": (0.2,)}, {"snrs": (), "clean_share": 0.5}, {"pronunciation_share": 0.9}, {"lm_sentences": 0}])
def test_options_out_of_range_name_the_option(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        CorpusOptions(**bad)


# ---- times, with planted sound


def tone(samples, frequency, level=8000):
    return (level * np.sin(2 * np.pi * frequency * np.arange(samples) / 22050)).astype(np.int16)


def buzz(samples, formant):
    """Harmonics of 100 Hz with a broad peak."""
    hertz = 100 * np.arange(1, 50)
    height = 1 / (1 + ((hertz - formant) / 200) ** 2)
    waves = np.sin(2 * np.pi * hertz[:, None] * np.arange(samples) / 22050 + hertz[:, None] ** 2)
    return (2000 * height @ waves).astype(np.int16)


def planted(*parts):
    """Speech from (samples, events at their start); an event is a mnemonic, or the position of a word."""
    blocks, events, place, position = [], [], 0, 0
    for block, *marks in parts:
        for mark in marks:
            position = mark if isinstance(mark, int) else position
            events.append(Event(place, "" if isinstance(mark, int) else mark, position))
        blocks.append(block)
        place += len(block)
    return Speech(np.concatenate(blocks), 22050, events)


def silence(samples):
    return np.zeros(samples, dtype=np.int16)


def test_closure_belongs_to_the_stop_and_a_long_pause_is_silence():
    speech = planted(
        (tone(2000, 300), 0, "'a"), (silence(900),), (tone(700, 3000), "t"),  # "at": 900 samples of closure
        (silence(500), "_:"), (silence(3500),), (tone(800, 3000), 4, "p"), (tone(2000, 500), "'aI"),
        (silence(300), "_:"))
    found = segments.segment(speech, "at, pie", "us", lambda word: ())
    closure = int(segments.MAX_CLOSURE * 22050)
    assert found.phones == [
        ("AE", 0, 2000), ("T", 2000, 3600), (SILENCE, 3600, 7600 - closure), ("P", 7600 - closure, 8400),
        ("AY", 8400, 10400), (SILENCE, 10400, 10700)]
    assert found.words == [("at", range(0, 2)), ("pie", range(3, 5))]
    assert segments.said_words(speech, "at, pie", "us", lambda word: ()) == [
        ("at", ("AE", "T")), ("pie", ("P", "AY"))]


def test_boundary_after_a_nasal_is_where_the_spectrum_changes():
    nasal, vowel = buzz(1000, 250), buzz(3000, 1200)
    # espeak's event of the vowel comes 600 samples after the change
    speech = planted((nasal, 0, "n"), (vowel[:600],), (vowel[600:], "'oU"), (silence(200), "_:"))
    found = segments.segment(speech, "no", "us", lambda word: ())
    assert [p.phone for p in found.phones] == ["N", "OW", SILENCE]
    assert found.phones[0].end == pytest.approx(1000, abs=0.003 * 22050)


def test_l_without_a_length_of_its_own_takes_the_end_of_the_vowel():
    speech = planted((buzz(2600, 1700), 0, "'E"), (buzz(1400, 800),), (silence(0), "l"), (silence(400), "_:"))
    found = segments.segment(speech, "ell", "us", lambda word: ())
    assert [p.phone for p in found.phones] == ["EH", "L", SILENCE]
    assert found.phones[0].end == pytest.approx(2600, abs=0.005 * 22050)
    assert found.phones[1].end == 4000


def test_l_before_a_vowel_of_its_word_begins_at_its_event():
    speech = planted((tone(2600, 700), 0, "'E"), (buzz(1400, 800), "l"), (tone(2000, 400), "i"))
    found = segments.segment(speech, "elly", "us", lambda word: ())
    assert [p.phone for p in found.phones] == ["EH", "L", "IH"]
    assert found.phones[1].start == 2600


@pytest.mark.parametrize("said, singly, parts", [
    ("IH N DH AX", ["IH N", "DH IH"], ["IH N", "DH AX"]),
    ("F ER R AX N", ["F OR", "AE N"], ["F ER R", "AX N"]),  # the linking r stays with the word before it
    ("D UW N AA T", ["D UW", "N AA T"], ["D UW", "N AA T"])])
def test_words_that_espeak_says_as_one_are_taken_apart(said, singly, parts):
    phones = said.split()
    cuts = segments._cuts(phones, [word.split() for word in singly])
    assert [" ".join(phones[a:b]) for a, b in zip(cuts, cuts[1:])] == parts


def test_unknown_phonemes_and_misplaced_words_are_errors():
    with pytest.raises(InputError, match="Q#"):
        sound_of("'Q#", "us")
    speech = planted((tone(500, 300), 1, "'a"))
    with pytest.raises(InputError, match="sentence 'at'"):
        segments.segment(speech, "at", "us", lambda word: ())


def test_missing_package_names_the_extra(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    assert PROGRAM.run(work, ["--out", str(tmp_path / "corpus"), *SMALL]) == 2
    assert ".[synth]" in capsys.readouterr().err


def test_a_task_that_fails_or_dies_ends_the_work():
    task = Task(VOICES["train"][0], (), 0)
    with pytest.raises(InputError, match="a sentence: expected words"):
        list(in_own_processes(bad_tasks.complain, [task], 1))
    with pytest.raises(ProcessDied, match=task.voice.name):
        list(in_own_processes(bad_tasks.die, [task, task], 2))


# ---- a small corpus, end to end


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    pytest.importorskip("espeakng_loader")
    folder = tmp_path_factory.mktemp("synth") / "corpus"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "SEEN_IN_SWEEP", 1)
        assert PROGRAM.run(work, ["--out", str(folder), "--nj", "2", *SMALL]) == 0
    return folder


@pytest.fixture(scope="module")
def cuts(corpus):
    return {split: read_cuts(corpus / f"{split}.jsonl.gz") for split in SPLITS}


def every(cuts):
    return [cut for split in SPLITS for cut in cuts[split]]


def samples_of(cut):
    with wave.open(cut.recording.sources[0].source) as stream:
        assert (stream.getframerate(), stream.getnchannels(), stream.getsampwidth()) == (RATE, 1, 2)
        return np.frombuffer(stream.readframes(stream.getnframes()), dtype="<i2").astype(float)


def test_counts_and_disjoint_speakers_and_texts(cuts):
    assert [len(cuts[split]) for split in SPLITS] == [30, 8, 12]
    for part in ("speaker", "text"):
        sets = [{getattr(cut.supervisions[0], part) for cut in cuts[split]} for split in SPLITS]
        assert not (sets[0] & sets[1] or sets[0] & sets[2] or sets[1] & sets[2])
    assert len({cut.id for cut in every(cuts)}) == 50


def test_phones_cover_the_audio_and_words_cover_their_phones(cuts):
    for cut in every(cuts):
        alignment = cut.supervisions[0].alignment
        phones, words = alignment["phone"], alignment["word"]
        assert (phones[0].start, phones[0].symbol, phones[-1].symbol) == (0.0, SILENCE, SILENCE)
        assert phones[-1].end == pytest.approx(cut.duration, abs=1e-6)
        for phone, following in zip(phones, phones[1:]):
            assert phone.end == pytest.approx(following.start, abs=1e-6)
        assert min(phone.duration for phone in phones) >= 0.005
        assert {phone.symbol for phone in phones} <= {*PHONES, SILENCE}
        assert " ".join(word.symbol for word in words) == cut.supervisions[0].text
        starts = {round(phone.start, 6) for phone in phones}
        ends = {round(phone.end, 6) for phone in phones}
        for word, following in zip(words, words[1:] + [None]):
            assert round(word.start, 6) in starts and round(word.end, 6) in ends
            assert following is None or word.end <= following.start + 1e-6
        spoken = sum(phone.duration for phone in phones if phone.symbol != SILENCE)
        assert sum(word.duration for word in words) == pytest.approx(spoken, abs=1e-4)


def test_times_are_those_of_the_sound(cuts):
    """In clean speech the closures of voiceless stops and the silences are quiet, the vowels are not."""
    loudness = {"quiet": [], "vowel": []}
    for cut in every(cuts):
        if cut.supervisions[0].custom["noise"] != "clean":
            continue
        samples = samples_of(cut)
        phones = cut.supervisions[0].alignment["phone"]
        for before, phone in zip(phones, phones[1:]):
            if phone.symbol == SILENCE or phone.symbol in ("P", "T", "K") and before.symbol in VOWELS:
                kind, start, length = "quiet", phone.start, 0.02  # starts at once
            elif phone.symbol in VOWELS and phone.duration > 0.05:
                kind, start, length = "vowel", phone.start + 0.01, phone.duration - 0.02
            else:
                continue
            part = samples[round(start * RATE):round((start + length) * RATE)]
            loudness[kind].append(10 * np.log10(np.mean(part ** 2) + 1))
    assert len(loudness["quiet"]) > 20 and len(loudness["vowel"]) > 50
    assert np.percentile(loudness["quiet"], 95) < np.percentile(loudness["vowel"], 5) - 15


def test_recorded_noise_is_at_the_stated_ratio(cuts):
    """White noise is steady: its power in the silences is that in the speech."""
    errors = []
    for cut in every(cuts):
        supervision = cut.supervisions[0]
        if supervision.custom["noise"] == "white":
            samples, words = samples_of(cut), supervision.alignment["word"]
            start, end = round(words[0].start * RATE), round(words[-1].end * RATE)
            noise_power = np.mean(np.concatenate([samples[:start - 160], samples[end + 160:]]) ** 2)
            speech_power = np.mean(samples[start:end] ** 2) - noise_power
            errors.append(10 * np.log10(speech_power / noise_power) - supervision.custom["snr"])
    assert len(errors) >= 8
    assert np.abs(errors).max() < 1.0 and abs(np.mean(errors)) < 0.3


def test_lexicon_has_every_word_and_explains_what_is_said(corpus, cuts):
    from egs.synth.corpus import said_in, unexplained
    lexicon = Lexicon.read(corpus / "lexiconp.txt")
    assert lexicon.words == grammar.vocabulary()
    assert set(lexicon.phones) <= set(PHONES)
    for word in lexicon.words:
        assert max(entry.probability for entry in lexicon.pronunciations(word)) == 1.0
    assert unexplained(cuts["train"], lexicon) == []
    held_out = cuts["dev"] + cuts["test"]
    assert len(unexplained(held_out, lexicon)) <= 0.02 * sum(len(said_in(cut)) for cut in held_out)


def test_homophones_differ_in_spelling_only(corpus):
    lexicon = Lexicon.read(corpus / "lexiconp.txt")
    for group in (("two", "too"), ("right", "write"), ("buy", "by"), ("ate", "eight"), ("son", "sun"),
                  ("tail", "tale"), ("week", "weak"), ("new", "knew"), ("hole", "whole"), ("wait", "weight")):
        first, second = ({entry.phones for entry in lexicon.pronunciations(word)} for word in group)
        assert first & second, group


def test_language_model_sums_to_one(corpus):
    model, _ = read_arpa(corpus / "lm.arpa")
    predicted = [word for word in model.words if word != SENTENCE_START]
    rng = random.Random(0)
    histories = [[], [SENTENCE_START], [SENTENCE_START, "turn"], ["the", "the"]]
    histories += [rng.choices(grammar.vocabulary(), k=2) for _ in range(6)]
    for history in histories:
        assert sum(10 ** model.log10_prob(w, history) for w in predicted) == pytest.approx(1.0, abs=1e-5)
    assert set(grammar.vocabulary()) | {SENTENCE_END} <= set(predicted)


def test_the_record_tells_sizes_and_how_well_the_model_knows_each_split(corpus, cuts):
    from egs.synth.corpus import unexplained
    facts, lexicon = read_record(corpus)["facts"], Lexicon.read(corpus / "lexiconp.txt")
    assert [facts[name] for name in ("words", "pronunciations", "phones")] == [
        len(lexicon.words), len(list(lexicon)), len(set(lexicon.phones))]
    model, header = read_arpa(corpus / "lm.arpa")[0], (corpus / "lm.arpa").read_text().split("\\1-grams")[0]
    assert facts["ngrams"] == [int(line.split("=")[1]) for line in header.splitlines() if "=" in line]
    for split, count in (("train", 30), ("dev", 8), ("test", 12)):
        logs = [model.log10_prob(word, [SENTENCE_START, *words][:place + 1])
                for words in (cut.supervisions[0].text.split() for cut in cuts[split])
                for place, word in enumerate([*words, SENTENCE_END])]
        assert facts[split]["perplexity"] == pytest.approx(10 ** -np.mean(logs), abs=0.06)
        assert len(str(facts[split]["perplexity"]).split(".")[1]) == 1
        assert facts[split]["utterances"] == count
        assert facts[split]["not_in_lexicon"] == len(unexplained(cuts[split], lexicon))
    held_out = {cut.supervisions[0].text for split in ("dev", "test") for cut in cuts[split]}
    for name, count in (("lm_text.txt", 400), ("lm_dev_text.txt", 1000)):
        sentences = (corpus / name).read_text().splitlines()
        assert len(sentences) == count and not held_out & set(sentences)


def test_same_bytes_whatever_the_number_of_processes(corpus, tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "SEEN_IN_SWEEP", 1)
    again = tmp_path / "corpus"
    assert PROGRAM.run(work, ["--out", str(again), "--nj", "1", *SMALL]) == 0
    names = sorted(str(p.relative_to(corpus)) for p in corpus.rglob("*") if p.is_file())
    assert names == sorted(str(p.relative_to(again)) for p in again.rglob("*") if p.is_file())
    assert sum(name.endswith(".wav") for name in names) == 50
    for name in names:
        first, second = (corpus / name).read_bytes(), (again / name).read_bytes()
        if name.endswith(".gz"):  # the manifests hold the place of the wav files
            first, second = gzip.decompress(first), gzip.decompress(second)
            second = second.replace(str(again).encode(), str(corpus).encode())
        if name not in ("log.txt", ".stage.json"):
            assert first == second, name


def test_unknown_voices_are_errors():
    pytest.importorskip("espeakng_loader")
    for language, variant in (("en-us", "nobody"), ("klingon-x", ""), ("en-us", "ANNIE")):
        with pytest.raises(InputError, match="voice"):
            espeak.Synthesizer(language, variant)


def test_events_tell_words_and_phonemes():
    pytest.importorskip("espeakng_loader")
    speech = espeak.Synthesizer("en-us").say("take two pens")
    assert [event.text_position for event in speech.events if not event.phoneme] == [0, 5, 9]
    spoken = [event for event in speech.events if event.phoneme and not event.phoneme.startswith("_")]
    assert [sound_of(event.phoneme, "us").phone for event in spoken] == "T EY K T UW P EH N Z".split()
    assert [event.sample for event in spoken] == sorted(event.sample for event in spoken)
    assert spoken[-1].sample < len(speech.samples)
    assert STOPS >= {"T", "K", "P"}
