"""What waits for a client: bounded in number and bytes, the oldest goes, what is sent is whole and in order."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.network.limits import Bucket
from engine.network.metrics import Traffic
from engine.network.outbox import BINARY, HIGH, MOST_BYTES, MOST_FRAMES, Outbox, framed
from engine.wire import HEADER, Flag, Frame, decode


class Transport:
    """Takes what is written, and holds as much of it as it is told to."""

    def __init__(self) -> None:
        self.data, self.held, self.closing = b"", 0, False

    def write(self, data: bytes) -> None:
        self.data += data

    def get_write_buffer_size(self) -> int:
        return self.held

    def is_closing(self) -> bool:
        return self.closing

    def messages(self) -> list[bytes]:
        """The messages in the WebSocket frames that were written."""
        found, at = [], 0
        while at < len(self.data):
            size = self.data[at + 1]
            begin = at + {126: 4, 127: 10}.get(size, 2)
            if size >= 126:
                size = int.from_bytes(self.data[at + 2 : begin], "big")
            found.append(self.data[begin : begin + size])
            at = begin + size
        return found


def frame(seq: int, values: int = 4, stream: int = 0) -> Frame:
    return Frame(1, stream, Flag(0), 5, seq, 100, 200, 5_000_300, 7, np.full(values, seq, np.float32))


def box() -> tuple[Outbox, Transport, Traffic, list[Outbox]]:
    woken: list[Outbox] = []
    traffic, transport = Traffic(), Transport()
    return Outbox(traffic, woken.append), transport, traffic, woken


def begin(outbox: Outbox, transport: Any) -> None:
    outbox.open(transport)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 90), st.integers(0, 3000), st.booleans()), max_size=12))
def test_it_never_holds_more_than_it_may_and_what_it_sends_is_in_order(
    turns: list[tuple[int, int, bool]],
) -> None:
    outbox, transport, traffic, _ = box()
    begin(outbox, transport)
    seq = 0
    for count, values, stuck in turns:
        for _ in range(count):
            outbox.publish(frame(seq, values))
            seq += 1
        assert len(outbox._waiting) <= MOST_FRAMES
        assert sum(map(len, outbox._waiting)) == outbox._bytes <= MOST_BYTES
        transport.held = HIGH + 1 if stuck else HIGH
        outbox.flush(1)
        assert bool(outbox._waiting) == stuck
    transport.held = 0
    outbox.flush(2)
    got = [decode(message).seq for message in transport.messages()]
    assert got == sorted(set(got)) and len(got) + outbox.dropped == seq
    assert traffic.counts["dropped"] == outbox.dropped and traffic.counts["sent"] == len(got)
    assert traffic.counts["frames"] == seq and traffic.counts["sent_bytes"] == len(transport.data)


def test_the_oldest_goes() -> None:
    outbox, transport, _, _ = box()
    for seq in range(MOST_FRAMES + 10):
        outbox.publish(frame(seq))
    begin(outbox, transport)
    outbox.flush(1)
    assert [decode(message).seq for message in transport.messages()] == list(range(10, MOST_FRAMES + 10))
    assert outbox.dropped == 10


def test_one_frame_larger_than_the_bound_still_goes() -> None:
    outbox, transport, _, _ = box()
    begin(outbox, transport)
    outbox.publish(frame(0, 65_535))
    outbox.flush(1)
    (message,) = transport.messages()
    assert len(message) == HEADER.size + 4 * 65_535 and framed(BINARY, message) == transport.data


def test_it_wakes_once_until_it_is_flushed() -> None:
    outbox, transport, _, woken = box()
    begin(outbox, transport)
    for seq in range(5):
        outbox.publish(frame(seq))
    assert len(woken) == 1
    outbox.flush(1)
    outbox.publish(frame(5))
    assert len(woken) == 2 and len(transport.messages()) == 5


def test_since_when_a_client_takes_nothing_is_known() -> None:
    outbox, transport, _, _ = box()
    begin(outbox, transport)
    for now, held, stuck in ((1, 0, None), (2, HIGH + 1, 2), (3, HIGH + 1, 2), (4, HIGH, None), (5, HIGH + 1, 5)):
        outbox.publish(frame(now))
        transport.held = held
        outbox.flush(now)
        assert outbox.stuck_ns == stuck
    assert not outbox.say(b"{}")
    before = transport.data
    outbox.pong(b"x")
    outbox.shut()
    outbox.publish(frame(9))
    outbox.flush(6)
    assert transport.data == before and not outbox._waiting


def test_missed_frames_are_those_of_the_first_stream_of_each_bundle() -> None:
    outbox, _, traffic, _ = box()
    for seq, stream in ((0, 0), (0, 1), (0, 512), (1, 0), (5, 0), (5, 1), (2, 512)):
        outbox.publish(frame(seq, stream=stream))
    assert traffic.counts["frames"] == 5 and traffic.counts["missed"] == 3 + 1
    rows, total = traffic.delays()
    assert rows[0] == ("0.005", 0.0) and rows[1] == ("0.01", 5.0) and rows[-1] == ("+Inf", 5.0)
    assert abs(total - 5 * 0.0050002) < 1e-9


@given(st.lists(st.tuples(st.integers(0, 10**9), st.floats(0.0, 50.0)), max_size=50))
def test_a_bucket_lets_through_its_rate_and_its_burst(turns: list[tuple[int, float]]) -> None:
    bucket, now, passed = Bucket(100.0, 20.0, 0), 0, 0.0
    for step, amount in turns:
        now += step
        passed += amount * bucket.take(amount, now)
        assert passed <= 20.0 + 100.0 * now / 1e9 + 1e-6
    assert bucket.take(20.0, now + 10**9)
