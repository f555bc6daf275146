"""Features of a batch of cuts, by kaldifeat (Kaldi's fbank and MFCC in torch, on CPU or GPU)."""

import math
from functools import lru_cache
from typing import Dict, List, NamedTuple, Optional

import numpy as np
import torch
from lhotse.cut import Cut
from lhotse.utils import compute_num_frames

from graphs.errors import DamagedInput, InputError, first_line
from hybrid.data.audio import has_whole_shift, load_audio
from hybrid.data.augment import Recipe
from hybrid.data.enhance import enhance
from hybrid.data.features import FeatureOptions
from hybrid.data.storage import check_matrix
from hybrid.data.transforms import seed_of

CHUNK_FRAMES = 20_000  # kaldifeat's windows and spectra of this many frames take some 200 MB


class Extracted(NamedTuple):
    """Features of one cut, ``[T, F]`` float32, or the reason why there are none."""

    features: Optional[np.ndarray]
    reason: str = ""


class Portion(NamedTuple):
    """Cuts to extract at once, and how the copies among them are made, by their ids."""

    cuts: List[Cut]
    recipes: Dict[str, Recipe]


def import_kaldifeat():
    """The kaldifeat module. Raises InputError that says what to do when it is not usable."""
    try:
        import kaldifeat
    except Exception as error:  # a build for another torch raises ImportError or RuntimeError
        raise InputError("package kaldifeat", "a build for this torch (`./run.sh doctor` says what to do)",
                         f"{type(error).__name__}: {error}") from error
    return kaldifeat


def choose_device(name: str) -> torch.device:
    """auto: the GPU when torch sees one. Raises InputError when cuda is asked for and missing."""
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError("features.device = cuda", "a GPU that torch can use", "none")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def mel(hertz: float) -> float:
    """Kaldi's mel scale (`feat/mel-computations.h`)."""
    return 1127.0 * math.log1p(hertz / 700.0)


def check_filters(options: FeatureOptions, sampling_rate: int) -> None:
    """Raises InputError for filters or frames that this sampling rate cannot give."""
    if not has_whole_shift(sampling_rate, options.frame_shift):
        raise InputError(
            f"features.frame_shift = {options.frame_shift}", "a whole number of samples",
            f"{options.frame_shift * sampling_rate:g} at {sampling_rate} Hz "
            "(choose another data.sampling_rate, such as 16000)")
    nyquist = sampling_rate / 2
    high = options.high_freq if options.high_freq > 0 else nyquist + options.high_freq
    if not options.low_freq < high <= nyquist:
        raise InputError("features.low_freq and high_freq", f"a band below {nyquist:g} Hz",
                         f"{options.low_freq:g} to {high:g} Hz")
    window = 1 << (int(sampling_rate * options.frame_length) - 1).bit_length()
    tones = [mel(i * sampling_rate / window) for i in range(window // 2)]
    step = (mel(high) - mel(options.low_freq)) / (options.num_mel_bins + 1)
    for i in range(options.num_mel_bins):
        left = mel(options.low_freq) + i * step
        if not any(left < tone < left + 2 * step for tone in tones):
            raise InputError(f"features.num_mel_bins = {options.num_mel_bins}",
                             f"filters that each hold a tone of the {window}-point spectrum",
                             f"filter {i + 1} empty at {sampling_rate} Hz (use fewer filters)")


@lru_cache(maxsize=4)
def make_computer(options: FeatureOptions, sampling_rate: int, device: str):
    """The kaldifeat computer of fbank or MFCC, for samples in 16-bit range."""
    kaldifeat = import_kaldifeat()
    if options.kind == "mfcc":
        settings, computer = kaldifeat.MfccOptions(), kaldifeat.Mfcc
        settings.num_ceps = options.num_ceps
    else:
        settings, computer = kaldifeat.FbankOptions(), kaldifeat.Fbank
    settings.frame_opts.samp_freq = float(sampling_rate)
    settings.frame_opts.frame_shift_ms = 1000 * options.frame_shift
    settings.frame_opts.frame_length_ms = 1000 * options.frame_length
    settings.frame_opts.dither = options.dither
    settings.frame_opts.snip_edges = False
    settings.mel_opts.num_bins = options.num_mel_bins
    settings.mel_opts.low_freq = options.low_freq
    settings.mel_opts.high_freq = options.high_freq
    settings.use_energy = options.use_energy
    settings.device = torch.device(device)
    return computer(settings)


def extract(portion: Portion, options: FeatureOptions, sampling_rate: int, device: str) -> List[Extracted]:
    """Features of each cut, in order; a cut that fails has a reason instead.

    Args:
      portion: cuts with recordings of the sampling rate, in Hz.
      device: "cpu" or "cuda".
    """
    cuts, recipes = portion
    results: List[Optional[Extracted]] = [None] * len(cuts)
    waves = {}
    for i, cut in enumerate(cuts):
        try:
            samples = load_audio(cut)[0]
            if cut.id in recipes:
                samples = recipes[cut.id].apply(samples, sampling_rate)
            samples = enhance(samples, sampling_rate, options.enhance)
        except Exception as error:  # soundfile, lhotse and the file system each have their own
            results[i] = Extracted(None, first_line(error))
            continue
        if len(samples) < options.frame_length * sampling_rate:
            results[i] = Extracted(None, f"{len(samples)} samples, shorter than one frame")
            continue
        # as 16-bit numbers, so that the values are Kaldi's
        waves[i] = torch.from_numpy(np.ascontiguousarray(samples, dtype=np.float32)).to(device) * 32768.0
    for i, features in zip(waves, _compute(list(waves.values()), [cuts[i].id for i in waves],
                                           options, sampling_rate, device)):
        results[i] = _checked(cuts[i], features, options)
    return results


def _compute(waves, ids, options: FeatureOptions, sampling_rate: int, device: str) -> List[torch.Tensor]:
    computer = make_computer(options, sampling_rate, device)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # sums come out in the same order whatever --nj is
    try:
        return _compute_waves(computer, waves, ids, options)
    finally:
        torch.set_num_threads(threads)


def _compute_waves(computer, waves, ids, options: FeatureOptions) -> List[torch.Tensor]:
    if options.dither == 0:
        return computer(waves, chunk_size=CHUNK_FRAMES) if waves else []
    features = []
    for wave, utterance_id in zip(waves, ids):  # one by one: the noise must not depend on the batch
        torch.manual_seed(seed_of(options.seed, "dither", utterance_id))
        features.append(computer([wave], chunk_size=CHUNK_FRAMES)[0])
    return features


def _checked(cut: Cut, features: torch.Tensor, options: FeatureOptions) -> Extracted:
    expected = compute_num_frames(cut.duration, options.frame_shift, cut.sampling_rate)
    if len(features) != expected:
        return Extracted(None, f"expected {expected} frames, got {len(features)}")
    if not torch.isfinite(features).all():
        return Extracted(None, "features that are not finite")
    return Extracted(features.cpu().numpy())


def load_ready(portion: Portion) -> List[Extracted]:
    """The features that the cuts carry, taken as they are. Raises DamagedInput for what a stage wrote otherwise."""
    results = []
    for cut in portion.cuts:
        try:
            features = np.asarray(cut.load_features(), dtype=np.float32)
            check_matrix(f"features of {cut.id}", cut.features, features)
        except DamagedInput:
            raise
        except Exception as error:
            results.append(Extracted(None, first_line(error)))
            continue
        if features.ndim != 2 or len(features) == 0 or not np.isfinite(features).all():
            results.append(Extracted(None, f"no finite [T, F] matrix, but shape {features.shape}"))
        else:
            results.append(Extracted(features))
    return results
