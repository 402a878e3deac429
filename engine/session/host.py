"""The host: bundles with their runtimes and loops in one process, and the sessions that join and leave them.

A session takes a row of the runtime of each of its bundles. Capacity is stated and held to: whoever comes when all is
taken is refused with the reason before anything is made for it. A session that gives no sign of life for as long as it
was told is closed.
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Sequence
from typing import Any

from engine.bundle import Bundle
from engine.clock import Clock
from engine.errors import EngineError
from engine.feeds.feeds import Feeds, wanted
from engine.feeds.held import Held
from engine.record.step import Recorded
from engine.runtime import Runtime, open_runtime
from engine.runtime.protocol import BUCKETS
from engine.session.head import HeadLink
from engine.session.live import STREAMS_A_BUNDLE, LiveSession, Opening
from engine.session.loop import Loop
from engine.session.slot import Slot
from engine.sound.echo import EchoMode
from engine.sources.base import Source
from engine.stats import Buckets
from engine.text.of_bundle import conditioner_of, ids_of
from engine.wire import Frame

log = logging.getLogger(__name__)
LAST_NUMBER = 2**32 - 1
MOST_SESSIONS = 1024
CHECK_S = 1.0
LEAVE_S = 5.0
"""For which closing waits at most until the loop has let go of a slot."""


class SessionRefused(EngineError):
    """A session cannot be had; the message says why and what to do. ``later``: another time it may be."""

    later = False


class NoRoom(SessionRefused):
    """It cannot be had now."""

    later = True


class Host:
    """``capacity`` sessions at most; ``window_ms``: see :class:`~engine.session.loop.Loop`. ``where`` and ``threads``
    are :func:`~engine.runtime.open_runtime`'s. With ``raw_sound`` no voice goes through a front end;
    ``echo`` says what is done where the avatar's own voice is heard in its partner's. Thread-safe."""

    def __init__(
        self,
        bundles: Sequence[Bundle],
        clock: Clock,
        *,
        capacity: int = 1,
        window_ms: float = 0.0,
        where: str = "onnx:cpu",
        threads: int = 1,
        realtime: bool = True,
        raw_sound: bool = False,
        echo: EchoMode = "say",
        runtimes: Callable[..., Runtime] = open_runtime,
    ) -> None:
        if not 1 <= capacity <= MOST_SESSIONS:
            raise EngineError(f"capacity {capacity}: give 1 to {MOST_SESSIONS} sessions")
        if not 0.0 <= window_ms <= 1000.0:
            raise EngineError(f"gathering window of {window_ms:g} ms: give 0 to 1000, less than a frame's period")
        if not bundles:
            raise EngineError("no bundle to serve: name one")
        self.bundles = {bundle.name: bundle for bundle in bundles}
        self.capacity, self.clock, self.where = capacity, clock, where
        self.failure: BaseException | None = None
        self.refused = 0
        self._realtime, self._raw_sound, self._echo = realtime, raw_sound, echo
        sizes = tuple(size for size in BUCKETS if size <= max(1, capacity))
        rows = math.ceil(capacity / sizes[-1]) * sizes[-1]
        window_ns = round(window_ms * 1e6) if capacity > 1 else 0
        self._loops = {
            name: Loop(runtimes(bundle, where, rows, sizes, threads), clock, realtime, window_ns)
            for name, bundle in self.bundles.items()
        }
        self._conditioners = {name: conditioner_of(bundle) for name, bundle in self.bundles.items()}
        self._ids = {name: ids_of(bundle) for name, bundle in self.bundles.items()}
        self._sessions: dict[int, LiveSession] = {}
        self._generation = 0
        self._lock = threading.RLock()
        self._stop, self._draining = threading.Event(), False
        self._threads: list[threading.Thread] = []
        self._ready = threading.Event()

    @property
    def ready(self) -> bool:
        """Whether every block of every bundle has run, nothing has failed since, and sessions are still taken."""
        return self._ready.is_set() and self.failure is None and not self._stop.is_set() and not self._draining

    def start(self) -> None:
        """Warm up, then serve from threads of their own: one a bundle, and one that looks after the sessions."""
        for loop in self._loops.values():
            loop.runtime.warm_up()
            loop.left(self._over)
        for name, loop in self._loops.items():
            thread = threading.Thread(target=self._serve, args=(loop,), name=f"loop {name}", daemon=True)
            self._threads.append(thread)
        self._threads.append(threading.Thread(target=self._look_after, name="sessions", daemon=True))
        for thread in self._threads:
            thread.start()
        self._ready.set()

    def drain(self) -> None:
        """Take no more sessions; those that are there go on."""
        self._draining = True

    def stop(self) -> None:
        """Close all sessions and end the threads."""
        for session in self.sessions():
            self._close(session, "the engine stops")
        self._stop.set()
        for loop in self._loops.values():
            loop.wake()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join()
        for conditioner in self._conditioners.values():
            if conditioner is not None:
                conditioner.close()

    def open(self, ask: Opening, publish: Callable[[Frame], None], sources: Sequence[Source] = ()) -> LiveSession:
        """A new session, which is served from the next tick on: :meth:`prepare` and :meth:`begin` at once."""
        session = self.prepare(ask, publish, sources)
        self.begin(session)
        return session

    def prepare(
        self,
        ask: Opening,
        publish: Callable[[Frame], None],
        sources: Sequence[Source] = (),
        tell: Callable[[str], None] = lambda _: None,
    ) -> LiveSession:
        """A new session that has its place and can be described, but makes no frames yet. ``publish`` gets its frames,
        in the loops' threads; ``tell`` what there is to say of its texts. Raises :class:`SessionRefused`, or for a
        control that cannot be."""
        with self._lock:
            number = self._admit(ask)
            self._generation += 1
            session = self._made(number, self._generation, ask, publish, sources, tell)
            self._sessions[number] = session
        return session

    def begin(self, session: LiveSession, recorders: Sequence[Recorded | None] = ()) -> None:
        """Start a prepared session's sources and serve it. ``recorders``: one for each of its bundles, or none. Raises
        what a source is refused for: the session is forgotten then, and its sources are the caller's to stop; otherwise
        they stop with the session."""
        try:
            for slot, recorder in zip(session.slots, recorders, strict=False):
                slot.record(recorder)
            session.starts(self.clock.now_ns())
            session.feeds.together.expect()  # or the first source would begin before the others are known
            try:
                for source in session.sources:
                    source.start(session.feeds, self.clock)
            finally:
                session.feeds.together.leave(self.clock)
        except BaseException:
            self._forget(session)
            raise
        session.begun = True
        log.debug("session %d begins: %s", session.number, ", ".join(session.bundles), extra=_about(session))
        for name, slot in zip(session.bundles, session.slots, strict=True):
            self._loops[name].join(slot)

    def sessions(self) -> list[LiveSession]:
        """Those there are."""
        with self._lock:
            return list(self._sessions.values())

    def stats(self) -> dict[str, Any]:
        """Sessions, capacity, refusals, and of each bundle where its loop's time goes."""
        return {
            "sessions": len(self.sessions()),
            "capacity": self.capacity,
            "refused": self.refused,
            "bundles": {name: {"slots": loop.slots, **loop.work.summary()} for name, loop in self._loops.items()},
        }

    def av_offsets(self) -> dict[str, Buckets]:
        """The A/V offsets of each bundle that hears its avatar's own voice, of all its sessions so far."""
        return {
            name: loop.work.av_offsets
            for name, loop in self._loops.items()
            if any(item.of == "self" for item in self.bundles[name].spec.by_role("audio"))
        }

    def _admit(self, ask: Opening) -> int:
        """The number of a session that may be had. Raises :class:`SessionRefused`."""
        try:
            if self._stop.is_set() or self.failure is not None:
                raise NoRoom("the engine stops; start it again")
            if self._draining:
                raise NoRoom("the engine is about to stop and takes no more sessions; ask another one")
            if len(self._sessions) >= self.capacity:
                raise NoRoom(
                    f"all {self.capacity} sessions are taken; come back later, or serve with a larger --capacity"
                )
            unknown = [name for name in ask.bundles if name not in self.bundles]
            if unknown or not ask.bundles or len(set(ask.bundles)) != len(ask.bundles):
                named = ", ".join(str(name)[:60] for name in ask.bundles) or "none"
                raise SessionRefused(f"bundles {named}: give one or several, each once, of {', '.join(self.bundles)}")
            if ask.number is None:
                return next(number for number in range(1, LAST_NUMBER + 1) if number not in self._sessions)
            if not 0 <= ask.number <= LAST_NUMBER:
                raise SessionRefused(f"session number {ask.number}: give 0 to {LAST_NUMBER}")
            if ask.number in self._sessions:
                raise SessionRefused(f"session {ask.number} is there already; give another number, or none")
            return ask.number
        except SessionRefused:
            self.refused += 1
            raise

    def _made(
        self,
        number: int,
        generation: int,
        ask: Opening,
        publish: Callable[[Frame], None],
        sources: Sequence[Source],
        tell: Callable[[str], None],
    ) -> LiveSession:
        bundles = [self.bundles[name] for name in ask.bundles]
        start_ns = self.clock.now_ns()
        slots: list[Slot] = []
        all_known = {item.name for bundle in bundles for item in (*bundle.spec.controls, *bundle.spec.texts)}
        taken = {key for bundle in bundles for key in wanted(bundle.spec)}
        link = HeadLink(ask.head, publish)
        shown = publish if len(bundles) == 1 else link
        for place, bundle in enumerate(bundles):
            spec, conditioner = bundle.spec, self._conditioners[bundle.name]
            known = {item.name for item in (*spec.controls, *spec.texts)}
            # What no bundle knows goes to the first, which refuses it by name.
            own = known if place else known | (set(ask.controls) - all_known)
            values = {name: value for name, value in ask.controls.items() if name in own}
            encode = None if conditioner is None else conditioner.encode_for((number, generation), tell)
            feeds = Feeds.of(spec, start_ns, Held(spec, values, encode), self._ids[bundle.name], taken)
            feeds.raw_sound = self._raw_sound
            slots.append(
                Slot(
                    spec,
                    feeds,
                    shown,
                    self.clock,
                    session=number,
                    generation=generation,
                    seed=ask.seed,
                    realtime=self._realtime,
                    monitor=ask.monitor,
                    given=ask.given,
                    sources=sources,
                    first_stream=place * STREAMS_A_BUNDLE,
                    # Each model's sound is held back by itself; to say that there is an echo, one looks.
                    echo="off" if self._echo == "say" and any(one.echo for one in slots) else self._echo,
                    frames=None if ask.seconds is None else max(1, round(ask.seconds * spec.rate)),
                )
            )
            link.know(slots[-1].streams, {item.name: item for item in spec.skeletons})
        return LiveSession(number, generation, ask, bundles, slots, sources, self.clock, self._close)

    def _close(self, session: LiveSession, reason: str) -> None:
        if not self._forget(session):
            return
        session.ended = session.ended or reason
        log.debug("session %d is over: %s", session.number, session.ended, extra=_about(session))
        gone = [self._loops[name].leave(slot) for name, slot in zip(session.bundles, session.slots, strict=True)]
        session.feeds.end()
        for source in session.sources if session.begun else ():
            source.stop()
        for left in gone:
            left.wait(LEAVE_S)
        session.done.set()

    def _forget(self, session: LiveSession) -> bool:
        """Free a session's number; whether it was there."""
        with self._lock:
            there = self._sessions.get(session.number) is session
            if there:
                del self._sessions[session.number]
            return there

    def _over(self, slot: Slot) -> None:
        """A slot was over by itself: so is its session, when the slots of its other bundles are."""
        for session in self.sessions():
            if slot in session.slots and (slot.failing or all(one.ended is not None for one in session.slots)):
                # Not here: closing waits for sources, and this is the frame thread.
                threading.Thread(target=self._close, args=(session, slot.ended or ""), daemon=True).start()

    def _serve(self, loop: Loop) -> None:
        try:
            loop.run(self._stop)
        except BaseException as error:  # a thread has no caller: whoever waits for the host has to hear of it
            self.failure = error
            self._stop.set()

    def _look_after(self) -> None:
        while not self._stop.wait(CHECK_S):
            for session in self.sessions():
                if session.idle_ns > session.ask.idle_s * 1e9:
                    self._close(session, f"nothing came for {session.ask.idle_s:g} s")


def _about(session: LiveSession) -> dict[str, Any]:
    return {"session": session.number, "bundles": list(session.bundles)}
