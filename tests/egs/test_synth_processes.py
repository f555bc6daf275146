"""Each voice speaks in a process of its own, so many at once, and none is left behind."""

import os
import time

import pytest

from egs.synth.render import Task, in_own_processes
from egs.synth.voices import VOICES
from graphs.errors import InputError
from hybrid.processes import ProcessDied
from tests.egs import bad_tasks
from tests.tools.test_supervise import wait_for_end


def tasks(folder, count):
    return [Task(voice, (), number, folder) for number, voice in enumerate(VOICES["train"][:count])]


def test_every_task_has_its_process(tmp_path):
    ids = list(in_own_processes(bad_tasks.process_id, tasks(tmp_path, 4), 2))
    assert len({*ids, os.getpid()}) == 5
    assert list(in_own_processes(bad_tasks.process_id, [], 2)) == []


@pytest.mark.parametrize("nj, seconds, begun", [(0, "0.3", [0, 1]), (1, "0.3", [0, 1]), (2, "60", [1, 1])])
def test_so_many_are_at_work_at_once(tmp_path, nj, seconds, begun):
    folder = tmp_path / seconds
    folder.mkdir()
    assert list(in_own_processes(bad_tasks.others_begun, tasks(folder, 2), nj)) == begun


def test_errors_and_deaths_are_told(tmp_path):
    with pytest.raises(InputError) as caught:
        list(in_own_processes(bad_tasks.complain, tasks(tmp_path, 1), 1))
    assert str(caught.value) == "a sentence: expected words, found none"
    with pytest.raises(ProcessDied) as caught:
        list(in_own_processes(bad_tasks.die, tasks(tmp_path, 2), 2))
    assert str(caught.value) == ("the synthesizer's process for voice us-plain-50-175 ended before its work did "
                                 "(exit status 3)")


def test_who_needs_no_more_results_leaves_no_process_behind(tmp_path):
    results = in_own_processes(bad_tasks.only_the_first_ends, tasks(tmp_path, 4), 2)
    assert next(results) is None
    while len(list(tmp_path.iterdir())) < 3:  # two that would take a minute
        time.sleep(0.02)
    results.close()
    wait_for_end([int(path.name.split("-")[1]) for path in tmp_path.iterdir()], 20)
    assert not any(path.name.startswith("3") for path in tmp_path.iterdir())
