"""The subscriber against real sockets: gaps, other sessions, garbage, latest-only, layouts, and describe's errors."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import zmq

from clients.python import Subscriber, connectable, describe

from . import fake


@pytest.fixture
def pub():
    context = zmq.Context()
    socket = context.socket(zmq.XPUB)  # XPUB tells when a subscription has arrived, so no test has to sleep
    socket.set(zmq.LINGER, 0)
    port = socket.bind_to_random_port("tcp://127.0.0.1")
    yield socket, f"tcp://127.0.0.1:{port}"
    socket.close()
    context.term()


@pytest.fixture
def attach(pub):
    """A function that makes a subscriber and waits until its two subscriptions are in force."""
    socket, endpoint = pub
    made = []

    def make(**options):
        made.append(Subscriber(endpoint, **options))
        for _ in range(2):
            assert socket.poll(5000), "the subscription did not arrive"
            socket.recv()
        return made[-1]

    yield make
    for subscriber in made:
        subscriber.close()


def drain(subscriber, count):
    frames = []
    end = time.monotonic() + 5
    while len(frames) < count and time.monotonic() < end:
        frames += subscriber.receive(0.2)
    return frames + subscriber.receive(0.05)


def test_gaps_are_counted_per_stream(pub, attach):
    subscriber = attach(session=fake.SESSION)
    for seq in (10, 11, 14, 15):
        pub[0].send(fake.frame(seq, np.full(58, seq)))
        pub[0].send(fake.frame(2 * seq, np.zeros(3), number=1))
    frames = drain(subscriber, 8)
    assert [f.seq for f in frames if f.stream == 0] == [10, 11, 14, 15]
    assert subscriber.lost == {0: 2, 1: 1 + 5 + 1}
    np.testing.assert_array_equal(frames[0].values, np.full(58, 10, np.float32))


def test_a_restart_is_no_gap(pub, attach):
    subscriber = attach()
    for session, seq in ((5, 100), (5, 0), (5, 1), (6, 40), (6, 41)):
        pub[0].send(fake.frame(seq, np.zeros(1), session=session))
    assert len(drain(subscriber, 5)) == 5
    assert subscriber.lost == {0: 0}


def test_other_sessions_streams_and_garbage_are_ignored(pub, attach):
    subscriber = attach(session=fake.SESSION, stream=0)
    prefix = b"RXN1" + struct.pack("<IH", fake.SESSION, 0)
    for message in (prefix, prefix + b"\x09" * 80, b"RXA1" + struct.pack("<I", fake.SESSION) + b"{no json"):
        pub[0].send(message)
    pub[0].send_multipart([prefix, fake.frame(3, np.zeros(1))])
    pub[0].send(fake.frame(1, np.zeros(1), session=9))
    pub[0].send(fake.frame(1, np.zeros(1), number=1))
    pub[0].send(fake.frame(2, np.zeros(1)))
    assert [(f.session, f.stream, f.seq) for f in drain(subscriber, 1)] == [(fake.SESSION, 0, 2)]


def test_a_stream_can_be_chosen_without_a_session(pub, attach):
    subscriber = attach(stream=1)
    pub[0].send(fake.frame(1, np.zeros(1)))
    pub[0].send(fake.frame(4, np.zeros(1), number=1))
    assert [(f.stream, f.seq) for f in drain(subscriber, 1)] == [(1, 4)]


def test_latest_skips_to_the_newest_of_each_stream(pub, attach):
    subscriber = attach(latest=True)
    for seq in range(20):
        pub[0].send(fake.frame(seq, np.zeros(1)))
        pub[0].send(fake.frame(seq, np.zeros(1), number=1))
    time.sleep(0.3)  # all of them have arrived before the reader looks
    assert [(f.stream, f.seq) for f in subscriber.receive(1.0)] == [(0, 19), (1, 19)]
    assert subscriber.lost == {0: 0, 1: 0}, "what the reader skips itself is not lost"


def test_layout_must_be_the_announced_one(pub, attach):
    subscriber = attach(session=fake.SESSION)
    about = fake.description("tcp://127.0.0.1:1")
    pub[0].send(b"RXA1" + struct.pack("<I", fake.SESSION) + json.dumps(about).encode())
    pub[0].send(fake.frame(1, np.zeros(58), layout=about["streams"][0]["layout"] ^ 1))
    pub[0].send(fake.frame(2, np.zeros(58), layout=about["streams"][0]["layout"]))
    assert [f.seq for f in drain(subscriber, 1)] == [2]
    assert subscriber.mismatched == 1
    assert subscriber.announced == fake.read(about)


def test_iterating_yields_frames(pub, attach):
    subscriber = attach()
    for seq in range(3):
        pub[0].send(fake.frame(seq, np.zeros(1)))
    frames = iter(subscriber)
    assert [next(frames).seq for _ in range(3)] == [0, 1, 2]


def test_flags_in_words():
    with fake.Engine() as engine:
        subscriber = Subscriber(engine.about["pub"], fake.SESSION, 0)
        first = next(iter(subscriber))
        subscriber.close()
    assert first.words() == []
    assert first._replace(flags=4 | 8).words() == ["silent", "no face"]
    assert first._replace(flags=256 | 512 | 1 << 23).words() == ["unsound", "text pending", "flag 23"]


def test_describe_returns_the_reply():
    with fake.Engine() as engine:
        assert describe(engine.endpoint) == fake.read(engine.about)


def test_describe_without_an_engine_says_what_to_do():
    began = time.monotonic()
    with pytest.raises(ConnectionError, match=r"no engine answers at tcp://127\.0\.0\.1:1 within 0\.2 s"):
        describe("tcp://127.0.0.1:1", timeout=0.2)
    assert time.monotonic() - began < 3


@pytest.mark.parametrize(
    ("answer", "said"), [(b"hello", "not JSON"), (b"3", "not JSON"), (b'{"ok":true}', "without streams")]
)
def test_describe_refuses_other_services(answer, said):
    context = zmq.Context()
    with context.socket(zmq.REP) as socket:
        port = socket.bind_to_random_port("tcp://127.0.0.1")
        thread = threading.Thread(target=lambda: (socket.recv(), socket.send(answer)))
        thread.start()
        with pytest.raises(ConnectionError, match=said):
            describe(f"tcp://127.0.0.1:{port}")
        thread.join()
    context.term()


@pytest.mark.parametrize("function", [describe, Subscriber])
def test_a_bad_endpoint_is_named(function):
    with pytest.raises((ConnectionError, ValueError), match=r"'nowhere'.*tcp://HOST:PORT"):
        function("nowhere")


def test_a_wildcard_address_is_replaced_by_the_control_host():
    assert connectable("tcp://*:5570", "tcp://10.0.0.2:5571") == "tcp://10.0.0.2:5570"
    assert connectable("tcp://0.0.0.0:5570", "tcp://box:5571") == "tcp://box:5570"
    assert connectable("tcp://127.0.0.1:5570", "tcp://127.0.0.1:5571") == "tcp://127.0.0.1:5570"
    assert connectable("tcp://[::]:5570", "tcp://[::1]:5571") == "tcp://[::1]:5570"
    assert connectable("tcp://[::1]:5570", "tcp://[::1]:5571") == "tcp://[::1]:5570"
    assert connectable("[", "]") == "["


def command(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "clients.python", *arguments], capture_output=True, text=True, timeout=30, check=False
    )


def test_command_prints_a_line_a_second():
    with fake.Engine() as engine:
        done = command("--control", engine.endpoint, "--seconds", "2")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "session 5" in lines[0]
    assert sum("capture to here" in line and "mouthSmileLeft +0.50" in line for line in lines) >= 1


def test_command_without_an_engine_fails_in_one_line():
    done = command("--control", "tcp://127.0.0.1:1")
    assert done.returncode == 1
    assert done.stderr.startswith("error: no engine answers") and done.stderr.count("\n") == 1


def test_command_ends_cleanly_on_sigterm():
    with fake.Engine() as engine:
        process = subprocess.Popen(
            [sys.executable, "-m", "clients.python", "--control", engine.endpoint],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert "session" in process.stdout.readline()
        process.terminate()
        _, errors = process.communicate(timeout=10)
    assert process.returncode == 0 and errors == ""


def test_command_shows_a_body_s_first_numbers():
    with fake.Engine(dancing=True) as engine:
        done = command("--control", engine.endpoint, "--seconds", "1.5")
    assert done.returncode == 0, done.stderr
    assert "hip.x" in done.stdout and "hip.z" in done.stdout
