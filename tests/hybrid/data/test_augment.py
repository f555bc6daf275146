"""Copies in other acoustics: what is planned, what is heard, and that times and test sets stay as they are."""

import math

import numpy as np
import pytest
import soundfile
from lhotse.supervision import AlignmentItem
from lhotse.utils import fastcopy
from scipy.signal import correlate

from graphs.errors import InputError
from hybrid.data import noise
from hybrid.data.audio import load_audio
from hybrid.data.augment import AugmentOptions, files_read, make_hall, read_sources, with_copies
from hybrid.data.compute import compute_features
from hybrid.data.copies import copy_id, of_original, original_of
from hybrid.data.corpus import recording_of, utterance
from hybrid.data.features import FeatureOptions, FeatureReader
from hybrid.data.manifest import write_cuts
from hybrid.data.rooms import DISTANCE
from hybrid.outcomes import Outcomes
from tests.hybrid.data.material import noise_cut, ready_corpus, write_noise

RATE = 16000


def corpus(folder, number=6, seconds=0.5):
    return [noise_cut(folder, f"u{i}", seconds=seconds, seed=i, speaker=f"s{i % 3}") for i in range(number)]


def copies_of_kind(cuts, **options):
    """(copy, its recipe, samples of the original, samples of the copy) of every copy."""
    everything, recipes = with_copies(cuts, AugmentOptions(**{"copies": 1, **options}))
    originals = {cut.id: load_audio(cut)[0] for cut in cuts}
    return [(cut, recipes[cut.id], originals[original_of(cut.id)],
             recipes[cut.id].apply(originals[original_of(cut.id)], RATE))
            for cut in everything if cut.id in recipes]


def ratio(speech, added):
    return 10 * math.log10(np.mean(np.square(speech, dtype=float)) / np.mean(np.square(added, dtype=float)))


def test_names():
    assert copy_id("a-b", 2) == "a-b-aug2" and original_of("a-b-aug2") == "a-b"
    assert original_of("a-sp0.9-aug12") == "a-sp0.9"
    for name in ("a", "a-sp0.9", "a-aug", "a-aug0", "-aug1", "a-aug1b"):
        assert original_of(name) == name
    assert original_of("a-aug1-aug2") == "a-aug1"
    assert of_original({"a": 1, "a-aug1": 2}, "a-aug1") == 2
    assert of_original({"a": 1}, "a-aug3") == 1 and of_original({"a": 1}, "b") is None


def test_copies_follow_their_originals_and_keep_their_times(tmp_path):
    [first, *others] = corpus(tmp_path)
    words = {"word": [AlignmentItem("yes", 0.1, 0.2)]}
    first = fastcopy(first, supervisions=[fastcopy(first.supervisions[0], alignment=words)])
    everything, recipes = with_copies([first, *others], AugmentOptions(copies=2))
    assert [cut.id for cut in everything][:4] == ["u0", "u0-aug1", "u0-aug2", "u1"] and len(everything) == 18
    assert sorted(recipes) == sorted(cut.id for cut in everything if "aug" in cut.id)
    copy = everything[2]
    assert (copy.supervisions[0].id, copy.supervisions[0].speaker) == ("u0-aug2", "s0-aug2")
    assert copy.supervisions[0].text == "yes no" and copy.supervisions[0].alignment == words
    assert (copy.duration, copy.recording) == (first.duration, first.recording)
    assert copy.custom["augmentation"] == recipes["u0-aug2"].facts() and first.custom is None
    assert with_copies([first], AugmentOptions()) == ([first], {})


def test_plans_depend_on_seed_and_id_alone(tmp_path):
    cuts = corpus(tmp_path)

    def plan(cuts, **options):
        return {name: (recipe.seed, recipe.facts()) for name, recipe in with_copies(
            cuts, AugmentOptions(copies=2, **options))[1].items()}
    once = plan(cuts)
    assert once == plan(cuts) and len({seed for seed, _ in once.values()}) == 12
    other = plan(cuts, seed=1)
    assert all(once[name] != other[name] for name in once)
    fewer = {"noises": ("white", "pink"), "rooms": 0.5}  # the other cuts serve for babble only
    assert plan(cuts, **fewer)["u1-aug2"] == plan(cuts[1:2], **fewer)["u1-aug2"]


