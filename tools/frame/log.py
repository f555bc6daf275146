"""The log of a stage."""

import logging
from pathlib import Path


class _LogFile(logging.FileHandler):
    def handleError(self, record) -> None:
        """Nothing: the program itself says that a disk is full."""


def logger_into(name: str, path: Path) -> logging.Logger:
    """To the terminal, and with times to the file."""
    log = logging.getLogger(name)
    log.setLevel(logging.INFO)
    log.handlers.clear()
    log.propagate = False
    for handler, form in ((logging.StreamHandler(), "%(levelname)s %(message)s"),
                          (_LogFile(path, encoding="utf-8"), "%(asctime)s %(levelname)s %(message)s")):
        handler.setFormatter(logging.Formatter(form))
        log.addHandler(handler)
    return log
