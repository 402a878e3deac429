"""The door for network sessions: one HTTP server, on a thread of its own.

============ ====================================================================================================
``/session``  a WebSocket: one session, as :mod:`engine.network.messages` describes
``/live``     200 while the process can serve at all; otherwise start it again
``/ready``    200 while another session would be taken: everything is warm and a place is free. A full engine is
              live and not ready: send visitors elsewhere, and leave those who are there
``/metrics``  for Prometheus
``/``         the page and its files, where they are served (:mod:`engine.network.pages`); ``/say`` and ``/hear``
              with it (:mod:`engine.network.say`)
============ ====================================================================================================

Loopback is open to whoever is on this machine, except to web pages: a browser says whose page asks (Origin), and only
this server's own and those named in ``origins`` are let in, since any page that somebody visits may otherwise reach a
server on loopback.
Beyond loopback nothing is bound without tokens. Where there are tokens a session needs one with the right "session" in
its opening; ``/say`` and ``/hear`` want the same and ``/metrics`` one with the right "describe", as ``Authorization:
Bearer``. The two health checks tell nothing and are open.

Connections are bounded in number, and one that has not become a session within :data:`HTTP_S` is closed, whatever it
does. What a session sends waits in the library's queue (a MB at most, then nothing more is read from it), what it is
sent in the outbox and in the system's buffer (:data:`SEND_BUFFER`).
"""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections import deque
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor

from aiohttp import web

from engine.access import Access
from engine.network.address import bound
from engine.network.connection import Connection, ConnectionContext, fault
from engine.network.messages import LONGEST_BINARY, LONGEST_READ
from engine.network.metrics import Traffic, exposed, registry
from engine.network.outbox import Outbox
from engine.network.pages import Pages, own_origin
from engine.network.say import PATHS, Saying
from engine.session.host import Host
from engine.sources.pictures import Trackers

HTTP_S = 10.0
PAGE_S = 120.0
"""For which a connection may take to receive a file of the page: the face tracker's has 13 MB."""
SPARE = 64
"""Connections beyond the capacity: those that ask for health, and those that are still opening."""
SEND_BUFFER = 64 * 1024
HEARTBEAT_S = 15.0
LOOK_S = 0.1
START_S = 10.0
BACKLOG = 256
BEARER = "send Authorization: Bearer TOKEN\n"
log = logging.getLogger(__name__)


