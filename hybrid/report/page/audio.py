"""Audio of a few utterances inside the page, as data: those with errors first, as many as the limit holds."""

import base64
import io
from pathlib import Path
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence

from hybrid.compare.comparison import Utterance
from hybrid.report.page.utterances import MILLION, interest

FORMAT, MIME = "FLAC", "audio/flac"  # lossless, half of WAV, and every browser plays it


class Embedded(NamedTuple):
    """data: TEST/UTTERANCE_ID -> data URI. failed: why audio could not be read, a line each."""

    data: Dict[str, str]
    failed: List[str]


def embed(utterances: Sequence[Utterance], max_megabytes: float, encode: Optional[Callable] = None) -> Embedded:
    """Utterances with errors, the most interesting first; max_megabytes: of the page."""
    data: Dict[str, str] = {}
    failed: List[str] = []
    rest = max_megabytes * MILLION
    wrong = [one for one in utterances if one.audio and any(hypothesis.errors for hypothesis in one.hypotheses)]
    for utterance in sorted(wrong, key=interest, reverse=True):
        if rest <= 0:
            break
        try:
            uri = data_uri((encode or encoded)(utterance))
        except (OSError, RuntimeError) as error:  # soundfile's are RuntimeErrors
            failed.append(f"{utterance.utterance_id}: {error}")
            continue
        if len(uri) <= rest:
            data[f"{utterance.test}/{utterance.utterance_id}"] = uri
            rest -= len(uri)
    return Embedded(data, failed)


def data_uri(content: bytes) -> str:
    return f"data:{MIME};base64,{base64.b64encode(content).decode('ascii')}"


def encoded(utterance: Utterance) -> bytes:
    """Its stretch of the recording, the first channel, 16 bits. Raises OSError or RuntimeError without a recording."""
    import soundfile
    path = Path(utterance.audio)
    rate = soundfile.info(str(path)).samplerate
    start = round(utterance.offset * rate)
    samples, _ = soundfile.read(str(path), start=start, frames=round(utterance.seconds * rate), dtype="int16",
                                always_2d=True)
    stream = io.BytesIO()
    soundfile.write(stream, samples[:, 0], rate, format=FORMAT, subtype="PCM_16")
    return stream.getvalue()
