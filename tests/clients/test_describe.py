"""Asking an engine what it is: its reply, and the errors of what is none."""

from __future__ import annotations

import threading
import time

import pytest
import zmq

from clients.python import Subscriber, connectable, describe

from . import fake


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
