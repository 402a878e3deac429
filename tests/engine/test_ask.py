"""Asking an engine: replies are bounded and cleaned, each op needs its right, and what is no engine is told apart."""

from __future__ import annotations

import json
import math
import socket as sockets
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest
import zmq

from engine.access import Access
from engine.clock import FakeClock
from engine.control import LONGEST_REPLY, ControlServer, NoAnswer, ask, set_controls, shown
from engine.errors import EngineError
from engine.feeds.held import Held
from tests.engine.session.scene import SPEC
from tests.engine.test_control import FREE, Told
from tests.hostile import COMMAND, GREETING, part


@pytest.fixture(scope="module")
def engine() -> Iterator[str]:
    """The address of a control server with one control."""
    held = Told(Held(SPEC))
    with zmq.Context() as context:
        server = ControlServer(context, FREE, {"set": lambda request: set_controls(held, request)}, FakeClock(77))
        yield server.endpoint
        server.close()


def test_ask_gives_the_reply_or_says_why_not(engine: str) -> None:
    assert ask(engine, {"op": "set", "controls": {"gain": 2}})["controls"] == {"gain": 2.0}
    with pytest.raises(EngineError, match=r"refused: control gain = 5 is out of range: .* 0 to 2"):
        ask(engine, {"op": "set", "controls": {"gain": 5}})


@pytest.mark.parametrize("endpoint", ["", "nonsense", "tcp://127.0.0.1", "tcp://127.0.0.1:*", "tcp://a\udcff:1"])
def test_ask_refuses_an_address_that_is_none(endpoint: str) -> None:
    with pytest.raises(EngineError, match="is no address"):
        ask(endpoint, {"op": "stats"})


def test_ask_without_an_engine_gives_up() -> None:
    with sockets.create_server(("127.0.0.1", 0)) as silent:  # a port that nobody else can take meanwhile
        port = silent.getsockname()[1]
        with pytest.raises(EngineError, match=rf"no engine answers at tcp://127.0.0.1:{port}; .*--control"):
            ask(f"tcp://127.0.0.1:{port}", {"op": "stats"}, timeout_s=0.2)


@pytest.mark.parametrize("answer", [b"hello", b"[]", b"[1]", b"3", b"\xff"])
def test_ask_tells_another_program_from_an_engine(answer: bytes) -> None:
    context = zmq.Context()
    other = context.socket(zmq.REP)
    port = other.bind_to_random_port("tcp://127.0.0.1")

    def reply() -> None:
        other.recv()
        other.send(answer)

    thread = threading.Thread(target=reply)
    thread.start()
    with pytest.raises(EngineError, match="is no engine"):
        ask(f"tcp://127.0.0.1:{port}", {"op": "stats"})
    thread.join()
    context.destroy(linger=0)


class Answers:
    """Something on a port that answers every request with the same bytes."""

    def __init__(self, *parts: bytes) -> None:
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.REP)
        self.endpoint = f"tcp://127.0.0.1:{self._socket.bind_to_random_port('tcp://127.0.0.1')}"
        self._thread = threading.Thread(target=self._answer, args=(parts,))
        self._thread.start()

    def _answer(self, parts: tuple[bytes, ...]) -> None:
        self._socket.recv()
        self._socket.send_multipart(parts)

    def __enter__(self) -> str:
        return self.endpoint

    def __exit__(self, *_: object) -> None:
        self._thread.join()
        self._context.destroy(linger=1000)


def test_what_an_engine_says_does_nothing_to_a_terminal() -> None:
    said = "\x1b]0;owned\x07\x1b[2J\u202efdp.exe\r\nok \x9b31m \ud800 \u00e9"
    refusing = json.dumps({"ok": False, "error": said}).encode()
    with Answers(refusing) as endpoint, pytest.raises(EngineError, match="refused") as caught:
        ask(endpoint, {"op": "stats"})
    assert str(caught.value) == "the engine refused: ?]0;owned??[2J?fdp.exe ok ?31m ? \u00e9"
    told = {"ok": True, "controls": {"a\x1b": "b\x1b[2J"}, "deep": [[said]], "far": [1e400, 10**300, math.nan, 2]}
    with Answers(json.dumps(told).encode()) as endpoint:
        reply = ask(endpoint, {"op": "stats"})
    assert reply["controls"] == {"a?": "b?[2J"}
    assert reply["deep"][0][0].isprintable()
    assert reply["far"] == [None, None, None, 2]


