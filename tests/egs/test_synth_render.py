"""Sound and times at 16 kHz, the noise they lie in, and the cuts and the lexicon that are made of them."""

import wave
import zlib
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.signal import resample_poly

from egs.synth import corpus, render
from egs.synth.phones import SILENCE
from egs.synth.plan import CorpusOptions, plan
from egs.synth.render import RATE, Rendered, Sentence, Task
from egs.synth.segments import Phone, Segments, Word
from egs.synth.voices import VOICES, Voice
from graphs.lang.lexicon import Lexicon
from hybrid.data.rooms import random_room, room_response

VOICE = Voice("gb", "f1", "female", 60, 50, 170)


def decibels(samples):
    return 10 * np.log10(np.mean(np.square(samples)))


# ---- times and sound


def test_times_are_those_of_the_slower_rate_after_what_was_put_before():
    phones = [Phone(*row) for row in ((SILENCE, 0, 441), ("HH", 441, 882), ("AY", 882, 4411), (SILENCE, 4411, 4851),
                                      ("Y", 4851, 5292), (SILENCE, 5292, 6000))]
    found = render._times("a sentence", Segments([Word("hi", range(1, 3)), Word("y", range(4, 5))], phones), 100, 5000)
    assert found == Rendered("a sentence", 5000, [("hi", 420, 3301), ("y", 3620, 3940)], [
        (SILENCE, 0, 420), ("HH", 420, 740), ("AY", 740, 3301), (SILENCE, 3301, 3620), ("Y", 3620, 3940),
        (SILENCE, 3940, 5000)])


def test_sound_is_at_the_same_time_after_resampling():
    time = np.arange(22050) / 22050
    samples = (8000 * np.sin(2 * np.pi * 1000 * time)).astype(np.int16)
    found = render._resample(samples)
    assert len(found) == 16000
    assert np.allclose(found, resample_poly(samples.astype(float), 320, 441), atol=1e-6)  # scipy's own filter
    assert np.abs(found - 8000 * np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000))[500:-500].max() < 80


def test_a_wav_file_is_sixteen_bit_mono(tmp_path):
    render.write_wav(tmp_path / "a.wav", np.array([0.0, 0.5, -1.0, 1.0, 1.4 / 32767, 1.6 / 32767]))
    with wave.open(str(tmp_path / "a.wav")) as stream:
        assert stream.getparams()[:4] == (1, 2, 16000, 6)
        assert np.frombuffer(stream.readframes(6), "<i2").tolist() == [0, 16384, -32767, 32767, 1, 2]


def noisy(sentence, seed, audio=None, babble=()):
    """A second of a tone with half a second of silence on either side, as it is put into noise."""
    if audio is None:
        audio = np.pad(100.0 * np.sin(np.arange(16000) / 5), 8000)
    words = [("one", 8000, 12000), ("two", 13000, 16000), ("six", 16000, 24000)]
    return render._in_noise(audio, Rendered(sentence, len(audio), words, []), babble, np.random.default_rng(seed))


def test_loudness_differs_by_ten_decibels_and_every_recording_has_a_floor():
    sentences = [noisy(Sentence("a", "one two"), seed) for seed in range(60)]
    levels = np.array([decibels(audio[8000:24000]) for audio in sentences])
    assert -32.01 < levels.min() < -31 and -23 < levels.max() < -21.99 and abs(levels.mean() + 27) < 1
    for audio in sentences:
        for part in (audio[:8000], audio[24000:]):
            assert decibels(part) == pytest.approx(-75, abs=0.5)


