"""Small corpora made on the fly."""

import numpy as np
import soundfile
from lhotse import Features, MonoCut, SupervisionSegment

from hybrid.data.corpus import recording_of, utterance


def write_noise(path, seconds=1.0, rate=16000, channels=1, seed=0, subtype="PCM_16"):
    """A wav of noise, different in each channel."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = (round(seconds * rate), channels)
    samples = np.random.default_rng(seed).normal(scale=0.1, size=shape)
    soundfile.write(str(path), samples, rate, subtype=subtype)
    return path


def noise_cut(folder, utterance_id, text="yes no", speaker="anna", **noise):
    path = write_noise(folder / f"{utterance_id.replace('/', '_')}.wav", **noise)
    return utterance(utterance_id, recording_of(path, utterance_id), text, speaker)


def ready_cut(folder, utterance_id, matrix, text="yes no", speaker="anna", rate=16000):
    """A cut that carries its features and no audio."""
    folder.mkdir(parents=True, exist_ok=True)
    key = f"{utterance_id.replace('/', '_')}.npy"
    np.save(folder / key, matrix)
    duration = len(matrix) * 0.01
    features = Features(
        type="made-up", num_frames=matrix.shape[0], num_features=matrix.shape[1], frame_shift=0.01,
        sampling_rate=rate, start=0.0, duration=duration, recording_id=utterance_id, channels=0,
        storage_type="numpy_files", storage_path=str(folder), storage_key=key)
    supervision = SupervisionSegment(utterance_id, utterance_id, 0.0, duration, text=text, speaker=speaker)
    return MonoCut(utterance_id, 0.0, duration, 0, supervisions=[supervision], features=features)


def ready_corpus(folder, number=40, dim=5, seed=0, speakers=3, shortest=20, longest=300):
    """Cuts with random features; each speaker has a mean and a spread of its own."""
    rng = np.random.default_rng(seed)
    cuts = []
    for i in range(number):
        speaker = i % speakers
        frames = int(rng.integers(shortest, longest))
        matrix = (rng.normal(size=(frames, dim)) * (1 + speaker) + 10 * speaker).astype(np.float32)
        cuts.append(ready_cut(folder, f"u{i:03d}", matrix, speaker=f"s{speaker}"))
    return cuts
