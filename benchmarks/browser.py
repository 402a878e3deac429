"""A Chromium for what is measured, or tested, in a real browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine.errors import EngineError

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


@contextmanager
def browser(*flags: str) -> Iterator[Any]:
    """One on the path, else playwright's own, started with ``flags``. Raises :class:`EngineError` where there is
    none."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise EngineError("playwright is not installed: pip install playwright") from None
    with sync_playwright() as playwright:
        found = next(filter(None, map(shutil.which, NAMES)), None) or playwright.chromium.executable_path
        if not Path(found).exists():
            raise EngineError(f"no browser: none of {', '.join(NAMES)} on the path, nor playwright's own")
        chromium = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", *flags])
        try:
            yield chromium
        finally:
            chromium.close()
