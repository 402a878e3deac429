"""A real browser for tests of pages, or the reason why they are skipped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from benchmarks.browser import browser
from engine.errors import EngineError


@contextmanager
def launched(*flags: str) -> Iterator[Any]:
    """A Chromium of this machine, started with ``flags``; skips where there is none."""
    with ExitStack() as stack:
        try:
            made = stack.enter_context(browser(*flags))
        except EngineError as error:
            pytest.skip(str(error))
        yield made
