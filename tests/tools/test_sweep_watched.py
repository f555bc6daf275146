"""A command that somebody watches: what it prints, how it is looked at, and that it ends."""

import os

import pytest

from tools.sweep import watched
from tools.sweep.watched import last_lines, run_watched

WAITS = 'n=0; while [ ! -e seen ] && [ $n -lt 1000 ]; do sleep 0.02; n=$((n+1)); done; '


@pytest.fixture(autouse=True)
def looks_often(monkeypatch, tmp_path):
    monkeypatch.setattr(watched, "LOOK_SECONDS", 0.02)
    monkeypatch.chdir(tmp_path)


def is_there(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_command_is_looked_at_until_it_ends(tmp_path):
    for _ in range(2):
        (tmp_path / "seen").unlink(missing_ok=True)
        assert run_watched(["sh", "-c", WAITS + '[ -e seen ] && echo out; echo "$HYBRID_ASR_PYTHON" >&2; exit 3'],
                           tmp_path / "log", (tmp_path / "seen").touch) == 3
    lines = (tmp_path / "log").read_text().splitlines()
    assert lines[0] == lines[2] == "out" and os.access(lines[1], os.X_OK) and len(lines) == 4


class Enough(Exception):
    pass


@pytest.mark.parametrize("patience, trap, left", [(60.0, "touch asked; exit", True), (0.2, "", False)])
def test_a_command_whose_watcher_has_seen_enough_is_gone(tmp_path, monkeypatch, patience, trap, left):
    """Asked first; one that does not mind is killed."""
    def look():
        if (tmp_path / "pid").exists():
            raise Enough
    monkeypatch.setattr(watched, "PATIENCE", patience)
    with pytest.raises(Enough):
        run_watched(["sh", "-c", f"trap '{trap}' TERM; echo $$ > new; mv new pid; while true; do sleep 0.02; done"],
                    tmp_path / "log", look)
    assert not is_there(int((tmp_path / "pid").read_text())) and (tmp_path / "asked").exists() == left


def test_the_last_lines_of_what_a_command_printed():
    assert last_lines(b"a\nb\n\n  c \n \nd\xff\n\n") == "b | c | d\N{REPLACEMENT CHARACTER}"
    assert last_lines(b"a") == "a" and last_lines(b" \n") == "no output"
