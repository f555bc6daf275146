"""Hostile variants of a valid file: of its bytes, lines and tokens, of what is compressed, of JSON values."""

import copy
import gzip
import io
import json
import random
import re
import tempfile
from pathlib import Path
from typing import Callable

import numpy as np

from graphs.archive import Array, write_archive

TOKENS = [token.encode("utf-8") for token in (
    "", "0", "-1", "1", "+5", "1.5", "-0.0", "0x10", "1_000", "٣", "²", "inf", "-inf", "nan", "NaN", "Infinity", "-99",
    "1e400", "-1e400", "2147483647", "2147483648", "4294967296", "1000000000000", "1" + 20 * "0", 5000 * "9",
    "<eps>", "#0", "#1", "<s>", "</s>", "<unk>", "null", "None", "true", "[]", "{}", '"', "\\", "(", ")", "[", "]",
    "{", "}", "..", "/", "%s", "\ufeff", "\u2028", "\u00a0", "\u3000", "e\u0301", "\U0001f600")]
TOKENS += [b"\x00", b"\xe9", b"\xff\xfe", b"\xed\xa0\x80", b"\x1a", b"\r", b"\n", b"\x1f\x8b"]
VALUES = [None, True, False, 0, -1, 1.5, 10 ** 12, 10 ** 20, 10 ** 400, -1e308, float("nan"), float("inf"), "", "x",
          "1", "\x00", "\ud800", [], [[]], [None], {}, {"": None}]
_BLANKS = re.compile(rb"([\s,:;=\"'(){}\[\]<>|/]+)")


def mutate(data: bytes, random: random.Random) -> bytes:
    """One to four edits of bytes, lines or tokens; now and then bytes that have nothing to do with the file."""
    if random.random() < 0.03:
        return random.randbytes(random.randint(0, 200))
    for _ in range(random.choice((1, 1, 1, 2, 3, 4))):
        data = random.choice(_EDITS)(data, random)
    return data


def gzipped(change: Callable = mutate) -> Callable:
    """The compressed bytes, or what is compressed in them."""
    def changed(data: bytes, random: random.Random) -> bytes:
        if random.random() < 0.4:
            return mutate(data, random)
        return gzip.compress(change(gzip.decompress(data), random), 1, mtime=0)
    return changed


def archive_arrays(data: bytes, random: random.Random) -> bytes:
    """The bytes of an archive (graphs/archive.py), or arrays in it under a digest that is good."""
    if random.random() < 0.2:
        return mutate(data, random)
    with np.load(io.BytesIO(data)) as stored:
        arrays = dict(stored)
    for _ in range(random.choice((1, 1, 2))):
        name = random.choice(sorted(arrays))
        try:
            arrays[name] = _change_array(arrays[name], random)
        except ValueError:  # text is no number, a scalar has no rows
            continue
    layout = {name: Array(array.dtype.type, array.shape) for name, array in arrays.items()}
    with tempfile.TemporaryDirectory() as folder:
        write_archive(Path(folder) / "x.npz", layout, arrays)
        return (Path(folder) / "x.npz").read_bytes()


def _change_array(array: np.ndarray, random: random.Random) -> np.ndarray:
    if array.dtype.kind == "U" and array.ndim == 0:
        return np.array(json_values(str(array).encode("utf-8"), random).decode("utf-8", "replace"))
    edit = random.random()
    if edit < 0.6 and array.size and array.dtype.kind != "U":
        array = array.copy()
        limits = (-2 ** 31, 2 ** 31 - 1) if array.dtype.kind in "iu" else (np.nan, np.inf, -np.inf, 1e30)
        array.flat[random.randrange(array.size)] = random.choice((-1, 0, 1, 7, *limits))
        return array
    return random.choice((lambda: array[:-1], lambda: array[:0], lambda: np.concatenate([array, array]),
                          lambda: array[::-1], lambda: array.reshape(-1, 1), lambda: array.astype(np.float32),
                          lambda: array.astype(np.int64), lambda: array.astype(np.str_)))()


def json_values(data: bytes, random: random.Random) -> bytes:
    """A value, anywhere in JSON (or in a line of JSON lines), becomes another, goes, or is joined by one."""
    if random.random() < 0.3:
        return mutate(data, random)
    lines = data.splitlines()
    try:
        values = [json.loads(data)]
    except ValueError:
        values = [json.loads(line) for line in lines if line.strip()]
    for _ in range(random.choice((1, 1, 2, 3))):
        _change_value(values, random)
    return b"\n".join(json.dumps(value).encode("utf-8") for value in values) + b"\n"


def _change_value(root: list, random: random.Random) -> None:
    places = []  # (container, key) of every value
    waiting = [root]
    while waiting:
        container = waiting.pop()
        for key in (range(len(container)) if isinstance(container, list) else container):
            places.append((container, key))
            if isinstance(container[key], (list, dict)):
                waiting.append(container[key])
    if not places:
        return
    container, key = random.choice(places)
    edit = random.random()
    if edit < 0.7:
        container[key] = _value(random)
    elif edit < 0.85:
        del container[key]
    elif isinstance(container, dict):
        container[random.choice(("", "x", "dim", "../x"))] = _value(random)
    else:
        container.insert(key, _value(random))


def _value(random):
    return copy.deepcopy(random.choice(VALUES))


def _flip(data, random):
    if not data:
        return data
    place = random.randrange(len(data))
    return data[:place] + bytes([data[place] ^ 1 << random.randrange(8)]) + data[place + 1:]


def _truncate(data, random):
    return data[:random.randint(0, len(data))]


def _insert(data, random):
    place = random.randint(0, len(data))
    return data[:place] + (random.choice(TOKENS) or random.randbytes(3)) + data[place:]


def _cut_out(data, random):
    start = random.randint(0, len(data))
    return data[:start] + data[start + random.randint(1, 20):]


def _move_line(data, random):
    """A line is repeated elsewhere, moved or dropped."""
    lines = data.split(b"\n")
    line = random.choice(lines)
    if random.random() < 0.6:
        lines.remove(line)
    if random.random() < 0.7:
        lines.insert(random.randint(0, len(lines)), line)
    return b"\n".join(lines)


def _swap_token(data, random):
    """A token becomes a hostile one or another one of the file."""
    parts = _BLANKS.split(data)
    place = 2 * random.randrange((len(parts) + 1) // 2)
    other = parts[2 * random.randrange((len(parts) + 1) // 2)]
    parts[place] = random.choice(TOKENS) if random.random() < 0.7 else other
    return b"".join(parts)


def _line_ends(data, random):
    return data.replace(b"\n", random.choice((b"\r\n", b"\r", b" \n", b"\n\n", b"")))


_EDITS = (_flip, _flip, _truncate, _insert, _cut_out, _move_line, _swap_token, _swap_token, _swap_token, _line_ends)
