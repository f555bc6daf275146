"""Errors that a user can cause and a user can mend."""


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


class TooManyFailures(Exception):
    """More items failed than the stated share allows."""
