"""One reader in a process of its own: as many hostile cases as the time allows."""

import hashlib
import random
import resource
import signal
import time
import traceback
import warnings
from pathlib import Path
from typing import NamedTuple, Tuple

from graphs.errors import InputError
from tests.fuzz.reader import Reader
from tests.fuzz.readers import READERS

CASE_SECONDS, MEMORY_BYTES = 10, 2 << 30
KINDS_KEPT = 20  # undocumented exceptions saved, of each reader


class Counts(NamedTuple):
    cases: int = 0
    read: int = 0
    refused: int = 0
    failed: int = 0
    slowest: float = 0.0  # seconds of a core


class TooSlow(BaseException):
    """Not an Exception, so that no reader takes it for one of its own."""


def fuzz(name: str, seconds: float, seed: int, folder: Path, failures: Path, pipe) -> None:
    """Sends (Counts, "") about every second, at the end (Counts, "done").

    Args:
      folder: empty; the reader's example is written here.
      failures: where the bytes and tracebacks of undocumented exceptions go.
    """
    warnings.simplefilter("ignore")
    catch_alarms()
    reader = READERS[name]
    reader.write(folder)
    reader.read(folder)
    _limit_memory()
    valid = (folder / reader.file).read_bytes()
    end, told, counts, kinds = time.monotonic() + seconds, 0.0, Counts(), set()
    while time.monotonic() < end:
        data = reader.mutate(valid, random.Random(f"{seed} {counts.cases}"))
        (folder / reader.file).write_bytes(data)
        start = time.process_time()
        result, where, trace = outcome(reader, folder)
        taken = time.process_time() - start
        if where and where not in kinds and len(kinds) < KINDS_KEPT:
            kinds.add(where)
            save(failures, reader, folder, trace)
        counts = Counts(counts.cases + 1, counts.read + (result == "read"), counts.refused + (result == "refused"),
                        counts.failed + (result == "failed"), max(counts.slowest, taken))
        if time.monotonic() - told > 1.0:
            told = time.monotonic()
            pipe.send((counts, ""))
    pipe.send((counts, "done"))


def outcome(reader: Reader, folder: Path) -> Tuple[str, str, str]:
    """(read, refused or failed; of what failed: its kind and place, and its traceback)."""
    signal.setitimer(signal.ITIMER_PROF, CASE_SECONDS)
    try:
        reader.read(folder)
        return "read", "", ""
    except InputError:
        return "refused", "", ""
    except (Exception, TooSlow) as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        return "failed", f"{type(error).__name__} {frame.filename}:{frame.lineno}", traceback.format_exc()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def catch_alarms() -> None:
    def too_slow(*_):
        raise TooSlow(f"more than {CASE_SECONDS} s")
    signal.signal(signal.SIGPROF, too_slow)


def _limit_memory() -> None:
    """Data beyond what the process has now; more is a MemoryError."""
    status = Path("/proc/self/status").read_text()
    now = int(status.split("VmData:")[1].split()[0]) << 10
    resource.setrlimit(resource.RLIMIT_DATA, (now + MEMORY_BYTES, now + MEMORY_BYTES))


def save(failures: Path, reader: Reader, folder: Path, trace: str) -> None:
    failures = failures / reader.name.replace("/", "_").replace(" ", "_")
    file = folder / reader.file
    data = file.read_bytes() if file.exists() else b""  # it died before it wrote its example
    failures.mkdir(parents=True, exist_ok=True)
    stem = hashlib.sha256(data).hexdigest()[:12]
    (failures / f"{stem}.bytes").write_bytes(data)
    (failures / f"{stem}.txt").write_text(trace, encoding="utf-8", errors="backslashreplace")
