"""What copies are made with: which part of a noise, which channel, which voices and places in a room, which files."""

import math

import numpy as np
import pytest
import soundfile
from lhotse.utils import fastcopy

from graphs.errors import InputError
from hybrid.data import noise
from hybrid.data.augment import AugmentOptions, Recipe, files_read, make_hall, read_sources, with_copies
from hybrid.data.corpus import recording_of, utterance
from hybrid.data.manifest import write_cuts
from hybrid.data.rooms import Room, reverberate, room_response
from tests.hybrid.data.material import noise_cut, ready_cut

RATE = 16000
HALL = make_hall(0, 0, (0.1, 0.1))


def source(folder, name, samples, channel=0):
    path = folder / f"{name}.wav"
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(str(path), samples, RATE, subtype="FLOAT")
    return utterance(name, recording_of(path, name), "", channel=channel)


def added(recipe, count=160):
    """What a recipe adds to a steady sound, of which the noise is 100 times as strong."""
    steady = np.ones(count)
    return recipe.apply(steady, RATE).astype(float) - steady


@pytest.mark.parametrize("length, repeats", [(3200, False), (352, False), (320, True), (160, True), (100, True)])
def test_a_part_of_a_source_and_a_short_one_again_and_again(tmp_path, length, repeats):
    """Short is what is at most 10 ms longer."""
    ramp = source(tmp_path, "ramp", np.arange(1, length + 1) / 4096)
    first = []
    for seed in range(60):
        part = added(Recipe(seed, "recorded", -40.0, (ramp,)))
        part = np.rint(part / np.median(np.diff(part))).astype(int)  # in steps of the ramp
        first.append(part[0])
        assert np.array_equal(part, 1 + (part[0] - 1 + np.arange(160)) % length)
    assert repeats or all((place - 1) % 16 == 0 for place in first)  # whole milliseconds
    assert len(set(first)) > 35 or length == 352
    last = length if repeats else length - 160 + 1  # the last place at which a part begins
    assert 1 <= min(first) < 1 + 0.1 * last and (0.9 if repeats else 0.5) * last < max(first) <= last


@pytest.mark.parametrize("kind", [noise.white, noise.pink])
def test_noise_of_a_formula_is_that_of_the_seed(kind):
    recipe = Recipe(7, kind.__name__, -40.0, hall=HALL)  # no room for it: it comes from everywhere
    made = kind(160, np.random.default_rng(7))
    heard = reverberate(np.ones(160), room_response(HALL.talker, RATE))
    expected = heard + 100 * made / np.sqrt(np.mean(made ** 2))
    np.testing.assert_allclose(recipe.apply(np.ones(160), RATE), expected, atol=1e-4)


def test_each_voice_of_babble_is_heard_from_its_own_place_and_as_loud_as_the_others(tmp_path):
    heights = (0.001, -0.01, 0.1)  # steady sounds: alike at every place
    cuts = tuple(source(tmp_path, f"v{height}", np.full(160, height)) for height in heights)
    wanted = sum(np.sign(height) * reverberate(np.ones(160), room_response(room, RATE))
                 for height, room in zip(heights, HALL.others))
    speech = reverberate(np.ones(160), room_response(HALL.talker, RATE))
    heard = Recipe(3, "babble", 0.0, cuts, HALL).apply(np.ones(160), RATE)
    np.testing.assert_allclose(heard, speech + wanted / np.sqrt(np.mean(wanted ** 2)), atol=1e-4)


def test_of_several_channels_the_first_is_taken(tmp_path):
    two = np.stack([np.tile([0.5, -0.5], 400), np.full(800, 0.25)], axis=1)
    write_cuts(tmp_path / "two.jsonl.gz", [source(tmp_path, "two", two, channel=None)])
    both = read_sources("x", str(tmp_path / "two.jsonl.gz"))
    assert both[0].num_channels == 2
    np.testing.assert_allclose(np.abs(np.diff(added(Recipe(0, "recorded", -40.0, tuple(both))))), 200.0, rtol=1e-4)


def test_a_measured_response_stands_in_for_the_room_and_noise_comes_from_everywhere(tmp_path):
    response = source(tmp_path, "r", np.eye(1, 40, 3)[0])
    recipe = Recipe(0, "white", 10.0, response=response)
    made = noise.white(50, np.random.default_rng(0))
    np.testing.assert_allclose(recipe.apply(np.ones(50), RATE),
                               1 + made * math.sqrt(0.1 / np.mean(made ** 2)), atol=1e-5)
    assert recipe.facts() == {"noise": "white", "snr": 10.0, "sources": [], "response": "r"}
    assert Recipe(0).facts() == {}


@pytest.mark.parametrize("recipe", [Recipe(0, "white", 0.0), Recipe(0, "pink", 0.0, hall=HALL), Recipe(0)])
def test_nothing_is_heard_of_nothing(recipe):
    heard = recipe.apply(np.zeros(0, np.float32), RATE)
    assert heard.shape == (0,) and heard.dtype == np.float32


