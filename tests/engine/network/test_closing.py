"""How a WebSocket is closed: each side says so once, with the code and the reason, whoever begins."""

from __future__ import annotations

import struct

from tests.engine.network.stage import Hall, Raw

CLOSE = 8


def closes(raw: Raw) -> list[bytes]:
    """What every close frame says that still comes, until the connection is gone."""
    found = []
    while True:
        kind, body = raw.frame()
        if kind == CLOSE and not body:
            return found
        if kind == CLOSE:
            found.append(body)
            raw.send(CLOSE, body[:2])


def test_the_engine_says_it_once_and_why(tokens: Hall) -> None:
    raw = tokens.raw()
    raw.text({"open": {"token": "nobody's"}})
    (said,) = closes(raw)
    assert struct.unpack("!H", said[:2])[0] == 1008 and b"token" in said


def test_a_client_that_closes_is_answered_once() -> None:
    with Hall() as hall:
        raw = hall.raw({})
        raw.send(CLOSE, struct.pack("!H", 1000))
        (said,) = closes(raw)
        assert struct.unpack("!H", said[:2])[0] == 1000