@pytest.mark.parametrize("kind, snr", [("white", 10.0), ("white", -5.0), ("pink", 5.0), ("babble", 0.0)])
def test_noise_has_its_ratio_to_the_speech(kind, snr):
    talkers = tuple(np.random.default_rng(n).integers(-900, 900, 5000).astype(np.int16) for n in range(3))
    said = np.pad(np.sin(np.arange(16000) / 5), 8000)
    audio = noisy(Sentence("a", "one two", kind, snr), 3, said, talkers)
    level = np.random.default_rng(3).uniform(-32, -22)  # of the speech, drawn first of all
    noise = audio - said * 10 ** ((level - decibels(said[8000:24000])) / 20)
    assert level - decibels(noise[8000:24000]) == pytest.approx(snr, abs=0.02)  # the floor is 33 dB and more below
    low, high = (np.mean(np.abs(np.fft.rfft(audio[:8000]))[some] ** 2) for some in (slice(5, 100), slice(3000, 4000)))
    assert (low > 10 * high) == (kind == "pink")


def test_peaks_are_scaled_down_and_nothing_is_scaled_up():
    audio = np.zeros(32000)
    audio[9000] = 1.0
    peaky = noisy(Sentence("a", "one two"), 0, audio)
    assert np.abs(peaky).max() == pytest.approx(0.98, abs=1e-9)
    assert decibels(peaky[:8000]) < -75  # with its floor
    assert np.abs(noisy(Sentence("a", "one two"), 0)).max() < 0.2


def test_each_sentence_is_heard_in_a_room_of_its_own():
    def room(seed, name, rt60=0.3):
        return render._room(Task(VOICE, (), seed), Sentence(name, "one", rt60=rt60))

    drawn = random_room(np.random.default_rng([0, zlib.crc32(b"a"), 1]), (0.3, 0.3))  # not as its noise is
    assert np.array_equal(room(0, "a"), room_response(drawn, 16000))
    for other in (room(1, "a"), room(0, "b"), room(0, "a", 0.6)):
        assert other.shape != room(0, "a").shape or not np.allclose(other, room(0, "a"))
    falls = []
    for rt60 in (0.3, 0.6):
        left = np.cumsum(room(0, "a", rt60)[::-1] ** 2)[::-1]  # energy that is still to come
        fall = 10 * np.log10(left / left[0])
        falls.append(np.argmax(fall < -35) - np.argmax(fall < -10))
    assert 1.5 < falls[1] / falls[0] < 2.5


# ---- what a voice says


def test_a_task_becomes_files_with_silence_around_what_is_said(tmp_path):
    pytest.importorskip("espeakng_loader")
    sentences = (Sentence("u1", "two pens"), Sentence("u2", "a goat, a coat", "white", 20.0),
                 Sentence("u3", "two pens", rt60=0.4))
    done = {seed: render.render(Task(VOICE, sentences, seed, tmp_path)) for seed in (0, 1)}
    for seed, made in done.items():
        assert [rendered.sentence for rendered in made] == list(sentences)
        for rendered in made:
            name = rendered.sentence.utterance_id
            rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
            before, after = (int(rng.uniform(0.08, 0.2) * 16000) for _ in range(2))
            assert [word for word, _, _ in rendered.words] == rendered.sentence.text.replace(",", "").split()
            assert before <= rendered.words[0][1] < before + 1600
            assert after <= rendered.num_samples - rendered.words[-1][2] < after + 8000
            assert [(start, end) for _, start, end in rendered.phones][0] == (0, rendered.words[0][1])
            assert rendered.phones[-1] == (SILENCE, rendered.words[-1][2], rendered.num_samples)
    assert done[0][0].num_samples != done[1][0].num_samples
    for rendered in done[1]:
        with wave.open(str(tmp_path / f"{rendered.sentence.utterance_id}.wav")) as stream:
            assert stream.getnframes() == rendered.num_samples
    said = render.render_words(Task(VOICE, sentences, 0))
    assert said[:2] == [("two", ("T", "UW")), ("pens", ("P", "EH", "N", "Z"))] and len(said) == 8
    assert [word for word, _ in said] == "two pens a goat a coat two pens".split()


