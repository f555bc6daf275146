"""Cut manifests, folders of them, features folders."""

from collections import Counter
from pathlib import Path
from typing import Dict, Iterable, List, Optional

import numpy as np

from graphs.errors import InputError
from tools.artefacts.kind import Kind, facts, folder_with, not_found, section, some, text_of_file

MANIFEST = ".jsonl.gz"


def describe_cuts(path: Path, item: Optional[str] = None) -> str:
    from hybrid.data.manifest import read_cuts, speaker_of, text_of
    cuts = read_cuts(path)
    if item is not None:
        return describe_cut(_find(path, cuts, item))
    durations = [cut.duration for cut in cuts] or [0.0]
    words = Counter(word for cut in cuts for word in text_of(cut).split())
    aligned = Counter(name for cut in cuts for s in cut.supervisions for name in s.alignment or ())
    return facts(
        ("cuts", len(cuts)), ("hours", f"{sum(durations) / 3600:.3f}"),
        ("seconds", f"{min(durations):.2f} to {max(durations):.2f}, mean {np.mean(durations):.2f}"),
        ("speakers", some(sorted({speaker_of(cut) or "?" for cut in cuts}))),
        ("sampling rate", ", ".join(str(rate) for rate in sorted(set(map(_sampling_rate, cuts)) - {None}))),
        ("words", f"{sum(words.values())}, {len(words)} different"),
        ("with features", sum(cut.has_features for cut in cuts)),
        ("with alignments", ", ".join(f"{n} {name}" for name, n in aligned.items()) or "none"),
    ) + section("first cuts", ("id", "speaker", "seconds", "text"), (
        (cut.id, speaker_of(cut), cut.duration, text_of(cut)) for cut in cuts[:10]))


def _find(path: Path, cuts, item: str):
    for cut in cuts:
        if cut.id == item:
            return cut
    raise not_found(path, "an utterance", item, (cut.id for cut in cuts))


def describe_cut(cut) -> str:
    """Everything about one cut, with its alignments."""
    from hybrid.data.manifest import speaker_of, text_of
    recording = cut.recording if cut.has_recording else None
    text = facts(
        ("utterance", cut.id), ("speaker", speaker_of(cut)), ("seconds", f"{cut.duration:.3f}"),
        ("text", text_of(cut)), ("channel", cut.channel), ("sampling rate", _sampling_rate(cut)),
        ("recording", recording and f"{recording.id}, {recording.duration:.3f} s, cut at {cut.start:.3f} s"),
        ("source", recording and ", ".join(str(source.source) for source in recording.sources)),
        ("features", cut.has_features and f"{cut.num_frames} frames of {cut.num_features}, "
         f"{cut.frame_shift:g} s apart"),
        ("acoustics", ", ".join(f"{name} {value}" for name, value in _acoustics(cut).items())))
    for supervision in cut.supervisions:
        for name, items in (supervision.alignment or {}).items():
            text += section(f"{name} alignment", (name, "start", "end"), (
                (one.symbol, f"{one.start:.3f}", f"{one.end:.3f}") for one in items))
    return text


def _sampling_rate(cut) -> Optional[int]:
    """None of a cut that has neither a recording nor features."""
    return cut.sampling_rate if cut.has_recording or cut.has_features else None


def _acoustics(cut) -> dict:
    """Of a copy in other acoustics (hybrid/data/augment.py): its noise and its room."""
    return (getattr(cut, "custom", None) or {}).get("augmentation", {})


