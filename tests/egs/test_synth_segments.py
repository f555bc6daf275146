"""Times of phones and words to the sample: pauses, closures, boundaries in the spectrum, words said as one."""

import numpy as np
import pytest

from egs.synth import segments
from egs.synth.espeak import Event, Speech
from egs.synth.phones import SILENCE
from egs.synth.segments import _Onset
from graphs.errors import InputError
from tests.egs.test_synth import planted, silence, tone

RATE = 22050


def loud(count):
    """No sample of it is zero."""
    return np.full(count, 1000, dtype=np.int16)


def test_a_run_of_zeros_begins_after_the_last_sound():
    assert segments._start_of_zeros(np.array([0, 0, 5, 0, 0, 0, -3, 0])).tolist() == [0, 0, 0, 3, 3, 3, 3, 7, 7]
    assert segments._start_of_zeros(np.array([7, 7])).tolist() == [0, 1, 2]


def test_phones_begin_with_the_pause_before_them():
    parts = [(loud(100), 0, "'a"), (silence(50),), (loud(100), "t"), (loud(100), ";"), (silence(30), "_:"),
             (silence(20), "_"), (loud(100), ";", 4, "i"), (loud(40), 6, "s")]
    onsets = [_Onset("AE", 0, 0, 0, True), _Onset("T", 100, 150, 0, False), _Onset("IH", 350, 400, 4, True),
              _Onset("S", 500, 500, 6, False)]
    assert segments._onsets(planted(*parts), "us") == (onsets, 540)
    assert segments._onsets(planted(*parts, (loud(25), "_:"), (silence(5), "_")), "us") == (onsets, 540)
    assert segments._onsets(planted((silence(60), 0, "_"), (loud(9), "a"), (silence(5),)), "us") == (
        [_Onset("AE", 0, 60, 0, True)], 74)


def test_a_sentence_is_covered_from_its_first_sample_to_its_last():
    """Without pauses a phone ends where the next one starts."""
    speech = planted((silence(200), 0), (loud(300), "s"), (loud(400), "'E"), (loud(500), 3, "z"), (loud(600), "_:"))
    found = segments.segment(speech, "s, ez", "us", lambda word: ())
    assert found.phones == [
        (SILENCE, 0, 200), ("S", 200, 500), ("EH", 500, 900), ("Z", 900, 1400), (SILENCE, 1400, 2000)]
    assert found.words == [("s", range(1, 3)), ("ez", range(3, 4))]
    assert segments.said_words(speech, "s, ez", "us", lambda word: ()) == [("s", ("S", "EH")), ("ez", ("Z",))]
    open_end = segments.segment(planted((loud(30), 0, "s")), "s", "us", lambda word: ())
    assert open_end.phones == [("S", 0, 30)] and open_end.words == [("s", range(0, 1))]


@pytest.mark.parametrize("phone, pause, first, start", [
    ("AA", 29, False, 100), ("AA", 30, False, 130), ("AA", 29, True, 129), ("AA", 0, True, 100),
    ("S", 31, False, 131),  # of a phone that is no stop all is silence
    ("P", 60, False, 100), ("P", 79, False, 100), ("P", 80, False, 130), ("CH", 200, False, 250),
    ("P", 60, True, 110), ("P", 50, True, 100), ("P", 40, True, 100), ("K", 51, True, 101)])
def test_fifty_milliseconds_before_a_stop_are_its_own_and_thirty_are_a_silence(phone, pause, first, start):
    onset = _Onset(phone, 100, 100 + pause, 0, True)
    assert segments._start_after_pause(onset, 1000, first) == start


@pytest.mark.parametrize("phone, following, ends", [
    ("L", (101, 0), True), ("L", (102, 0), False), ("L", (500, 0), False), ("L", (500, 4), True), ("L", None, True),
    ("R", (101, 0), False), ("R", None, False)])
def test_an_l_of_no_length_or_at_the_end_of_its_word_is_in_the_vowel(phone, following, ends):
    more = [_Onset("IY", following[0], following[0], following[1], False)] if following else []
    assert segments._ends_vowel(_Onset(phone, 100, 100, 0, False), more, 1000, 900) is ends


# ---- the boundary in the spectrum


def frames_of(samples, centres, half):
    """The samples around each centre, zeros beyond the ends."""
    return np.array([[samples[n] if 0 <= n < len(samples) else 0 for n in range(centre - half, centre + half)]
                     for centre in centres], float)


