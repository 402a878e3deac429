"""The door for speech programs: real sockets, the client to copy, and what strangers may send."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zmq

from clients.python.speaker import Speaker
from engine.access import Access, make_keys, parse_tokens
from engine.clock import FakeClock, MonotonicClock
from engine.errors import EngineError
from engine.feeds.feeds import Feeds
from engine.feeds.words import Word
from engine.speech.messages import LONGEST_MESSAGE
from engine.speech.net import MOST_A_PERIOD, PERIOD_S, NetSpeech
from engine.speech.schedule import SpeechSchedule
from tests.engine.speech.made import RATE, START, own_side

PATIENCE_S = 30.0


class Heard:
    """What reached the feeds, and a way to wait for it."""

    def __init__(self, feeds: Feeds) -> None:
        self.words: list[Word] = []
        self.blocks: list[np.ndarray] = []
        self.changed = threading.Condition()
        feeds.words["self"].listen(self._word)
        feeds.samples["self"].listen(self._sound)

    def _word(self, word: Word) -> None:
        with self.changed:
            self.words.append(word)
            self.changed.notify_all()

    def _sound(self, samples: np.ndarray, end_ns: int) -> None:
        with self.changed:
            self.blocks.append(samples)
            self.changed.notify_all()

    def until(self, fits: Any) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: fits(self), PATIENCE_S)

    @property
    def loud(self) -> np.ndarray:
        whole = np.concatenate(self.blocks) if self.blocks else np.zeros(0, np.float32)
        return whole[whole != 0]


@pytest.fixture()
def door() -> Iterator[tuple[NetSpeech, Heard, Feeds]]:
    feeds = own_side()
    heard = Heard(feeds)
    source = NetSpeech("127.0.0.1:*")
    source.start(feeds, MonotonicClock())
    yield source, heard, feeds
    source.stop()
    assert source.problem is None


def ask(endpoint: str, *parts: bytes) -> dict[str, Any]:
    """The answer to a message of any kind."""
    with zmq.Context() as context, context.socket(zmq.REQ) as socket:
        socket.setsockopt(zmq.LINGER, 0)
        socket.connect(endpoint)
        socket.send_multipart(parts)
        assert socket.poll(1000 * PATIENCE_S)
        return dict(json.loads(socket.recv()))


def test_what_a_program_says_reaches_the_feeds_in_order(door: tuple[NetSpeech, Heard, Feeds]) -> None:
    source, heard, feeds = door
    speaker = Speaker(source.endpoint, PATIENCE_S)
    pcm = (np.arange(1, RATE // 5 + 1) * 5).astype(np.int16)
    answer = speaker.say(pcm, RATE, begin=True)
    assert 0.1 < answer["ahead_s"] <= 0.2 and answer["now_ns"] > 0
    speaker.words([(0.0, 0.1, "good"), (0.1, 0.2, "day")])
    heard.until(lambda now: len(now.words) == 2 and len(now.loud) == len(pcm))
    np.testing.assert_allclose(heard.loud, pcm / np.float32(32768))
    good, day = heard.words
    assert day.start_ns - good.start_ns == 100_000_000 and day.end_ns == day.start_ns + 100_000_000
    assert feeds.speaking["self"].value(day.start_ns) == 1.0
    speaker.speaking(False)
    speaker.close()


def test_the_client_says_what_was_refused_and_goes_on(door: tuple[NetSpeech, Heard, Feeds]) -> None:
    source, heard, _ = door
    speaker = Speaker(source.endpoint, PATIENCE_S)
    with pytest.raises(ValueError, match="7 Hz"):
        speaker.say(np.zeros(100, np.float32), 7)
    with pytest.raises(ValueError, match="before the start"):
        speaker.words([(1.0, 0.5, "back")])
    speaker.say(np.full(160, 0.5, np.float32), RATE, begin=True)
    heard.until(lambda now: len(now.loud) == 160)
    speaker.begin()
    assert speaker.clear()["ahead_s"] == 0.0
    speaker.close()


def test_the_client_tells_when_nobody_answers_and_finds_a_later_engine() -> None:
    first = NetSpeech("127.0.0.1:*")
    first.start(own_side(), MonotonicClock())
    endpoint = first.endpoint
    first.stop()
    speaker = Speaker(endpoint, 0.05)
    with pytest.raises(ConnectionError, match="--speech net"):
        speaker.speaking(True)
    speaker.close()
    second = NetSpeech(endpoint)
    second.start(own_side(), MonotonicClock())
    speaker = Speaker(endpoint, PATIENCE_S)
    assert speaker.speaking(True)["ok"]
    speaker.close()
    second.stop()


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ((b"\xff",), "no message"),
        ((b"",), "no message"),
        ((b"RXS1", b"", b""), "3 parts"),
        ((b'{"words": 1}',), "list"),
    ],
)
def test_strangers_are_answered_in_words(
    door: tuple[NetSpeech, Heard, Feeds], parts: tuple[bytes, ...], words: str
) -> None:
    answer = ask(door[0].endpoint, *parts)
    assert answer["ok"] is False and words in answer["error"]


def test_one_who_sends_too_much_at_once_is_dropped_and_others_are_served(
    door: tuple[NetSpeech, Heard, Feeds],
) -> None:
    source = door[0]
    with zmq.Context() as context, context.socket(zmq.REQ) as socket:
        socket.setsockopt(zmq.LINGER, 0)
        monitor = socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        socket.connect(source.endpoint)
        socket.send(bytes(LONGEST_MESSAGE + 1))
        assert monitor.poll(1000 * PATIENCE_S), "the connection is closed"
        socket.disable_monitor()
        monitor.close()
    assert ask(source.endpoint, b'{"speaking": true}')["ok"]


def test_a_program_that_leaves_before_its_answer_takes_nothing_with_it(door: tuple[NetSpeech, Heard, Feeds]) -> None:
    source, heard, _ = door
    for _ in range(20):
        with zmq.Context() as context, context.socket(zmq.REQ) as socket:
            socket.setsockopt(zmq.LINGER, 1000)
            socket.connect(source.endpoint)
            socket.send(b'{"begin": true, "words": [{"start": 0, "text": "hi"}]}')
    heard.until(lambda now: len(now.words) == 20)
    assert ask(source.endpoint, b'{"clear": true}')["ok"]


class Flood:
    """A door at which there is always one more message."""

    def __init__(self) -> None:
        self.answers: list[dict[str, Any]] = []
        self.served_bytes = 0
        self.socket = self.keeper = self

    def served(self, _: zmq.Frame, size: int) -> None:
        self.served_bytes += size

    def poll(self, _: int) -> int:
        return 1

    def recv_multipart(self, copy: bool) -> list[zmq.Frame]:
        assert not copy
        return [zmq.Frame(b'{"words": [{"start": 0.5, "text": "hi"}]}')]

    def send(self, answer: bytes) -> None:
        self.answers.append(json.loads(answer))


def test_sound_goes_on_beside_one_who_sends_without_end() -> None:
    feeds = own_side()
    heard = Heard(feeds)
    clock = FakeClock(START)
    schedule = SpeechSchedule(feeds, START)
    source, flood = NetSpeech("127.0.0.1:5572"), Flood()
    for _ in range(10):
        due_ns = clock.now_ns() + round(PERIOD_S * 1e9)
        source._answer(flood, schedule, clock, due_ns)  # type: ignore[arg-type]
        assert clock.now_ns() == due_ns, "who sends so much has to wait"
        schedule.release(clock.now_ns())
    assert len(flood.answers) == 10 * MOST_A_PERIOD
    assert flood.served_bytes == 41 * len(flood.answers), "the doorkeeper is told of all that was taken in"
    assert sum(len(block) for block in heard.blocks) == round(10 * PERIOD_S * RATE)


@pytest.mark.parametrize(
    "address",
    ["0.0.0.0:5572", "tcp://*:5572", "tcp://192.168.1.5:5572", "5572", "127.0.0.1", "host:1", "udp://127.0.0.1:1"],
)
def test_without_keys_it_is_bound_on_this_machine_alone(address: str) -> None:
    with pytest.raises(EngineError, match=r"--speech net.*others reach this machine"):
        NetSpeech(address)
    assert NetSpeech(address, Access(insecure=True))


def test_with_a_token_file_a_program_shows_a_token() -> None:
    rights, anyone = parse_tokens("speaks-like-this-1234 set\nlooks-like-this-12345 describe")
    source = NetSpeech("127.0.0.1:*", Access(tokens=rights, anyone=anyone))
    source.start(own_side(), MonotonicClock())
    message = b'{"speaking": true}'
    try:
        for parts in ((message,), (b"", message), (b"looks-like-this-12345", message), (b"\xff" * 300, message)):
            answer = ask(source.endpoint, *parts)
            assert not answer["ok"] and "right 'set'" in answer["error"]
        assert ask(source.endpoint, b"speaks-like-this-1234", message)["ok"]
        speaker = Speaker(source.endpoint, PATIENCE_S, token="speaks-like-this-1234")
        assert speaker.speaking(False)["ok"]
        speaker.close()
    finally:
        source.stop()


def test_with_keys_only_a_program_that_has_one_comes_in(tmp_path: Path) -> None:
    make_keys(tmp_path)
    source = NetSpeech("127.0.0.1:*", Access.of(tmp_path))
    source.start(own_side(), MonotonicClock())
    try:
        stranger = Speaker(source.endpoint, 0.3)
        with pytest.raises(ConnectionError):
            stranger.speaking(True)
        stranger.close()
        known = Speaker(source.endpoint, PATIENCE_S, keys=tmp_path)
        assert known.speaking(True)["ok"]
        known.close()
    finally:
        source.stop()


@pytest.mark.parametrize("address", ["localhost:*", "tcp://127.0.0.1:*", "127.0.0.5:*", "[::1]:*"])
def test_addresses_of_this_machine(address: str) -> None:
    source = NetSpeech(address)
    try:
        source.start(own_side(), MonotonicClock())
    except EngineError:
        assert "::1" in address, "a machine may have no IPv6"
    else:
        assert ask_ipv6(source.endpoint)["ok"]
        assert source.describe()["endpoint"] == source.endpoint
    source.stop()
    source.stop()


def ask_ipv6(endpoint: str) -> dict[str, Any]:
    with zmq.Context() as context, context.socket(zmq.REQ) as socket:
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.IPV6, 1)
        socket.connect(endpoint)
        socket.send(b'{"speaking": null}')
        assert socket.poll(1000 * PATIENCE_S)
        return dict(json.loads(socket.recv()))


def test_an_address_that_is_taken_is_told(door: tuple[NetSpeech, Heard, Feeds]) -> None:
    other = NetSpeech(door[0].endpoint)
    with pytest.raises(EngineError, match=r"in use.*--speech net"):
        other.start(own_side(), MonotonicClock())
    other.stop()


def test_stopped_before_it_starts_it_is_over() -> None:
    source = NetSpeech("127.0.0.1:*")
    source.stop()
    assert not source.finished and source.problem is None
