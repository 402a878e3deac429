"""How far a long preparation is: a bar on a terminal, a line in the log elsewhere."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Sequence
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")
log = logging.getLogger(__name__)


def progress(items: Sequence[T], what: str) -> Iterator[T]:
    """The items one by one, while ``what`` is done with each of them."""
    if sys.stderr.isatty():
        yield from tqdm(items, desc=what, leave=False)
        return
    log.info(f"{what} ({len(items)})")
    yield from items
