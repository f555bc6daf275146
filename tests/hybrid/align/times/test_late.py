"""Phones that are planted late are found to be so, each by its own measure."""

import numpy as np
import pytest
import torch

from graphs.errors import InputError
from hybrid.align.times.late import FEWEST, late_by_phone, taken_off

PHONES = "abcdef"


def utterances(late, count=60, seed=0, parts=8, noise=0.5):
    """Segments of phones with means of their own, a sound `parts` times finer than frames; `late`: frames by phone."""
    generator = np.random.default_rng(seed)
    means = np.random.default_rng(99).normal(0, 2, (len(PHONES), 6))
    features, pdf_ids, starts, phones = [], [], [], []
    for _ in range(count):
        own = [int(generator.integers(len(PHONES)))]
        while len(own) < 20:
            own += [int(p) for p in generator.integers(len(PHONES), size=1) if p != own[-1]]
        lengths = generator.integers(5 * parts, 12 * parts, len(own))
        sound = np.repeat(means[own], lengths, axis=0)
        num_frames = len(sound) // parts
        x = sound[:num_frames * parts].reshape(num_frames, parts, -1).mean(axis=1)
        true = np.concatenate([[0], np.cumsum(lengths)[:-1]]) / parts
        found = np.round(true + [0, *(late.get(PHONES[p], 0) for p in own[1:])]).astype(int)
        features.append(torch.from_numpy(x + generator.normal(0, noise, x.shape)).float())
        pdf_ids.append(np.repeat(own, np.diff(np.append(found, num_frames))))
        starts.append(found)
        phones.append([PHONES[p] for p in own])
    return features, pdf_ids, starts, phones


def test_each_phone_is_found_as_late_as_it_is():
    late = {"a": 2.0, "b": -1.0, "c": 0.0, "d": 3.0, "e": 0.5, "f": -0.25}
    found = late_by_phone(*utterances(late))
    assert found == pytest.approx(late, abs=0.15)


def test_what_is_given_stays_as_it_is():
    given = utterances({"a": 2.0}, count=20)
    before = [y.copy() for y in given[1]], [s.copy() for s in given[2]]
    late_by_phone(*given)
    assert all(map(np.array_equal, given[1], before[0])) and all(map(np.array_equal, given[2], before[1]))


def test_a_rare_phone_takes_the_mean_of_the_others():
    features, pdf_ids, starts, phones = utterances({phone: 1.0 for phone in PHONES}, count=20)
    for own in phones:
        own[1:] = ["rare" if i == 1 and own is phones[0] else phone for i, phone in enumerate(own[1:], 1)]
    found = late_by_phone(features, pdf_ids, starts, phones)
    often = {phone: sum(own[1:].count(phone) for own in phones) for phone in PHONES}
    assert min(often.values()) >= FEWEST
    assert found["rare"] == pytest.approx(sum(often[p] * found[p] for p in PHONES) / sum(often.values()))
    assert found["rare"] == pytest.approx(1.0, abs=0.15)


def test_little_data_gives_nothing_rather_than_an_error():
    assert late_by_phone([], [], [], []) == {}
    assert late_by_phone([torch.zeros(4, 2)], [np.zeros(4, int)], [[0]], [["a"]]) == {}
    two = late_by_phone([torch.zeros(4, 2)], [np.array([0, 0, 1, 1])], [[0, 2]], [["a", "b"]])
    assert two == {"b": 0.0}


def test_sounds_that_are_all_alike_move_nothing():
    features, pdf_ids, starts, phones = utterances({}, count=20)
    assert set(late_by_phone([torch.ones_like(x) for x in features], pdf_ids, starts, phones).values()) == {0.0}


def test_labels_of_other_frames_are_refused():
    with pytest.raises(InputError, match="a pdf_id for each frame"):
        late_by_phone([torch.zeros(3, 2)], [np.zeros(4, int)], [[0]], [["a"]])


def test_taken_off_leaves_each_phone_a_tenth():
    starts = np.array([0.0, 1.0, 2.0, 3.0])
    assert taken_off(starts, [0.3, 0.25, -0.125, 0], 4.0).tolist() == [0.0, 0.75, 2.125, 3.0]
    assert taken_off(starts, [0, -9, 9, 9], 4.0) == pytest.approx([0, 1.45, 1.55, 2.55])
    assert taken_off(starts, [0, 9, 9, -9], 4.0) == pytest.approx([0, 0.55, 1.55, 3.45])
    assert taken_off(np.array([0.0]), [5.0], 1.0).tolist() == [0.0]
