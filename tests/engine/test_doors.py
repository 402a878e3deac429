"""Hostile peers at the ZeroMQ doors of a process of its own: its memory stays bounded, its neighbours are served.

An attack goes on until the neighbour has been served so often, so nothing here depends on how fast the machine is. The
kernel's own count of the victim's peak memory is the measure.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import zmq

from engine.control import LONGEST_REQUEST, UNSERVED, ask
from engine.door import MOST_PEERS
from engine.publish import LONGEST_SUBSCRIPTION, SUBSCRIBER_BYTES
from engine.wire import decode, topic
from tests.engine.victim import SESSION
from tests.hostile import COMMAND, Peer, part

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nobody weighs what a connection sends")
ROOT = Path(__file__).resolve().parents[2]
GROWTH_MB = 96
"""What all attacks together may add to the peak; before there were doors, each alone added 1000 to 3000."""
FRAMES, ANSWERS, GIVE_UP = 100, 20, 100_000


class Victim:
    """The process, and what a well-behaved neighbour sees of it."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.engine.victim"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.pub, self.control = self._line().split()
        self.before_mb = self.peak_mb()

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def counted(self) -> dict[str, int]:
        """How many frames it made."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return json.loads(self._line())

    def peak_mb(self) -> float:
        """The most memory that it has ever held."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024

    def end(self) -> int:
        """Its exit code."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()
        return self.process.wait(30)


@pytest.fixture(scope="module")
def victim() -> Iterator[Victim]:
    made = Victim()
    yield made
    assert made.end() == 0


@pytest.fixture(autouse=True)
def bounded(victim: Victim) -> Iterator[None]:
    """Whatever a test does, the victim lives on and its peak is bounded."""
    yield
    assert victim.process.poll() is None
    assert victim.peak_mb() - victim.before_mb < GROWTH_MB


def seen(victim: Victim, count: int, done: threading.Event) -> None:
    """Receive ``count`` frames as a subscriber; they come in order."""
    with zmq.Context() as context, context.socket(zmq.SUB) as socket:
        socket.setsockopt(zmq.LINGER, 0)
        socket.subscribe(topic(SESSION, 0))
        socket.connect(victim.pub)
        last = -1
        for _ in range(count):
            if not socket.poll(30_000):
                return
            frame = decode(socket.recv())
            assert frame.seq > last
            last = frame.seq
    done.set()


def answered(victim: Victim, count: int, done: threading.Event) -> None:
    """Be answered ``count`` times."""
    for _ in range(count):
        assert ask(victim.control, {"op": "clock"}, 30.0)["monotonic_ns"] > 0
    done.set()


def attacked(victim: Victim, *attacks: Callable[[], None]) -> int:
    """Attack again and again, until a subscriber and somebody who asks were both served; how often a peer was cut."""
    served = threading.Event(), threading.Event()
    neighbours = [
        threading.Thread(target=seen, args=(victim, FRAMES, served[0])),
        threading.Thread(target=answered, args=(victim, ANSWERS, served[1])),
    ]
    for neighbour in neighbours:
        neighbour.start()
    cut = 0
    for number in range(GIVE_UP):
        try:
            attacks[number % len(attacks)]()
        except OSError:
            cut += 1
        if not any(neighbour.is_alive() for neighbour in neighbours):
            break
    for neighbour in neighbours:
        neighbour.join()
    assert all(event.is_set() for event in served)
    return cut


def flood(endpoint: str, kind: bytes, once: bytes, times: int = 200) -> Callable[[], None]:
    """A connection that sends the same bytes for so long as it is let, 200 times 64 kB at most."""
    many = once * max(1, 65_536 // len(once))

    def attack() -> None:
        peer = Peer(endpoint, kind)
        try:
            for _ in range(times):
                peer.send(many)
        finally:
            peer.close()

    return attack


@pytest.mark.parametrize("size", [0, 200, LONGEST_SUBSCRIPTION])
def test_publishing_into_the_publisher_is_cut_off(victim: Victim, size: int) -> None:
    assert attacked(victim, flood(victim.pub, b"XSUB", part(b"x" * size)))


@pytest.mark.parametrize("size", [0, 200, LONGEST_SUBSCRIPTION])
def test_a_message_without_end_to_the_publisher_is_cut_off(victim: Victim, size: int) -> None:
    assert attacked(victim, flood(victim.pub, b"XSUB", part(b"x" * size, more=True)))


@pytest.mark.parametrize("size", [0, 4000, LONGEST_REQUEST])
def test_a_message_without_end_to_the_control_socket_is_cut_off(victim: Victim, size: int) -> None:
    assert attacked(victim, flood(victim.control, b"REQ", part(b"x" * size, more=True)))


def test_a_part_that_is_too_long_is_cut_off(victim: Victim) -> None:
    assert attacked(
        victim,
        flood(victim.pub, b"SUB", part(b"\x01" * (LONGEST_SUBSCRIPTION + 1))),
        flood(victim.control, b"REQ", part(b"", more=True) + part(b" " * (LONGEST_REQUEST + 1))),
        flood(victim.control, b"REQ", bytes((2,)) + (1 << 62).to_bytes(8, "big")),
    )


@pytest.mark.parametrize("length", [1, 20, 200])
def test_a_flood_of_subscriptions_is_cut_off(victim: Victim, length: int) -> None:
    rng = random.Random(length)
    many = b"".join(part(b"\x01" + rng.randbytes(length)) for _ in range(65_536 // (length + 3)))
    subscribing = b"\x09SUBSCRIBE"
    newer = b"".join(
        bytes((COMMAND, 10 + length)) + subscribing + rng.randbytes(length) for _ in range(65_536 // (length + 12))
    )
    assert attacked(victim, flood(victim.pub, b"SUB", many), flood(victim.pub, b"SUB", newer))


def test_subscriptions_that_cost_most_are_bounded_over_all_peers(victim: Victim) -> None:
    """Prefixes of 0 and 255 give every node of libzmq's tree a table of 256 pointers."""
    allowed = SUBSCRIBER_BYTES // 19 - 10
    peers: list[Peer] = []

    def attack() -> None:
        if len(peers) < MOST_PEERS - 10:  # some places are the neighbours'
            number = len(peers)
            peers.append(Peer(victim.pub, b"SUB"))
            prefixes = (
                bytes(255 if (number << 10 | each) >> bit & 1 else 0 for bit in range(16)) for each in range(allowed)
            )
            peers[-1].send(b"".join(part(b"\x01" + prefix) for prefix in prefixes))

    try:
        assert attacked(victim, attack) == 0  # nobody sent more than is allowed
    finally:
        for peer in peers:
            peer.close()


