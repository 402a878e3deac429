"""What an export is at: a bar on a terminal, a line in the log elsewhere."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm

from engine import logs

log = logging.getLogger(__name__)


@contextmanager
def stage(title: str, steps: int = 0) -> Iterator[Callable[[], None]]:
    """A stage of ``steps`` (0: not counted). What it gives is called once a step."""
    if not logs.interactive():
        log.info("%s ...", title, extra={"stage": title, "steps": steps})
        begun = time.monotonic()
        yield lambda: None
        log.debug("%s: done", title, extra={"stage": title, "seconds": round(time.monotonic() - begun, 3)})
        return
    form = "{desc} {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}]" if steps else "{desc} ..."
    with tqdm(total=steps or None, desc=title, bar_format=form, leave=False, dynamic_ncols=True) as bar:

        def advance() -> None:
            bar.update(1)

        yield advance
