"""espeak-ng itself: what its voices change, where it says that words and phonemes begin, and what is refused."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from egs.synth import espeak
from graphs.errors import InputError

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(autouse=True)
def loader():
    return pytest.importorskip("espeakng_loader")


def pitch_of(samples):
    """Hertz: the period at which the loudest tenth of a second is most like itself."""
    start = max(range(0, len(samples) - 2205, 500), key=lambda n: np.abs(samples[n:n + 2205].astype(float)).sum())
    part = samples[start:start + 2205].astype(float)
    likeness = np.correlate(part, part, "full")[len(part) - 1:]
    return 22050 / (55 + np.argmax(likeness[55:400]))


def test_speech_is_of_22050_samples_a_second_and_events_are_in_the_order_of_time():
    speech = espeak.Synthesizer("en-us").say("two pens, too")
    assert speech.rate == 22050 and speech.samples.dtype == np.int16 and speech.samples.ndim == 1
    assert 0.6 < len(speech.samples) / speech.rate < 2.5 and np.abs(speech.samples.astype(int)).max() > 3000
    places = [event.sample for event in speech.events]
    assert places == sorted(places) and places[0] == 0 and places[-1] <= len(speech.samples)
    assert [event.text_position for event in speech.events if not event.phoneme] == [0, 4, 10]
    spoken = [event.phoneme.strip("',%=") for event in speech.events if event.phoneme and event.phoneme[0] != "_"]
    assert spoken == ["t", "u:", "p", "E", "n", "z", "t", "u:"]
    pauses = [event for event in speech.events if event.phoneme.startswith("_")]
    assert pauses and pauses[-1].sample > places[-3] - 1  # the last one ends the speech
    at_comma = next(event.sample for event in speech.events if event.text_position == 10 and not event.phoneme)
    assert not speech.samples[at_comma - 441:at_comma].any()  # a pause of true zeros


def test_a_sentence_longer_than_a_block_comes_whole():
    text = "one two three four five six seven eight nine " * 4
    speech = espeak.Synthesizer("en").say(text.strip())
    words = [event for event in speech.events if not event.phoneme]
    assert [event.text_position for event in words] == [n for n in range(len(text)) if n == 0 or text[n - 1] == " "]
    assert len(speech.samples) > 6 * speech.rate and words[-1].sample > 0.9 * len(speech.samples)


def test_pitch_range_rate_and_variant_are_those_asked_for():
    text = "are you all well"
    low, high = (espeak.Synthesizer("en-us", pitch=pitch).say(text).samples for pitch in (20, 90))
    assert pitch_of(high) > 1.4 * pitch_of(low)
    slow, fast = (len(espeak.Synthesizer("en-us", words_per_minute=rate).say(text).samples) for rate in (120, 240))
    assert 1.5 < slow / fast < 2.5
    man, woman = (espeak.Synthesizer("en-us", variant).say(text).samples for variant in ("", "f1"))
    assert pitch_of(woman) > 1.3 * pitch_of(man)
    flat, lively = ([pitch_of(part) for part in np.array_split(
        espeak.Synthesizer("en-us", pitch_range=spread).say("a a a a a a").samples, 3)] for spread in (0, 99))
    assert max(lively) - min(lively) > 2 * (max(flat) - min(flat))


def test_a_voice_keeps_nothing_of_the_one_before():
    first = len(espeak.Synthesizer("en-us").say("a pen").samples)
    espeak.Synthesizer("en", "f1", 90, 90, 240).say("a pen")
    assert len(espeak.Synthesizer("en-us").say("a pen").samples) == pytest.approx(first, rel=0.01)


@pytest.mark.parametrize("language, variant, name", [
    ("en-us", "nobody", "en-us+nobody"), ("klingon-x", "", "klingon-x"), ("klingon-x", "f1", "klingon-x+f1"),
    ("en-us", "ANNIE", "en-us+ANNIE")])
def test_a_voice_that_espeak_lacks_is_named(language, variant, name):
    with pytest.raises(InputError) as caught:
        espeak.Synthesizer(language, variant)
    assert str(caught.value) == f"voice '{name}': expected a voice of espeak-ng, found none of that name"


def test_a_text_that_is_not_ascii_is_refused():
    with pytest.raises(UnicodeEncodeError):
        espeak.Synthesizer("en-us").say("na\u00efve")


def test_a_missing_package_names_the_extra_that_installs_it(monkeypatch):
    espeak.check()
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(InputError) as caught:
        espeak.check()
    assert str(caught.value) == ("the synthesizer: expected the package espeakng-loader (extra `synth`: "
                                 "pip install '.[synth]'), found no such package")


def test_a_library_without_its_data_is_an_error_and_not_an_exit(tmp_path):
    """In a process of its own: the library keeps what it was told."""
    script = (f"import espeakng_loader\nespeakng_loader.get_data_path = lambda: {str(tmp_path)!r}\n"
              "from egs.synth import espeak\nfrom graphs.errors import InputError\n"
              "try:\n    espeak.Synthesizer('en-us')\nexcept InputError as error:\n    print(error)\n")
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"espeak-ng: expected its data in {tmp_path}, found error ")
