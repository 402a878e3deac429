"""The control socket: every request answered, no request fatal, and a client that is told what is wrong."""

from __future__ import annotations

import json
import math
import socket as sockets
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import zmq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.clock import FakeClock
from engine.control import (
    LONGEST_ERROR,
    LONGEST_REQUEST,
    ControlServer,
    ask,
    set_controls,
)
from engine.errors import EngineError
from engine.feeds.held import Held
from engine.spec import SpecError
from tests.engine.session.scene import SPEC

FREE = "tcp://127.0.0.1:*"


class Told:
    """Held values that tell what they are now, as a live session does."""

    def __init__(self, held: Held) -> None:
        self._held = held

    def set(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return {"controls": self._held.set(values), "choices": self._held.choices()}


class Peer:
    """A control server on a free port, and a raw client of it."""

    def __init__(self) -> None:
        self.context = zmq.Context()
        self.controls = Held(SPEC)
        self.calls: list[str] = []
        handlers = {
            "set": lambda request: set_controls(Told(self.controls), request),
            "stop": lambda _: self.calls.append("stop") or {},
            "odd": lambda _: {"low": -math.inf, "what": {1}},
            "broken": lambda _: {}["nothing"],
        }
        self.server = ControlServer(self.context, FREE, handlers, FakeClock(77))
        self.client = self.connected()

    def connected(self) -> zmq.Socket:
        client = self.context.socket(zmq.REQ)
        client.connect(self.server.endpoint)
        return client

    def send(self, *parts: bytes) -> dict[str, Any]:
        """The reply to a message of these parts."""
        self.client.send_multipart(parts)
        assert self.client.poll(5000), f"no reply to {parts[0][:50]!r}"
        reply: dict[str, Any] = json.loads(self.client.recv(), parse_constant=pytest.fail)
        return reply


@pytest.fixture(scope="module")
def peer() -> Iterator[Peer]:
    made = Peer()
    yield made
    made.server.close()
    made.context.destroy(linger=0)


def refused(reply: dict[str, Any]) -> str:
    assert reply["ok"] is False
    return str(reply["error"])


@pytest.mark.parametrize(
    "parts",
    [
        *([b""], [b"{"], [b"null"], [b"[]"], [b"3"], [b'"set"'], [b"{}"], [b'{"op": 3}'], [b'{"op": ["set"]}']),
        *([b'{"op": {}}'], [b'{"op": "nothing"}'], [b"\xff\xfe\x00\x01"], [b'{"op": "stop"}', b"more"]),
        *([b"[" * 10_000], [b'{"a":' * 3_000], [b"9" * 6000], [b"NaN"], [b"\x00" * 16_000]),
    ],
    ids=lambda parts: repr(parts[0][:12]),
)
def test_what_is_no_request_is_refused_in_words(peer: Peer, parts: list[bytes]) -> None:
    error = refused(peer.send(*parts))
    assert "not a request" in error
    assert "stop" in error
    assert peer.calls == []


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=200), st.recursive(st.none() | st.floats() | st.text(), st.lists).map(json.dumps)))
def test_garbage_never_ends_the_server(peer: Peer, message: bytes | str) -> None:
    assert not peer.send(message.encode() if isinstance(message, str) else message)["ok"]
    assert peer.send(b'{"op": "clock"}')["monotonic_ns"] == 77


@pytest.mark.parametrize(
    "controls",
    [
        *('{"gain": 3}', '{"gain": -0.1}', '{"gain": NaN}', '{"gain": Infinity}', '{"gain": "much"}', '{"gain": null}'),
        *('{"gain": [1]}', '{"gain": {}}', '{"nothing": 1}', '{"gain": 0.5, "nothing": 1}', '{"voice": 1}', "{}", "[]"),
        *("null", "3", '{"gain": 1' + "0" * 400 + "}"),
    ],
)
def test_a_value_out_of_place_is_refused_and_changes_nothing(peer: Peer, controls: str) -> None:
    peer.controls.set({"gain": 1.25})
    assert refused(peer.send(f'{{"op": "set", "controls": {controls}}}'.encode()))
    assert peer.controls.values() == {"gain": 1.25}


