"""One client: its WebSocket from the opening to the end of its session.

Whatever a client does or leaves undone has a bound here. It has :data:`OPENING_S` for its first message; what it sends
counts against two buckets and beyond them ends the session; what it does not read is dropped in its outbox, and after
:data:`STUCK_S` so is the client; of one that is no longer there the library's heartbeat hears nothing. What is wrong
with a message is told it in words, not more often than it can matter.

The receiving task makes no task and no timer for a message, and sending needs neither: frames leave by the outbox.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

from aiohttp import WSMsgType, web

from engine.access import Access
from engine.errors import EngineError
from engine.network.intake import Intake, check_gives
from engine.network.limits import Bucket
from engine.network.messages import ClientOrder, MessageError, Open, Said, Words, parse_text
from engine.network.metrics import Traffic
from engine.network.outbox import Outbox
from engine.publish import to_json
from engine.session.host import Host, SessionRefused
from engine.session.live import LiveSession, Opening
from engine.sources.choose import face_rate
from engine.sources.pictures import FACE, PICTURES, PicturesSource, Trackers

OPENING_S = 5.0
STUCK_S = 10.0
LINGER_S = 1.0
"""For which a client may read why it was ended; nothing is read from it meanwhile."""
BYTES_A_SECOND, MESSAGES_A_SECOND = 800_000, 800
"""Two voices at 48 kHz in float32, in blocks of 5 ms, and two faces at 100 Hz; twice as much at once."""
PICTURE_BYTES_A_SECOND = 25 * 64 * 1024
"""More of a session that sends pictures."""
TEXT_COSTS, BYTES_A_MESSAGE, STATS_COST = 4, 128, 200
"""A text message counts as so many of numbers, and one more for so many bytes; asking for statistics as a quarter of a
second's. A message of several records counts as that many."""
ASK_EVERY_S, ASK_SOON_S, SOON_S = 1.0, 0.1, 0.5
"""How often the client's clock is asked: more often in the beginning."""
SAY_EVERY_S = 0.5
_MESSAGES = (WSMsgType.BINARY, WSMsgType.TEXT, WSMsgType.PING, WSMsgType.PONG)
POLICY, TRY_LATER, INTERNAL = 1008, 1013, 1011
"""Close codes (RFC 6455, section 7.4)."""
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ConnectionContext:
    """What all connections of a server share. ``access`` says whose token opens a session, ``trackers`` look for faces
    in the pictures that visitors send; None: pictures are not taken."""

    host: Host
    traffic: Traffic
    executor: Executor
    access: Access
    wake: Callable[[Outbox], None]
    idle_s: float
    trackers: Trackers | None = None


def fault(error: Exception, session: LiveSession | None) -> None:
    """Log a fault of ours with one client, which must not end the others; with its traceback at level debug."""
    text = " ".join(str(error).split())[:200]
    trace = error if log.isEnabledFor(logging.DEBUG) else None
    about = {"session": None if session is None else session.number}
    log.error("network session: %s: %s", type(error).__name__, text, exc_info=trace, extra=about)


class NotAllowed(EngineError):
    """A token that does not open sessions."""


