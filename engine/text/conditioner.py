"""Encodes texts on a thread of its own, for all sessions of a bundle, so that no frame and no caller waits for it.

Of each text input of each session only the newest text waits; it takes the place in the queue of the one that it
replaces, so nobody comes first by asking more often. Vectors that were made are remembered: a text that somebody asked
for lately costs nothing.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass

from engine.bundle import Bundle
from engine.errors import EngineError
from engine.feeds.held import Encode, Vector
from engine.text.encoder import Encoded, text_encoders
from engine.text.tidy import tidy

MOST_WAITING = 1024
"""Texts that wait, each of at most :data:`engine.feeds.held.LONGEST_TEXT` characters (4 MB together). Drop rule: of one
session's input the newest replaces the one before; beyond that a text is refused in words."""
MOST_KEPT, MOST_KEPT_BYTES = 256, 8 << 20
"""Vectors that are remembered. Drop rule: the one not asked for the longest goes."""

Done = Callable[[Vector | EngineError], None]
_JOIN_S = 10.0


@dataclass(frozen=True, slots=True)
class _Job:
    input: str
    text: str
    done: Done
    session: _Session


class Conditioner:
    """The text inputs of one bundle. Raises what :class:`~engine.text.encoder.TextEncoder` does for any of them.
    Thread-safe. ``done`` of a job is called once, or never where a newer text took its place; in the thread of the
    conditioner, or at once in the caller's where the vector is remembered."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._encoders = text_encoders(bundle)
        self._kept: OrderedDict[tuple[Hashable, str], Encoded] = OrderedDict()
        self._kept_bytes = 0
        self._waiting: OrderedDict[tuple[Hashable, str], _Job] = OrderedDict()
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=f"texts {bundle.name}", daemon=True)
        self._thread.start()

    def encode_for(self, session: Hashable, tell: Callable[[str], None] = lambda _: None) -> Encode:
        """What :class:`engine.feeds.held.Held` of that session calls. ``tell`` hears, once for every input, that a text
        was longer than what its encoder takes."""
        return _Session(self, session, tell).encode

    def submit(self, job: _Job) -> None:
        """Take a job; returns at once."""
        place = job.session.key, job.input
        with self._changed:
            known = self._remembered(job)
            if known is not None:
                self._waiting.pop(place, None)
            elif self._closed or (len(self._waiting) >= MOST_WAITING and place not in self._waiting):
                why = "the engine stops" if self._closed else f"{MOST_WAITING} texts wait to be encoded; try again"
            else:
                self._waiting[place] = job  # one that waits there already keeps its turn
                self._changed.notify()
                return
        self._finish(job, known if known is not None else EngineError(f"text {job.input}: {why}"))

    def close(self) -> None:
        """End the thread; what waits is not encoded any more."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify_all()
        self._thread.join(_JOIN_S)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if self._closed:
                    return
                _, job = self._waiting.popitem(last=False)
            self._finish(job, self._made(job))

    def _made(self, job: _Job) -> Encoded | EngineError:
        with self._changed:  # it may have been made for another input, or session, while it waited
            known = self._remembered(job)
        if known is not None:
            return known
        encoder = self._encoders[job.input]
        try:
            made = encoder.encode(job.text)
        except EngineError as error:
            return error
        except Exception as error:  # a thread has no caller: the others' texts have to be encoded all the same
            return EngineError(f"text {job.input} could not be encoded: {type(error).__name__}: {error}")
        with self._changed:
            self._keep((encoder.kind, job.text), made)
        return made

    def _remembered(self, job: _Job) -> Encoded | None:
        name = self._encoders[job.input].kind, job.text
        if name in self._kept:
            self._kept.move_to_end(name)
        return self._kept.get(name)

    def _keep(self, name: tuple[Hashable, str], made: Encoded) -> None:
        if name not in self._kept:
            self._kept[name] = made
            self._kept_bytes += _size(name, made)
        while len(self._kept) > MOST_KEPT or self._kept_bytes > MOST_KEPT_BYTES:
            self._kept_bytes -= _size(*self._kept.popitem(last=False))

    def _finish(self, job: _Job, made: Encoded | EngineError) -> None:
        if isinstance(made, EngineError):
            job.done(made)
            return
        job.done(made.vector)
        if made.cut:
            job.session.was_cut(job.input, self._encoders[job.input].tokens)


class _Session:
    """One session's way to the conditioner, and what it was told."""

    def __init__(self, conditioner: Conditioner, key: Hashable, tell: Callable[[str], None]) -> None:
        self.key = key
        self._conditioner, self._tell = conditioner, tell
        self._told: set[str] = set()

    def encode(self, name: str, text: str, done: Done) -> None:
        """See :data:`engine.feeds.held.Encode`."""
        said = tidy(text)
        self._conditioner.submit(_Job(name, said, done, self))

    def was_cut(self, name: str, tokens: int) -> None:
        """Say so, the first time."""
        if name not in self._told:
            self._told.add(name)
            with suppress(Exception):  # a console that is gone must not end the thread that serves the others
                self._tell(f"text {name} is longer than its encoder takes: only its first {tokens} tokens count")


def _size(name: tuple[Hashable, str], made: Encoded) -> int:
    return made.vector.nbytes + 4 * len(name[1])
