"""What goes wrong, or is noted, in another process; apart from the tests, so that the process imports little."""

import os
import time

from graphs.errors import InputError


def die(task):
    os._exit(3)


def complain(task):
    raise InputError("a sentence", "words", "none")


def process_id(task):
    return os.getpid()


def others_begun(task):
    """How many others have begun before this one ends, which waits for one as long as its folder says."""
    (task.folder / str(task.seed)).touch()
    end, others = time.monotonic() + float(task.folder.name), 0
    while not others and time.monotonic() < end:
        others = len(list(task.folder.iterdir())) - 1
        time.sleep(0.01)
    return others


def only_the_first_ends(task):
    (task.folder / f"{task.seed}-{os.getpid()}").touch()
    if task.seed:
        time.sleep(60)
