"""Simulated rooms: against a sum over images written out, decay times, and times of what is heard."""

import itertools
import math

import numpy as np
import pytest

from hybrid.data.rooms import (
    DISTANCE, LARGEST, SMALLEST, SOUND, Room, _images, direct_path, elsewhere, random_room, reverberate,
    room_response)

RATE = 16000
LIVING = Room((5.0, 4.0, 2.7), 0.4, (2.0, 1.5, 1.2), (3.4, 2.5, 1.6))


def _by_reflection(room, rate, walls):
    """The response up to a number of reflections, by mirroring the source in one wall after the other."""
    places = {tuple(room.source): 0}
    waiting = [tuple(room.source)]
    for count in range(1, walls + 1):
        new = []
        for place, axis, wall in itertools.product(waiting, range(3), (0, 1)):
            mirrored = list(place)
            mirrored[axis] = 2 * wall * room.size[axis] - place[axis]
            key = tuple(round(x, 9) for x in mirrored)
            if key not in places and tuple(mirrored) not in places:
                places[key] = count
                new.append(key)
        waiting = new
    direct = math.dist(room.source, room.microphone)
    found = []
    for place, count in places.items():
        distance = math.dist(place, room.microphone)
        height = (-math.sqrt(1 - room.absorption())) ** count * direct / distance
        found.append(((distance - direct) / SOUND * rate, height))
    return sorted(found)


