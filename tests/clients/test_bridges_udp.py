"""Receivers over UDP that are not there, are not known, come back; greetings of iFacialMocap; one bridge's trouble
stays its own."""

from __future__ import annotations

import errno
import socket
import threading
from typing import Any

import pytest

from clients.bridges import bridge as bridge_module
from clients.bridges import ifacialmocap
from clients.bridges import udp as udp_module
from clients.bridges.address import parse
from clients.bridges.bridge import Bridge, Trouble
from clients.bridges.ifacialmocap import GREETING, IFacialMocap
from clients.bridges.livelink import LiveLink
from clients.bridges.poser import Pose, Presence
from clients.bridges.vmc import Vmc

from .bridges import NUMBERS, Receiver, pose_of, until

POSE = pose_of(NUMBERS)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Less patience, so that no test waits long."""
    monkeypatch.setattr(bridge_module, "QUIET_S", 0.2)
    monkeypatch.setattr(udp_module, "LOOK_UP_S", 0.2)


class Running:
    """Bridges with what they say, fed with a pose again and again while something is waited for."""

    def __init__(self, *bridges: tuple[type[Any], str]) -> None:
        self.said: list[str] = []
        self.bridges: list[Any] = [kind(parse(url), self.said.append) for kind, url in bridges]

    def __enter__(self) -> Running:
        for each in self.bridges:
            each.start()
        return self

    def __exit__(self, *_: object) -> None:
        for each in self.bridges:
            each.close()
        for each in self.bridges:
            each.join()

    def until(self, true: Any) -> None:
        until(lambda: [each.offer(POSE) for each in self.bridges] and true())


def test_a_receiver_that_is_not_there_is_said_once_and_again_when_it_is_back(quick: None) -> None:
    with Receiver() as receiver:
        port = receiver.port
    with Running((Vmc, f"vmc://127.0.0.1:{port}")) as running:
        running.until(lambda: running.said)
        sent = running.bridges[0].sent
        running.until(lambda: running.bridges[0].sent > sent + 50)
        assert running.said == [
            f"vmc://127.0.0.1:{port}: nobody receives there: is the program open, and its port the same?"
        ]
        with Receiver(port) as receiver:
            running.until(lambda: receiver.waiting())
            running.until(lambda: len(running.said) == 2)
            assert running.said[1] == f"vmc://127.0.0.1:{port}: all well again"
        running.until(lambda: len(running.said) == 3)
        assert "nobody receives" in running.said[2]


def test_a_dead_an_unknown_and_a_slow_host_hold_up_nobody_else(monkeypatch: pytest.MonkeyPatch, quick: None) -> None:
    slow, real = threading.Event(), socket.getaddrinfo

    def getaddrinfo(host: str, *arguments: Any, **named: Any) -> Any:
        if host == "slow.example":
            slow.wait(30)
        if host.endswith(".example"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return real(host, *arguments, **named)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with Receiver() as gone:
        dead = gone.port
    with (
        Receiver() as receiver,
        Running(
            (Vmc, "vmc://slow.example"),
            (Vmc, "vmc://unknown.example"),
            (LiveLink, f"livelink://127.0.0.1:{dead}"),
            (Vmc, f"vmc://127.0.0.1:{receiver.port}"),
        ) as running,
    ):
        counted = 0

        def received() -> bool:
            nonlocal counted
            counted += len(receiver.waiting())
            return counted > 100 and len(running.said) >= 2

        running.until(received)
        assert running.bridges[0].sent == running.bridges[1].sent == 0
        assert sorted(line.split(": ")[0] for line in running.said) == [
            f"livelink://127.0.0.1:{dead}",
            "vmc://unknown.example:39539",
        ]
        assert any("the host is not known (Name or service not known)" in line for line in running.said)
        slow.set()


def test_an_unknown_host_is_not_looked_for_with_every_pose(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def getaddrinfo(host: str, *_: Any, **__: Any) -> Any:
        asked.append(host)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(udp_module, "LOOK_UP_S", 1e6)
    made = LiveLink(parse("livelink://unknown.example"), lambda _: None)
    made._tried = -2e6
    with pytest.raises(OSError, match="the host is not known"):
        made.send(POSE)
    made.send(POSE)
    assert asked == ["unknown.example"] and made.sent == 0


def test_a_full_network_drops_packets_and_another_error_is_said() -> None:
    said: list[str] = []
    made = LiveLink(parse("livelink://127.0.0.1"), said.append)

    class Socket:
        def __init__(self, number: int) -> None:
            self.number, self.closed = number, False

        def send(self, _: bytes) -> None:
            raise OSError(self.number, "so it is")

        def close(self) -> None:
            self.closed = True

    full, away = Socket(errno.EAGAIN), Socket(errno.ENETUNREACH)
    made._socket = full  # type: ignore[assignment]
    made.send(POSE)
    assert made.sent == 0 and not full.closed
    made._socket = away  # type: ignore[assignment]
    with pytest.raises(OSError, match="so it is"):
        made.send(POSE)
    assert away.closed and made._socket is None


def test_the_newest_pose_is_sent_and_the_last_one_before_the_end() -> None:
    taken: list[int] = []
    go = threading.Event()

    class Slow(Bridge):
        def send(self, pose: Pose) -> None:
            taken.append(pose.number)
            go.wait(20)

    def numbered(number: int) -> Pose:
        return Pose(POSE.face, POSE.bones, 0.0, number, 25.0)

    slow = Slow("slow", lambda _: None)
    slow.start()
    slow.offer(numbered(0))
    until(lambda: taken == [0])
    for number in range(1, 1000):
        slow.offer(numbered(number))  # returns at once, whatever the bridge does
    slow.close()
    go.set()
    slow.join()
    assert taken == [0, 999]


def test_an_error_that_nobody_expected_is_said_and_the_bridge_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    taken: list[int] = []

    class Odd(Bridge):
        AGAIN_S = 0.01

        def send(self, pose: Pose) -> None:
            taken.append(pose.number)
            raise KeyError("odd")

    odd = Odd("odd", said.append)
    odd.start()
    until(lambda: odd.offer(POSE) or len(taken) > 3)
    odd.close()
    odd.join()
    assert said == ["odd: KeyError: 'odd'; going on"]


def test_trouble_is_over_after_some_packets_and_some_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(bridge_module.time, "monotonic", lambda: now)
    said: list[str] = []
    trouble = Trouble("x", said.append)
    trouble.good()
    for _ in range(10):  # refused every other time, a packet every three seconds
        trouble.bad("refused")
        now += 3.0
        trouble.good()
        now += 3.0
    assert said == ["x: refused"]
    trouble.good()
    trouble.good()
    assert said == ["x: refused", "x: all well again"]
    trouble.bad("refused")
    trouble.bad("unknown")
    assert said[2:] == ["x: refused", "x: unknown"]


def test_greetings_are_answered_at_the_port_of_the_protocol_in_the_version_asked_for() -> None:
    with Receiver() as app, Receiver() as fixed, Receiver() as other:
        free = app.port
        app.socket.close()
        url = f"ifacialmocap://127.0.0.1:{fixed.port}?listen={free}&version=2"
        with Running((IFacialMocap, url)) as running:
            door = ("127.0.0.1", free)
            running.until(lambda: fixed.waiting())  # the address in the URL gets frames in any case
            other.socket.sendto(b"hello", door)
            sent = running.bridges[0].sent
            running.until(lambda: running.bridges[0].sent > sent + 20)
            assert running.bridges[0].guests == {}
            other.socket.sendto(GREETING, door)
            running.until(lambda: running.bridges[0].guests)
            assert running.bridges[0].guests == {("127.0.0.1", fixed.port): 1}
            running.until(lambda: {packet[:12] for packet in fixed.waiting()} == {b"browDown_L-0", b"browDown_L&0"})
            other.socket.sendto(GREETING + b"|sendDataVersion=v2", door)
            running.until(lambda: running.bridges[0].guests == {("127.0.0.1", fixed.port): 2})
            assert running.said == []


def test_a_port_to_listen_on_that_is_taken_is_said_and_frames_go_on(
    monkeypatch: pytest.MonkeyPatch, quick: None
) -> None:
    monkeypatch.setattr(ifacialmocap, "LISTEN_AGAIN_S", 0.3)
    with Receiver() as taken, Receiver() as fixed:
        url = f"ifacialmocap://127.0.0.1:{fixed.port}?listen={taken.port}"
        with Running((IFacialMocap, url)) as running:
            running.until(lambda: running.said)
            sent = running.bridges[0].sent
            running.until(lambda: running.bridges[0].sent > sent + 50)
            start = f"ifacialmocap://127.0.0.1:{fixed.port}: cannot listen on 127.0.0.1:{taken.port}"
            assert running.said == [f"{start} (Address already in use): close the program that has the port"]
            taken.socket.close()
            running.until(lambda: len(running.said) == 2)
            assert running.said[1].endswith(": all well again")


def test_only_so_many_guests_are_kept_the_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    made = IFacialMocap(parse("ifacialmocap://127.0.0.1?listen=1"), lambda _: None)
    made._door = object()  # type: ignore[assignment]
    for number in (*range(30), 22, 30):  # the 23rd greets again
        monkeypatch.setattr(made, "_greetings", lambda _, number=number: [((f"10.0.0.{number}", 49983), 1)])
        made.idle()
    assert list(made.guests) == [(f"10.0.0.{number}", 49983) for number in (*range(24, 30), 22, 30)]
    made._door = None


def test_protocols_without_a_word_for_it_send_nothing_when_the_avatar_is_gone() -> None:
    gone = Pose(POSE.face, POSE.bones, 1.0, 1, 25.0, Presence.GONE)
    body = Pose(None, POSE.bones, 1.0, 1, 25.0)
    mocap = IFacialMocap(parse("ifacialmocap://h"), lambda _: None)
    link = LiveLink(parse("livelink://h"), lambda _: None)
    assert mocap.packets(gone) == mocap.packets(body) == []
    assert len(mocap.packets(POSE)) == 1
    assert link.packets(gone)[0] == link.packets(body)[0]
    assert len(link.packets(POSE)[0]) == len(link.packets(gone)[0]) + 1 + 4 * 61
