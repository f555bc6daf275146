"""Readers of hybrid/data/, of the transcripts, and of the corpora."""

import gzip
from pathlib import Path

import numpy as np
from lhotse import CutSet, Recording, RecordingSet, SupervisionSegment, SupervisionSet
from lhotse.features.io import close_cached_file_handles

from egs.an4.corpus import read_mfc, read_split
from hybrid.data.compute import compute_features
from hybrid.data.corpus import recording_of
from hybrid.data.features import FeatureOptions, FeatureReader
from hybrid.data.kaldi_dir import read_kaldi_dir
from hybrid.data.lhotse_manifests import find_manifests, read_manifests
from hybrid.data.manifest import read_cuts, write_cuts
from hybrid.data.probe import probe
from hybrid.data.sentences import read_sentences
from hybrid.data.units import PieceModel, piece_lexicon
from hybrid.data.validate import DataOptions, validate_corpus
from hybrid.outcomes import Outcomes
from hybrid.recognize.texts import read_text, write_text
from tests.fuzz.mutations import gzipped, json_values
from tests.fuzz.reader import Reader
from tests.hybrid.data.material import ready_cut, write_noise
from tests.hybrid.data.test_kaldi_dir import write_dir


def _write_kaldi_dir(folder: Path) -> None:
    write_noise(folder / "a.wav", seconds=0.2, rate=8000)
    write_dir(folder, wav_scp=["rec-a a.wav", "rec-b b.wav"], text=["utt1 HELLO WORLD", "utt2 HELLO"],
              segments=["utt1 rec-a 0.05 0.10", "utt2 rec-a 0.1 -1"], utt2spk=["utt1 anna", "utt2 ben"],
              spk2gender=["anna f", "ben m"], utt2lang=["utt1 en", "utt2 en"], reco2dur=["rec-a 0.2"])


def _validate(cuts) -> None:
    validate_corpus({"train": cuts}, DataOptions())


def _read_kaldi_dir(folder: Path) -> None:
    _validate(read_kaldi_dir(folder, folder / "audio", Outcomes(), roots=[folder]))


def _cuts(folder: Path) -> CutSet:
    recording = Recording.from_file(write_noise(folder / "a.wav", seconds=0.2, rate=8000))
    supervision = SupervisionSegment("u1", "a", 0.0, 0.2, text="yes", speaker="anna", custom={"snr": 3.0})
    recordings, supervisions = RecordingSet.from_recordings([recording]), SupervisionSet.from_segments([supervision])
    recordings.to_file(folder / "recordings_train.jsonl")
    supervisions.to_file(folder / "supervisions_train.jsonl")
    return CutSet.from_manifests(recordings, supervisions)


def _write_cuts(folder: Path) -> None:
    mixed = _cuts(folder).pad(duration=0.3)
    (folder / "ready").mkdir()
    write_cuts(folder / "cuts_dev.jsonl.gz", [*_cuts(folder), *mixed, _ready(folder)])
    (folder / "cuts.jsonl").write_bytes(gzip.decompress((folder / "cuts_dev.jsonl.gz").read_bytes()))


def _ready(folder: Path):
    return ready_cut(folder / "ready", "u2", np.random.default_rng(0).normal(size=(20, 2)).astype(np.float32))


def _read_manifests(folder: Path, split: str) -> None:
    _validate(read_manifests(find_manifests(folder)[split], Outcomes(), [folder]))


def _write_features(folder: Path, storage: str = "numpy_files") -> None:
    compute_features([_ready(folder)], FeatureOptions(storage=storage), folder, Outcomes())


def _write_named_matrix(folder: Path) -> None:
    """The name of the file says the checksum: a link of a name that the catalogue can know."""
    _write_features(folder)
    (matrix,) = (folder / "storage").rglob("*.npy")
    matrix.rename(folder / "storage/matrix.npy")
    matrix.symlink_to(folder / "storage/matrix.npy")


def _read_features(folder: Path) -> None:
    close_cached_file_handles()
    reader = FeatureReader(folder)
    for name in reader:
        reader[name], reader.text(name), reader.speaker(name), reader.duration(name)


def _write_an4(folder: Path) -> None:
    lists = folder / "etc"
    lists.mkdir()
    (lists / "an4_train.fileids").write_text("an4_clstk/fash/an251-fash-b\nan252-mrjc-b\n")
    (lists / "an4_train.transcription").write_text("<s> YES </s> (an251-fash-b)\nNO ( X) (an252-mrjc-b)\n")


def _write_mfc(folder: Path) -> None:
    (folder / "a.mfc").write_bytes(np.int32(26).astype(">i4").tobytes() + np.arange(26).astype(">f4").tobytes())


def _write_pieces(folder: Path) -> None:
    PieceModel.train(5 * ["hello world", "good bye", "bad add bee"], 25).write(folder / "pieces.model")


READERS = [
    Reader("text", "text", lambda folder: write_text(folder / "text", {"u1": ["a", "b"], "u2": []}),
           lambda folder: read_text(folder / "text")),
    *(Reader(f"kaldi/{file}", file, _write_kaldi_dir, _read_kaldi_dir)
      for file in ("wav.scp", "text", "segments", "utt2spk", "spk2gender", "utt2lang", "reco2dur", "a.wav")),
    Reader("audio", "a.wav", lambda folder: write_noise(folder / "a.wav", seconds=0.1, rate=8000),
           lambda folder: probe(recording_of(folder / "a.wav"))),
    *(Reader(f"lhotse/{kind}", f"{kind}_train.jsonl", _cuts, lambda folder: _read_manifests(folder, "train"),
             json_values)
      for kind in ("recordings", "supervisions")),
    Reader("lhotse/cuts", "cuts.jsonl", _write_cuts, lambda folder: _validate(read_cuts(folder / "cuts.jsonl")),
           json_values),
    Reader("lhotse/cuts gzip", "cuts_dev.jsonl.gz", _write_cuts, lambda folder: _read_manifests(folder, "dev"),
           gzipped(json_values)),
    Reader("sentences", "cuts.jsonl", _write_cuts, lambda folder: list(read_sentences(folder / "cuts.jsonl")),
           json_values),
    *(Reader(f"features/{file}", file, _write_features, _read_features, mutate)
      for file, mutate in (("features.json", json_values), ("cmvn.json", json_values),
                           ("cuts.jsonl.gz", gzipped(json_values)))),
    Reader("features/hdf5", "storage/000.h5", lambda folder: _write_features(folder, "numpy_hdf5"), _read_features),
    Reader("features/npy", "storage/matrix.npy", _write_named_matrix, _read_features),
    Reader("an4/fileids", "etc/an4_train.fileids", _write_an4, lambda folder: read_split(folder, "train")),
    Reader("an4/transcription", "etc/an4_train.transcription", _write_an4, lambda folder: read_split(folder, "train")),
    Reader("pieces", "pieces.model", _write_pieces, lambda folder: piece_lexicon(
        ["hello", "bad", "zzz"], PieceModel.read(folder / "pieces.model"))),
    Reader("mfc", "a.mfc", _write_mfc, lambda folder: read_mfc(folder / "a.mfc")),
]
