"""What the programs of this folder and of clients/opencv follow: an engine's own session over ZeroMQ, or with
``--session`` one that they open themselves on an engine of the network (``engine serve --listen``)."""

from __future__ import annotations

import argparse
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from .announced import Announced, Received
from .sounding import Microphone, Played, sounding
from .subscriber import Subscriber, connectable
from .waiting import Followed, find

if TYPE_CHECKING:
    from .session import Session

OPEN_S = 0.5
"""Seconds between attempts to open a session."""


class Following(NamedTuple):
    """``frames`` come from ``where``; ``engine`` describes them at the start; they last so many seconds at most."""

    frames: Followed
    engine: Announced
    where: str
    lasts: float


def add_session(parser: argparse.ArgumentParser, numbered: bool = False) -> None:
    """How a session of one's own is opened, and what it is given. ``numbered``: or one is chosen that is there, by its
    number (an int)."""
    group = parser.add_argument_group("a session of one's own, on an engine of the network")
    if numbered:
        parser.add_argument(
            "--session",
            type=_either,
            metavar="N|ws://HOST:PORT/session",
            help="of this session alone; or open one there",
        )
    else:
        group.add_argument("--session", type=address, metavar="ws://HOST:PORT/session", help="open one there")
    group.add_argument(
        "--source",
        default="demo",
        metavar="mic|demo|none|FILE",
        help="what it hears: a microphone, the engine's built-in partner (default), nothing, or a file's sound",
    )
    group.add_argument("--speech", type=Path, metavar="FILE", help="sound of what the avatar itself says")
    group.add_argument("--bundle", nargs="+", default=[], metavar="NAME", help="of those that the engine serves")


def address(word: str) -> str:
    """A WebSocket address from the command line; without a path that of sessions."""
    parts = urlsplit(word)
    if parts.scheme not in ("ws", "wss") or not parts.hostname:
        raise argparse.ArgumentTypeError(f"{word!r} is no address of sessions; write it as ws://HOST:PORT/session")
    return word if parts.path.strip("/") else f"{parts.scheme}://{parts.netloc}/session"


def _either(word: str) -> str | int:
    """An address of sessions, or a session's number."""
    if not (word.isascii() and word.isdigit()):
        return address(word)
    if not int(word) < 2**32:
        raise argparse.ArgumentTypeError(f"{word} is no session's number: 0 to 2^32 - 1")
    return int(word)


@contextmanager
def following(arguments: argparse.Namespace, tell: Callable[[str], object], wait: float) -> Iterator[Following]:
    """Follow what the command line says. Raises ConnectionError where nobody is there within ``wait`` seconds or
    refuses, and ValueError for what cannot be used."""
    if arguments.session:
        with Visit(arguments, tell, wait) as visit:
            yield Following(visit, visit.announced, arguments.session, visit.lasts)
        return
    engine = find(arguments.control, arguments.token, arguments.keys, wait, tell)
    pub = connectable(engine.pub, arguments.control)
    with Subscriber(pub, announced=engine, keys=arguments.keys) as subscriber:
        yield Following(subscriber, engine, pub, math.inf)


class Visit(AbstractContextManager["Visit"]):
    """A session of one's own that is read as a :class:`Subscriber` is: a thread plays the partner into it, and when the
    engine ends opens another, for as long as ``--wait`` says; then :meth:`receive` raises ConnectionError."""

    undescribed = 0
    settled = True

    def __init__(self, arguments: argparse.Namespace, tell: Callable[[str], object], wait: float) -> None:
        self._tell = tell
        self._wait = arguments.wait
        self._sounding = sounding(arguments.source, arguments.speech)
        self.lasts = self._sounding.lasts
        self.run = 0
        self.heard = time.monotonic()
        self.lost: dict[int, int] = {}
        self._last: dict[int, int] = {}
        self._mismatched = 0
        self._closing = threading.Event()
        self._error: ConnectionError | None = None
        try:
            self._session = _opened(arguments, self._sounding, tell, wait)
        except BaseException:
            self._sounding.close()
            raise
        self._thread = threading.Thread(target=self._play, name="visit", daemon=True)
        self._thread.start()

    @property
    def announced(self) -> Announced:
        """That of the present session."""
        return self._session.announced

    @property
    def mismatched(self) -> int:
        """Frames that were not as announced."""
        return self._mismatched + self._session.mismatched

    def receive(self, timeout: float) -> list[Received]:
        """The frames waiting, oldest first; empty if none came within ``timeout`` seconds."""
        began, session, run = time.monotonic(), self._session, self.run
        frames = session.receive(timeout)
        if not frames:
            if self._error is not None:
                raise self._error
            if session.ended is not None:  # it does not wait any more
                time.sleep(max(0.0, min(timeout, 0.1) - (time.monotonic() - began)))
            return []
        self.heard = time.monotonic()
        for frame in frames:
            frame.run = run
            missed = frame.seq - self._last.get(frame.stream, frame.seq - 1) - 1
            self._last[frame.stream] = frame.seq
            self.lost[frame.stream] = self.lost.get(frame.stream, 0) + max(missed, 0)
        return frames

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._thread.join()
        self._session.close()
        self._sounding.close()

    def _play(self) -> None:
        """The thread."""
        said: set[str] = set()
        try:
            for hop in self._sounding.hops():
                if self._closing.is_set():
                    return
                for notice in [each for each in list(self._session.notices) if each not in said]:
                    said.add(notice)
                    self._tell(notice)
                try:
                    if hop.items:
                        self._session.push(*((*item, hop.end_ns) for item in hop.items))
                    elif self._session.ended is not None:
                        self._again()
                except ConnectionError:
                    self._again()
        except ConnectionError as error:
            self._error = error

    def _again(self) -> None:
        """Another session in place of one that is over."""
        until = time.monotonic() + self._wait
        self._tell(f"the session is over: {self._session.ended}")
        while not self._closing.is_set():
            try:
                new = self._session.again()
            except ConnectionRefusedError as error:
                if not _may_come(error) or time.monotonic() >= until:
                    raise
            except ConnectionError:
                if time.monotonic() >= until:
                    raise
            else:
                self._mismatched += self._session.mismatched
                self._last.clear()
                self._session, self.run = new, self.run + 1
                return
            self._closing.wait(OPEN_S)


def _opened(
    arguments: argparse.Namespace, sound: Played | Microphone, tell: Callable[[str], object], wait: float
) -> Session:
    """The session, once an engine takes it."""
    try:
        from .session import Session
    except ImportError:
        raise ValueError("--session: needs websockets: pip install -e '.[client]'") from None
    options = {"bundles": arguments.bundle, "sample_rate": sound.rate, "monitor": True, "token": arguments.token}
    until, told = time.monotonic() + wait, False
    while True:
        try:
            return Session(arguments.session, sound.gives, **options)
        except ConnectionError as error:
            if not _may_come(error):
                asked = ": gives " in str(error)  # what the bundle has no use for
                remedy = "; `--source none` sends it nothing" if asked and arguments.source != "none" else ""
                raise ConnectionError(f"{error}{remedy}") from None
            if time.monotonic() >= until:
                raise ConnectionError(
                    f"{error}; start one (engine serve --listen HOST:PORT) or correct --session"
                ) from None
            if not told:
                tell(f"{error}: waiting {wait:g} s for it (--wait)")
                told = True
        time.sleep(OPEN_S)


def _may_come(error: ConnectionError) -> bool:
    """Whether waiting helps: nobody is there, or there is no room now."""
    from .session import Later, Refused

    return isinstance(error, Later) or not isinstance(error, Refused)