@pytest.mark.parametrize(
    "parts",
    [
        *([b"{}"], [b'{"ok": true}', b"more"], [b"[" * 900], [b'{"ok": true, "a": ' + b"[" * 40 + b"]" * 40 + b"}"]),
        *([b'"ok"'], [b"1" * 5000], [b""]),
    ],
    ids=lambda parts: repr(parts[0][:12]),
)
def test_a_reply_of_another_shape_is_no_engine_s(parts: list[bytes]) -> None:
    with Answers(*parts) as endpoint, pytest.raises(EngineError, match="is no engine"):
        ask(endpoint, {"op": "stats"})


def test_a_reply_that_is_too_long_is_not_taken() -> None:
    with Answers(b" " * (LONGEST_REPLY + 1)) as endpoint, pytest.raises(NoAnswer):
        ask(endpoint, {"op": "stats"}, 0.5)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nobody weighs what a connection sends")
def test_a_reply_without_end_is_cut_off() -> None:
    sent, most = 0, 400_000_000
    piece = part(b"x" * 60_000, more=True)

    def answer(listener: sockets.socket) -> None:
        nonlocal sent
        line, _ = listener.accept()
        with line, suppress(OSError):
            line.sendall(GREETING + bytes((COMMAND, 25)) + b"\x05READY\x0bSocket-Type\0\0\0\x03REP")
            line.recv(4096)
            line.sendall(part(b"", more=True))  # the envelope is as it should be
            while sent < most:  # several times what came through in that time before anybody weighed it
                line.sendall(piece)
                sent += len(piece)

    with sockets.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer, args=(listener,))
        thread.start()
        with pytest.raises(NoAnswer):
            ask(f"tcp://127.0.0.1:{listener.getsockname()[1]}", {"op": "stats"}, 2.0)
        thread.join()
    assert 0 < sent < most


def test_what_set_tells_is_shown_whatever_it_is() -> None:
    reply = {
        "ok": True,
        "controls": {"gain": 0.5, "effort": 2, "style": [0.25, 1], "odd": None, "far": 10**400, "x": {"a": 1}},
        "choices": {"effort": "high"},
        "texts": {"prompt": {"text": "wave", "pending": "bow", "problem": ""}, "other": {"text": "sit", "pending": ""}},
    }
    assert shown(reply) == (
        "gain=0.5  effort=high  style=0.25,1  odd=None  far=1" + "0" * 400 + "  x='None'  prompt='bow'  other='sit'"
    )
    for odd in ({}, {"controls": 3, "choices": [1], "texts": None}, {"controls": {"a": "\x1b[2J"}}):
        assert shown(odd) in ("", "a=?[2J")
    assert shown({"controls": {"a": [math.nan, math.inf, True]}}) == "a=nan,inf,1"


TOKENS = {f"a token that may {right}": frozenset({right}) for right in ("describe", "set", "stop", "session")}


@pytest.fixture(scope="module")
def guarded() -> Iterator[ControlServer]:
    with zmq.Context() as context:
        handlers = {name: lambda _: {} for name in ("describe", "stats", "set", "reset", "pause", "stop")}
        server = ControlServer(context, FREE, handlers, FakeClock(), Access(tokens=TOKENS))
        yield server
        server.close()


@pytest.mark.parametrize("op", ["describe", "stats", "clock", "set", "reset", "pause", "stop"])
def test_each_op_needs_its_right_and_no_other(guarded: ControlServer, op: str) -> None:
    right = {"stats": "describe", "clock": "describe", "reset": "set", "pause": "set"}.get(op, op)
    for token, has in TOKENS.items():
        reply = json.loads(guarded.answer([json.dumps({"op": op, "token": token}).encode()]))
        assert reply["ok"] is (right in has), token
        assert reply["ok"] or f"{op}: this token does not have the right {right!r}" in reply["error"]
    for token in ("", None, 3, [], {}, "a token that may ", "a token that may describe\0", "\ud800"):
        reply = json.loads(guarded.answer([json.dumps({"op": op, "token": token}).encode()]))
        assert reply["ok"] is False and repr(right) in reply["error"]
    assert not json.loads(guarded.answer([json.dumps({"op": op}).encode()]))["ok"]


def test_a_refusal_does_not_tell_tokens(guarded: ControlServer) -> None:
    for message in (b'{"op": "stop", "token": "guess"}', b'{"op": "nothing"}', b"{"):
        assert b"a token that may" not in guarded.answer([message])
    assert "a token that may" not in repr(Access(tokens=TOKENS))


def test_ask_shows_its_token(guarded: ControlServer) -> None:
    assert ask(guarded.endpoint, {"op": "stop", "token": "a token that may stop"})["ok"]
    with pytest.raises(EngineError, match="refused: stop: no token was shown for the right 'stop'"):
        ask(guarded.endpoint, {"op": "stop", "token": ""})
