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


def by_loops(features, pdf_ids, starts, phones, fewest, rounds):
    """The method as it is described, frame by frame and boundary by boundary."""
    x = [frame for one in features for frame in one.double().numpy()]
    y = [int(label) for one in pdf_ids for label in one]
    offsets = np.cumsum([0, *map(len, features)])
    edges = [int(offset + start) for offset, own in zip(offsets, starts) for start in own] + [len(x)]
    names = [name if i else None for own in phones for i, name in enumerate(own)]
    kinds = {name for name in names if name is not None}
    often = [name for name in kinds if names.count(name) >= fewest]
    moved = dict.fromkeys(often, 0.0)
    for _ in range(rounds):
        mean = {label: np.mean([v for v, own in zip(x, y) if own == label], axis=0) for label in set(y)}
        variance = np.mean([(v - mean[own]) ** 2 for v, own in zip(x, y)], axis=0)

        def gain(frame, new, old):
            return sum(-0.5 * ((x[frame] - mean[new]) ** 2 - (x[frame] - mean[old]) ** 2) / variance)
        gains = {name: (sum(gain(t - 1, y[t], y[t - 1]) for t, n in zip(edges, names) if n == name),
                        sum(gain(t, y[t - 1], y[t]) for t, n in zip(edges, names) if n == name)) for name in often}
        steps = {name: 0 if max(both) <= 0 else 1 if both[0] >= both[1] else -1 for name, both in gains.items()}
        if not any(steps.values()):
            break
        before, labels = list(edges), list(y)
        for i, name in enumerate(names):
            t, step = before[i], steps.get(name, 0)
            if step == 1 and t - before[i - 1] > 2:
                y[t - 1], edges[i] = labels[t], t - 1
            elif step == -1 and before[i + 1] - t > 2:
                y[t], edges[i] = labels[t - 1], t + 1
        for name in often:
            moved[name] += steps[name]
    for name, (earlier, later) in gains.items():
        if earlier < 0 and later < 0:
            moved[name] += 0.5 * (later - earlier) / (later + earlier)
    everywhere = sum(names.count(name) * moved[name] for name in often) / max(1, sum(map(names.count, often)))
    return {name: moved.get(name, everywhere) for name in kinds}


@pytest.mark.parametrize("rounds", (1, 2, 10))
@pytest.mark.parametrize("seed", range(4))
def test_it_is_what_the_loops_say(monkeypatch, seed, rounds):
    generator = np.random.default_rng(seed)
    features, pdf_ids, starts, phones = [], [], [], []
    for _ in range(6):
        own = generator.integers(0, 5, 8)
        lengths = generator.integers(1, 5, 8)
        labels = np.repeat(2 * own, lengths) + generator.integers(0, 2, lengths.sum())  # pdf_ids of two states
        features.append(torch.from_numpy(generator.normal(0, 1, (len(labels), 3)) + labels[:, None] % 5).float())
        pdf_ids.append(np.roll(labels, 1))
        starts.append(np.cumsum(lengths) - lengths)
        phones.append([PHONES[p] for p in own])
    pdf_ids[0][3] = 11
    counts = sorted(sum(own[1:].count(phone) for own in phones) for phone in PHONES[:5])
    monkeypatch.setattr("hybrid.align.times.late.FEWEST", counts[2])  # the third may move, two may not
    monkeypatch.setattr("hybrid.align.times.late.ROUNDS", rounds)
    found = late_by_phone(features, pdf_ids, starts, phones)
    assert found == pytest.approx(by_loops(features, pdf_ids, starts, phones, counts[2], rounds))
    assert found.keys() == set().union(*(own[1:] for own in phones))


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
    uneven = np.array([0.0, 2.0, 3.0, 7.0])
    assert taken_off(uneven, [0, 9, 9, 9], 9.0) == pytest.approx([0, 2 - 0.9, 3 - 0.45, 7 - 1.8])
    assert taken_off(uneven, [0, -9, -9, -9], 9.0) == pytest.approx([0, 2 + 0.45, 3 + 1.8, 7 + 0.9])
