"""What is said once a second: the session to its subscribers, and new trouble to whoever reads the log."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Sequence
from typing import Any

from engine.publish import Publisher, encode_announcement
from engine.record.serving import Recorders
from engine.session.live import LiveSession
from engine.sources.base import Source

ANNOUNCE_S = 1.0
log = logging.getLogger(__name__)


class Ticker:
    """Once a second, on a thread of its own: announce the session and tell of new trouble."""

    def __init__(
        self,
        publisher: Publisher,
        session: Callable[[], LiveSession | None],
        recorders: Recorders,
        sources: Sequence[Source],
    ) -> None:
        self._publisher, self._session, self._recorders = publisher, session, recorders
        self._sources = sources
        self._told: dict[str, str | None] = {}
        self._now: dict[str, str | None] = {}
        self._noticed: tuple[int, set[str]] = (
            0,
            set(),
        )  # a session, and what was told of its sound
        self._last: tuple[Any, bytes] = (None, b"")
        self._wake, self._closed = threading.Event(), False
        self._thread = threading.Thread(target=self._run, name="announcements", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._closed = True
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            session = self._session()
            if session is not None:
                told = session.describe() | {"pub": self._publisher.endpoint}
                if told != self._last[0]:  # encoded once a change
                    self._last = told, encode_announcement(session.number, told)
                self._publisher.announce(self._last[1])
            self.tell()
            self._wake.wait(ANNOUNCE_S)
            self._wake.clear()
            if self._closed:
                return

    @property
    def troubles(self) -> dict[str, str]:
        """What is in trouble at the moment, and what it is, as it was last told."""
        return {name: text for name, text in self._now.items() if text}

    def tell(self) -> None:
        """Say what is new about troubles; also at the very end, as a file may fail in its last second."""
        troubles: dict[str, str | None] = {source.name: source.problem for source in self._sources}
        session = self._session()
        if session is not None:
            troubles["input"] = "; ".join(session.feeds.problems()) or None
            for name, text in session.held()["texts"].items():
                troubles[f"text {name}"] = text["problem"] or None
            self._notice(session)
        troubles["recording"] = self._recorders.problem
        self._now = dict(troubles)
        for name, problem in troubles.items():
            kind = re.sub(r"[\d.]+", "", problem) if problem else None  # the seconds count on, the trouble is the same
            if kind != self._told.get(name):
                level = logging.WARNING if problem else logging.INFO
                about = {"of": name, "problem": problem, "session": None if session is None else session.number}
                log.log(level, "%s: %s", name, problem or "all well again", extra=about)
                self._told[name] = kind

    def _notice(self, session: LiveSession) -> None:
        """Say what is new about its voices' sound, once in a session."""
        if self._noticed[0] != session.generation:
            self._noticed = session.generation, set()
        for text in session.feeds.notices():
            if text not in self._noticed[1]:
                self._noticed[1].add(text)
                log.warning("%s", text, extra={"session": session.number, "notice": text})
