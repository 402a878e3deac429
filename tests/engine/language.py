"""A small HTTP server in the place of a language model: it answers as it is told and remembers what it was sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = Callable[[BaseHTTPRequestHandler], None]


def content(text: Any) -> Reply:
    """An answer whose message is ``text``."""
    return raw(json.dumps({"choices": [{"message": {"role": "assistant", "content": text}}]}).encode())


def raw(body: bytes, status: int = 200, **head: str) -> Reply:
    """An answer of these bytes."""

    def send(to: BaseHTTPRequestHandler) -> None:
        to.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **head}.items():
            to.send_header(name, value)
        to.end_headers()
        to.wfile.write(body)

    return send


class Model:
    """``address`` of its endpoint; ``requests`` that came: path, headers and body."""

    def __init__(self, replies: list[Reply]) -> None:
        self.requests: list[tuple[str, dict[str, str], Any]] = []
        model = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                model.requests.append((self.path, dict(self.headers), json.loads(body)))
                replies[min(len(model.requests), len(replies)) - 1](self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}/v1"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def serving(*replies: Reply) -> Iterator[Model]:
    """A model that gives these answers, the last again and again."""
    model = Model(list(replies))
    try:
        yield model
    finally:
        model.close()