def test_kinds_ratios_and_rooms_have_their_shares(tmp_path):
    cuts = [noise_cut(tmp_path, "u0", seconds=0.1, speaker="a"), noise_cut(tmp_path, "u1", seconds=0.1, speaker="b")]
    _, recipes = with_copies(cuts, AugmentOptions(copies=600, rooms=0.25, snrs=(-5.0, 15.0), num_rooms=4,
                                                  rt60=(0.1, 0.2)))
    facts = [recipe.facts() for recipe in recipes.values()]
    for kind in noise.KINDS:
        assert sum(one["noise"] == kind for one in facts) == pytest.approx(400, abs=60)
    snrs = [one["snr"] for one in facts]
    assert -5 <= min(snrs) < -4.5 and 14.5 < max(snrs) <= 15 and np.mean(snrs) == pytest.approx(5, abs=0.6)
    rooms = [one["rt60"] for one in facts if "room" in one]
    assert len(rooms) == pytest.approx(300, abs=50) and len(set(rooms)) == 4
    assert all(0.1 <= rt60 <= 0.2 for rt60 in rooms)


@pytest.mark.parametrize("kind", noise.KINDS)
def test_noise_is_at_the_planned_ratio_and_the_same_again(tmp_path, kind):
    for cut, recipe, original, heard in copies_of_kind(corpus(tmp_path), noises=(kind,), rooms=0.0, snrs=(-5.0, 20.0)):
        assert heard.shape == original.shape and heard.dtype == np.float32
        assert ratio(original, heard - original) == pytest.approx(recipe.snr, abs=0.05)
        assert cut.custom["augmentation"] == {
            "noise": kind, "snr": recipe.snr, "sources": [one.id for one in recipe.sources]}
        assert np.array_equal(recipe.apply(original, RATE), heard)


def test_copies_of_one_utterance_differ(tmp_path):
    made = copies_of_kind(corpus(tmp_path), copies=3, noises=("white",), rooms=0.0, snrs=(0.0, 0.0))
    first, second = made[0], made[1]
    assert first[0].id == "u0-aug1" and second[0].id == "u0-aug2"
    assert abs(np.corrcoef(first[3] - first[2], second[3] - second[2])[0, 1]) < 0.1


def test_babble_is_made_of_other_speakers(tmp_path):
    cuts = corpus(tmp_path, number=24)
    speakers = {cut.id: cut.supervisions[0].speaker for cut in cuts}
    heard = set()
    for cut, recipe, original, mixed in copies_of_kind(cuts, noises=("babble",), rooms=0.0):
        voices = [speakers[source.id] for source in recipe.sources]
        assert len(set(voices)) == len(voices) == 2 and speakers[original_of(cut.id)] not in voices
        heard.update(source.id for source in recipe.sources)
        for source in recipe.sources:  # each voice is in the noise, at some place
            voice = load_audio(source)[0]
            around = np.fft.ifft(np.fft.fft(mixed - original) * np.conj(np.fft.fft(voice))).real
            size = np.linalg.norm(mixed - original) * np.linalg.norm(voice)
            assert np.abs(around).max() / size == pytest.approx(math.sqrt(0.5), abs=0.1)
    assert len(heard) > 12
    with pytest.raises(InputError, match="two training speakers"):
        with_copies(cuts[:1], AugmentOptions(copies=1, noises=("babble",)))


def test_rooms_keep_times_length_and_power(tmp_path):
    path = tmp_path / "click.wav"
    samples = np.zeros(RATE)
    samples[5000] = 0.9
    soundfile.write(str(path), samples, RATE)
    cut = utterance("click", recording_of(path), "x", "a")
    for copy, recipe, original, heard in copies_of_kind([cut], copies=5, noises=(), rooms=1.0, rt60=(0.2, 0.3)):
        assert len(heard) == RATE and np.abs(heard[:4999]).max() < 1e-6 and heard[5000] > 0.01
        assert np.sum(np.square(heard, dtype=float)) == pytest.approx(0.81, rel=1e-3)
        assert copy.custom["augmentation"] == {"room": list(recipe.hall.talker.size), "rt60": recipe.hall.talker.rt60}
        assert recipe.snr is None


