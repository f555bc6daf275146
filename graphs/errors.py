"""Errors that a user can cause and a user can mend."""

from contextlib import contextmanager


class InputError(Exception):
    """Bad input. The message names who found it, which item, what was expected and what was found.

    Programs print it without a traceback and exit with status 2.

    >>> str(InputError("lexicon.txt:7", "phone symbols after the word HELLO", "nothing"))
    'lexicon.txt:7: expected phone symbols after the word HELLO, found nothing'
    """

    def __init__(self, item: str, expected: str, found: str):
        super().__init__(f"{item}: expected {expected}, found {found}")
        self.item, self.expected, self.found = item, expected, found

    def __reduce__(self):
        return InputError, (self.item, self.expected, self.found)  # so that it comes home from a process


class DamagedInput(InputError):
    """A file is not any more what a stage wrote.

    Attributes:
      path: of the file; the frame of the programs finds out which stage makes it anew.
    """

    def __init__(self, item: str, expected: str, found: str, path: str):
        super().__init__(item, expected, found)
        self.path = path

    def __reduce__(self):
        return DamagedInput, (self.item, self.expected, self.found, self.path)


@contextmanager
def naming(item: str):
    """InputErrors from within say in which file, say, they were found."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{item}: {error.item}", error.expected, error.found) from None


class TooManyFailures(Exception):
    """More items failed than the stated share allows."""


def first_line(error: BaseException) -> str:
    """An exception in one line, without tabs: lhotse's span many. A first line that ends with a colon only leads to
    the second."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    first = " ".join(lines[:2 if lines and lines[0].endswith(":") else 1])
    return f"{type(error).__name__}: {first}".replace("\t", " ")[:300]
