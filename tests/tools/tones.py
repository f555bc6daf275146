"""Speech in which letters are tones, so that networks of a few seconds learn it."""

from typing import Dict, List

import numpy as np
import soundfile

from tests.hybrid.data.test_kaldi_dir import write_dir

RATE, WORDS = 8000, ["do", "la", "mi"]
TONES = {"d": 400.0, "o": 700.0, "m": 1100.0, "i": 1600.0, "l": 2200.0, "a": 3000.0}


def said(words, seed):
    """Letters are tones of 0.1 s, words have pauses of 0.3 s after them and of about that before the first, in a
    little noise."""
    generator = np.random.RandomState(seed)
    pause, times = np.zeros(round(0.3 * RATE)), np.arange(round(0.1 * RATE)) / RATE
    parts = [pause[generator.randint(800):]]
    for word in words:
        parts += [*(0.3 * np.sin(2 * np.pi * TONES[letter] * times) for letter in word), pause]
    samples = np.concatenate(parts)
    return samples + 0.001 * generator.randn(len(samples))


def add_split(data, split, number, speakers, first_seed=0) -> Dict[str, List[str]]:
    """A Kaldi data directory. Returns its transcripts."""
    texts = {}
    for n in range(number):
        generator = np.random.RandomState(first_seed + n)
        name = f"{speakers[n % len(speakers)]}-{split}{n}"
        texts[name] = [*generator.permutation(WORDS), *generator.choice(WORDS, 1 + n % 3)]
        (data / "wav").mkdir(parents=True, exist_ok=True)
        soundfile.write(data / "wav" / f"{name}.wav", said(texts[name], first_seed + n), RATE)
    write_dir(data / split, wav_scp=[f"{name} {data / 'wav' / name}.wav" for name in sorted(texts)],
              text=[f"{name} {' '.join(texts[name])}" for name in sorted(texts)],
              utt2spk=[f"{name} {name.split('-')[0]}" for name in sorted(texts)])
    return texts
