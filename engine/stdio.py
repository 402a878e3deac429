"""Standard input, output and error as a session needs them: whoever reads them may leave at any time.

A terminal is closed, ``| head`` has seen enough, a disk behind ``>`` is full, or a supervisor starts the engine with
streams that are closed. None of that may end a session, lose a recording, or change an exit code:

- A closed stream is opened on the null device first of all (:func:`stand_in`). Otherwise the next socket or recording
  would get its number, and be written into by whatever in the process writes to standard error.
- Log lines go straight to the descriptor (:class:`ErrorStream`), which no one else can close, send elsewhere for a
  while, as sounddevice does while it starts, or hold a lock on when the process ends.
- What is told at a session's end may find no reader (:func:`tell`).
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from typing import TextIO

log = logging.getLogger(__name__)
_NAMES = ("stdin", "stdout", "stderr")


def stand_in() -> None:
    """Open the null device where a standard stream is closed; and let no letter that a terminal does not know raise."""
    for number, name in enumerate(_NAMES):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "w" if number else "r", encoding="utf-8", closefd=False))  # noqa: SIM115
    if getattr(sys.stdout, "errors", "") == "strict":
        sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]


def tell(text: str) -> bool:
    """Print what a session ends with; whether it could be written. Nobody to read it is no fault of the session."""
    try:
        print(text, flush=True)
    except OSError as error:
        log.warning("what the session counted could not be printed: %s", error.strerror)
        forget_stdout()
        return False
    return True


def forget_stdout() -> None:
    """Let what waits for standard output go nowhere: it would be tried once more when the process ends."""
    null = os.open(os.devnull, os.O_WRONLY)
    with contextlib.suppress(OSError, ValueError):  # a stream that is none of the system's, as in a test
        os.dup2(null, sys.stdout.fileno())
    os.close(null)


class ErrorStream:
    """Standard error for lines of a log: each is written at once to a descriptor of its own, and what cannot be written
    is dropped."""

    def __init__(self) -> None:
        self._number = os.dup(2)

    @staticmethod
    def fits(stream: TextIO | None) -> bool:
        """Whether ``stream`` is the process's standard error, and this system takes bytes for it."""
        return os.name == "posix" and stream is not None and stream is sys.__stderr__

    def write(self, text: str) -> int:
        """Write ``text``, as far as that is possible."""
        rest = text.encode(sys.__stderr__.encoding if sys.__stderr__ else "utf-8", "backslashreplace")
        with contextlib.suppress(OSError):
            while rest:
                rest = rest[os.write(self._number, rest) :]
        return len(text)

    def flush(self) -> None:
        """Nothing waits."""