def test_floods_of_requests_leave_others_their_turn(victim: Victim) -> None:
    with zmq.Context() as context:
        sockets = [context.socket(zmq.DEALER) for _ in range(8)]
        for socket in sockets:
            socket.setsockopt(zmq.LINGER, 0)
            socket.setsockopt(zmq.RCVHWM, 1)  # and never reads an answer
            socket.connect(victim.control)
        described, junk = b'{"op": "describe"}', b"[" * (LONGEST_REQUEST - 1)

        def attack() -> None:
            for number, socket in enumerate(sockets):
                with suppress(zmq.Again):
                    for _ in range(20):
                        socket.send_multipart([b"", junk if number % 2 else described], zmq.NOBLOCK)

        attacked(victim, attack)
        for socket in sockets:
            socket.close()


def test_connections_without_number_are_bounded(victim: Victim) -> None:
    peers: list[Peer] = []
    try:
        for number in range(2 * MOST_PEERS):
            for endpoint in (victim.pub, victim.control):
                with suppress(OSError):  # cut off before its hands were shaken
                    peers.append(Peer(endpoint, (b"SUB", b"NOTHING", b"DEALER")[number % 3]))
        cut = 0
        for peer in peers:
            peer.line.settimeout(0.01)
            with suppress(TimeoutError, ConnectionResetError):
                while peer.line.recv(4096):
                    pass
                cut += 1
        assert len(peers) - cut <= 2 * MOST_PEERS
    finally:
        for peer in peers:
            peer.close()
    attacked(victim, lambda: None)  # and there is room again


def test_who_never_reads_costs_only_itself(victim: Victim) -> None:
    peers = [Peer(victim.pub, b"SUB") for _ in range(MOST_PEERS // 2)]
    for peer in peers:
        peer.send(part(b"\x01"))
    attacked(victim, lambda: threading.Event().wait(0.01) and None)
    for peer in peers:
        peer.close()


def test_honest_traffic_is_never_cut_off(victim: Victim) -> None:
    """Far more than the allowance, but every request was answered."""
    with zmq.Context() as context, context.socket(zmq.REQ) as socket:
        socket.setsockopt(zmq.LINGER, 0)
        socket.connect(victim.control)
        request = json.dumps({"op": "clock", "filling": "x" * 10_000}).encode()
        for _ in range(20 * UNSERVED // len(request)):
            socket.send(request)
            assert socket.poll(30_000)
            assert json.loads(socket.recv())["ok"]


def test_after_an_attack_it_ends_as_always() -> None:
    victim = Victim()
    attacked(victim, flood(victim.pub, b"XSUB", part(b"x")), flood(victim.control, b"REQ", part(b"x", more=True)))
    assert victim.counted()["frames"] >= FRAMES
    assert victim.end() == 0