class Connection:
    """Made for a WebSocket that is prepared; everything here runs in the network's thread."""

    def __init__(self, terms: ConnectionContext, ws: web.WebSocketResponse, transport: asyncio.Transport) -> None:
        self.outbox = Outbox(terms.traffic, terms.wake)
        self.session: LiveSession | None = None
        self._terms, self._ws, self._transport = terms, ws, transport
        self._clock = terms.host.clock
        now_ns = self._start_ns = self._clock.now_ns()
        self._most_bytes = BYTES_A_SECOND
        self._bytes = Bucket(BYTES_A_SECOND, 2 * BYTES_A_SECOND, now_ns)
        self._messages = Bucket(MESSAGES_A_SECOND, 2 * MESSAGES_A_SECOND, now_ns)
        self._over = self._deaf = False
        self._leaving: asyncio.Future[None] | None = None
        self._heard = False
        self._ask_s = 0.0
        self._refusals, self._unsaid = 0, ""
        self._told_dropped, self._told_ns = 0, 0
        self._noticed = set[str]()
        self._pictures: PicturesSource | None = None
        self._bad_pictures = 0

    async def serve(self) -> None:
        """Until one of both ends it."""
        try:
            await self._open()
            await self._listen()
        except EngineError as error:
            refused = isinstance(error, SessionRefused)
            reason = "refused" if refused else "token" if isinstance(error, NotAllowed) else "opening"
            self._terms.traffic.turned_away[reason] += 1
            self.end(str(error), TRY_LATER if isinstance(error, SessionRefused) and error.later else POLICY)
            await self._listen()
        except Exception as error:  # a fault of ours with one client must not end the others
            fault(error, self.session)
            self.end("the engine failed here; open a session again", INTERNAL)
        finally:
            self._leave("its client has gone")
            self._transport.abort()
            if self._leaving is not None:
                await self._leaving

    async def _listen(self) -> None:
        """Until the client has gone; where it is over already, for :data:`LINGER_S` at most."""
        while not self._deaf:
            message = await self._ws.receive()
            if message.type not in _MESSAGES:
                if message.type is WSMsgType.CLOSE and not self._over:
                    self.outbox.shut(message.data or 1000)  # answered once: a second close is a fault to browsers
                return
            self._take(message)
        await asyncio.sleep(LINGER_S)

    def look(self, now_ns: int) -> None:
        """What has to be done now and then."""
        session, outbox = self.session, self.outbox
        if session is None or self._over:
            return
        if session.ended is not None:
            self.end(session.ended)
            return
        if self._heard:
            session.touch()
            self._heard = False
        outbox.flush(now_ns)
        if outbox.stuck_ns is not None and now_ns - outbox.stuck_ns > STUCK_S * 1e9:
            self._count_end("stuck")
            self.end(f"nothing was read for {STUCK_S:g} s", POLICY)
            return
        passed = (now_ns - self._start_ns) / 1e9
        if passed >= self._ask_s and outbox.say(to_json({"time": self._intake.clock.ask(now_ns)})):
            self._ask_s = passed + (ASK_SOON_S if passed < SOON_S else ASK_EVERY_S)
        if now_ns - self._told_ns > SAY_EVERY_S * 1e9:
            self._tell(now_ns)

    def end(self, why: str, code: int = 1000, deaf: bool = False) -> None:
        """Tell the client why it is over and let it go; ``deaf``: without reading from it meanwhile."""
        self._deaf = self._deaf or deaf  # then the library's queue fills, and it reads no more
        if self._over:
            return
        self._over = True
        self.outbox.open(self._transport)
        self.outbox.say(to_json({"ended": why}))
        self.outbox.shut(code, why.encode()[:120].decode(errors="ignore").encode())
        asyncio.get_running_loop().call_later(LINGER_S, self._transport.abort)
        self._leave(why)

    def _leave(self, why: str) -> None:
        """Close the session, elsewhere: it waits for the loop's next tick."""
        if self.session is not None and self._leaving is None:
            run = asyncio.get_running_loop().run_in_executor
            self._leaving = run(self._terms.executor, self.session.close, why)

    async def _open(self) -> None:
        """The first message, and what is answered."""
        try:
            message = await asyncio.wait_for(self._ws.receive(), OPENING_S)
        except TimeoutError:
            raise MessageError(f"nothing came for {OPENING_S:g} s: send the opening first") from None
        if message.type is not WSMsgType.TEXT:
            raise MessageError('the first message opens the session: send {"open": {...}} as text')
        asked = parse_text(message.data)
        if not isinstance(asked, Open):
            raise MessageError('the first message opens the session: send {"open": {...}}')
        if not self._terms.access.allows(asked.token, "session"):
            raise NotAllowed("this token may not open sessions; ask for one that may, and send it as open.token")
        host, now_ns = self._terms.host, self._clock.now_ns()
        names = asked.bundles or tuple(host.bundles)[:1]
        given, sources = asked.keys, list[PicturesSource]()
        if all(name in host.bundles for name in names):  # otherwise the host refuses it
            bundles, trackers = [host.bundles[name] for name in names], self._terms.trackers
            check_gives(bundles, given, trackers is not None)
            if PICTURES in given and trackers is not None:
                given = given - {PICTURES} | {FACE}
                sources = [PicturesSource(trackers, face_rate(bundles), self._terms.traffic.count)]
                self._most_bytes = BYTES_A_SECOND + PICTURE_BYTES_A_SECOND
                self._bytes = Bucket(self._most_bytes, 2 * self._most_bytes, now_ns)
                self._pictures = sources[0]
        ask = Opening(
            bundles=names,
            seed=asked.seed,
            controls=asked.controls,
            monitor=asked.monitor,
            given=given,
            head=asked.head,
            idle_s=self._terms.idle_s,
        )
        session = host.open(ask, self.outbox.publish, sources)
        self.session = session
        self._terms.traffic.count("opened")
        self._intake = Intake(session, asked.sample_rate, now_ns, self._pictures)
        if asked.at is not None:
            self._intake.clock.arrived(asked.at, now_ns)
        told = {
            "session": session.describe(),
            "inputs": self._intake.describe(),
            "time": self._intake.clock.ask(now_ns),
        }
        self.outbox.open(self._transport)
        self.outbox.say(to_json(told))
        self.outbox.flush(now_ns)

    def _take(self, message: Any) -> None:
        """One message."""
        kind, data, now_ns = message.type, message.data, self._clock.now_ns()
        binary, size = kind is WSMsgType.BINARY, len(data)
        cost = TEXT_COSTS + size / BYTES_A_MESSAGE if kind is WSMsgType.TEXT else 1
        if not self._bytes.take(size, now_ns) or not self._messages.take(cost, now_ns):
            self._flooded()
        if self._over:
            return
        self._terms.traffic.received(size)
        try:
            if binary:
                self._heard = True
                records = self._intake.binary(data, now_ns)
                if records > 1 and not self._messages.take(records - 1, now_ns):
                    self._flooded()
            elif kind is WSMsgType.TEXT:
                self._obey(data, now_ns)
            elif kind is WSMsgType.PING:
                self.outbox.pong(data)
        except EngineError as error:
            self._refusals += 1
            self._unsaid = str(error)
            self._terms.traffic.count("refused")

    def _obey(self, message: bytes, now_ns: int) -> None:
        """A text message."""
        told, session = parse_text(message), self.session
        assert session is not None
        if (
            not isinstance(told, ClientOrder) or told.kind != "time"
        ):  # which a library answers, whoever else is still there
            self._heard = True
        if isinstance(told, Words):
            self._intake.words(told, now_ns)
        elif isinstance(told, Said):
            self._intake.said(told, now_ns)
        elif isinstance(told, Open):
            raise MessageError("this session is open; open another on a connection of its own")
        else:
            self._short(told, session, now_ns)

    def _short(self, told: ClientOrder, session: LiveSession, now_ns: int) -> None:
        if told.kind == "time":
            if told.at_ns is None or not self._intake.clock.answered(told.value, told.at_ns, now_ns):
                raise MessageError("time: answer what was asked, once, with your own time in at")
        elif told.kind == "set":
            self.outbox.say(to_json({"set": session.set(told.value)}))
        elif told.kind == "ping":
            self.outbox.say(to_json({"pong": told.value, "at": now_ns}))
        elif told.kind == "stats":
            if not self._messages.take(STATS_COST, now_ns):
                raise MessageError("stats: ask less often, once a second at most")
            network = {"clock": self._intake.clock.describe(), "dropped": self.outbox.dropped}
            self.outbox.say(to_json({"stats": {**session.stats(), **network, "refused": self._refusals}}))
        elif told.kind == "reset":
            session.reset()
        else:
            session.pause(told.kind == "pause")

    def _tell(self, now_ns: int) -> None:
        """What went wrong since it was told last."""
        self._told_ns = now_ns
        too_fast, self._intake.too_fast = self._intake.too_fast, 0
        if too_fast:
            self._terms.traffic.count("too_fast", too_fast)
            self._unsaid = f"{too_fast} samples came faster than time and were thrown away"
        words, self._intake.too_many_words = self._intake.too_many_words, 0
        if words:
            self._terms.traffic.count("too_many_words", words)
            self._unsaid = f"{words} words came faster than anybody speaks and were thrown away"
        bad = 0 if self._pictures is None else self._pictures.bad
        if self._pictures is not None and bad != self._bad_pictures:
            self._unsaid = self._unsaid or self._pictures.why_bad
            self._refusals += bad - self._bad_pictures
            self._bad_pictures = bad
        if self._unsaid and self.outbox.say(to_json({"refused": self._unsaid, "in_all": self._refusals})):
            self._unsaid = ""
        dropped = self.outbox.dropped
        if dropped != self._told_dropped and self.outbox.say(to_json({"dropped": dropped})):
            self._told_dropped = dropped
        for text in () if self.session is None else self.session.feeds.notices():
            if text not in self._noticed and self.outbox.say(to_json({"notice": text})):
                self._noticed.add(text)

    def _flooded(self) -> None:
        self._count_end("flood")
        self.end(f"more than {self._most_bytes} bytes or {MESSAGES_A_SECOND} messages a second", POLICY, deaf=True)

    def _count_end(self, why: str) -> None:
        self._terms.traffic.ended[why] += 1