def test_what_babbles_is_loud_and_says_all_sentences_in_a_row():
    pytest.importorskip("espeakng_loader")
    lengths = [len(render.render_babble(Task(VOICE, sentences, 0))) for sentences in (
        (Sentence("a", "two pens"),), (Sentence("b", "a goat"),), (Sentence("a", "two pens"), Sentence("b", "a goat")))]
    speech = render.render_babble(Task(VOICE, (Sentence("a", "two pens"),), 0))
    assert speech.dtype == np.int16 and np.abs(speech.astype(int)).max() == 32112  # 0.98 of 32767
    assert lengths[2] == pytest.approx(lengths[0] + lengths[1], rel=0.02) and 0.4 * RATE < lengths[0] < 2 * RATE


def test_a_word_is_said_on_its_own_once(monkeypatch):
    pytest.importorskip("espeakng_loader")
    speaker, said = render._Speaker(VOICE), []
    say = speaker.say
    speaker.say = lambda text: said.append(text) or say(text)
    assert [speaker.pronounce(word) for word in ("the", "pen", "the")] == [("DH", "AX"), ("P", "EH", "N"), ("DH", "AX")]
    assert said == ["the", "pen"]


# ---- cuts and the lexicon


def rendered(noise="", snr=None, rt60=None):
    return Rendered(Sentence("gb-f1-0001", "i, we", noise, snr, rt60), 32000, [("i", 1600, 4800), ("we", 4800, 9601)], [
        (SILENCE, 0, 1600), ("AY", 1600, 4800), ("W", 4800, 6400), ("IY", 6400, 9601), (SILENCE, 9601, 32000)])


def test_a_cut_has_transcript_speaker_condition_and_times_in_seconds(tmp_path):
    cut = corpus.make_cut(rendered("pink", 10.0, 0.5), VOICE, tmp_path)
    one = cut.supervisions[0]
    assert (cut.id, cut.start, cut.duration, cut.sampling_rate) == ("gb-f1-0001", 0.0, 2.0, 16000)
    assert (cut.recording.id, cut.recording.num_samples, cut.recording.duration) == ("gb-f1-0001", 32000, 2.0)
    assert cut.recording.sources[0].to_dict() == {
        "type": "file", "channels": [0], "source": str(tmp_path / "gb-f1-0001.wav")}
    assert (one.text, one.speaker, one.gender, one.language) == ("i we", VOICE.name, "female", "en")
    assert one.custom == {"accent": "gb", "noise": "pink", "snr": 10.0, "rt60": 0.5}
    assert [tuple(item)[:3] for item in one.alignment["word"]] == [
        ("i", 0.1, 0.2), ("we", 0.3, pytest.approx(4801 / 16000))]
    assert [tuple(item)[:3] for item in one.alignment["phone"]] == [
        (SILENCE, 0.0, 0.1), ("AY", 0.1, 0.2), ("W", 0.3, 0.1), ("IY", 0.4, pytest.approx(3201 / 16000)),
        (SILENCE, pytest.approx(9601 / 16000), pytest.approx(22399 / 16000))]
    assert corpus.make_cut(rendered(), VOICE, tmp_path).supervisions[0].custom == {
        "accent": "gb", "noise": "clean", "snr": None}
    assert corpus.said_in(cut) == [("i", ("AY",)), ("we", ("W", "IY"))]
    lexicon = corpus.make_lexicon([("i", ("AY",)), ("we", ("W", "AX"))], 0.01)
    assert corpus.unexplained([cut, cut], lexicon) == [("we", ("W", "IY"))] * 2


def test_times_that_are_rounded_leave_each_phone_in_one_word():
    items = {kind: [SimpleNamespace(symbol=symbol, start=start, end=end) for symbol, start, end in rows]
             for kind, rows in (("word", [("a", 0.1, 0.3), ("b", 0.3, 0.7)]), ("phone", [
                 ("X", 0.1 - 5e-7, 0.2), ("Y", 0.2, 0.3 - 5e-7), ("Z", 0.3 - 5e-7, 0.7), ("SIL", 0.7 - 5e-7, 1.0)]))}
    cut = SimpleNamespace(supervisions=[SimpleNamespace(alignment=items)])
    assert corpus.said_in(cut) == [("a", ("X", "Y")), ("b", ("Z",))]