class Server:
    """Serves ``host``'s sessions on ``address`` (HOST:PORT, [::1]:PORT; port 0 takes a free one). ``origins``: web
    pages that may open sessions, as https://example.org. ``web_page``: serve the engine's own page too. ``idle_s``: a
    session of whose client nothing came for so long is closed. ``trackers`` look for faces in the pictures that a
    session may send; without them none are taken. Raises :class:`EngineError` where the address is none,
    taken, or not to be bound without tokens."""

    def __init__(
        self,
        host: Host,
        address: str,
        access: Access,
        *,
        idle_s: float = 30.0,
        origins: Collection[str] = (),
        web_page: bool = False,
        trackers: Trackers | None = None,
    ) -> None:
        self.traffic = Traffic()
        self._host, self._access, self._origins = host, access, frozenset(origins)
        self._saying = Saying()
        more = {**self._saying.about(), "pictures": trackers is not None}
        self._pages = Pages(host.bundles, access, more) if web_page else None
        self._socket = bound(address, access, "--web" if web_page else "--listen")
        name, port = self._socket.getsockname()[:2]
        self.url = f"ws://{f'[{name}]' if ':' in name else name}:{port}/session"
        self._executor = ThreadPoolExecutor(4, "network sessions")
        self._terms = ConnectionContext(host, self.traffic, self._executor, access, self._wake, idle_s, trackers)
        self._metrics = registry(host, self.traffic)
        self._http: web.Server | None = None
        self._connections: set[Connection] = set()
        self._upgraded: set[web.RequestHandler] = set()
        self._reading: set[web.RequestHandler] = set()
        self._since: dict[web.RequestHandler, float] = {}
        self._dirty: deque[Outbox] = deque()  # each at most once: an outbox wakes again only after its flush
        self._scheduled = False
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="network", daemon=True)

    def start(self) -> None:
        """Serve from now on."""
        self._thread.start()
        self._started.wait(START_S)

    def stop(self) -> None:
        """End all sessions, with the reason, and release the port. Safe to call twice, or without :meth:`start`."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()
        self._loop.close()
        self._socket.close()
        self._executor.shutdown()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        except Exception as error:  # a thread has no caller, and whoever runs the engine has to hear of it
            log.error("network sessions are over: %s: %s; start the engine again", type(error).__name__, error)

    async def _serve(self) -> None:
        quiet = logging.getLogger("engine.network.http")
        quiet.addHandler(logging.NullHandler())
        quiet.propagate = False  # what peers do wrong is counted; a log of it would be theirs to fill
        http = self._http = web.Server(
            self._answer, access_log=None, logger=quiet, keepalive_timeout=HTTP_S, lingering_time=0.0
        )

        def connected() -> web.RequestHandler | _Refusing:
            if len(http.connections) >= self._host.capacity + SPARE:
                self.traffic.turned_away["connections"] += 1
                return _Refusing()
            handler: web.RequestHandler = http()
            self._since[handler] = self._loop.time()
            return handler

        listener = await self._loop.create_server(connected, sock=self._socket, backlog=BACKLOG)
        self._started.set()
        while not self._stopping.is_set():
            now_ns = self._host.clock.now_ns()
            for connection in list(self._connections):
                self._look(connection, now_ns)
            self._hurry(http)
            try:
                await asyncio.wait_for(self._stopping.wait(), LOOK_S)
            except TimeoutError:
                continue
        listener.close()
        for connection in list(self._connections):
            connection.end("the engine stops")
        await self._saying.stop()
        await http.shutdown(5.0)

    def _look(self, connection: Connection, now_ns: int) -> None:
        try:
            connection.look(now_ns)
        except Exception as error:  # a fault of ours with one client must not end the others
            fault(error, connection.session)
            connection.end("the engine failed here; open a session again")

    def _hurry(self, http: web.Server) -> None:
        """Close connections that are still none of a session; forget those that are, or have gone."""
        now, there = self._loop.time(), set(http.connections)
        for handler, since in list(self._since.items()):
            late = now - since > (PAGE_S if handler in self._reading else HTTP_S)
            if late and handler in there and handler not in self._upgraded and handler.transport is not None:
                handler.transport.abort()
            if late or handler in self._upgraded or (handler not in there and now - since > LOOK_S):
                del self._since[handler]
                self._reading.discard(handler)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.method == "POST" and request.path in PATHS and self._pages is not None:
            return await self._say(request)
        if request.method != "GET":
            return web.Response(status=405, text="GET\n")
        if request.path == "/session":
            return await self._session(request)
        if request.path == "/live":
            return _said(self._host.failure is None, "the engine failed; start it again")
        if request.path == "/ready":
            full = len(self._host.sessions()) >= self._host.capacity
            return _said(self._host.ready and not full, "all sessions are taken" if full else "not warm, or stopping")
        if request.path == "/metrics":
            if not self._allowed(request, "describe"):
                return web.Response(status=401, text=BEARER)
            return web.Response(body=exposed(self._metrics), headers={"Content-Type": "text/plain; version=0.0.4"})
        if self._pages is not None:
            file = await self._pages.answer(request)
            if file is not None:
                self._reading.add(request.protocol)  # it may take its time on the way, after this returns
                return file
        return web.Response(status=404, text="there is /session, /live, /ready and /metrics\n")

    def _allowed(self, request: web.BaseRequest, right: str) -> bool:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        return self._access.allows(token if scheme == "Bearer" else "", right)

    def _refused(self, request: web.BaseRequest) -> web.Response | None:
        """The answer to a web page that may not ask."""
        origin = request.headers.get("Origin")
        own = self._pages is not None and own_origin(request, self._access)
        if origin is None or origin in self._origins or own:
            return None
        self.traffic.turned_away["origin"] += 1
        return web.Response(status=403, text="pages of this origin may not open sessions\n")

    async def _say(self, request: web.BaseRequest) -> web.StreamResponse:
        if (refused := self._refused(request)) is not None:
            return refused
        if not self._allowed(request, "session"):
            self.traffic.turned_away["token"] += 1
            return web.Response(status=401, text=BEARER)
        self._reading.add(request.protocol)
        return await self._saying.answer(request)

    async def _session(self, request: web.BaseRequest) -> web.StreamResponse:
        if (refused := self._refused(request)) is not None:
            return refused
        ws = web.WebSocketResponse(
            autoclose=False,
            autoping=False,
            heartbeat=HEARTBEAT_S,
            compress=False,
            max_msg_size=LONGEST_BINARY if self._terms.trackers is None else LONGEST_READ,
            decode_text=False,
            timeout=1.0,
        )
        transport = request.transport
        if transport is None or not ws.can_prepare(request):
            return web.Response(status=426, text="open a WebSocket here\n", headers={"Upgrade": "websocket"})
        handler, connection = request.protocol, Connection(self._terms, ws, transport)
        self._upgraded.add(handler)
        self._connections.add(connection)
        try:
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
            await ws.prepare(request)
            await connection.serve()
        finally:
            self._upgraded.discard(handler)
            self._connections.discard(connection)
        return ws

    def _wake(self, outbox: Outbox) -> None:
        """Something waits to be sent; from any thread. Many calls before the network's thread looks are one."""
        self._dirty.append(outbox)
        if not self._scheduled:
            self._scheduled = True
            try:
                self._loop.call_soon_threadsafe(self._flush)
            except RuntimeError:  # the server has stopped; nobody is there to send to
                self._dirty.clear()

    def _flush(self) -> None:
        self._scheduled = False
        now_ns = self._host.clock.now_ns()
        while self._dirty:
            self._dirty.popleft().flush(now_ns)


class _Refusing(asyncio.Protocol):
    """For a connection too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let it go at once."""
        assert isinstance(transport, asyncio.Transport)
        transport.abort()


def _said(good: bool, otherwise: str) -> web.Response:
    return web.Response(status=200 if good else 503, text="ok\n" if good else f"{otherwise}\n")
