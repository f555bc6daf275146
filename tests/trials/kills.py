"""Kills parts of a run of egs/synth at random moments, resumes it, and looks whether anything came of it.

    python -m tests.trials.kills --runs 100 --seed 0 --work DIR

A small synth recipe is run once in DIR/work and kept in DIR/reference. Each trial begins with a copy in which the
stages from a random one on are missing, starts the recipe, sends a random signal to a random part of it (the process
group of run.sh, run.sh alone, its supervisor, the stage's program, a process that this one started), waits until all
of the run has ended, and runs the same again to the end of the stage after. Every file must then have the bytes of
the reference; of those that hold times, all but the times. Prints a table, and what went wrong with the command's
output; ends with status 1 when something did.

A process of a pool ignores SIGINT, and some are replaced when they die: there the run may go on, and must end well.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Set

from hybrid.report.tables import markdown_table
from tools.frame.records import LOG, RECORD, load_record, stage_records

ROOT = Path(__file__).resolve().parents[2]
MARK = "KILL_TRIAL"  # environment variable by which all processes of a run are known
LIMIT = 15.0  # seconds for all of a run to end
LONG = 600.0  # seconds for a whole run on a busy machine
TARGETS = ("group", "run.sh", "supervisor", "program", "child")
SIGNALS = tuple(getattr(signal, name) for name in ("SIGKILL", "SIGTERM", "SIGHUP", "SIGINT"))
WITH_CHILDREN = ("egs.synth.prepare", "tools.validate_data", "tools.compute_features", "tools.align", "tools.score")
RECIPE = ("--systems", "tdnn,dnn", "--nj", "2", "corpus.num_train=60", "corpus.num_dev=12", "corpus.num_test=12",
          "corpus.lm_sentences=1000", "features.batch_seconds=20", "ctc.epochs=2", "dnn.epochs=2", "am.epochs=2",
          "ctc.checkpoint_seconds=0.5", "dnn.checkpoint_seconds=0.5", "am.checkpoint_seconds=0.5")
WITHOUT_CONTENT = (LOG, RECORD, "run.log", ".lock", ".checked", "RESULTS.md", "*.png", "events.out.tfevents*")
TIMES = ("seconds", "memory", "real_time", "command", "date", "commit")


class Trial(NamedTuple):
    """target, number: what was killed by which signal. seconds: until all had ended, 0 if the run ended well."""

    target: str
    number: int
    seconds: float = 0.0
    hang: bool = False
    orphans: int = 0
    good_status: bool = False
    different: int = 0

    @property
    def bad(self) -> bool:
        return bool(self.hang or self.orphans or self.good_status or self.different)


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.trials.kills", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder for the runs; the reference is kept in it")
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)
    trials = Trials(args.work.absolute())
    trials.make_reference()
    rng = random.Random(args.seed)
    combinations = [(target, number) for target in TARGETS for number in SIGNALS]
    rng.shuffle(combinations)
    done = []
    for n in range(args.runs):
        done.append(trials.one(*combinations[n % len(combinations)], rng))
        print(f"{n + 1}: {done[-1]}", file=sys.stderr, flush=True)
    print(table(done))
    return 1 if any(trial.bad for trial in done) else 0


def table(trials: Sequence[Trial]) -> str:
    rows: Dict[tuple, List[Trial]] = defaultdict(list)
    for trial in trials:
        for key in ((trial.target, signal.Signals(trial.number).name), ("all", "")):
            rows[key].append(trial)
    header = ("killed", "by", "runs", "hangs", "orphans", "status 0", "different bits", "seconds to end, at most")
    return markdown_table(header, [
        (*key, len(some), sum(t.hang for t in some), sum(t.orphans for t in some), sum(t.good_status for t in some),
         sum(t.different > 0 for t in some), f"{max(t.seconds for t in some):.1f}")
        for key, some in sorted(rows.items(), key=lambda row: row[0][0] == "all")])


class Trials:
    def __init__(self, folder: Path):
        self.folder, self.work, self.reference = folder, folder / "work", folder / "reference"
        self.output = folder / "output"
        self.expected: List = []  # stages that the resumed run must end with

    def make_reference(self) -> None:
        if not self.reference.exists():
            shutil.rmtree(self.work, ignore_errors=True)
            self.folder.mkdir(parents=True, exist_ok=True)
            if self.start().wait(LONG) != 0:
                sys.exit(f"the recipe itself fails: see {self.output}")
            self.work.rename(self.reference)
        self.stages = stage_records(self.reference)

    def start(self, *more: str) -> subprocess.Popen:
        environment = {**os.environ, MARK: str(self.folder), "HYBRID_ASR_PYTHON": sys.executable}
        with open(self.output, "ab") as output:
            return subprocess.Popen(
                ["bash", str(ROOT / "egs/synth/run.sh"), "--work", str(self.work), *RECIPE, *more], env=environment,
                stdout=output, stderr=output, stdin=subprocess.DEVNULL, start_new_session=True,
                preexec_fn=_heed_signals)

    def one(self, target: str, number: int, rng: random.Random) -> Trial:
        possible = [n for n, (_, record) in enumerate(self.stages)
                    if target != "child" or record["program"].startswith(WITH_CHILDREN)]
        first = rng.choice(possible)
        last_stage = min(int(self.stages[first][1]["stage"]) + 1, max(int(r["stage"]) for _, r in self.stages))
        limits = ("--stop-stage", str(last_stage))
        rest = [stage for stage in self.stages[first:] if int(stage[1]["stage"]) <= last_stage]
        self.expected = self.stages[:first] + rest
        self._begin_at(first)
        self.output.unlink(missing_ok=True)
        run = self.start(*limits)
        victim = self._wait_for_victim(run, target)
        time.sleep(rng.random() * (0.3 if target == "child" else 1 + self.stages[first][1]["seconds"]))
        if run.poll() is not None:
            return self._judge(run, Trial(target, number), limits, in_time=False)
        victim = victim if victim is not None and _exists(victim) else self._find(run, target)
        hit = victim is not None and _send(os.killpg if target == "group" else os.kill, victim, number)
        began = time.monotonic()
        ended = wait_until(lambda: run.poll() is not None and not self._processes(), LIMIT)
        goes_on = not ended and run.poll() is None and (target == "child" or not hit)
        if goes_on:
            ended = wait_until(lambda: run.poll() is not None and not self._processes(), LONG)
        seconds = 0.0 if run.poll() == 0 else time.monotonic() - began
        left = self._processes()
        trial = Trial(target, number, round(seconds, 1), hang=not ended and run.poll() is None,
                      orphans=0 if ended or run.poll() is None else len(left))
        for pid in left:
            _send(os.kill, pid, signal.SIGKILL)
        return self._judge(run, trial, limits, in_time=hit and target != "child")

    def _judge(self, run, trial: Trial, limits: Sequence[str], in_time: bool) -> Trial:
        """in_time: the signal came while the run went on, so that it cannot have ended well."""
        status = run.wait()
        again = self.start(*limits).wait(LONG)
        different = self._different() if again == 0 else ["the resumed run failed"]
        trial = trial._replace(good_status=in_time and status == 0, different=len(different))
        if trial.bad:
            print(trial, different[:10], self.output.read_text(errors="replace"), sep="\n", file=sys.stderr)
        return trial

    def _begin_at(self, first: int) -> None:
        """DIR/work with the stages before that one."""
        shutil.rmtree(self.work, ignore_errors=True)
        for folder, _ in self.stages[:first]:
            shutil.copytree(folder, self.work / folder.relative_to(self.reference))
        self.work.mkdir(exist_ok=True)
        shutil.copy2(self.reference / ".checked", self.work)  # options need not be checked each time

    def _wait_for_victim(self, run: subprocess.Popen, target: str) -> Optional[int]:
        found: List[Optional[int]] = [None]

        def look() -> bool:
            found[0] = self._find(run, target)
            working = target == "child" or any(self.work.rglob("*.unfinished"))
            return run.poll() is not None or (found[0] is not None and working)

        wait_until(look, LONG)
        return found[0]

    def _find(self, run: subprocess.Popen, target: str) -> Optional[int]:
        if target in ("group", "run.sh"):
            return run.pid
        supervisors = [pid for pid in self._processes() if "tools.recipe.supervise" in _command(pid)
                       and _parent(pid) == run.pid]
        programs = [pid for pid in self._processes() if _parent(pid) in supervisors]
        if target == "supervisor":
            return next(iter(supervisors), None)
        if target == "program":
            return next(iter(programs), None)
        children = [pid for pid in self._processes() if {_parent(pid), _parent(_parent(pid))} & set(programs)
                    and "resource_tracker" not in _command(pid)]  # nothing comes of its end
        return random.choice(children or [None])

    def _processes(self) -> Set[int]:
        mark, found = f"{MARK}={self.folder}".encode(), set()
        for path in Path("/proc").glob("[0-9]*"):
            try:
                if mark in (path / "environ").read_bytes().split(b"\0") and int(path.name) != os.getpid():
                    found.add(int(path.name))
            except OSError:
                continue
        return found

    def _different(self) -> List[str]:
        expected = {str(path.relative_to(self.reference)): read for folder, _ in self.expected
                    for path, read in contents(folder).items()}
        found = {str(path.relative_to(self.work)): read for folder, _ in stage_records(self.work)
                 for path, read in contents(folder).items()}
        left = [f"{path} is left" for path in self.work.rglob("*.unfinished")]
        return left + [name for name in sorted({*expected, *found})
                       if name not in expected or name not in found or expected[name]() != found[name]()]


def contents(folder: Path) -> Dict[Path, Callable]:
    """Of a stage: file -> a function that reads what must be the same in each run."""
    files = {path: (lambda path=path: without_times(path)) for path in folder.rglob("*") if path.is_file()
             and not any(path.match(pattern) for pattern in WITHOUT_CONTENT)}
    record = load_record(folder)[0]
    return {**files, folder / RECORD: lambda: pruned([record.get(name) for name in ("program", "config", "facts")])}


def without_times(path: Path):
    if path.suffix in (".json", ".jsonl"):
        text = path.read_text()
        return [pruned(json.loads(part)) for part in ([text] if path.suffix == ".json" else text.splitlines())]
    if path.suffix == ".tsv":
        rows = [line.split("\t") for line in path.read_text().splitlines()]
        kept = [n for n, name in enumerate(rows[0]) if not any(word in name for word in TIMES)] if rows else []
        return [[row[n] for n in kept if n < len(row)] for row in rows]
    return path.read_bytes()


def pruned(value):
    """JSON without what tells of times."""
    if isinstance(value, dict):
        return {name: pruned(part) for name, part in value.items() if not any(word in name for word in TIMES)}
    return [pruned(part) for part in value] if isinstance(value, list) else value


def wait_until(happened: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def _heed_signals() -> None:
    """Even where nohup or a shell's `&` made this process, whose children inherit that, ignore some."""
    for number in SIGNALS:
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)


def _exists(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def _send(kill: Callable, pid: int, number: int) -> bool:
    try:
        kill(pid, number)
        return True
    except ProcessLookupError:  # it has just ended
        return False


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    except OSError:
        return 0


if __name__ == "__main__":
    sys.exit(main())