def test_pronunciations_have_their_share_of_the_commonest_and_rare_ones_are_left_out():
    said = [("b", ("P",))] * 6 + [("b", ("B",))] * 3 + [("b", ("M",))] + [("a", ("Z",)), ("a", ("Y",))] * 2
    entries = {share: [tuple(entry) for entry in corpus.make_lexicon(said, share)] for share in (0.1, 0.11, 0.0)}
    everything = [("a", ("Y",), 1.0), ("a", ("Z",), 1.0), ("b", ("P",), 1.0), ("b", ("B",), 0.5), ("b", ("M",), 0.1667)]
    assert entries[0.1] == entries[0.0] == everything
    assert entries[0.11] == entries[0.1][:4]
    assert isinstance(corpus.make_lexicon([], 0.1), Lexicon)


def test_nobody_babbles_behind_himself(monkeypatch):
    """Each talker of the split is heard by the others; without babble in the plan none is made."""
    monkeypatch.setattr(corpus, "in_own_processes", lambda function, tasks, nj: map(function, tasks))
    monkeypatch.setattr(corpus, "render_babble", lambda task: task.voice.name)
    options = CorpusOptions()
    clean, white, babble = (Sentence("a", "one", *noise) for noise in ((), ("white", 5.0), ("babble", 5.0)))
    tasks = [Task(voice, (clean, white), 0) for voice in VOICES["dev"]]
    assert corpus._with_babble(options, "dev", tasks, 1) == tasks
    tasks[1] = tasks[1]._replace(sentences=(clean, babble))
    names = {voice.name for voice in VOICES["dev"]}
    for task, before in zip(corpus._with_babble(options, "dev", tasks, 1), tasks):
        assert sorted(task.babble) == sorted(names - {task.voice.name}) and task._replace(babble=()) == before


def test_all_is_spoken_and_what_is_said_for_the_lexicon_and_in_training_is_told(tmp_path, monkeypatch):
    pytest.importorskip("espeakng_loader")
    monkeypatch.setattr(corpus, "in_own_processes", lambda function, tasks, nj: map(function, tasks))
    monkeypatch.setattr(corpus, "sweep_tasks", lambda options: [Task(VOICE, (Sentence("s", "two pens"),), 0)] * 2)
    options = CorpusOptions(num_train=3, num_dev=5, num_test=1, noises=("white",))
    said, cuts = corpus.render_all(options, tmp_path, 1)
    assert {split: [cut.id for cut in some] for split, some in cuts.items()} == {
        split: [sentence.utterance_id for task in tasks for sentence in task.sentences]
        for split, tasks in plan(options, tmp_path).items()}
    in_training = [word for cut in cuts["train"] for word in corpus.said_in(cut)]
    assert [word for word, _ in said[:4]] == ["two", "pens"] * 2 and said[4:] == in_training
    assert [word for word, _ in in_training] == " ".join(cut.supervisions[0].text for cut in cuts["train"]).split()
    for cut in (cut for some in cuts.values() for cut in some):
        assert cut.load_audio().shape == (1, cut.recording.num_samples)


def test_results_come_in_the_order_of_their_tasks(monkeypatch):
    monkeypatch.setattr(corpus, "in_own_processes", lambda function, tasks, nj: (function(task) + nj for task in tasks))
    counted = []

    class Counting(corpus.Progress):
        def update(self, amount=1):
            counted.append(amount)

        def __init__(self, total, title, unit):
            counted.append((total, title, unit))
            super().__init__(total, title, unit)

    monkeypatch.setattr(corpus, "Progress", Counting)
    tasks = [Task(VOICE, (Sentence("a", "one"),) * count, count) for count in (2, 0, 3)]
    assert list(corpus._progress(lambda task: 10 * task.seed, tasks, 4, "words")) == [24, 4, 34]
    assert counted == [(5, "words", "utt"), 2, 0, 3]
