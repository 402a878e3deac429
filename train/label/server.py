"""Serves the labelling page on this machine only: its files, a small JSON interface, and clips as raw numbers.

    GET  /                      the page; its scripts and style beside it, nothing from elsewhere
    GET  /api/task              what is asked: scales, takes, clips, bodies to draw
    GET  /api/clips/N           positions of clip N: little-endian float32, (frames, joints, 3), metres
    GET  /api/labels[?after=V]  what is labelled; without "labels" where V is the version still
    POST /api/labels            {"clip": N, "values": {"time": 2}}, null takes a value away; answers as GET does
    POST /api/undo              {}; the clip that changed back ("clip", or null), and as GET does

Every POST names the "session" that the task told: a page left open while the program was started again, perhaps with
other takes, would label the wrong clips, and is refused. Whatever is refused answers {"error": why}. A page of another
site cannot reach any of it: the Host header must name this machine and port (so a foreign name that resolves to
127.0.0.1 is refused), and a POST must be JSON of this origin.
"""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from engine.errors import EngineError
from train.files import reason
from train.label.labels import Labels
from train.label.task import Task

HOST = "127.0.0.1"
PAGE = Path(__file__).parent / "page"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
JSON, RAW = "application/json", "application/octet-stream"
LONGEST = 10_000  #: bytes of a request's body


class Answer(NamedTuple):
    """What goes back: the body, and its Content-Type."""

    body: bytes
    kind: str


class Refused(EngineError):
    """A request that is not answered, with the HTTP status that says why."""

    def __init__(self, status: HTTPStatus, why: str) -> None:
        super().__init__(why)
        self.status = status


class LabelServer(ThreadingHTTPServer):
    """The server of one task; ``port`` 0 takes any that is free. Raises :class:`EngineError` where a port is taken."""

    daemon_threads = True
    block_on_close = False  # an open browser keeps its connections; ending must not wait for them

    def __init__(self, task: Task, labels: Labels, port: int) -> None:
        self.task, self.labels, self.session = task, labels, secrets.token_hex(8)
        self.announced = _json(task.announce() | {"session": self.session, "by": labels.by, "file": labels.path.name})
        self.files = {
            f"/{path.name}": Answer(path.read_bytes(), TYPES[path.suffix])
            for path in PAGE.iterdir()
            if path.suffix in TYPES
        }
        self.files["/"] = self.files["/index.html"]
        try:
            super().__init__((HOST, port), Handler)
        except (OSError, OverflowError) as error:
            why = reason(error) if isinstance(error, OSError) else "ports are 0 to 65535"
            raise EngineError(
                f"port {port} cannot be used ({why}); another page may be open: close it, or give --port N (0: any)"
            ) from error
        self.hosts = {f"{name}:{self.server_port}" for name in (HOST, "localhost")}

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that hangs up in the middle is no news; anything else is told."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)

    @property
    def url(self) -> str:
        """Where a browser finds the page."""
        return f"http://{HOST}:{self.server_port}/"


class Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    server: LabelServer
    protocol_version = "HTTP/1.1"
    timeout = 60.0

    def do_GET(self) -> None:
        """Files, the task, clips and labels."""
        self._answer(self._get)

    def do_POST(self) -> None:
        """Labels and undo."""
        self._answer(self._post)

    def log_message(self, format: str, *args: object) -> None:
        """Requests are not news; what goes wrong is told on the page."""

    def _answer(self, method: Callable[[], Answer]) -> None:
        status = HTTPStatus.OK
        try:
            if self.headers.get("Host") not in self.server.hosts:
                raise Refused(
                    HTTPStatus.FORBIDDEN, f"host {self.headers.get('Host')!r} is not this page; open {self.server.url}"
                )
            answer = method()
        except Refused as error:
            answer, status = _told({"error": str(error)}), error.status
        except EngineError as error:
            answer, status = _told({"error": str(error)}), HTTPStatus.CONFLICT
        if status != HTTPStatus.OK:
            self.close_connection = True  # what is left of a refused request's body is not read
        self.send_response(status)
        for name, value in (
            ("Content-Type", answer.kind),
            ("Content-Length", str(len(answer.body))),
            ("Cache-Control", "no-store"),
            ("Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'"),
            ("X-Content-Type-Options", "nosniff"),
            *((("Connection", "close"),) if self.close_connection else ()),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)

    def _get(self) -> Answer:
        where = urlsplit(self.path)
        if where.path in self.server.files:
            return self.server.files[where.path]
        if where.path == "/api/task":
            return Answer(self.server.announced, JSON)
        if where.path == "/api/labels":
            state, after = self._state(), parse_qs(where.query).get("after")
            if after is not None and after[0] == str(state["version"]):
                del state["labels"]
            return _told(state)
        if where.path.startswith("/api/clips/"):
            word = where.path.removeprefix("/api/clips/")
            if word.isdecimal() and int(word) < len(self.server.task.clips):
                return Answer(self.server.task.positions(int(word)).astype("<f4").tobytes(), RAW)
        raise Refused(HTTPStatus.NOT_FOUND, f"there is no {where.path}")

    def _post(self) -> Answer:
        asked = self._body()
        labels, told = self.server.labels, dict[str, Any]()
        if self.path == "/api/undo":
            told = {"clip": labels.undo()}
        elif self.path == "/api/labels":
            clip, values = asked.get("clip"), asked.get("values")
            if type(clip) is not int or not isinstance(values, dict):
                raise Refused(HTTPStatus.BAD_REQUEST, 'give {"clip": number, "values": {scale: level or null}}')
            labels.change(clip, values)
        else:
            raise Refused(HTTPStatus.NOT_FOUND, f"there is no {self.path}")
        return _told(self._state() | told)

    def _state(self) -> dict[str, Any]:
        return self.server.labels.state() | {"session": self.server.session}

    def _body(self) -> dict[str, Any]:
        """The JSON object of a request that a page of this server made."""
        origin = self.headers.get("Origin")
        if origin is not None and origin.removeprefix("http://") not in self.server.hosts:
            raise Refused(HTTPStatus.FORBIDDEN, f"origin {origin!r} is not this page")
        if self.headers.get_content_type() != "application/json":
            raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send JSON, as Content-Type: application/json")
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > LONGEST:
            raise Refused(
                HTTPStatus.BAD_REQUEST, f"Content-Length is {length!r}; give a body of at most {LONGEST} bytes"
            )
        try:
            asked = json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError):
            raise Refused(HTTPStatus.BAD_REQUEST, "the body does not read as JSON") from None
        if not isinstance(asked, dict):
            raise Refused(HTTPStatus.BAD_REQUEST, "the body must be a JSON object")
        if asked.get("session") != self.server.session:
            raise Refused(HTTPStatus.CONFLICT, "the program was started again since this page was opened; reload it")
        return asked


def _told(value: object) -> Answer:
    return Answer(_json(value), JSON)


def _json(value: object) -> bytes:
    return json.dumps(value, allow_nan=False, separators=(",", ":")).encode()