def draw_cuts(path: Path, item: Optional[str], picture: Path) -> None:
    """The waveform and spectrogram of a cut, or a histogram of all durations."""
    from hybrid.data.audio import load_audio
    from hybrid.data.manifest import read_cuts
    from hybrid.report.figures import new_figure, save_figure
    cuts = read_cuts(path)
    if item is None:
        figure = new_figure(6, 3.5)
        axes = figure.add_subplot()
        axes.hist([cut.duration for cut in cuts], bins=40)
        axes.set_xlabel("seconds")
        axes.set_ylabel("cuts")
    else:
        cut = _find(path, cuts, item)
        figure = new_figure(10, 5)
        wave, spectrum = figure.subplots(2, 1, sharex=True)
        samples = load_audio(cut)[0]
        wave.plot(np.arange(len(samples)) / cut.sampling_rate, samples, linewidth=0.4)
        wave.set_title(f"{cut.id}: {cut.supervisions[0].text if cut.supervisions else ''}", fontsize=10)
        spectrum.specgram(samples + 1e-5 * np.sin(np.arange(len(samples))), NFFT=256, noverlap=128,
                          Fs=cut.sampling_rate, cmap="magma")
        spectrum.set_xlabel("seconds")
        spectrum.set_ylabel("Hz")
    save_figure(figure, picture)


def cuts_problems(path: Path, split: Optional[str] = None) -> Iterable[str]:
    """Cuts that no later stage could use: those of test sets need no transcript. Audio is not read, tools.validate_data
    does that."""
    from hybrid.data.manifest import read_cuts
    from hybrid.data.validate import is_test
    transcribed = not is_test(split or path.name)
    cuts = read_cuts(path)
    if not cuts:
        yield f"{path}: expected cuts, found none"
    for cut_id, number in Counter(cut.id for cut in cuts).items():
        if number > 1:
            yield f"{path}: cut {cut_id}: expected once, found {number} times"
    for cut in cuts:
        yield from (f"{path}: cut {cut.id}: {problem}" for problem in _cut_problems(cut, transcribed))


def _cut_problems(cut, transcribed: bool) -> Iterable[str]:
    from lhotse.qa import validate
    if len(cut.supervisions) != 1:
        yield f"expected one supervision, found {len(cut.supervisions)}"
    for supervision in cut.supervisions:
        if transcribed and not (supervision.text or "").strip():
            yield "expected a transcript, found none"
        if supervision.start < -1e-3 or supervision.end > cut.duration + 0.01:
            yield (f"expected the supervision within {cut.duration:.3f} s, found {supervision.start:.3f} to "
                   f"{supervision.end:.3f} s")
    if not (cut.has_recording or cut.has_features):
        yield "expected a recording or features, found neither"
        return  # Lhotse's check wants one of them
    try:
        validate(cut)
    except (AssertionError, ValueError) as error:
        yield f"expected a valid Lhotse cut, found: {error}"


def describe_folder(path: Path, item: Optional[str] = None) -> str:
    """item: a split."""
    from hybrid.data.manifest import read_cuts, speaker_of, splits_of
    splits = splits_of(path)
    if item is not None:
        if item not in splits:
            raise not_found(path, "a split", item, splits)
        return describe_cuts(path / f"{item}{MANIFEST}")
    rows = []
    for split in splits:
        cuts = read_cuts(path / f"{split}{MANIFEST}")
        rejected = path / f"rejected_{split}.tsv"
        lines = text_of_file(rejected).splitlines() if rejected.exists() else None
        rows.append((split, len(cuts), f"{sum(cut.duration for cut in cuts) / 3600:.3f}",
                     len({speaker_of(cut) for cut in cuts}), lines and len(lines) - 1))
    report = path / "report.txt"
    return section("splits", ("split", "cuts", "hours", "speakers", "rejected"), rows) + (
        "\n" + text_of_file(report) if report.exists() else "")


def folder_problems(path: Path) -> Iterable[str]:
    """Those of each manifest, and utterances that are in two of them."""
    from hybrid.data.manifest import read_cuts, splits_of
    where: Dict[str, str] = {}
    for split in splits_of(path):
        yield from cuts_problems(path / f"{split}{MANIFEST}")
        for cut in read_cuts(path / f"{split}{MANIFEST}"):
            if where.setdefault(cut.id, split) != split:
                yield f"{path}: cut {cut.id}: expected in one split, found in {where[cut.id]} and {split}"


