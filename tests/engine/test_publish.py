"""The publisher: subscribers that stall, leave or misbehave, ports that are taken, and what is announced."""

from __future__ import annotations

import json
import math
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import numpy as np
import pytest
import zmq

from engine.errors import EngineError
from engine.publish import ANNOUNCE_MAGIC, Publisher, QUEUE, encode_announcement, to_json
from engine.wire import MAGIC, Flag, Frame, decode, topic

FREE = "tcp://127.0.0.1:*"


@pytest.fixture
def context() -> Iterator[zmq.Context]:
    made = zmq.Context()
    yield made
    made.destroy(linger=0)


@pytest.fixture
def publisher(context: zmq.Context) -> Iterator[Publisher]:
    made = Publisher(context, FREE, 3)
    yield made
    made.close()


def frame(seq: int, stream: int = 0) -> Frame:
    return Frame(3, stream, Flag.FIRST, 12, seq, 1, 2, 3, 4, np.arange(58, dtype=np.float32))


def settle(condition: Callable[[], bool]) -> None:
    """Give ZeroMQ's thread time until the condition holds; fails after some seconds."""
    for _ in range(500):
        if condition():
            return
        threading.Event().wait(0.01)
    pytest.fail("did not come about")


def subscriber(context: zmq.Context, publisher: Publisher, prefix: bytes = b"") -> zmq.Socket:
    """A subscriber whose subscription has arrived."""
    there = publisher.subscribers()
    socket = context.socket(zmq.SUB)
    socket.connect(publisher.endpoint)
    socket.subscribe(prefix)
    settle(lambda: publisher.subscribers() == there + 1)
    return socket


def test_a_frame_arrives_as_it_was_sent(context: zmq.Context, publisher: Publisher) -> None:
    with subscriber(context, publisher, topic(3, 1)) as socket:
        publisher.send(frame(4, stream=0))
        publisher.send(frame(5, stream=1))
        assert socket.poll(5000)
        got = decode(socket.recv())
    assert (got.session, got.stream, got.seq, got.flags, got.step_us) == (3, 1, 5, Flag.FIRST, 12)
    assert np.array_equal(got.values, np.arange(58))


def test_a_subscriber_that_never_reads_costs_only_itself(context: zmq.Context, publisher: Publisher) -> None:
    with context.socket(zmq.SUB) as stalled:
        stalled.setsockopt(zmq.RCVHWM, 1)
        stalled.setsockopt(zmq.RCVBUF, 4096)
        stalled.connect(publisher.endpoint)
        stalled.subscribe(b"")
        settle(lambda: publisher.subscribers() == 1)
        for seq in range(20_000):  # 5.7 MB: with an unbounded queue all of it would wait for the stalled one
            publisher.send(frame(seq))
        with subscriber(context, publisher) as awake:
            for seq in range(20_000, 20_000 + QUEUE // 2):  # no more than its queue takes at once
                publisher.send(frame(seq))
                assert awake.poll(5000)
                assert decode(awake.recv()).seq == seq
        left = 0
        while stalled.poll(200):
            stalled.recv()
            left += 1
        assert QUEUE <= left < 15_000  # what its queue and the system's buffers held; the rest was dropped


def test_peers_are_counted_as_they_come_and_go(context: zmq.Context, publisher: Publisher) -> None:
    assert publisher.subscribers() == 0
    first, second = subscriber(context, publisher, MAGIC), subscriber(context, publisher, MAGIC)
    assert publisher.subscribers() == 2
    first.close(linger=0)  # as a crash does, without unsubscribing
    settle(lambda: publisher.subscribers() == 1)
    second.unsubscribe(MAGIC)  # what a peer subscribes to, libzmq does not tell
    assert publisher.subscribers() == 1
    second.close(linger=0)
    settle(lambda: publisher.subscribers() == 0)


def test_what_a_peer_sends_up_is_no_subscription(context: zmq.Context, publisher: Publisher) -> None:
    with subscriber(context, publisher) as socket, context.socket(zmq.XSUB) as peer:
        peer.setsockopt(zmq.RECONNECT_IVL, -1)
        peer.connect(publisher.endpoint)
        settle(lambda: publisher.subscribers() == 2)
        for message in [b"hello", b"\x07", b""] * 250:
            with suppress(zmq.Again):
                peer.send(message, zmq.NOBLOCK)
        with suppress(zmq.Again):
            peer.send(b"x" * 100_000, zmq.NOBLOCK)  # too long for a subscription: cut off
        # What waits is taken in a few at a time, as frames go out.
        settle(lambda: publisher.send(frame(1)) or publisher.subscribers() == 1)
        publisher.send(frame(1))
        assert socket.poll(5000)


def test_a_taken_port_is_named(context: zmq.Context, publisher: Publisher) -> None:
    with pytest.raises(EngineError, match=rf"{publisher.endpoint} is in use.*--pub"):
        Publisher(context, publisher.endpoint, 1)


@pytest.mark.parametrize(
    "endpoint", ["", "nonsense", "tcp://", "tcp://127.0.0.1", "tcp://127.0.0.1:99999", "udp://x", "tcp://a\udcffb:1"]
)
def test_an_address_that_is_none_is_refused(context: zmq.Context, endpoint: str) -> None:
    with pytest.raises(EngineError, match="--pub"):
        Publisher(context, endpoint, 1)


def test_closing_gives_the_port_back(context: zmq.Context) -> None:
    publisher = Publisher(context, FREE, 1)
    endpoint = publisher.endpoint
    publisher.close()
    again: list[Publisher] = []

    def bound() -> bool:
        with suppress(EngineError):
            again.append(Publisher(context, endpoint, 1))
        return bool(again)

    settle(bound)
    again[0].close()


def test_the_announcement_goes_out_under_its_own_topic(context: zmq.Context, publisher: Publisher) -> None:
    with subscriber(context, publisher, ANNOUNCE_MAGIC + struct.pack("<I", 3)) as socket:
        publisher.send(frame(0))
        told = {"session": 3, "low": -math.inf, "fps": math.nan, "size": (640, 480)}
        publisher.announce(encode_announcement(3, told))
        assert socket.poll(5000)
        message = socket.recv()
    assert message[:4] == ANNOUNCE_MAGIC
    read = json.loads(message[8:], parse_constant=pytest.fail)
    assert read == {"session": 3, "low": None, "fps": None, "size": [640, 480]}


def test_what_json_has_no_word_for_becomes_text_or_null() -> None:
    value = {
        1: np.float32(0.5),
        "n": np.int64(3),
        "x": np.float64("nan"),
        "f": Flag.LATE,
        "s": {"a"},
        "t": (True, None),
    }
    assert json.loads(to_json(value)) == {
        "1": 0.5,
        "n": 3,
        "x": None,
        "f": 2,
        "s": "{'a'}",
        "t": [True, None],
    }
