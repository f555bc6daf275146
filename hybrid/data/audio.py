"""Audio through Lhotse, and NIST sphere files without the program that Lhotse asks for."""

from typing import Union

import numpy as np
import soundfile
from lhotse import Recording
from lhotse.audio.backend import (CompositeAudioBackend, LibsndfileBackend, Sph2pipeSubprocessBackend,
                                  get_current_audio_backend)
from lhotse.cut import Cut


class SphereBackend(Sph2pipeSubprocessBackend):
    """libsndfile reads sphere files of plain samples; those compressed by shorten are left to sph2pipe."""

    def read_audio(self, path_or_fd, *args, **options):
        try:
            return LibsndfileBackend().read_audio(path_or_fd, *args, **options)
        except soundfile.LibsndfileError:
            return super().read_audio(path_or_fd, *args, **options)


def load_audio(item: Union[Cut, Recording]) -> np.ndarray:
    """``[num_channels, num_samples]`` float32, -1 to 1. Raises whatever Lhotse's backends do for bad audio."""
    backend = get_current_audio_backend()
    if isinstance(backend, CompositeAudioBackend):  # Lhotse's default, not the user's choice
        backend.backends = [SphereBackend() if type(one) is Sph2pipeSubprocessBackend else one
                            for one in backend.backends]
    return item.load_audio()


def has_whole_shift(sampling_rate: int, frame_shift: float) -> bool:
    """From frame to frame (seconds) it is a whole number of samples, as kaldifeat needs."""
    samples = frame_shift * sampling_rate
    return abs(samples - round(samples)) <= 1e-6
