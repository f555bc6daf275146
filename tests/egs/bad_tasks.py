"""What goes wrong in another process; apart from the tests, so that the process imports little."""

import os

from graphs.errors import InputError


def die(task):
    os._exit(3)


def complain(task):
    raise InputError("a sentence", "words", "none")
