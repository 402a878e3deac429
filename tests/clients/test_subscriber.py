"""The subscriber against real sockets: gaps, restarts, garbage, the newest after a stall."""

from __future__ import annotations

import ctypes
import json
import struct
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import zmq

from clients.python import Subscriber, describe
from clients.python.subscriber import KEPT

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


def announce(socket, about, **changed):
    """Send an announcement; returns it as the client knows it."""
    about = about | changed
    socket.send(b"RXA1" + struct.pack("<I", about["session"]) + json.dumps(about).encode())
    return fake.read(about)


FACE = fake.description("tcp://127.0.0.1:1")
BODY = fake.dance("tcp://127.0.0.1:1", outputs=("body", "effort", "face"))


def sent(about, seq, number=0, session=fake.SESSION):
    """A frame of an announced stream, every value its number of frame."""
    stream = next(each for each in about["streams"] if each["stream"] == number)
    return fake.frame(seq, np.full(len(stream["names"]), seq), number, session, stream["layout"])


def test_gaps_are_counted_per_stream(pub, attach):
    subscriber = attach(session=fake.SESSION, announced=fake.read(FACE))
    for seq in (10, 11, 14, 15):
        pub[0].send(sent(FACE, seq))
        pub[0].send(sent(FACE, 2 * seq, number=257))
    frames = drain(subscriber, 8)
    assert [f.seq for f in frames if f.stream == 0] == [10, 11, 14, 15]
    assert subscriber.lost == {0: 2, 257: 1 + 5 + 1}
    np.testing.assert_array_equal(frames[0].values, np.full(58, 10, np.float32))


def test_a_restart_is_no_gap(pub, attach):
    subscriber = attach()
    for session, seqs in ((5, (100, 101)), (5, (0, 1)), (6, (40, 41))):
        pub[0].send(sent(FACE, seqs[0], session=session))
        announce(pub[0], FACE, session=session)
        pub[0].send(sent(FACE, seqs[1], session=session))
    frames = drain(subscriber, 6)
    assert [(f.session, f.seq, f.run) for f in frames] == [
        (5, 100, 0),
        (5, 101, 0),
        (5, 0, 1),
        (5, 1, 1),
        (6, 40, 2),
        (6, 41, 2),
    ]
    assert subscriber.lost == {0: 0} and subscriber.run == 2


def test_frames_wait_for_the_announcement_that_they_belong_to(pub, attach):
    """After a restart with another bundle numbers are never read under the names of the one before."""
    subscriber = attach()
    announce(pub[0], FACE)
    pub[0].send(sent(FACE, 500))
    assert drain(subscriber, 1)[0].named()["headPitch"] == 500
    pub[0].send(sent(BODY, 3))
    pub[0].send(sent(BODY, 3, number=1))
    assert subscriber.receive(0.3) == [] and not subscriber.settled
    new = announce(pub[0], BODY)
    body, effort = drain(subscriber, 2)
    assert (body.info, effort.info) == new.streams[:2] and body.engine == new
    assert len(body.named()) == 81 and list(effort.named()) == fake.LEVELS
    assert list(body.joints()) == new.skeletons["cmu"]["joints"]
    np.testing.assert_array_equal(body.joints()["lFoot"], np.full(3, 3, np.float32))
    with pytest.raises(ValueError, match="'effort' is chances:effort and no body"):
        effort.joints()


def test_the_same_layout_of_another_run_waits_too(pub, attach):
    """Its skeleton, its controls and its bundle may be others."""
    subscriber = attach(announced=fake.read(BODY))
    pub[0].send(sent(BODY, 500))
    pub[0].send(sent(BODY, 2))
    assert [f.seq for f in drain(subscriber, 1)] == [500]
    announce(pub[0], BODY, bundle="other")
    pub[0].send(sent(BODY, 3))
    assert [(f.seq, f.engine.bundle) for f in drain(subscriber, 2)] == [(2, "other"), (3, "other")]


def test_a_run_that_its_announcement_alone_tells_from_the_one_before_loses_nothing(pub, attach):
    """The first engine ended so soon that the numbers of the second went on from its."""
    subscriber = attach(announced=fake.read(FACE))
    pub[0].send(sent(FACE, 1))
    pub[0].send(sent(BODY, 5))
    announce(pub[0], BODY)
    assert [(f.seq, f.run, len(f.named())) for f in drain(subscriber, 2)] == [(1, 0, 58), (5, 1, 81)]
    assert subscriber.undescribed == subscriber.mismatched == 0


def test_what_nobody_describes_is_counted(pub, attach):
    subscriber = attach()
    for seq in range(KEPT + 3):
        pub[0].send(sent(FACE, seq))
    for _ in range(100):  # until all have come, however busy the machine is
        assert subscriber.receive(0.1) == []
        if subscriber.undescribed == 3:
            break
    announce(pub[0], FACE)
    assert [f.seq for f in drain(subscriber, KEPT)] == list(range(3, KEPT + 3))
    assert subscriber.undescribed == 3


def test_a_stream_is_chosen_by_its_codec_whatever_its_number(pub, attach):
    subscriber = attach(codec="arkit58")
    announce(pub[0], FACE)
    for number in (0, 257):
        pub[0].send(sent(FACE, 9, number))
    announce(pub[0], BODY)
    for number in (0, 1, 2):
        pub[0].send(sent(BODY, 1, number))
    assert [(f.run, f.stream, f.info.codec) for f in drain(subscriber, 2)] == [(0, 0, "arkit58"), (1, 2, "arkit58")]
    assert set(subscriber.lost) == {0, 2}


