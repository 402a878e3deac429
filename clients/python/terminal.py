"""What a client program says on stdout and stderr, either of which may be closed, full, or a pipe that nobody reads: it
goes on without, and ends without a traceback."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from typing import TextIO


def prepare() -> None:
    """Call first: a standard stream that is closed becomes the null device. Otherwise the next file or socket would get
    its number, and whatever a library prints would be written into it."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            _silence(number)
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "w" if number else "r", closefd=False))  # noqa: SIM115
        if number:
            getattr(sys, name).reconfigure(errors="backslashreplace")
    logging.raiseExceptions = False


def say(words: str) -> OSError | None:
    """Print a line on stdout; the error where it can be read no more."""
    return _write(sys.stdout, words)


def complain(words: str) -> OSError | None:
    """Print a line on stderr; the error where it can be read no more."""
    return _write(sys.stderr, words)


class Complaints(logging.Handler):
    """Log records as lines of :func:`complain`."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one."""
        complain(self.format(record))


def _write(stream: TextIO, words: str) -> OSError | None:
    try:
        print(words, file=stream, flush=True)
    except OSError as error:
        _silence(stream.fileno())
        return error
    return None


def _silence(number: int) -> None:
    """From now on what is written there goes nowhere, the rest of a buffer at the end of the program too."""
    null = os.open(os.devnull, os.O_RDWR)
    if null != number:
        with contextlib.suppress(OSError):
            os.dup2(null, number)
        os.close(null)