def test_first_reflections_against_mirroring_wall_by_wall():
    response = room_response(LIVING, RATE)
    assert response[0] == pytest.approx(1.0, abs=2e-3)
    paths = _by_reflection(LIVING, RATE, 4)
    until = 150  # samples: what comes that early took 4 reflections at most
    expected = np.zeros(until)
    samples = np.arange(until)
    for time, height in paths:
        expected += height * np.sinc(samples - time)
    # the filter behind the images is no exact low-pass: compare what both let through
    spectrum, wanted = np.fft.rfft(response[:until]), np.fft.rfft(expected)
    low = slice(0, until // 4)
    assert np.abs(spectrum - wanted)[low].max() < 0.12 * np.abs(wanted).max()
    assert np.corrcoef(response[:until], expected)[0, 1] > 0.97


@pytest.mark.parametrize("longest", [2.0, 9.9, 40.0])
def test_images_in_one_dimension_by_mirroring_to_and_fro(longest):
    rng = np.random.default_rng(0)
    for edge in (*rng.uniform(2.0, 6.0, size=20), *rng.uniform(0.3, 0.8, size=5)):
        source, microphone = rng.uniform(0, edge, size=2)
        expected = [(source - microphone, 0)]
        for wall in (0.0, edge):  # the one that is met first
            place = source
            for count in range(1, 150):
                place, wall = 2 * wall - place, edge - wall
                expected.append((place - microphone, count))
        expected = sorted(one for one in expected if abs(one[0]) <= longest)
        offsets, reflections = _images(edge, source, microphone, longest)
        order = np.argsort(offsets)
        assert reflections[order].tolist() == [count for _, count in expected]
        assert np.allclose(offsets[order], [offset for offset, _ in expected])


def test_one_reflection_by_hand():
    """From the floor of a hall whose other walls are too far away, 50 1/4 samples after the sound itself."""
    path = 2.0 + 50.25 / RATE * 343.0
    height = math.sqrt(path ** 2 - 2.0 ** 2) / 2
    hall = Room((40.0, 40.0, 40.0), 0.1, (19.0, 20.0, height), (21.0, 20.0, height))
    energy = math.exp(-24 * math.log(10) / 343.0 * 40 ** 3 / (6 * 40 ** 2 * 0.1))  # what a wall leaves, by Eyring
    assert hall.absorption() == pytest.approx(1 - energy, rel=1e-9)
    response = room_response(hall, RATE)
    assert len(response) == 1601
    around = response[35:66]
    assert around.sum() == pytest.approx(-math.sqrt(energy) * 2.0 / path, rel=2e-3)
    assert np.arange(35, 66) @ around / around.sum() == pytest.approx(50.25, abs=0.02)
    assert not response[66:].any() and np.abs(response[1:35]).max() < 1e-3


@pytest.mark.parametrize("rt60, heard", [(2 / 343, False), (2.001 / 343, True)])
def test_what_comes_after_rt60_seconds_is_left_out(rt60, heard):
    """Two walls are 2 metres further away than the source; the others are further still."""
    response = room_response(Room((3.0, 3.0, 3.0), rt60, (1.0, 1.5, 1.5), (2.0, 1.5, 1.5)), RATE)
    assert len(response) == pytest.approx(rt60 * RATE, abs=2)
    assert response[60:].any() == heard


def decay_time(response, rate):
    """Seconds for 60 dB, from -5 to -25 dB of what is left to come (Schroeder, JASA 37, 1965)."""
    left = np.cumsum(response[::-1] ** 2)[::-1]
    decibels = 10 * np.log10(left / left[0] + 1e-30)
    first, last = (int(np.argmax(decibels <= level)) for level in (-5, -25))
    return 3 * (last - first) / rate


@pytest.mark.parametrize("rt60", [0.2, 0.4, 0.8])
@pytest.mark.parametrize("size", [(4.0, 4.2, 3.0), (6.0, 5.0, 3.0)])
def test_decay_is_near_eyrings(size, rt60):
    """Of a box with even walls it is known to be somewhat slower, since sound along it meets walls less often."""
    room = Room(size, rt60, (2.0, 2.0, 1.5), (3.1, 3.2, 1.7))
    times = [decay_time(room_response(room, rate), rate) for rate in (8000, RATE)]
    assert 0.9 * rt60 < times[1] < 1.35 * rt60
    assert times[0] == pytest.approx(times[1], rel=0.1)
    assert len(room_response(room, RATE)) == pytest.approx(rt60 * RATE, abs=3)


def test_eyring_and_sabine():
    x, y, z = LIVING.size
    surface, volume = 2 * (x * y + y * z + z * x), x * y * z
    assert 0.1611 * volume / (-surface * math.log(1 - LIVING.absorption())) == pytest.approx(0.4, rel=1e-3)
    quiet = Room(LIVING.size, 5.0, LIVING.microphone, LIVING.source)  # little absorption: Sabine's formula
    assert 0.1611 * volume / (surface * quiet.absorption()) == pytest.approx(5.0, rel=0.02)


def test_no_hum():
    """All images in phase would pile up below the first mode of the room."""
    spectrum = np.abs(np.fft.rfft(room_response(LIVING, RATE), RATE))
    assert spectrum[:15].max() < spectrum[100:4000].mean()


def test_random_rooms_are_within_their_bounds_and_those_of_the_seed():
    rng = np.random.default_rng(0)
    for _ in range(50):
        room = random_room(rng, (0.2, 0.5))
        assert all(low <= edge <= high for low, edge, high in zip(SMALLEST, room.size, LARGEST))
        assert 0.2 <= room.rt60 <= 0.5 and DISTANCE[0] <= math.dist(room.microphone, room.source) <= DISTANCE[1]
        other = elsewhere(room, rng)
        assert (other.size, other.rt60, other.microphone) == (room.size, room.rt60, room.microphone)
        assert other.source != room.source and math.dist(other.source, other.microphone) >= DISTANCE[0]
    rooms = [random_room(np.random.default_rng(seed), (0.2, 0.5)) for seed in (1, 1, 2)]
    assert rooms[0] == rooms[1] != rooms[2]


def test_random_rooms_fill_their_bounds():
    rng = np.random.default_rng(0)
    rooms = [random_room(rng, (0.2, 0.5)) for _ in range(2000)]
    others = [elsewhere(room, rng) for room in rooms]

    def spans(values, least, largest):
        return np.all((np.min(values, 0) >= least) & (np.max(values, 0) <= largest)
                      & (np.ptp(values, axis=0) > 0.95 * (np.array(largest) - least)))
    sizes = np.array([room.size for room in rooms])
    assert spans(sizes, (3.0, 2.5, 2.3), (9.0, 7.0, 3.5)) and spans([room.rt60 for room in rooms], 0.2, 0.5)
    assert spans([math.dist(room.microphone, room.source) for room in rooms], 0.5, 2.5)
    far = [math.dist(other.microphone, other.source) for other in others]
    assert 0.5 <= min(far) < 0.6 and max(far) > 6
    for places in ([room.microphone for room in rooms], [room.source for room in rooms],
                   [other.source for other in others]):  # as shares of what is 30 cm from the walls
        assert spans((np.array(places) - 0.3) / (sizes - 0.6), 0.0, 1.0)


@pytest.mark.parametrize("changes", [
    {"rt60": 1e-3}, {"size": (0.5, 0.5, 0.5), "microphone": (0.1, 0.1, 0.1), "source": (0.4, 0.1, 0.1)},
    {"microphone": (0.01, 1.5, 1.2), "source": (0.02, 1.5, 1.2)}, {"microphone": (4.999, 0.001, 2.699)}])
def test_rooms_that_can_be(changes):
    assert 0 < Room(**{**LIVING.__dict__, **changes}).absorption() <= 1


@pytest.mark.parametrize("bad, message", [
    ({"rt60": 0.0}, "rt60"), ({"size": (1.0, 0.0, 1.0)}, "size"), ({"microphone": (2.0, 4.0, 1.0)}, "microphone"),
    ({"source": (-0.1, 1.0, 1.0)}, "source"), ({"source": (2.0, 1.5, 1.205)}, "1 cm"),
    ({"rt60": math.inf}, "size, rt60: expected above 0, found .*inf"), ({"size": (5.0, 4.0, math.inf)}, "size"),
    ({"rt60": -0.5}, "rt60"), ({"source": (2.0, 1.5, 1.2099)}, "source: expected 1 cm from the microphone at least"),
    ({"source": (5.0, 1.0, 1.0)}, r"source: expected a place inside \(5.0, 4.0, 2.7\), found \(5.0, 1.0, 1.0\)"),
    ({"microphone": (1.0, 1.0, 0.0)}, "microphone")])
def test_rooms_that_cannot_be(bad, message):
    with pytest.raises(ValueError, match=message):
        Room(**{**LIVING.__dict__, **bad})


def test_what_is_heard_begins_when_it_was_said_and_is_as_long_and_as_strong():
    audio = np.zeros(8000)
    audio[3000:3400] = np.random.default_rng(0).normal(size=400)
    heard = reverberate(audio, room_response(LIVING, RATE))
    assert heard.shape == audio.shape and np.mean(heard ** 2) == pytest.approx(np.mean(audio ** 2))
    assert np.abs(heard[:2999]).max() < 1e-9 < np.abs(heard[3000])
    assert np.abs(heard[3500:]).max() > 0  # it rings on
    lag = np.argmax(np.correlate(heard, audio[3000:3400], "valid"))
    assert lag == 3000


def test_a_measured_response_counts_from_its_direct_path():
    response = np.zeros(500)
    response[[40, 41, 90, 300]] = 0.02, -0.8, 1.0, 0.3  # a reflection louder than the direct path
    assert direct_path(response) == 41
    assert direct_path(np.array([0.49, -0.5, 1.0])) == 1 and direct_path(np.array([0.2])) == 0
    assert direct_path(np.array([1.0, -2.0, 4.0])) == 1 and direct_path(np.array([0.01, 0.02, 0.01])) == 0
    audio = np.zeros(1000)
    audio[200] = 1.0
    heard = reverberate(audio, response, 41)
    scale = 1 / np.sqrt(np.sum(response ** 2))
    expected = np.zeros(1000)
    expected[[199, 200, 249, 459]] = scale * np.array([0.02, -0.8, 1.0, 0.3])
    assert np.allclose(heard, expected)


def test_nothing_and_silence():
    nothing = reverberate(np.zeros(0), np.ones(3))
    assert nothing.shape == (0,) and nothing.dtype == np.float64
    assert reverberate(np.array([-0.3]), np.array([2.0, 1.0])).tolist() == [pytest.approx(-0.3)]
    assert not reverberate(np.zeros(10), np.ones(3)).any()
    assert not reverberate(np.ones(10), np.zeros(3)).any()
    heard = reverberate(np.full(4, 30000, np.int16), np.array([0.5]))  # squares are no 16-bit numbers
    assert heard.dtype == np.float64 and np.allclose(heard, 30000)
