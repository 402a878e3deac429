"""What the engine logs, gathered for a test."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def said(logger: str = "engine", level: int = logging.INFO) -> Iterator[list[str]]:
    """The messages of a logger and those below it, from ``level`` on, as they come."""
    messages: list[str] = []

    class Gathering(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            messages.append(record.getMessage())

    there, handler = logging.getLogger(logger), Gathering(level)
    before = there.level
    there.setLevel(level)
    there.addHandler(handler)
    try:
        yield messages
    finally:
        there.removeHandler(handler)
        there.setLevel(before)
