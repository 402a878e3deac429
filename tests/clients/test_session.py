"""The client of network sessions, against the engine's own server."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from clients.python.session import WAITING, Later, Refused, Session, _object
from tests.engine.network.stage import HOP, MS, PERIOD, Hall, until


@pytest.fixture
def hall() -> Iterator[Hall]:
    with Hall(idle_s=1e9) as made:
        yield made


def opened(hall: Hall, *gives: str) -> Session:
    """A session on the hall's clock."""
    return Session(hall.server.url, gives or ["audio/partner"], hall.clock.now_ns)


def push(hall: Hall, session: Session) -> None:
    """The next hop."""
    hall.clock.advance(PERIOD)
    session.push(("audio/partner", np.full(HOP, 0.25)))


def test_frames_are_iterated_until_the_session_is_over(hall: Hall) -> None:
    with opened(hall) as session:
        push(hall, session)
        got = []
        for frame in session:
            got.append(frame)
            if frame.stream == 0 and frame.seq == 9:
                hall.server.stop()
            elif frame.stream == 0:
                push(hall, session)
        assert session.ended == "the engine stops"
        assert [frame.seq for frame in got if frame.stream == 0] == list(range(10))
        assert {frame.session for frame in got} == {session.announced.session}
        assert got[0].words() == ["no face", "first"]
        with pytest.raises(ConnectionError, match="the session is over: the engine stops"):
            push(hall, session)


def test_frames_carry_the_description_of_their_stream(hall: Hall) -> None:
    with opened(hall) as session:
        push(hall, session)
        frame = next(iter(session))
        assert frame.info in session.announced.streams and frame.engine is session.announced
        assert list(frame.named().values()) == frame.values.tolist() and session.mismatched == 0


def test_another_session_takes_the_place_of_one_whose_engine_has_gone() -> None:
    with Hall(idle_s=1e9) as first:
        session = opened(first, "audio/partner")
        address = first.server.url.split("/")[2]
    until(lambda: session.ended is not None)
    assert session.ended == "the engine stops"
    with pytest.raises(ConnectionError, match="no session at ws://"):
        session.again(wait=0.2)
    with Hall(address, idle_s=1e9) as second, session.again(wait=20.0) as other:
        second.clock.advance(PERIOD)
        other.push(("audio/partner", np.full(HOP, 0.25)))
        assert next(iter(other)).seq == 0 and other.ended is None


def test_again_waits_for_a_place_but_not_for_what_is_refused(hall: Hall) -> None:
    full = [opened(hall) for _ in range(hall.host.capacity)]
    with pytest.raises(Later, match="all 6 sessions are taken"):
        opened(hall)
    another = full[0].again(wait=20.0)
    with pytest.raises(Refused, match="nonsense") as caught:
        Session(hall.server.url, ["nonsense"], hall.clock.now_ns)
    assert not isinstance(caught.value, Later)
    with pytest.raises(Refused, match="bundles nobody: give one or several") as caught:
        another.close()
        Session(hall.server.url, ["audio/partner"], hall.clock.now_ns, bundles=["nobody"])
    assert not isinstance(caught.value, Later)
    for each in (*full[1:], another):
        each.close()


def test_a_connection_that_breaks_is_said(hall: Hall) -> None:
    with opened(hall) as session:
        session._socket.socket.shutdown(socket.SHUT_RDWR)
        until(lambda: session.ended is not None)
        assert session.ended.startswith("the connection to the engine broke: ")


def test_numbers_of_every_kind_are_sent_as_they_are(hall: Hall) -> None:
    kinds = [
        (np.full(HOP, 8192, np.int16), np.full(58, 0.5)),
        (np.full(HOP, 0.25, np.float64), np.full(58, 0.5, np.float32)),
        (np.full((HOP, 2), 0.25, np.float32)[:, 0], [0.5] * 58),
    ]
    with opened(hall, "audio/partner", "face/partner") as session:
        for sound, face in kinds:
            hall.clock.advance(PERIOD)
            session.push(("face/partner", face, hall.clock.now_ns() - MS), ("audio/partner", sound))
            frame = next(frame for frame in session if frame.stream == 0)
            assert frame.values[0] == 0.25 and frame.values[1] == 0.5


def test_what_was_not_given_cannot_be_pushed(hall: Hall) -> None:
    with (
        opened(hall) as session,
        pytest.raises(ValueError, match=r"'face/partner' was not given .* there is \['audio/partner'\]"),
    ):
        session.push(("face/partner", np.zeros(58)))


def test_a_reader_that_is_late_gets_the_newest_frames(hall: Hall) -> None:
    with opened(hall) as session:
        for hop in range(WAITING + 1):
            push(hall, session)
            until(lambda: hall.host.sessions()[0].slots[0].stats.frames > hop)  # noqa: B023
        until(lambda: len(session._frames) == WAITING and session._frames[-1].seq == WAITING)
        frames = session.receive(0.0)
        assert len(frames) == WAITING and session.lost == 2 * (WAITING + 1) - WAITING
        assert [frame.seq for frame in frames] == [seq for seq in range(WAITING // 2 + 1, WAITING + 1) for _ in (0, 1)]


def test_what_the_engine_refuses_is_said(hall: Hall) -> None:
    with opened(hall) as session:
        session.set(gain=7)
        hall.clock.advance(1000 * MS)
        until(lambda: session.refused)
        assert "gain = 7 is out of range" in session.refused and session.ended is None


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        b"\x00" * 200,
    ],
)
def test_what_is_no_engine_is_a_connection_error(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with listening.accept()[0] as one:
                one.recv(4096)
                one.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(ConnectionError, match="no session at ws://"):
            Session(f"ws://127.0.0.1:{listening.getsockname()[1]}/session", timeout=5.0)
        thread.join()


def test_closing_twice_is_closing_once(hall: Hall) -> None:
    session = opened(hall)
    session.close()
    session.close()
    assert session.ended == "closed" and session.receive(0.0) == []
    until(lambda: not hall.host.sessions())


def test_any_answer_is_survived(hall: Hall) -> None:
    with opened(hall) as session:
        for told in (b"7", b"[]", b'"x"', b"{", b"[" * 99_999, b'{"time": "x"}', b'{"ended": 7, "stats": [1]}'):
            session._answer(_object(told))
        assert session.ended == "7" and session.replies["stats"] == [1]
        session.ended = None