def test_a_value_in_range_is_set_and_told(peer: Peer) -> None:
    reply = peer.send(b'{"op": "set", "controls": {"gain": 0.5}}')
    assert reply == {"ok": True, "controls": {"gain": 0.5}, "choices": {}}
    assert peer.controls.values() == {"gain": 0.5}


def test_a_handler_that_breaks_is_an_answer_and_not_the_end(peer: Peer) -> None:
    assert "broken failed: KeyError" in refused(peer.send(b'{"op": "broken"}'))
    assert peer.send(b'{"op": "odd"}') == {"ok": True, "low": None, "what": "{1}"}
    assert peer.send(b'{"op": "clock"}')["ok"]


def test_a_huge_request_is_cut_off_and_the_next_client_is_served(peer: Peer) -> None:
    flood = peer.connected()
    flood.send(b"x" * (LONGEST_REQUEST + 1))
    assert not flood.poll(300)
    flood.close(linger=0)
    assert peer.send(b'{"op": "clock"}')["ok"]


def test_what_is_no_zeromq_and_who_does_not_wait_does_no_harm(peer: Peer) -> None:
    host, port = peer.server.endpoint.removeprefix("tcp://").split(":")
    for text in (b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 100, b""):
        with sockets.create_connection((host, int(port)), 5) as raw:
            raw.sendall(text)
    for _ in range(20):
        gone = peer.connected()
        gone.send(b'{"op": "clock"}')
        gone.close(linger=0)
    assert peer.send(b'{"op": "clock"}')["ok"]


def test_a_taken_control_port_is_named_and_leaves_no_thread(peer: Peer) -> None:
    before = threading.active_count()
    with pytest.raises(EngineError, match=rf"{peer.server.endpoint} is in use.*--control"):
        ControlServer(peer.context, peer.server.endpoint, {}, FakeClock())
    assert threading.active_count() == before


def test_controls_start_from_the_spec_and_refuse_wrong_start_values() -> None:
    assert Held(SPEC).values() == {"gain": 1.0}
    assert Held(SPEC, {"gain": "1.5"}).values() == {"gain": 1.5}
    for wrong in ({"gain": "9"}, {"other": 1}, {"gain": "nan"}):
        with pytest.raises(SpecError):
            Held(SPEC, wrong)


def test_a_handler_s_answer_that_is_none_is_an_answer_in_words(peer: Peer) -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    handlers = {
        "deep": lambda _: {"deep": deep},
        "long": lambda _: {"long": ["x" * 1000] * 1100},
        "none": lambda _: None,
        "loud": lambda _: (_ for _ in ()).throw(EngineError("\x1b[2J" + "a" * 5000)),
    }
    server = ControlServer(peer.context, FREE, handlers, FakeClock())
    try:
        for op, said in (("deep", "RecursionError"), ("long", "more than"), ("none", "TypeError"), ("loud", "?[2Jaaa")):
            error = refused(json.loads(server.answer([json.dumps({"op": op}).encode()])))
            assert said in error and len(error) <= LONGEST_ERROR
            assert ask(server.endpoint, {"op": "clock"})["ok"]
            with pytest.raises(EngineError, match="refused"):
                ask(server.endpoint, {"op": op})
    finally:
        server.close()
        while deep:  # taken apart by hand: the interpreter would do it by recursion
            deep = deep.pop()


def test_a_request_that_is_too_long_is_refused_even_if_it_came_so_far(peer: Peer) -> None:
    long = json.dumps({"op": "clock", "filling": "x" * LONGEST_REQUEST}).encode()
    assert "not a request" in refused(json.loads(peer.server.answer([long])))
