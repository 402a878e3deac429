"""Hundreds of thousands of messages that are almost right, through the door of an open session and on the wire."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from aiohttp import WSMsgType

from benchmarks.machine import resident_mib
from engine.network.connection import Connection
from engine.network.intake import Intake
from engine.session.live import Opening
from tests.engine.network.stage import MS, Hall, Visitor, ended, gone
from tests.engine.network.test_messages import mutated
from tests.engine.network.test_outbox import Transport


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


def test_200_000_mutated_messages_through_the_door_of_an_open_session(hall: Hall, neighbour: Visitor) -> None:
    keys = frozenset({("audio", "partner"), ("face", "partner"), ("words", "self"), ("speaking", "self")})
    transport = Transport()
    chance = random.Random(9)

    async def attack() -> Connection:
        victim = Connection(hall.server._terms, SimpleNamespace(), transport)  # type: ignore[arg-type]
        session = hall.host.open(Opening(("echo",), given=keys), victim.outbox.publish)
        victim.session, victim._intake = session, Intake(session, 16_000, hall.clock.now_ns())
        victim.outbox.open(transport)  # type: ignore[arg-type]
        held = 0.0
        for number in range(200_000):
            message, kind = mutated(chance), chance.choice([WSMsgType.BINARY, WSMsgType.TEXT])
            hall.clock.advance(20 * MS)
            victim._take(SimpleNamespace(type=kind, data=message))
            if number % 1000 == 0:
                victim.look(hall.clock.now_ns())
                transport.data = b""
            if number == 50_000:
                held = resident_mib()
        assert resident_mib() - held < 24
        assert not victim._over and session.ended is None
        session.close()
        return victim

    victim = asyncio.run(attack())
    assert victim._refusals > 150_000
    assert hall.server.traffic.counts["refused"] == victim._refusals
    ended(hall, 1)


def test_thousands_of_mutated_handshakes_and_frames_on_the_wire(hall: Hall, neighbour: Visitor) -> None:
    chance = random.Random(10)
    where = tuple(hall.server._socket.getsockname())
    valid = (
        b"GET /session HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        b'\x81\x8e\x00\x00\x00\x00{"open": {}   }' + b"\x82\x90\x00\x00\x00\x00" + b"\x02\x00\x01" + b"\x00" * 13
    )
    for round_ in range(2000):
        data = bytearray(valid)
        for _ in range(chance.randint(1, 3)):
            at = chance.randrange(len(data))
            data[at : at + chance.randint(0, 8)] = chance.randbytes(chance.randint(0, 8))
        with socket.create_connection(where, 10.0) as one:
            one.sendall(bytes(data))
            if round_ % 4 == 0:
                one.shutdown(socket.SHUT_WR)
                gone(one)
        if round_ % 500 == 0:
            neighbour.talk(2)
    ended(hall)