def test_halls_have_a_place_for_every_voice():
    hall = make_hall(0, 3, (0.2, 0.4))
    assert hall == make_hall(0, 3, (0.2, 0.4)) != make_hall(0, 4, (0.2, 0.4))
    assert hall != make_hall(1, 3, (0.2, 0.4))
    places = {room.source for room in (hall.talker, *hall.others)}
    assert len(places) == 1 + noise.AT_ONCE and len({room.microphone for room in (hall.talker, *hall.others)}) == 1
    assert all(math.dist(room.source, room.microphone) >= DISTANCE[0] for room in hall.others)


def test_recorded_noise_from_a_folder(tmp_path):
    cuts = corpus(tmp_path / "speech")
    write_noise(tmp_path / "noises" / "in" / "long.wav", seconds=3.0, rate=8000, seed=50)
    write_noise(tmp_path / "noises" / "short.WAV", seconds=0.2, channels=2, seed=51)
    (tmp_path / "noises" / "README").write_text("no audio")
    options = dict(noises=("recorded",), rooms=0.0, noise_files=str(tmp_path / "noises"), copies=4)
    made = copies_of_kind(cuts, **options)
    assert {recipe.sources[0].id for _, recipe, _, _ in made} == {"in/long.wav", "short.WAV"}
    for _, recipe, original, heard in made:
        added = heard - original
        assert ratio(original, added) == pytest.approx(recipe.snr, abs=0.05)
        power = np.abs(np.fft.rfft(added)) ** 2
        above = power[len(power) * 5 // 8:].sum() / power.sum()  # above 5 kHz
        assert above < 0.01 if recipe.sources[0].id == "in/long.wav" else above > 0.2
        if recipe.sources[0].id == "short.WAV":  # repeated
            assert np.allclose(added[:3000], added[3200:6200], atol=1e-6)
    assert files_read(AugmentOptions(**options)) == {tmp_path / "noises/in/long.wav", tmp_path / "noises/short.WAV"}
    assert files_read(AugmentOptions(**{**options, "copies": 0})) == set()


def test_different_parts_of_a_long_noise(tmp_path):
    write_noise(tmp_path / "n" / "long.wav", seconds=20.0, seed=50)
    made = copies_of_kind(corpus(tmp_path / "s"), noises=("recorded",), rooms=0.0, noise_files=str(tmp_path / "n"))
    long = load_audio(read_sources("x", str(tmp_path / "n"))[0])[0]
    places = []
    for _, _, original, heard in made:
        match = correlate(long, heard - original, "valid")
        places.append(int(match.argmax()))
        part = long[places[-1]:places[-1] + len(original)]
        assert np.corrcoef(part, heard - original)[0, 1] > 0.999
    assert len(set(places)) == len(places) and max(places) > 5 * RATE


def test_measured_responses_from_a_manifest(tmp_path):
    response = np.zeros(800)
    response[[100, 500]] = 0.5, 0.25
    soundfile.write(str(tmp_path / "r.wav"), response, RATE, subtype="FLOAT")
    write_cuts(tmp_path / "r.jsonl.gz", [utterance("church", recording_of(tmp_path / "r.wav"), "")])
    for copy, _, original, heard in copies_of_kind(corpus(tmp_path / "s"), noises=(), rooms=1.0,
                                                   responses=str(tmp_path / "r.jsonl.gz")):
        expected = original.astype(float)
        expected[400:] += 0.5 * original[:-400]
        scale = np.linalg.norm(original) / np.linalg.norm(expected)
        assert np.allclose(heard, scale * expected, atol=1e-5)
        assert copy.custom["augmentation"] == {"response": "church"}


def test_point_sources_stand_in_the_room(tmp_path):
    """In a room the noise is reverberated, too, from another place than the speech."""
    path = tmp_path / "n" / "click.wav"
    path.parent.mkdir()
    samples = np.zeros(8000)
    samples[4000] = 0.9
    soundfile.write(str(path), samples, RATE)
    silent = np.zeros(8000, np.float32)
    silent[0] = 1e-3
    [(_, recipe, _, _), *_] = copies_of_kind(corpus(tmp_path / "s"), noises=("recorded",), rooms=1.0,
                                             noise_files=str(tmp_path / "n"), snrs=(-40.0, -40.0))
    heard = recipe.apply(silent, RATE)
    assert (np.abs(heard) > 1e-3 * np.abs(heard).max()).sum() > 100  # no lone click


def test_sources_that_are_not_there(tmp_path):
    cuts = corpus(tmp_path / "s")
    (tmp_path / "empty").mkdir()
    for place, message in (("empty", "found none"), ("nowhere", "nowhere")):
        with pytest.raises(InputError, match=message):
            with_copies(cuts, AugmentOptions(copies=1, noises=("recorded",), noise_files=str(tmp_path / place)))
    (tmp_path / "empty" / "bad.wav").write_bytes(b"no audio at all")
    with pytest.raises(InputError, match="augment.responses.*bad.wav"):
        with_copies(cuts, AugmentOptions(copies=1, responses=str(tmp_path / "empty")))
    with pytest.raises(InputError, match="cut u0-aug1"):
        with_copies([noise_cut(tmp_path, "u0-aug1")], AugmentOptions(copies=1, noises=("white",)))


@pytest.mark.parametrize("bad, name", [
    ({"copies": -1}, "copies"), ({"noises": ("purple",)}, "noises"), ({"noises": ("recorded",)}, "noise_files"),
    ({"noise_files": "x"}, "noise_files"), ({"snrs": (10.0, 5.0)}, "snrs"), ({"snrs": (5.0,)}, "snrs"),
    ({"snrs": (-50.0, 5.0)}, "snrs"), ({"rooms": 1.5}, "rooms"), ({"rooms": -0.1}, "rooms"),
    ({"rt60": (0.0, 0.5)}, "rt60"),
    ({"rt60": (0.5, 0.4)}, "rt60"), ({"rt60": (0.5, 9.0)}, "rt60"), ({"num_rooms": 0}, "num_rooms"),
    ({"copies": 1, "noises": (), "rooms": 0.9}, "noises")])
def test_options_out_of_range(bad, name):
    with pytest.raises(ValueError, match=name):
        AugmentOptions(**bad)


def features_of(folder, cuts, augment, training=True, nj=1, outcomes=None):
    pytest.importorskip("kaldifeat", reason="kaldifeat is not built (./run.sh doctor)")
    folder.mkdir()
    outcomes = Outcomes() if outcomes is None else outcomes
    options = FeatureOptions(device="cpu", cmvn="none", batch_seconds=1.0, max_failed_share=0.5)
    compute_features(cuts, options, folder, outcomes, training, nj, augment=augment)
    return FeatureReader(folder)


def test_features_of_copies(tmp_path):
    cuts = corpus(tmp_path, number=4)
    options = AugmentOptions(copies=1, rooms=0.5, rt60=(0.1, 0.2), snrs=(5.0, 5.0))
    reader = features_of(tmp_path / "a", cuts, options)
    again = features_of(tmp_path / "b", cuts, options, nj=2)
    assert reader.ids == again.ids == [name for i in range(4) for name in (f"u{i}", f"u{i}-aug1")]
    for name in reader.ids:
        assert reader[name].equal(again[name]) and reader.num_frames(name) == 50
        assert (name == original_of(name)) == reader[name].equal(reader[original_of(name)])
    assert reader.cut("u1-aug1").custom["augmentation"]["snr"] == 5.0


def test_no_copies_of_a_test_set(tmp_path):
    reader = features_of(tmp_path / "f", corpus(tmp_path), AugmentOptions(copies=2), training=False)
    assert reader.ids == [f"u{i}" for i in range(6)]


def test_copies_that_fail_are_named(tmp_path):
    cuts = corpus(tmp_path, number=2)
    soundfile.write(str(write_noise(tmp_path / "n" / "silent.wav")), np.zeros(RATE), RATE)
    outcomes = Outcomes()
    reader = features_of(tmp_path / "f", cuts, AugmentOptions(
        copies=1, noises=("recorded",), noise_files=str(tmp_path / "n")), outcomes=outcomes)
    assert reader.ids == ["u0", "u1"] and outcomes.counts == {"done": 2, "failed": 2}
    assert "noise silent.wav: expected sound" in outcomes.notable["u1-aug1"][1]


def test_ready_features_have_no_copies(tmp_path):
    with pytest.raises(InputError, match="augment.copies"):
        features_of(tmp_path / "f", ready_corpus(tmp_path / "made", number=3), AugmentOptions(copies=1))