def spectra_by_hand(frames, rate):
    """Logarithms of mel energies: twenty triangles to 5000 Hz, each between the tips of its neighbours."""
    size, length = 512, frames.shape[1]
    mel = [1127 * np.log(1 + k * rate / size / 700) for k in range(size // 2 + 1)]
    edges = np.linspace(0, 1127 * np.log(1 + 5000 / 700), 22)
    filters = np.array([np.interp(mel, edges[i:i + 3], [0, 1, 0]) for i in range(20)])
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / (length - 1))
    return np.array([np.log(filters @ np.abs(np.fft.rfft(frame * window, size)) ** 2 + 1e4) for frame in frames])


@pytest.mark.parametrize("rate, half", [(22050, 176), (16000, 128)])
def test_spectra_are_logarithms_of_mel_energies(rate, half):
    samples = np.concatenate([np.zeros(400), np.random.default_rng(0).normal(0, 3000, 600)])
    frames = frames_of(samples, [0, 100, 300, 420, 700, 990], half)
    found = segments._mel_spectra(frames, rate)
    assert found.shape == (6, 20) and np.allclose(found[:2], np.log(1e4))
    assert np.allclose(found, spectra_by_hand(frames, rate), rtol=1e-9)


@pytest.mark.parametrize("rate, start, end, within", [
    (22050, 300, 2600, (0.3, 1.0)), (22050, 0, 2999, (0.5, 0.8)), (16000, 900, 1500, (0.0, 1.0)),
    (22050, 1200, 1300, (0.3, 1.0)), (22050, 1356, 1440, (0.0, 1.0)), (16000, 500, 2000, (0.6, 0.7))])
def test_a_boundary_is_where_the_spectrum_gets_nearer_to_that_of_the_end(rate, start, end, within):
    rng = np.random.default_rng(start)
    parts = [tone(900, 2500, 500), tone(500, 600), tone(1100, 1500), tone(500, 3000, 3000)]
    samples = np.concatenate(parts) + np.round(rng.normal(0, 60, 3000)).astype(np.int16)
    speech = Speech(samples, rate, [])
    step = {22050: 22, 16000: 16}[rate]  # a millisecond
    centres = [place for place in range(start, end + 1) if (place - start) % step == 0]
    frames = frames_of(samples, centres, {22050: 176, 16000: 128}[rate])  # half of 16 milliseconds
    spectra = spectra_by_hand(frames, rate)
    count = len(centres)
    edge = max(1, min(8, count // 5))
    first, last = sum(spectra[:edge]) / edge, sum(spectra[count - edge:]) / edge
    low, high = int(within[0] * count), int(within[1] * count)
    expected = centres[min(high, count - 1)]
    for place in reversed(range(low, high)):
        if np.linalg.norm(spectra[place] - last) < np.linalg.norm(spectra[place] - first):
            expected = centres[place]
    assert segments._change(speech, start, end, within) == expected
    assert expected < centres[-1]


def test_a_boundary_lies_within_its_limits():
    still = Speech(silence(4000), RATE, [])  # nothing changes: as late as can be
    end = 1000 + 22 * 99
    assert segments._change(still, 1000, end, (0.3, 0.8)) == 1000 + 22 * 80
    assert segments._change(still, 1000, end, (0.3, 1.0)) == end
    assert segments._change(still, 1000, 1010, (0.5, 0.8)) == 1000
    early = Speech(np.concatenate([silence(1300), loud(2700)]), RATE, [])
    assert segments._change(early, 1000, end, (0.5, 1.0)) == 1000 + 22 * 50
    assert segments.POSTVOCALIC_L == (0.5, 0.8)
    assert segments.SONORANT_END == {"M": (0.3, 1.0), "N": (0.3, 1.0), "NG": (0.3, 1.0), "L": (0.5, 1.0),
                                     "R": (0.5, 1.0), "W": (0.5, 1.0), "Y": (0.5, 1.0)}


@pytest.mark.parametrize("mnemonics, moved", [
    (["n", "i"], True), (["r", "eI"], True), (["n", "s"], False), (["s", "i"], False), (["E", "l"], True),
    (["E", "n"], False), (["s", "l"], False), (["n", "l"], False)])
def test_vowels_after_sonorants_and_ls_after_vowels_begin_where_the_spectrum_says(mnemonics, moved):
    """Nothing changes in silence, so what is looked for is found at its latest."""
    events = [Event(0, "", 0), Event(0, mnemonics[0], 0), Event(2200, mnemonics[1], 0)]
    speech = Speech(np.concatenate([loud(1), silence(2198), loud(2201)]), RATE, events)
    onsets, end = segments._onsets(speech, "us")
    starts = segments._starts(speech, onsets, end)
    share = 0.8 if mnemonics[1] == "l" else 1.0
    last = onsets[1].start if mnemonics[1] == "l" else 2200
    assert starts[0] == 0
    assert starts[1] == (segments._change(speech, 0, last, (0.5 if share == 0.8 or mnemonics[0] == "r" else 0.3, share))
                         if moved else onsets[1].start)


@pytest.mark.parametrize("text, length, start", [
    ("eli", 44, 1760), ("eli", 45, 2200), ("eli", 900, 2200), ("el i", 44, 1760), ("el i", 45, 1760),
    ("el i", 900, 1760)])
def test_an_l_of_two_milliseconds_before_a_vowel_of_its_word_begins_at_its_event(text, length, start):
    """The beginning of any other is looked for in the vowel, in silence found at its latest, eight tenths."""
    events = [Event(0, "", 0), Event(0, "E", 0), Event(2200, "l", 0), Event(2200 + length, "", text.find(" ") + 1),
              Event(2200 + length, "i", 0)]
    onsets, end = segments._onsets(Speech(loud(4000), RATE, events), "us")
    assert segments._starts(Speech(silence(4000), RATE, events), onsets, end)[:2] == [0, start]


def test_a_pause_ends_what_was_before_it():
    """After one neither a vowel nor an l is looked for in the spectrum."""
    for first, second in (("n", "i"), ("E", "l")):
        speech = planted((loud(900), 0, first), (silence(700), "_:"), (loud(800), 2, second))
        found = segments.segment(speech, "a b", "us", lambda word: ())
        assert [(phone.start, phone.end) for phone in found.phones] == [(0, 900), (900, 1600), (1600, 2400)]


# ---- words


def onsets_of(*words):
    """Phones of each word at its character: (4, "B OY")."""
    return [_Onset(phone, 0, 0, position, False) for position, phones in words for phone in phones.split()]


def test_words_have_their_phones_and_several_at_once_are_taken_apart():
    alone = {"in": ["IH", "N"], "the": ["DH", "AX"]}
    onsets = onsets_of((0, "P UH T"), (4, "IH N DH IY"), (11, "AY S"))
    assert segments._words("put in the ice,", onsets, alone.__getitem__) == [
        ("put", 0, 2), ("in", 3, 4), ("the", 5, 6), ("ice", 7, 8)]
    assert segments._words("no, no", onsets_of((0, "N OW"), (4, "N OW")), alone.__getitem__) == [
        ("no", 0, 1), ("no", 2, 3)]


@pytest.mark.parametrize("text, onsets, positions", [
    ("at it", onsets_of((0, "AE T"), (2, "IH T")), [0, 2]), ("at it", onsets_of((3, "AE T")), [3]),
    ("at it", onsets_of((0, "AE T"), (6, "IH T")), [0, 6]), ("at", [], [])])
def test_phones_of_no_word_are_an_error(text, onsets, positions):
    with pytest.raises(InputError) as caught:
        segments._words(text, onsets, lambda word: [])
    assert str(caught.value) == (
        f"sentence {text!r}: expected words to begin where its words do, found characters {positions}")


@pytest.mark.parametrize("phones, singly, cuts", [
    ("X Y Z", ["Q", "Q"], [0, 2, 3]), ("X Y Z W", ["Q", "Q", "Q"], [0, 2, 3, 4]),  # all alike: the latest
    ("A B A B", ["A", "B A B"], [0, 1, 4]), ("A B", ["A B C", "B"], [0, 1, 2]),
    ("A B C D", ["A", "B C", "D"], [0, 1, 3, 4]), ("A B C", ["A B C"], [0, 3])])
def test_cuts_make_the_words_as_near_as_can_be_to_how_they_sound_alone(phones, singly, cuts):
    assert segments._cuts(phones.split(), [word.split() for word in singly]) == cuts
