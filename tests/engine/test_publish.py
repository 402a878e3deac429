"""The publisher: subscribers that stall, leave or misbehave, ports that are taken, and what is announced."""

from __future__ import annotations

import json
import math
import socket as sockets
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import numpy as np
import pytest
import zmq

from engine.door import MANY_A_SECOND
from engine.errors import EngineError
from engine.publish import ANNOUNCE_MAGIC, QUEUE, SUBSCRIBER_BYTES, Publisher, encode_announcement, to_json
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
    """A subscriber whose subscription is in force: it has received something."""
    socket = context.socket(zmq.SUB)
    socket.connect(publisher.endpoint)
    socket.subscribe(prefix)
    settle(lambda: publisher.announce(prefix + b"probe") or bool(socket.poll(10)))
    publisher.announce(prefix + b"ready")
    while socket.recv() != prefix + b"ready":
        pass
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


def test_in_trouble_frames_are_sent_by_another_thread_in_order(context: zmq.Context, publisher: Publisher) -> None:
    keeper = publisher._door.keeper
    with subscriber(context, publisher, topic(3)) as socket:
        for seq in range(40):
            keeper._trouble_s = math.inf if 10 <= seq < 30 else -math.inf
            keeper.troubled = 10 <= seq < 30
            publisher.send(frame(seq))
        got = []
        while len(got) < 40:
            assert socket.poll(5000)
            got.append(decode(socket.recv()).seq)
    assert got == list(range(40))
    assert publisher.dropped == 0


def test_a_socket_that_is_busy_holds_up_nobody(context: zmq.Context, publisher: Publisher) -> None:
    """As when libzmq works on the subscriptions of hostile peers: who sends goes on, and the oldest goes."""
    with subscriber(context, publisher, topic(3)) as socket:
        with publisher._lock:
            for seq in range(3 * QUEUE):
                publisher.send(frame(seq))
            waiting = [decode(message).seq for message in publisher._later]
        assert socket.poll(5000)
        assert decode(socket.recv()).seq == 2 * QUEUE
    assert waiting == list(range(2 * QUEUE, 3 * QUEUE))
    assert publisher.dropped == 2 * QUEUE


def test_many_threads_may_send(context: zmq.Context, publisher: Publisher) -> None:
    count, each = 4, QUEUE // 8
    with subscriber(context, publisher, topic(3)) as socket:
        threads = [
            threading.Thread(target=lambda stream=stream: [publisher.send(frame(k, stream)) for k in range(each)])
            for stream in range(count)
        ]
        for thread in threads:
            thread.start()
        got: dict[int, list[int]] = {}
        for _ in range(count * each):
            assert socket.poll(5000)
            one = decode(socket.recv())
            got.setdefault(one.stream, []).append(one.seq)
        for thread in threads:
            thread.join()
    assert got == {stream: list(range(each)) for stream in range(count)}


def test_many_connections_or_a_peer_cut_off_are_trouble(context: zmq.Context, publisher: Publisher) -> None:
    keeper = publisher._door.keeper
    host, _, port = publisher.endpoint.removeprefix("tcp://").partition(":")
    with subscriber(context, publisher):
        assert not keeper.troubled
    for _ in range(2 * MANY_A_SECOND):
        sockets.create_connection((host, int(port)), 5).close()
    settle(lambda: keeper.troubled)
    keeper._trouble_s = -math.inf
    settle(lambda: not keeper.troubled)
    with context.socket(zmq.XSUB) as peer:
        peer.setsockopt(zmq.RECONNECT_IVL, -1)
        peer.connect(publisher.endpoint)
        for number in range(SUBSCRIBER_BYTES // 100):
            peer.send(b"\x01" + b"%100d" % number)
        settle(lambda: publisher.send(frame(1)) or keeper.cut_off == 1)
    assert keeper.troubled


@pytest.mark.parametrize("session", [-1, 2**32, 2**70])
def test_a_session_number_that_fits_into_no_frame_is_refused(context: zmq.Context, session: int) -> None:
    with pytest.raises(EngineError, match=f"session number {session}: give 0 to 4294967295"):
        Publisher(context, FREE, session)
    with pytest.raises(EngineError, match=f"session number {session}"):
        encode_announcement(session, {})


def test_a_description_that_is_too_long_says_so_in_its_place() -> None:
    whole = encode_announcement(2**32 - 1, {"names": ["x" * 1000] * 1000})
    assert json.loads(whole[8:])["names"] and whole[:8] == ANNOUNCE_MAGIC + b"\xff" * 4
    cut = json.loads(encode_announcement(7, {"names": ["x" * 1000] * 1100})[8:])
    assert cut["session"] == 7 and "ask the control socket" in cut["problem"]


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