def test_other_sessions_streams_and_garbage_are_ignored(pub, attach):
    subscriber = attach(session=fake.SESSION, stream=0, announced=fake.read(FACE))
    prefix = b"RXN1" + struct.pack("<IH", fake.SESSION, 0)
    for message in (prefix, prefix + b"\x09" * 80, b"RXA1" + struct.pack("<I", fake.SESSION) + b"{no json"):
        pub[0].send(message)
    pub[0].send_multipart([prefix, sent(FACE, 3)])
    pub[0].send(sent(FACE, 1, session=9))
    pub[0].send(sent(FACE, 1, number=257))
    pub[0].send(sent(FACE, 2))
    assert [(f.session, f.stream, f.seq) for f in drain(subscriber, 1)] == [(fake.SESSION, 0, 2)]


def test_a_stream_can_be_chosen_without_a_session(pub, attach):
    subscriber = attach(stream=257, announced=fake.read(FACE))
    pub[0].send(sent(FACE, 1))
    pub[0].send(sent(FACE, 4, number=257))
    assert [(f.stream, f.seq) for f in drain(subscriber, 1)] == [(257, 4)]


def test_latest_gives_the_newest_of_each_stream_after_any_stall(pub, attach):
    subscriber = attach(latest=True, announced=fake.read(FACE))
    for seq in range(2000):
        pub[0].send(sent(FACE, seq))
        pub[0].send(sent(FACE, seq, number=257))
        if seq % 100 == 99:  # slowly enough for the publisher's queue
            until(lambda: [f.seq for f in subscriber._frames] == [seq, seq])  # noqa: B023
    assert [(f.stream, f.seq) for f in subscriber.receive(1.0)] == [(0, 1999), (257, 1999)]
    assert subscriber.lost == {0: 0, 257: 0} and subscriber.unread == 0, "what the reader skips itself is not lost"
    pub[0].send(sent(FACE, 2000, number=257))
    pub[0].send(sent(BODY, 1))
    announce(pub[0], BODY)
    until(lambda: [f.seq for f in subscriber._frames] == [1])  # both have come, whatever the machine does beside it
    assert [(f.stream, f.seq) for f in subscriber.receive(1.0)] == [(0, 1)]


def test_iterating_over_the_latest_renews_those_that_wait(pub, attach):
    subscriber = attach(latest=True, announced=fake.read(FACE))
    frames = iter(subscriber)
    for seq in (1, 2):
        for number in (0, 257):
            pub[0].send(sent(FACE, seq, number))
        until(lambda: [f.seq for f in subscriber._frames] == [seq, seq])  # noqa: B023
        assert next(frames).seq == seq


def test_the_latest_is_new_also_after_the_whole_program_stood_still():
    serve = (
        "import time; from tests.clients import fake\nwith fake.Engine(False) as it: print(it.endpoint); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-uc", serve], stdout=subprocess.PIPE, text=True) as engine:
        told = describe(engine.stdout.readline().strip(), timeout=10.0)
        with Subscriber(told.pub, announced=told, latest=True) as subscriber:
            before = subscriber.receive(10.0)[-1].seq
            until(lambda: subscriber._frames)
            ctypes.PyDLL(None).usleep(1_500_000)  # it holds the interpreter: no thread runs
            assert subscriber.receive(1.0)[-1].seq > before + 15
        engine.kill()


def test_old_frames_are_not_handed_out_while_newer_ones_come_in(pub, attach, monkeypatch):
    monkeypatch.setattr("clients.python.subscriber.CATCH_UP_S", 20.0)
    subscriber = attach(latest=True, announced=fake.read(FACE))
    pub[0].send(sent(FACE, 1))
    until(lambda: subscriber._frames)
    subscriber.heard -= 1.0
    late = threading.Timer(0.05, lambda: pub[0].send(sent(FACE, 2)))
    late.start()
    assert [f.seq for f in subscriber.receive(1.0)] == [2]
    late.join()


def test_the_frames_of_a_session_that_is_not_described_wait(pub, attach):
    subscriber = attach(announced=fake.read(FACE))
    pub[0].send(sent(FACE, 3, session=9))
    assert subscriber.receive(0.3) == []
    announce(pub[0], FACE, session=9)
    assert [(f.session, f.engine.session) for f in drain(subscriber, 1)] == [(9, 9)]


def test_a_reader_that_stalls_gets_the_newest_frames(pub, attach):
    subscriber = attach(announced=fake.read(FACE))
    for seq in range(KEPT + 100):
        pub[0].send(sent(FACE, seq))
        if seq % 100 == 99:
            until(lambda: subscriber._frames and subscriber._frames[-1].seq == seq)  # noqa: B023
    until(lambda: subscriber._frames[-1].seq == KEPT + 99)
    assert [f.seq for f in subscriber.receive(1.0)] == list(range(100, KEPT + 100)) and subscriber.unread == 100


def until(condition):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)


def test_layout_must_be_the_announced_one(pub, attach):
    subscriber = attach(session=fake.SESSION)
    announce(pub[0], FACE)
    pub[0].send(fake.frame(1, np.zeros(58), layout=FACE["streams"][0]["layout"] ^ 1))
    pub[0].send(fake.frame(2, np.zeros(57), layout=FACE["streams"][0]["layout"]))
    pub[0].send(sent(FACE, 3))
    assert subscriber.announced in (None, fake.read(FACE))
    announce(pub[0], FACE)
    pub[0].send(sent(FACE, 4))
    assert [f.seq for f in drain(subscriber, 2)] == [3, 4]
    assert subscriber.mismatched == 2 and subscriber.announced == fake.read(FACE)


def test_iterating_yields_frames(pub, attach):
    subscriber = attach(announced=fake.read(FACE))
    for seq in range(3):
        pub[0].send(sent(FACE, seq))
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