def describe_features(path: Path, item: Optional[str] = None) -> str:
    from hybrid.data.features import FeatureReader
    reader = FeatureReader(path)
    if item is not None:
        if item not in reader:
            raise not_found(path, "an utterance", item, reader.ids)
        return describe_cut(reader.cut(item)) + _statistics(reader[item].numpy())
    if not reader.ids:
        raise InputError(f"{path}", "features of utterances", "none")
    sample = np.concatenate([reader[key].numpy() for key in _spread(reader.ids, 100)])
    frames = sum(map(reader.num_frames, reader.ids))
    return facts(
        *reader.info.items(), ("utterances", len(reader)), ("frames", frames),
        ("hours", f"{frames * reader.frame_shift / 3600:.3f}"),
        ("speakers", len({reader.speaker(key) for key in reader.ids})),
        ("first", some(reader.ids, 3))) + _statistics(sample)


def _spread(ids: List[str], number: int) -> List[str]:
    """Up to `number` ids, from all over the list."""
    return ids[::max(1, len(ids) // number)][:number]


def _statistics(matrix: np.ndarray) -> str:
    """matrix: ``[T, F]``, as a reader gives it: normalized."""
    rows = [(column, *(float(of(matrix[:, column])) for of in (np.mean, np.std, np.min, np.max)))
            for column in range(matrix.shape[1])]
    shown = rows if len(rows) <= 12 else [*rows[:6], ("...",) + ("",) * 4, *rows[-6:]]
    return section(f"as networks see them ({len(matrix)} frames)",
                   ("coefficient", "mean", "deviation", "least", "most"), shown)


def draw_features(path: Path, item: Optional[str], picture: Path) -> None:
    """The features of an utterance over time; of the first one without a name."""
    from hybrid.data.features import FeatureReader
    from hybrid.report.figures import new_figure, save_figure
    reader = FeatureReader(path)
    item = reader.ids[0] if item is None else item
    if item not in reader:
        raise not_found(path, "an utterance", item, reader.ids)
    features = reader[item].numpy()
    figure = new_figure(min(20.0, 3 + len(features) / 60), 4)
    axes = figure.add_subplot()
    image = axes.imshow(features.T, origin="lower", aspect="auto", cmap="magma", interpolation="nearest",
                        extent=(0, len(features) * reader.frame_shift, 0, features.shape[1]))
    axes.set_title(f"{item}: {reader.text(item)}", fontsize=10)
    axes.set_xlabel("seconds")
    axes.set_ylabel("coefficient")
    figure.colorbar(image)
    save_figure(figure, picture)


def features_problems(path: Path) -> Iterable[str]:
    """Every matrix is read."""
    from graphs.errors import InputError
    from hybrid.data.features import FeatureReader
    reader = FeatureReader(path, cache_mb=0)
    yield from cuts_problems(path / f"cuts{MANIFEST}", path.name)
    for key in reader.ids:
        try:
            features = reader[key]
        except InputError as error:
            yield f"{path}: {error}"
            continue
        if not np.isfinite(features.numpy()).all():
            yield f"{path}: {key}: expected finite features, found others"
        expected = reader.cut(key).duration / reader.frame_shift
        if abs(len(features) - expected) > max(5.0, 0.02 * expected):
            yield f"{path}: {key}: expected about {expected:.0f} frames, found {len(features)}"


def _is_manifest(path: Path) -> bool:
    return path.is_file() and path.name.endswith((MANIFEST, ".jsonl"))


def _is_cuts_folder(path: Path) -> bool:
    return path.is_dir() and any(_is_manifest(file) for file in path.glob(f"*{MANIFEST}"))


KINDS = (
    Kind("features folder", "a folder with features.json", folder_with("features.json"), describe_features,
         features_problems, draw_features, item="utterance"),
    Kind("cuts", "a file *.jsonl.gz", _is_manifest, describe_cuts, cuts_problems, draw_cuts,
         item="utterance"),
    Kind("folder of cuts", "a folder with *.jsonl.gz", _is_cuts_folder, describe_folder, folder_problems,
         item="split"),
)