@pytest.mark.parametrize("speakers, voices", [(2, 1), (4, 3), (6, 5), (8, 5)])
def test_babble_has_up_to_five_voices_of_all_the_others(tmp_path, speakers, voices):
    cuts = [noise_cut(tmp_path, f"u{i}", seconds=0.1, speaker=f"s{i}") for i in range(speakers)]
    _, recipes = with_copies(cuts, AugmentOptions(copies=20, noises=("babble",)))
    for name, recipe in recipes.items():
        ids = {cut.id for cut in recipe.sources}
        assert len(ids) == len(recipe.sources) == voices and name.split("-")[0] not in ids
    assert len({cut.id for recipe in recipes.values() for cut in recipe.sources}) == speakers


def test_copies_draw_from_all_rooms_sources_and_responses(tmp_path):
    speech = [noise_cut(tmp_path, "u", seconds=0.1)]
    for name in "abc":
        source(tmp_path / "n", name, np.ones(300))
        source(tmp_path / "r", name, np.ones(300))
    options = dict(copies=60, noises=("recorded",), noise_files=str(tmp_path / "n"), rooms=0.5, num_rooms=3, seed=4)
    _, recipes = with_copies(speech, AugmentOptions(**options))
    halls = [make_hall(4, number, (0.2, 0.8)) for number in range(3)]
    assert {recipe.hall for recipe in recipes.values()} == {None, *halls}
    assert {tuple(one.id for one in recipe.sources) for recipe in recipes.values()} == {
        ("a.wav",), ("b.wav",), ("c.wav",)}
    snrs = [recipe.snr for recipe in recipes.values()]
    assert snrs == [round(snr, 2) for snr in snrs] != [round(snr, 1) for snr in snrs]
    options["responses"] = str(tmp_path / "r")
    _, recipes = with_copies(speech, AugmentOptions(**options))
    assert {recipe.response and recipe.response.id for recipe in recipes.values()} == {None, "a.wav", "b.wav", "c.wav"}
    assert {recipe.hall for recipe in recipes.values()} == {None}
    assert files_read(AugmentOptions(**options)) == {
        tmp_path / folder / f"{name}.wav" for folder in "nr" for name in "abc"}


def test_copies_keep_what_is_known_of_an_utterance(tmp_path):
    cut = noise_cut(tmp_path, "u", speaker=None, seconds=0.1)
    cut = fastcopy(cut, custom={"origin": "radio"})
    everything, recipes = with_copies([cut], AugmentOptions(copies=1, noises=("white",)))
    assert [one.id for one in everything] == ["u", "u-aug1"] and everything[1].supervisions[0].speaker is None
    assert everything[1].custom == {"origin": "radio", "augmentation": recipes["u-aug1"].facts()}
    assert cut.custom == {"origin": "radio"}


@pytest.mark.parametrize("kept, found", [("none", "none"), ("lone", "lone"), ("void", "void.wav")])
def test_sources_without_sound(tmp_path, kept, found):
    """No cut at all, one without a recording, one of no samples after good ones."""
    place = tmp_path / kept
    good = [source(place, "a", np.ones(10))]
    if kept == "void":
        source(place, "void", np.ones(0))
    else:
        place = tmp_path / f"{kept}.jsonl.gz"
        write_cuts(place, [*good, ready_cut(tmp_path / "f", "lone", np.ones((3, 2)))] if kept == "lone" else [])
    with pytest.raises(InputError) as error:
        read_sources("augment.responses", str(place))
    assert str(error.value) == (
        f"augment.responses = {place}: expected audio files, or cuts with recordings, found {found}")
    assert read_sources("augment.responses", "") == []


def test_a_room_is_that_of_its_seed_and_number():
    assert HALL.talker != make_hall(0, 0, (0.2, 0.2)).talker and HALL.talker.rt60 == pytest.approx(0.1)
    assert isinstance(HALL.talker, Room) and len(HALL.others) == 5


@pytest.mark.parametrize("options", [
    {"snrs": (-40.0, 100.0)}, {"snrs": (5.0, 5.0)}, {"rt60": (0.05, 3.0)}, {"rt60": (0.3, 0.3)}, {"rooms": 0.0},
    {"rooms": 1.0}, {"num_rooms": 1}, {"copies": 1, "noises": (), "rooms": 1.0}, {"noises": (), "rooms": 0.0},
    {"copies": 1, "rooms": 0.0}, {"noises": ("recorded", "pink"), "noise_files": "x"}])
def test_options_at_their_bounds(options):
    AugmentOptions(**options)


@pytest.mark.parametrize("bad, message", [
    ({"snrs": (-40.1, 5.0)}, r"snrs: expected lowest and highest, -40 to 100 dB, found \(-40.1, 5.0\)"),
    ({"snrs": (0.0, 100.1)}, "snrs"), ({"snrs": (1.0, 2.0, 3.0)}, "snrs"), ({"snrs": (float("nan"), 1.0)}, "snrs"),
    ({"rt60": (0.049, 0.5)}, r"rt60: expected shortest and longest, 0.05 to 3 seconds, found \(0.049, 0.5\)"),
    ({"rt60": (0.5, 3.01)}, "rt60"), ({"rt60": (0.5,)}, "rt60"), ({"rt60": (0.1, 0.2, 0.3)}, "rt60"),
    ({"noises": ("red", "white", "blue")},
     "noises: expected some of white, pink, babble, recorded, found blue, red$")])
def test_options_just_outside_of_them(bad, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        AugmentOptions(**bad)
