"""Clients who do harm, or nothing: each is bounded, told why it is ended where it listens, and costs its neighbours not
one frame."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from engine.network import connection, server
from engine.network.messages import record
from engine.network.outbox import HIGH, MOST_BYTES, MOST_FRAMES
from engine.network.timing import LONGEST_AGO_S
from engine.session.pushed import BURST_S
from engine.wire import decode
from tests.engine.network.stage import HOP, PERIOD, Hall, Raw, S, Visitor, ended, gone, until

SILENCE = np.zeros(HOP, np.int16)


@pytest.fixture
def hall() -> Iterator[Hall]:
    with Hall(idle_s=1e9) as made:
        yield made


@pytest.fixture
def neighbour(hall: Hall) -> Iterator[Visitor]:
    """A client that behaves: whatever a test does, it gets all its frames before, meanwhile and after."""
    visitor = hall.visitor(3)
    visitor.talk(5)
    yield visitor
    visitor.talk(20)
    visitor.own()
    assert [frame.seq for frame in visitor.frames] == list(range(len(visitor.frames)))
    assert visitor.session.ended is None and visitor.session.lost == 0


def test_one_who_never_reads_loses_frames_and_then_the_session(hall: Hall, neighbour: Visitor) -> None:
    raw = hall.raw({"monitor": True}, receive_buffer=4096)
    session = hall.host.sessions()[1]
    outbox = next(one for one in hall.server._connections if one.session is session).outbox
    for _ in range(2000):
        hall.clock.advance(PERIOD)
        frames = session.slots[0].stats.frames
        raw.send(2, record(1, hall.clock.now_ns(), np.zeros(58, np.float32)) + record(0, hall.clock.now_ns(), SILENCE))
        until(lambda: session.slots[0].stats.frames > frames or session.ended)  # noqa: B023
        if outbox.dropped > 2 * MOST_FRAMES:
            break
        assert len(outbox._waiting) <= MOST_FRAMES and outbox._bytes <= MOST_BYTES
        assert outbox._transport is not None and outbox._transport.get_write_buffer_size() <= HIGH + MOST_BYTES
    assert outbox.dropped > 2 * MOST_FRAMES
    neighbour.talk(10)
    hall.clock.advance(round(connection.STUCK_S * S) + S)
    ended(hall)
    assert hall.server.traffic.ended["stuck"] == 1


@pytest.mark.parametrize(
    "attack",
    [
        lambda raw: [raw.send(1, b'{"ping": 1}') for _ in range(3000)],
        lambda raw: [raw.send(9, b"") for _ in range(3000)],
        lambda raw: [raw.send(10, b"x") for _ in range(3000)],
        lambda raw: [raw.send(2, record(0, 0, SILENCE[:1])) for _ in range(3000)],
        lambda raw: [raw.send(2, record(1, 0, np.zeros(58, np.float32)) * 16) for _ in range(300)],
        lambda raw: [raw.send(2, b"\x00" * 60_000, masked=False) for _ in range(60)],
        lambda raw: [raw.send(1, b'{"stats": true, "at": 1}') for _ in range(3000)],
    ],
    ids=["text", "pings", "pongs", "sound", "poses", "bytes", "stats"],
)
def test_a_flood_ends_the_session_with_the_reason(hall: Hall, neighbour: Visitor, attack: Callable[[Raw], Any]) -> None:
    raw, gone = hall.raw({}), threading.Event()
    told: list[Any] = []

    def read() -> None:
        told.append(raw.until("ended"))
        gone.set()

    reader = threading.Thread(target=read)
    reader.start()
    with contextlib.suppress(OSError):  # the engine closes it, as it should
        attack(raw)
    neighbour.talk(10)
    reader.join()
    assert told == [f"more than {connection.BYTES_A_SECOND} bytes or {connection.MESSAGES_A_SECOND} messages a second"]
    ended(hall)
    assert hall.server.traffic.ended["flood"] == 1


def test_a_flooder_is_read_no_more_and_its_place_is_free_at_once(
    monkeypatch: pytest.MonkeyPatch, hall: Hall, neighbour: Visitor
) -> None:
    monkeypatch.setattr(connection, "LINGER_S", 60.0)
    raw = hall.raw({})
    raw.socket.settimeout(1.0)
    block = b"\x82\x80mask" * 10_000  # empty messages
    with pytest.raises(TimeoutError):  # nobody takes them any more
        for _ in range(2000):
            raw.socket.sendall(block)
    until(lambda: len(hall.host.sessions()) == 1, 10.0)
    neighbour.talk(5)


def test_statistics_are_not_told_as_often_as_somebody_asks(hall: Hall, neighbour: Visitor) -> None:
    raw = hall.raw({})
    for _ in range(20):
        raw.text({"stats": True})
    raw.text({"ping": 1})
    told = 0
    while "pong" not in (reply := raw.read()):
        told += "stats" in reply
    assert 1 <= told <= 2 * connection.MESSAGES_A_SECOND / connection.STATS_COST
    assert hall.server.traffic.counts["refused"] == 20 - told


def test_sound_faster_than_time_is_thrown_away_and_makes_no_frames(hall: Hall, neighbour: Visitor) -> None:
    raw = hall.raw({})
    session = hall.host.sessions()[1]
    for _ in range(200):
        raw.send(2, record(0, hall.clock.now_ns(), SILENCE))
    raw.text({"ping": 5})
    assert raw.until("pong") == 5
    until(lambda: session.slots[0].stats.frames >= BURST_S * 25)
    neighbour.talk(20)
    assert session.slots[0].stats.frames <= BURST_S * 25 + 21 * 1.05
    assert raw.until("refused").endswith("came faster than time and were thrown away")
    assert hall.server.traffic.counts["too_fast"] == (200 - BURST_S * 25) * HOP


LIES: dict[str, Callable[[int, int], int]] = {
    "future": lambda now, _: now + 10**15,
    "constant": lambda now, _: 7,
    "jumping": lambda now, hop: now + (-1) ** hop * 10**12,
    "extreme": lambda now, hop: (2**63 - 1, -(2**63))[hop % 2],
    "backwards": lambda now, hop: now - 2 * hop * PERIOD,
}


@pytest.mark.parametrize("lie", sorted(LIES))
def test_lies_about_time_are_bounded(hall: Hall, neighbour: Visitor, lie: str) -> None:
    raw = hall.raw({})
    for hop in range(30):
        hall.clock.advance(PERIOD)
        now = hall.clock.now_ns()
        at = LIES[lie](now, hop)
        raw.send(2, record(1, at, np.zeros(58, np.float32)) + record(0, at, SILENCE))
        while True:
            kind, body = raw.frame()
            if kind == 1 and "time" in (told := json.loads(body)):
                raw.text({"time": told["time"], "at": at})
            if kind == 2 and decode(body).stream == 0:
                break
        # a frame's time goes on from the one before it, so it may be a hop ahead of the sound's
        assert now - LONGEST_AGO_S * S <= decode(body).capture_ns <= hall.clock.now_ns() + PERIOD
        assert decode(body).seq == hop
    neighbour.talk(10)


def test_half_open_clients_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "HEARTBEAT_S", 0.2)
    with Hall() as hall:
        neighbour = hall.visitor(3)
        hall.raw({})
        assert len(hall.host.sessions()) == 2
        ended(hall)  # the one who answers no ping
        neighbour.talk(5)
        neighbour.own()


def test_one_who_vanishes_frees_its_place(hall: Hall, neighbour: Visitor) -> None:
    for abruptly in (False, True):
        raw = hall.raw({})
        if abruptly:
            raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raw.socket.close()
        ended(hall)
        neighbour.talk(3)


def test_one_who_opens_nothing_is_told_so(monkeypatch: pytest.MonkeyPatch, hall: Hall, neighbour: Visitor) -> None:
    monkeypatch.setattr(connection, "OPENING_S", 0.1)
    assert hall.raw().until("ended") == "nothing came for 0.1 s: send the opening first"
    binary = hall.raw()
    binary.send(2, record(0, 1, SILENCE))
    assert "the first message opens the session" in binary.until("ended")
    ping = hall.raw()
    ping.send(9, b"")
    assert "the first message opens the session" in ping.until("ended")
    ended(hall)
    assert hall.server.traffic.turned_away["opening"] == 3 and hall.server.traffic.counts["opened"] == 1


def test_slow_handshakes_and_too_many_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "HTTP_S", 0.4)
    monkeypatch.setattr(server, "SPARE", 3)
    with Hall(capacity=1) as hall:
        neighbour = hall.visitor(3)
        where = tuple(hall.server._socket.getsockname())
        slow = [socket.create_connection(where, 10.0) for _ in range(3)]
        for one in slow:
            one.sendall(b"GET /session HTTP/1.1\r\nHost: here\r\n")
        until(lambda: hall.server._http is not None and len(hall.server._http.connections) == 4)
        neighbour.talk(2)
        asks = iter(range(100))
        late = socket.create_connection(where, 10.0)
        assert gone(late) and hall.server.traffic.turned_away["connections"] == 1
        slow[0].sendall(b"X: y\r\n")  # a little now and then does not help
        assert all(gone(one) for one in slow)
        with socket.create_connection(where, 10.0) as polite, contextlib.suppress(OSError):
            for _ in asks:  # one request after the other keeps nobody here for ever
                polite.sendall(b"GET /live HTTP/1.1\r\nHost: here\r\n\r\n")
                if not polite.recv(4096):
                    break
                threading.Event().wait(0.05)
        assert next(asks, None) is not None
        for one in (*slow, late):
            one.close()
        neighbour.talk(3)
        neighbour.own()


@pytest.mark.parametrize(
    "garbage",
    [
        b"\xff" * 64,
        b"\x82\xff" + (70_000).to_bytes(8, "big") + b"mask" + b"\x00" * 70_000,  # one that is too long
        b"\x82\xff" + b"\x7f" * 8 + b"mask" + b"x" * 100,  # one of exabytes
        b"\x02\xfe\x40\x00mask" + b"\x00" * 0x4000 + (b"\x00\xfe\x40\x00mask" + b"\x00" * 0x4000) * 8,  # without end
        b"\x80\x80mask",  # the continuation of nothing
        b"\xc2\x80mask",  # compressed, which nobody agreed on
        b"\x89\xfe\x00\x80mask" + b"\x00" * 128,  # a ping that is too long
        b"\x81\x84mask\x9e\x9d\x8c\x95",  # text that is none
    ],
)
def test_bytes_that_are_no_websocket_end_that_connection(hall: Hall, neighbour: Visitor, garbage: bytes) -> None:
    raw = hall.raw({})
    raw.socket.sendall(garbage)
    if garbage.startswith(b"\x81"):
        raw.text({"ping": 1})  # text that is no text is told, and counted, as any other
        assert raw.until("pong") == 1 and hall.server.traffic.counts["refused"] == 1
        raw.socket.close()
    ended(hall)
    neighbour.talk(5)


def test_joining_and_leaving_leaves_nothing_behind(hall: Hall, neighbour: Visitor) -> None:
    for number in range(40):
        raw = hall.raw({"seed": number})
        if number % 3:
            raw.send(2, record(0, hall.clock.now_ns(), SILENCE))
        if number % 2:
            raw.send(8, struct.pack("!H", 1000))
        raw.socket.close()
        hall.raws.remove(raw)
        ended(hall)
    until(lambda: not hall.server._since, 5.0)
    assert not hall.server._upgraded - {hall.server._http.connections[0]} and not hall.server._dirty
    assert hall.host.stats()["bundles"]["echo"]["slots"] == 1
